//! The merchant of a story: places its order before the play, makes requests between the webhooks, and compares the
//! status of the order with the story afterwards. Used with `--orders`
//! only.
//!
//! 1. `story::run` calls [`Shop::place_order`], which places the order and registers its parcels with
//!    `pay_and_register`.
//! 2. `story::play` calls [`Shop::perform_request`] for each request of a step. `find_value` finds the value of a
//!    reference.
//! 3. `story::run` calls [`Shop::compare_final_statuses`]. A status that differs is counted and printed, and is no
//!    error.
//!
//! Steps 2 and 3 first wait until the server has processed all webhooks, at most 30 seconds; then they go on all the
//! same. In step 1, and in step 2 unless the story expects it, a refusal by the API is an error. `explain_failure`
//! writes it: `step` says what failed. `judge_status` writes the line of a status, and counts it in `checks` if the
//! story expects one.

use std::time::Duration;

use anyhow::{Context, bail};
use app::Clock;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use console::{BadUsage, pluralize, print_line};
use domain::OrderStatus;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{
    CheckCount,
    file::{Story, StoryParcel},
    request::{MerchantRequest, Reference},
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
    customer: Uuid,
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
    items: Vec<Node>,
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
    scans: Scans,
}

#[derive(Deserialize)]
struct Scans {
    nodes: Vec<Node>,
}

/// Anything of which only the id is read.
#[derive(Deserialize)]
struct Node {
    id: String,
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
  order(id: $id) { status closed { at } items { id } shipments {
    id carrier trackingNumber status scans(first: 1) { nodes { id } }
  } }
}";

impl Shop {
    /// Places an order with the units of all parcels, confirms its payment, and registers the shipments.
    pub async fn place_order(
        client: Client,
        story: &Story,
        email: &str,
        begin: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let units: u32 = list_registered_parcels(story).map(|parcel| parcel.units).sum();
        // A scan more than a day older than its order would count as a scan of another parcel.
        let before_all =
            story.earliest_scan().map_or(begin, |first| begin.min(first - PLACED_BEFORE_FIRST_SCAN));
        let placed_at = story.placed_at.map_or(before_all, |at| at.to_utc());
        let customer = Uuid::now_v7();
        let mut input = json!({
                "userId": customer,
                "customerEmail": email,
                "totalCents": units * PRICE,
                "items": [{ "sku": "STORY", "name": "A unit of a story", "quantity": units }],
                "placedAt": placed_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                "notes": format!("milepost scan --story: {}", story.title),
        });
        for (field, value) in story.order.iter().filter_map(Value::as_object).flatten() {
            input[field] = value.clone();
        }
        let placed = client.place_order(input).await;
        let order = placed.map_err(|error| explain_failure(error, "the order could not be placed"))?;
        let shop = Self { client, customer, order };
        if let Err(error) = shop.pay_and_register(story).await {
            // The order stays on the server after this failure, so print its id.
            print_line(format!("  order {}, placed and not packed: {}", shop.order.id, shop.order.page))?;
            return Err(error);
        }
        Ok(shop)
    }

    /// Takes the order to `processing`, and registers the parcels as shipments.
    async fn pay_and_register(&self, story: &Story) -> anyhow::Result<()> {
        let Self { client, order, .. } = self;
        for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
            let answer = client.request_transition(order, status).await;
            answer
                .and_then(|answer| Ok(answer.ensure_granted()?))
                .map_err(|error| explain_failure(error, status.as_str()))?;
        }
        for parcel in list_registered_parcels(story) {
            let registered =
                client.register_shipment(order, parcel.carrier, &parcel.tracking, Some(parcel.units));
            let answer = registered.await.and_then(|answer| Ok(answer.ensure_granted()?));
            answer.map_err(|error| explain_failure(error, &format!("parcel {}", parcel.name)))?;
        }
        Ok(())
    }

    /// Makes one request of the merchant, and returns what the server answered. First waits until the server has read
    /// all posted webhooks. Fails if the answer is not the expected one.
    pub async fn perform_request(
        &self,
        request: &MerchantRequest,
        story: &Story,
        begin: DateTime<Utc>,
    ) -> anyhow::Result<String> {
        self.wait_until_inbox_is_read(begin - MAX_CLOCK_SKEW).await?;
        let seen: Seen = self.client.execute(LOOK, json!({ "id": self.order.id })).await?;
        let order = seen.order.context("--orders: the order is gone")?;
        let input = request.resolve(story, |reference| self.find_value(reference, &order, story))?;
        let answer = self.client.mutate_by_name(&request.mutation, input).await;
        let answer = answer.map_err(|error| explain_failure(error, &request.mutation))?;
        match (&request.refused, answer.refusal()) {
            (None, None) => Ok("done".to_owned()),
            (None, Some(_)) => Err(explain_failure(
                answer.ensure_granted().err().context("a refusal")?.into(),
                &request.mutation,
            )),
            (Some(expected), Some((code, reason))) if code == expected => Ok(format!("refused, {reason}")),
            (Some(expected), Some((code, _))) => {
                bail!("{} was refused as {code}, {expected} was expected", request.mutation)
            }
            (Some(expected), None) => bail!("{} was granted, {expected} was expected", request.mutation),
        }
    }

    fn find_value(&self, reference: Reference, order: &Order, story: &Story) -> anyhow::Result<String> {
        let find_shipment = |parcel: usize| {
            let parcel = &story.parcels[parcel];
            let shipment = order.shipments.iter().find(|shipment| is_shipment_of(shipment, parcel));
            shipment.with_context(|| format!("--orders: no shipment for parcel {}", parcel.name))
        };
        Ok(match reference {
            Reference::Order => self.order.id.clone(),
            Reference::Customer => self.customer.to_string(),
            Reference::Item(item) => {
                let item = order.items.get(item);
                item.with_context(|| format!("--orders: the order has {} items", order.items.len()))?
                    .id
                    .clone()
            }
            Reference::Ago(duration) => (Clock::System.now() - duration).to_rfc3339(),
            Reference::Shipment(parcel) => find_shipment(parcel)?.id.clone(),
            Reference::Scan(parcel) => {
                let newest = find_shipment(parcel)?.scans.nodes.first();
                newest.context("--orders: the shipment has no scan")?.id.clone()
            }
            Reference::Carrier(parcel) => story.parcels[parcel].carrier.as_str().to_owned(),
            Reference::Number(parcel) => story.parcels[parcel].tracking.clone(),
        })
    }

    /// Waits until the server has read all posted webhooks, prints the final status of each shipment and of the order,
    /// and counts how many are as the story expects.
    pub async fn compare_final_statuses(
        &self,
        story: &Story,
        begin: DateTime<Utc>,
    ) -> anyhow::Result<CheckCount> {
        let waiting = self.wait_until_inbox_is_read(begin - MAX_CLOCK_SKEW).await?;
        if waiting > 0 {
            print_line("")?;
            print_line(format!("{} still to be read", pluralize(waiting, "webhook")))?;
        }
        // A separate query, after the inbox is empty: one query for both would read its parts one after the other, and
        // could show the order as it was before the last webhook.
        let seen: Seen = self.client.execute(LOOK, json!({ "id": self.order.id })).await?;
        let order = seen.order.context("--orders: the order is gone")?;
        let names = story.parcels.iter().map(|parcel| parcel.name.chars().count()).max();
        let width = names.unwrap_or_default().max("order".len());
        let mut checks = CheckCount::default();
        print_line("")?;
        for parcel in &story.parcels {
            let its = |shipment: &&Shipment| is_shipment_of(shipment, parcel);
            let status = order.shipments.iter().find(its).map_or("gone", |shipment| &shipment.status);
            let told = judge_status(status, parcel.ends.map(|status| status.as_str()), &mut checks);
            print_line(format!("  {:<width$}  {told}", parcel.name))?;
        }
        let told = judge_status(&order.status, story.order_ends.map(OrderStatus::as_str), &mut checks);
        print_line(format!("  {:<width$}  {told}", "order"))?;
        if let Some(expected) = story.order_closed {
            let name = |is_closed| if is_closed { "closed" } else { "open" };
            let told = judge_status(name(order.closed.is_some()), Some(name(expected)), &mut checks);
            print_line(format!("  {:<width$}  {told}", ""))?;
        }
        Ok(checks)
    }

    /// Waits until all webhooks since `received_since` are read, at most [`PATIENCE`]. Returns how many are left.
    async fn wait_until_inbox_is_read(&self, received_since: DateTime<Utc>) -> anyhow::Result<usize> {
        let deadline = Instant::now() + PATIENCE;
        let variables = json!({ "since": received_since.to_rfc3339() });
        loop {
            let inbox: Inbox = self.client.execute(WAITING, variables.clone()).await?;
            let waiting = inbox.webhooks.total_count;
            if waiting == 0 || Instant::now() > deadline {
                return Ok(waiting);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// The parcels that are registered before the first step.
fn list_registered_parcels(story: &Story) -> impl Iterator<Item = &StoryParcel> {
    story.parcels.iter().filter(|parcel| parcel.registered)
}

fn is_shipment_of(shipment: &Shipment, parcel: &StoryParcel) -> bool {
    shipment.carrier == parcel.carrier.as_str() && shipment.tracking_number == parcel.tracking
}

/// Turns a failure of the API into the error to print. If the server refused an argument of the command line, the error
/// names that argument; else it names `--orders` and `step`.
fn explain_failure(error: anyhow::Error, step: &str) -> anyhow::Error {
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
        None => error.context(format!("--orders: {step}")),
    }
}

/// Describes a final status, compares it with the expected one if there is one, and counts the result.
fn judge_status(status: &str, expected: Option<&str>, checks: &mut CheckCount) -> String {
    let status = status.to_ascii_lowercase();
    let Some(expected) = expected else { return status };
    let right = status == expected;
    checks.count(right);
    if right { format!("✓ {status}") } else { format!("✗ {status}, {expected} was expected") }
}
