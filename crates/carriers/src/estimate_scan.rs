//! The scan of a push that has an estimate of the delivery and no scan. The senders' modules call it.

use domain::{Carrier, CarrierTime, ExpectedDelivery, Meaning};

use crate::{parcel::ParsedScan, scan_identity::compute_identity};

/// The code of the scan. The merchant's meanings do not apply to it.
const CODE: &str = "estimate";

/// Returns the scans. If there are none and something is expected, returns one informational scan, which carries the
/// estimate. `parcel` is the carrier's identity of the parcel. A parcel has one such scan, however often it is sent.
pub(crate) fn or_estimate_scan(
    mut scans: Vec<ParsedScan>,
    expected: Option<ExpectedDelivery>,
    carrier: Carrier,
    parcel: &str,
) -> Vec<ParsedScan> {
    if scans.is_empty() && expected.is_some() {
        scans.push(ParsedScan {
            identity: compute_identity(carrier, parcel, CODE, "", &[]),
            code: CODE.to_owned(),
            meaning: Meaning::Informational,
            description: None,
            location: None,
            time: CarrierTime::Untrusted,
        });
    }
    scans
}
