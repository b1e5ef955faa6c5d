//! The latest status: what a sender says of a parcel as a whole, beside the list of its scans.
//!
//! As a rule it is the newest of them once more. Some senders are ahead with it: delivered, and the list ends in
//! transit. So it is a scan too where it says more than every one that is listed; told a hundred times beside one list,
//! it is one. By its meaning alone nobody could tell it from an older one:
//!
//! - Beside a delivery nothing says more. Beside a return no step does: it may be one of the way back.
//! - Without a time of its own it has the clock of the newest scan listed, as one whose zone is unknown. It happened no
//!   earlier. The arrival would not do: a push that comes late would report trouble that is long past, and the status
//!   of a parcel that had the number before would be one of today.
//! - An event that is listed later and says the same is a scan of its own, with a time that is believed before this
//!   one.

use chrono::NaiveDateTime;
use domain::{
    CarrierTime,
    ConditionKind::{Other, Returning},
    Meaning::{self, Condition, Informational, Status, Unknown},
    Rank, ScanIdentity,
    ShipmentStatus::{AvailableForPickup, Cancelled, Delivered, OutForDelivery, ReturnedToSender},
};
use sha2::{Digest, Sha256};

use crate::ParsedScan;

/// A latest status, read as a scan.
pub(crate) struct CurrentStatus {
    pub(crate) scan: ParsedScan,
    /// Whether its sender says when it happened, in whatever form.
    pub(crate) is_dated: bool,
}

/// The scans that are listed, and the latest status where it is one too. Without a list it stands for it.
pub(crate) fn merge_into_scans(
    mut listed: Vec<ParsedScan>,
    latest: Option<CurrentStatus>,
) -> Vec<ParsedScan> {
    if let Some(CurrentStatus { scan, is_dated }) = latest
        && says_more(scan.meaning, &listed)
    {
        let newest = if is_dated { None } else { listed.iter().filter_map(clock).max() };
        listed.push(newest.map_or(scan.clone(), |newest| date_from_newest(scan, newest)));
    }
    listed
}

/// Whether that says what none of the scans says.
fn says_more(latest: Meaning, listed: &[ParsedScan]) -> bool {
    let told = |says: &dyn Fn(Meaning) -> bool| listed.iter().any(|scan| says(scan.meaning));
    let goes_back = || told(&|meaning| matches!(meaning, Status(ReturnedToSender) | Condition(Returning)));
    if listed.is_empty() {
        return true;
    }
    if told(&|meaning| meaning == Status(Delivered)) {
        return false;
    }
    match latest {
        Status(ReturnedToSender) | Condition(Returning) => !goes_back(),
        // Trouble without a name is any trouble.
        Condition(Other) => !goes_back() && !told(&|meaning| matches!(meaning, Condition(_))),
        Condition(_) | Status(Cancelled) => !told(&|meaning| meaning == latest),
        Status(status) => {
            let furthest = listed.iter().filter_map(|scan| match scan.meaning {
                Status(status) => Some(status),
                Condition(_) | Informational | Unknown => None,
            });
            let furthest = furthest.max_by_key(|status| (status.rank(), *status == AvailableForPickup));
            // The last leg has two milestones of one rank, and it matters to the customer which it is.
            let waits = status == AvailableForPickup && furthest == Some(OutForDelivery);
            !goes_back() && (waits || status.rank() > furthest.map_or(Rank::None, |furthest| furthest.rank()))
        }
        Informational | Unknown => false,
    }
}

/// What puts a scan in order, as far as its sender tells.
fn clock(scan: &ParsedScan) -> Option<NaiveDateTime> {
    match scan.time {
        CarrierTime::Instant(at) => Some(at.naive_utc()),
        CarrierTime::Local(at) => Some(at),
        CarrierTime::Untrusted => None,
    }
}

/// A status that holds since then at the earliest. Beside a longer list it is another claim: of the same parcel some
/// scans later.
fn date_from_newest(scan: ParsedScan, newest: NaiveDateTime) -> ParsedScan {
    let mut hash = Sha256::new();
    hash.update(scan.identity.0);
    hash.update(newest.to_string());
    ParsedScan { identity: ScanIdentity(hash.finalize().into()), time: CarrierTime::Local(newest), ..scan }
}

#[cfg(test)]
mod tests;
