//! The fold: computes the state of a shipment from the set of its scans.
//!
//! 1. The result depends on the set only. The sequence of arrival and repeats of a scan make no difference.
//! 2. What a scan did when it came is another question, because it depends on what was known then.
//!    [`classify_effect`] answers it once, and the answer is stored.

mod attribution;

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

pub(crate) use attribution::Attribution;
pub use attribution::is_too_old;

use crate::{
    scan::{Meaning, Scan, ScanEffect},
    shipment::{Condition, ConditionKind, Rank, ShipmentStatus, Tracking},
    status::OrderStatus,
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
    let scans = outbound_scans(scans, placed_at);
    let furthest = scans.iter().filter_map(|scan| status_of(scan)).max();
    let status = match furthest {
        Some(status) if status.rank() >= Rank::Shipped => status,
        _ if scans.iter().any(|scan| scan.meaning == Meaning::Status(ShipmentStatus::Cancelled)) => {
            ShipmentStatus::Cancelled
        }
        _ => ShipmentStatus::LabelCreated,
    };
    let tells = |rank: Rank| scans.iter().any(|scan| status_of(scan).is_some_and(|s| s.rank() == rank));
    let since = |rank: Rank| first_scan_at_rank(&scans, rank).map(|scan| scan.occurred_at);
    let estimate = scans.iter().filter_map(|scan| scan.estimate).max();
    Tracking {
        status,
        condition: current_condition(&scans),
        estimated_delivery: estimate.map(|estimate| estimate.expected).or(promised_delivery),
        shipped_at: since(Rank::Shipped),
        shipped_inferred: since(Rank::Shipped).is_some() && !tells(Rank::Shipped),
        out_for_delivery_at: since(Rank::OutForDelivery),
        out_for_delivery_inferred: since(Rank::OutForDelivery).is_some() && !tells(Rank::OutForDelivery),
        delivered_at: since(Rank::Delivered),
    }
}

/// The first scan that shows that the shipment reached `rank`. The step of the order has its time and its code.
pub(crate) fn first_scan_reaching<'a>(
    scans: impl IntoIterator<Item = &'a Scan>,
    placed_at: DateTime<Utc>,
    rank: Rank,
) -> Option<&'a Scan> {
    first_scan_at_rank(&outbound_scans(scans, placed_at), rank)
}

/// What a scan did when it came and changed the state of the shipment from `before` to `after`. `all` are all scans
/// of the shipment, this one included.
pub(crate) fn classify_effect(
    scan: &Scan,
    all: &[Scan],
    attribution: &Attribution,
    order: OrderStatus,
    before: &Tracking,
    after: &Tracking,
) -> ScanEffect {
    if !attribution.includes(scan) {
        return ScanEffect::NotOurs;
    }
    match scan.meaning {
        Meaning::Unknown => return ScanEffect::UnknownCode,
        Meaning::Informational => return ScanEffect::Informational,
        Meaning::Status(_) | Meaning::Condition(_) => {}
    }
    if after.delivered_at.is_some() {
        let all: Vec<&Scan> = all.iter().filter(|scan| attribution.includes(scan)).collect();
        if WayBack::find(&all).is_some_and(|way_back| way_back.has(scan)) {
            return ScanEffect::ReturnLeg;
        }
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

/// The scans that count for the way to the customer: those of this shipment, except those of its way back.
fn outbound_scans<'a>(scans: impl IntoIterator<Item = &'a Scan>, placed_at: DateTime<Utc>) -> Vec<&'a Scan> {
    let mut scans: Vec<&Scan> = scans.into_iter().collect();
    let attribution = Attribution::from_scans(scans.iter().copied(), placed_at);
    scans.retain(|scan| attribution.includes(scan));
    if let Some(way_back) = WayBack::find(&scans) {
        scans.retain(|scan| !way_back.has(scan));
    }
    scans
}

/// The way back of a shipment that was delivered. Its scans do not count for the way to the customer: a delay or
/// damage on the way back does not make the delivered shipment delayed or damaged.
struct WayBack {
    delivered_at: NaiveDateTime,
    begins_at: NaiveDateTime,
}

impl WayBack {
    /// Finds the way back in the scans of one shipment. `None` if the shipment was not delivered or does not come
    /// back.
    fn find(scans: &[&Scan]) -> Option<Self> {
        let delivered_at = earliest_scan_at_rank(scans, Rank::Delivered)?.clock();
        let begins = scans.iter().filter(|scan| begins_way_back(scan, delivered_at));
        let begins_at = begins.map(|scan| scan.clock()).min()?;
        Some(Self { delivered_at, begins_at })
    }

    /// Whether the scan belongs to the way back.
    ///
    /// 1. A scan that begins a way back does.
    /// 2. A scan with a clock does if it is after the delivery and not before the beginning of the way back. The scan
    ///    of the delivery can have the same time as the beginning, and is not part of it.
    /// 3. Any other scan without a clock does not, because nobody knows when it happened.
    fn has(&self, scan: &Scan) -> bool {
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

/// The status that a scan reports. `None` for a cancellation.
fn status_of(scan: &Scan) -> Option<ShipmentStatus> {
    match scan.meaning {
        Meaning::Status(ShipmentStatus::Cancelled) => None,
        Meaning::Status(status) => Some(status),
        Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => None,
    }
}

/// The scan whose `occurred_at` is the time at which the shipment reached `rank`: the earliest with the carrier's own
/// time, else the first to arrive.
fn first_scan_at_rank<'a>(scans: &[&'a Scan], rank: Rank) -> Option<&'a Scan> {
    scans_at_rank(scans, rank).min_by_key(|scan| (scan.occurred_at, scan.clock(), scan.identity))
}

/// The scan with the earliest clock that shows the shipment at `rank` or further, whenever it arrived.
fn earliest_scan_at_rank<'a>(scans: &[&'a Scan], rank: Rank) -> Option<&'a Scan> {
    scans_at_rank(scans, rank).min_by_key(|scan| (scan.clock(), scan.identity))
}

/// The scans that show the shipment at `rank` or further; those with the carrier's own time, if there are such.
fn scans_at_rank<'a>(scans: &[&'a Scan], rank: Rank) -> impl Iterator<Item = &'a Scan> {
    prefer_believed_times(scans.iter().copied().filter(move |scan| reaches_rank(scan, rank)))
}

fn reaches_rank(scan: &Scan, rank: Rank) -> bool {
    status_of(scan).is_some_and(|status| status.rank() >= rank)
}

/// Keeps the scans with the carrier's own time. If there are none, keeps all.
fn prefer_believed_times<'a>(
    scans: impl Iterator<Item = &'a Scan> + Clone,
) -> impl Iterator<Item = &'a Scan> {
    let any = scans.clone().any(|scan| !scan.time_estimated);
    scans.filter(move |scan| !any || !scan.time_estimated)
}

/// The latest trouble, unless the shipment has made progress since.
fn current_condition(scans: &[&Scan]) -> Option<Condition> {
    let troubles = prefer_believed_times(scans.iter().copied().filter(|scan| condition_of(scan).is_some()));
    let scan = troubles.max_by_key(|scan| (scan.clock(), scan.identity))?;
    let kind = condition_of(scan)?;
    if is_past_condition(scans, scan, kind) {
        return None;
    }
    let message = scan.description.clone().unwrap_or_else(|| kind.as_str().replace('_', " "));
    Some(Condition { kind, message, since: scan.occurred_at })
}

fn condition_of(scan: &Scan) -> Option<ConditionKind> {
    match scan.meaning {
        Meaning::Condition(kind) => Some(kind),
        Meaning::Status(ShipmentStatus::ReturnedToSender) => Some(ConditionKind::Returning),
        Meaning::Status(_) | Meaning::Informational | Meaning::Unknown => None,
    }
}

/// Whether the shipment has made progress since that trouble.
fn is_past_condition(scans: &[&Scan], trouble: &Scan, kind: ConditionKind) -> bool {
    let clears = |scan: &&Scan| status_of(scan).is_some_and(|status| clears(status, kind));
    let mut progress = prefer_believed_times(scans.iter().copied().filter(clears));
    progress.any(|scan| is_past(scan, trouble, kind))
        || (ends_with_delivery(kind) && is_delivered_untimed(scans))
}

/// Whether the shipment was delivered and no scan of the delivery has the carrier's own time. Nobody can say whether
/// such a delivery was before or after the trouble. It counts as later, also when scans of other steps have such a
/// time.
fn is_delivered_untimed(scans: &[&Scan]) -> bool {
    scans_at_rank(scans, Rank::Delivered).any(|scan| scan.time_estimated)
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

/// Whether the progress came after the trouble. If both have the same time (two bare dates, or two scans of one
/// minute), only a delivery counts as later, and only for trouble that a delivery ends.
fn is_past(progress: &Scan, trouble: &Scan, kind: ConditionKind) -> bool {
    let ends = status_of(progress) == Some(ShipmentStatus::Delivered) && ends_with_delivery(kind);
    match progress.clock().cmp(&trouble.clock()) {
        Ordering::Greater => true,
        Ordering::Equal => ends,
        Ordering::Less => false,
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
