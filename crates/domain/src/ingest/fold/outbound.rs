//! The scans of a shipment on its way to the customer, in sorted sets. The state of the shipment follows from the first
//! or the last scan of each set.
//!
//! `state.rs` adds and removes scans with the role that each has, and asks for the state (`tracking`). A scan that
//! counts for nothing is not added. `first_at_rank` is `None` if no scan reports the rank or a later one. `condition`
//! is `None` if there is no trouble, or progress since.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{clears_trouble, condition_of, ends_with_delivery, legs::Role, shows_possession};
use crate::{
    delivery_estimate::DeliveryEstimate,
    scan::{Meaning, Scan, ScanIdentity},
    shipment::{Condition, Reached, Tracking},
    shipment_status::{Rank, ShipmentStatus},
};

/// The outbound scans of a shipment. Each set holds a scan as its sort key and its place. To add a scan, to remove one,
/// and to read the result take logarithmic time.
///
/// Times of the carrier come before times of arrival. If one of the scans that a rule compares has a time of the
/// carrier, those with a time of arrival do not count.
#[derive(Default)]
pub(super) struct OutboundScans {
    by_status: BTreeMap<ShipmentStatus, StatusScans>,
    /// Scans that report trouble. The last one is the latest.
    troubles: BTreeSet<(ClockKey, usize)>,
    /// Those of them that a delivery does not end.
    lasting_troubles: BTreeSet<(ClockKey, usize)>,
    /// Scans that report no status and show that the carrier has the parcel.
    possession: BTreeSet<(TimeKey, usize)>,
    /// The estimates of the delivery. The last one counts.
    estimates: BTreeSet<(DeliveryEstimate, usize)>,
}

/// The scans that report one status.
#[derive(Default)]
struct StatusScans {
    /// The time of the first one is the time at which the shipment reached this status.
    by_time: BTreeSet<(TimeKey, usize)>,
    /// The last one is the latest.
    by_clock: BTreeSet<(ClockKey, usize)>,
}

/// Sorts the earliest time of the carrier first; without one, the earliest arrival.
type TimeKey = (bool, DateTime<Utc>, NaiveDateTime, ScanIdentity);
/// Sorts the latest time of the carrier last; without one, the latest arrival.
type ClockKey = (bool, NaiveDateTime, ScanIdentity);

fn time_key(scan: &Scan) -> TimeKey {
    (scan.time_estimated, scan.occurred_at, scan.clock(), scan.identity)
}

fn clock_key(scan: &Scan) -> ClockKey {
    (!scan.time_estimated, scan.clock(), scan.identity)
}

impl OutboundScans {
    /// Adds the scan with this place and role.
    pub fn insert(&mut self, place: usize, scan: &Scan, role: Role) {
        #[cfg(test)]
        super::tests::count_work();
        let is_outbound = role == Role::Outbound;
        if role == Role::None {
            return;
        }
        if shows_possession(scan.meaning) && !(is_outbound && matches!(scan.meaning, Meaning::Status(_))) {
            self.possession.insert((time_key(scan), place));
        }
        if !is_outbound {
            return;
        }
        if let Meaning::Status(status) = scan.meaning {
            let scans = self.by_status.entry(status).or_default();
            scans.by_time.insert((time_key(scan), place));
            scans.by_clock.insert((clock_key(scan), place));
        }
        if let Some(kind) = condition_of(scan) {
            self.troubles.insert((clock_key(scan), place));
            if !ends_with_delivery(kind) {
                self.lasting_troubles.insert((clock_key(scan), place));
            }
        }
        self.estimates.extend(scan.estimate.map(|estimate| (estimate, place)));
    }

    /// Removes the scan with this place, which was added with this role.
    pub fn remove(&mut self, place: usize, scan: &Scan, role: Role) {
        #[cfg(test)]
        super::tests::count_work();
        if role == Role::None {
            return;
        }
        self.possession.remove(&(time_key(scan), place));
        if let Meaning::Status(status) = scan.meaning
            && let Some(scans) = self.by_status.get_mut(&status)
        {
            scans.by_time.remove(&(time_key(scan), place));
            scans.by_clock.remove(&(clock_key(scan), place));
            if scans.by_time.is_empty() {
                self.by_status.remove(&status);
            }
        }
        self.troubles.remove(&(clock_key(scan), place));
        self.lasting_troubles.remove(&(clock_key(scan), place));
        if let Some(estimate) = scan.estimate {
            self.estimates.remove(&(estimate, place));
        }
    }

    /// The state of the shipment on its way to the customer. `all` are all its scans, by place. `in_possession` says
    /// whether more than data about the label shows that the carrier has the parcel.
    pub fn tracking(
        &self,
        all: &[Cow<'_, Scan>],
        promised: Option<DeliveryEstimate>,
        in_possession: bool,
    ) -> Tracking {
        let furthest = self.milestones().map(|(status, _)| status).next_back();
        let is_cancelled = self.by_status.contains_key(&ShipmentStatus::Cancelled) && !in_possession;
        let at_least = match self.possession.is_empty() {
            true => ShipmentStatus::LabelCreated,
            false => ShipmentStatus::InTransit,
        };
        let status = match furthest {
            _ if is_cancelled => ShipmentStatus::Cancelled,
            Some(status) => status.max(at_least),
            None => at_least,
        };
        let since = |rank: Rank| self.first_at_rank(rank).filter(|_| !is_cancelled);
        let reached = |rank: Rank| {
            since(rank).map(|first| Reached { at: first.0.1, inferred: self.is_inferred(rank, first) })
        };
        let estimate = self.estimates.last().map(|(estimate, _)| *estimate).max(promised);
        Tracking {
            status,
            status_before_return: None,
            in_possession,
            condition: self.condition(all, status),
            estimated_delivery: estimate.map(|estimate| estimate.expected),
            shipped: reached(Rank::Shipped),
            out_for_delivery: reached(Rank::OutForDelivery),
            delivered_at: since(Rank::Delivered).map(|((_, occurred_at, ..), _)| occurred_at),
        }
    }

    /// Whether the time of a rank is inferred. `first` is the scan that gives the time.
    fn is_inferred(&self, rank: Rank, first: (TimeKey, usize)) -> bool {
        let tells = self.milestones().any(|(status, _)| status.rank() == rank);
        // Where no scan has a time of the carrier, the arrivals do not show which of them was first.
        let ((time_estimated, ..), _) = first;
        !tells || (!time_estimated && self.possession.contains(&first))
    }

    /// The scan with whose time the shipment reached this rank: the earliest by the carrier's time, else the first to
    /// arrive. Returns its sort key and its place.
    pub fn first_at_rank(&self, rank: Rank) -> Option<(TimeKey, usize)> {
        let of_rank = self.milestones().filter(|(status, _)| status.rank() >= rank);
        let possession = self.possession.first().copied().filter(|_| rank <= Rank::Shipped);
        of_rank.filter_map(|(_, scans)| scans.by_time.first().copied()).chain(possession).min()
    }

    /// The scans of each status, without the cancellation.
    fn milestones(&self) -> impl DoubleEndedIterator<Item = (ShipmentStatus, &StatusScans)> {
        let all = self.by_status.iter().map(|(status, scans)| (*status, scans));
        all.filter(|(status, _)| *status != ShipmentStatus::Cancelled)
    }

    /// The latest trouble, unless the shipment made progress since. The delivery ends some kinds of trouble whatever
    /// their clock: no carrier can be late or hold a parcel that it has handed over.
    fn condition(&self, all: &[Cow<'_, Scan>], status: ShipmentStatus) -> Option<Condition> {
        let troubles = match status {
            ShipmentStatus::Delivered => &self.lasting_troubles,
            ShipmentStatus::LabelCreated
            | ShipmentStatus::PickedUp
            | ShipmentStatus::InTransit
            | ShipmentStatus::ReturnedToSender
            | ShipmentStatus::OutForDelivery
            | ShipmentStatus::AvailableForPickup
            | ShipmentStatus::Cancelled => &self.troubles,
        };
        let (_, place) = troubles.last()?;
        let scan = all.get(*place)?;
        let kind = condition_of(scan)?;
        (!self.is_past_condition(scan)).then(|| Condition::from_scan(kind, scan))
    }

    /// Whether the shipment made progress after the trouble.
    fn is_past_condition(&self, trouble: &Scan) -> bool {
        let progress = self.milestones().filter(|(status, _)| clears_trouble(*status));
        let latest = progress.filter_map(|(_, scans)| {
            let ((by_carrier, clock, _), _) = scans.by_clock.last()?;
            Some((*by_carrier, *clock))
        });
        latest.max().is_some_and(|(_, clock)| clock > trouble.clock())
    }
}
