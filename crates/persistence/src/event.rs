//! An event of an order, as it was recorded.

use chrono::{DateTime, Utc};
use domain::{Actor, OrderId, OrderStatus, WebhookId};

/// The recorded fact of one transition or of the placement.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The order it is about.
    pub order_id: OrderId,
    /// The order's version with it.
    pub version: i32,
    /// The status before, nothing at the placement.
    pub from: Option<OrderStatus>,
    /// The status after.
    pub to: OrderStatus,
    /// Who caused it.
    pub actor: Actor,
    /// What they said about it.
    pub notes: Option<String>,
    /// What they attached.
    pub metadata: Option<serde_json::Value>,
    /// Whether a later status implies this one, the carrier never having reported it.
    pub inferred: bool,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When we wrote it down.
    pub recorded_at: DateTime<Utc>,
    /// The HTTP request behind it.
    pub request_id: Option<String>,
    /// The webhook behind it.
    pub webhook_id: Option<WebhookId>,
}

impl From<&domain::Transition> for Event {
    /// The event a transition is recorded as.
    fn from(transition: &domain::Transition) -> Self {
        Self {
            order_id: transition.order_id(),
            version: transition.version(),
            from: transition.from(),
            to: transition.to(),
            actor: transition.actor().clone(),
            notes: transition.notes().map(str::to_owned),
            metadata: transition.metadata().cloned(),
            inferred: transition.inferred(),
            occurred_at: transition.occurred_at(),
            recorded_at: transition.recorded_at(),
            request_id: transition.request_id().map(str::to_owned),
            webhook_id: transition.webhook_id(),
        }
    }
}
