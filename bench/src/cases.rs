//! The cases of the benchmark. Each case of Milepost names the pgbench case that does the same work.

use std::{
    ops::RangeInclusive,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use carriers::{Secrets, Sender, SimulatedHistory, SimulatedScan};
use domain::{Carrier, Meaning, ShipmentStatus};
use serde_json::json;

use crate::{
    database::{Databases, Plan, USERS, order_id, tracking_number, user_id},
    figures::Measured,
    http,
    load::Load,
    pgbench,
    server::{FEDEX_SECRET, Server},
    usage::Meter,
};

/// One kind of work, done by pgbench or by Milepost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// pgbench: one change of status, in six round trips.
    Naive,
    /// Milepost: one mutation for each change of status.
    Transitions,
    /// pgbench: one change of status, in one statement.
    OneStatement,
    /// Milepost: one FedEx webhook for each change of status, measured until the order has changed.
    Webhooks,
    /// The same as [`Case::Webhooks`], and each change also sends a mail to the customer.
    WebhooksWithMail,
    /// pgbench: reads one order with its items, shipments and events, in one statement.
    ReadOrder,
    /// Milepost: reads one order with its items, shipments and events.
    OrderPage,
    /// pgbench: reads 20 orders of a customer, in one statement.
    ReadOrders,
    /// Milepost: reads 20 orders of a customer.
    OrdersPage,
}

impl Case {
    /// All cases, in the order in which they take turns.
    pub const ALL: [Self; 9] = [
        Self::Naive,
        Self::Transitions,
        Self::OneStatement,
        Self::Webhooks,
        Self::WebhooksWithMail,
        Self::ReadOrder,
        Self::OrderPage,
        Self::ReadOrders,
        Self::OrdersPage,
    ];

    /// The name of the case in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Naive => "pgbench: change, six round trips",
            Self::OneStatement => "pgbench: change, one statement",
            Self::ReadOrder => "pgbench: read one order",
            Self::ReadOrders => "pgbench: read 20 orders",
            Self::Transitions => "Milepost: transitions",
            Self::Webhooks => "Milepost: webhooks",
            Self::WebhooksWithMail => "Milepost: webhooks with mails",
            Self::OrderPage => "Milepost: order page",
            Self::OrdersPage => "Milepost: page of 20 orders",
        }
    }

    /// The case with which this one is compared, and the goal: the share of that case's rate that this one should
    /// reach.
    pub fn compared_with(self) -> Option<(Self, Option<f64>)> {
        match self {
            Self::Naive | Self::OneStatement | Self::ReadOrder | Self::ReadOrders => None,
            Self::Transitions => Some((Self::Naive, Some(0.7))),
            Self::Webhooks => Some((Self::Naive, Some(1.0))),
            Self::WebhooksWithMail => Some((Self::Naive, None)),
            Self::OrderPage => Some((Self::ReadOrder, Some(0.3))),
            Self::OrdersPage => Some((Self::ReadOrders, None)),
        }
    }

    /// Measures the case once.
    pub async fn run(
        self,
        round: u32,
        plan: &Plan,
        databases: &Databases,
        server: &Server,
        meter: &mut Meter,
        folder: &Path,
    ) -> Result<Measured> {
        let bare = async |script, orders: RangeInclusive<u64>| {
            pgbench::run(script, &databases.bare_url, &orders, plan.time, meter, folder).await
        };
        match self {
            Self::Naive => bare(include_str!("../sql/naive.pgbench"), plan.placed.all()).await,
            Self::OneStatement => bare(include_str!("../sql/statement.pgbench"), plan.placed.all()).await,
            Self::ReadOrder => bare(include_str!("../sql/read.pgbench"), plan.delivered.clone()).await,
            Self::ReadOrders => bare(include_str!("../sql/page.pgbench"), 0..=USERS - 1).await,
            Self::Transitions => {
                transitions(plan.placed.of(round), plan.time, databases, server, meter).await
            }
            Self::Webhooks => webhooks(plan.waiting.of(round), databases, server, meter).await,
            Self::WebhooksWithMail => webhooks(plan.mailed.of(round), databases, server, meter).await,
            Self::OrderPage => {
                let (first, last) = plan.delivered.clone().into_inner();
                let request = |n: u64| order_page(server, first + n % (last - first + 1));
                reads(request, r#""toStatus":"DELIVERED""#, plan.time, server, meter).await
            }
            Self::OrdersPage => {
                reads(|n| orders_page(server, n), r#""trackingNumber":"#, plan.time, server, meter).await
            }
        }
    }
}

const TRANSITION: &str = "mutation Move($input: TransitionOrderInput!) { transitionOrder(input: $input) { \
    ... on TransitionOrderSuccess { changed order { id status version } event { id version } } \
    ... on Problem { message } } }";

/// Measures [`Case::Transitions`]: two changes for each order, from placed to payment_confirmed and then to processing.
async fn transitions(
    orders: RangeInclusive<u64>,
    time: Duration,
    databases: &Databases,
    server: &Server,
    meter: &Meter,
) -> Result<Measured> {
    let authorization = server.authorization.clone();
    let request = move |n: u64, to: &str| {
        let input =
            json!({"orderId": order_id(n), "to": to, "notes": "paid", "metadata": {"source": "bench"}});
        graphql(&authorization, TRANSITION, &json!({"input": input}))
    };
    // Send the first change of all orders before any second one, so that two changes of an order never run at once.
    let (first, last) = orders.clone().into_inner();
    let half = last - first + 1;
    let (mut sent, start) = (0, Instant::now());
    let next = move || {
        let (n, to) = match sent {
            at if at < half => (first + at, "PAYMENT_CONFIRMED"),
            at if at < 2 * half => (first + at - half, "PROCESSING"),
            _ => return None,
        };
        sent += 1;
        (start.elapsed() < time).then(|| request(n, to))
    };
    let load = Load::open(server.port).await?;
    let before = meter.read();
    let done = load.run(next, Some(r#""changed":true"#)).await?;
    let usage = meter.read() - before;
    let count = done.latencies.len() as u64;
    let changes = format!(
        "SELECT coalesce(sum(version - 1), 0)::bigint FROM orders WHERE order_id BETWEEN '{}' AND '{}'",
        order_id(first),
        order_id(last)
    );
    expect(count, databases.query_one(&changes).await?, "changes")?;
    Ok(Measured { count, time: done.end - done.start, latencies: done.latencies, effects: None, usage })
}

/// Measures the cases with webhooks: one webhook for each shipment. It says that the shipment was picked up, so the
/// order becomes shipped. The time is measured from the first request to the last changed order.
async fn webhooks(
    orders: RangeInclusive<u64>,
    databases: &Databases,
    server: &Server,
    meter: &Meter,
) -> Result<Measured> {
    let now: chrono::DateTime<chrono::Utc> =
        databases.query_one("SELECT date_trunc('second', now())").await?;
    let secrets = Secrets::new([FEDEX_SECRET.to_owned()])?;
    let mut pushes = Vec::new();
    for n in orders.clone() {
        let number = tracking_number(n);
        let told = SimulatedScan {
            meaning: Meaning::Status(ShipmentStatus::PickedUp),
            at: now.fixed_offset(),
            location: Some("Holbrook, NY, US"),
        };
        let history = SimulatedHistory {
            carrier: Carrier::FEDEX,
            tracking_number: &number,
            scans: &[told],
            estimated_delivery: None,
            sent_at: now,
        };
        let Some(body) = Sender::Fedex.simulate(&history).pop() else { bail!("FedEx cannot say this") };
        let headers = Sender::Fedex.sign(&secrets, &body, now);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pushes.push(http::post("/webhooks/fedex", &headers, &body));
    }
    let mut pushes = pushes.into_iter();
    let load = Load::open(server.port).await?;
    let before = meter.read();
    let done = load.run(move || pushes.next(), None).await?;
    databases.wait_until_webhooks_are_read().await?;
    let time = done.start.elapsed();
    let usage = meter.read() - before;

    let (first, last) = orders.into_inner();
    let of_these = format!(
        "FROM order_events e JOIN webhooks w USING (webhook_id) \
         WHERE e.to_status = 'shipped' AND e.order_id BETWEEN '{}' AND '{}'",
        order_id(first),
        order_id(last)
    );
    let count = done.latencies.len() as u64;
    expect(count, databases.query_one(&format!("SELECT count(*) {of_these}")).await?, "shipped orders")?;
    let effects: Vec<i32> = databases
        .query_one(&format!(
            "SELECT array_agg(extract(microseconds FROM e.recorded_at - w.received_at)::int) {of_these}"
        ))
        .await?;
    let effects = effects.into_iter().map(|micros| u32::try_from(micros).unwrap_or(0)).collect();
    Ok(Measured { count, time, latencies: done.latencies, effects: Some(effects), usage })
}

/// The query of [`Case::OrderPage`]: one order with its items, shipments and events.
pub const ORDER_PAGE: &str = "query Page($id: ID!) { order(id: $id) { \
    id reference userId status version total { cents currency } placedAt updatedAt \
    items { id sku name quantity } \
    shipments { id carrier trackingNumber status estimatedDelivery shippedAt deliveredAt } \
    events(last: 10) { nodes { id version fromStatus toStatus actor { kind id } notes metadata occurredAt } } } }";

fn order_page(server: &Server, n: u64) -> Vec<u8> {
    graphql(&server.authorization, ORDER_PAGE, &json!({"id": order_id(n)}))
}

const ORDERS_PAGE: &str = "query Orders($user: ID!) { orders(filter: {userId: $user}, first: 20) { \
    nodes { id reference status version total { cents currency } placedAt \
    items { sku quantity } shipments { carrier trackingNumber status } } \
    pageInfo { hasNextPage endCursor } } }";

fn orders_page(server: &Server, n: u64) -> Vec<u8> {
    graphql(&server.authorization, ORDERS_PAGE, &json!({"user": user_id(n)}))
}

/// Sends read requests for `time`. The requests are written beforehand. When all are used, they are sent again from the
/// beginning.
async fn reads(
    request: impl Fn(u64) -> Vec<u8>,
    expected: &'static str,
    time: Duration,
    server: &Server,
    meter: &Meter,
) -> Result<Measured> {
    // The step is a prime that does not divide the number of orders, so the requests visit all orders in a mixed
    // sequence.
    let requests: Vec<Vec<u8>> = (0..20_000).map(|n| request(n * 7919)).collect();
    let mut requests = requests.into_iter().cycle();
    let load = Load::open(server.port).await?;
    let before = meter.read();
    let start = Instant::now();
    let next = move || if start.elapsed() < time { requests.next() } else { None };
    let done = load.run(next, Some(expected)).await?;
    let usage = meter.read() - before;
    let count = done.latencies.len() as u64;
    Ok(Measured { count, time: done.end - done.start, latencies: done.latencies, effects: None, usage })
}

fn graphql(authorization: &str, query: &str, variables: &serde_json::Value) -> Vec<u8> {
    let body = json!({"query": query, "variables": variables}).to_string();
    http::post(
        "/graphql",
        &[("authorization", authorization), ("accept", "application/json")],
        body.as_bytes(),
    )
}

/// Fails unless the database contains as many changes as requests were answered.
fn expect(answered: u64, found: i64, what: &str) -> Result<()> {
    if i64::try_from(answered)? != found {
        bail!("{answered} requests were answered, but there are {found} {what}");
    }
    Ok(())
}
