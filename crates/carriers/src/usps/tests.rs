//! Parsing of USPS's pushes, with the samples.

mod signature;

use chrono::TimeDelta;
use domain::{ConditionKind, ShipmentStatus::*};
use serde_json::json;

use super::*;
use crate::{
    mac::hmac_sha256,
    simulate::tests::{history, simulated_scan as scanned},
    time::tests::local,
};

const HISTORY: &str = include_str!("../../samples/usps_history.json");
const UNWRAPPED: &str = include_str!("../../samples/usps_unwrapped.json");
const FLAT: &str = include_str!("../../samples/usps_flat.json");
const EVENTS: &str = include_str!("../../samples/usps_events.json");
const CHALLENGE: &str = include_str!("../../samples/usps_challenge.json");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn read(body: &str) -> Vec<Parcel> {
    read_with(body, "")
}

fn read_with(body: &str, remap: &str) -> Vec<Parcel> {
    match Usps.parse(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(parcels, _)) => parcels,
        other => panic!("{other:?}"),
    }
}

/// The only scan of an answer that contains this event.
fn event(event: Value) -> ParsedScan {
    let body = json!({"trackingNumber": "9400100000000000000001", "trackingEvents": [event]});
    let mut parcels = read(&body.to_string());
    assert_eq!((parcels.len(), parcels[0].scans.len()), (1, 1));
    parcels.remove(0).scans.remove(0)
}

fn identities(body: &str) -> Vec<domain::ScanIdentity> {
    read(body).into_iter().flat_map(|parcel| parcel.scans).map(|scan| scan.identity).collect()
}

fn reason(body: &str) -> String {
    Usps.parse(body.as_bytes(), &CodeMap::default()).unwrap_err().to_string()
}

fn instant(text: &str) -> CarrierTime {
    CarrierTime::Instant(at(text))
}

#[test]
fn a_history_is_read_event_by_event() {
    let [parcel] = &read(HISTORY)[..] else { panic!("one parcel") };
    assert_eq!(parcel.tracking_number.carrier(), Carrier::USPS);
    assert_eq!(&*parcel.tracking_number, "9400100000000000000001");
    assert_eq!(parcel.package.as_deref(), Some("70011223344"), "a number is a text");
    let read: Vec<_> =
        parcel.scans.iter().map(|scan| (scan.code.as_str(), scan.meaning, scan.time)).collect();
    assert_eq!(
        read,
        [
            ("OF", Meaning::Status(OutForDelivery), instant("2026-01-15T13:10:22Z")),
            ("07", Meaning::Status(InTransit), instant("2026-01-15T10:41:00Z")),
            ("10", Meaning::Status(InTransit), local("2026-01-14T22:03:00")),
            ("Q9", Meaning::Unknown, instant("2026-01-14T02:00:41Z")),
            ("GX", Meaning::Status(LabelCreated), instant("2026-01-12T20:30:05Z")),
        ]
    );
    assert_eq!(parcel.scans[0].location.as_deref(), Some("HERNANDO, FL"));
    assert_eq!(parcel.scans[2].location.as_deref(), Some("TAMPA FL DISTRIBUTION CENTER"));
    assert_eq!(parcel.scans[0].description.as_deref(), Some("Out for Delivery"));
    assert_eq!(parcel.estimated_delivery, "2026-01-15".parse().ok());
    assert_eq!(parcel.pushed_at, Some(at("2026-01-15T14:32:07Z")));
}

#[test]
fn the_answer_is_read_with_its_envelope_without_it_and_unpacked() {
    let enveloped = read(HISTORY).remove(0);
    let mut unpacked: Value = serde_json::from_str(HISTORY).unwrap();
    unpacked["payload"] = serde_json::from_str(UNWRAPPED).unwrap();
    assert_eq!(read(&unpacked.to_string()), std::slice::from_ref(&enveloped));
    assert_eq!(read(UNWRAPPED), [Parcel { pushed_at: None, ..enveloped }]);
}

#[test]
fn a_flat_push_is_one_event() {
    let [parcel] = &read(FLAT)[..] else { panic!("one parcel") };
    assert_eq!(&*parcel.tracking_number, "9400100000000000000001", "without 420 and the ZIP code");
    let [scan] = &parcel.scans[..] else { panic!("one scan") };
    assert_eq!((scan.code.as_str(), scan.meaning), ("OUT_FOR_DELIVERY", Meaning::Status(OutForDelivery)));
    assert_eq!(scan.time, instant("2026-01-15T13:10:00Z"));
    assert_eq!(scan.location.as_deref(), Some("HERNANDO, FL"));
}

#[test]
fn a_list_of_events_may_be_about_several_parcels() {
    let parcels = read(EVENTS);
    let read: Vec<_> = parcels
        .iter()
        .map(|parcel| {
            let meanings: Vec<_> = parcel.scans.iter().map(|scan| scan.meaning).collect();
            (&*parcel.tracking_number, meanings)
        })
        .collect();
    assert_eq!(
        read,
        [
            ("9400100000000000000001", vec![Meaning::Status(Delivered), Meaning::Status(OutForDelivery)]),
            ("9400100000000000000002", vec![Meaning::Status(InTransit)]),
        ]
    );
}

#[test]
fn without_events_the_roll_up_is_the_scan() {
    for (status, meaning) in [
        (json!({"status": "Delivered"}), Meaning::Status(Delivered)),
        (json!({"statusCategory": "In-Transit", "status": "Anything"}), Meaning::Status(InTransit)),
        (json!({"statusCategory": "Alert", "trackingEvents": []}), Meaning::Condition(ConditionKind::Other)),
        (json!({"statusCategory": "Delivered", "trackingEvents": [{}]}), Meaning::Status(Delivered)),
        (
            json!({"status": "Delivered", "trackingEvents": [{"eventCity": "X"}, 7]}),
            Meaning::Status(Delivered),
        ),
        (json!({"eventType": "Delivered, Front Door/Porch"}), Meaning::Status(Delivered)),
        (json!({"eventCode": 1}), Meaning::Status(Delivered)),
    ] {
        let mut body = status.clone();
        body["trackingNumber"] = json!("TEST1");
        let [parcel] = &read(&body.to_string())[..] else { panic!("{status}") };
        let [scan] = &parcel.scans[..] else { panic!("{status}") };
        assert_eq!((scan.meaning, scan.time), (meaning, CarrierTime::Untrusted), "{status}");
    }
}

#[test]
fn without_a_code_the_type_speaks_and_then_the_roll_up_if_it_can_only_mean_this_event() {
    let typed = event(json!({"eventType": "Delivered, Left with Individual", "GMTTimestamp": "x"}));
    assert_eq!((typed.code.as_str(), typed.meaning), ("Delivered", Meaning::Status(Delivered)));
    assert_eq!(typed.description.as_deref(), Some("Delivered, Left with Individual"));
    let body = |events: Value| {
        json!({"trackingNumber": "1", "statusCategory": "Out for Delivery", "trackingEvents": events})
            .to_string()
    };
    let strange = json!({"eventType": "On its last mile", "eventTimestamp": "2026-01-15T08:10:00"});
    let meanings = |events: Value| -> Vec<_> {
        read(&body(events)).remove(0).scans.into_iter().map(|scan| scan.meaning).collect()
    };
    let by_roll_up = Meaning::Status(OutForDelivery);
    assert_eq!(meanings(json!([strange])), [by_roll_up]);
    // With several events the current status is a scan of its own.
    assert_eq!(meanings(json!([strange, strange])), [Meaning::Unknown, Meaning::Unknown, by_roll_up]);
    // The meaning of an unlisted code is not guessed.
    assert_eq!(meanings(json!([{"eventCode": "Q9"}])), [Meaning::Unknown, by_roll_up]);
    assert_eq!(event(json!({"GMTTimestamp": "2026-01-15T13:10:22Z"})).code, "-");
}

#[test]
fn a_roll_up_that_says_more_than_the_events_is_a_scan_too() {
    let events = json!([
        {"eventCode": "OF", "GMTTimestamp": "2026-01-15T13:10:00Z"},
        {"eventCode": "07", "GMTTimestamp": "2026-01-15T10:41:00Z"},
    ]);
    let scans = |category: &str, events: &Value| {
        let body = json!({"trackingNumber": "1", "statusCategory": category, "status": "Anything", "trackingEvents": events});
        read(&body.to_string()).remove(0).scans
    };
    for (category, meaning) in
        [("Delivered", Meaning::Status(Delivered)), ("Alert", Meaning::Condition(ConditionKind::Other))]
    {
        let read = scans(category, &events);
        let [_, _, latest] = &read[..] else { panic!("{read:?}") };
        assert_eq!((&*latest.code, latest.meaning), (category, meaning));
        assert_eq!(
            latest.time,
            local("2026-01-15T13:10:00"),
            "when the newest of them happened, at the earliest"
        );
        assert_eq!(latest.identity, scans(category, &events)[2].identity);
    }
    for category in ["Out for Delivery", "In Transit", "Q9"] {
        assert_eq!(scans(category, &events).len(), 2, "{category}");
    }
    let trouble = json!([{"eventCode": "02"}, {"eventCode": "07"}]);
    assert_eq!(scans("Alert", &trouble).len(), 2, "it is told already");
    // The current status describes the answer's own number, not the numbers of the events.
    let body = json!({"trackingNumber": "1", "statusCategory": "Delivered", "events": [
        {"eventCode": "OF", "trackingNumber": "2"}, {"eventCode": "07", "trackingNumber": "2"},
    ]});
    assert_eq!(read(&body.to_string()).remove(0).scans.len(), 2);
}

#[test]
fn a_local_time_counts_with_its_offset_only() {
    let clock = "2026-01-15T08:10:00";
    for (event_time, gmt, offset, expected) in [
        (clock, "2026-01-15T13:10:22Z", "-05:00", instant("2026-01-15T13:10:22Z")),
        (clock, "2026-01-15T13:10:22Z", "", instant("2026-01-15T13:10:22Z")),
        (clock, "", "-05:00", instant("2026-01-15T13:10:00Z")),
        (clock, "", "-0500", instant("2026-01-15T13:10:00Z")),
        (clock, "2026-01-15T13:10:22", "-05:00", instant("2026-01-15T13:10:00Z")),
        ("2026-01-15T08:10", "", "-05:00", instant("2026-01-15T13:10:00Z")),
        ("2026-01-15T08:10:00-05:00", "", "", instant("2026-01-15T13:10:00Z")),
        (clock, "", "", local(clock)),
        (clock, "2026-01-15T13:10:22", "", local(clock)),
        (clock, "", "-5:00", instant("2026-01-15T13:10:00Z")),
        (clock, "", "+5:30", instant("2026-01-15T02:40:00Z")),
        (clock, "", "-5", instant("2026-01-15T13:10:00Z")),
        ("2026-01-15 08:10", "", "-5:00", instant("2026-01-15T13:10:00Z")),
        ("2026-01-15 08:10", "", "", local(clock)),
        ("2026-01-15T08:10", "", "", local(clock)),
        // The clock and this offset together are no valid time.
        (clock, "", "-99:00", local(clock)),
        (clock, "", "EST", local(clock)),
        (clock, "", "-é", local(clock)),
        ("2026-01-15", "", "-05:00", local("2026-01-15T00:00:00")),
        // A local time: the `Z` is ignored, alone too.
        ("2026-01-15T08:10:00Z", "", "", local(clock)),
        ("2026-01-15T08:10:00.000z", "", "", local(clock)),
        ("2026-01-15T08:10:00Z", "2026-01-15T13:10:22", "", local(clock)),
        ("2026-01-15T08:10:00Z", "", "-05:00", local(clock)),
        ("2026-01-15T08:10:00+02:00", "", "-05:00", CarrierTime::Untrusted),
        ("", "", "-05:00", CarrierTime::Untrusted),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "+00:00", CarrierTime::Untrusted),
    ] {
        let scan = event(json!({
            "eventCode": "OF", "eventTimestamp": event_time, "GMTTimestamp": gmt, "GMTOffset": offset,
        }));
        assert_eq!(scan.time, expected, "{event_time} {gmt} {offset}");
    }
}

#[test]
fn the_same_event_has_the_same_identity_in_every_push() {
    let first = identities(UNWRAPPED);
    assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
    assert_eq!(identities(HISTORY), first);
    let retold = UNWRAPPED
        .replace("HERNANDO", "Hernando")
        .replace("\"Out for Delivery\"", "\"Soon\"")
        .replace("\"OF\"", "\"of\"")
        .replace("\"eventCode\": 7", "\"eventCode\": \"07\"")
        .replace("2026-01-15T08:10:00", "2026-01-15T08:10")
        .replace("\"expectedDeliveryDate\": \"2026-01-15\"", "\"expectedDeliveryDate\": \"2026-01-16\"");
    assert_ne!(retold, UNWRAPPED);
    assert_eq!(identities(&retold), first);
    for (sent, other, changed) in [
        ("13:10:22Z", "13:10:23Z", vec![0]),
        ("\"OF\"", "\"SF\"", vec![0]),
        ("T05:41", "T05:42", vec![1]),
        ("T22:03", "T22:04", vec![2]),
        ("70011223344", "70011223345", vec![0, 1, 2, 3, 4]),
    ] {
        let other = identities(&UNWRAPPED.replace(sent, other));
        let differ: Vec<_> = (0..5).filter(|index| other[*index] != first[*index]).collect();
        assert_eq!(differ, changed, "{sent}");
    }
    // Neither the spelling of a type nor the routing prefix of a barcode changes the identity.
    let flat = FLAT.replace("OUT_FOR_DELIVERY", "Out for Delivery, Expected Today").replace("42034442", "");
    assert_eq!(identities(&flat), identities(FLAT));
}

#[test]
fn the_setting_names_the_code_as_shown() {
    let held = Meaning::Condition(ConditionKind::Held);
    let first = |body: &str, remap: &str| read_with(body, remap).remove(0).scans.remove(0);
    assert_eq!(first(HISTORY, "usps.OF=held").meaning, held);
    assert_eq!(first(HISTORY, "usps.of=held").meaning, held);
    assert_eq!(first(HISTORY, "usps.OF=held").identity, identities(HISTORY)[0], "it is no other event");
    assert_eq!(first(FLAT, "usps.out_for_delivery=held").meaning, held);
    assert_eq!(read_with(HISTORY, "usps.07=held").remove(0).scans[1].meaning, held, "a number as well");
    for other in ["usps.O=held", "fedex.OF=held", "usps.Out for Delivery=held"] {
        assert_eq!(first(HISTORY, other).meaning, Meaning::Status(OutForDelivery), "{other}");
    }
}

#[test]
fn the_estimate_is_as_old_as_the_push_that_says_it() {
    let estimate = |body: &str| {
        let arrival = at("2026-01-16T00:00:00Z");
        let scans = read(body).remove(0).into_scans(arrival);
        scans.into_iter().find_map(|scan| scan.estimate).expect("an estimate")
    };
    let revised = HISTORY
        .replace("2026-01-15T14:32:07Z", "2026-01-15T16:00:00Z")
        .replace(r#"\"expectedDeliveryDate\":\"2026-01-15\""#, r#"\"expectedDeliveryDate\":\"2026-01-16\""#);
    assert_eq!(identities(&revised), identities(HISTORY));
    assert!(estimate(&revised) > estimate(HISTORY));
    assert_eq!(estimate(&revised).expected.to_string(), "2026-01-16");
    // Without an envelope the estimate counts as said when it arrived.
    assert_eq!(estimate(UNWRAPPED).said_at, at("2026-01-16T00:00:00Z"));

    let expected = |fields: Value| parse_estimated_delivery(&fields).map(|expected| expected.to_string());
    let stamped = json!({"expectedDeliveryTimeStamp": "2026-01-15T21:00:00-05:00", "expectedDeliveryDate": "2026-01-14"});
    assert_eq!(expected(stamped), Some("2026-01-15T21:00:00-05:00/2026-01-15T21:00:00-05:00".to_owned()));
    let naive = json!({"expectedDeliveryTimestamp": "2026-01-15T21:00:00"});
    assert_eq!(expected(naive), Some("2026-01-15".to_owned()));
    let fallen_back = json!({"expectedDeliveryTimeStamp": "soon", "expectedDeliveryDate": "2026-01-14"});
    assert_eq!(expected(fallen_back), Some("2026-01-14".to_owned()));
    assert_eq!(expected(json!({"expectedDeliveryDate": "", "expectedDeliveryTime": "21:00"})), None);
    let below = |flat: &str, promised: &str| {
        expected(json!({"expectedDeliveryDate": flat, "deliveryDateExpectation": {
            "expectedDeliveryDate": promised, "predictedDeliveryDate": "2026-01-17", "expectedDeliveryTime": "21:00",
        }}))
    };
    assert_eq!(below("2026-01-15", "2026-01-16"), Some("2026-01-15".to_owned()));
    assert_eq!(below("", "2026-01-16"), Some("2026-01-16".to_owned()));
    assert_eq!(below("", ""), Some("2026-01-17".to_owned()));
}

#[test]
fn what_cannot_be_read_is_named() {
    let no_form = "none of `payload`, `trackingEvents`, `events`, `eventType` is there";
    assert!(reason("hello").starts_with("not JSON: expected value at line 1"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    assert_eq!(reason("{}"), no_form);
    assert_eq!(reason(r#"{"trackingNumber": "1", "scanEventExtract": {}}"#), no_form);
    assert_eq!(reason(r#"{"eventCode": "01"}"#), "`trackingNumber` is missing");
    let long = r#"{"trackingNumber": 9400100000000000000001, "eventCode": "01"}"#;
    assert_eq!(reason(long), "`trackingNumber` is a number too long to be read exactly");
    let nameless = r#"{"trackingEvents": [{"eventCode": "01"}]}"#;
    assert_eq!(reason(nameless), "event 1: `trackingNumber` is missing");
    assert_eq!(reason(r#"{"payload": "[]"}"#), "in `payload`: the body is JSON, but no object");
    assert_eq!(reason(r#"{"payload": "{}"}"#), format!("in `payload`: {no_form}"));
    assert_eq!(reason(r#"{"payload": 7}"#), format!("in `payload`: {no_form}"));
    assert!(reason(r#"{"payload": "{\"trackingNumber\""}"#).starts_with("in `payload`: not JSON: EOF"));
    // An unreadable event does not prevent its neighbours from being read, and an event without content is no scan.
    let mixed = r#"{"events": [{"eventCode": "01"}, {"trackingNumber": "1"}, 7, {"trackingNumber": "1", "eventCode": "01"}]}"#;
    let Ok(Push::Parcels(parcels, Some(unread))) = Usps.parse(mixed.as_bytes(), &CodeMap::default()) else {
        panic!("parcels, and something unread")
    };
    assert_eq!((parcels.len(), parcels[0].scans.len()), (1, 1));
    assert_eq!(unread.to_string(), "2 elements unread, the first: event 1: `trackingNumber` is missing");
    assert_eq!(read(r#"{"trackingNumber": "1", "trackingEvents": []}"#), []);
}

#[test]
fn the_id_of_the_answers_piece_is_not_that_of_every_number() {
    let body = json!({
        "trackingNumber": "9400100000000000000001", "uniqueMailPieceID": "7",
        "events": [
            {"eventCode": "01"},
            {"eventCode": "OF", "trackingNumber": "9400100000000000000001"},
            {"eventCode": "OF", "trackingNumber": "9400100000000000000002"},
            {"eventCode": "OF", "trackingNumber": "9400100000000000000002", "uniqueMailPieceID": "8"},
        ],
    });
    let parcels = read(&body.to_string());
    let pieces: Vec<_> = parcels
        .iter()
        .map(|parcel| (&parcel.tracking_number[20..], parcel.package.as_deref(), parcel.scans.len()))
        .collect();
    assert_eq!(pieces, [("01", Some("7"), 2), ("02", None, 1), ("02", Some("8"), 1)]);
    let spelled = body.to_string().replace("uniqueMailPieceID", "uniqueMailPieceId");
    assert_eq!(read(&spelled), parcels);
}

#[test]
fn what_the_answer_says_is_said_of_its_own_number() {
    let body = json!({
        "trackingNumber": "9400100000000000000001", "uniqueMailPieceID": "7",
        "expectedDeliveryDate": "2026-01-15",
        "events": [
            {"eventCode": "OF"},
            {"eventCode": "OF", "uniqueMailPieceID": "8"},
            {"eventCode": "OF", "trackingNumber": "9400100000000000000002"},
            {"eventCode": "OF", "trackingNumber": "9400100000000000000003", "expectedDeliveryDate": "2026-01-16"},
        ],
    });
    let parcels = read(&body.to_string());
    let days: Vec<_> = parcels
        .iter()
        .map(|parcel| parcel.estimated_delivery.map(|expected| expected.date().to_string()))
        .collect();
    assert_eq!(days, [Some("2026-01-15".to_owned()), None, None, Some("2026-01-16".to_owned())]);
    let stranger = json!({
        "trackingNumber": "1", "statusCategory": "Delivered",
        "events": [{"trackingNumber": "2", "eventType": "On its last mile"}],
    });
    assert_eq!(read(&stranger.to_string())[0].scans[0].meaning, Meaning::Unknown);
}
