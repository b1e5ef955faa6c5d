//! Messages owed to customers.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};
use persistence::notifications;

use super::enums::{NotificationState, OrderStatus};

/// A message owed to a customer because of an event, and what has become of it.
pub struct Notification(pub(super) notifications::Notification);

/// A message owed to a customer because of an event, and what has become of it.
#[Object]
impl Notification {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What makes it the only one of its kind: `notify-{order}-{status}`.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// The news.
    async fn status(&self) -> OrderStatus {
        self.0.kind.status().into()
    }

    /// How it travels: `email`.
    async fn channel(&self) -> &str {
        &self.0.channel
    }

    /// To whom. Empty when the order has no address.
    async fn recipient(&self) -> &str {
        &self.0.recipient
    }

    /// What has become of it.
    async fn state(&self) -> NotificationState {
        self.0.state.into()
    }

    /// Why it was suppressed: `superseded`, `no_address`.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// How often it was taken up.
    async fn attempts(&self) -> i32 {
        self.0.attempt
    }

    /// When it was written.
    async fn queued_at(&self) -> DateTime<Utc> {
        self.0.queued_at
    }

    /// When the mail server took it.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.0.sent_at
    }

    /// The latest failure, in the mail server's words.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
}
