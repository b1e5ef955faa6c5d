//! What people and systems do in the demo, each as one GraphQL mutation.

use std::iter;

use anyhow::{Context, bail};
use api::auth::{Claims, Tokens};
use app::Clock;
use chrono::TimeDelta;
use domain::{FulfillmentPath, OrderStatus, Origin};
use futures::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{carrier::Parcel, client::Client};

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

/// An order that was placed.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its id.
    pub id: String,
    /// The id of its one line.
    pub item: String,
    /// The customer's page.
    pub page: String,
}

/// What the API answered to a mutation.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    #[serde(rename = "__typename")]
    kind: String,
    changed: Option<bool>,
    message: Option<String>,
    code: Option<String>,
    blocked_by: Option<Blocker>,
    #[serde(default)]
    allowed: Vec<String>,
    asked: Option<u32>,
    ordered: Option<u32>,
    allocated: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Blocker {
    code: String,
}

impl Answer {
    /// Whether it was granted and changed something.
    pub fn changed(&self) -> Option<bool> {
        self.changed
    }

    /// The name of the refusal and the reason in words; nothing where it was granted.
    pub fn refusal(&self) -> Option<(&str, String)> {
        let message = self.message.clone()?;
        let code = self.blocked_by.as_ref().map(|blocker| &blocker.code).or(self.code.as_ref());
        let reason = match (self.asked, self.ordered, self.allocated) {
            // The message names the item by its id, which says little on a screen.
            (Some(asked), Some(ordered), Some(allocated)) => {
                format!("asked {asked}, ordered {ordered}, in parcels already {allocated}")
            }
            _ => message,
        };
        Some((code.unwrap_or(&self.kind), reason))
    }

    /// Nothing, where it was granted.
    pub fn granted(&self) -> anyhow::Result<()> {
        match self.refusal() {
            Some((name, reason)) => bail!("refused, {name}: {reason}"),
            None => Ok(()),
        }
    }

    /// What could be asked for instead of the status that was refused.
    pub fn allowed(&self) -> &[String] {
        &self.allowed
    }
}

impl Shop {
    /// Everybody who calls the server at that address.
    pub fn open(url: &str, tokens: &Tokens) -> anyhow::Result<Self> {
        let adas_id = Uuid::now_v7();
        let exp = (Clock::System.now() + TOKENS_FOR).timestamp();
        let client = |role: &str, sub: String| {
            let claims = Claims { sub: Some(sub), role: role.to_owned(), supplier: None, exp };
            Client::new(url, tokens.issue(&claims)?)
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

    /// Ada places an order.
    pub async fn place(&self, order: &Order) -> anyhow::Result<Placed> {
        let origin = json!({ "kind": word(order.origin.kind.as_str()), "code": order.origin.code });
        let sku = order.item.to_ascii_uppercase().replace(' ', "-");
        let input = json!({
            "userId": self.adas_id,
            "customerEmail": ADAS_ADDRESS,
            "reference": order.reference,
            "totalCents": order.cents,
            "fulfillmentPath": word(order.path.as_str()),
            "items": [{ "sku": sku, "name": order.item, "quantity": order.units, "origin": origin }],
        });
        let data: Value = self.ada.ask(PLACE, json!({ "input": input })).await?;
        let text = |at: &str| data.pointer(at).and_then(Value::as_str).map(str::to_owned);
        Ok(Placed {
            id: text("/placeOrder/order/id").with_context(|| format!("not placed: {data}"))?,
            item: text("/placeOrder/order/items/0/id").context("an order without items")?,
            page: text("/placeOrder/order/trackingUrl").context("an order without a page")?,
        })
    }

    /// Somebody asks for a status.
    pub async fn bring(&self, who: Who, order: &Placed, to: OrderStatus) -> anyhow::Result<Answer> {
        let input = json!({ "orderId": order.id, "to": word(to.as_str()) });
        self.answer(who, BRING, "transitionOrder", input).await
    }

    /// So many callers ask for the same status at the same moment.
    pub async fn race(&self, rivals: usize, order: &Placed, to: OrderStatus) -> anyhow::Result<Vec<Answer>> {
        try_join_all(iter::repeat_with(|| self.bring(Who::Shop, order, to)).take(rivals)).await
    }

    /// Somebody cancels an order.
    pub async fn cancel(&self, who: Who, order: &Placed, reason: &str) -> anyhow::Result<Answer> {
        let input = json!({ "orderId": order.id, "reason": reason });
        self.answer(who, CANCEL, "cancelOrder", input).await
    }

    /// The shop registers a parcel: with so many units, or with all that wait.
    pub async fn register(
        &self,
        order: &Placed,
        parcel: &Parcel,
        units: Option<u32>,
    ) -> anyhow::Result<Answer> {
        let items = units.map(|units| json!([{ "itemId": order.item, "quantity": units }]));
        let input = json!({
            "orderId": order.id,
            "carrier": word(parcel.carrier.as_str()),
            "trackingNumber": parcel.number,
            "items": items,
        });
        self.answer(Who::Shop, REGISTER, "createShipment", input).await
    }

    async fn answer(&self, who: Who, query: &str, field: &str, input: Value) -> anyhow::Result<Answer> {
        let mut data: Value = self.client(who).ask(query, json!({ "input": input })).await?;
        serde_json::from_value(data[field].take()).with_context(|| format!("the answer to {field}"))
    }
}

/// A word of the domain as GraphQL spells it.
pub fn word(name: &str) -> String {
    name.to_ascii_uppercase()
}

const PLACE: &str = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
    __typename ... on PlaceOrderSuccess { order { id trackingUrl items { id } } } ... on Problem { message } } }";
const BRING: &str = "mutation($input: TransitionOrderInput!) { transitionOrder(input: $input) {
    __typename ... on TransitionOrderSuccess { changed } ... on Problem { message }
    ... on InvalidTransition { allowed blockedBy { code } } } }";
const CANCEL: &str = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) {
    __typename ... on TransitionOrderSuccess { changed } ... on Problem { message }
    ... on InvalidTransition { allowed blockedBy { code } } } }";
const REGISTER: &str = "mutation($input: CreateShipmentInput!) { createShipment(input: $input) {
    __typename ... on Problem { message } ... on ShipmentRefused { code }
    ... on OverAllocated { asked ordered allocated } } }";
