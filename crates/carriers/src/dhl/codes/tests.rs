//! The expected meanings of all listed codes, written by hand and compared with the code.

use super::*;

fn of(status: &str, event: &str, words: &str) -> Meaning {
    find_meaning(Code { status, event, express: true }, [words, ""])
}

#[test]
fn every_listed_event_code_has_its_meaning_whatever_the_status() {
    let table = [
        (Status(PickedUp), "PU PCKDU SHRCU"),
        (Status(InTransit), "PL PO DF AF AR IT TR CR IC RR SRTED ULFMV LDTMV"),
        (Status(OutForDelivery), "WC"),
        (Status(AvailableForPickup), "CC"),
        (Status(Delivered), "OK DLVRD"),
        (Status(ReturnedToSender), "RT"),
        (Informational, "RW"),
        (Condition(DeliveryAttemptFailed), "NH CA RD NDELV"),
        (Condition(Held), "HP OH"),
        (Condition(Delayed), "CD UD TD MD"),
        (Condition(AddressIssue), "BA CM"),
        (Condition(Damaged), "DS"),
        (Condition(Other), "IR MS SS ST"),
    ];
    for (expected, events) in table {
        for event in events.split(' ') {
            for status in ["transit", "failure", "delivered", "unknown", ""] {
                assert_eq!(of(status, event, ""), expected, "{status}/{event}");
                assert_eq!(of(status, &event.to_lowercase(), "returned to sender"), expected, "{event}");
            }
        }
    }
}

#[test]
fn codes_of_express_are_believed_of_express_alone() {
    let other = |event| find_meaning(Code { status: "transit", event, express: false }, ["", ""]);
    assert_eq!(other("OK"), Status(InTransit));
    assert_eq!(other("DLVRD"), Status(Delivered));
    // Groups of Parcel DE.
    assert_eq!(other("ES"), Status(PickedUp));
    assert_eq!(other("ZN"), Condition(DeliveryAttemptFailed));
    assert_eq!(of("transit", "ES", ""), Status(InTransit));
}

#[test]
fn every_status_code_has_its_meaning() {
    for (status, expected) in [
        ("pre-transit", Status(LabelCreated)),
        ("transit", Status(InTransit)),
        ("delivered", Status(Delivered)),
        ("failure", Condition(Other)),
        ("unknown", Informational),
        ("", Unknown),
        ("returned", Unknown),
        ("customs", Unknown),
    ] {
        for event in ["", "ZZ", "A1"] {
            assert_eq!(of(status, event, "Something happened"), expected, "{status}/{event}");
            assert_eq!(of(&status.to_uppercase(), event, ""), expected, "{status}/{event}");
        }
    }
}

#[test]
fn words_tell_what_the_status_code_does_not() {
    for words in [
        "Out for delivery",
        "The shipment is OUT FOR DELIVERY.",
        "With delivery courier",
        "Die Sendung ist in Zustellung",
        "Shipment is out with courier for delivery",
        "The shipment has been loaded onto the delivery vehicle",
        "Loaded onto the delivery vehicle",
        "In Zustellung. Die Sendung wurde in das Zustellfahrzeug geladen.",
    ] {
        assert_eq!(of("transit", "", words), Status(OutForDelivery), "{words}");
        assert_eq!(of("pre-transit", "", words), Status(LabelCreated), "{words}");
        assert_eq!(of("unknown", "", words), Informational, "{words}");
    }
    for words in [
        "The shipment will be out for delivery tomorrow",
        "Not yet out for delivery",
        "Noch nicht in Zustellung",
        "Not out with courier for delivery",
        "The shipment has not been loaded onto the delivery vehicle",
        "The shipment has not yet been loaded onto the delivery vehicle",
        "The shipment hasn't been loaded onto the delivery vehicle",
        "Shipment was never out for delivery",
        "Die Sendung ist nicht in Zustellung",
        "The shipment will be loaded onto the delivery vehicle",
        "It is being loaded onto the delivery vehicle",
        "Missed out for delivery window",
        "Die Sendung wird in das Zustellfahrzeug geladen.",
        "Die Sendung wurde nicht in das Zustellfahrzeug geladen.",
        "Arrived at delivery depot",
    ] {
        assert_eq!(of("transit", "", words), Status(InTransit), "{words}");
    }
    for (words, expected) in [
        ("Returned to shipper", Status(ReturnedToSender)),
        ("Return", Status(ReturnedToSender)),
        ("After two attempts it is returned to the sender", Status(ReturnedToSender)),
        ("Recipient not home", Condition(DeliveryAttemptFailed)),
        ("Delivery ATTEMPT unsuccessful", Condition(DeliveryAttemptFailed)),
        ("Delivery attempted; returned to the depot", Condition(DeliveryAttemptFailed)),
    ] {
        assert_eq!(of("failure", "", words), expected, "{words}");
        assert_eq!(of("Failure", "ZZ", words), expected, "{words}");
    }
    for words in [
        "Die Sendung liegt in der Packstation 1 zur Abholung bereit.",
        "The shipment is ready for collection at the ServicePoint",
    ] {
        for status in ["transit", "delivered"] {
            assert_eq!(of(status, "", words), Status(AvailableForPickup), "{words}");
        }
    }
    for words in
        ["Wir informieren, sobald sie zur Abholung bereit liegt", "It will be ready for collection soon"]
    {
        assert_eq!(of("transit", "", words), Status(InTransit), "{words}");
    }
    // A listed text says more than the status code, except a delivery.
    for (words, expected) in [
        ("Shipment Accepted", Status(PickedUp)),
        ("Delivery attempt could not be completed", Condition(DeliveryAttemptFailed)),
        ("Shipment is on hold", Condition(Held)),
        ("Further consignee information needed", Condition(AddressIssue)),
        ("Delivered", Status(InTransit)),
        ("Customs status updated", Status(InTransit)),
    ] {
        assert_eq!(of("transit", "", words), expected, "{words}");
    }
    assert_eq!(of("failure", "", "Shipment on hold"), Condition(Held));
    assert_eq!(of("failure", "", "Delivered"), Condition(Other));
    assert_eq!(of("delivered", "", "Delivered to the shipper, returned"), Condition(Returned));
    assert_eq!(of("delivered", "", "Delivered to the recipient"), Status(Delivered));
}
