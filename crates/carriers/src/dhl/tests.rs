//! Parsing of DHL's pushes, with the samples.

mod americas;
mod event_names;
mod event_texts;
mod signature;
mod subscription;

use domain::{
    CarrierTime, ConditionKind,
    Meaning::{Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

use super::*;
use crate::{ParsedScan, time::tests::local};

const EXPRESS: &str = include_str!("../../samples/dhl_express.json");
const BATCH: &str = include_str!("../../samples/dhl_batch.json");

fn parsed(body: &str) -> Result<Push, Unreadable> {
    Dhl.parse(body.as_bytes(), &CodeMap::default())
}

fn parcels(body: &str) -> Vec<Parcel> {
    match parsed(body) {
        Ok(Push::Parcels(parcels, _)) => parcels,
        other => panic!("{other:?}"),
    }
}

fn parcel(body: &str) -> Parcel {
    let mut parcels = parcels(body);
    assert_eq!(parcels.len(), 1);
    parcels.remove(0)
}

/// The scan of an event, in a push of an Express shipment that has no other event.
fn scan_of(event: &str, remap: &str) -> ParsedScan {
    let body = format!(r#"{{"shipments":[{{"id":"7777777770","events":[{event}]}}]}}"#);
    match Dhl.parse(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(mut parcels, _)) => parcels.remove(0).scans.remove(0),
        other => panic!("{other:?}"),
    }
}

fn instant(text: &str) -> CarrierTime {
    CarrierTime::Instant(text.parse().unwrap())
}

#[test]
fn a_history_of_express_is_read_event_by_event() {
    let parcel = parcel(EXPRESS);
    assert_eq!((parcel.tracking_number.carrier(), &*parcel.tracking_number), (Carrier::DHL, "7777777770"));
    assert_eq!((&parcel.package, parcel.pushed_at), (&None, None));
    let read: Vec<_> = parcel.scans.iter().map(|scan| (scan.code.as_str(), scan.meaning)).collect();
    assert_eq!(
        read,
        [
            ("transit/WC", Status(OutForDelivery)),
            ("transit/DF", Status(InTransit)),
            ("transit/PU", Status(PickedUp)),
            ("pre-transit", Status(LabelCreated)),
        ]
    );
    let times: Vec<_> = parcel.scans.iter().map(|scan| scan.time).collect();
    assert_eq!(
        times,
        [
            instant("2026-01-15T10:05:00Z"),
            instant("2026-01-14T21:40:00Z"),
            local("2026-01-14T16:20:00"), // no offset
            local("2026-01-14T00:00:00"), // a date
        ]
    );
    assert_eq!(parcel.scans[0].location.as_deref(), Some("AMSTERDAM, NL"));
    assert_eq!(parcel.scans[2].location.as_deref(), Some("LEIPZIG"));
    assert_eq!(parcel.scans[3].description.as_deref(), Some("Shipment information received"));
}

#[test]
fn the_estimate_is_the_end_of_the_time_frame_else_a_date() {
    assert_eq!(
        parcel(EXPRESS).estimated_delivery,
        Some("2026-01-15T13:00:00+01:00/2026-01-15T17:00:00+01:00".parse().unwrap())
    );
    let revised = EXPRESS.replace("2026-01-15T17:00:00", "2026-01-16T12:30:00");
    assert_eq!(
        parcel(&revised).estimated_delivery,
        Some("2026-01-15T13:00:00+01:00/2026-01-16T12:30:00+01:00".parse().unwrap())
    );
    let dated = EXPRESS.replace("estimatedThrough", "other");
    assert_eq!(parcel(&dated).estimated_delivery, Some("2026-01-15".parse().unwrap()));
    let none = dated.replace("estimatedTimeOfDelivery", "other");
    assert_eq!(parcel(&none).estimated_delivery, None);
    // The newest scan carries the estimate, which counts as said when the push arrived.
    let arrival: DateTime<Utc> = "2026-01-15T13:00:00Z".parse().unwrap();
    let scans = parcel(EXPRESS).into_scans(arrival);
    let said: Vec<_> = scans.iter().map(|scan| scan.estimate.map(|estimate| estimate.said_at)).collect();
    assert_eq!(said, [None, None, None, Some(arrival)]);
}

#[test]
fn a_batch_is_read_shipment_by_shipment_and_pieces_are_other_numbers_of_it() {
    let parcels = parcels(BATCH);
    let read: Vec<_> = parcels
        .iter()
        .map(|parcel| {
            let scans: Vec<_> = parcel.scans.iter().map(|scan| (&*scan.code, scan.meaning)).collect();
            (&*parcel.tracking_number, scans)
        })
        .collect();
    assert_eq!(
        read,
        [
            ("00340434161094015902", vec![("transit", Status(OutForDelivery))]),
            (
                "00340434161094015903",
                vec![
                    ("delivered/dlvrd", Status(Delivered)),
                    ("failure/ndelv", Condition(ConditionKind::DeliveryAttemptFailed)),
                    ("transit/OK", Status(InTransit)),
                ]
            ),
        ]
    );
    assert_eq!(parcels[0].scans[0].time, local("2026-01-15T09:12:00"));
    assert_eq!(parcels[0].other_numbers, [""; 0]);
    assert_eq!(parcel(EXPRESS).other_numbers, ["JD014600000000000001", "JD014600000000000002"]);
}

#[test]
fn the_setting_names_both_parts_or_the_status() {
    let event = r#"{"statusCode":"transit","status":"WC","timestamp":"2026-01-15T10:05:00Z"}"#;
    let held = Condition(ConditionKind::Held);
    for remap in ["dhl.transit/WC=held", "dhl.TRANSIT/wc=held", "dhl.transit=held"] {
        assert_eq!(scan_of(event, remap).meaning, held, "{remap}");
    }
    assert_eq!(scan_of(event, "dhl.transit=lost,dhl.transit/WC=held").meaning, held);
    for other in ["dhl.WC=held", "dhl.transit/DF=held", "dhl.delivered=held", "ups.transit/WC=held"] {
        assert_eq!(scan_of(event, other).meaning, Status(OutForDelivery), "{other}");
    }
    assert_eq!(scan_of(event, "dhl.transit=held").identity, scan_of(event, "").identity);
}

#[test]
fn codes_may_stand_alone_or_be_missing() {
    for (event, code, meaning) in [
        (r#"{"status":"WC"}"#, "WC", Status(OutForDelivery)),
        (
            r#"{"statusCode":"Failure","typeCode":"nh"}"#,
            "Failure/nh",
            Condition(ConditionKind::DeliveryAttemptFailed),
        ),
        (r#"{"statusCode":"transit","status":""}"#, "transit", Status(InTransit)),
        (r#"{"statusCode":"transit","status":103}"#, "transit/103", Status(InTransit)),
        // A word that looks like a code is also read as a word.
        (r#"{"statusCode":"failure","status":"Return"}"#, "failure/Return", Status(ReturnedToSender)),
        (r#"{"statusCode":"unknown","status":"Rerouted"}"#, "unknown", Informational),
        (r#"{"statusCode":"transit","status":"Out for delivery"}"#, "transit", Status(OutForDelivery)),
        (r#"{"statusCode":"customs","status":"ZZ"}"#, "customs/ZZ", Unknown),
        (r#"{"timestamp":"2026-01-15T10:05:00Z"}"#, "-", Unknown),
    ] {
        let scan = scan_of(event, "");
        assert_eq!((scan.code.as_str(), scan.meaning), (code, meaning), "{event}");
    }
}

#[test]
fn the_same_event_has_the_same_identity_in_every_push() {
    let of = |body: &str| -> Vec<_> { parcel(body).scans.iter().map(|scan| scan.identity).collect() };
    let first = of(EXPRESS);
    assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), first.len());
    let retold = EXPRESS
        .replace("AMSTERDAM", "Amsterdam")
        .replace("With delivery courier", "Soon with you")
        .replace(r#""WC""#, r#""wc""#)
        .replace("3f0c1c5e", "00000000")
        .replace(r#""transit""#, r#""Transit""#);
    assert_eq!(of(&retold), first);
    let retimed = of(&EXPRESS.replace("2026-01-14T22:40:00", "2026-01-14T22:41:00"));
    assert_ne!(retimed[1], first[1]);
    assert_eq!((retimed[0], &retimed[2..]), (first[0], &first[2..]));
    assert_ne!(of(&EXPRESS.replace(r#""WC""#, r#""OK""#))[0], first[0]);
    assert_ne!(of(&EXPRESS.replace("7777777770", "7777777771"))[0], first[0]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let reason = |body: &str| parsed(body).unwrap_err().to_string();
    assert!(reason("").starts_with("not JSON: EOF"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    let no_form = "none of `scope`, `shipments`, `packages` and `package` is there";
    assert_eq!(reason("{}"), no_form);
    assert_eq!(reason(r#"{"scope":"push"}"#), no_form);
    assert_eq!(reason(r#"{"shipments":[{"events":[]}]}"#), "shipment 1: `id` is missing");
    assert_eq!(reason(r#"{"shipments":["x"]}"#), "shipment 1: it is no object");
    assert_eq!(
        reason(r#"{"packages":[{"events":[]}]}"#),
        "package 1: `trackingId` or `dhlPackageId` is missing"
    );
    let long = format!(r#"{{"shipments":[{{"id":"{}"}}]}}"#, "9".repeat(65));
    assert_eq!(reason(&long), "shipment 1: the tracking number has more than 64 characters");
}

#[test]
fn a_shipment_that_cannot_be_read_is_told_beside_its_neighbours() {
    let unread = |body: &str| match parsed(body) {
        Ok(Push::Parcels(parcels, unread)) if !parcels.is_empty() => unread.map(|unread| unread.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(unread(BATCH).as_deref(), Some("1 element unread: shipment 4: `id` is missing"));
    assert_eq!(unread(EXPRESS), None);
    let two = BATCH.replace(r#""id": "00340434161094015904", "#, "");
    let told = "2 elements unread, the first: shipment 3: `id` is missing";
    assert_eq!(unread(&two).as_deref(), Some(told));
}
