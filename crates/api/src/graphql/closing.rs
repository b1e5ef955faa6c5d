//! The GraphQL type of the fact that an order is closed.

use app::RedactedClosed;
use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use super::event::Actor;

/// The fact that nothing more is expected of an order.
#[derive(SimpleObject)]
pub struct OrderClosing {
    /// When the order was closed, by Milepost's clock.
    at: DateTime<Utc>,
    /// Who closed it, or who cancelled its last unit.
    by: Actor,
    /// The reason. Null for customers and suppliers.
    reason: Option<String>,
}

impl From<RedactedClosed> for OrderClosing {
    fn from(closed: RedactedClosed) -> Self {
        Self { at: closed.at, by: Actor::from(&closed.actor), reason: closed.reason }
    }
}
