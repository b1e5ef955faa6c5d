//! Parsing of Express shipments whose events have only descriptions, and of the latest event beside the list.

use std::collections::BTreeSet;

use domain::ScanIdentity;
use serde_json::json;

use super::*;

const IN_WORDS: &str = include_str!("../../../samples/dhl_express_in_words.json");

/// The scans of a shipment with this `status` and these `events`.
fn scans(status: Value, events: Value) -> Vec<ParsedScan> {
    scans_with(status, events, "")
}

fn scans_with(status: Value, events: Value, remap: &str) -> Vec<ParsedScan> {
    let body = json!({"shipments": [{"id": "7777777770", "service": "express", "status": status, "events": events}]});
    match Dhl.parse(body.to_string().as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(mut parcels, _)) => parcels.remove(0).scans,
        other => panic!("{other:?}"),
    }
}

fn read(scans: &[ParsedScan]) -> Vec<(&str, Meaning)> {
    scans.iter().map(|scan| (scan.code.as_str(), scan.meaning)).collect()
}

fn identities(scans: &[ParsedScan]) -> BTreeSet<ScanIdentity> {
    scans.iter().map(|scan| scan.identity).collect()
}

#[test]
fn a_history_in_words_is_read_event_by_event() {
    let parcel = parcel(IN_WORDS);
    assert_eq!(
        read(&parcel.scans),
        [
            ("DELIVERED", Status(Delivered)),
            ("OUT WITH COURIER FOR DELIVERY", Status(OutForDelivery)),
            ("ARRIVED AT DHL DELIVERY FACILITY", Status(InTransit)),
            ("ON HOLD", Condition(ConditionKind::Held)),
            ("MOVED BY BALLOON", Unknown),
            ("PICKED UP", Status(PickedUp)),
            ("CUSTOMS CLEARANCE STATUS UPDATED", Informational),
        ]
    );
    assert_eq!(identities(&parcel.scans).len(), 7, "two of one minute are two");
    assert_eq!(parcel.scans[2].time, local("2026-01-15T09:05:00"));
    assert_eq!(
        parcel.scans[2].description.as_deref(),
        Some("Arrived at DHL Delivery Facility TURIN - ITALY")
    );
}

#[test]
fn a_wording_has_one_identity_in_every_push() {
    let event = |hour: u8, words: &str| json!({"timestamp": format!("2026-01-15T{hour:02}:00:00"), "description": words});
    let whole = [event(11, "Delivered"), event(9, "Moved by balloon"), event(7, "Shipment picked up")];
    let status = |code: &str, event: &Value| {
        let mut status = event.clone();
        status["statusCode"] = json!(code);
        status
    };
    // Each event was once the latest, and then had a status code.
    let latest_last = scans(status("delivered", &whole[0]), json!(whole));
    let first = scans(status("transit", &whole[2]), json!(whole[2..]));
    let second = scans(status("transit", &whole[1]), json!(whole[1..]));
    let all: BTreeSet<_> =
        [&first, &second, &latest_last].into_iter().flat_map(|scans| identities(scans)).collect();
    assert_eq!(all, identities(&latest_last));
    // A lent status code gives the meaning of an unknown text only.
    assert_eq!(read(&second), [("MOVED BY BALLOON", Status(InTransit)), ("PICKED UP", Status(PickedUp))]);
    assert_eq!(latest_last[1].meaning, Unknown);

    let retold = IN_WORDS
        .replace("Shipment picked up", "SHIPMENT  PICKED UP.")
        .replace("Delivery Facility TURIN - ITALY", "Delivery Facility TURIN")
        .replace("Moved by balloon", "moved by Balloon");
    assert_ne!(retold, IN_WORDS);
    assert_eq!(identities(&parcel(&retold).scans), identities(&parcel(IN_WORDS).scans));
}

#[test]
fn a_wording_can_be_named_in_the_setting() {
    let event = json!({"timestamp": "2026-01-15T09:00:00", "description": "Moved by balloon, slowly"});
    let status = json!({"timestamp": "2026-01-15T09:00:00", "statusCode": "transit", "description": "Moved by balloon, slowly"});
    let held = Condition(ConditionKind::Held);
    for (status, remap, meaning) in [
        (Value::Null, "", Unknown),
        (Value::Null, "dhl.Moved by balloon_ slowly=held", held),
        (Value::Null, "dhl.transit=held", Unknown),
        (status.clone(), "dhl.transit=held", held),
        (status, "dhl.Moved by balloon_ slowly=held,dhl.transit=lost", held),
    ] {
        let scans = scans_with(status, json!([event]), remap);
        assert_eq!(read(&scans), [("MOVED BY BALLOON_ SLOWLY", meaning)], "{remap}");
    }
    let known = json!([{"timestamp": "2026-01-15T09:00:00", "description": "Processed at PORTO - PORTUGAL"}]);
    assert_eq!(scans_with(Value::Null, known, "dhl.processed at=held")[0].meaning, held);
}

#[test]
fn a_status_that_no_event_tells_is_a_scan_of_its_own() {
    let events = json!([{"timestamp": "2026-01-15T08:00:00+01:00", "statusCode": "transit", "description": "In transit"}]);
    let status = |timestamp: &str, code: &str, words: &str| json!({"timestamp": timestamp, "statusCode": code, "description": words});
    let later = scans(status("2026-01-15T12:00:00+01:00", "delivered", "Delivered"), events.clone());
    assert_eq!(read(&later), [("transit", Status(InTransit)), ("delivered", Status(Delivered))]);
    assert_eq!(later[1].time, instant("2026-01-15T11:00:00Z"));
    // The same event, listed later, has the same identity.
    let listed = scans(
        Value::Null,
        json!([{"timestamp": "2026-01-15T12:00:00+01:00", "statusCode": "delivered", "description": "Handed over"}]),
    );
    assert_eq!(listed[0].identity, later[1].identity);
    // Without a time of its own it has the time of the newest event.
    let timeless = scans(json!({"statusCode": "delivered"}), events.clone());
    assert_eq!(timeless[1].time, local("2026-01-15T07:00:00"));
    // A status of the same minute and with the same meaning is no new scan, and neither is one without content.
    for told in [
        status("2026-01-15T08:00:00+01:00", "transit", "IN TRANSIT."),
        status("2026-01-15T08:00:00+01:00", "transit", "Moving"),
        json!({"statusCode": "transit"}),
        json!({"description": "Delivered"}),
        json!("delivered"),
        json!([]),
    ] {
        assert_eq!(read(&scans(told.clone(), events.clone())), [("transit", Status(InTransit))], "{told}");
    }
}

#[test]
fn words_of_other_services_are_read_without_a_code_too() {
    let words = "Die Sendung wurde in das Zustellfahrzeug geladen.";
    let event = json!([{"timestamp": "2026-01-15T08:00:00+01:00", "description": words}]);
    let status = json!({"timestamp": "2026-01-15T08:00:00+01:00", "statusCode": "transit", "status": "In Zustellung", "description": words});
    for status in [status, Value::Null] {
        let code = "IN DAS ZUSTELLFAHRZEUG GELADEN";
        assert_eq!(read(&scans(status, event.clone())), [(code, Status(OutForDelivery))]);
    }
    // If the description is unknown, the text in `status` gives the meaning.
    let named = json!([{"timestamp": "2026-01-15T08:00:00", "status": "Shipment picked up", "description": "Hooray"}]);
    assert_eq!(read(&scans(Value::Null, named)), [("PICKED UP", Status(PickedUp))]);
}

#[test]
fn words_are_no_event_code() {
    let at = "2026-01-15T08:00:00";
    let coded = scans(Value::Null, json!([{"timestamp": at, "status": "WC"}]));
    let said = scans(Value::Null, json!([{"timestamp": at, "description": "WC"}]));
    assert_eq!((coded[0].meaning, said[0].meaning), (Status(OutForDelivery), Unknown));
    assert_ne!(coded[0].identity, said[0].identity);
}
