//! What people and systems do in the demo, each as one GraphQL mutation.

use std::iter;

use anyhow::Context;
use api::auth::{Claims, Tokens};
use app::Clock;
use chrono::TimeDelta;
use domain::{FulfillmentPath, OrderStatus, Origin};
use futures::future::try_join_all;
use serde_json::json;
use uuid::Uuid;

use super::carrier::DemoParcel;
use crate::api_client::{Client, MutationAnswer, Placed, enum_name};

/// How long the demo's tokens are good for.
const TOKENS_FOR: TimeDelta = TimeDelta::hours(24);
/// Where Ada's mails go.
pub const ADAS_ADDRESS: &str = "ada@example.org";

/// Who acts in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The customer whose orders these are.
    Ada,
    /// Another customer.
    Eve,
    /// A person of support.
    Sam,
    /// The merchant's shop system.
    Shop,
}

/// Everybody, each with a token of their own.
pub struct Shop {
    ada: Client,
    eve: Client,
    sam: Client,
    shop: Client,
    adas_id: Uuid,
}

/// An order to be placed.
#[derive(Clone, Debug)]
pub struct Order {
    /// The merchant's own number.
    pub reference: String,
    /// What is ordered: one line.
    pub item: &'static str,
    /// How many of it.
    pub units: u32,
    /// What all of it costs, in cents.
    pub cents: u32,
    /// The plan.
    pub path: FulfillmentPath,
    /// Where it is planned to come from.
    pub origin: Origin,
}

impl Shop {
    /// Everybody who calls the server at that address.
    pub fn open(url: &str, tokens: &Tokens) -> anyhow::Result<Self> {
        let adas_id = Uuid::now_v7();
        let exp = (Clock::System.now() + TOKENS_FOR).timestamp();
        let client = |role: &str, sub: String| {
            let assertions = Claims { sub: Some(sub), role: role.to_owned(), exp, ..Claims::default() };
            Client::without_proxy(url, tokens.issue(&assertions)?)
        };
        Ok(Self {
            ada: client("customer", adas_id.to_string())?,
            eve: client("customer", Uuid::now_v7().to_string())?,
            sam: client("support", "sam".to_owned())?,
            shop: client("system", "shop".to_owned())?,
            adas_id,
        })
    }

    /// Somebody's client.
    pub fn client(&self, who: Who) -> &Client {
        match who {
            Who::Ada => &self.ada,
            Who::Eve => &self.eve,
            Who::Sam => &self.sam,
            Who::Shop => &self.shop,
        }
    }

    /// The shop's checkout places an order for Ada: a customer names neither suppliers nor the merchant's numbers.
    pub async fn place(&self, order: &Order) -> anyhow::Result<Placed> {
        let origin = json!({ "kind": enum_name(order.origin.kind.as_str()), "code": order.origin.code });
        let sku = order.item.to_ascii_uppercase().replace(' ', "-");
        let input = json!({
            "userId": self.adas_id,
            "customerEmail": ADAS_ADDRESS,
            "reference": order.reference,
            "totalCents": order.cents,
            "fulfillmentPath": enum_name(order.path.as_str()),
            "items": [{ "sku": sku, "name": order.item, "quantity": order.units, "origin": origin }],
        });
        self.shop.place(input).await
    }

    /// Somebody asks for a status.
    pub async fn move_order(
        &self,
        who: Who,
        order: &Placed,
        to: OrderStatus,
    ) -> anyhow::Result<MutationAnswer> {
        self.client(who).move_order(order, to).await
    }

    /// So many callers ask for the same status at the same moment.
    pub async fn race(
        &self,
        competitors: usize,
        order: &Placed,
        to: OrderStatus,
    ) -> anyhow::Result<Vec<MutationAnswer>> {
        try_join_all(iter::repeat_with(|| self.move_order(Who::Shop, order, to)).take(competitors)).await
    }

    /// Somebody cancels an order.
    pub async fn cancel(&self, who: Who, order: &Placed, reason: &str) -> anyhow::Result<MutationAnswer> {
        let input = json!({ "orderId": order.id, "reason": reason });
        self.client(who).mutate("cancelOrder", CANCEL, input).await
    }

    /// The shop registers a parcel: with so many units, or with all that wait.
    pub async fn register(
        &self,
        order: &Placed,
        parcel: &DemoParcel,
        units: Option<u32>,
    ) -> anyhow::Result<MutationAnswer> {
        let carrier = parcel.carrier.carrier().context("a parcel of the demo without a carrier")?;
        self.shop.register(order, carrier, &parcel.number, units).await
    }
}

const CANCEL: &str = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) {
    __typename ... on TransitionOrderSuccess { changed } ... on Problem { message }
    ... on InvalidTransition { allowed blockedBy { code } } } }";
