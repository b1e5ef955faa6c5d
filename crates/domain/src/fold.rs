//! The fold: what the set of a shipment's scans amounts to.
//!
//! The result depends on the set alone, so any order of arrival and any duplication give the same shipment.
//! What a scan did when it came is told by [`effect`], once, and never asked again.

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

/// How long after delivery a pick-up is the beginning of a return.
const RETURN_PICKUP_AFTER: TimeDelta = TimeDelta::hours(24);

/// What the scans of one shipment amount to, for an order placed at `placed_at` whose shipment was promised for
/// `promised_delivery`.
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

/// The scan on which it stands that the shipment got at least that far: its time is the time of the step.
pub(crate) fn first_scan_reaching<'a>(
    scans: impl IntoIterator<Item = &'a Scan>,
    placed_at: DateTime<Utc>,
    rank: Rank,
) -> Option<&'a Scan> {
    first_scan_at_rank(&outbound_scans(scans, placed_at), rank)
}

/// What a scan did when it came, the shipment having gone from `before` to `after` by it. `all` are the scans there
/// are since, this one too.
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

/// The scans that say something about this shipment on its way to the customer.
fn outbound_scans<'a>(scans: impl IntoIterator<Item = &'a Scan>, placed_at: DateTime<Utc>) -> Vec<&'a Scan> {
    let mut scans: Vec<&Scan> = scans.into_iter().collect();
    let attribution = Attribution::from_scans(scans.iter().copied(), placed_at);
    scans.retain(|scan| attribution.includes(scan));
    if let Some(way_back) = WayBack::find(&scans) {
        scans.retain(|scan| !way_back.has(scan));
    }
    scans
}

/// The way back of a shipment that was delivered. What happens on it is no news of the way there: a return that is
/// late or damaged does not make a delivered shipment late or damaged.
struct WayBack {
    delivered_at: NaiveDateTime,
    begins_at: NaiveDateTime,
}

impl WayBack {
    /// The way back that these scans of one shipment show.
    fn find(scans: &[&Scan]) -> Option<Self> {
        let delivered_at = earliest_scan_at_rank(scans, Rank::Delivered)?.clock();
        let begins = scans.iter().filter(|scan| begins_way_back(scan, delivered_at));
        let begins_at = begins.map(|scan| scan.clock()).min()?;
        Some(Self { delivered_at, begins_at })
    }

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

/// The scan since whose time the shipment has been at least that far: the earliest whose time is believed, else the
/// first to arrive.
fn first_scan_at_rank<'a>(scans: &[&'a Scan], rank: Rank) -> Option<&'a Scan> {
    scans_at_rank(scans, rank).min_by_key(|scan| (scan.occurred_at, scan.clock(), scan.identity))
}

/// The scan that shows the shipment at least that far by the earliest clock, whenever it arrived.
fn earliest_scan_at_rank<'a>(scans: &[&'a Scan], rank: Rank) -> Option<&'a Scan> {
    scans_at_rank(scans, rank).min_by_key(|scan| (scan.clock(), scan.identity))
}

/// The scans that show the shipment at least that far.
fn scans_at_rank<'a>(scans: &[&'a Scan], rank: Rank) -> impl Iterator<Item = &'a Scan> {
    prefer_believed_times(scans.iter().copied().filter(move |scan| reaches_rank(scan, rank)))
}

fn reaches_rank(scan: &Scan, rank: Rank) -> bool {
    status_of(scan).is_some_and(|status| status.rank() >= rank)
}

/// Those whose time is the carrier's own; where no time is, all of them.
fn prefer_believed_times<'a>(
    scans: impl Iterator<Item = &'a Scan> + Clone,
) -> impl Iterator<Item = &'a Scan> {
    let any = scans.clone().any(|scan| !scan.time_estimated);
    scans.filter(move |scan| !any || !scan.time_estimated)
}

/// The latest trouble, unless the shipment got on since.
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

/// Whether the shipment got on after that trouble.
fn is_past_condition(scans: &[&Scan], trouble: &Scan, kind: ConditionKind) -> bool {
    let clears = |scan: &&Scan| status_of(scan).is_some_and(|status| clears(status, kind));
    let mut progress = prefer_believed_times(scans.iter().copied().filter(clears));
    progress.any(|scan| is_past(scan, trouble, kind))
        || (ends_with_delivery(kind) && is_delivered_untimed(scans))
}

/// Whether the shipment was delivered, and no time of it is believed: then it is not asked whether that was before or
/// after, and scans of other steps that have a time do not silence it.
fn is_delivered_untimed(scans: &[&Scan]) -> bool {
    scans_at_rank(scans, Rank::Delivered).any(|scan| scan.time_estimated)
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

/// Whether that progress came after the trouble. Of two bare dates, or two scans of one minute, the delivery is the
/// later one, where the trouble is one that it ends.
fn is_past(progress: &Scan, trouble: &Scan, kind: ConditionKind) -> bool {
    let ends = status_of(progress) == Some(ShipmentStatus::Delivered) && ends_with_delivery(kind);
    match progress.clock().cmp(&trouble.clock()) {
        Ordering::Greater => true,
        Ordering::Equal => ends,
        Ordering::Less => false,
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
