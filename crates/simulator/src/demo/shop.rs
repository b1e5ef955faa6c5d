//! The people and systems of the demo, each with an API client. Each of their actions is one GraphQL mutation;
//! `race_for_transition` sends several at once.
//!
//! Called by `demo::story`, and by `demo::simulation` for the orders after the story. A refusal by the server is an
//! answer (`Ok`), because the story expects some; only in `place_order` it is an error. `who` is the caller who sends
//! the request; without it the shop system sends it. [`Shop::new`] issues the tokens and sends nothing.

use std::iter;

use anyhow::Context;
use domain::{Actor, ActorKind, FulfillmentPath, OrderStatus, Origin};
use futures::future::try_join_all;
use serde_json::json;
use uuid::Uuid;

use super::{Installation, carrier::DemoParcel};
use crate::api_client::{Client, MutationAnswer, Placed, to_graphql_enum};

/// The address to which Ada's notifications go.
pub const ADAS_ADDRESS: &str = "ada@example.org";

/// A caller of the API in the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The customer of all orders.
    Ada,
    /// Another customer, who must not see the orders.
    Eve,
    /// A member of support, whose token GraphiQL gets.
    Sam,
    /// The merchant's shop system, with the role system.
    Shop,
}

/// The API clients of all callers, each with its own token.
pub struct Shop {
    ada: Client,
    eve: Client,
    sam: Client,
    shop: Client,
    adas_id: Uuid,
}

/// An order to place, with one item.
#[derive(Clone, Debug)]
pub struct Order {
    /// The merchant's order number.
    pub reference: String,
    pub item: &'static str,
    /// The quantity of the item.
    pub units: u32,
    /// The total price, in cents.
    pub cents: u32,
    /// The planned way of fulfilment.
    pub path: FulfillmentPath,
    /// Where the item is planned to come from.
    pub origin: Origin,
}

impl Shop {
    /// Creates the clients, and a token for each.
    pub fn new(demo: &Installation) -> anyhow::Result<Self> {
        let adas_id = Uuid::now_v7();
        let client =
            |kind, id: String| Client::without_proxy(&demo.url, (demo.issue_token)(&Actor::new(kind, id))?);
        Ok(Self {
            ada: client(ActorKind::Customer, adas_id.to_string())?,
            eve: client(ActorKind::Customer, Uuid::now_v7().to_string())?,
            sam: client(ActorKind::Support, "sam".to_owned())?,
            shop: client(ActorKind::System, "shop".to_owned())?,
            adas_id,
        })
    }

    pub fn client(&self, who: Who) -> &Client {
        match who {
            Who::Ada => &self.ada,
            Who::Eve => &self.eve,
            Who::Sam => &self.sam,
            Who::Shop => &self.shop,
        }
    }

    /// Places an order for Ada. The shop system does it, because customers may set neither a supplier nor a reference.
    pub async fn place_order(&self, order: &Order) -> anyhow::Result<Placed> {
        let origin =
            json!({ "kind": to_graphql_enum(order.origin.kind.as_str()), "code": order.origin.code });
        let sku = order.item.to_ascii_uppercase().replace(' ', "-");
        let input = json!({
            "userId": self.adas_id,
            "customerEmail": ADAS_ADDRESS,
            "reference": order.reference,
            "totalCents": order.cents,
            "fulfillmentPath": to_graphql_enum(order.path.as_str()),
            "items": [{ "sku": sku, "name": order.item, "quantity": order.units, "origin": origin }],
        });
        self.shop.place_order(input).await
    }

    pub async fn request_transition(
        &self,
        who: Who,
        order: &Placed,
        to: OrderStatus,
    ) -> anyhow::Result<MutationAnswer> {
        self.client(who).request_transition(order, to).await
    }

    /// Sends the same request `competitors` times at once.
    pub async fn race_for_transition(
        &self,
        competitors: usize,
        order: &Placed,
        to: OrderStatus,
    ) -> anyhow::Result<Vec<MutationAnswer>> {
        try_join_all(iter::repeat_with(|| self.request_transition(Who::Shop, order, to)).take(competitors))
            .await
    }

    pub async fn cancel_order(
        &self,
        who: Who,
        order: &Placed,
        reason: &str,
    ) -> anyhow::Result<MutationAnswer> {
        let input = json!({ "orderId": order.id, "reason": reason });
        self.client(who).mutate("cancelOrder", CANCEL, input).await
    }

    pub async fn cancel_shipment(
        &self,
        order: &Placed,
        parcel: &DemoParcel,
        reason: &str,
    ) -> anyhow::Result<MutationAnswer> {
        let shipment = self.sam.find_shipment_id(order, &parcel.number).await?;
        let input = json!({ "shipmentId": shipment, "reason": reason });
        self.sam.mutate("cancelShipment", CANCEL_SHIPMENT, input).await
    }

    /// Registers a shipment with `units` units; `None`: with all units that are in no shipment yet.
    pub async fn register_shipment(
        &self,
        order: &Placed,
        parcel: &DemoParcel,
        units: Option<u32>,
    ) -> anyhow::Result<MutationAnswer> {
        let carrier = parcel.carrier.carrier().context("a parcel of the demo without a carrier")?;
        self.shop.register_shipment(order, carrier, &parcel.number, units).await
    }
}

const CANCEL_SHIPMENT: &str = "mutation($input: CancelShipmentInput!) { cancelShipment(input: $input) {
    __typename ... on Problem { message } ... on ShipmentRefused { code } } }";
const CANCEL: &str = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) {
    __typename ... on CancelOrderSuccess { changed } ... on Problem { message }
    ... on InvalidTransition { allowed blockedBy { code } } } }";
