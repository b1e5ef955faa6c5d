//! Transitions: the facts that an event records. [`Order`](crate::Order) creates them, `persistence` writes them, and
//! `app::orders` shows those of its own transaction. The functions only read a field.
//! `may_notify` only permits a notification: `persistence::notifications` decides whether there is one.
//! `None` of the others means: the placement has no status before; nobody gave notes or metadata; no HTTP request or
//! no webhook caused the step.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    actor::Actor,
    ids::{OrderId, WebhookId},
    status::OrderStatus,
};

/// Who asks for a change, when, and what caused the request.
#[derive(Clone, Debug)]
pub struct Context {
    /// The actor that asks.
    pub actor: Actor,
    /// The present time, by our clock.
    pub now: DateTime<Utc>,
    /// The id of the HTTP request, by which the caller can find it.
    pub request_id: Option<String>,
    /// The webhook that caused the change.
    pub webhook_id: Option<WebhookId>,
}

/// One permitted change of status, or the placement. Only [`Order`](crate::Order) creates transitions, so that no
/// other code can bring an order into a status.
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
    pub(crate) may_notify: bool,
}

impl Transition {
    /// The order that changed.
    pub fn order_id(&self) -> OrderId {
        self.order_id
    }

    /// The order's version after the transition. The placement has version 1.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The status before; `None` for the placement.
    pub fn from(&self) -> Option<OrderStatus> {
        self.from
    }

    /// The status after.
    pub fn to(&self) -> OrderStatus {
        self.to
    }

    /// The actor that caused it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The notes that the actor gave.
    pub fn notes(&self) -> Option<&str> {
        self.notes.as_deref()
    }

    /// The metadata that the actor gave. For a step that scans caused: the carrier, the tracking number and the
    /// carrier's code.
    pub fn metadata(&self) -> Option<&Value> {
        self.metadata.as_ref()
    }

    /// Whether no carrier reported this status, and a later one implies it.
    pub fn inferred(&self) -> bool {
        self.inferred
    }

    /// When it happened: by the carrier's clock if a scan caused it, else by ours.
    pub fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// When it was recorded, by our clock.
    pub fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }

    /// The id of the HTTP request that caused it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The webhook that caused it.
    pub fn webhook_id(&self) -> Option<WebhookId> {
        self.webhook_id
    }

    /// Whether the customer may be told of it. False for a step of a shipment that is on its way back by now: the
    /// customer would wait for it.
    pub fn may_notify(&self) -> bool {
        self.may_notify
    }
}
