//! Notices: taken up, sent by `worker`, closed here.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Item, Meaning, NoticeId, OrderHead, Progress, Shipment, ShipmentStatus, progress};
use persistence::{
    due::{self, Leased, Next, Work},
    notices::{self, Notice},
    read,
};

use crate::{App, customer_text, error::Result, relay::backoff, retry::retrying};

/// How long a mail may be on its way to the server: the server may be slow at every step.
const SENDING: TimeDelta = TimeDelta::minutes(5);
/// How long a mail may wait for its server before it is given up: a long weekend.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);

/// A notice with all that its mail tells.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The notice.
    pub notice: Notice,
    /// Its order.
    pub order: OrderHead,
    /// The order's items.
    pub items: Vec<Item>,
    /// The order's parcels.
    pub shipments: Vec<Shipment>,
    /// How far the order is.
    pub progress: Progress,
    /// Where a parcel waits to be collected, as the carrier put it.
    pub pickup_place: Option<String>,
    /// What support or a system said about the event, for a cancellation.
    pub reason: Option<String>,
    /// Where the customer follows the order.
    pub tracking_url: String,
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// In the server's words.
    pub reason: String,
    /// Whether it may leave later.
    pub retryable: bool,
}

impl App {
    /// Begins a notice that was leased: nothing if it is no longer this job's, or superseded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_notice(&self, leased: &Leased) -> Result<Option<Letter>> {
        let until = self.clock.now() + SENDING;
        let opened = retrying(|| notices::open(&self.store, leased, until)).await?;
        let Some(notice) = opened else { return Ok(None) };
        let id = notice.order_id;
        let Some(order) = read::order(&self.store, id).await? else { return Ok(None) };
        let items = read::items_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let shipments = read::shipments_of(&self.store, &[id]).await?.remove(&id).unwrap_or_default();
        let pickup_place = self.pickup_place(&shipments).await?;
        let history = read::VersionRange { order_id: id, first: 1, last: order.version };
        let events = read::events_in(&self.store, &[history]).await?;
        let reason = customer_text::reason_to_mail(&events, notice.status);
        let items = customer_text::items_to_show(items, &events);
        Ok(Some(Letter {
            progress: progress(order.status, &items, &shipments),
            tracking_url: self.tracking_url(id),
            notice,
            order,
            items,
            shipments,
            pickup_place,
            reason,
        }))
    }

    /// The place of the latest scan of a parcel that waits to be collected, by the carrier or by staff. A supplier's text
    /// is not mailed.
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

    /// Closes a notice whose mail was taken by the server.
    ///
    /// # Errors
    /// When the database fails: the mail then goes out again, with the same `Message-ID`.
    pub async fn notice_sent(&self, id: NoticeId) -> Result<()> {
        let now = self.clock.now();
        Ok(retrying(|| notices::sent(&self.store, id, now)).await?)
    }

    /// Writes down that a mail did not leave, and when it is tried again.
    ///
    /// # Errors
    /// When the database fails: the lease then runs out and the mail is tried again.
    pub async fn notice_not_sent(&self, notice: &Notice, leased: Leased, error: &NotSent) -> Result<()> {
        let now = self.clock.now();
        let waits_since: DateTime<Utc> = notice.queued_at;
        let decide = |failures| match error.retryable && now - waits_since < GIVE_UP_AFTER {
            true => Next::Retry(now + backoff(failures)),
            false => Next::GiveUp,
        };
        retrying(|| due::fail(&self.store, Work::Notices, leased, &error.reason, decide)).await?;
        Ok(())
    }
}
