//! The scans of a shipment on its way to the customer, in sorted sets. The state of the shipment follows from the first
//! or the last scan of each set.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{clears, condition_of, ends_with_delivery};
use crate::{
    scan::{Estimate, Meaning, Scan, ScanIdentity},
    shipment::{Condition, ConditionKind, Rank, Reached, ShipmentStatus, Tracking},
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
    /// The estimates of the delivery. The last one counts.
    estimates: BTreeSet<(Estimate, usize)>,
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
    /// Adds the scan with this place.
    pub fn insert(&mut self, place: usize, scan: &Scan) {
        #[cfg(test)]
        super::tests::count_work();
        if let Meaning::Status(status) = scan.meaning {
            let scans = self.by_status.entry(status).or_default();
            scans.by_time.insert((time_key(scan), place));
            scans.by_clock.insert((clock_key(scan), place));
        }
        if condition_of(scan).is_some() {
            self.troubles.insert((clock_key(scan), place));
        }
        self.estimates.extend(scan.estimate.map(|estimate| (estimate, place)));
    }

    /// Removes the scan with this place.
    pub fn remove(&mut self, place: usize, scan: &Scan) {
        #[cfg(test)]
        super::tests::count_work();
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
        if let Some(estimate) = scan.estimate {
            self.estimates.remove(&(estimate, place));
        }
    }

    /// The state of the shipment. `all` are all its scans, by place.
    pub fn tracking(&self, all: &[Cow<'_, Scan>], promised_delivery: Option<DateTime<Utc>>) -> Tracking {
        let furthest = self.milestones().map(|(status, _)| status).next_back();
        let status = match furthest {
            Some(status) if status.rank() >= Rank::Shipped => status,
            _ if self.by_status.contains_key(&ShipmentStatus::Cancelled) => ShipmentStatus::Cancelled,
            _ => ShipmentStatus::LabelCreated,
        };
        let tells = |rank: Rank| self.milestones().any(|(status, _)| status.rank() == rank);
        let since = |rank: Rank| self.first_at_rank(rank).map(|((_, occurred_at, ..), _)| occurred_at);
        let reached = |rank: Rank| since(rank).map(|at| Reached { at, inferred: !tells(rank) });
        let estimate = self.estimates.last().map(|(estimate, _)| estimate.expected);
        Tracking {
            status,
            condition: self.condition(all),
            estimated_delivery: estimate.or(promised_delivery),
            shipped: reached(Rank::Shipped),
            out_for_delivery: reached(Rank::OutForDelivery),
            delivered_at: since(Rank::Delivered),
        }
    }

    /// The scan with whose time the shipment reached this rank: the earliest by the carrier's time, else the first to
    /// arrive. Returns its sort key and its place.
    pub fn first_at_rank(&self, rank: Rank) -> Option<(TimeKey, usize)> {
        let of_rank = self.milestones().filter(|(status, _)| status.rank() >= rank);
        of_rank.filter_map(|(_, scans)| scans.by_time.first().copied()).min()
    }

    /// The scans of each status, without the cancellation.
    fn milestones(&self) -> impl DoubleEndedIterator<Item = (ShipmentStatus, &StatusScans)> {
        let all = self.by_status.iter().map(|(status, scans)| (*status, scans));
        all.filter(|(status, _)| *status != ShipmentStatus::Cancelled)
    }

    /// The latest trouble, unless the shipment made progress since.
    fn condition(&self, all: &[Cow<'_, Scan>]) -> Option<Condition> {
        let (_, place) = self.troubles.last()?;
        let scan = all.get(*place)?;
        let kind = condition_of(scan)?;
        if self.is_past_condition(scan, kind) {
            return None;
        }
        let message = scan.description.clone().unwrap_or_else(|| kind.as_str().replace('_', " "));
        Some(Condition { kind, message, since: scan.occurred_at })
    }

    /// Whether the shipment made progress after the trouble. If the trouble and a delivery that ends it have the same
    /// time (a bare date, or the same minute), the delivery counts as later.
    fn is_past_condition(&self, trouble: &Scan, kind: ConditionKind) -> bool {
        let progress = self.milestones().filter(|(status, _)| clears(*status, kind));
        let latest = progress.filter_map(|(status, scans)| {
            let ((by_carrier, clock, _), _) = scans.by_clock.last()?;
            let is_last = status == ShipmentStatus::Delivered && ends_with_delivery(kind);
            Some((*by_carrier, *clock, is_last))
        });
        let is_past = |(_, clock, is_last)| (clock, is_last) > (trouble.clock(), false);
        latest.max().is_some_and(is_past) || (ends_with_delivery(kind) && self.is_delivered_untimed())
    }

    /// Whether the shipment was delivered, and the carrier gave no time for it. Nobody knows then whether the delivery was
    /// before or after the trouble, so it ends the trouble.
    fn is_delivered_untimed(&self) -> bool {
        self.first_at_rank(Rank::Delivered).is_some_and(|((time_estimated, ..), _)| time_estimated)
    }
}
