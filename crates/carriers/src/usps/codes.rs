//! The meanings of USPS's event codes, from Publication 199 as four collections list them. For pushes without codes,
//! also the meanings of the words in their current status.
//!
//! Called by `usps` for USPS's own pushes, and by `carrier_code` for aggregators (`find_meaning`). Unlisted codes and
//! words are `Unknown`.

use domain::{
    ConditionKind::{AddressIssue, Delayed, DeliveryAttemptFailed, Other, Returned},
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

use crate::normalize::{normalize_text, strip_leading_words};

/// The meaning of an `eventCode`, in capitals.
pub(crate) fn find_meaning(code: &str) -> Meaning {
    match code {
        // A label, a manifest; shipment received, acceptance pending.
        "MA" | "GX" | "TM" | "89" | "GC" | "83" => Status(LabelCreated),
        // Accepted: by a clerk, at the origin, at a facility, at the destination, passively.
        "03" | "OA" | "UA" | "AD" | "PA" => Status(PickedUp),
        // A shipping partner of USPS has the parcel.
        "80" => Status(PickedUp),
        "81" | "82" | "42" => Status(InTransit),
        "10" | "A1" | "T1" | "TL" | "SF" | "EF" | "PC" | "07" | "06" | "41" | "19" => Status(InTransit),
        "OF" => Status(OutForDelivery),
        "14" | "16" => Status(AvailableForPickup),
        // Delivered; collected by the customer, by an agent.
        "01" | "43" | "17" => Status(Delivered),
        // Notice left, no access, closed, blocked, full, no secure place, nobody there.
        "02" | "30" | "51" | "52" | "53" | "54" | "55" | "56" | "H0" => Condition(DeliveryAttemptFailed),
        // Refused. USPS lists it only as an exception. For every other carrier a refusal counts as a failed attempt,
        // so it does here.
        "04" => Condition(DeliveryAttemptFailed),
        // Undeliverable as addressed.
        "05" => Condition(AddressIssue),
        // Missent, mis-shipped, rescheduled.
        "08" | "15" | "71" => Condition(Delayed),
        // Dead letter, recalled: not lost, and not surely on its way back.
        "11" | "44" => Condition(Other),
        // Returned to sender, and the reasons for it.
        "09" | "21" | "22" | "23" | "24" | "25" | "26" | "27" | "28" | "29" | "31" => {
            Status(ReturnedToSender)
        }
        // No update, no useful information.
        "DX" | "NT" => Informational,
        _ => Unknown,
    }
}

/// The first words of a current status or of a type without a code. The lists of these words differ between sources.
const PHRASES: [(&str, Meaning); 13] = [
    ("pre shipment", Status(LabelCreated)),
    ("accepted", Status(PickedUp)),
    ("in transit", Status(InTransit)),
    ("out for delivery", Status(OutForDelivery)),
    ("available for pickup", Status(AvailableForPickup)),
    ("delivery attempt", Condition(DeliveryAttemptFailed)),
    ("delivery attempted", Condition(DeliveryAttemptFailed)),
    ("attempted delivery", Condition(DeliveryAttemptFailed)),
    // Handed over, but not to the customer.
    ("delivered to original sender", Condition(Returned)),
    ("delivered", Status(Delivered)),
    ("alert", Condition(Other)),
    ("return to sender", Status(ReturnedToSender)),
    ("returned to sender", Status(ReturnedToSender)),
];

/// The meaning of a `statusCategory` or an `eventType` in any spelling: `In-Transit`, `DELIVERED`, `Delivered, Front
/// Door`.
pub(super) fn find_meaning_of_words(words: &str) -> Meaning {
    let words = normalize_text(words);
    let begins = |(beginning, _): &&(&str, Meaning)| strip_leading_words(&words, beginning).is_some();
    PHRASES.iter().find(begins).map_or(Unknown, |(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_meaning() {
        let table = [
            (Status(LabelCreated), "MA GX TM 89 GC 83"),
            (Status(PickedUp), "03 OA UA AD PA 80"),
            (Status(InTransit), "81 82 42 10 A1 T1 TL SF EF PC 07 06 41 19"),
            (Status(OutForDelivery), "OF"),
            (Status(AvailableForPickup), "14 16"),
            (Status(Delivered), "01 43 17"),
            (Condition(DeliveryAttemptFailed), "02 04 30 51 52 53 54 55 56 H0"),
            (Condition(AddressIssue), "05"),
            (Condition(Delayed), "08 15 71"),
            (Condition(Other), "11 44"),
            (Status(ReturnedToSender), "09 21 22 23 24 25 26 27 28 29 31"),
            (Informational, "DX NT"),
            (Unknown, "ZZ 00 1 20 32 57 99 - DELIVERED"),
        ];
        for (expected, codes) in table {
            for code in codes.split(' ') {
                assert_eq!(find_meaning(code), expected, "{code}");
            }
        }
    }

    #[test]
    fn words_are_known_in_any_spelling_and_with_what_they_add() {
        let table = [
            (Status(LabelCreated), "Pre-Shipment|PRE_SHIPMENT|pre shipment"),
            (Status(PickedUp), "Accepted|ACCEPTED|Accepted at USPS Origin Facility"),
            (Status(InTransit), "In Transit|In-Transit|IN_TRANSIT|In Transit to Next Facility"),
            (Status(OutForDelivery), "Out for Delivery|OUT_FOR_DELIVERY|Out-for-Delivery, Expected Today"),
            (Status(AvailableForPickup), "Available for Pickup|AVAILABLE_FOR_PICKUP"),
            (Condition(DeliveryAttemptFailed), "Delivery Attempt|Delivery Attempted|ATTEMPTED-DELIVERY"),
            (Status(Delivered), "Delivered|delivered|Delivered, Front Door/Porch|DELIVERED, PO BOX"),
            (Status(ReturnedToSender), "Return to Sender|Returned to Sender"),
            (Condition(Returned), "Delivered, To Original Sender"),
            (Condition(Other), "Alert|ALERT"),
            (Unknown, "|-|Undelivered|Not Delivered|Deliverable|Alerted|Transit|éé"),
        ];
        for (expected, words) in table {
            for words in words.split('|') {
                assert_eq!(find_meaning_of_words(words), expected, "{words}");
            }
        }
    }
}
