//! The current status: what a sender reports about a parcel as a whole, beside the list of its scans.
//!
//! `fedex`, `usps`, `dhl::unified`, `easypost` and `aftership` parse it as a scan and call `merge_into_scans`, after
//! their list is complete. The result is the list, with at most one scan more, at its end.
//!
//! Usually it repeats the newest scan of the list. Some senders update it first: it says delivered while the list still
//! ends in transit. Rules for merging it into the list:
//!
//! 1. It becomes a scan of its own only if it says more than every listed scan ([`says_more`]).
//! 2. Nothing says more than a delivery. After the start of a return only the arrival at the sender says more: any
//!    other status may belong to the way back.
//! 3. A current status without a time gets the clock time of the newest listed scan, as a local time without a zone,
//!    because it did not happen earlier. The time of arrival would be wrong: a push that arrives late would report past
//!    trouble as new, and the status of an earlier parcel with the same number would look like one of today.
//! 4. The identity of such a scan includes that clock time. So the same status beside the same list is one scan,
//!    however often it is sent.
//! 5. If the sender later lists the event with a time of its own, that is another scan. Its time takes precedence in
//!    the fold.

use chrono::NaiveDateTime;
use domain::{
    CarrierTime,
    ConditionKind::{Other, Returned, Returning},
    Meaning::{self, Condition, Informational, ReturnCancelled, Status, Unknown},
    Rank, ScanIdentity,
    ShipmentStatus::{AvailableForPickup, Cancelled, Delivered, OutForDelivery, ReturnedToSender},
};
use sha2::{Digest, Sha256};

use crate::parcel::ParsedScan;

/// A current status, parsed as a scan.
pub(crate) struct CurrentStatus {
    pub(crate) scan: ParsedScan,
    /// Whether the sender gave it a time, in whatever form.
    pub(crate) is_dated: bool,
}

/// Returns the listed scans, and the current status as one more scan if it says more than they do, or if the list is
/// empty.
pub(crate) fn merge_into_scans(
    mut listed: Vec<ParsedScan>,
    current: Option<CurrentStatus>,
) -> Vec<ParsedScan> {
    if let Some(CurrentStatus { scan, is_dated }) = current
        && says_more(scan.meaning, &listed)
    {
        let newest = if is_dated { None } else { listed.iter().filter_map(local_clock).max() };
        listed.push(newest.map_or(scan.clone(), |newest| date_from_newest(scan, newest)));
    }
    listed
}

/// Whether `current` says something that none of the listed scans says.
fn says_more(current: Meaning, listed: &[ParsedScan]) -> bool {
    let any_says = |says: &dyn Fn(Meaning) -> bool| listed.iter().any(|scan| says(scan.meaning));
    let goes_back =
        || any_says(&|meaning| matches!(meaning, Status(ReturnedToSender) | Condition(Returning | Returned)));
    if listed.is_empty() {
        return true;
    }
    if any_says(&|meaning| meaning == Status(Delivered)) {
        return false;
    }
    match current {
        Status(ReturnedToSender) | Condition(Returning) => !goes_back(),
        // Trouble that is not specified may be any of the listed troubles.
        Condition(Other) => !goes_back() && !any_says(&|meaning| matches!(meaning, Condition(_))),
        Condition(_) | ReturnCancelled | Status(Cancelled) => !any_says(&|meaning| meaning == current),
        Status(status) => {
            let furthest = listed.iter().filter_map(|scan| match scan.meaning {
                Status(status) => Some(status),
                Condition(_) | ReturnCancelled | Informational | Unknown => None,
            });
            let furthest = furthest.max_by_key(|status| (status.rank(), *status == AvailableForPickup));
            // These two statuses have the same rank, but the difference matters to the customer.
            let waits = status == AvailableForPickup && furthest == Some(OutForDelivery);
            !goes_back() && (waits || status.rank() > furthest.map_or(Rank::None, |furthest| furthest.rank()))
        }
        Informational | Unknown => false,
    }
}

/// The clock time by which scans are compared, as far as the sender gives one.
fn local_clock(scan: &ParsedScan) -> Option<NaiveDateTime> {
    match scan.time {
        CarrierTime::Instant(at) => Some(at.naive_utc()),
        CarrierTime::Local(at) => Some(at),
        CarrierTime::Untrusted => None,
    }
}

/// Dates a current status with the clock time of the newest listed scan. The time becomes part of the identity: the
/// same status beside a longer list is another scan.
fn date_from_newest(scan: ParsedScan, newest: NaiveDateTime) -> ParsedScan {
    let mut hash = Sha256::new();
    hash.update(scan.identity.0);
    hash.update(newest.to_string());
    ParsedScan { identity: ScanIdentity(hash.finalize().into()), time: CarrierTime::Local(newest), ..scan }
}

#[cfg(test)]
mod tests;
