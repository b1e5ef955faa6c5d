//! Places the order of a story before the play, and compares its status with the story afterwards.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use console::{BadUsage, pluralize, print_line};
use domain::OrderStatus;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{
    CheckCount,
    file::{Story, StoryParcel},
};
use crate::api_client::{Client, Placed, Refused};

/// The price of one unit, in cents.
const PRICE: u32 = 1000;
/// How long before its first scan the order is placed, if the story does not say when.
const PLACED_BEFORE_FIRST_SCAN: TimeDelta = TimeDelta::hours(1);
/// How long to wait until the server has read all posted webhooks.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to ask the server while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How far the server's clock may be behind the local clock.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// The API client of a merchant, and the order that it placed for the story.
pub struct Shop {
    client: Client,
    pub order: Placed,
}

/// The answer to the query `WAITING`: how many webhooks were not read yet.
#[derive(Deserialize)]
struct Inbox {
    webhooks: Waiting,
}

/// The answer to the query `LOOK`: the order and its shipments after the story.
#[derive(Deserialize)]
struct Seen {
    order: Option<Order>,
}

#[derive(Deserialize)]
struct Order {
    status: String,
    closed: Option<Closed>,
    shipments: Vec<Shipment>,
}

/// The fact that the order is closed. Its parts are not compared.
#[derive(Deserialize)]
struct Closed {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shipment {
    id: String,
    carrier: String,
    tracking_number: String,
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    total_count: usize,
}

const WAITING: &str = "query($since: DateTime!) {
  webhooks(filter: { states: [PENDING], since: $since }, first: 1) { totalCount }
}";
const LOOK: &str = "query($id: ID!) {
  order(id: $id) { status closed { at } shipments { id carrier trackingNumber status } }
}";

const CANCEL_SHIPMENT: &str = "mutation($input: CancelShipmentInput!) { cancelShipment(input: $input) {
    __typename ... on Problem { message } ... on ShipmentRefused { code } } }";
const CANCEL_ITEMS: &str = "mutation($input: CancelItemsInput!) { cancelItems(input: $input) {
    __typename ... on CancelItemsSuccess { changed } ... on Problem { message } } }";
/// The reason for which a story calls off a parcel.
const CALLED_OFF: &str = "it will not arrive";

impl Shop {
    /// Places an order with the units of all parcels that are not sent back, confirms its payment, and registers the shipments.
    pub async fn open(
        client: Client,
        story: &Story,
        email: &str,
        begin: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let units: u32 = story.outbound_parcels().map(|parcel| parcel.units).sum();
        // A scan more than a day older than its order would count as a scan of another parcel.
        let before_all = story.earliest().map_or(begin, |first| begin.min(first - PLACED_BEFORE_FIRST_SCAN));
        let placed_at = story.placed_at.map_or(before_all, |at| at.to_utc());
        let order = client
            .place(json!({
                "userId": Uuid::now_v7(),
                "customerEmail": email,
                "totalCents": units * PRICE,
                "items": [{ "sku": "STORY", "name": "A unit of a story", "quantity": units }],
                "placedAt": placed_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                "notes": format!("milepost scan --story: {}", story.title),
            }))
            .await
            .map_err(|error| not_done(error, "the order could not be placed"))?;
        let shop = Self { client, order };
        if let Err(error) = shop.pack(story).await {
            // The order stays on the server after this failure, so print its id.
            print_line(format!("  order {}, placed and not packed: {}", shop.order.id, shop.order.page))?;
            return Err(error);
        }
        Ok(shop)
    }

    /// Takes the order to `processing`, and registers each parcel that is not sent back as a shipment.
    async fn pack(&self, story: &Story) -> anyhow::Result<()> {
        let Self { client, order } = self;
        for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
            let answer = client.move_order(order, status).await;
            answer
                .and_then(|answer| Ok(answer.ensure_granted()?))
                .map_err(|error| not_done(error, status.as_str()))?;
        }
        for parcel in story.outbound_parcels() {
            let registered = client.register(order, parcel.carrier, &parcel.tracking, Some(parcel.units));
            let answer = registered.await.and_then(|answer| Ok(answer.ensure_granted()?));
            answer.map_err(|error| not_done(error, &format!("parcel {}", parcel.name)))?;
        }
        Ok(())
    }

    /// Cancels the shipment of a parcel and then its units, as a merchant does with a parcel that will not arrive.
    /// First waits until the server has read all posted webhooks.
    pub async fn call_off(&self, parcel: &StoryParcel, begin: DateTime<Utc>) -> anyhow::Result<()> {
        self.wait_until_read(begin).await?;
        let seen: Seen = self.client.ask(LOOK, json!({ "id": self.order.id })).await?;
        let order = seen.order.context("--orders: the order is gone")?;
        let its = |shipment: &&Shipment| is_shipment_of(shipment, parcel);
        let shipment = order.shipments.iter().find(its).context("--orders: the shipment is gone")?;
        let input = json!({ "shipmentId": shipment.id, "reason": CALLED_OFF });
        let units = json!({
            "orderId": self.order.id,
            "items": [{ "itemId": self.order.item, "quantity": parcel.units }],
            "reason": CALLED_OFF,
        });
        for (name, query, input) in
            [("cancelShipment", CANCEL_SHIPMENT, input), ("cancelItems", CANCEL_ITEMS, units)]
        {
            let answer = self.client.mutate(name, query, input).await;
            answer
                .and_then(|answer| Ok(answer.ensure_granted()?))
                .map_err(|error| not_done(error, &format!("{name} of parcel {}", parcel.name)))?;
        }
        Ok(())
    }

    /// Waits until the server has read all posted webhooks, prints the final status of each shipment and of the order,
    /// and counts how many are as the story expects.
    pub async fn compare(&self, story: &Story, begin: DateTime<Utc>) -> anyhow::Result<CheckCount> {
        let waiting = self.wait_until_read(begin).await?;
        if waiting > 0 {
            print_line("")?;
            print_line(format!("{} still to be read", pluralize(waiting, "webhook")))?;
        }
        // A separate query, after the inbox is empty: one query for both would read its parts one after the other, and
        // could show the order as it was before the last webhook.
        let seen: Seen = self.client.ask(LOOK, json!({ "id": self.order.id })).await?;
        let order = seen.order.context("--orders: the order is gone")?;
        let names = story.parcels.iter().map(|parcel| parcel.name.chars().count()).max();
        let width = names.unwrap_or_default().max("order".len());
        let mut checks = CheckCount::default();
        print_line("")?;
        for parcel in &story.parcels {
            let its = |shipment: &&Shipment| is_shipment_of(shipment, parcel);
            let status = order.shipments.iter().find(its).map_or("gone", |shipment| &shipment.status);
            let told = verdict(status, parcel.ends.map(|status| status.as_str()), &mut checks);
            print_line(format!("  {:<width$}  {told}", parcel.name))?;
        }
        let told = verdict(&order.status, story.order_ends.map(OrderStatus::as_str), &mut checks);
        print_line(format!("  {:<width$}  {told}", "order"))?;
        if let Some(expected) = story.order_closed {
            let name = |is_closed| if is_closed { "closed" } else { "open" };
            let told = verdict(name(order.closed.is_some()), Some(name(expected)), &mut checks);
            print_line(format!("  {:<width$}  {told}", ""))?;
        }
        Ok(checks)
    }

    /// The API client of the merchant.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until all webhooks received since `begin` are read, at most [`PATIENCE`]. Returns how many are still
    /// unread.
    pub(super) async fn wait_until_read(&self, begin: DateTime<Utc>) -> anyhow::Result<usize> {
        let deadline = Instant::now() + PATIENCE;
        let variables = json!({ "since": (begin - MAX_CLOCK_SKEW).to_rfc3339() });
        loop {
            let inbox: Inbox = self.client.ask(WAITING, variables.clone()).await?;
            let waiting = inbox.webhooks.total_count;
            if waiting == 0 || Instant::now() > deadline {
                return Ok(waiting);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

fn is_shipment_of(shipment: &Shipment, parcel: &StoryParcel) -> bool {
    shipment.carrier == parcel.carrier.as_str() && shipment.tracking_number == parcel.tracking
}

/// Turns a failure of the API into the error to print. If the server refused an argument of the command line, the error
/// names that argument; else it names `--orders` and the step `what`.
pub(super) fn not_done(error: anyhow::Error, what: &str) -> anyhow::Error {
    let argument = match error.downcast_ref::<Refused>() {
        // The first two codes come from the whole request, the third from a mutation.
        Some(Refused { code, .. })
            if ["UNAUTHENTICATED", "FORBIDDEN", "Forbidden"].contains(&code.as_str()) =>
        {
            Some("--token")
        }
        Some(Refused { field: Some(field), .. }) if field == "customerEmail" => Some("--email"),
        Some(_) | None => None,
    };
    match argument {
        Some(argument) => BadUsage { argument, problem: error.to_string() }.into(),
        None => error.context(format!("--orders: {what}")),
    }
}

/// Describes a final status, compares it with the expected one if there is one, and counts the result.
fn verdict(status: &str, expected: Option<&str>, checks: &mut CheckCount) -> String {
    let status = status.to_ascii_lowercase();
    let Some(expected) = expected else { return status };
    let right = status == expected;
    checks.add(right);
    if right { format!("✓ {status}") } else { format!("✗ {status}, {expected} was expected") }
}
