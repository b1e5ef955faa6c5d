//! Which scans of a number are of this parcel: carriers use numbers again, and merchants use labels twice.

use std::{
    cmp::{max_by_key, min_by_key},
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::status_of;
use crate::{scan::Scan, shipment::ShipmentStatus};

/// How much older than the order a scan may be before it is another parcel's: numbers are reused.
const MAX_BEFORE_ORDER: TimeDelta = TimeDelta::days(1);
/// How much later than it showed a clock without a zone may be: by its zone, and by a day where it is a bare date.
const MAX_CLOCK_ERROR: TimeDelta = TimeDelta::days(2);
/// How long a parcel may be silent and then go on under another identity of its number: no carrier gives a number out
/// again so soon.
const MAX_SILENCE: TimeDelta = TimeDelta::days(30);
/// What makes a scan one of this parcel, and not of another that had its number before or has it after.
#[derive(PartialEq, Eq)]
pub(crate) struct Attribution {
    placed_at: DateTime<Utc>,
    /// Those that are ours of the packages the carrier tells apart; none where it tells none apart.
    packages: BTreeSet<String>,
}

impl Attribution {
    /// A package with a scan from before the order is another parcel, unless there is no other. Of those that remain
    /// the one that was scanned first is ours, and with it what goes on where that stops: FedEx gives a parcel that is
    /// tendered again another identity. What has the number beside it, after the delivery, or long after the last scan
    /// is not.
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

/// The packages of a number, while scans of them come and change.
pub(super) struct Packages {
    placed_at: DateTime<Utc>,
    by_name: BTreeMap<String, PackageScans>,
}

impl Packages {
    pub fn new(placed_at: DateTime<Utc>) -> Self {
        Self { placed_at, by_name: BTreeMap::new() }
    }

    /// Adds the scan that has that place among all.
    pub fn insert(&mut self, place: usize, scan: &Scan) {
        let Some(name) = scan.package.as_deref() else { return };
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), PackageScans::default());
        }
        if let Some(package) = self.by_name.get_mut(name) {
            package.insert(place, scan, self.placed_at);
        }
    }

    /// Takes out the scan that has that place among all.
    pub fn remove(&mut self, place: usize, scan: &Scan) {
        let Some(name) = scan.package.as_deref() else { return };
        if let Some(package) = self.by_name.get_mut(name) {
            package.remove(place, scan, self.placed_at);
        }
    }

    /// Which of them are ours.
    pub fn attribution(&self) -> Attribution {
        let described = self.by_name.iter().filter_map(|(name, scans)| Some((&**name, scans.describe()?)));
        let mut packages: Vec<(&str, Package)> = described.collect();
        packages.sort_unstable_by_key(|(name, package)| (package.is_old, package.first.at, *name));
        let mut own_packages = BTreeSet::new();
        let mut so_far: Option<Package> = None;
        for (name, package) in packages {
            if so_far.is_some_and(|so_far| !so_far.continues_as(package)) {
                break;
            }
            own_packages.insert(name.to_owned());
            so_far = Some(so_far.map_or(package, |so_far| so_far.merge(package)));
        }
        Attribution { placed_at: self.placed_at, packages: own_packages }
    }
}

/// The scans of one package, those with a believed time first, each by its clock and its place among all.
#[derive(Default)]
struct PackageScans {
    all: BTreeSet<(Seen, usize)>,
    delivered: BTreeSet<(Seen, usize)>,
    /// How many of them are from before the order.
    old: usize,
}

impl PackageScans {
    fn insert(&mut self, place: usize, scan: &Scan, placed_at: DateTime<Utc>) {
        let seen = Seen::from_scan(scan);
        self.all.insert((seen, place));
        if status_of(scan) == Some(ShipmentStatus::Delivered) {
            self.delivered.insert((seen, place));
        }
        self.old += usize::from(is_too_old(scan, placed_at));
    }

    fn remove(&mut self, place: usize, scan: &Scan, placed_at: DateTime<Utc>) {
        let seen = Seen::from_scan(scan);
        self.all.remove(&(seen, place));
        self.delivered.remove(&(seen, place));
        self.old -= usize::from(is_too_old(scan, placed_at));
    }

    /// What they say together. Nothing where there are none.
    fn describe(&self) -> Option<Package> {
        let (first, _) = *self.all.first()?;
        let (latest, _) = *self.all.last()?;
        let last_believed = self.all.range(..(Seen::FIRST_ESTIMATED, 0)).next_back();
        Some(Package {
            is_old: self.old > 0,
            first,
            last: last_believed.map_or(latest, |(seen, _)| *seen),
            delivered: self.delivered.first().map(|(seen, _)| *seen),
        })
    }
}

/// What the scans of one package say of when it had the number: those whose time is believed, where there are such.
#[derive(Clone, Copy)]
struct Package {
    /// Whether one of them is from before the order.
    is_old: bool,
    first: Seen,
    last: Seen,
    delivered: Option<Seen>,
}

/// A scan, as far as it says when it was. A believed time sorts before any other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    time_estimated: bool,
    at: NaiveDateTime,
}

impl Seen {
    /// Before every scan whose time is not believed, and after all others.
    const FIRST_ESTIMATED: Self = Self { time_estimated: true, at: NaiveDateTime::MIN };

    fn from_scan(scan: &Scan) -> Self {
        Self { time_estimated: scan.time_estimated, at: scan.clock() }
    }
}

impl Package {
    fn merge(self, other: Self) -> Self {
        let earliest = |seen: &Seen| (seen.time_estimated, seen.at);
        let latest = |seen: &Seen| (!seen.time_estimated, seen.at);
        Self {
            is_old: self.is_old || other.is_old,
            first: min_by_key(self.first, other.first, earliest),
            last: max_by_key(self.last, other.last, latest),
            delivered: self.delivered.into_iter().chain(other.delivered).min_by_key(earliest),
        }
    }

    /// Whether the next package with the number may be the same parcel. Two that are scanned side by side are two: a
    /// label was used twice.
    fn continues_as(self, next: Self) -> bool {
        let silence = next.first.at - self.last.at;
        let is_next = silence >= TimeDelta::zero() && silence <= MAX_SILENCE;
        let was_delivered = self.delivered.is_some_and(|delivered| delivered.at < next.first.at);
        is_next && !was_delivered && !self.is_old && !next.is_old
    }
}

/// Whether the scan is from before there was such an order: of another parcel then, numbers are used again. It did
/// not happen after it arrived, nor long after what the clock of the place showed. Times are subtracted from each
/// other: a day before the first day there is would be no time.
pub fn is_too_old(scan: &Scan, placed_at: DateTime<Utc>) -> bool {
    let by_clock = scan.local_time.map(|local| placed_at.naive_utc() - local);
    placed_at - scan.occurred_at > MAX_BEFORE_ORDER
        || by_clock.is_some_and(|before| before > MAX_BEFORE_ORDER + MAX_CLOCK_ERROR)
}
