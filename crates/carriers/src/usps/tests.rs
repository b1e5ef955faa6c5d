//! USPS's pushes: what is accepted as proof, and what the samples say.

use chrono::TimeDelta;
use domain::{ConditionKind, ShipmentStatus::*};
use serde_json::json;

use super::*;
use crate::{
    compose::tests::{history, told as scanned},
    signature::hmac_sha256,
};

const HISTORY: &str = include_str!("../../samples/usps_history.json");
const UNWRAPPED: &str = include_str!("../../samples/usps_unwrapped.json");
const FLAT: &str = include_str!("../../samples/usps_flat.json");
const EVENTS: &str = include_str!("../../samples/usps_events.json");
const CHALLENGE: &str = include_str!("../../samples/usps_challenge.json");
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn secrets<const N: usize>(secrets: [&str; N]) -> Secrets {
    Secrets::new(secrets.map(str::to_owned)).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn hmac(message: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(hmac_sha256(SECRET, message.as_bytes()))
}

/// What is answered to a body with these headers, at that time.
fn check(secrets: &Secrets, at: DateTime<Utc>, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Refused> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    Usps.verify(secrets, &Request { at, query: "", headers: &headers, body })
}

/// A composed body, when it was sent, and its signature.
fn composed() -> (Vec<u8>, DateTime<Utc>, String) {
    let scans = [LabelCreated, OutForDelivery].map(Meaning::Status);
    let scans: Vec<_> = scans.into_iter().zip(0..).map(|(meaning, hour)| scanned(meaning, hour)).collect();
    let history = history(Sender::Usps, &scans);
    let body = Usps.compose(&history).remove(0);
    let mut headers = Usps.sign(&secrets([SECRET]), &body, history.sent_at);
    assert_eq!(headers.len(), 1, "the time is in the body");
    (body, history.sent_at, headers.remove(0).1)
}

fn read(body: &str) -> Vec<Parcel> {
    read_with(body, "")
}

fn read_with(body: &str, remap: &str) -> Vec<Parcel> {
    match Usps.parse(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(parcels)) => parcels,
        other => panic!("{other:?}"),
    }
}

/// The only scan of an answer with that event in it.
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
fn a_signature_covers_two_texts_of_the_envelope_after_unescaping() {
    let (now, expected) = (at("2026-01-15T14:33:00Z"), "xCozjBINE40i1OxTmdTlrwPuGuPoC6u2qYwJGKJzSYE=");
    let payload = r#"{"trackingNumber":"TEST1","status":"Delivered"}"#;
    let body = json!({"timestamp": "2026-01-15T14:30:00Z", "payload": payload}).to_string();
    assert_eq!(
        Usps.sign(&secrets([SECRET]), body.as_bytes(), now),
        [("x-hmac".to_owned(), expected.to_owned())]
    );
    // The same texts, written in another way and with something beside them.
    let escaped = payload.replace('"', "\\u0022");
    let escaped =
        format!("{{ \"links\": [],\n\"payload\": \"{escaped}\", \"timestamp\": \"2026-01-15T14:30:00Z\"}}");
    for body in [&body, &escaped] {
        for header in ["X-HMAC", "hmac-header"] {
            assert_eq!(
                check(&secrets([SECRET]), now, &[(header, expected)], body.as_bytes()),
                Ok(()),
                "{body}"
            );
        }
    }
}

#[test]
fn one_byte_of_the_signed_texts_or_of_the_signature_refuses_the_push() {
    let (body, now, signature) = composed();
    let ours = secrets([SECRET]);
    assert_eq!(check(&ours, now, &[("X-HMAC", &signature)], &body), Ok(()));
    let signed = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).ok()?;
        Some((body.get("timestamp")?.clone(), body.get("payload")?.clone()))
    };
    let (original, mut refused) = (signed(&body), 0);
    for index in 0..body.len() {
        let mut changed = body.clone();
        changed[index] ^= 1;
        if signed(&changed) != original {
            assert_eq!(
                check(&ours, now, &[("X-HMAC", &signature)], &changed),
                Err(Refused::Mismatch),
                "{index}"
            );
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused} of {}", body.len());
    for index in 0..signature.len() {
        let mut changed = signature.clone().into_bytes();
        changed[index] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert!(check(&ours, now, &[("X-HMAC", &changed)], &body).is_err(), "{index}");
    }
}

#[test]
fn a_missing_foreign_or_old_signature_is_refused() {
    let (body, now, signature) = composed();
    let check = |secrets: &Secrets, at, signature: &str| check(secrets, at, &[("x-hmac", signature)], &body);
    assert_eq!(check(&secrets(["another", SECRET]), now, &signature), Ok(()), "the second of two secrets");
    assert_eq!(check(&secrets([SECRET, "another"]), now, &signature), Ok(()));
    assert_eq!(check(&secrets(["another"]), now, &signature), Err(Refused::Mismatch));
    assert_eq!(check(&secrets([SECRET]), now, "AAAA"), Err(Refused::Mismatch));
    assert_eq!(check(&secrets([SECRET]), now, "not base64!"), Err(Refused::MalformedHeader("x-hmac")));
    assert_eq!(check(&secrets([SECRET]), now, ""), Err(Refused::MissingHeader("x-hmac".to_owned())));
    for (minutes, expected) in [
        (5, Ok(())),
        (-5, Ok(())),
        (6, Err(Refused::Stale(now))),
        (-6, Err(Refused::Stale(now))),
        (60 * 24 * 30, Err(Refused::Stale(now))),
    ] {
        let arrival = now + TimeDelta::minutes(minutes);
        assert_eq!(check(&secrets([SECRET]), arrival, &signature), expected, "{minutes}");
        assert_eq!(check(&secrets(["another"]), arrival, &signature), Err(Refused::Mismatch));
    }
}

#[test]
fn what_an_envelope_does_not_sign_proves_nothing() {
    let now = at("2026-01-15T14:33:00Z");
    let check = |message: &str, body: Value| {
        check(&secrets([SECRET]), now, &[("x-hmac", &hmac(message))], body.to_string().as_bytes())
    };
    let (time, events) = ("2026-01-15T14:30:00Z", json!([{"eventCode": "01"}]));
    // Signed is the time alone, and that says nothing of events beside it.
    for payload in [Value::Null, json!({"trackingEvents": events}), json!(7)] {
        let body =
            json!({"timestamp": time, "payload": payload, "trackingNumber": "1", "trackingEvents": events});
        assert_eq!(check(time, body), Err(Refused::Mismatch));
    }
    assert_eq!(check("", json!({"trackingNumber": "1", "trackingEvents": events})), Err(Refused::Mismatch));
    assert_eq!(check("{}", json!({"payload": "{}"})), Err(Refused::Mismatch));
    assert_eq!(check("soon{}", json!({"timestamp": "soon", "payload": "{}"})), Err(Refused::Undated));
    let local = "2026-01-15T14:30:00";
    assert_eq!(
        check(&format!("{local}{{}}"), json!({"timestamp": local, "payload": "{}"})),
        Err(Refused::Undated)
    );
    // What stands beside a signed payload is not read.
    let body = json!({"timestamp": time, "payload": "", "trackingNumber": "1", "trackingEvents": events});
    assert_eq!(check(time, body.clone()), Ok(()));
    assert!(reason(&body.to_string()).starts_with("in `payload`: not JSON"));
}

#[test]
fn a_push_without_envelope_is_proved_by_a_time_in_a_header_and_the_whole_body() {
    let now = at("2026-01-15T14:30:00Z");
    let headers = Usps.sign(&secrets([SECRET]), FLAT.as_bytes(), now);
    let [(_, time), (_, signature)] = &headers[..] else { panic!("{headers:?}") };
    assert_eq!((time.as_str(), signature), ("2026-01-15T14:30:00Z", &hmac(&format!("{time}{FLAT}"))));
    let check = |at, time: &str, signature: &str, body: &str| {
        let headers = [("X-Timestamp", time), ("X-HMAC", signature)];
        check(&secrets(["another", SECRET]), at, &headers, body.as_bytes())
    };
    assert_eq!(check(now, time, signature, FLAT), Ok(()));
    assert_eq!(check(now, time, signature, &FLAT.replace("HERNANDO", "HERNANDA")), Err(Refused::Mismatch));
    assert_eq!(check(now, "2026-01-15T14:30:01Z", signature, FLAT), Err(Refused::Mismatch));
    assert_eq!(check(now + TimeDelta::minutes(6), time, signature, FLAT), Err(Refused::Stale(now)));
    assert_eq!(check(now, "today", &hmac(&format!("today{FLAT}")), FLAT), Err(Refused::Undated));
    assert_eq!(check(now, "", &hmac(FLAT), FLAT), Err(Refused::Mismatch), "no time at all");
}

#[test]
fn a_challenge_is_repeated_and_may_be_signed_in_either_way() {
    let now = at("2026-01-15T14:33:00Z");
    let check = |message: &str, body: &str| {
        check(&secrets([SECRET]), now, &[("x-hmac", &hmac(message))], body.as_bytes())
    };
    assert_eq!(Usps.challenge(CHALLENGE.as_bytes()).as_deref(), Some("c2F5IGl0IGFnYWlu"));
    assert_eq!(check(CHALLENGE, CHALLENGE), Ok(()), "the body");
    assert_eq!(check("", CHALLENGE), Ok(()), "its texts, of which there are none");
    assert_eq!(check("x", CHALLENGE), Err(Refused::Mismatch));
    let dated = r#"{"challenge": "a  b", "timestamp": "2026-01-15T14:30:00Z", "payload": ""}"#;
    assert_eq!(Usps.challenge(dated.as_bytes()).as_deref(), Some("a  b"));
    assert_eq!(check("2026-01-15T14:30:00Z", dated), Ok(()));
    assert_eq!(check(dated, dated), Ok(()));
    assert_eq!(check("", dated), Err(Refused::Mismatch));
    let old = dated.replace("14:30", "13:30");
    assert_eq!(check(&old, &old), Err(Refused::Stale(at("2026-01-15T13:30:00Z"))));

    // Both are for a challenge alone: neither the body by itself nor nothing at all proves a push.
    for body in [FLAT, HISTORY, "{}", r#"{"challenge": ""}"#, r#"{"challenge": null}"#, "hello"] {
        assert_eq!(Usps.challenge(body.as_bytes()), None, "{body}");
        assert_eq!(check(body, body), Err(Refused::Mismatch), "{body}");
        assert_eq!(check("", body), Err(Refused::Mismatch), "{body}");
    }
    // And a challenge claims nothing, whatever is in it.
    let mut claims: Value = serde_json::from_str(UNWRAPPED).unwrap();
    claims["challenge"] = json!(7);
    let push = Usps.parse(claims.to_string().as_bytes(), &CodeMap::default());
    assert_eq!(push, Ok(Push::Remark("USPS asks whether somebody listens here".into())));
    assert_eq!(Usps.challenge(claims.to_string().as_bytes()).as_deref(), Some("7"));
}

#[test]
fn a_history_is_read_event_by_event() {
    let [parcel] = &read(HISTORY)[..] else { panic!("one parcel") };
    assert_eq!(parcel.carrier, Carrier::Usps);
    assert_eq!(parcel.tracking_number, "9400100000000000000001");
    assert_eq!(parcel.package.as_deref(), Some("70011223344"), "a number is a text");
    let read: Vec<_> =
        parcel.scans.iter().map(|scan| (scan.code.as_str(), scan.meaning, scan.time)).collect();
    assert_eq!(
        read,
        [
            ("OF", Meaning::Status(OutForDelivery), instant("2026-01-15T13:10:22Z")),
            ("07", Meaning::Status(InTransit), instant("2026-01-15T10:41:00Z")),
            ("10", Meaning::Status(InTransit), CarrierTime::Untrusted),
            ("Q9", Meaning::Unknown, instant("2026-01-14T02:00:41Z")),
            ("GX", Meaning::Status(LabelCreated), instant("2026-01-12T20:30:05Z")),
        ]
    );
    assert_eq!(parcel.scans[0].location.as_deref(), Some("HERNANDO, FL"));
    assert_eq!(parcel.scans[2].location.as_deref(), Some("TAMPA FL DISTRIBUTION CENTER"));
    assert_eq!(parcel.scans[0].description.as_deref(), Some("Out for Delivery"));
    assert_eq!(parcel.estimated_delivery, Some(at("2026-01-15T12:00:00Z")));
    assert_eq!(parcel.said_at, Some(at("2026-01-15T14:32:07Z")));
}

#[test]
fn the_answer_is_read_with_its_envelope_without_it_and_unpacked() {
    let enveloped = read(HISTORY).remove(0);
    let mut unpacked: Value = serde_json::from_str(HISTORY).unwrap();
    unpacked["payload"] = serde_json::from_str(UNWRAPPED).unwrap();
    assert_eq!(read(&unpacked.to_string()), std::slice::from_ref(&enveloped));
    assert_eq!(read(UNWRAPPED), [Parcel { said_at: None, ..enveloped }]);
}

#[test]
fn a_flat_push_is_one_event() {
    let [parcel] = &read(FLAT)[..] else { panic!("one parcel") };
    assert_eq!(parcel.tracking_number, "9400100000000000000001", "without 420 and the ZIP code");
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
            (parcel.tracking_number.as_str(), meanings)
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
    assert_eq!(meanings(json!([strange])), [Meaning::Status(OutForDelivery)]);
    assert_eq!(meanings(json!([strange, strange])), [Meaning::Unknown; 2]);
    // A code that nobody has listed is not guessed at.
    assert_eq!(meanings(json!([{"eventCode": "Q9"}])), [Meaning::Unknown]);
    assert_eq!(event(json!({"GMTTimestamp": "2026-01-15T13:10:22Z"})).code, "-");
}

#[test]
fn a_local_time_counts_with_its_offset_only() {
    let local = "2026-01-15T08:10:00";
    for (event_time, gmt, offset, expected) in [
        (local, "2026-01-15T13:10:22Z", "-05:00", Some("2026-01-15T13:10:22Z")),
        (local, "2026-01-15T13:10:22Z", "", Some("2026-01-15T13:10:22Z")),
        (local, "", "-05:00", Some("2026-01-15T13:10:00Z")),
        (local, "", "-0500", Some("2026-01-15T13:10:00Z")),
        (local, "2026-01-15T13:10:22", "-05:00", Some("2026-01-15T13:10:00Z")),
        ("2026-01-15T08:10", "", "-05:00", Some("2026-01-15T13:10:00Z")),
        ("2026-01-15T08:10:00-05:00", "", "", Some("2026-01-15T13:10:00Z")),
        (local, "", "", None),
        (local, "2026-01-15T13:10:22", "", None),
        // Local, whatever the letter says.
        ("2026-01-15T08:10:00Z", "", "-05:00", None),
        ("", "", "-05:00", None),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "+00:00", None),
    ] {
        let scan = event(json!({
            "eventCode": "OF", "eventTimestamp": event_time, "GMTTimestamp": gmt, "GMTOffset": offset,
        }));
        let expected = expected.map_or(CarrierTime::Untrusted, instant);
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
    // The spelling of a type does not matter, and neither does a barcode's routing.
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
fn a_scanned_barcode_loses_its_routing_and_nothing_else_does() {
    let number = |sent: &str| without_routing(sent.to_owned());
    let (short, long) = ("94001000000000000001", "9400100000000000000001");
    for rest in [short, long] {
        for zip in ["34442", "344421234", "90210", "902109999"] {
            assert_eq!(number(&format!("420{zip}{rest}")), rest, "{zip}");
        }
    }
    let kept = [
        long,
        "4203444294001000000000000",
        "420344428400100000000000000001",
        "42034442940010000000000000000A",
        "420",
        "4209400100000000",
        "LK123456789US",
    ];
    for sent in kept {
        assert_eq!(number(sent), sent);
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
    assert_eq!(estimate(&revised).expected, at("2026-01-16T12:00:00Z"));
    // Without an envelope it is as old as the newest event.
    assert_eq!(estimate(UNWRAPPED).said_at, at("2026-01-15T13:10:22Z"));

    let expected = |fields: Value| estimated_delivery(&fields);
    let stamped = json!({"expectedDeliveryTimeStamp": "2026-01-15T21:00:00-05:00", "expectedDeliveryDate": "2026-01-14"});
    assert_eq!(expected(stamped), Some(at("2026-01-16T02:00:00Z")));
    let naive = json!({"expectedDeliveryTimestamp": "2026-01-15T21:00:00"});
    assert_eq!(expected(naive), Some(at("2026-01-15T12:00:00Z")));
    let fallen_back = json!({"expectedDeliveryTimeStamp": "soon", "expectedDeliveryDate": "2026-01-14"});
    assert_eq!(expected(fallen_back), Some(at("2026-01-14T12:00:00Z")));
    assert_eq!(expected(json!({"expectedDeliveryDate": "", "expectedDeliveryTime": "21:00"})), None);
}

#[test]
fn what_cannot_be_read_is_named() {
    let no_form = "none of `payload`, `trackingEvents`, `events`, `eventType` is there";
    assert!(reason("hello").starts_with("not JSON: expected value at line 1"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    assert_eq!(reason("{}"), no_form);
    assert_eq!(reason(r#"{"trackingNumber": "1", "scanEventExtract": {}}"#), no_form);
    assert_eq!(reason(r#"{"trackingEvents": [{"eventCode": "01"}]}"#), "`trackingNumber` is missing");
    assert_eq!(reason(r#"{"payload": "[]"}"#), "in `payload`: the body is JSON, but no object");
    assert_eq!(reason(r#"{"payload": "{}"}"#), format!("in `payload`: {no_form}"));
    assert_eq!(reason(r#"{"payload": 7}"#), format!("in `payload`: {no_form}"));
    assert!(reason(r#"{"payload": "{\"trackingNumber\""}"#).starts_with("in `payload`: not JSON: EOF"));
    // A neighbour that can be read is not held up, and what says nothing is none.
    let mixed = r#"{"events": [{"eventCode": "01"}, {"trackingNumber": "1"}, 7, {"trackingNumber": "1", "eventCode": "01"}]}"#;
    assert_eq!(read(mixed).remove(0).scans.len(), 1);
    assert_eq!(read(r#"{"trackingNumber": "1", "trackingEvents": []}"#), []);
}
