//! What can be seen of an order from outside: over GraphQL, in the mailbox, and on the customer's page.

use anyhow::Context;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::api_client::{Client, MutationAnswer, Placed};

/// What a step led to, as it can be seen at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What was answered to the step itself.
    pub answers: Answers,
    /// The order, as support sees it.
    pub order: Order,
    /// Everything carriers have sent.
    pub webhooks: Vec<Webhook>,
    /// The list of caught mails, as HTML.
    pub mailbox: String,
    /// The customer's page, as HTML.
    pub page: String,
}

/// What was answered to the actions of a step.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// To mutations.
    pub mutations: Vec<MutationAnswer>,
    /// To webhooks.
    pub webhooks: Vec<StatusCode>,
    /// To looks: whether the caller saw the order.
    pub looks: Vec<bool>,
}

/// An order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The merchant's number.
    pub reference: String,
    /// Its status.
    pub status: String,
    /// How many events it has.
    pub version: usize,
    /// How far it is.
    pub progress: Progress,
    /// Its history, oldest first.
    pub events: Nodes<Event>,
    /// What was owed to its customer.
    pub notifications: Vec<Notification>,
    /// Its parcels.
    pub shipments: Vec<Shipment>,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Nodes<T> {
    /// The entries.
    pub nodes: Vec<T>,
}

/// How far an order is.
#[derive(Clone, Debug, Deserialize)]
pub struct Progress {
    /// In words.
    pub summary: String,
}

/// One fact of a history.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its place in the history.
    pub version: usize,
    /// The status it led to.
    pub to_status: String,
    /// Whether the carrier never said so itself.
    pub inferred: bool,
}

/// A message owed to a customer.
#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    /// The news.
    pub status: String,
    /// What became of it.
    pub state: String,
    /// Why it was suppressed.
    pub reason: Option<String>,
}

/// A parcel.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    /// Its number.
    pub tracking_number: String,
    /// What its carrier said about it.
    pub scans: Nodes<Scan>,
}

/// One assertion of a carrier.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scan {
    /// The carrier's words.
    pub description: String,
    /// How far it puts the parcel.
    pub status: Option<String>,
    /// What it did when it came.
    pub effect: String,
}

/// One stored request of a carrier.
#[derive(Clone, Debug, Deserialize)]
pub struct Webhook {
    /// What became of it.
    pub state: String,
    /// As it came.
    pub body: String,
    /// How often the same came again.
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
    /// Looks at everything at once, as support.
    pub async fn fetch(
        support: &Client,
        mailbox: &str,
        placed: &Placed,
        answers: &Answers,
    ) -> anyhow::Result<Self> {
        let data: Data = support.ask(LOOK, json!({ "id": placed.id })).await?;
        let order = data.order.context("the order is gone")?;
        Ok(Self {
            answers: answers.clone(),
            mailbox: support.page(mailbox).await?,
            page: support.page(&placed.page).await?,
            webhooks: data.webhooks.nodes,
            order,
        })
    }
}
