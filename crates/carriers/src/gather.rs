//! Gathering what a body claims, scan by scan and parcel by parcel, and never much more than [`MAX_SCANS`].
//!
//! The senders' modules call this with the lists they found. Reading ends where the bound is passed: a body that was
//! written to be a burden costs no more than an honest one.

use serde_json::Value;

use crate::{Parcel, ParsedScan, Unreadable};

/// The most scans that are read out of one body. Whole histories of many parcels fit; what has more was written to
/// be a burden.
pub const MAX_SCANS: usize = 5_000;

/// The parcels of a body. An element that cannot be read does not hold up its neighbours; a body of nothing else is
/// reported.
pub(crate) fn parcels<T>(
    elements: impl IntoIterator<Item = T>,
    mut read: impl FnMut(T) -> Result<Option<Parcel>, Unreadable>,
) -> Result<Vec<Parcel>, Unreadable> {
    let (mut parcels, mut count, mut unreadable) = (Vec::new(), 0, None);
    for element in elements {
        match read(element) {
            Ok(Some(parcel)) => {
                count += parcel.scans.len();
                bounded(count)?;
                parcels.push(parcel);
            }
            Ok(None) => {}
            Err(reason) => {
                unreadable.get_or_insert(reason);
            }
        }
    }
    match unreadable {
        Some(unreadable) if parcels.is_empty() => Err(unreadable),
        Some(_) | None => Ok(parcels),
    }
}

/// The scans of one parcel. The one that is too many is the last: the body is refused for it.
pub(crate) fn scans<'a>(
    events: impl IntoIterator<Item = &'a Value>,
    read: impl FnMut(&'a Value) -> Option<ParsedScan>,
) -> Vec<ParsedScan> {
    events.into_iter().filter_map(read).take(MAX_SCANS + 1).collect()
}

/// Refuses a body with so many scans.
pub(crate) fn bounded(scans: usize) -> Result<(), Unreadable> {
    if scans <= MAX_SCANS {
        Ok(())
    } else {
        Err(Unreadable(format!("more than {MAX_SCANS} scans in one body")))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::{Carrier, CarrierTime, Meaning, ScanIdentity};

    use super::*;

    fn scan() -> ParsedScan {
        ParsedScan {
            identity: ScanIdentity([0; 32]),
            code: "OD".to_owned(),
            meaning: Meaning::Unknown,
            description: None,
            location: None,
            time: CarrierTime::Instant(chrono::DateTime::UNIX_EPOCH),
        }
    }

    fn parcel(scans: usize) -> Parcel {
        Parcel {
            carrier: Carrier::Fedex,
            tracking_number: "1".to_owned(),
            package: None,
            scans: vec![scan(); scans],
            estimated_delivery: None,
            said_at: None,
        }
    }

    #[test]
    fn reading_ends_with_the_scan_that_is_too_many() {
        let (events, read) = (vec![Value::Null; 100_000], Cell::new(0));
        let scans = scans(&events, |_| {
            read.set(read.get() + 1);
            Some(scan())
        });
        assert_eq!((scans.len(), read.get()), (MAX_SCANS + 1, MAX_SCANS + 1));
    }

    #[test]
    fn reading_ends_with_the_parcel_that_has_it() {
        let read = Cell::new(0);
        let refused = parcels(0..100_000, |_| {
            read.set(read.get() + 1);
            Ok(Some(parcel(100)))
        });
        assert_eq!(refused.unwrap_err().to_string(), "more than 5000 scans in one body");
        assert_eq!(read.get(), MAX_SCANS / 100 + 1);
        assert_eq!(parcels(0..50, |_| Ok(Some(parcel(100)))).map(|parcels| parcels.len()), Ok(50));
    }

    #[test]
    fn the_first_reason_is_reported_where_nothing_can_be_read() {
        let read = |element: &str| match element {
            "parcel" => Ok(Some(parcel(1))),
            "nothing" => Ok(None),
            other => Err(Unreadable(other.to_owned())),
        };
        assert_eq!(parcels(["nothing", "a", "b"], read), Err(Unreadable("a".to_owned())));
        assert_eq!(parcels(["a", "parcel", "b"], read).map(|parcels| parcels.len()), Ok(1));
        assert_eq!(parcels(["nothing"], read), Ok(vec![]));
    }
}
