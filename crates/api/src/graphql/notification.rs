//! The GraphQL type of a notification to a customer.

use std::sync::Arc;

use app::{App, Caller};
use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::NotificationId;
use persistence::{failures::Failure, notifications};

use super::{
    batch_cache::ListCache,
    enums::{NotificationState, OrderStatus},
    failure::AttemptFailure,
    limits::weights::{FAILURES, list},
};

/// Why a notification is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Suppression")]
pub enum Suppression {
    /// A newer event of the order was recorded before the mail left. The notification of that event takes its place.
    Superseded,
    /// The event had happened longer than `MILEPOST_NOTIFY_MAX_AGE` ago when it was recorded.
    Historical,
    /// The order has no address.
    NoAddress,
    /// The recipient does not want to be notified. Milepost does not record this yet.
    OptedOut,
    /// The order was placed with `notify: false`.
    Muted,
    /// The delivery that it tells of was retracted before the mail left.
    Retracted,
}

/// What a notification tells the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::NotificationKind")]
pub enum NotificationKind {
    /// The order is `SHIPPED`.
    Shipped,
    /// The order is `OUT_FOR_DELIVERY`, or can be collected.
    OutForDelivery,
    /// The order is `DELIVERED`.
    Delivered,
    /// The order is `CANCELLED`, or all of its units were called off.
    Cancelled,
    /// A correction: a tracking number that the customer was told is void, and another one takes its place.
    NumberReplaced,
    /// A correction: the customer was told of a delivery, and a scan of it was retracted.
    DeliveryRetracted,
}

/// One notification of an order. It knows the other notifications that were read with it, so that their failures are
/// read together.
pub struct Notification {
    notification: notifications::Notification,
    failures: Arc<ListCache<NotificationId, Failure>>,
}

impl Notification {
    /// Makes a notification that was read together with others. `failures` is for all of them.
    pub(super) fn new(
        notification: notifications::Notification,
        failures: Arc<ListCache<NotificationId, Failure>>,
    ) -> Self {
        Self { notification, failures }
    }

    /// Makes a notification that was read alone.
    pub(super) fn from_single_row(notification: notifications::Notification) -> Self {
        let failures = ListCache::new(vec![notification.id]);
        Self { notification, failures }
    }
}

/// A message to a customer about an order, and whether it was sent. There are notifications about the statuses `SHIPPED`,
/// `OUT_FOR_DELIVERY`, `DELIVERED` and `CANCELLED`, and corrections of what such a notification told.
#[Object]
impl Notification {
    /// The id, a UUID.
    async fn id(&self) -> ID {
        self.notification.id.to_string().into()
    }

    /// The unique key: an order has at most one notification for each fact and recipient. It is `notify-{order}-{status}`
    /// for the first recipient, `notify-{order}-{status}-2` for the second one, and so on. Corrections have
    /// `replaced-{shipment}`, `retracted-{scan}` or `delivered-after-{scan}` in place of the status.
    async fn key(&self) -> &str {
        &self.notification.key
    }

    /// What the customer is told.
    async fn kind(&self) -> NotificationKind {
        self.notification.kind.into()
    }

    /// The status about which the customer is told. For a correction, the status of the order when it was recorded.
    async fn status(&self) -> OrderStatus {
        self.notification.status.into()
    }

    /// How the message is sent: `email`.
    async fn channel(&self) -> &str {
        &self.notification.channel
    }

    /// The address of the recipient: one of `Order.customerEmails`. Empty if the order has no address.
    async fn recipient(&self) -> &str {
        self.notification.recipient.as_deref().unwrap_or_default()
    }

    /// Whether the notification was sent.
    async fn state(&self) -> NotificationState {
        self.notification.state.into()
    }

    /// Why the notification was suppressed: `suppressedBecause` in lower case, for example `no_address`.
    async fn reason(&self) -> Option<&str> {
        self.notification.reason.map(domain::Suppression::as_str)
    }

    /// Why the notification was suppressed, for programs. Null if it was not.
    async fn suppressed_because(&self) -> Option<Suppression> {
        self.notification.reason.map(Suppression::from)
    }

    /// Why the notification was suppressed, as text for people.
    async fn suppression_text(&self) -> Option<&str> {
        self.notification.reason.map(domain::Suppression::describe)
    }

    /// How many attempts to send it have begun.
    async fn attempts(&self) -> i32 {
        self.notification.attempt
    }

    /// When the notification was created.
    async fn queued_at(&self) -> DateTime<Utc> {
        self.notification.queued_at
    }

    /// When the mail server accepted the mail. It stays when the notification is sent again, until the new mail is
    /// accepted.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.notification.sent_at
    }

    /// How often `resendNotification` has queued it again.
    async fn resends(&self) -> i32 {
        self.notification.resends
    }

    /// The latest failure, usually in the mail server's words.
    async fn error(&self) -> Option<&str> {
        self.notification.error.as_deref()
    }

    /// The failed attempts to send it, newest first, at most 20. A later success or failure does not remove them.
    #[graphql(complexity = "list(FAILURES, child_complexity)")]
    async fn failures(&self, ctx: &Context<'_>) -> Result<Vec<AttemptFailure>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = |ids, extent| app.reads().failures_of_notifications(caller, ids, extent);
        let failures = self.failures.load(ctx, self.notification.id, read).await?;
        Ok(failures.iter().cloned().map(AttemptFailure::from).collect())
    }
}
