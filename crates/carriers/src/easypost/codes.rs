//! The meanings of EasyPost's ten statuses, and of the details that say more than the status.
//!
//! Called by `easypost`. A status that is not listed is `Unknown`; a detail that is not listed leaves the meaning of
//! the status.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

/// The meaning of a status with its detail. Letter case does not matter.
pub(super) fn find_meaning(status: &str, detail: &str) -> Meaning {
    let (status, detail) = (status.to_ascii_lowercase(), detail.to_ascii_lowercase());
    match (status.as_str(), detail.as_str()) {
        // A parcel may have been delivered to its sender.
        ("delivered", "return") => Condition(Returned),
        // A final status, or one in which the parcel waits for the customer: the detail only says how it came about.
        ("delivered", _) => Status(Delivered),
        ("available_for_pickup", _) => Status(AvailableForPickup),
        ("return_to_sender", _) => Status(ReturnedToSender),
        ("cancelled", _) => Status(Cancelled),
        // The detail says less than the status.
        ("in_transit", "label_created") => Status(LabelCreated),
        ("pre_transit", detail) => find_meaning_of_detail(detail).unwrap_or(Status(LabelCreated)),
        ("in_transit", detail) => find_meaning_of_detail(detail).unwrap_or(Status(InTransit)),
        ("out_for_delivery", detail) => find_meaning_of_detail(detail).unwrap_or(Status(OutForDelivery)),
        ("failure", detail) => find_meaning_of_detail(detail).unwrap_or(Condition(Other)),
        // Listed, but without information. It is not `Unknown`, because nobody has to give it a meaning.
        ("unknown" | "error", detail) => find_meaning_of_detail(detail).unwrap_or(Informational),
        _ => Unknown,
    }
}

/// The details that say more than the status. The other published details are movements and updates, which the status
/// tells too. `arrived_at_facility` is one of them: it is sent for pickups too.
fn find_meaning_of_detail(detail: &str) -> Option<Meaning> {
    Some(match detail {
        "received_at_origin_facility" => Status(PickedUp),
        "arrived_at_pickup_location" => Status(AvailableForPickup),
        "return" => Status(ReturnedToSender),
        "refused" | "delivery_exception" => Condition(DeliveryAttemptFailed),
        "damaged" => Condition(Damaged),
        "lost" => Condition(Lost),
        "held" => Condition(Held),
        "delayed" | "weather_delay" | "missorted" => Condition(Delayed),
        "address_correction" => Condition(AddressIssue),
        "transit_exception" | "awaiting_information" | "expired" | "failure" => Condition(Other),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for (status, expected) in [
            ("unknown", Informational),
            ("error", Informational),
            ("pre_transit", Status(LabelCreated)),
            ("in_transit", Status(InTransit)),
            ("out_for_delivery", Status(OutForDelivery)),
            ("delivered", Status(Delivered)),
            ("available_for_pickup", Status(AvailableForPickup)),
            ("return_to_sender", Status(ReturnedToSender)),
            ("failure", Condition(Other)),
            ("cancelled", Status(Cancelled)),
            ("shipped", Unknown),
            ("", Unknown),
        ] {
            for detail in "status_update arrived_at_facility arrived_at_destination departed_facility \
                           departed_origin_facility in_transit out_for_delivery unknown cancelled \
                           received_at_destination_facility transferred_to_destination_carrier \
                           a_detail_of_tomorrow"
                .split_whitespace()
                .chain([""])
            {
                assert_eq!(find_meaning(status, detail), expected, "{status}/{detail}");
                assert_eq!(find_meaning(&status.to_uppercase(), detail), expected, "{status}/{detail}");
            }
        }
    }

    #[test]
    fn a_label_is_a_label_whatever_the_status() {
        assert_eq!(find_meaning("in_transit", "label_created"), Status(LabelCreated));
        assert_eq!(find_meaning("pre_transit", "label_created"), Status(LabelCreated));
    }

    #[test]
    fn every_listed_detail_says_more_than_the_status() {
        let table = [
            (Status(PickedUp), "received_at_origin_facility"),
            (Status(AvailableForPickup), "arrived_at_pickup_location"),
            (Status(ReturnedToSender), "return"),
            (Condition(DeliveryAttemptFailed), "refused delivery_exception"),
            (Condition(Damaged), "damaged"),
            (Condition(Lost), "lost"),
            (Condition(Held), "held"),
            (Condition(Delayed), "delayed weather_delay missorted"),
            (Condition(AddressIssue), "address_correction"),
            (Condition(Other), "transit_exception awaiting_information expired failure"),
        ];
        for (expected, details) in table {
            for detail in details.split(' ') {
                for status in ["pre_transit", "in_transit", "out_for_delivery", "failure", "unknown", "error"]
                {
                    assert_eq!(find_meaning(status, detail), expected, "{status}/{detail}");
                    assert_eq!(find_meaning(status, &detail.to_uppercase()), expected, "{status}/{detail}");
                }
                assert_eq!(find_meaning("shipped", detail), Unknown, "{detail}");
                for (status, kept) in [
                    ("available_for_pickup", AvailableForPickup),
                    ("return_to_sender", ReturnedToSender),
                    ("cancelled", Cancelled),
                ] {
                    assert_eq!(find_meaning(status, detail), Status(kept), "{status}/{detail}");
                }
                let delivered = if detail == "return" { Condition(Returned) } else { Status(Delivered) };
                assert_eq!(find_meaning("delivered", detail), delivered, "{detail}");
            }
        }
    }
}
