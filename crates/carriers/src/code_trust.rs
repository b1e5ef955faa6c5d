//! How far a scan with a carrier's own code is to be trusted: its time, and whether the carrier has the parcel. It is
//! known of FedEx's codes only. It applies whoever reports the scan, because aggregators pass on the carrier's code.

use domain::{Carrier, CarrierTime, Evidence, Meaning, ShipmentStatus};

use crate::time;

/// The time of a scan with that code of the carrier. `text` is the time as sent, `time` the result of parsing it. For a
/// code whose times are known to be wrong ([`has_unreliable_time`]), only the local clock time in `text` is
/// used. This also applies if an aggregator reports the scan, because it passes on the carrier's time.
pub(crate) fn replace_unreliable_time(
    carrier: Carrier,
    code: &str,
    text: &str,
    time: CarrierTime,
) -> CarrierTime {
    let untimely = carrier == Carrier::FEDEX && has_unreliable_time(code);
    if untimely { time::parse_clock_only(text) } else { time }
}

/// What stands behind a scan with that code of the carrier. A label is data, whatever its code. Of the other codes,
/// those are electronic that the carrier's documents call so ([`is_electronic`]), however the merchant maps
/// them.
pub(crate) fn find_evidence(carrier: Carrier, code: &str, meaning: Meaning) -> Evidence {
    let is_electronic = carrier == Carrier::FEDEX && is_electronic(code);
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

/// Whether FedEx sends the code for data about a shipment, before it has the parcel: `OC` is "order created", "shipment
/// information sent to FedEx".
fn is_electronic(code: &str) -> bool {
    code.eq_ignore_ascii_case("OC")
}

/// Whether the times that FedEx sends with this code are unreliable.
///
/// Pickups were seen with times hours after the delivery attempts of the same day, and a consumer of FedEx's
/// histories leaves pickups out for this reason. With such a time, the pickup would end a failed attempt that really
/// came later.
///
/// So a pickup counts for the status, but its time counts only as a local clock time. When the parcel was picked up
/// is known from its other scans, or else from the arrival of the first webhook. The day is reliable enough to
/// recognize a pickup before the order or after the delivery, which is not of this parcel.
fn has_unreliable_time(code: &str) -> bool {
    ["PU", "PX"].iter().any(|pickup| code.eq_ignore_ascii_case(pickup))
}
