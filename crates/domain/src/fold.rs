//! The fold: what the set of a shipment's scans amounts to.
//!
//! The result depends on the set alone, so any order of arrival and any duplication give the same shipment.
//! What a scan did when it came is told by [`classify_effect`], once, and never asked again.
//!
//! The effect of a scan depends on the state of the shipment before it, and a batch can have thousands of scans. So a
//! batch is folded once: [`FoldState`] holds the scans sorted by what the fold asks of them, takes one scan after the
//! other, and gives the result after each.

mod attribution;
mod outbound;
mod state;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

pub(crate) use attribution::Attribution;
pub use attribution::is_too_old;
pub(crate) use state::{FoldState, OwnScans};

use crate::{
    scan::{Meaning, Scan, ScanEffect},
    shipment::{ConditionKind, ShipmentStatus, Tracking},
    status::OrderStatus,
};

/// How long after delivery a pick-up is the beginning of a return.
const RETURN_PICKUP_AFTER: TimeDelta = TimeDelta::hours(24);

/// What the scans of one shipment amount to, for an order placed at `placed_at` whose shipment was promised for
/// `promised_delivery`.
pub fn fold<'a>(
    scans: impl IntoIterator<Item = &'a Scan>,
    placed_at: DateTime<Utc>,
    promised_delivery: Option<DateTime<Utc>>,
) -> Tracking {
    FoldState::new(scans.into_iter().map(Cow::Borrowed), placed_at, promised_delivery).tracking()
}

/// What a scan did when it came, the shipment having gone from `before` to `after` by it. `own` are the shipment's
/// scans there are since, this one too.
pub(crate) fn classify_effect(
    scan: &Scan,
    own: &OwnScans,
    order: OrderStatus,
    before: &Tracking,
    after: &Tracking,
) -> ScanEffect {
    if !own.includes(scan) {
        return ScanEffect::NotOurs;
    }
    match scan.meaning {
        Meaning::Unknown => return ScanEffect::UnknownCode,
        Meaning::Informational => return ScanEffect::Informational,
        Meaning::Status(_) | Meaning::Condition(_) => {}
    }
    if after.delivered_at.is_some() && own.way_back().is_some_and(|way_back| way_back.has(scan)) {
        return ScanEffect::ReturnLeg;
    }
    match order {
        OrderStatus::Cancelled | OrderStatus::Returned => ScanEffect::OrderClosed,
        _ if before == after => ScanEffect::Stale,
        OrderStatus::Placed | OrderStatus::PaymentConfirmed => ScanEffect::Early,
        OrderStatus::Processing
        | OrderStatus::AwaitingPickup
        | OrderStatus::Shipped
        | OrderStatus::OutForDelivery
        | OrderStatus::Delivered
        | OrderStatus::ReturnInitiated => ScanEffect::Applied,
    }
}

/// The way back of a shipment that was delivered. What happens on it is no news of the way there: a return that is
/// late or damaged does not make a delivered shipment late or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WayBack {
    delivered_at: NaiveDateTime,
    begins_at: NaiveDateTime,
}

impl WayBack {
    /// Whether the scan is one of it: what begins it, and all that is known to have happened since. The scan of the
    /// delivery itself may have the same time. When one without any clock happened, nobody knows.
    fn has(&self, scan: &Scan) -> bool {
        let since = scan.clock() >= self.begins_at && scan.clock() > self.delivered_at;
        begins_way_back(scan, self.delivered_at) || (since && scan.has_clock())
    }
}

/// Whether the scan shows a shipment that was delivered then on its way back. That a pick-up without any clock arrived
/// so late shows nothing: it may be one of the way there.
fn begins_way_back(scan: &Scan, delivered_at: NaiveDateTime) -> bool {
    match scan.meaning {
        Meaning::Status(ShipmentStatus::PickedUp) => {
            scan.has_clock() && scan.clock() - delivered_at >= RETURN_PICKUP_AFTER
        }
        Meaning::Status(ShipmentStatus::ReturnedToSender) | Meaning::Condition(ConditionKind::Returning) => {
            scan.clock() >= delivered_at
        }
        Meaning::Status(_) | Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => false,
    }
}

/// The milestone a scan claims, a cancellation aside.
fn status_of(scan: &Scan) -> Option<ShipmentStatus> {
    match scan.meaning {
        Meaning::Status(ShipmentStatus::Cancelled) => None,
        Meaning::Status(status) => Some(status),
        Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => None,
    }
}

fn condition_of(scan: &Scan) -> Option<ConditionKind> {
    match scan.meaning {
        Meaning::Condition(kind) => Some(kind),
        Meaning::Status(ShipmentStatus::ReturnedToSender) => Some(ConditionKind::Returning),
        Meaning::Status(_) | Meaning::Informational | Meaning::Unknown => None,
    }
}

/// Whether there is no such trouble any more once the shipment is handed over.
fn ends_with_delivery(kind: ConditionKind) -> bool {
    match kind {
        ConditionKind::DeliveryAttemptFailed | ConditionKind::Delayed | ConditionKind::Held => true,
        ConditionKind::AddressIssue
        | ConditionKind::Damaged
        | ConditionKind::Lost
        | ConditionKind::Returning
        | ConditionKind::Other => false,
    }
}

/// Whether a shipment that got this far is past such trouble. A shipment on its way back moves too: only the
/// last leg shows that it goes to the customer again.
fn clears(status: ShipmentStatus, kind: ConditionKind) -> bool {
    match status {
        ShipmentStatus::PickedUp | ShipmentStatus::InTransit => kind != ConditionKind::Returning,
        ShipmentStatus::OutForDelivery | ShipmentStatus::AvailableForPickup | ShipmentStatus::Delivered => {
            true
        }
        ShipmentStatus::LabelCreated | ShipmentStatus::ReturnedToSender | ShipmentStatus::Cancelled => false,
    }
}
