//! Collects the parcels and scans of a body, at most [`MAX_SCANS`].
//!
//! The senders' modules call `collect_parcels` and `collect_scans` with the lists they found. Reading stops as soon as
//! the limit is passed, so a body that was written to overload the server costs no more than a usual one.
//! `Sender::parse` calls `check_push` at the end, which refuses a push with more scans.
//!
//! `read` parses one element. Its `None` means that the element has nothing to report, which is no error.

use serde_json::Value;

use crate::{
    parcel::{Parcel, ParsedScan, Push},
    unreadable::{Unread, Unreadable},
};

/// The most scans that are read from one body. Whole histories of many parcels fit. A body with more was written to
/// overload the server, and is refused.
pub const MAX_SCANS: usize = 5_000;

/// The largest body, in bytes, of a sender that puts pictures of the delivery into its pushes, as base64.
pub(crate) const MAX_BODY_WITH_PICTURE: usize = 8 * 1024 * 1024;

/// Collects the parcels of a body. An element that cannot be read does not prevent the others from being read. The
/// push reports how many there are, and why the first could not be read. It is an error if there are only unreadable
/// elements.
pub(crate) fn collect_parcels<T>(
    elements: impl IntoIterator<Item = T>,
    mut read: impl FnMut(T) -> Result<Option<Parcel>, Unreadable>,
) -> Result<Push, Unreadable> {
    let (mut parcels, mut count, mut unread) = (Vec::new(), 0, None::<Unread>);
    for element in elements {
        match read(element) {
            Ok(Some(parcel)) => {
                count += parcel.scans.len();
                check_scan_count(count)?;
                parcels.push(parcel);
            }
            Ok(None) => {}
            Err(reason) => unread.get_or_insert(Unread { elements: 0, first: reason }).elements += 1,
        }
    }
    match unread {
        Some(unread) if parcels.is_empty() => Err(unread.first),
        unread => Ok(Push::Parcels(parcels, unread)),
    }
}

/// Collects the scans of one parcel. It stops at one scan more than the limit; the caller then refuses the body.
pub(crate) fn collect_scans<'a>(
    events: impl IntoIterator<Item = &'a Value>,
    read: impl FnMut(&'a Value) -> Option<ParsedScan>,
) -> Vec<ParsedScan> {
    events.into_iter().filter_map(read).take(MAX_SCANS + 1).collect()
}

/// Refuses a push with more than [`MAX_SCANS`] scans.
pub(crate) fn check_push(push: &Push) -> Result<(), Unreadable> {
    match push {
        Push::Parcels(parcels, _) => check_scan_count(parcels.iter().map(|parcel| parcel.scans.len()).sum()),
        Push::Activation(_) | Push::Remark(_) => Ok(()),
    }
}

fn check_scan_count(scans: usize) -> Result<(), Unreadable> {
    if scans <= MAX_SCANS {
        Ok(())
    } else {
        Err(Unreadable(format!("more than {MAX_SCANS} scans in one body")))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::{Carrier, CarrierTime, Meaning, ScanIdentity, TrackingNumber};

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
            tracking_number: TrackingNumber::restore(Carrier::FEDEX, "1".to_owned()),
            package: None,
            other_numbers: vec![],
            scans: vec![scan(); scans],
            estimated_delivery: None,
            pushed_at: None,
        }
    }

    #[test]
    fn reading_ends_with_the_scan_that_is_too_many() {
        let (events, read) = (vec![Value::Null; 100_000], Cell::new(0));
        let scans = collect_scans(&events, |_| {
            read.set(read.get() + 1);
            Some(scan())
        });
        assert_eq!((scans.len(), read.get()), (MAX_SCANS + 1, MAX_SCANS + 1));
    }

    #[test]
    fn reading_ends_with_the_parcel_that_has_it() {
        let read = Cell::new(0);
        let refused = collect_parcels(0..100_000, |_| {
            read.set(read.get() + 1);
            Ok(Some(parcel(100)))
        });
        assert_eq!(refused.unwrap_err().to_string(), "more than 5000 scans in one body");
        assert_eq!(read.get(), MAX_SCANS / 100 + 1);
        let Ok(Push::Parcels(all, None)) = collect_parcels(0..50, |_| Ok(Some(parcel(100)))) else {
            panic!()
        };
        assert_eq!(all.len(), 50);
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_the_first_reason_told() {
        let read = |element: &str| match element {
            "parcel" => Ok(Some(parcel(1))),
            "nothing" => Ok(None),
            other => Err(Unreadable(other.to_owned())),
        };
        assert_eq!(collect_parcels(["nothing", "a", "b"], read), Err(Unreadable("a".to_owned())));
        assert_eq!(collect_parcels(["nothing"], read), Ok(Push::Parcels(vec![], None)));
        for (elements, told) in [
            (&["nothing", "parcel"][..], None),
            (&["parcel", "nothing", "b"], Some("1 element unread: b")),
            (&["a", "parcel", "b"], Some("2 elements unread, the first: a")),
        ] {
            let Ok(Push::Parcels(one, unread)) = collect_parcels(elements.iter().copied(), read) else {
                panic!()
            };
            assert_eq!((one.len(), unread.map(|unread| unread.to_string()).as_deref()), (1, told));
        }
    }
}
