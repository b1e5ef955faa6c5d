//! Looks up the state of an order as users see it: over GraphQL, in the mailbox, and on the customer's page.
//!
//! Called by `demo::story` after each step, every few milliseconds until its assertions are true. `mailbox` is a URL.
//! An order that does not exist is an error.

use anyhow::Context;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::api_client::{Client, MutationAnswer, Placed};

/// The state after a step, at one moment, together with the answers to the step's requests.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub answers: Answers,
    /// The order, as support sees it.
    pub order: Order,
    /// The webhooks of all carriers, the newest 100.
    pub webhooks: Vec<Webhook>,
    /// The list of caught mails, as HTML.
    pub mailbox: String,
    /// The customer's page, as HTML.
    pub page: String,
}

/// The answers to the requests of a step.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub mutations: Vec<MutationAnswer>,
    /// The HTTP statuses of the answers to webhooks.
    pub webhooks: Vec<StatusCode>,
    /// For each look-up of the order, whether the caller saw it.
    pub looks: Vec<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The merchant's order number.
    pub reference: String,
    pub status: String,
    /// The version, which is also the number of order events.
    pub version: usize,
    pub progress: Progress,
    /// The history, oldest first.
    pub events: Nodes<Event>,
    pub notifications: Vec<Notification>,
    pub shipments: Vec<Shipment>,
}

/// A page of a list in the API.
#[derive(Clone, Debug, Deserialize)]
pub struct Nodes<T> {
    pub nodes: Vec<T>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Progress {
    /// The progress as text, such as `partial shipment: 2 of 3 items shipped`.
    pub summary: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The version of the order after the event.
    pub version: usize,
    /// The status after the transition.
    pub to_status: String,
    /// Whether no carrier reported the status itself.
    pub inferred: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    /// The order status that it reports.
    pub status: String,
    /// Whether it was sent, suppressed and so on.
    pub state: String,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    pub tracking_number: String,
    pub scans: Nodes<Scan>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scan {
    pub description: String,
    /// The shipment status that the scan means, if it means one.
    pub status: Option<String>,
    /// What the scan did when it came, such as `APPLIED` or `STALE`.
    pub effect: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Webhook {
    /// Whether it was read; `PENDING` if not yet.
    pub state: String,
    /// The body, as received.
    pub body: String,
    /// How many more times the same content was received.
    pub duplicates: usize,
}

#[derive(Deserialize)]
struct Data {
    order: Option<Order>,
    webhooks: Nodes<Webhook>,
}

const LOOK: &str = "query($id: ID!) {
  order(id: $id) {
    reference status version
    progress { summary }
    events(first: 50) { nodes { version toStatus inferred } }
    notifications { status state reason }
    shipments { trackingNumber scans(first: 50) { nodes { description status effect } } }
  }
  webhooks(first: 100) { nodes { state body duplicates } }
}";

impl Snapshot {
    /// Looks up everything, with the token of support. `mailbox` is the address of the mailbox.
    pub async fn fetch(
        support: &Client,
        mailbox: &str,
        placed: &Placed,
        answers: &Answers,
    ) -> anyhow::Result<Self> {
        let data: Data = support.execute(LOOK, json!({ "id": placed.id })).await?;
        let order = data.order.context("the order is gone")?;
        Ok(Self {
            answers: answers.clone(),
            mailbox: support.fetch_page(mailbox).await?,
            page: support.fetch_page(&placed.page).await?,
            webhooks: data.webhooks.nodes,
            order,
        })
    }
}
