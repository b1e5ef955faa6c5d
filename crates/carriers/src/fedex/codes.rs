//! The meanings of FedEx's event codes. The list is FedEx's "Tracking Status Codes". `AE`, `IP` and `RL` are not in it,
//! but were seen in real answers of its Track API.
//!
//! Called by `fedex` for FedEx's own pushes, by `carrier_code` for aggregators (`find_meaning`), and by `parcel` for
//! scans of both (`is_electronic`, `has_unreliable_time`). Letter case does not matter. A code that is not listed is
//! `Unknown`.

use domain::{
    ConditionKind::{Delayed, DeliveryAttemptFailed, Other},
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

/// The meaning of an `eventType`. Not for a `derivedStatusCode`, which says `IT` beside an `OD` scan.
pub(crate) fn find_meaning(code: &str) -> Meaning {
    match code.to_ascii_uppercase().as_str() {
        // Order created. It counts as shipped by agreement. A merchant can map it to label_created.
        "OC" => Status(InTransit),
        // Sent to USPS; enroute to pickup, vehicle dispatched, furnished and not used, at pickup.
        "OX" | "EP" | "DS" | "DR" | "AP" => Status(LabelCreated),
        "PU" | "PX" | "OF" => Status(PickedUp),
        // In FedEx possession: it was handed in, for example after the last pickup of the day.
        "IP" => Status(PickedUp),
        // On the way, then arrivals and facilities, departures and flights.
        "IT" | "IX" | "OW" => Status(InTransit),
        "AR" | "AF" | "AA" | "AC" | "AX" | "FD" | "SF" => Status(InTransit),
        "DP" | "LO" | "EO" | "PF" | "PL" | "TR" | "PM" => Status(InTransit),
        // `EA` is "enroute to airport" and "export approved"; `CC` and `CP` are customs.
        "EA" | "CC" | "CP" => Status(InTransit),
        "OD" | "ED" | "AD" => Status(OutForDelivery),
        // Held at a location; ready for the recipient's pickup. A parcel that nobody collects moves on after `HP`.
        "HL" | "HP" => Status(AvailableForPickup),
        "DL" => Status(Delivered),
        // Return to shipper: the parcel goes back. It is uncertain whether this code should count as the return
        // itself. FedEx has no code for the end of a return.
        "RS" => Status(ReturnedToSender),
        "CA" => Status(Cancelled),
        "DE" => Condition(DeliveryAttemptFailed),
        // Pickup, clearance, delay, delivery delay, running late.
        "PD" | "CD" | "DY" | "DD" | "RL" => Condition(Delayed),
        "SE" => Condition(Other),
        // Arriving on time or early, changed location, delivery options, split status.
        "AO" | "AE" | "CH" | "RR" | "RM" | "RC" | "SP" => Informational,
        // About a return label, not about this parcel: e-mailed, cancelled, expiring, expired.
        "RP" | "LP" | "RG" | "RD" => Informational,
        _ => Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_meaning() {
        let table = [
            (Status(LabelCreated), "OX EP DS DR AP"),
            (Status(PickedUp), "PU PX OF IP"),
            (Status(InTransit), "OC IT IX Ow AR AF AA AC AX FD SF DP LO EO PF PL TR PM EA CC CP"),
            (Status(OutForDelivery), "OD ED AD"),
            (Status(AvailableForPickup), "HL HP"),
            (Status(Delivered), "DL"),
            (Status(ReturnedToSender), "RS"),
            (Status(Cancelled), "CA"),
            (Condition(DeliveryAttemptFailed), "DE"),
            (Condition(Delayed), "PD CD DY DD RL"),
            (Condition(Other), "SE"),
            (Informational, "AO AE CH RR RM RC SP RP LP RG RD"),
            // Listed by others, but not by FedEx.
            (Unknown, "MD HA PY RT ZZ - 7"),
        ];
        for (expected, codes) in table {
            for code in codes.split(' ') {
                assert_eq!(find_meaning(code), expected, "{code}");
            }
        }
    }
}
