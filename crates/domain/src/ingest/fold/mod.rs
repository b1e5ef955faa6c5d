//! The fold: computes the state of a shipment from the set of its scans.
//!
//! The result depends on the set only. The sequence of arrival and repeats of a scan make no difference.

mod attribution;
mod outbound;
mod state;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(super) use attribution::Attribution;
pub(crate) use attribution::is_too_old;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
pub(crate) use state::FoldState;
pub(super) use state::OwnScans;

use crate::{
    scan::{Meaning, Scan},
    shipment::{ConditionKind, ShipmentStatus, Tracking},
};

/// A pick-up this long after the delivery begins a return.
const RETURN_PICKUP_AFTER: TimeDelta = TimeDelta::hours(24);

/// Computes the state of a shipment from its scans. `placed_at` is when its order was placed. `promised_delivery` is
/// the estimate from the registration; it counts while no scan has an estimate.
///
/// 1. Scans of other parcels with the same number do not count, nor scans of the way back after a delivery.
/// 2. The status is the furthest one that a scan reports. `Cancelled` counts only while no scan shows that the
///    carrier has the parcel.
/// 3. The time of a rank is the time of the earliest scan at this rank or a later one. It is inferred if no scan
///    reports exactly this rank.
/// 4. The condition is the latest trouble, if the shipment made no progress since.
/// 5. The estimate is the one that was said last.
pub fn fold<'a>(
    scans: impl IntoIterator<Item = &'a Scan>,
    placed_at: DateTime<Utc>,
    promised_delivery: Option<DateTime<Utc>>,
) -> Tracking {
    FoldState::new(scans.into_iter().map(Cow::Borrowed), placed_at, promised_delivery).tracking()
}

/// The way back of a shipment that was delivered. Its scans do not count for the way to the customer: a delay or
/// damage on the way back does not make the delivered shipment delayed or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WayBack {
    delivered_at: NaiveDateTime,
    begins_at: NaiveDateTime,
}

impl WayBack {
    /// Whether the scan belongs to the way back.
    ///
    /// 1. A scan that begins a way back does.
    /// 2. A scan with a clock does if it is after the delivery and not before the beginning of the way back. The scan
    ///    of the delivery can have the same time as the beginning, and is not part of it.
    /// 3. Any other scan without a clock does not, because nobody knows when it happened.
    pub(super) fn has(&self, scan: &Scan) -> bool {
        let since = scan.clock() >= self.begins_at && scan.clock() > self.delivered_at;
        begins_way_back(scan, self.delivered_at) || (since && scan.has_clock())
    }
}

/// Whether the scan begins the way back of a shipment that was delivered at `delivered_at`. A pick-up counts only
/// with a time from the carrier: without one, it may belong to the way to the customer and have arrived late.
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

/// The status that a scan reports. A cancellation is not one: it counts only while no scan shows that the carrier has
/// the parcel.
fn status_of(scan: &Scan) -> Option<ShipmentStatus> {
    match scan.meaning {
        Meaning::Status(ShipmentStatus::Cancelled) => None,
        Meaning::Status(status) => Some(status),
        Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => None,
    }
}

/// The trouble that a scan reports.
fn condition_of(scan: &Scan) -> Option<ConditionKind> {
    match scan.meaning {
        Meaning::Condition(kind) => Some(kind),
        Meaning::Status(ShipmentStatus::ReturnedToSender) => Some(ConditionKind::Returning),
        Meaning::Status(_) | Meaning::Informational | Meaning::Unknown => None,
    }
}

/// Whether a delivery ends trouble of this kind.
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

/// Whether a shipment with this status is past trouble of this kind. A shipment on its way back moves too, so only
/// the last leg to the customer ends `Returning`.
fn clears(status: ShipmentStatus, kind: ConditionKind) -> bool {
    match status {
        ShipmentStatus::PickedUp | ShipmentStatus::InTransit => kind != ConditionKind::Returning,
        ShipmentStatus::OutForDelivery | ShipmentStatus::AvailableForPickup | ShipmentStatus::Delivered => {
            true
        }
        ShipmentStatus::LabelCreated | ShipmentStatus::ReturnedToSender | ShipmentStatus::Cancelled => false,
    }
}
