//! The GraphQL type of a notification to a customer.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};
use domain::Suppression;
use persistence::notifications;

use super::enums::{NotificationState, OrderStatus};

/// One notification of an order.
pub struct Notification(pub(super) notifications::Notification);

/// A message to a customer about a new status of an order, and whether it was sent. There are notifications for
/// `SHIPPED`, `OUT_FOR_DELIVERY`, `DELIVERED` and `CANCELLED`.
#[Object]
impl Notification {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The unique key `notify-{order}-{status}`: an order has at most one notification for each status.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// The status about which the customer is told.
    async fn status(&self) -> OrderStatus {
        self.0.kind.status().into()
    }

    /// How the message is sent: `email`.
    async fn channel(&self) -> &str {
        &self.0.channel
    }

    /// The address of the recipient. Empty if the order has no address.
    async fn recipient(&self) -> &str {
        self.0.recipient.as_deref().unwrap_or_default()
    }

    /// Whether the notification was sent.
    async fn state(&self) -> NotificationState {
        self.0.state.into()
    }

    /// Why the notification was suppressed. `superseded`: a newer notification of the order takes its place.
    /// `no_address`: the order has no address.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.map(Suppression::as_str)
    }

    /// How many attempts to send it have begun.
    async fn attempts(&self) -> i32 {
        self.0.attempt
    }

    /// When the notification was created.
    async fn queued_at(&self) -> DateTime<Utc> {
        self.0.queued_at
    }

    /// When the mail server accepted the mail.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.0.sent_at
    }

    /// The latest failure, usually in the mail server's words.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
}
