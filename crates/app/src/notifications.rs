//! Opens notifications that were leased, for `worker` to send, and records the result of each attempt. `resend` sends
//! one again by request.
//!
//! The notification job of `worker` calls the steps of one attempt in this sequence:
//!
//! 1. `open_notification` begins the attempt. `None` or an error: there is no mail to send now.
//! 2. `hand_over_notification`, after the mail server has accepted the recipient, or before the mail is put into the
//!    mailbox. `false` or an error: the mail must not be sent.
//! 3. `record_notification_sent`, or `record_notification_failure`. The latter says when to try again, or closes the
//!    notification as failed: after a permanent refusal, after `GIVE_UP_AFTER`, or through `give_up` after
//!    `MAX_UNKNOWN_OUTCOMES`.
//!
//! Each step commits a transaction of its own. No mail is sent here.

mod resend;

use std::collections::{BTreeSet, HashMap};

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CarrierDirectory, Item, NotificationId, OrderHead, Progress, Shipment, ShipmentId, TrackingNumber,
    live_shipments, progress,
};
use persistence::{
    Store,
    failures::NewFailure,
    leases::{Leased, Next},
    notifications::{self, Notification},
    read,
};

pub use resend::{Resend, Resent};

use crate::{
    Clock, Policy, customer_text, error::Result, feed::Feed, links::Links, relay::compute_pause,
    retry::retry_transaction,
};

/// How long an attempt to send a mail may take before the notification is due again. The mail server may be slow at
/// each step.
const SENDING: TimeDelta = TimeDelta::minutes(5);
/// How long a notification is retried before it is given up. Three days cover a long weekend.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);
/// Largest number of attempts with unknown outcome for one notification. Each of them may have delivered a mail. If an
/// answer is lost, the mail is sent again, as mail servers do among themselves, but not with every retry for three
/// days.
const MAX_UNKNOWN_OUTCOMES: i32 = 3;

/// A notification and all data that its mail shows.
#[derive(Clone, Debug)]
pub struct NotificationContext {
    pub notification: Notification,
    pub order: OrderHead,
    /// The items of the order, with names that may be shown in mails.
    pub items: Vec<Item>,
    pub shipments: Vec<Shipment>,
    pub progress: Progress,
    /// The places where shipments can be collected, as the carrier or staff wrote them.
    pub pickup_places: HashMap<ShipmentId, String>,
    /// The reason that support or a system gave for the status. The mail shows it for a cancellation.
    pub reason: Option<String>,
    /// When the attempt began: the date of the mail.
    pub opened_at: DateTime<Utc>,
    /// URL of the page on which the customer follows the order.
    pub tracking_url: String,
}

impl NotificationContext {
    /// The shipments that the mail shows.
    pub fn live_shipments(&self) -> impl Iterator<Item = &Shipment> {
        live_shipments(&self.shipments)
    }

    /// The tracking numbers in the mail, and those in earlier mails of the notification that may have left.
    fn told_numbers(&self) -> Vec<TrackingNumber> {
        let earlier = self.notification.told_numbers.iter().filter(|_| self.notification.may_have_left());
        let shown = self.live_shipments().map(|shipment| &shipment.tracking_number);
        let all: BTreeSet<&TrackingNumber> = earlier.chain(shown).collect();
        all.into_iter().cloned().collect()
    }
}

/// A failed attempt to send a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// The answer of the mail server, or what happened instead of an answer.
    pub reason: String,
    pub outcome: Outcome,
}

/// The outcome of an attempt that the mail server did not confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server did not accept the mail now. A retry may succeed.
    NotYet,
    /// The mail was refused permanently.
    Refused,
    /// The content was sent, and no answer was received: the mail may have been delivered.
    Unknown,
}

/// Opens and settles notifications, for `worker`, and sends them again, for `api`.
#[derive(Clone)]
pub struct Notifications {
    store: Store,
    clock: Clock,
    feed: Feed,
    links: Links,
    policy: Arc<Policy>,
}

impl Notifications {
    pub(crate) fn new(store: Store, clock: Clock, feed: Feed, links: Links, policy: Arc<Policy>) -> Self {
        Self { store, clock, feed, links, policy }
    }

    /// The names and tracking pages of carriers.
    pub fn carriers(&self) -> &CarrierDirectory {
        &self.policy.carriers
    }

    /// Opens a leased notification and loads the data for its mail. `None` if the notification must not be sent: it
    /// belongs to another job by now, is superseded, or has had too many attempts of unknown outcome.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_notification(&self, leased: &Leased) -> Result<Option<NotificationContext>> {
        let now = self.clock.now();
        let opened =
            retry_transaction(|| notifications::open_notification(&self.store, leased, now + SENDING))
                .await?;
        let Some(notification) = opened else { return Ok(None) };
        if notification.unknown_outcomes >= MAX_UNKNOWN_OUTCOMES {
            // The process of the last attempt died before it recorded a result.
            let reason = notification.error.as_deref().unwrap_or("the process ended while it sent the mail");
            self.give_up(&notification, *leased, reason).await?;
            return Ok(None);
        }
        let id = notification.order_id;
        let Some(order) = read::load_order(&self.store, id).await? else { return Ok(None) };
        let (order, items, shipments) = order.into_parts();
        let pickup_places = customer_text::pickup_places(&self.store, &shipments).await?;
        let history = read::VersionRange { order_id: id, first: 1, last: order.version };
        let events = read::events_in(&self.store, &[history]).await?;
        let reason = notification
            .kind
            .status()
            .and_then(|status| customer_text::reason_to_mail(&events, status))
            .or_else(|| customer_text::reason_if_all_called_off(&items));
        let items = customer_text::items_to_show(items, &events);
        Ok(Some(NotificationContext {
            progress: progress(order.status, &items, &shipments).of_closed(order.closed.is_some()),
            tracking_url: self.links.tracking_url(id),
            notification,
            order,
            items,
            shipments,
            pickup_places,
            reason,
            opened_at: now,
        }))
    }

    /// Records that an attempt is about to send the content of the mail. Returns false if the notification belongs to
    /// another job by now or is superseded: then the mail must not be sent.
    ///
    /// # Errors
    /// When the database fails. The mail must then not be sent, because nothing would limit the number of copies.
    pub async fn hand_over_notification(
        &self,
        leased: &Leased,
        context: &NotificationContext,
    ) -> Result<bool> {
        let told = context.told_numbers();
        Ok(retry_transaction(|| notifications::hand_over(&self.store, leased, &told)).await?)
    }

    /// Closes a notification whose mail the server has accepted.
    ///
    /// # Errors
    /// When the database fails. The mail is then sent again, with the same `Message-ID`.
    pub async fn record_notification_sent(&self, id: NotificationId) -> Result<()> {
        let now = self.clock.now();
        Ok(retry_transaction(|| notifications::mark_sent(&self.store, id, now)).await?)
    }

    /// Records a failed attempt and when to try again. Gives the notification up after too many attempts of unknown
    /// outcome.
    ///
    /// # Errors
    /// When the database fails. The mail is then tried again after the lease has expired.
    pub async fn record_notification_failure(
        &self,
        notification: &Notification,
        leased: Leased,
        error: &NotSent,
    ) -> Result<()> {
        let is_unknown = error.outcome == Outcome::Unknown;
        if is_unknown && notification.unknown_outcomes + 1 >= MAX_UNKNOWN_OUTCOMES {
            return self.give_up(notification, leased, &error.reason).await;
        }
        let now = self.clock.now();
        let waits_since: DateTime<Utc> = notification.resent_at.unwrap_or(notification.queued_at);
        let decide = |failures| match error.outcome {
            Outcome::NotYet | Outcome::Unknown if now - waits_since < GIVE_UP_AFTER => {
                Next::Retry(now + compute_pause(failures))
            }
            Outcome::NotYet | Outcome::Unknown | Outcome::Refused => Next::GiveUp,
        };
        let reason = match notification.unknown_outcomes {
            0 => error.reason.clone(),
            earlier => {
                format!("{}; it may have been delivered: {earlier} earlier got no answer", error.reason)
            }
        };
        let retryable = match error.outcome {
            Outcome::NotYet | Outcome::Unknown => true,
            Outcome::Refused => false,
        };
        let failure = NewFailure { at: now, error: &reason, retryable };
        retry_transaction(|| {
            notifications::record_failed_attempt(&self.store, leased, failure, !is_unknown, decide)
        })
        .await?;
        Ok(())
    }

    /// Closes a notification as failed after the last permitted attempt of unknown outcome, and logs an error. The mail
    /// may have been delivered, several times.
    async fn give_up(&self, notification: &Notification, leased: Leased, reason: &str) -> Result<()> {
        let error = format!(
            "given up: {MAX_UNKNOWN_OUTCOMES} attempts handed the mail over and got no answer, so it may have been \
             delivered, also more than once; the last one: {reason}"
        );
        let failure = NewFailure { at: self.clock.now(), error: &error, retryable: false };
        let closed = retry_transaction(|| {
            notifications::record_failed_attempt(&self.store, leased, failure, false, |_| Next::GiveUp)
        })
        .await?;
        if closed.is_some() {
            tracing::error!(
                key = notification.key,
                attempts = notification.attempt,
                error,
                "a notification was given up: its mail may have been delivered, and nobody knows"
            );
        }
        Ok(())
    }
}
