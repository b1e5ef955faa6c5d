//! The meanings of AfterShip's tags. A subtag refines its tag (`InTransit_002`). AfterShip adds subtags without
//! announcing them; a new one has the meaning of its tag.
//!
//! Called by `aftership`. Letter case does not matter. A tag that is not listed is `Unknown`.

use domain::{
    ConditionKind::{AddressIssue, Damaged, Delayed, DeliveryAttemptFailed, Held, Lost, Other, Returned},
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

/// The meaning of a tag and its subtag. Without a tag, the first part of the subtag is the tag.
pub(super) fn find_meaning(tag: Option<&str>, subtag: Option<&str>) -> Meaning {
    let subtag = subtag.unwrap_or_default();
    let refined = match subtag.to_ascii_lowercase().as_str() {
        "intransit_002" => Some(Status(PickedUp)),
        // The older subtag for what has a tag of its own now.
        "outfordelivery_002" => Some(Status(AvailableForPickup)),
        // The customer moved; the address is incorrect.
        "exception_002" | "exception_007" => Some(Condition(AddressIssue)),
        // Refused; nobody collected it.
        "exception_003" | "exception_008" => Some(Condition(DeliveryAttemptFailed)),
        // Delayed: by customs, by something outside, by the carrier, by the weather.
        "exception_004" | "exception_005" | "exception_016" | "exception_017" => Some(Condition(Delayed)),
        // Held for a payment, for documents.
        "exception_006" | "exception_018" => Some(Condition(Held)),
        // On its way back; back.
        "exception_010" => Some(Status(ReturnedToSender)),
        "exception_011" => Some(Condition(Returned)),
        "exception_012" => Some(Condition(Damaged)),
        "exception_013" => Some(Condition(Lost)),
        _ => None,
    };
    refined
        .unwrap_or_else(|| find_meaning_of_tag(tag.or_else(|| subtag.split('_').next()).unwrap_or_default()))
}

fn find_meaning_of_tag(tag: &str) -> Meaning {
    match tag.to_ascii_lowercase().as_str() {
        "inforeceived" => Status(LabelCreated),
        "intransit" => Status(InTransit),
        // AfterShip's description adds "or ready to pickup", but there is a separate tag for that now.
        "outfordelivery" => Status(OutForDelivery),
        "availableforpickup" => Status(AvailableForPickup),
        "delivered" => Status(Delivered),
        "attemptfail" => Condition(DeliveryAttemptFailed),
        "exception" => Condition(Other),
        // No information yet, or none for 30 days. Listed, so it is not `Unknown`: nobody has to give it a meaning.
        "pending" | "expired" => Informational,
        _ => Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_tag_has_its_meaning_with_any_subtag_nobody_lists() {
        let table = [
            ("InfoReceived", Status(LabelCreated)),
            ("InTransit", Status(InTransit)),
            ("OutForDelivery", Status(OutForDelivery)),
            ("AvailableForPickup", Status(AvailableForPickup)),
            ("Delivered", Status(Delivered)),
            ("AttemptFail", Condition(DeliveryAttemptFailed)),
            ("Exception", Condition(Other)),
            ("Pending", Informational),
            ("Expired", Informational),
            ("Teleported", Unknown),
            ("", Unknown),
        ];
        for (tag, expected) in table {
            assert_eq!(find_meaning(Some(tag), None), expected, "{tag}");
            for number in ["001", "099", "x"] {
                let subtag = format!("{tag}_{number}");
                assert_eq!(find_meaning(Some(tag), Some(&subtag)), expected, "{subtag}");
                assert_eq!(find_meaning(None, Some(&subtag)), expected, "{subtag} without its tag");
                assert_eq!(find_meaning(Some(&tag.to_uppercase()), Some(&subtag.to_lowercase())), expected);
            }
        }
        assert_eq!(find_meaning(None, None), Unknown);
    }

    #[test]
    fn every_listed_subtag_refines_its_tag() {
        let table = [
            ("InTransit_001 InTransit_003", Status(InTransit)),
            ("InTransit_002", Status(PickedUp)),
            ("Delivered_001 Delivered_002 Delivered_003 Delivered_004 Delivered_005", Status(Delivered)),
            ("OutForDelivery_001 OutForDelivery_003", Status(OutForDelivery)),
            ("OutForDelivery_002", Status(AvailableForPickup)),
            ("Exception_003 Exception_008", Condition(DeliveryAttemptFailed)),
            ("Exception_002 Exception_007", Condition(AddressIssue)),
            ("Exception_004 Exception_005 Exception_016 Exception_017", Condition(Delayed)),
            ("Exception_006 Exception_018", Condition(Held)),
            ("Exception_010", Status(ReturnedToSender)),
            ("Exception_011", Condition(Returned)),
            ("Exception_012", Condition(Damaged)),
            ("Exception_013", Condition(Lost)),
            ("Exception_001 Exception_009 Exception_019", Condition(Other)),
        ];
        for (subtags, expected) in table {
            for subtag in subtags.split(' ') {
                let tag = subtag.split('_').next();
                assert_eq!(find_meaning(tag, Some(subtag)), expected, "{subtag}");
            }
        }
    }
}
