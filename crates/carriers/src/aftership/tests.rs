//! Parsing of AfterShip's pushes, with the samples.

mod milestones;

use chrono::TimeDelta;
use domain::{ConditionKind, ShipmentStatus::*};
use serde_json::json;

use super::*;
use crate::simulate::tests::{history, simulated_scan};
use crate::time::tests::local;

const HISTORY: &str = include_str!("../../samples/aftership_history.json");
const REVISED: &str = include_str!("../../samples/aftership_edd_revise.json");
const ANOTHER: &str = include_str!("../../samples/aftership_another_carrier.json");

fn secrets<const N: usize>(secrets: [&str; N]) -> Secrets {
    Secrets::new(secrets.map(str::to_owned)).unwrap()
}

fn sign(secret: &str, body: &[u8]) -> String {
    Aftership.sign(&secrets([secret]), body, DateTime::UNIX_EPOCH).remove(0).1
}

fn read(body: &str) -> Parcel {
    read_with(body, "")
}

fn read_with(body: &str, remap: &str) -> Parcel {
    match Aftership.parse(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(mut parcels, _)) if parcels.len() == 1 => parcels.remove(0),
        other => panic!("{other:?}"),
    }
}

/// The scan of a push with this one checkpoint.
fn checkpoint(checkpoint: Value) -> ParsedScan {
    let body = json!({"event": "tracking_update", "msg": {
        "tracking_number": "1", "slug": "ups", "checkpoints": [checkpoint],
    }});
    let mut parcel = read(&body.to_string());
    assert_eq!(parcel.scans.len(), 1);
    parcel.scans.remove(0)
}

fn identities(body: &str) -> Vec<domain::ScanIdentity> {
    read(body).scans.iter().map(|scan| scan.identity).collect()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn instant(text: &str) -> CarrierTime {
    CarrierTime::Instant(at(text))
}

#[test]
fn a_signature_is_base64_of_the_hmac_of_the_body() {
    let headers =
        Aftership.sign(&secrets(["as-secret"]), br#"{"event":"tracking_update"}"#, DateTime::UNIX_EPOCH);
    let expected = "bMuD6ELioB39xlrLRrpfieOfOGpEUkNgXXSwxU3l1oo=";
    assert_eq!(headers, [("aftership-hmac-sha256".to_owned(), expected.to_owned())]);
}

#[test]
fn only_the_signed_bytes_under_a_known_secret_are_believed() {
    let scans = [simulated_scan(Meaning::Status(Delivered), 1)];
    let body = Aftership.simulate(&history(Sender::Aftership, &scans)).remove(0);
    let signature = sign("old", &body);
    let check = |secrets: Secrets, signature: &[u8], body: &[u8]| {
        let headers = [("AfterShip-Hmac-Sha256", signature)];
        Aftership.verify(&secrets, &Request { at: DateTime::UNIX_EPOCH, query: "", headers: &headers, body })
    };
    assert_eq!(check(secrets(["old"]), signature.as_bytes(), &body), Ok(()));
    assert_eq!(check(secrets(["new", "old"]), signature.as_bytes(), &body), Ok(()), "the second of two");
    assert_eq!(check(secrets(["new"]), signature.as_bytes(), &body), Err(Refused::Mismatch));
    for index in 0..body.len() {
        let mut changed = body.clone();
        changed[index] ^= 1;
        assert_eq!(
            check(secrets(["old"]), signature.as_bytes(), &changed),
            Err(Refused::Mismatch),
            "{index}"
        );
    }
    for (value, refused) in [
        (sign("foreign", &body).as_bytes(), Refused::Mismatch),
        (&signature.as_bytes()[..40], Refused::MalformedHeader("aftership-hmac-sha256")),
        (b"not base64!", Refused::MalformedHeader("aftership-hmac-sha256")),
        (b"", Refused::MissingHeader("aftership-hmac-sha256".to_owned())),
    ] {
        assert_eq!(check(secrets(["old"]), value, &body), Err(refused));
    }
    let unsigned = Request { at: DateTime::UNIX_EPOCH, query: "", headers: &[], body: &body };
    let missing = Refused::MissingHeader("aftership-hmac-sha256".to_owned());
    assert_eq!(Aftership.verify(&secrets(["old"]), &unsigned), Err(missing));
}

#[test]
fn a_push_has_an_id_and_a_composed_one_has_its_own() {
    assert_eq!(
        Aftership.push_id(HISTORY.as_bytes()).as_deref(),
        Some("94dadd60-3c1e-4c59-9a53-7f2b0f1f6a10")
    );
    for none in ["hello", "{}", r#"{"event_id": ""}"#] {
        assert_eq!(Aftership.push_id(none.as_bytes()), None);
    }
    let scans =
        [simulated_scan(Meaning::Status(InTransit), 1), simulated_scan(Meaning::Status(Delivered), 2)];
    let id = |history: SimulatedHistory<'_>| {
        Aftership.push_id(&Aftership.simulate(&history).remove(0)).expect("an id")
    };
    let whole = history(Sender::Aftership, &scans);
    let part = history(Sender::Aftership, &scans[1..]);
    let later = SimulatedHistory { sent_at: whole.sent_at + TimeDelta::seconds(1), ..whole };
    assert_eq!(id(whole), id(whole));
    assert_ne!(id(whole), id(part));
    assert_ne!(id(whole), id(later));
    assert_eq!(id(whole).split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
}

#[test]
fn every_checkpoint_is_a_scan() {
    let parcel = read(HISTORY);
    assert_eq!(
        (parcel.tracking_number.carrier(), &*parcel.tracking_number),
        (Carrier::USPS, "9400100000000000000001")
    );
    let read: Vec<_> =
        parcel.scans.iter().map(|scan| (scan.code.as_str(), scan.meaning, scan.time)).collect();
    assert_eq!(
        read,
        [
            ("InfoReceived_001", Meaning::Status(LabelCreated), local("2026-01-12T00:00:00")),
            ("InTransit_002", Meaning::Status(PickedUp), instant("2026-01-13T00:10:00Z")),
            ("InTransit_077", Meaning::Status(InTransit), local("2026-01-14T22:03:00")),
            ("Exception_012", Meaning::Condition(ConditionKind::Damaged), CarrierTime::Untrusted),
            ("OutForDelivery_001", Meaning::Status(OutForDelivery), instant("2026-01-15T13:10:00Z")),
        ]
    );
    let places: Vec<_> = parcel.scans.iter().map(|scan| scan.location.as_deref()).collect();
    assert_eq!(
        places,
        [
            Some("AUSTIN, TX, USA"),
            Some("AUSTIN, TX, USA"),
            Some("TAMPA FL DISTRIBUTION CENTER, USA"),
            None,
            Some("HERNANDO, FL, USA"),
        ]
    );
    assert_eq!(parcel.scans[1].description.as_deref(), Some("Accepted at USPS Origin Facility"));
    assert_eq!(parcel.estimated_delivery, "2026-01-15".parse().ok(), "the carrier's goes first");
    assert_eq!(parcel.pushed_at, Some(at("2026-01-15T13:20:00Z")));
}

#[test]
fn only_a_time_with_an_offset_is_trusted() {
    for (time, expected) in [
        ("2026-01-15T08:10:00-05:00", instant("2026-01-15T13:10:00Z")),
        ("2026-01-15T13:10:00+00:00", instant("2026-01-15T13:10:00Z")),
        ("2026-01-15T08:10:00", local("2026-01-15T08:10:00")),
        ("2026-01-15T00:00:00Z", local("2026-01-15T00:00:00")),
        ("2026-01-15", local("2026-01-15T00:00:00")),
        ("", CarrierTime::Untrusted),
        ("soon", CarrierTime::Untrusted),
    ] {
        let scan = checkpoint(json!({"tag": "InTransit", "checkpoint_time": time}));
        assert_eq!(scan.time, expected, "{time}");
    }
}

#[test]
fn without_checkpoints_the_roll_up_is_the_scan() {
    let mut body: Value = serde_json::from_str(HISTORY).unwrap();
    for none in [json!([]), Value::Null, json!([{}, 7])] {
        body["msg"]["checkpoints"] = none;
        let parcel = read(&body.to_string());
        let [scan] = &parcel.scans[..] else { panic!("{parcel:?}") };
        assert_eq!(
            (scan.code.as_str(), scan.meaning),
            ("OutForDelivery_001", Meaning::Status(OutForDelivery))
        );
        assert_eq!(scan.time, CarrierTime::Untrusted);
    }
    body["msg"]["tag"] = Value::Null;
    body["msg"]["subtag"] = json!("");
    let push = Aftership.parse(body.to_string().as_bytes(), &CodeMap::default());
    let Ok(Push::Parcels(parcels, None)) = push else { panic!("{push:?}") };
    assert_eq!(parcels[0].scans[0].code, "estimate", "only the estimate is left");
    body["msg"].as_object_mut().unwrap().retain(|field, _| !field.contains("delivery"));
    let push = Aftership.parse(body.to_string().as_bytes(), &CodeMap::default());
    assert_eq!(push, Ok(Push::Parcels(Vec::new(), None)));
}

#[test]
fn a_tag_of_the_parcel_that_says_more_than_its_checkpoints_is_a_scan_too() {
    let scans = |tag: &str| {
        let body = json!({"event": "tracking_update", "msg": {
            "tracking_number": "1", "slug": "ups", "tag": tag, "subtag": format!("{tag}_001"), "subtag_message": "Said",
            "checkpoints": [{"tag": "InTransit", "subtag": "InTransit_003", "checkpoint_time": "2026-01-15T13:10:00Z"}],
        }});
        read(&body.to_string()).scans
    };
    for (tag, meaning) in [
        ("Delivered", Meaning::Status(Delivered)),
        ("Exception", Meaning::Condition(ConditionKind::Other)),
        ("AttemptFail", Meaning::Condition(ConditionKind::DeliveryAttemptFailed)),
    ] {
        let read = scans(tag);
        let [_, latest] = &read[..] else { panic!("{tag}: {read:?}") };
        assert_eq!((latest.meaning, latest.time), (meaning, local("2026-01-15T13:10:00")), "{tag}");
        assert_eq!(latest.description.as_deref(), Some("Said"));
        assert_eq!(scans(tag)[1].identity, latest.identity);
    }
    for tag in ["InTransit", "InfoReceived", "Expired", "Pending", "Teleported"] {
        assert_eq!(scans(tag).len(), 1, "{tag}");
    }
}

#[test]
fn a_revised_estimate_and_a_long_silence_move_nothing() {
    let parcel = read(REVISED);
    let [scan] = &parcel.scans[..] else { panic!("{parcel:?}") };
    assert_eq!((scan.code.as_str(), scan.meaning), ("edd_revise", Meaning::Informational));
    assert_eq!(scan.time, instant("2026-01-15T18:00:00Z"), "`ts`, as a text");
    assert_eq!(parcel.estimated_delivery, "2026-01-17".parse().ok());
    // The revised estimate is newer than the estimate in the history.
    let arrival = at("2026-01-16T00:00:00Z");
    let estimate = |parcel: Parcel| parcel.into_scans(arrival).into_iter().find_map(|scan| scan.estimate);
    assert!(estimate(read(REVISED)) > estimate(read(HISTORY)));

    // The carrier's date goes before AfterShip's own, also where only that one was revised.
    let both = REVISED.replace(r#""expected_delivery": null"#, r#""expected_delivery": "2026-01-15""#);
    assert_ne!(both, REVISED);
    for event in ["edd_revise", "tracking_update", "tracking_pending_time"] {
        let update = both.replace("edd_revise", event);
        assert_eq!(read(&update).estimated_delivery, "2026-01-15".parse().ok(), "{event}");
    }

    let pending = REVISED.replace("edd_revise", "tracking_pending_time");
    let scan = read(&pending).scans.remove(0);
    assert_eq!((scan.code.as_str(), scan.meaning), ("tracking_pending_time", Meaning::Informational));
    assert_ne!(scan.identity, identities(REVISED)[0]);
    assert_ne!(identities(&REVISED.replace("1768500000", "1768500001")), identities(REVISED));
    // The merchant's meanings do not apply to this event.
    let configured = read_with(REVISED, "aftership.edd_revise=delivered,aftership.Delivered_001=lost");
    assert_eq!(configured.scans[0].meaning, Meaning::Informational);
    // A time that is not valid, is in milliseconds or is missing.
    for ts in ["1768500000000", "-99999999999999", "soon", ""] {
        let parcel = read(&REVISED.replace("1768500000", ts));
        assert_eq!((parcel.scans[0].time, parcel.pushed_at), (CarrierTime::Untrusted, None), "{ts}");
    }
}

#[test]
fn of_several_estimates_the_carriers_goes_first() {
    let estimate = |fields: Value| {
        let mut body = json!({"event": "edd_revise", "ts": 1768500000, "msg": fields});
        (body["msg"]["slug"], body["msg"]["tracking_number"]) = (json!("ups"), json!("1"));
        read(&body.to_string()).estimated_delivery.map(|expected| expected.date().format("%d").to_string())
    };
    let own = json!({"estimated_delivery_date": "2026-01-17"});
    let carriers = json!({"estimated_delivery_date": "2026-01-15T17:00:00-05:00"});
    let latest = |source: &str| json!({"source": source, "datetime": "2026-01-16T10:00:00-05:00"});
    for (fields, day) in [
        (
            json!({"courier_estimated_delivery_date": carriers, "aftership_estimated_delivery_date": own}),
            "15",
        ),
        (
            json!({"courier_estimated_delivery_date": carriers, "latest_estimated_delivery": latest("Carrier EDD")}),
            "16",
        ),
        (
            json!({"courier_estimated_delivery_date": carriers, "latest_estimated_delivery": latest("AfterShip EDD")}),
            "15",
        ),
        (
            json!({"latest_estimated_delivery": latest("AfterShip EDD"), "aftership_estimated_delivery_date": own}),
            "16",
        ),
        (
            json!({"latest_estimated_delivery": latest("Carrier EDD"), "aftership_estimated_delivery_date": own}),
            "16",
        ),
        (
            json!({"latest_estimated_delivery": {"source": "Carrier EDD", "type": "range", "datetime_max": "2026-01-14"}}),
            "14",
        ),
        (json!({"courier_estimated_delivery_date": "2026-01-13", "latest_estimated_delivery": null}), "13"),
        (json!({"aftership_estimated_delivery_date": own}), "17"),
    ] {
        assert_eq!(estimate(fields.clone()).as_deref(), Some(day), "{fields}");
    }
}

#[test]
fn without_a_city_the_place_is_the_carriers_text() {
    let place = |checkpoint_fields: Value| checkpoint(checkpoint_fields).location;
    for (fields, expected) in [
        (
            json!({"tag": "InTransit", "city": null, "location": "NARITA-SHI JP", "country_iso3": "JPN"}),
            "NARITA-SHI JP",
        ),
        (
            json!({"tag": "InTransit", "city": "Springfield", "state": "IL", "country_region": "USA", "location": "SPRINGFIELD"}),
            "Springfield, IL, USA",
        ),
        (json!({"tag": "InTransit", "city": null, "location": null, "country_iso3": "JPN"}), "JPN"),
        (
            json!({"tag": "InTransit", "city": "Springfield, IL, US", "country_iso3": "USA"}),
            "Springfield, IL, US",
        ),
    ] {
        assert_eq!(place(fields.clone()).as_deref(), Some(expected), "{fields}");
    }
}

#[test]
fn what_is_no_parcel_we_follow_is_told_in_words() {
    assert_eq!(
        read(&HISTORY.replace(r#""slug": "usps""#, r#""slug": "dhl-germany""#)).tracking_number.carrier(),
        Carrier::DHL
    );
    let remark = |body: &str| Aftership.parse(body.as_bytes(), &CodeMap::default());
    assert_eq!(read(ANOTHER).tracking_number.carrier().as_str(), "canada_post");
    assert_eq!(
        remark(&HISTORY.replace("tracking_update", "courier_added")),
        Ok(Push::Remark("`courier_added` says nothing about where a parcel is".into()))
    );
}

#[test]
fn the_same_checkpoint_has_the_same_identity_in_every_push() {
    let first = identities(HISTORY);
    assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
    let retold = HISTORY
        .replace("HERNANDO", "Hernando")
        .replace("\"message\": \"Out for Delivery\"", "\"message\": \"Soon\"")
        .replace("94dadd60", "94dadd61")
        .replace("13:12:00+00:00", "14:12:00+00:00")
        .replace("\"zip\": \"78701\"", "\"postal_code\": 78701")
        .replace("\"raw_tag\": \"OA\"", "\"raw_tag\": \"oa\"")
        .replace("\"OutForDelivery_001\"", "\"outfordelivery_001\"")
        .replace("\"raw_tag\": 10", "\"raw_tag\": \"10\"");
    assert_ne!(retold, HISTORY);
    assert_eq!(identities(&retold), first);
    for (sent, other, changed) in [
        ("2026-01-15T08:10:00-05:00", "2026-01-15T08:11:00-05:00", vec![4]),
        ("\"2026-01-12\"", "\"2026-01-13\"", vec![0]),
        ("\"OA\"", "\"03\"", vec![1]),
        ("InTransit_077", "InTransit_003", vec![2]),
        ("9400100000000000000001", "9400100000000000000002", vec![0, 1, 2, 3, 4]),
    ] {
        let other = identities(&HISTORY.replace(sent, other));
        let differ: Vec<_> = (0..5).filter(|index| other[*index] != first[*index]).collect();
        assert_eq!(differ, changed, "{sent}");
    }
}

#[test]
fn the_setting_names_the_subtag_or_the_tag_where_there_is_none() {
    let held = Meaning::Condition(ConditionKind::Held);
    let last = |remap: &str| read_with(HISTORY, remap).scans.remove(4);
    assert_eq!(last("aftership.OutForDelivery_001=held").meaning, held);
    assert_eq!(last("aftership.outfordelivery_001=held").meaning, held);
    assert_eq!(last("aftership.OutForDelivery_001=held").identity, identities(HISTORY)[4]);
    for other in ["aftership.OutForDelivery=held", "aftership.OF=held", "usps.OutForDelivery_001=held"] {
        assert_eq!(last(other).meaning, Meaning::Status(OutForDelivery), "{other}");
    }
    let untagged = HISTORY.replace("\"OutForDelivery_001\"", "\"\"");
    let scan = read_with(&untagged, "aftership.OutForDelivery=held").scans.remove(4);
    assert_eq!((scan.code.as_str(), scan.meaning), ("OutForDelivery", held));
    assert_eq!(checkpoint(json!({"checkpoint_time": "2026-01-15"})).code, "-");
}

#[test]
fn a_composed_push_can_be_about_any_carrier() {
    let scans = [simulated_scan(Meaning::Status(InTransit), 1)];
    for carrier in [Carrier::FEDEX, Carrier::UPS, Carrier::USPS, Carrier::DHL] {
        let simulated = SimulatedHistory { carrier, ..history(Sender::Aftership, &scans) };
        let body = String::from_utf8(Aftership.simulate(&simulated).remove(0)).unwrap();
        let parcel = read(&body);
        assert_eq!((parcel.tracking_number.carrier(), parcel.pushed_at), (carrier, Some(simulated.sent_at)));
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let reason = |body: &str| Aftership.parse(body.as_bytes(), &CodeMap::default()).unwrap_err().to_string();
    assert!(reason("hello").starts_with("not JSON: expected value at line 1"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    for no_message in ["{}", r#"{"event": "track_updated", "data": {}}"#, r#"{"event": "x", "msg": "y"}"#] {
        assert_eq!(reason(no_message), "`msg` is missing");
    }
    assert_eq!(reason(r#"{"msg": {}}"#), "`event` is missing");
    for event in ["tracking_update", "edd_revise", "tracking_pending_time"] {
        let message = |msg: Value| json!({"event": event, "msg": msg}).to_string();
        assert_eq!(reason(&message(json!({}))), "`msg.slug` is missing");
        assert_eq!(reason(&message(json!({"slug": "ups"}))), "`msg.tracking_number` is missing");
        let long = "9".repeat(65);
        assert!(reason(&message(json!({"slug": "ups", "tracking_number": long}))).contains("more than 64"));
    }
}

#[test]
fn the_time_of_a_pickup_of_fedex_is_not_believed_whoever_tells_it() {
    let time = |slug: &str, raw: &str| {
        let body = json!({"event": "tracking_update", "msg": {"tracking_number": "1", "slug": slug, "checkpoints": [
            {"tag": "InTransit", "subtag": "InTransit_002", "raw_tag": raw, "checkpoint_time": "2026-01-15T14:25:00-05:00"},
        ]}});
        read(&body.to_string()).scans[0].time
    };
    assert_eq!([time("fedex", "PU"), time("fedex", "px")], [local("2026-01-15T14:25:00"); 2]);
    let believed = instant("2026-01-15T19:25:00Z");
    assert_eq!([time("fedex", "AR"), time("fedex", ""), time("usps", "PU")], [believed; 3]);
}
