//! The legs of a journey: on which parts of its way a parcel went to the customer, and on which back to its sender.
//!
//! `state.rs` keeps a [`Journey`] to know the role of each scan, and `effects.rs` keeps one with all scans of a batch.
//! Both call `update` for each scan that is added or merged. It returns since when other scans may have another role:
//! `None` if no leg changed. `find_legs` finds the legs again. `find_return_legs` answers since when the parcel goes to
//! the customer, `None` while a return is open.
//!
//! 1. A return begins with the earliest scan that says so, unless a scan with an earlier clock shows the delivery. Of a
//!    scan of the return and a delivery at the same time, the return counts as the earlier: a false delivery would end
//!    the care for a parcel that the customer does not have.
//! 2. A return ends with a scan that says that it was called off, and when staff records the last leg or the
//!    delivery. Otherwise it stays open: a delivery of the carrier is then the arrival at the sender.
//! 3. After the delivery, the way back of [`WayBack`] begins. The shipment stays delivered.
//! 4. The clocks of the scans decide, so the sequence of arrival makes no difference.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    ops::Bound::{Excluded, Unbounded},
};

use chrono::NaiveDateTime;

use super::{
    Attribution, RETURN_PICKUP_AFTER, WayBack, ends_return, is_return_news, shows_possession, status_of,
};
use crate::{
    scan::{Evidence, Meaning, Scan, ScanIdentity},
    shipment_status::{ConditionKind, ShipmentStatus},
};

/// A scan in a sorted set: its clock, its identity, and its place.
type ByClock = BTreeSet<(NaiveDateTime, ScanIdentity, usize)>;

/// The scans of one shipment, by an attribution, and its legs. Scans can be added and replaced one by one.
pub(crate) struct Journey {
    pub(super) attribution: Attribution,
    /// Deliveries. The first one counts: the earliest with a time of the carrier, else the earliest to arrive.
    deliveries: BTreeSet<(bool, NaiveDateTime, ScanIdentity, usize)>,
    deliveries_by_clock: ByClock,
    /// Pick-ups with a clock.
    pickups: ByClock,
    /// Scans that say that the parcel goes back, or that it arrived back.
    returns: ByClock,
    /// Those of them that say that it arrived back.
    arrivals: ByClock,
    /// Scans that end a return.
    return_ends: ByClock,
    /// Scans that show, by more than data about the label, that the carrier had the parcel.
    possession: BTreeSet<usize>,
    /// The returns that began before a delivery, in the sequence of time. Only the last one can be open.
    return_legs: Vec<ReturnLeg>,
    way_back: Option<WayBack>,
}

/// A part of the way on which the parcel went back to its sender. It includes its beginning and not its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ReturnLeg {
    begins_at: NaiveDateTime,
    ends_at: Option<NaiveDateTime>,
}

/// What a scan counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The way to the customer.
    Outbound,
    /// A return that was called off: it shows only that the carrier had the parcel.
    ReturnEnded,
    /// An open return, the way back of a delivered shipment, or another parcel.
    None,
}

/// The places of the scans that tell of an open return.
#[derive(Clone, Copy)]
pub(super) struct OpenReturn {
    /// The scan with which it began.
    pub begins: usize,
    /// The first scan that shows the parcel back at its sender.
    pub arrival: Option<usize>,
}

impl Journey {
    pub fn new(attribution: Attribution, scans: &[Cow<'_, Scan>]) -> Self {
        let mut journey = Self {
            attribution,
            deliveries: BTreeSet::new(),
            deliveries_by_clock: BTreeSet::new(),
            pickups: BTreeSet::new(),
            returns: BTreeSet::new(),
            arrivals: BTreeSet::new(),
            return_ends: BTreeSet::new(),
            possession: BTreeSet::new(),
            return_legs: Vec::new(),
            way_back: None,
        };
        scans.iter().enumerate().for_each(|(place, scan)| {
            journey.insert(place, scan);
        });
        journey.find_legs(NaiveDateTime::MIN);
        journey
    }

    /// Whether the scan is one of this shipment.
    pub fn includes(&self, scan: &Scan) -> bool {
        self.attribution.includes(scan)
    }

    /// Whether more than data about the label shows that the carrier had the parcel.
    pub fn is_in_possession(&self) -> bool {
        !self.possession.is_empty()
    }

    /// Whether the scan is on a way back: on a return that began before the delivery, or after the delivery.
    pub fn is_on_way_back(&self, scan: &Scan) -> bool {
        self.return_leg_at(scan.clock()).is_some()
            || self.way_back.is_some_and(|way_back| way_back.contains_scan(scan))
    }

    pub(super) fn role(&self, scan: &Scan) -> Role {
        let leg = self.return_leg_at(scan.clock());
        if !self.includes(scan) || self.way_back.is_some_and(|way_back| way_back.contains_scan(scan)) {
            return Role::None;
        }
        match leg {
            Some(ReturnLeg { ends_at: None, .. }) => Role::None,
            Some(ReturnLeg { ends_at: Some(_), .. }) => Role::ReturnEnded,
            // It has the clock of the scan that ended the return.
            None if is_return_news(scan.meaning) => Role::None,
            None => Role::Outbound,
        }
    }

    /// The return that began before a delivery and has no end.
    pub(super) fn open_return(&self) -> Option<OpenReturn> {
        let ReturnLeg { begins_at, ends_at: None } = *self.return_legs.last()? else { return None };
        let &(.., begins) = first_since(&self.returns, begins_at)?;
        let arrivals = [&self.deliveries_by_clock, &self.arrivals];
        let arrival = arrivals.into_iter().filter_map(|scans| first_since(scans, begins_at)).min();
        Some(OpenReturn { begins, arrival: arrival.map(|(.., place)| *place) })
    }

    /// Adds the scan at a place, or replaces the `old` one there. Returns the clock from which on scans may have
    /// another role than before.
    pub fn update(&mut self, place: usize, old: Option<&Scan>, new: &Scan) -> Option<NaiveDateTime> {
        #[cfg(test)]
        super::tests::count_work();
        let removed = old.is_some_and(|old| self.remove(place, old));
        let added = self.insert(place, new);
        if !removed && !added {
            return None;
        }
        let since = old.map_or(new.clock(), |old| old.clock().min(new.clock()));
        self.find_legs(since)
    }

    /// Returns whether the scan can change the legs.
    fn insert(&mut self, place: usize, scan: &Scan) -> bool {
        if !self.includes(scan) {
            return false;
        }
        if scan.evidence != Evidence::Electronic && shows_possession(scan.meaning) {
            self.possession.insert(place);
        }
        let key = clock_key(place, scan);
        let mut is_key = false;
        if status_of(scan) == Some(ShipmentStatus::Delivered) {
            self.deliveries.insert(delivery_key(place, scan));
            is_key |= self.deliveries_by_clock.insert(key);
        }
        if scan.meaning == Meaning::Status(ShipmentStatus::PickedUp) && scan.has_clock() {
            is_key |= self.pickups.insert(key);
        }
        if is_return_news(scan.meaning) {
            is_key |= self.returns.insert(key);
        }
        if scan.meaning == Meaning::Condition(ConditionKind::Returned) {
            is_key |= self.arrivals.insert(key);
        }
        if ends_return(scan) {
            is_key |= self.return_ends.insert(key);
        }
        is_key
    }

    /// Returns whether the scan could change the legs.
    fn remove(&mut self, place: usize, scan: &Scan) -> bool {
        self.possession.remove(&place);
        self.deliveries.remove(&delivery_key(place, scan));
        let key = clock_key(place, scan);
        let sets = [
            &mut self.deliveries_by_clock,
            &mut self.pickups,
            &mut self.returns,
            &mut self.arrivals,
            &mut self.return_ends,
        ];
        sets.into_iter().fold(false, |is_key, set| set.remove(&key) | is_key)
    }

    fn return_leg_at(&self, clock: NaiveDateTime) -> Option<ReturnLeg> {
        let begun = self.return_legs.partition_point(|leg| leg.begins_at <= clock);
        let leg = *self.return_legs.get(begun.checked_sub(1)?)?;
        leg.ends_at.is_none_or(|end| clock < end).then_some(leg)
    }

    /// Finds the legs anew that reach `since` or are later. Returns the clock from which on they are other ones.
    fn find_legs(&mut self, since: NaiveDateTime) -> Option<NaiveDateTime> {
        let kept = self.return_legs.partition_point(|leg| leg.ends_at.is_some_and(|end| end < since));
        let old_legs = self.return_legs.split_off(kept);
        let old_way_back = self.way_back;
        let outbound_since = self.find_return_legs();
        self.way_back = outbound_since.and_then(|since| self.find_way_back(since));
        let new_legs = &self.return_legs[kept..];
        let changed =
            (0..old_legs.len().max(new_legs.len())).find(|at| old_legs.get(*at) != new_legs.get(*at));
        let legs = changed.into_iter().flat_map(|at| [old_legs.get(at), new_legs.get(at)]).flatten();
        let way_backs = [old_way_back, self.way_back].into_iter().flatten();
        let way_backs = way_backs.filter(|_| old_way_back != self.way_back);
        legs.map(|leg| leg.begins_at).chain(way_backs.map(|way_back| way_back.delivered_at)).min()
    }

    /// Adds the returns that follow the known ones. Returns since when the parcel goes to the customer, `None` if a
    /// return is open.
    fn find_return_legs(&mut self) -> Option<NaiveDateTime> {
        let mut outbound_since = match self.return_legs.last() {
            Some(leg) => leg.ends_at?,
            None => NaiveDateTime::MIN,
        };
        loop {
            let is_first = self.return_legs.is_empty();
            let Some(&(begins_at, ..)) = (match is_first {
                true => self.returns.first(),
                // A scan of the return with the clock of its end belongs to the return that ended.
                false => first_after(&self.returns, outbound_since),
            }) else {
                return Some(outbound_since);
            };
            let delivered = first_since(&self.deliveries_by_clock, outbound_since);
            if delivered.is_some_and(|(delivered_at, ..)| *delivered_at < begins_at) {
                return Some(outbound_since);
            }
            let ends_at = first_since(&self.return_ends, begins_at).map(|(clock, ..)| *clock);
            self.return_legs.push(ReturnLeg { begins_at, ends_at });
            outbound_since = ends_at?;
        }
    }

    /// The way back, if the shipment was delivered since then and a way back began. It begins with the first pick-up
    /// that is late enough after the delivery, or with the first scan of a return since the delivery, whichever was
    /// earlier: see [`begins_way_back`](super::begins_way_back).
    fn find_way_back(&self, since: NaiveDateTime) -> Option<WayBack> {
        let first = ScanIdentity([0; 32]);
        let of_carrier =
            self.deliveries.range((false, since, first, 0)..(true, NaiveDateTime::MIN, first, 0)).next();
        let delivery = of_carrier.or_else(|| self.deliveries.range((true, since, first, 0)..).next());
        let &(_, delivered_at, ..) = delivery?;
        let late_enough = delivered_at.checked_add_signed(RETURN_PICKUP_AFTER);
        let pickup = late_enough.and_then(|since| first_since(&self.pickups, since));
        let begins = pickup.into_iter().chain(first_since(&self.returns, delivered_at));
        let begins_at = begins.map(|(clock, ..)| *clock).min()?;
        Some(WayBack { delivered_at, begins_at })
    }
}

fn first_since(scans: &ByClock, since: NaiveDateTime) -> Option<&(NaiveDateTime, ScanIdentity, usize)> {
    scans.range((since, ScanIdentity([0; 32]), 0)..).next()
}

fn first_after(scans: &ByClock, at: NaiveDateTime) -> Option<&(NaiveDateTime, ScanIdentity, usize)> {
    scans.range((Excluded((at, ScanIdentity([u8::MAX; 32]), usize::MAX)), Unbounded)).next()
}

fn clock_key(place: usize, scan: &Scan) -> (NaiveDateTime, ScanIdentity, usize) {
    (scan.clock(), scan.identity, place)
}

fn delivery_key(place: usize, scan: &Scan) -> (bool, NaiveDateTime, ScanIdentity, usize) {
    (scan.time_estimated, scan.clock(), scan.identity, place)
}
