//! The meanings of Shippo's six statuses, and of the substatuses that say more than the status.
//!
//! Called by `shippo`. A status that is not listed is `Unknown`; for a substatus that is not listed, the status
//! decides.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

/// The meaning of a status with its substatus. Letter case does not matter. A substatus that is not listed is a
/// condition if somebody has to act on it. A parcel that was delivered or returned stays so.
pub(super) fn find_meaning(status: &str, substatus: &str, action_required: bool) -> Meaning {
    let (status, substatus) = (status.to_ascii_uppercase(), substatus.to_ascii_lowercase());
    if let Some(listed) = find_listed_meaning(&status, &substatus) {
        return listed;
    }
    match status.as_str() {
        "DELIVERED" => Status(Delivered),
        "RETURNED" => Status(ReturnedToSender),
        "PRE_TRANSIT" | "TRANSIT" | "FAILURE" | "UNKNOWN" if action_required => Condition(Other),
        "PRE_TRANSIT" => Status(LabelCreated),
        "TRANSIT" => Status(InTransit),
        "FAILURE" => Condition(Other),
        // Listed, but without information. It is not `Unknown`, because nobody has to give it a meaning.
        "UNKNOWN" => Informational,
        _ => Unknown,
    }
}

fn find_listed_meaning(status: &str, substatus: &str) -> Option<Meaning> {
    Some(match (status, substatus) {
        ("PRE_TRANSIT", "information_received") => Status(LabelCreated),
        ("TRANSIT", "package_accepted") => Status(PickedUp),
        ("TRANSIT", "out_for_delivery") => Status(OutForDelivery),
        ("TRANSIT", "pickup_available") => Status(AvailableForPickup),
        (
            "TRANSIT",
            "package_arrived"
            | "package_departed"
            | "package_processed"
            | "package_processing"
            | "package_forwarded"
            | "delivery_scheduled"
            | "delivery_rescheduled",
        ) => Status(InTransit),
        (
            "TRANSIT",
            "delivery_attempted" | "notice_left" | "location_inaccessible" | "reschedule_delivery",
        ) => Condition(DeliveryAttemptFailed),
        ("TRANSIT", "address_issue") => Condition(AddressIssue),
        ("TRANSIT", "contact_carrier") => Condition(Other),
        ("TRANSIT", "delayed") => Condition(Delayed),
        ("TRANSIT", "package_damaged") => Condition(Damaged),
        ("TRANSIT", "package_held") => Condition(Held),
        ("DELIVERED", "delivered") => Status(Delivered),
        ("RETURNED", "return_to_sender") => Status(ReturnedToSender),
        // Nobody collected the parcel: a failed attempt, not the end of a return.
        ("RETURNED", "package_unclaimed") => Condition(DeliveryAttemptFailed),
        ("FAILURE", "package_undeliverable" | "package_disposed") => Condition(Other),
        ("FAILURE", "package_lost") => Condition(Lost),
        ("UNKNOWN", "other") => Informational,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_substatus_has_its_meaning_whoever_has_to_act() {
        let table = [
            (Status(LabelCreated), "PRE_TRANSIT", "information_received"),
            (Status(PickedUp), "TRANSIT", "package_accepted"),
            (Status(OutForDelivery), "TRANSIT", "out_for_delivery"),
            (Status(AvailableForPickup), "TRANSIT", "pickup_available"),
            (
                Condition(DeliveryAttemptFailed),
                "TRANSIT",
                "delivery_attempted notice_left location_inaccessible reschedule_delivery",
            ),
            (Condition(AddressIssue), "TRANSIT", "address_issue"),
            (Condition(Other), "TRANSIT", "contact_carrier"),
            (Condition(Delayed), "TRANSIT", "delayed"),
            (Condition(Damaged), "TRANSIT", "package_damaged"),
            (Condition(Held), "TRANSIT", "package_held"),
            (
                Status(InTransit),
                "TRANSIT",
                "package_arrived package_departed package_processed package_processing package_forwarded \
                 delivery_scheduled delivery_rescheduled",
            ),
            (Status(Delivered), "DELIVERED", "delivered"),
            (Status(ReturnedToSender), "RETURNED", "return_to_sender"),
            (Condition(DeliveryAttemptFailed), "RETURNED", "package_unclaimed"),
            (Condition(Other), "FAILURE", "package_undeliverable package_disposed"),
            (Condition(Lost), "FAILURE", "package_lost"),
            (Informational, "UNKNOWN", "other"),
        ];
        for (expected, status, substatuses) in table {
            for substatus in substatuses.split_whitespace() {
                for required in [false, true] {
                    assert_eq!(find_meaning(status, substatus, required), expected, "{status}/{substatus}");
                    let (status, substatus) = (status.to_lowercase(), substatus.to_uppercase());
                    assert_eq!(find_meaning(&status, &substatus, required), expected, "{status}/{substatus}");
                }
            }
        }
    }

    #[test]
    fn an_unlisted_substatus_means_its_status_unless_somebody_has_to_act() {
        for (status, alone, to_act) in [
            ("PRE_TRANSIT", Status(LabelCreated), Condition(Other)),
            ("TRANSIT", Status(InTransit), Condition(Other)),
            ("DELIVERED", Status(Delivered), Status(Delivered)),
            ("RETURNED", Status(ReturnedToSender), Status(ReturnedToSender)),
            ("FAILURE", Condition(Other), Condition(Other)),
            ("UNKNOWN", Informational, Condition(Other)),
            ("LOST", Unknown, Unknown),
            ("", Unknown, Unknown),
        ] {
            for substatus in ["", "a_substatus_of_tomorrow", "rerouted"] {
                assert_eq!(find_meaning(status, substatus, false), alone, "{status}/{substatus}");
                assert_eq!(find_meaning(status, substatus, true), to_act, "{status}/{substatus}");
            }
        }
    }
}
