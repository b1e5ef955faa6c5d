//! The meanings of event names: `OUT_FOR_DELIVERY`, as DHL eCommerce sends them in `status` (services `parcel-nl` and
//! its neighbours).
//!
//! `dhl::unified` tells names from other texts with `is_event_name` and `is_short_capital_word`. `dhl::codes` calls
//! `find_meaning`.
//!
//! 1. A name is the words with `_` between them.
//! 2. A name that is not listed is not judged by words that it merely contains, except that it tells a return.
//! 3. A delivery is not listed: DHL's status code has to say it. So a name cannot make a delivery of a transit.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};

use crate::normalize::normalize_text;

/// The longest event name, in bytes.
const MAX_NAME: usize = 80;

const LISTED: &[(Meaning, &[&str])] = &[
    (
        Status(LabelCreated),
        &[
            "prenotification received",
            "data received",
            "data received with prefix label",
            "leg",
            "leg created",
        ],
    ),
    (
        Status(PickedUp),
        &[
            "shipment acceptance",
            "shipment acceptance parcelshop",
            "parcel picked up at parcelshop",
            "picked up",
        ],
    ),
    (
        Status(OutForDelivery),
        &["out for delivery", "shipment out for delivery", "in delivery", "load vehicle"],
    ),
    (
        Status(AvailableForPickup),
        &[
            "available for pickup",
            "awaiting receiver collection",
            "closed awaiting collection",
            "delivered at accesspoint",
            "delivered at parcelshop",
            "delivered at parcelstation",
            "delivered at servicepoint",
            "notification for accesspoint collection has been sent",
            "notification for parcelshop collection has been sent",
            "notification for parcelstation collection has been sent",
            "on hold for collection",
            "parcel found at parcelshop",
            "parcel held for collection at local depot",
            "ready for collection",
            "ready for pickup",
            "reminder for collection sent email",
            "reminder for collection sent letter",
            "reminder for collection sent sms",
        ],
    ),
    (
        Condition(Returned),
        &[
            "delivered at shipper",
            "postprocess delivered at shipper",
            "return delivered at shipper calculated",
        ],
    ),
    (Status(ReturnedToSender), &["returned to sender", "returned to shipper"]),
    (
        Condition(Returning),
        &[
            "on route to shipper",
            "parcel already returned",
            "parcel scanned at return hub",
            "parcel scanned for return to hub",
            "returned not collected",
            "storage period ended at accesspoint",
            "storage period ended at parcelshop",
            "storage period ended at parcelstation",
        ],
    ),
    (
        Condition(DeliveryAttemptFailed),
        &[
            "closed",
            "delivery attempt failed",
            "delivery attempted",
            "delivery failed",
            "no money",
            "nobody home",
            "not delivered",
            "not home",
            "parcelstation delivery unsuccesfull",
            "parcelstation delivery unsuccessful",
            "receiver closed",
            "receiver not home",
            "refused",
            "refused at parcelshop",
            "refused by receiver",
            "refused damaged",
            "refused not collected",
        ],
    ),
    (
        Condition(AddressIssue),
        &[
            "address incorrect",
            "address unknown",
            "delivery data incorrect",
            "incorrect address",
            "po box",
            "postal code incorrect",
            "receiver moved",
            "receiver unknown",
            "wrong address",
        ],
    ),
    (
        Condition(Delayed),
        &["delayed", "misrouted", "missorted", "parcel missorted", "shipment delayed", "transport delay"],
    ),
    (Condition(Held), &["customs hold", "held at customs", "on hold", "shipment on hold"]),
    (Condition(Damaged), &["damaged", "destroyed", "parcel damaged", "shipment damaged"]),
    (Condition(Lost), &["lost", "parcel lost", "shipment lost"]),
    (Status(Cancelled), &["shipment cancelled"]),
];

/// Whether a text is an event name: one word of letters and digits with `_` in it.
pub(super) fn is_event_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
    text.len() <= MAX_NAME && text.contains('_') && text.bytes().all(plain)
}

/// Whether a text is one word in capitals. Beside a status code, that is an event name too: `DELIVERED`.
pub(super) fn is_short_capital_word(text: &str) -> bool {
    (2..=MAX_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The meaning of an event name. `None` if it is not listed.
pub(super) fn find_meaning(name: &str) -> Option<Meaning> {
    let words = normalize_text(name);
    let listed = LISTED.iter().find(|(_, names)| names.contains(&words.as_str()));
    let goes_back = words.ends_with(" return") || words.ends_with(" return to shipper");
    listed.map(|(meaning, _)| *meaning).or(goes_back.then_some(Condition(Returning)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_words() {
        for name in ["OUT_FOR_DELIVERY", "out_for_delivery", "DATE/TIME_CHANGED"] {
            assert!(is_event_name(name), "{name}");
        }
        for words in ["Out for delivery", "DELIVERED", "WC", "", "a_b c", "é_b"] {
            assert!(!is_event_name(words), "{words}");
        }
        assert!(
            is_short_capital_word("DELIVERED")
                && !is_short_capital_word("Delivered")
                && !is_short_capital_word("NOT HOME")
        );
    }

    #[test]
    fn listed_names_have_their_meaning() {
        for (expected, names) in [
            (Some(Status(OutForDelivery)), "OUT_FOR_DELIVERY out_for_delivery SHIPMENT_OUT_FOR_DELIVERY"),
            (Some(Status(AvailableForPickup)), "DELIVERED_AT_PARCELSHOP AWAITING_RECEIVER_COLLECTION"),
            (Some(Status(LabelCreated)), "PRENOTIFICATION_RECEIVED DATA_RECEIVED_WITH_PREFIX_LABEL"),
            (Some(Status(PickedUp)), "SHIPMENT_ACCEPTANCE_PARCELSHOP"),
            (Some(Condition(DeliveryAttemptFailed)), "NOT_HOME REFUSED_BY_RECEIVER NO_MONEY"),
            (Some(Condition(AddressIssue)), "ADDRESS_UNKNOWN POSTAL_CODE_INCORRECT"),
            (Some(Condition(Delayed)), "TRANSPORT_DELAY"),
            (Some(Condition(Returning)), "ON_ROUTE_TO_SHIPPER DAMAGE_RETURN NOT_HOME_RETURN_TO_SHIPPER"),
            (Some(Status(ReturnedToSender)), "RETURNED_TO_SHIPPER"),
            (Some(Condition(Returned)), "DELIVERED_AT_SHIPPER"),
            (
                None,
                "SIGNATURE_RECORDED PARCEL_SORTED_AT_HUB DELIVERED DELIVERED_AT_NEIGHBOURS NEW_DELIVERY_ATTEMPT",
            ),
            // It comes back to the depot, and goes out again.
            (None, "PARCEL_RETURNED_FROM_ROUTE PARCEL_READY_FOR_RETURN_TO_HUB WILL_BE_OUT_FOR_DELIVERY"),
        ] {
            for name in names.split(' ') {
                assert_eq!(find_meaning(name), expected, "{name}");
            }
        }
    }
}
