//! The incremental fold: the state of a shipment after each scan that is added or changed.
//!
//! `effects.rs` makes a [`FoldState`] of the stored scans, then adds the incoming ones with `push` and `replace`, and
//! asks for `tracking` after each. `order/retract.rs` makes one of the scans that are left. `order/advance.rs` asks
//! `first_scan_reaching`, which is `None` if no scan shows the rank or a later one.
//!
//! 1. The result equals that of folding all scans anew.
//! 2. A scan that is added or changed is inserted into, or moved in, the sorted sets of [`Journey`] and
//!    [`OutboundScans`]. That takes logarithmic time.
//! 3. Two things decide which scans count: the packages of the shipment ([`Attribution`]) and its legs ([`Journey`]).
//!    When a scan changes the packages, the sets are built again from all scans. When it changes a leg, the scans since
//!    this leg began get their role again. A batch is added in the sequence of time, so these are few.
//! 4. A scan is named by its place: its index among all scans.

use std::{borrow::Cow, collections::BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};

#[cfg(doc)]
use super::Attribution;
use super::{
    Journey,
    attribution::Packages,
    legs::{OpenReturn, Role},
    outbound::OutboundScans,
};
use crate::{
    delivery_estimate::DeliveryEstimate,
    scan::Scan,
    shipment::{Condition, Reached, Tracking},
    shipment_status::{ConditionKind, Rank, ShipmentStatus},
};

/// The scans of a shipment and the state that follows from them.
pub(crate) struct FoldState<'a> {
    promised: Option<DeliveryEstimate>,
    scans: Vec<Cow<'a, Scan>>,
    by_clock: BTreeSet<(NaiveDateTime, usize)>,
    packages: Packages,
    journey: Journey,
    /// What each scan counts for, by place.
    roles: Vec<Role>,
    outbound: OutboundScans,
}

impl<'a> FoldState<'a> {
    pub fn new(
        scans: impl IntoIterator<Item = Cow<'a, Scan>>,
        placed_at: DateTime<Utc>,
        promised: Option<DeliveryEstimate>,
    ) -> Self {
        let scans: Vec<Cow<'a, Scan>> = scans.into_iter().collect();
        let mut packages = Packages::new(placed_at);
        scans.iter().enumerate().for_each(|(place, scan)| packages.insert(place, scan));
        let journey = Journey::new(packages.attribution(), &scans);
        let by_clock = scans.iter().enumerate().map(|(place, scan)| (scan.clock(), place)).collect();
        let (roles, outbound) = (vec![], OutboundScans::default());
        let mut state = Self { promised, scans, by_clock, packages, journey, roles, outbound };
        state.assign_all_roles();
        state
    }

    /// The state of the shipment.
    pub fn tracking(&self) -> Tracking {
        let in_possession = self.journey.is_in_possession();
        let outbound = self.outbound.tracking(&self.scans, self.promised, in_possession);
        match self.journey.open_return() {
            Some(open) => self.return_tracking(open, outbound),
            None => outbound,
        }
    }

    /// The state of a shipment on its way back, or back at its sender. `outbound` is its state by the scans from before
    /// the return.
    fn return_tracking(&self, open: OpenReturn, outbound: Tracking) -> Tracking {
        let scan = |place: usize| self.scans[place].as_ref();
        let (kind, told) = match open.arrival {
            Some(arrival) => (ConditionKind::Returned, scan(arrival)),
            None => (ConditionKind::Returning, scan(open.begins)),
        };
        let before = match outbound.status {
            ShipmentStatus::Cancelled => ShipmentStatus::LabelCreated,
            status => status,
        };
        let begun = Reached { at: scan(open.begins).occurred_at, inferred: true };
        Tracking {
            status: ShipmentStatus::ReturnedToSender,
            status_before_return: Some(before),
            condition: Some(Condition::from_scan(kind, told)),
            shipped: outbound.shipped.or(Some(begun)),
            ..outbound
        }
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
            self.by_clock.remove(&(old.clock(), place));
        }
        self.packages.insert(place, new);
        self.by_clock.insert((new.clock(), place));
        if new.package.is_some() || old.is_some_and(|old| old.package.is_some()) {
            let attribution = self.packages.attribution();
            if attribution != self.journey.attribution {
                self.journey = Journey::new(attribution, &self.scans);
                return self.assign_all_roles();
            }
        }
        let changed_since = self.journey.update(place, old, new);
        match old {
            Some(old) => self.outbound.remove(place, old, self.roles[place]),
            None => self.roles.push(Role::None),
        }
        let role = self.journey.role(new);
        self.outbound.insert(place, new, role);
        self.roles[place] = role;
        if let Some(since) = changed_since {
            for &(_, place) in self.by_clock.range((since, 0)..) {
                let (scan, old_role) = (&self.scans[place], self.roles[place]);
                let role = self.journey.role(scan);
                if role != old_role {
                    self.outbound.remove(place, scan, old_role);
                    self.outbound.insert(place, scan, role);
                    self.roles[place] = role;
                }
            }
        }
    }

    /// Builds the set of outbound scans again from all scans.
    fn assign_all_roles(&mut self) {
        self.outbound = OutboundScans::default();
        self.roles = self.scans.iter().map(|scan| self.journey.role(scan)).collect();
        for (place, (scan, role)) in self.scans.iter().zip(&self.roles).enumerate() {
            self.outbound.insert(place, scan, *role);
        }
    }
}
