//! The meanings of DHL's event texts. Events of Express have a time, a place and a description, but no code.
//!
//! `dhl::unified`, `dhl::codes` and `dhl::americas` call `find_meaning`. It always returns a text that stands for the
//! code; for a description that is not listed, the meaning is `Unknown`.
//!
//! The list holds the texts of DHL's Express tracking as they are generally known; DHL publishes no list. A description
//! must match a listed text as a whole; only where the entry allows it, a place or a name may follow. A description
//! that merely contains listed words ("not delivered", "delivered to a service point") is unknown. A merchant can give
//! it a meaning.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

use crate::normalize::{normalize_text, strip_leading_words};

/// The description of an event, looked up in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EventText {
    /// Stands for the code: the listed text in capitals, without subject, verb and place. For a description that is
    /// not listed, all its words.
    pub(super) code: String,
    pub(super) meaning: Meaning,
}

/// The words that may follow a listed text.
#[derive(Clone, Copy)]
enum Rest {
    /// No words.
    None,
    /// A place, or a wish of the customer, but no word that changes the meaning ([`reverses_meaning`]).
    Name,
    /// The name of the person who signed. The first two words must not change the meaning ([`reverses_meaning`]),
    /// because then somebody other than the customer signed.
    Signature,
    /// Any words.
    Any,
}

/// Subjects and verbs that may stand before a listed text: "The shipment has been".
const SUBJECTS: [&str; 5] = ["the shipment", "your shipment", "shipment", "die sendung", "sendung"];
const VERBS: [&str; 8] = ["has been", "was", "is now", "is", "has", "ist", "wurde", "befindet sich"];

const LISTED: &[(&str, Rest, Meaning)] = &[
    ("information received", Rest::None, Status(LabelCreated)),
    // Picked up by the courier. If the customer picks it up, that is a delivery, so no words may follow.
    ("picked up", Rest::None, Status(PickedUp)),
    ("accepted", Rest::None, Status(PickedUp)),
    ("processed at", Rest::Name, Status(InTransit)),
    ("arrived at dhl sort facility", Rest::Name, Status(InTransit)),
    ("arrived at dhl delivery facility", Rest::Name, Status(InTransit)),
    ("arrived at sort facility", Rest::Name, Status(InTransit)),
    ("arrived at delivery facility", Rest::Name, Status(InTransit)),
    ("departed facility", Rest::Name, Status(InTransit)),
    ("departed from a dhl facility", Rest::Name, Status(InTransit)),
    ("transferred through", Rest::Name, Status(InTransit)),
    ("in transit", Rest::None, Status(InTransit)),
    ("in transit to destination", Rest::None, Status(InTransit)),
    ("scheduled for delivery", Rest::Name, Status(InTransit)),
    ("delivery arranged no details expected", Rest::None, Status(InTransit)),
    ("forwarded", Rest::None, Status(InTransit)),
    ("forwarded for delivery", Rest::Name, Status(InTransit)),
    ("forwarded to", Rest::Name, Status(InTransit)),
    ("clearance processing complete", Rest::Name, Status(InTransit)),
    ("processed for clearance", Rest::Name, Status(InTransit)),
    ("released by customs", Rest::Name, Status(InTransit)),
    ("given a release by customs", Rest::Name, Status(InTransit)),
    // It ends a hold for payment.
    ("payment is received and recorded", Rest::Any, Status(InTransit)),
    // About papers; also sent before the parcel is picked up.
    ("customs clearance status updated", Rest::Any, Informational),
    ("customs status updated", Rest::Any, Informational),
    ("clearance event", Rest::None, Informational),
    ("on hold", Rest::None, Condition(Held)),
    ("on hold awaiting", Rest::Any, Condition(Held)),
    ("on hold at", Rest::Name, Condition(Held)),
    ("held available upon receipt of payment", Rest::None, Condition(Held)),
    ("held at", Rest::Name, Condition(Held)),
    ("held in customs", Rest::Name, Condition(Held)),
    ("clearance delay", Rest::Name, Condition(Delayed)),
    ("customs clearance delay", Rest::Name, Condition(Delayed)),
    ("uncontrollable clearance delay", Rest::Name, Condition(Delayed)),
    ("transport delay", Rest::Name, Condition(Delayed)),
    ("delayed", Rest::Name, Condition(Delayed)),
    ("address information needed", Rest::Name, Condition(AddressIssue)),
    ("further consignee information needed", Rest::Name, Condition(AddressIssue)),
    ("further recipient information needed", Rest::Name, Condition(AddressIssue)),
    ("incorrect address", Rest::None, Condition(AddressIssue)),
    ("bad address", Rest::None, Condition(AddressIssue)),
    ("consignee moved", Rest::None, Condition(AddressIssue)),
    ("recipient moved", Rest::None, Condition(AddressIssue)),
    ("with delivery courier", Rest::None, Status(OutForDelivery)),
    ("out with courier for delivery", Rest::None, Status(OutForDelivery)),
    ("out for delivery", Rest::None, Status(OutForDelivery)),
    ("loaded onto the delivery vehicle", Rest::None, Status(OutForDelivery)),
    ("in zustellung", Rest::None, Status(OutForDelivery)),
    ("in das zustellfahrzeug geladen", Rest::None, Status(OutForDelivery)),
    ("awaiting collection by recipient", Rest::Name, Status(AvailableForPickup)),
    ("awaiting collection by the recipient", Rest::Name, Status(AvailableForPickup)),
    ("awaiting collection by consignee", Rest::Name, Status(AvailableForPickup)),
    ("awaiting collection by the consignee", Rest::Name, Status(AvailableForPickup)),
    ("ready for collection", Rest::Name, Status(AvailableForPickup)),
    ("available for collection", Rest::Name, Status(AvailableForPickup)),
    ("delivered signed for by", Rest::Signature, Status(Delivered)),
    // Delivered to the customer. There is no complete list of other receivers and of what a delivery to them means.
    ("delivered", Rest::None, Status(Delivered)),
    ("delivery attempted", Rest::None, Condition(DeliveryAttemptFailed)),
    ("delivery attempted recipient not home", Rest::None, Condition(DeliveryAttemptFailed)),
    ("delivery attempted consignee premises closed", Rest::None, Condition(DeliveryAttemptFailed)),
    ("delivery attempted recipient premises closed", Rest::None, Condition(DeliveryAttemptFailed)),
    ("delivery attempted but no response", Rest::Any, Condition(DeliveryAttemptFailed)),
    ("delivery attempt unsuccessful", Rest::None, Condition(DeliveryAttemptFailed)),
    ("delivery attempt could not be completed", Rest::Any, Condition(DeliveryAttemptFailed)),
    ("delivery could not be completed", Rest::Any, Condition(DeliveryAttemptFailed)),
    ("delivery not accepted", Rest::Any, Condition(DeliveryAttemptFailed)),
    ("recipient refused delivery", Rest::None, Condition(DeliveryAttemptFailed)),
    ("consignee refused delivery", Rest::None, Condition(DeliveryAttemptFailed)),
    ("recipient not home", Rest::None, Condition(DeliveryAttemptFailed)),
    ("consignee not available", Rest::None, Condition(DeliveryAttemptFailed)),
    ("damaged", Rest::None, Condition(Damaged)),
    ("lost", Rest::None, Condition(Lost)),
    ("being returned to shipper", Rest::None, Condition(Returning)),
    ("being returned to sender", Rest::None, Condition(Returning)),
    ("returned to shipper", Rest::None, Status(ReturnedToSender)),
    ("returned to sender", Rest::None, Status(ReturnedToSender)),
];

/// Looks up the description of an event.
pub(super) fn find_meaning(words: &str) -> EventText {
    let plain = normalize_text(words);
    let subject = SUBJECTS.into_iter().find_map(|subject| strip_leading_words(&plain, subject));
    let verb = subject.and_then(|said| VERBS.into_iter().find_map(|verb| strip_leading_words(said, verb)));
    // "Shipment information received" has a subject but no verb, "Delivered" has neither.
    let said = verb.or(subject).unwrap_or(&plain);
    let listed = LISTED.iter().find(|(event_text, rest, _)| {
        strip_leading_words(said, event_text).is_some_and(|behind| match rest {
            Rest::None => behind.is_empty(),
            Rest::Name => !behind.split(' ').any(reverses_meaning),
            Rest::Signature => !behind.split(' ').take(2).any(reverses_meaning),
            Rest::Any => true,
        })
    });
    match listed {
        Some((event_text, _, meaning)) => EventText { code: event_text.to_uppercase(), meaning: *meaning },
        None => EventText {
            code: words.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase(),
            meaning: Unknown,
        },
    }
}

/// Whether a word after a listed text may change its meaning. `no` is not among them, because it is the code of
/// Norway.
fn reverses_meaning(word: &str) -> bool {
    let others = ["sender", "shipper", "consignor", "neighbour", "neighbor", "collection", "locker"];
    ["not", "unable", "failed", "resolved", "released", "ended"].contains(&word)
        || word.starts_with("return")
        || others.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_wording_has_its_meaning() {
        let table = [
            (Status(LabelCreated), "Shipment information received"),
            (
                Status(PickedUp),
                "Shipment picked up|Picked up.|The shipment has been picked up|Shipment Accepted",
            ),
            (
                Status(InTransit),
                "Processed at KÖLN - GERMANY|Arrived at DHL Sort Facility LEIPZIG - GERMANY|\
                 Arrived at DHL Delivery Facility  LYON - FRANCE|Arrived at Sort Facility LEIPZIG|\
                 Arrived at Delivery Facility in LYON|Departed Facility in LEIPZIG - GERMANY|\
                 Shipment has departed from a DHL facility LEIPZIG - GERMANY|Transferred through LIEGE - BELGIUM|\
                 Shipment is in transit|Clearance processing complete at LYON - FRANCE|\
                 Processed for clearance at LYON - FRANCE|Arrived at DHL Sort Facility OSLO - NO|\
                 Shipment is in transit to destination|Shipment is scheduled for delivery|\
                 Forwarded for delivery|The shipment has been forwarded to a third party|\
                 Shipment has been given a release by Customs|\
                 Payment is received and recorded for shipment related fees",
            ),
            (
                Informational,
                "Customs clearance status updated|Customs status updated. Note; the parcel is not there yet|\
                 Clearance event",
            ),
            (
                Condition(Held),
                "Shipment is on hold|On Hold|Shipment held - Available upon receipt of payment|\
                 On hold awaiting for payment of shipment related fees",
            ),
            (
                Condition(Delayed),
                "Clearance delay|Customs clearance delay|Uncontrollable Clearance Delay|\
                 Clearance delay MILAN - ITALY|Shipment is delayed",
            ),
            (
                Condition(AddressIssue),
                "Address information needed; contact DHL|Further consignee information needed",
            ),
            (Condition(Damaged), "Shipment damaged"),
            (Condition(Returning), "The shipment is being returned to shipper"),
            (
                Status(OutForDelivery),
                "With delivery courier|Shipment is out with courier for delivery|Out for delivery|\
                 The shipment has been loaded onto the delivery vehicle|Die Sendung ist in Zustellung|\
                 Die Sendung befindet sich in Zustellung|In Zustellung|\
                 Die Sendung wurde in das Zustellfahrzeug geladen.",
            ),
            (
                Status(AvailableForPickup),
                "Awaiting collection by recipient|Awaiting collection by the recipient as requested",
            ),
            (
                Status(Delivered),
                "Delivered|DELIVERED.|Shipment delivered|The shipment has been delivered|\
                 Delivered - Signed for by : A. NOTTE|Delivered - Signed for by: MR. NO|\
                 Delivered - Signed for by : front desk of 5 Return Street",
            ),
            (
                Condition(DeliveryAttemptFailed),
                "Delivery attempted|Delivery attempted; recipient not home|\
                 Delivery attempted; consignee premises closed|Delivery attempt unsuccessful|\
                 Recipient refused delivery|Delivery attempt could not be completed|Delivery not accepted|\
                 Delivery attempted but no response at consignee address",
            ),
            (Status(ReturnedToSender), "Returned to shipper|The shipment has been returned to sender"),
        ];
        for (expected, words) in table {
            for words in words.split('|') {
                assert_eq!(find_meaning(words).meaning, expected, "{words}");
                assert_eq!(find_meaning(&words.to_uppercase()), find_meaning(words), "{words}");
            }
        }
    }

    #[test]
    fn what_only_sounds_like_a_wording_is_unknown() {
        for words in [
            "",
            "Not delivered",
            "Undelivered",
            "Shipment not delivered",
            "The shipment has not been delivered",
            "The shipment could not be delivered",
            "The shipment will be delivered tomorrow",
            "Delivered to neighbour service point",
            "Delivered to a neighbour",
            "Delivered to service point",
            "Delivered to the shipper",
            "Delivered - Signed for by : the shipper, returned",
            "Partially delivered",
            "Delivery",
            "Picked up by the recipient at the service point",
            "Shipment picked up by customer",
            "Not picked up",
            "Awaiting collection by courier",
            "Arrived at DHL ServicePoint",
            "Arrived at DHL Delivery Facility, ready for collection",
            "Arrived at sender",
            "Processed at LEIPZIG for return to shipper",
            "Not yet out for delivery",
            "Will be out for delivery",
            "Out for delivery tomorrow",
            "Out for delivery failed",
            "Shipment is not out with courier for delivery",
            "The shipment has not been loaded onto the delivery vehicle",
            "The shipment is to be loaded onto the delivery vehicle",
            "Die Sendung wird in das Zustellfahrzeug geladen",
            "Die Sendung wurde nicht in das Zustellfahrzeug geladen",
            "Delivery attempted successfully",
            "No longer on hold",
            "Shipment is not on hold",
            "On hold released",
            "Clearance delay resolved",
            "Forwarded to the shipper",
            "Not accepted",
            "Not damaged",
            "Not returned to sender",
            "Shipment",
            "The shipment has",
        ] {
            assert_eq!(find_meaning(words).meaning, Unknown, "{words}");
        }
    }

    #[test]
    fn the_wording_stands_for_a_code() {
        for (words, code) in [
            ("Shipment is out with courier for delivery", "OUT WITH COURIER FOR DELIVERY"),
            ("Arrived at DHL Sort Facility LEIPZIG - GERMANY", "ARRIVED AT DHL SORT FACILITY"),
            ("Delivered - Signed for by : A. NOTTE", "DELIVERED SIGNED FOR BY"),
            ("  Moved by  balloon, slowly ", "MOVED BY BALLOON, SLOWLY"),
            ("", ""),
        ] {
            assert_eq!(find_meaning(words).code, code);
        }
        let mut event_texts: Vec<_> =
            LISTED.iter().map(|(event_text, ..)| normalize_text(event_text)).collect();
        assert!(
            LISTED
                .iter()
                .zip(&event_texts)
                .all(|((event_text, ..), normalize_text)| event_text == normalize_text)
        );
        event_texts.sort();
        event_texts.dedup();
        assert_eq!(event_texts.len(), LISTED.len(), "each once");
    }
}
