//! Order events, as they were recorded. `mapping` makes an [`Event`] of a row, and `app::orders::commands` of a
//! transition that its own transaction writes: both look alike to the caller who gets it.

use chrono::{DateTime, Utc};
use domain::{Actor, OrderId, OrderStatus, WebhookId};

/// A recorded transition, or the placement of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub order_id: OrderId,
    /// The order's version after the event.
    pub version: i32,
    /// The status before; `None` for the placement.
    pub from: Option<OrderStatus>,
    /// The status after.
    pub to: OrderStatus,
    /// Who caused it.
    pub actor: Actor,
    /// The notes that the actor gave.
    pub notes: Option<String>,
    /// The metadata that the actor gave.
    pub metadata: Option<serde_json::Value>,
    /// Whether no carrier reported this status, and a later one implies it.
    pub inferred: bool,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was recorded, by our clock.
    pub recorded_at: DateTime<Utc>,
    /// The id of the HTTP request that caused it.
    pub request_id: Option<String>,
    /// The webhook that caused it.
    pub webhook_id: Option<WebhookId>,
}

impl From<&domain::Transition> for Event {
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
