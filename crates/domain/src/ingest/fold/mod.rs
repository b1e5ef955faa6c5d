//! The fold: computes the state of a shipment from the set of its scans.
//!
//! The result depends on the set only. The sequence of arrival and repeats of a scan make no difference.
//!
//! Production code uses [`FoldState`], which gives the state after each scan: `effects.rs` and `order/retract.rs` make
//! one. [`fold`] is the same for a set of scans, for tests. The other functions here say what one scan means on the way
//! to the customer, or on the way back: `legs.rs`, `outbound.rs` and `attribution.rs` ask them. `status_of` and
//! `condition_of` are `None` for a scan of a return; a cancellation is no status there either.

mod attribution;
mod legs;
mod outbound;
mod state;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(super) use attribution::Attribution;
pub(crate) use attribution::is_too_old;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
pub(super) use legs::Journey;
pub(crate) use state::FoldState;

use crate::{
    delivery_estimate::DeliveryEstimate,
    scan::{Evidence, Meaning, Scan},
    shipment::Tracking,
    shipment_status::{ConditionKind, Rank, ShipmentStatus},
};

/// A pick-up this long after the delivery begins a return.
const RETURN_PICKUP_AFTER: TimeDelta = TimeDelta::hours(24);

/// Computes the state of a shipment from its scans. `placed_at` is when its order was placed. `promised` is
/// the last estimate of the merchant.
///
/// 1. Scans of other parcels with the same number do not count, nor scans of the way back after a delivery.
/// 2. The status is the furthest one that a scan of the way to the customer reports. Trouble that shows that the
///    carrier has the parcel makes it at least `InTransit`. `Cancelled` counts only while nothing but data about the
///    label shows that the carrier has the parcel.
/// 3. If a return began before the delivery and has no end (`legs.rs`), the status is `ReturnedToSender`. The condition
///    is `Returning`, and `Returned` once the parcel has arrived.
/// 4. The time of a rank is the time of the earliest scan at this rank or a later one. It is inferred if no scan
///    reports exactly this rank, or if that scan reports trouble.
/// 5. Otherwise the condition is the latest trouble, if the shipment made no progress since. Of a delivered shipment
///    only damage and loss are left.
/// 6. The estimate is the one that was said last.
pub fn fold<'a>(
    scans: impl IntoIterator<Item = &'a Scan>,
    placed_at: DateTime<Utc>,
    promised: Option<DeliveryEstimate>,
) -> Tracking {
    FoldState::new(scans.into_iter().map(Cow::Borrowed), placed_at, promised).tracking()
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
    pub(super) fn contains_scan(&self, scan: &Scan) -> bool {
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
        meaning if is_return_news(meaning) => scan.clock() >= delivered_at,
        Meaning::Status(_)
        | Meaning::Condition(_)
        | Meaning::ReturnCancelled
        | Meaning::Informational
        | Meaning::Unknown => false,
    }
}

/// Whether the meaning says that the parcel goes back to its sender, or that it arrived there.
pub(super) fn is_return_news(meaning: Meaning) -> bool {
    match meaning {
        Meaning::Status(status) => status == ShipmentStatus::ReturnedToSender,
        Meaning::Condition(kind) => matches!(kind, ConditionKind::Returning | ConditionKind::Returned),
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => false,
    }
}

/// Whether the scan ends a return: it says that the return was called off, or staff says that the parcel is on its
/// last leg to the customer or delivered. Such a scan of the carrier or of a supplier may be one of the way back.
fn ends_return(scan: &Scan) -> bool {
    match scan.meaning {
        Meaning::ReturnCancelled => true,
        Meaning::Status(status) => scan.evidence == Evidence::Staff && status.rank() >= Rank::OutForDelivery,
        Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => false,
    }
}

/// Whether a scan with this meaning shows that the carrier has had the parcel.
fn shows_possession(meaning: Meaning) -> bool {
    match meaning {
        Meaning::Status(status) => status.rank() >= Rank::Shipped,
        Meaning::Condition(kind) => match kind {
            ConditionKind::DeliveryAttemptFailed
            | ConditionKind::Damaged
            | ConditionKind::Returning
            | ConditionKind::Returned => true,
            // A carrier says this also of a parcel that it waits for.
            ConditionKind::Delayed
            | ConditionKind::Held
            | ConditionKind::AddressIssue
            | ConditionKind::Lost
            | ConditionKind::Other => false,
        },
        Meaning::ReturnCancelled => true,
        Meaning::Informational | Meaning::Unknown => false,
    }
}

/// The status that a scan reports on the way to the customer. A cancellation is not one: it counts only while no scan
/// shows that the carrier has the parcel. Nor is a return.
fn status_of(scan: &Scan) -> Option<ShipmentStatus> {
    match scan.meaning {
        Meaning::Status(ShipmentStatus::Cancelled | ShipmentStatus::ReturnedToSender) => None,
        Meaning::Status(status) => Some(status),
        Meaning::Condition(_) | Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => None,
    }
}

/// The trouble that a scan reports on the way to the customer.
fn condition_of(scan: &Scan) -> Option<ConditionKind> {
    match scan.meaning {
        Meaning::Condition(kind) if !is_return_news(scan.meaning) => Some(kind),
        Meaning::Status(_)
        | Meaning::Condition(_)
        | Meaning::ReturnCancelled
        | Meaning::Informational
        | Meaning::Unknown => None,
    }
}

/// Whether a delivery ends trouble of this kind, whatever its clock.
fn ends_with_delivery(kind: ConditionKind) -> bool {
    match kind {
        ConditionKind::DeliveryAttemptFailed
        | ConditionKind::Delayed
        | ConditionKind::Held
        | ConditionKind::AddressIssue
        | ConditionKind::Other => true,
        ConditionKind::Damaged | ConditionKind::Lost | ConditionKind::Returning | ConditionKind::Returned => {
            false
        }
    }
}

/// Whether a shipment with this status is past trouble.
fn clears_trouble(status: ShipmentStatus) -> bool {
    match status {
        ShipmentStatus::PickedUp
        | ShipmentStatus::InTransit
        | ShipmentStatus::OutForDelivery
        | ShipmentStatus::AvailableForPickup
        | ShipmentStatus::Delivered => true,
        ShipmentStatus::LabelCreated | ShipmentStatus::ReturnedToSender | ShipmentStatus::Cancelled => false,
    }
}
