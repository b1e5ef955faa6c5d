//! Fills the shop that is attacked: orders of the maximum size, and some of a normal size.
//!
//! All data is sent through the server's own API with a `system` token, so a real shop can contain the same data.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use carriers::{Secrets, Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Carrier, Meaning, ShipmentStatus};
use serde_json::{Value, json};

use super::{
    client::{exchange, graphql, request},
    target::{Tokens, UPS_SECRET},
};
use crate::server::FEDEX_SECRET;

/// The customer whose token the attackers have.
pub const CUSTOMER: &str = "018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4a";

/// The items of a large order: the maximum that the server accepts.
const ITEMS: usize = 1_000;
/// The number of orders with [`ITEMS`] items.
const BIG: usize = 100;
/// The number of these orders whose items are all in one shipment.
const SHIPPED: usize = 10;
/// The number of shipments of the order with many shipments.
const SHIPMENTS: usize = 200;
/// The number of scans of the shipment with many scans.
const SCANS: i64 = 1_000;
/// The number of orders of a normal size.
const SMALL: usize = 50;
/// The number of webhooks with a large body.
const LARGE_WEBHOOKS: usize = 20;

/// The ids of the shop's orders and shipments.
#[derive(Debug, Default)]
pub struct Shop {
    /// Orders with 1,000 items.
    pub big: Vec<String>,
    /// An order with 200 shipments.
    pub many_shipments: String,
    /// The shipments of this order. The first one has 1,000 scans.
    pub shipments: Vec<String>,
    /// Orders with two items.
    pub small: Vec<String>,
}

/// Places the orders, sends the webhooks, and waits until the webhooks are processed.
pub async fn fill(port: u16, tokens: &Tokens) -> Result<Shop> {
    eprintln!("seeding {BIG} orders of {ITEMS} items");
    let shopkeeper = Shopkeeper { port, authorization: tokens.system.clone() };
    let mut shop = Shop::default();
    for _ in 0..SMALL {
        shop.small.push(shopkeeper.place(2).await?);
    }
    shop.many_shipments = shopkeeper.place(SHIPMENTS).await?;
    shopkeeper.process(&shop.many_shipments).await?;
    let items = shopkeeper.items(&shop.many_shipments).await?;
    for (n, item) in items.iter().enumerate() {
        shop.shipments.push(shopkeeper.ship(&shop.many_shipments, &number(n), Some(item)).await?);
    }
    shopkeeper.push_scans(&number(0)).await?;
    // Place the large orders last, because a page of orders begins with the newest.
    for n in 0..BIG {
        shop.big.push(shopkeeper.place(ITEMS).await.with_context(|| format!("order {n}"))?);
    }
    for (n, order) in shop.big.iter().enumerate().take(SHIPPED) {
        shopkeeper.process(order).await?;
        shopkeeper.ship(order, &number(SHIPMENTS + n), None).await?;
    }
    for n in 0..LARGE_WEBHOOKS {
        shopkeeper.push_large(n).await?;
    }
    shopkeeper.wait_until_read().await?;
    Ok(shop)
}

/// The time with which webhooks are signed.
#[expect(clippy::disallowed_methods, reason = "senders of webhooks sign with their own clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A FedEx tracking number.
fn number(n: usize) -> String {
    (790_000_000_000 + n).to_string()
}

struct Shopkeeper {
    port: u16,
    authorization: String,
}

const PLACE: &str = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { \
    ... on PlaceOrderSuccess { order { id } } ... on Problem { message } } }";
const MOVE: &str = "mutation($input: TransitionOrderInput!) { transitionOrder(input: $input) { \
    ... on TransitionOrderSuccess { order { id } } ... on Problem { message } } }";
const SHIP: &str = "mutation($input: CreateShipmentInput!) { createShipment(input: $input) { \
    ... on ShipmentSuccess { shipment { id } } ... on Problem { message } } }";

/// The input of `placeOrder` for an order with this many items.
pub fn order_input(items: usize) -> Value {
    let items: Vec<_> = (0..items)
        .map(|n| {
            json!({
                "sku": format!("SKU-{n:06}"),
                "name": format!("Article number {n} of the catalogue, in the colour and the size that was chosen"),
                "quantity": 2,
            })
        })
        .collect();
    json!({"userId": CUSTOMER, "customerEmail": "jane@example.org", "totalCents": 4205, "items": items})
}

impl Shopkeeper {
    async fn ask(&self, query: &str, variables: &Value) -> Result<Value> {
        let request = graphql(&self.authorization, query, variables)?;
        let reply = exchange(self.port, [127, 0, 0, 1].into(), request, Duration::from_secs(30)).await;
        let answer = reply.answer().with_context(|| format!("no answer to {query}"))?.json();
        if !answer["errors"].is_null() {
            bail!("{query}: {}", answer["errors"]);
        }
        Ok(answer["data"].clone())
    }

    async fn found(&self, query: &str, variables: &Value, pointer: &str) -> Result<String> {
        let data = self.ask(query, variables).await?;
        let id = data.pointer(pointer).and_then(Value::as_str);
        id.map(str::to_owned).with_context(|| format!("{query}: {data}"))
    }

    async fn place(&self, items: usize) -> Result<String> {
        self.found(PLACE, &json!({"input": order_input(items)}), "/placeOrder/order/id").await
    }

    async fn process(&self, order: &str) -> Result<()> {
        for to in ["PAYMENT_CONFIRMED", "PROCESSING"] {
            let input = json!({"input": {"orderId": order, "to": to}});
            self.found(MOVE, &input, "/transitionOrder/order/id").await?;
        }
        Ok(())
    }

    async fn items(&self, order: &str) -> Result<Vec<String>> {
        let data =
            self.ask("query($id: ID!) { order(id: $id) { items { id } } }", &json!({"id": order})).await?;
        let items = data["order"]["items"].as_array().context("an order without items")?;
        Ok(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect())
    }

    async fn ship(&self, order: &str, number: &str, item: Option<&str>) -> Result<String> {
        let mut input = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": number});
        if let Some(item) = item {
            input["items"] = json!([{"itemId": item, "quantity": 2}]);
        }
        self.found(SHIP, &json!({"input": input}), "/createShipment/shipment/id").await
    }

    /// Sends a FedEx webhook with [`SCANS`] scans of one shipment.
    async fn push_scans(&self, number: &str) -> Result<()> {
        let now = now();
        let scans: Vec<_> = (1..=SCANS)
            .rev()
            .map(|n| SimulatedScan {
                meaning: Meaning::Status(ShipmentStatus::InTransit),
                at: (now - TimeDelta::seconds(n)).fixed_offset(),
                location: Some("Holbrook, NY, US"),
            })
            .collect();
        let history = SimulatedHistory {
            carrier: Carrier::FEDEX,
            tracking_number: number,
            scans: &scans,
            estimated_delivery: None,
            sent_at: now,
        };
        let body = Sender::Fedex.simulate(&history).pop().context("FedEx cannot say this")?;
        let headers = Sender::Fedex.sign(&Secrets::new([FEDEX_SECRET.to_owned()])?, &body, now);
        self.push("fedex", &headers, body).await
    }

    /// Sends a UPS webhook of 7 MB that contains no scan.
    async fn push_large(&self, n: usize) -> Result<()> {
        let body = json!({"number": n, "photo": "x".repeat(7_000_000)}).to_string().into_bytes();
        let headers = Sender::Ups.sign(&Secrets::new([UPS_SECRET.to_owned()])?, &body, now());
        self.push("ups", &headers, body).await
    }

    async fn push(&self, sender: &str, headers: &[(String, String)], body: Vec<u8>) -> Result<()> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = request("POST", &format!("/webhooks/{sender}"), &headers, body)?;
        let reply = exchange(self.port, [127, 0, 0, 1].into(), request, Duration::from_secs(30)).await;
        if reply.status() != Some(200) {
            bail!("a webhook of {sender} was not taken: {reply}");
        }
        Ok(())
    }

    async fn wait_until_read(&self) -> Result<()> {
        let pending = "{ webhooks(first: 1, filter: {states: [PENDING]}) { nodes { id } } }";
        for _ in 0..600 {
            if self.ask(pending, &json!({})).await?["webhooks"]["nodes"].as_array().is_some_and(Vec::is_empty)
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("webhooks are still unread after a minute")
    }
}
