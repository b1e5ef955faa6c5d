//! The incremental fold: the state of a shipment after each scan that is added or changed.
//!
//! 1. The result equals that of folding all scans anew.
//! 2. A scan that is added or changed is inserted into, or moved in, the sorted sets of [`OwnScans`] and
//!    [`OutboundScans`]. That takes logarithmic time.
//! 3. Two things decide which scans count: the packages of the shipment ([`Attribution`]) and the way back
//!    ([`WayBack`]). When a scan changes one of them, the sets are built again from all scans. A batch is added in the
//!    sequence of time, so this happens a few times for each package and each delivery, and not for each scan.
//! 4. A scan is named by its place: its index among all scans.

use std::{borrow::Cow, collections::BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{
    Attribution, RETURN_PICKUP_AFTER, WayBack, attribution::Packages, condition_of, outbound::OutboundScans,
    status_of,
};
use crate::{
    scan::{Meaning, Scan, ScanIdentity},
    shipment::{ConditionKind, Rank, ShipmentStatus, Tracking},
};

/// The scans of a shipment and the state that follows from them.
pub(crate) struct FoldState<'a> {
    promised_delivery: Option<DateTime<Utc>>,
    scans: Vec<Cow<'a, Scan>>,
    packages: Packages,
    own: OwnScans,
    way_back: Option<WayBack>,
    outbound: OutboundScans,
}

impl<'a> FoldState<'a> {
    pub fn new(
        scans: impl IntoIterator<Item = Cow<'a, Scan>>,
        placed_at: DateTime<Utc>,
        promised_delivery: Option<DateTime<Utc>>,
    ) -> Self {
        let scans: Vec<Cow<'a, Scan>> = scans.into_iter().collect();
        let mut packages = Packages::new(placed_at);
        scans.iter().enumerate().for_each(|(place, scan)| packages.insert(place, scan));
        let own = OwnScans::new(packages.attribution(), &scans);
        let way_back = own.way_back();
        let outbound = OutboundScans::default();
        let mut state = Self { promised_delivery, scans, packages, own, way_back, outbound };
        state.count_outbound();
        state
    }

    /// The state of the shipment.
    pub fn tracking(&self) -> Tracking {
        self.outbound.tracking(&self.scans, self.promised_delivery)
    }

    /// All scans. The index is the place.
    pub fn scans(&self) -> &[Cow<'a, Scan>] {
        &self.scans
    }

    /// The scan with whose time the shipment reached this rank: a scan of the rank or of a later one.
    pub fn first_scan_reaching(&self, rank: Rank) -> Option<&Scan> {
        let (_, place) = self.outbound.first_at_rank(rank)?;
        self.scans.get(place).map(AsRef::as_ref)
    }

    /// Adds a scan.
    pub fn push(&mut self, scan: Cow<'a, Scan>) {
        self.scans.push(scan);
        self.update(self.scans.len() - 1, None);
    }

    /// Replaces the scan at a place.
    pub fn replace(&mut self, place: usize, scan: Scan) {
        let old = std::mem::replace(&mut self.scans[place], Cow::Owned(scan));
        self.update(place, Some(&old));
    }

    /// Brings all sets up to date after the scan at a place was added, or has replaced `old`.
    fn update(&mut self, place: usize, old: Option<&Scan>) {
        let new = &self.scans[place];
        if let Some(old) = old {
            self.packages.remove(place, old);
        }
        self.packages.insert(place, new);
        if new.package.is_some() || old.is_some_and(|old| old.package.is_some()) {
            let attribution = self.packages.attribution();
            if attribution != self.own.attribution {
                self.own = OwnScans::new(attribution, &self.scans);
                self.way_back = self.own.way_back();
                return self.count_outbound();
            }
        }
        self.own.update(place, old, new);
        let way_back = self.own.way_back();
        if way_back != self.way_back {
            self.way_back = way_back;
            return self.count_outbound();
        }
        let is_outbound = |scan: &&Scan| is_outbound(scan, &self.own, self.way_back.as_ref());
        if let Some(old) = old.filter(is_outbound) {
            self.outbound.remove(place, old);
        }
        if is_outbound(&&**new) {
            self.outbound.insert(place, new);
        }
    }

    /// Builds the set of outbound scans again from all scans.
    fn count_outbound(&mut self) {
        self.outbound = OutboundScans::default();
        for (place, scan) in self.scans.iter().enumerate() {
            if is_outbound(scan, &self.own, self.way_back.as_ref()) {
                self.outbound.insert(place, scan);
            }
        }
    }
}

/// Whether the scan counts for the way to the customer.
fn is_outbound(scan: &Scan, own: &OwnScans, way_back: Option<&WayBack>) -> bool {
    own.includes(scan) && way_back.is_none_or(|way_back| !way_back.has(scan))
}

/// The scans of one shipment, by an attribution. Keeps those that show when the way back began.
pub(crate) struct OwnScans {
    attribution: Attribution,
    /// Deliveries. The first one counts: the earliest with a time of the carrier, else the earliest to arrive.
    deliveries: BTreeSet<(bool, NaiveDateTime, ScanIdentity, usize)>,
    /// Pick-ups with a clock.
    pickups: BTreeSet<(NaiveDateTime, usize)>,
    /// Scans that report a return.
    returns: BTreeSet<(NaiveDateTime, usize)>,
}

impl OwnScans {
    pub fn new(attribution: Attribution, scans: &[Cow<'_, Scan>]) -> Self {
        let (deliveries, pickups, returns) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut own = Self { attribution, deliveries, pickups, returns };
        scans.iter().enumerate().for_each(|(place, scan)| own.update(place, None, scan));
        own
    }

    /// Whether the scan is one of this shipment.
    pub fn includes(&self, scan: &Scan) -> bool {
        self.attribution.includes(scan)
    }

    /// Adds the scan at a place, or replaces the `old` one there.
    pub fn update(&mut self, place: usize, old: Option<&Scan>, new: &Scan) {
        #[cfg(test)]
        super::tests::count_work();
        if let Some(old) = old {
            self.deliveries.remove(&delivery_key(place, old));
            self.pickups.remove(&(old.clock(), place));
            self.returns.remove(&(old.clock(), place));
        }
        if !self.includes(new) {
            return;
        }
        if status_of(new) == Some(ShipmentStatus::Delivered) {
            self.deliveries.insert(delivery_key(place, new));
        }
        if new.meaning == Meaning::Status(ShipmentStatus::PickedUp) && new.has_clock() {
            self.pickups.insert((new.clock(), place));
        }
        if condition_of(new) == Some(ConditionKind::Returning) {
            self.returns.insert((new.clock(), place));
        }
    }

    /// The way back, if the shipment was delivered and a way back began. It begins with the first pick-up that is late
    /// enough after the delivery, or with the first scan of a return since the delivery, whichever was earlier: see
    /// [`begins_way_back`](super::begins_way_back).
    pub fn way_back(&self) -> Option<WayBack> {
        let &(_, delivered_at, ..) = self.deliveries.first()?;
        let first_since = |scans: &BTreeSet<(NaiveDateTime, usize)>, since: NaiveDateTime| {
            scans.range((since, 0)..).next().map(|(clock, _)| *clock)
        };
        let late_enough = delivered_at.checked_add_signed(RETURN_PICKUP_AFTER);
        let pickup = late_enough.and_then(|since| first_since(&self.pickups, since));
        let begins_at = pickup.into_iter().chain(first_since(&self.returns, delivered_at)).min()?;
        Some(WayBack { delivered_at, begins_at })
    }
}

fn delivery_key(place: usize, scan: &Scan) -> (bool, NaiveDateTime, ScanIdentity, usize) {
    (scan.time_estimated, scan.clock(), scan.identity, place)
}
