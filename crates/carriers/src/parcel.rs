//! The common result of parsing a webhook: parcels, and the scans of each parcel.
//!
//! Each sender's module parses its own format into these types. `app` then routes a [`Parcel`] to a shipment and
//! folds its scans.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{
    Carrier, CarrierTime, DeliveryEstimate, EstimateSource, ExpectedDelivery, MAX_AHEAD, Meaning, Scan,
    ScanIdentity, TrackingNumber,
    text::{is_unsafe, single_line},
};

use crate::{code_trust::find_evidence, unreadable::Unread};

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
    /// The tracking number, with the carrier that transports the parcel. Scans are routed by it.
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
    pub estimated_delivery: Option<ExpectedDelivery>,
    /// When the sender sent this push, if the push has a time of its own.
    pub pushed_at: Option<DateTime<Utc>>,
}

impl Parcel {
    /// Converts to the scans that the fold uses. `arrival` is when the webhook was received: it replaces every time
    /// that cannot be trusted. The newest scan carries the delivery estimate.
    pub fn into_scans(self, arrival: DateTime<Utc>) -> Vec<Scan> {
        let (carrier, package) = (self.tracking_number.carrier(), self.package);
        let scans = self
            .scans
            .into_iter()
            .map(|scan| Scan { package: package.clone(), ..scan.into_scan(carrier, arrival) });
        let mut scans: Vec<Scan> = scans.collect();
        // Oldest first. Scans without a zone all count with the arrival, so where they are stored in this sequence and
        // shown newest first, the sequence of the body makes no difference.
        scans.sort_by_key(|scan| (scan.clock(), scan.identity));
        let trusted_first = |scan: &&mut Scan| (!scan.time_estimated, scan.clock(), scan.identity);
        if let Some(expected) = self.estimated_delivery
            && let Some(newest) = scans.iter_mut().max_by_key(trusted_first)
        {
            // Some pushes have no time of their own (FedEx, UPS, DHL), or one that is too far in the future. Their
            // estimate counts as said when it arrived: the time of a scan would let an estimate that moves without a
            // new scan stay what it was.
            let push_time = self.pushed_at.filter(|at| *at <= arrival + MAX_AHEAD);
            newest.estimate = Some(DeliveryEstimate {
                said_at: push_time.unwrap_or(arrival),
                received_at: arrival,
                expected,
                source: EstimateSource::Carrier,
            });
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
    /// The hash that tells this scan apart from every other scan. See [`crate::compute_identity`].
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

#[cfg(test)]
mod tests;
