//! What FedEx's event codes mean. The list is FedEx's "Tracking Status Codes"; `AE` and `RL` are missing there
//! and were seen in real answers of its Track API.

use domain::{
    ConditionKind::{Delayed, DeliveryAttemptFailed, Other},
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

/// The meaning of an `eventType`. Not of a `derivedStatusCode`: that one says `IT` beside an `OD` scan.
pub(super) fn meaning(code: &str) -> Meaning {
    match code.to_ascii_uppercase().as_str() {
        // Order created: agreed to count as shipped. A merchant may re-map it to label_created.
        "OC" => Status(InTransit),
        // Sent to USPS; enroute to pickup, vehicle dispatched, furnished and not used, at pickup.
        "OX" | "EP" | "DS" | "DR" | "AP" => Status(LabelCreated),
        "PU" | "PX" | "OF" => Status(PickedUp),
        // On the way, then arrivals and facilities, departures and flights.
        "IT" | "IX" | "OW" => Status(InTransit),
        "AR" | "AF" | "AA" | "AC" | "AX" | "FD" | "SF" => Status(InTransit),
        "DP" | "LO" | "EO" | "PF" | "PL" | "TR" | "PM" => Status(InTransit),
        // `EA` is "enroute to airport" and "export approved"; `CC` and `CP` are customs.
        "EA" | "CC" | "CP" => Status(InTransit),
        // Ready for pickup by its text, but seen in mid-transit before further arrivals.
        "HP" => Status(InTransit),
        "OD" | "ED" | "AD" => Status(OutForDelivery),
        "HL" => Status(AvailableForPickup),
        "DL" => Status(Delivered),
        // Return to shipper: that it goes back. That it counts as the return itself is uncertain; FedEx has no code for
        // the end of one.
        "RS" => Status(ReturnedToSender),
        "CA" => Status(Cancelled),
        "DE" => Condition(DeliveryAttemptFailed),
        // Pickup, clearance, delay, delivery delay, running late.
        "PD" | "CD" | "DY" | "DD" | "RL" => Condition(Delayed),
        "SE" => Condition(Other),
        // Arriving on time or early, changed location, delivery options, split status.
        "AO" | "AE" | "CH" | "RR" | "RM" | "RC" | "SP" => Informational,
        // A link to a return label: e-mailed, cancelled, expiring, expired. Not about this parcel.
        "RP" | "LP" | "RG" | "RD" => Informational,
        _ => Unknown,
    }
}

/// Whether the time beside a code is not to be trusted. Pickups were seen stamped hours after the delivery attempts of
/// the same day, and a consumer of FedEx's histories leaves them out for their times: believed, one would clear a failed
/// attempt. So the parcel counts as picked up, and when is told by its other scans, or by when we first heard of it. The
/// day is right enough to tell a pickup from before the order, or one after the delivery, from ours.
pub(crate) fn is_untimely(code: &str) -> bool {
    ["PU", "PX"].iter().any(|pickup| code.eq_ignore_ascii_case(pickup))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_meaning() {
        let table = [
            (Status(LabelCreated), "OX EP DS DR AP"),
            (Status(PickedUp), "PU PX OF"),
            (Status(InTransit), "OC IT IX Ow AR AF AA AC AX FD SF DP LO EO PF PL TR PM EA CC CP HP"),
            (Status(OutForDelivery), "OD ED AD"),
            (Status(AvailableForPickup), "HL"),
            (Status(Delivered), "DL"),
            (Status(ReturnedToSender), "RS"),
            (Status(Cancelled), "CA"),
            (Condition(DeliveryAttemptFailed), "DE"),
            (Condition(Delayed), "PD CD DY DD RL"),
            (Condition(Other), "SE"),
            (Informational, "AO AE CH RR RM RC SP RP LP RG RD"),
            // Listed by others, not by FedEx.
            (Unknown, "MD HA PY RT ZZ - 7"),
        ];
        for (expected, codes) in table {
            for code in codes.split(' ') {
                assert_eq!(meaning(code), expected, "{code}");
            }
        }
    }
}
