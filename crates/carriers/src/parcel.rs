//! The common result of parsing a webhook: parcels, and the scans of each parcel.
//!
//! Each sender's module parses its own format into these types. `app` then routes a [`Parcel`] to a shipment and
//! folds its scans.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{
    Carrier, CarrierTime, Estimate, Evidence, MAX_AHEAD, MAX_TRACKING_NUMBER, Meaning, Scan, ScanIdentity,
    ShipmentStatus, TrackingNumber,
    text::{is_unsafe, single_line},
};
use sha2::{Digest, Sha256};

use crate::{fedex, time};

/// The result of parsing one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// Parcels with their scans, and a summary of the elements that could not be read (`None` if all could). The list
    /// is empty if the body is well formed and reports no scan.
    Parcels(Vec<Parcel>, Option<Unread>),
    /// The sender starts a subscription and waits until we call it back.
    Activation(Activation),
    /// The body is well formed, but reports no parcel that we could follow. The text tells people what it says.
    Remark(String),
}

impl Push {
    /// A push with one parcel and nothing unread.
    pub(crate) fn from_parcel(parcel: Parcel) -> Self {
        Self::Parcels(vec![parcel], None)
    }

    /// The result for a test push of the sender. It moves no parcel, even if it names a tracking number of ours.
    pub(crate) fn from_test_push(sender: &str, tracking_number: &str) -> Self {
        Self::Remark(format!("{sender} sent a test, of {tracking_number}: tests move no parcel"))
    }
}

/// A subscription that starts only after we have called the sender back.
#[derive(Clone, PartialEq, Eq)]
pub struct Activation {
    /// The sender's id of the subscription.
    pub subscription: String,
    /// The secret to send back in that call. It is never printed.
    pub secret: String,
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// One physical parcel of a carrier, as one push reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The carrier that transports the parcel.
    pub carrier: Carrier,
    /// The carrier's tracking number. Scans are routed by it.
    pub tracking_number: TrackingNumber,
    /// The carrier's own identity of the physical parcel, if it sends one. It tells apart parcels that have the same
    /// tracking number, because carriers reuse numbers.
    pub package: Option<String>,
    /// Other numbers that the carrier gives for this parcel. Scans are not routed by them. Support staff see them in
    /// the reason of a webhook that waits for a shipment, because the shipment may have been registered under one of
    /// them by mistake.
    pub other_numbers: Vec<String>,
    /// The scans, in the sequence of the push. Never empty.
    pub scans: Vec<ParsedScan>,
    /// When the carrier expects to deliver.
    pub estimated_delivery: Option<DateTime<Utc>>,
    /// When the sender sent this push, if the push has a time of its own.
    pub pushed_at: Option<DateTime<Utc>>,
}

impl Parcel {
    /// Converts to the scans that the fold uses. `arrival` is when the webhook was received: it replaces every time
    /// that cannot be trusted. The newest scan carries the delivery estimate.
    pub fn into_scans(self, arrival: DateTime<Utc>) -> Vec<Scan> {
        let package = self.package;
        let scans = self
            .scans
            .into_iter()
            .map(|scan| Scan { package: package.clone(), ..scan.into_scan(self.carrier, arrival) });
        let mut scans: Vec<Scan> = scans.collect();
        // Oldest first. Scans without a zone all count with the arrival, so where they are stored in this sequence and
        // shown newest first, the sequence of the body makes no difference.
        scans.sort_by_key(|scan| (scan.clock(), scan.identity));
        let trusted_first = |scan: &&mut Scan| (!scan.time_estimated, scan.clock(), scan.identity);
        if let Some(expected) = self.estimated_delivery
            && let Some(newest) = scans.iter_mut().max_by_key(trusted_first)
        {
            // Some pushes have no time of their own (FedEx, UPS, DHL), or one that is too far in the future. Their
            // estimate counts as said at the time of their newest scan. Consequence: an estimate that moves to an
            // earlier day, without a new scan, is ignored. The time of arrival is no alternative: pushes overtake
            // each other, so the estimate would depend on the sequence in which they arrive.
            let push_time = self.pushed_at.filter(|at| *at <= arrival + MAX_AHEAD);
            newest.estimate =
                Some(Estimate { said_at: push_time.unwrap_or(newest.clock().and_utc()), expected });
        }
        scans
    }
}

/// A carrier's text in the form that is safe to store and to show in mails, pages and logs. A text without unsafe
/// characters stays unchanged, including its blanks. Only the shown text changes: the identity of a scan is computed
/// from the text as sent.
fn replace_unsafe_characters(text: String) -> String {
    if text.contains(is_unsafe) { single_line(&text) } else { text }
}

/// One scan, as parsed from a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedScan {
    /// The hash that tells this scan apart from every other scan. See [`compute_identity`].
    pub identity: ScanIdentity,
    /// The carrier's code, in the spelling of the setting `MILEPOST_CARRIER_CODES`; `-` if the carrier sent none.
    pub code: String,
    /// The meaning of the code, after the merchant's own meanings ([`crate::CodeMap`]) were applied.
    pub meaning: Meaning,
    /// The carrier's description of the event.
    pub description: Option<String>,
    /// The place, as a person would write it: `Holbrook, NY, US`.
    pub location: Option<String>,
    /// When it happened, by the carrier's clock.
    pub time: CarrierTime,
}

impl ParsedScan {
    fn into_scan(self, carrier: Carrier, arrival: DateTime<Utc>) -> Scan {
        let (occurred_at, time_estimated) = self.time.or_arrival(arrival);
        Scan {
            identity: self.identity,
            evidence: find_evidence(carrier, &self.code, self.meaning),
            code: replace_unsafe_characters(self.code),
            meaning: self.meaning,
            description: self.description.map(replace_unsafe_characters).filter(|text| !text.is_empty()),
            location: self.location.map(replace_unsafe_characters).filter(|text| !text.is_empty()),
            occurred_at,
            time_estimated,
            local_time: self.time.local(arrival),
            package: None,
            estimate: None,
        }
    }
}

/// Why a body cannot be read, written for the person who looks at the stored webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(crate) String);

impl Unreadable {
    /// Adds the position in a list to the reason: "shipment 4: `id` is missing". `index` counts from 0, the text from
    /// 1.
    pub(crate) fn with_position(self, what: &str, index: usize) -> Self {
        Self(format!("{what} {}: {self}", index + 1))
    }
}

/// Summary of the elements of a body that could not be read, while others could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// How many elements could not be read.
    pub(crate) elements: usize,
    /// The reason for the first of them.
    pub(crate) first: Unreadable,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.elements {
            1 => write!(f, "1 element unread: {}", self.first),
            many => write!(f, "{many} elements unread, the first: {}", self.first),
        }
    }
}

/// The code of a scan for which the carrier sent no code.
const NO_CODE: &str = "-";
/// The longest stored code, in characters. It is limited because the database has an index over codes.
const MAX_CODE: usize = 200;
/// The most [`Parcel::other_numbers`] of one parcel.
const MAX_OTHERS: usize = 5;

/// Finds the carrier of an aggregator's name. `number` is the tracking number.
pub(crate) fn parse_carrier_name(name: &str, number: &str) -> Result<Carrier, Unreadable> {
    let unreadable = || Unreadable(format!("`{name}`, of {number}, cannot be the name of a carrier"));
    Carrier::from_reported_name(name).ok_or_else(unreadable)
}

/// Parses a tracking number as the registration of shipments does, so that both can match. Returns an error for a
/// number that nobody can register.
pub(crate) fn parse_tracking_number(carrier: Carrier, sent: String) -> Result<TrackingNumber, Unreadable> {
    TrackingNumber::parse(carrier, &sent).map_err(|_| {
        let length = sent.chars().filter(|c| !c.is_whitespace()).count();
        Unreadable(match length > MAX_TRACKING_NUMBER {
            true => format!("the tracking number has more than {MAX_TRACKING_NUMBER} characters"),
            false => "the tracking number has more in it than letters, digits and hyphens".into(),
        })
    })
}

/// Other numbers of a parcel, normalized as for registration. Leaves out `number` itself, repetitions and invalid
/// numbers, and returns at most [`MAX_OTHERS`].
pub(crate) fn parse_other_numbers(
    carrier: Carrier,
    number: &str,
    sent: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let mut others = Vec::new();
    for other in sent.into_iter().filter_map(|sent| parse_tracking_number(carrier, sent).ok()) {
        if others.len() == MAX_OTHERS {
            break;
        }
        let other = other.to_string();
        if other != number && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

/// Writes a code as scans show it and as the setting `MILEPOST_CARRIER_CODES` names it.
///
/// 1. Non-empty parts are joined with slashes: `["transit", "WC"]` becomes `transit/WC`.
/// 2. Comma and equals sign become `_`, because they end the name of a code in the setting.
/// 3. The code is cut after [`MAX_CODE`] characters. It is [`NO_CODE`] if nothing is left.
pub(crate) fn build_code_name(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    let nameable = |c: char| if matches!(c, ',' | '=') { '_' } else { c };
    let code: String = parts.join("/").chars().take(MAX_CODE).map(nameable).collect();
    match code.trim() {
        "" => NO_CODE.to_owned(),
        display_code => display_code.to_owned(),
    }
}

/// The time of a scan with that code of the carrier. `text` is the time as sent, `time` the result of parsing it. For a
/// code whose times are known to be wrong ([`fedex::has_unreliable_time`]), only the local clock time in `text` is
/// used. This also applies if an aggregator reports the scan, because it passes on the carrier's time.
pub(crate) fn replace_unreliable_time(
    carrier: Carrier,
    code: &str,
    text: &str,
    time: CarrierTime,
) -> CarrierTime {
    let untimely = carrier == Carrier::FEDEX && fedex::has_unreliable_time(code);
    if untimely { time::parse_clock_only(text) } else { time }
}

/// What stands behind a scan with that code of the carrier. A label is data, whatever its code. Of the other codes,
/// those are electronic that the carrier's documents call so ([`fedex::is_electronic`]), however the merchant maps
/// them.
fn find_evidence(carrier: Carrier, code: &str, meaning: Meaning) -> Evidence {
    let is_electronic = carrier == Carrier::FEDEX && fedex::is_electronic(code);
    match meaning {
        Meaning::Status(ShipmentStatus::LabelCreated) => Evidence::Electronic,
        _ if is_electronic => Evidence::Electronic,
        Meaning::Status(_)
        | Meaning::Condition(_)
        | Meaning::ReturnCancelled
        | Meaning::Informational
        | Meaning::Unknown => Evidence::Physical,
    }
}

/// The description code for [`compute_identity`], for a scan whose meaning may depend on more than its code, usually on
/// its description. `alone` is the meaning of the code alone, `read` the meaning of everything that was sent; both are
/// our own meanings, before the merchant's [`crate::CodeMap`].
///
/// If the two differ, the name of `read` is appended. So two scans with one code and one time but different meanings
/// are two scans. A scan that is sent again with another description of the same meaning stays one scan.
pub(crate) fn build_identity_code(code: &str, alone: Meaning, read: Meaning) -> String {
    if alone == read { code.to_owned() } else { format!("{code}/{}", read.as_str()) }
}

/// Computes the identity of a scan: a SHA-256 hash over its parts.
///
/// - `parcel` is the carrier's own identity of the parcel, or else its tracking number.
/// - `time` is the carrier's time as sent, in as many parts as the carrier sends.
/// - Each part is hashed after its length, so that different parts cannot give the same bytes: `1Z`, `OT` is not
///   `1ZO`, `T`.
pub fn compute_identity(
    carrier: Carrier,
    parcel: &str,
    code: &str,
    description_code: &str,
    time: &[&str],
) -> ScanIdentity {
    let mut hash = Sha256::new();
    for part in [carrier.as_str(), parcel, code, description_code].iter().chain(time) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    ScanIdentity(hash.finalize().into())
}

#[cfg(test)]
mod tests;
