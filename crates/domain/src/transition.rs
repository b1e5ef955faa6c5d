//! A change of status as a fact: what an event row is made from.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    actor::Actor,
    ids::{OrderId, WebhookId},
    status::OrderStatus,
};

/// Who asks for a change, when, and what made them ask.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who asks.
    pub actor: Actor,
    /// Our clock.
    pub now: DateTime<Utc>,
    /// The HTTP request behind it, for the caller to find it again.
    pub request_id: Option<String>,
    /// The carrier's webhook behind it.
    pub webhook_id: Option<WebhookId>,
}

/// One permitted change of status, or the placement. Made by [`Order`](crate::Order) alone, so that no other
/// code can bring an order into a status.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub(crate) order_id: OrderId,
    pub(crate) version: i32,
    pub(crate) from: Option<OrderStatus>,
    pub(crate) to: OrderStatus,
    pub(crate) actor: Actor,
    pub(crate) notes: Option<String>,
    pub(crate) metadata: Option<Value>,
    pub(crate) inferred: bool,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) request_id: Option<String>,
    pub(crate) webhook_id: Option<WebhookId>,
}

impl Transition {
    /// The order it is about.
    pub fn order_id(&self) -> OrderId {
        self.order_id
    }

    /// The order's version with it: 1 is the placement.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The status before, nothing at the placement.
    pub fn from(&self) -> Option<OrderStatus> {
        self.from
    }

    /// The status after.
    pub fn to(&self) -> OrderStatus {
        self.to
    }

    /// Who caused it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What they said about it.
    pub fn notes(&self) -> Option<&str> {
        self.notes.as_deref()
    }

    /// What they attached. A step driven by scans names carrier, tracking number and the carrier's code.
    pub fn metadata(&self) -> Option<&Value> {
        self.metadata.as_ref()
    }

    /// Whether the carrier never reported this status and a later one implies it.
    pub fn inferred(&self) -> bool {
        self.inferred
    }

    /// When it happened, by the clock of whoever saw it.
    pub fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// When we wrote it down.
    pub fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }

    /// The HTTP request behind it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The webhook behind it.
    pub fn webhook_id(&self) -> Option<WebhookId> {
        self.webhook_id
    }
}
