//! Attribution: which scans of a tracking number belong to one shipment. Carriers use numbers again, and merchants
//! sometimes use a label twice.
//!
//! `effects.rs` makes an [`Attribution`] of all scans at once. `state.rs` keeps [`Packages`], which can change, and
//! asks them for the attribution again. A scan without a package belongs to the shipment, unless it is too old.
//! `ingest::routing` and `order/scans.rs` ask `is_too_old` too.
//!
//! `summarize` is `None` for a package without scans.

use std::{
    cmp::{max_by_key, min_by_key},
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::status_of;
use crate::{scan::Scan, shipment_status::ShipmentStatus};

/// A scan that is older than the order by more than this is about another parcel, because carriers use numbers again.
const MAX_BEFORE_ORDER: TimeDelta = TimeDelta::days(1);
/// How much later than its local time a scan can have happened: the offset of the zone, and a day if the time is a
/// bare date.
const MAX_CLOCK_ERROR: TimeDelta = TimeDelta::days(2);
/// A parcel can have no scan for this long and then continue under another identity of its number. No carrier gives the
/// number to another parcel so soon.
const MAX_SILENCE: TimeDelta = TimeDelta::days(30);
/// Decides whether a scan belongs to this shipment, or to another parcel that had the number before or has it later.
#[derive(PartialEq, Eq)]
pub(crate) struct Attribution {
    placed_at: DateTime<Utc>,
    /// The packages (see [`Scan::package`]) of this shipment. Empty if the carrier does not tell packages apart.
    packages: BTreeSet<String>,
}

impl Attribution {
    /// Chooses which packages of the number are this shipment.
    ///
    /// 1. A package with a scan from before the order is another parcel. If there are only such packages, the one
    ///    that was scanned first is chosen, and [`includes`](Self::includes) judges its scans one by one.
    /// 2. Of the other packages, the one that was scanned first is chosen.
    /// 3. The next package is chosen too if it continues where the chosen ones stop: FedEx gives a parcel another
    ///    identity when the parcel is tendered again. A package that was scanned beside them is chosen too, unless both
    ///    were delivered: FedEx tells of one parcel under two identities at the same time. A package does not continue
    ///    them if it was scanned after their delivery, or a long time after their last scan. The first such package
    ///    ends the search.
    pub fn from_scans<'a>(scans: impl IntoIterator<Item = &'a Scan>, placed_at: DateTime<Utc>) -> Self {
        let mut packages = Packages::new(placed_at);
        scans.into_iter().enumerate().for_each(|(place, scan)| packages.insert(place, scan));
        packages.attribution()
    }

    /// Whether the scan is one of this parcel.
    pub fn includes(&self, scan: &Scan) -> bool {
        let named = scan.package.as_deref();
        named.is_none_or(|name| self.packages.contains(name)) && !is_too_old(scan, self.placed_at)
    }
}

/// The packages of a number. Scans can be added and removed one by one. A scan is named by its place: its index among
/// all scans of the number.
pub(super) struct Packages {
    placed_at: DateTime<Utc>,
    by_name: BTreeMap<String, PackageScans>,
}

impl Packages {
    pub fn new(placed_at: DateTime<Utc>) -> Self {
        Self { placed_at, by_name: BTreeMap::new() }
    }

    /// Adds the scan with this place. A scan without a package is ignored.
    pub fn insert(&mut self, place: usize, scan: &Scan) {
        let Some(name) = scan.package.as_deref() else { return };
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), PackageScans::default());
        }
        if let Some(package) = self.by_name.get_mut(name) {
            package.insert(place, scan, self.placed_at);
        }
    }

    /// Removes the scan with this place. It must be the scan that was added with it.
    pub fn remove(&mut self, place: usize, scan: &Scan) {
        let Some(name) = scan.package.as_deref() else { return };
        if let Some(package) = self.by_name.get_mut(name) {
            package.remove(place, scan, self.placed_at);
        }
    }

    /// The packages that are this shipment, by the rules of [`Attribution::from_scans`].
    pub fn attribution(&self) -> Attribution {
        let described = self.by_name.iter().filter_map(|(name, scans)| Some((&**name, scans.summarize()?)));
        let mut packages: Vec<(&str, Package)> = described.collect();
        packages.sort_unstable_by_key(|(name, package)| (package.is_old, package.first.at, *name));
        let mut own_packages = BTreeSet::new();
        let mut chosen: Option<Package> = None;
        for (name, package) in packages {
            if chosen.is_some_and(|chosen| !chosen.continues_as(package)) {
                break;
            }
            own_packages.insert(name.to_owned());
            chosen = Some(chosen.map_or(package, |chosen| chosen.merge(package)));
        }
        Attribution { placed_at: self.placed_at, packages: own_packages }
    }
}

/// The scans of one package, each with its time and its place.
#[derive(Default)]
struct PackageScans {
    all: BTreeSet<(ScanTime, usize)>,
    delivered: BTreeSet<(ScanTime, usize)>,
    /// The number of scans from before the order.
    old: usize,
}

impl PackageScans {
    fn insert(&mut self, place: usize, scan: &Scan, placed_at: DateTime<Utc>) {
        let seen = ScanTime::from_scan(scan);
        self.all.insert((seen, place));
        if status_of(scan) == Some(ShipmentStatus::Delivered) {
            self.delivered.insert((seen, place));
        }
        self.old += usize::from(is_too_old(scan, placed_at));
    }

    fn remove(&mut self, place: usize, scan: &Scan, placed_at: DateTime<Utc>) {
        let seen = ScanTime::from_scan(scan);
        self.all.remove(&(seen, place));
        self.delivered.remove(&(seen, place));
        self.old -= usize::from(is_too_old(scan, placed_at));
    }

    /// When the package was scanned. `None` if it has no scans.
    fn summarize(&self) -> Option<Package> {
        let (first, _) = *self.all.first()?;
        let (latest, _) = *self.all.last()?;
        let last_by_carrier = self.all.range(..(ScanTime::FIRST_ARRIVAL, 0)).next_back();
        Some(Package {
            is_old: self.old > 0,
            first,
            last: last_by_carrier.map_or(latest, |(seen, _)| *seen),
            delivered: self.delivered.first().map(|(seen, _)| *seen),
        })
    }
}

/// When a package, or several packages that are one parcel, were scanned. A time of arrival counts only if the carrier
/// gave no scan a time.
#[derive(Clone, Copy)]
struct Package {
    /// Whether a scan is from before the order.
    is_old: bool,
    first: ScanTime,
    last: ScanTime,
    delivered: Option<ScanTime>,
}

/// The time of a scan. Times of the carrier sort before times of arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ScanTime {
    time_estimated: bool,
    at: NaiveDateTime,
}

impl ScanTime {
    /// Sorts after every time of the carrier and before every time of arrival.
    const FIRST_ARRIVAL: Self = Self { time_estimated: true, at: NaiveDateTime::MIN };

    fn from_scan(scan: &Scan) -> Self {
        Self { time_estimated: scan.time_estimated, at: scan.clock() }
    }
}

impl Package {
    fn merge(self, other: Self) -> Self {
        let earliest = |seen: &ScanTime| (seen.time_estimated, seen.at);
        let latest = |seen: &ScanTime| (!seen.time_estimated, seen.at);
        Self {
            is_old: self.is_old || other.is_old,
            first: min_by_key(self.first, other.first, earliest),
            last: max_by_key(self.last, other.last, latest),
            delivered: self.delivered.into_iter().chain(other.delivered).min_by_key(earliest),
        }
    }

    /// Whether the next package with the number can be the same parcel. Two packages that are scanned side by side and
    /// are both delivered are two parcels: a label was used twice.
    fn continues_as(self, next: Self) -> bool {
        let silence = next.first.at - self.last.at;
        let was_delivered = self.delivered.is_some_and(|delivered| delivered.at < next.first.at);
        let are_both_delivered = self.delivered.is_some() && next.delivered.is_some();
        let is_same = silence <= MAX_SILENCE && !was_delivered && !are_both_delivered;
        is_same && !self.is_old && !next.is_old
    }
}

/// Whether the scan is from before the order existed. Then it is about another parcel with the same number.
///
/// 1. It is if `occurred_at` is more than a day before the order. This holds for a time of arrival too: nothing
///    happens after its scan arrives.
/// 2. It is if the local time is more than three days before the order: one day, and two for the zone and a bare
///    date.
///
/// The code subtracts the times from each other. To subtract a day from a time would fail for the earliest time there
/// is.
pub fn is_too_old(scan: &Scan, placed_at: DateTime<Utc>) -> bool {
    let by_clock = scan.local_time.map(|local| placed_at.naive_utc() - local);
    placed_at - scan.occurred_at > MAX_BEFORE_ORDER
        || by_clock.is_some_and(|before| before > MAX_BEFORE_ORDER + MAX_CLOCK_ERROR)
}
