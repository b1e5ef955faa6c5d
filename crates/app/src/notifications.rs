//! Notifications: taken up, sent by `worker`, closed here.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Item, Meaning, NotificationId, OrderHead, Progress, Shipment, ShipmentStatus, progress};
use persistence::{
    leases::{Leased, Next},
    notifications::{self, Notification},
    read,
};

use crate::{App, customer_text, error::Result, relay::backoff, retry::retry_transaction};

/// How long a mail may be on its way to the server: the server may be slow at every step.
const SENDING: TimeDelta = TimeDelta::minutes(5);
/// How long a mail may wait for its server before it is given up: a long weekend.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);
/// Attempts of unknown outcome for one notification: each of them may be a mail that the customer has. A lost answer is
/// followed by a second copy, as mail servers do among themselves, and not by a copy at every retry for three days.
const MAX_UNKNOWN_OUTCOMES: i32 = 3;

/// A notification with all that its mail tells.
#[derive(Clone, Debug)]
pub struct NotificationContext {
    /// The notification.
    pub notification: Notification,
    /// Its order.
    pub order: OrderHead,
    /// The order's items.
    pub items: Vec<Item>,
    /// The order's shipments.
    pub shipments: Vec<Shipment>,
    /// How far the order is.
    pub progress: Progress,
    /// Where a shipment waits to be collected, as the carrier put it.
    pub pickup_place: Option<String>,
    /// What support or a system said about the event, for a cancellation.
    pub reason: Option<String>,
    /// Where the customer follows the order.
    pub tracking_url: String,
}

/// Why a mail did not leave, or did not leave for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// In the server's words.
    pub reason: String,
    /// What the attempt came to.
    pub outcome: Outcome,
}

/// What an attempt came to that the mail server did not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail was not taken; it may be taken later.
    NotYet,
    /// The mail was refused for good.
    Refused,
    /// The content was handed over and no answer came: the mail may have been delivered.
    Unknown,
}

impl App {
    /// Begins a notification that was leased: nothing if it is no longer this job's, or superseded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_notification(&self, leased: &Leased) -> Result<Option<NotificationContext>> {
        let until = self.clock.now() + SENDING;
        let opened = retry_transaction(|| notifications::open(&self.store, leased, until)).await?;
        let Some(notification) = opened else { return Ok(None) };
        if notification.unknown_outcomes >= MAX_UNKNOWN_OUTCOMES {
            // The last of these attempts was not closed: its process died.
            let reason = notification.error.as_deref().unwrap_or("the process ended while it sent the mail");
            self.give_up(&notification, *leased, reason).await?;
            return Ok(None);
        }
        let id = notification.order_id;
        let Some(order) = read::order(&self.store, id).await? else { return Ok(None) };
        let items = read::items_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let shipments = read::shipments_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let pickup_place = self.pickup_place(&shipments).await?;
        let history = read::VersionRange { order_id: id, first: 1, last: order.version };
        let events = read::events_in(&self.store, &[history]).await?;
        let reason = customer_text::reason_to_mail(&events, notification.kind.status());
        let items = customer_text::items_to_show(items, &events);
        Ok(Some(NotificationContext {
            progress: progress(order.status, &items, &shipments),
            tracking_url: self.tracking_url(id),
            notification,
            order,
            items,
            shipments,
            pickup_place,
            reason,
        }))
    }

    /// The place of the latest scan of a shipment that waits to be collected, by the carrier or by staff. A supplier's
    /// text is not mailed.
    async fn pickup_place(&self, shipments: &[Shipment]) -> Result<Option<String>> {
        let waiting = ShipmentStatus::AvailableForPickup;
        let Some(shipment) = shipments.iter().find(|shipment| shipment.status() == waiting) else {
            return Ok(None);
        };
        let scans = read::scans_of(&self.store, &[shipment.id]).await?.remove(&shipment.id);
        let scans = scans.unwrap_or_default();
        let latest = scans.iter().find(|stored| {
            let by_supplier = stored.recorded_by.as_ref().is_some_and(|by| !by.is_staff());
            stored.scan.meaning == Meaning::Status(waiting) && !by_supplier
        });
        Ok(latest.and_then(|stored| stored.scan.location.clone()))
    }

    /// Records that the content of a notification's mail is about to be handed over. False if the notification is no
    /// longer this job's: then the mail must not be sent.
    ///
    /// # Errors
    /// When the database fails: the mail must not be sent, because nothing would bound its copies.
    pub async fn hand_over_notification(&self, leased: &Leased) -> Result<bool> {
        Ok(retry_transaction(|| notifications::hand_over(&self.store, leased)).await?)
    }

    /// Closes a notification whose mail was taken by the server.
    ///
    /// # Errors
    /// When the database fails: the mail then goes out again, with the same `Message-ID`.
    pub async fn record_notification_sent(&self, id: NotificationId) -> Result<()> {
        let now = self.clock.now();
        Ok(retry_transaction(|| notifications::mark_sent(&self.store, id, now)).await?)
    }

    /// Writes down that a mail did not leave, and when it is tried again. A notification with too many attempts of
    /// unknown outcome is given up.
    ///
    /// # Errors
    /// When the database fails: the lease then runs out and the mail is tried again.
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
        let waits_since: DateTime<Utc> = notification.queued_at;
        let decide = |failures| match error.outcome {
            Outcome::NotYet | Outcome::Unknown if now - waits_since < GIVE_UP_AFTER => {
                Next::Retry(now + backoff(failures))
            }
            Outcome::NotYet | Outcome::Unknown | Outcome::Refused => Next::GiveUp,
        };
        let reason = match notification.unknown_outcomes {
            0 => error.reason.clone(),
            earlier => {
                format!("{}; it may have been delivered: {earlier} earlier got no answer", error.reason)
            }
        };
        retry_transaction(|| notifications::not_sent(&self.store, leased, &reason, !is_unknown, decide))
            .await?;
        Ok(())
    }

    /// Closes a notification whose mail may have been delivered, as often as there were attempts of unknown outcome.
    async fn give_up(&self, notification: &Notification, leased: Leased, reason: &str) -> Result<()> {
        let error = format!(
            "given up: {MAX_UNKNOWN_OUTCOMES} attempts handed the mail over and got no answer, so it may have been \
             delivered, also more than once; the last one: {reason}"
        );
        let closed = retry_transaction(|| {
            notifications::not_sent(&self.store, leased, &error, false, |_| Next::GiveUp)
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
