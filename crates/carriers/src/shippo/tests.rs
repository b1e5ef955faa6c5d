//! Parsing of Shippo's pushes, with the samples.

use chrono::TimeDelta;
use domain::{
    CarrierTime, ConditionKind,
    Meaning::{Condition, Informational, Status},
    ShipmentStatus::*,
};

use super::*;
use crate::simulate::tests::{history, simulated_scan};
use crate::time::tests::local;

const UPS: &str = include_str!("../../samples/shippo_ups.json");
const DHL: &str = include_str!("../../samples/shippo_dhl.json");
const TRANSACTION: &str = include_str!("../../samples/shippo_transaction.json");

fn parsed(body: &str) -> Result<Push, Unreadable> {
    Shippo.parse(body.as_bytes(), &CodeMap::default())
}

fn parcel(body: &str) -> Parcel {
    parcel_with(body, "")
}

fn parcel_with(body: &str, remap: &str) -> Parcel {
    match Shippo.parse(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(mut parcels, _)) if parcels.len() == 1 => parcels.remove(0),
        other => panic!("{other:?}"),
    }
}

fn remark(body: &str) -> String {
    match parsed(body) {
        Ok(Push::Remark(remark)) => remark,
        other => panic!("{other:?}"),
    }
}

fn instant(text: &str) -> CarrierTime {
    CarrierTime::Instant(text.parse().unwrap())
}

fn secrets<const N: usize>(secrets: [&str; N]) -> Secrets {
    Secrets::new(secrets.map(str::to_owned)).unwrap()
}

const MAC: &str = "b8ce2e7620cfafd98d91593bc22d7805ccdf171caaecebb9f8c2d136ca8a52b6";
const BODY: &[u8] = br#"{"event":"track_updated"}"#;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn check(secrets: &Secrets, header: &str, body: &[u8], at: DateTime<Utc>) -> Result<(), Refused> {
    let headers = [("Shippo-Auth-Signature", header.as_bytes())];
    Shippo.verify(secrets, &Request { at, query: "token=shippo-secret", headers: &headers, body })
}

#[test]
fn a_signature_covers_its_time_and_the_body() {
    let secrets = secrets(["shippo-secret"]);
    let header = format!("t=1700000000,v1={MAC}");
    let now = at(1_700_000_000);
    assert_eq!(Shippo.sign(&secrets, BODY, now), [("shippo-auth-signature".to_owned(), header.clone())]);
    assert_eq!(check(&secrets, &header, BODY, now), Ok(()));
    assert_eq!(check(&secrets, &header, BODY, now + TimeDelta::minutes(5)), Ok(()));
    for late in [TimeDelta::seconds(301), TimeDelta::seconds(-301), TimeDelta::days(365)] {
        assert_eq!(check(&secrets, &header, BODY, now + late), Err(Refused::Stale(now)));
    }
    let other_time = format!("t=1700000001,v1={MAC}");
    assert_eq!(check(&secrets, &other_time, BODY, now), Err(Refused::Mismatch));
}

#[test]
fn the_parts_of_a_signature_come_in_any_order_and_number() {
    let (secrets, now, wrong) = (secrets(["shippo-secret"]), at(1_700_000_000), "0".repeat(64));
    for header in [
        format!("v1={MAC},t=1700000000"),
        format!(" v1={wrong} , t=1700000000 , v1={MAC} , v2=abc"),
        format!("t=1700000000,v1=not hex,v1={}", MAC.to_uppercase()),
        format!("nothing,t=1700000000,,v1={MAC}"),
    ] {
        assert_eq!(check(&secrets, &header, BODY, now), Ok(()), "{header}");
    }
    assert_eq!(check(&secrets, &format!("t=1700000000,v1={wrong}"), BODY, now), Err(Refused::Mismatch));
    for malformed in [
        format!("v1={MAC}"),
        "t=1700000000".to_owned(),
        "t=1700000000,v1=".to_owned(),
        format!("t=1700000000,v2={MAC}"),
        format!("t=soon,v1={MAC}"),
        format!("t=99999999999999999,v1={MAC}"),
        format!("t=1700000000,t=1700000000,v1={MAC}"),
        MAC.to_owned(),
    ] {
        let refused = check(&secrets, &malformed, BODY, now);
        assert_eq!(refused, Err(Refused::MalformedHeader("shippo-auth-signature")), "{malformed}");
    }
}

#[test]
fn a_composed_body_is_accepted_and_refused_with_any_byte_changed() {
    let scans = [simulated_scan(Status(LabelCreated), 0), simulated_scan(Status(OutForDelivery), 30)];
    let body = Shippo.simulate(&history(Sender::Shippo, &scans)).remove(0);
    let now = scans[1].at.to_utc();
    let header = Shippo.sign(&secrets(["old"]), &body, now).remove(0).1;
    assert_eq!(check(&secrets(["old"]), &header, &body, now), Ok(()));
    assert_eq!(check(&secrets(["new", "old"]), &header, &body, now), Ok(()));
    assert_eq!(check(&secrets(["new"]), &header, &body, now), Err(Refused::Mismatch));
    for index in 0..body.len() {
        let mut changed = body.clone();
        changed[index] ^= 1;
        assert_eq!(check(&secrets(["old"]), &header, &changed, now), Err(Refused::Mismatch), "{index}");
    }
}

#[test]
fn accounts_without_signatures_put_a_token_into_the_address() {
    let secrets = secrets(["new", "o+l d&=é"]);
    let check = |query: &str, headers: &[(&str, &[u8])]| {
        Shippo.verify(&secrets, &Request { at: at(0), query, headers, body: BODY })
    };
    for query in [
        "token=new",
        "a=b&token=new",
        "token=new&token=other",
        "token=o%2Bl%20d%26%3D%C3%A9",
        "token=o+l%20d%26=%c3%a9",
    ] {
        assert_eq!(check(query, &[]), Ok(()), "{query}");
    }
    for query in ["token=neW", "token=ne", "token=new2", "token=other&token=new", "token=%ff", "token=%"] {
        assert_eq!(check(query, &[]), Err(Refused::Mismatch), "{query}");
    }
    for query in ["", "token", "token=", "xtoken=new", "Token=new", "a=token=new"] {
        let missing = Err(Refused::MissingHeader("shippo-auth-signature".to_owned()));
        assert_eq!(check(query, &[]), missing, "{query}");
    }
    // If a signature is sent, it must be valid.
    let wrong = format!("t=0,v1={MAC}");
    assert_eq!(check("token=new", &[("shippo-auth-signature", wrong.as_bytes())]), Err(Refused::Mismatch));
}

#[test]
fn a_history_is_read_and_the_latest_state_counts_once() {
    let parcel = parcel(UPS);
    assert_eq!(
        (parcel.tracking_number.carrier(), &*parcel.tracking_number),
        (Carrier::UPS, "1Z999AA10123456784")
    );
    assert_eq!((&parcel.package, parcel.pushed_at), (&None, "2026-01-15T13:21:00Z".parse().ok()));
    let read: Vec<_> = parcel.scans.iter().map(|scan| (&*scan.code, scan.meaning, scan.time)).collect();
    assert_eq!(
        read,
        [
            ("PRE_TRANSIT", Status(LabelCreated), local("2026-01-12T14:12:30")),
            ("TRANSIT/rerouted", Condition(ConditionKind::Other), instant("2026-01-14T14:12:30Z")),
            ("TRANSIT/out_for_delivery", Status(OutForDelivery), instant("2026-01-15T13:02:00Z")),
        ]
    );
    assert_eq!(parcel.scans[0].location, None);
    assert_eq!(parcel.scans[1].description.as_deref(), Some("Somebody has to do something."));
    assert_eq!(parcel.scans[2].location.as_deref(), Some("Charlotte, NC, US"));
}

#[test]
fn an_eta_at_midnight_is_a_date_and_is_revised_by_later_pushes() {
    assert_eq!(parcel(UPS).estimated_delivery, Some("2026-01-15".parse().unwrap()));
    let timed = UPS.replace(r#""eta": "2026-01-15T00"#, r#""eta": "2026-01-15T20"#);
    assert_eq!(
        parcel(&timed).estimated_delivery,
        Some("2026-01-15T20:00:00+00:00/2026-01-15T20:00:00+00:00".parse().unwrap())
    );
    assert_eq!(parcel(DHL).estimated_delivery, None);

    let revised =
        UPS.replace(r#""eta": "2026-01-15"#, r#""eta": "2026-01-16"#).replace("T13:21:00", "T14:21:00");
    let arrival = "2026-01-15T15:00:00Z".parse().unwrap();
    let estimates = |body: &str| -> Vec<_> {
        parcel(body).into_scans(arrival).into_iter().filter_map(|scan| scan.estimate).collect()
    };
    let (first, second) = (estimates(UPS), estimates(&revised));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert!(second > first);
    assert_eq!(parcel(&revised).scans, parcel(UPS).scans);
    // If one of the two times is missing, the other is used.
    let created = UPS.replace("object_updated", "other");
    assert_eq!(parcel(&created).pushed_at, "2026-01-15T13:20:11.120Z".parse().ok());
}

#[test]
fn without_a_history_the_latest_state_is_the_scan() {
    let parcel = parcel(DHL);
    assert_eq!((parcel.tracking_number.carrier(), &*parcel.tracking_number), (Carrier::DHL, "7777777770"));
    assert_eq!(parcel.pushed_at, None);
    let [scan] = &parcel.scans[..] else { panic!("one scan") };
    assert_eq!((&*scan.code, scan.meaning), ("DELIVERED", Status(Delivered)));
    assert_eq!(scan.location.as_deref(), Some("AMSTERDAM, NL"));
}

#[test]
fn what_is_no_parcel_we_follow_is_told_in_words() {
    assert_eq!(
        remark(TRANSACTION),
        "Shippo tells of a label that was bought, not of a parcel: its API version is older than 2018-02-08"
    );
    let other = r#"{"event":"transaction_created","test":true,"data":{"object_id":"1"}}"#;
    assert_eq!(remark(other), "Shippo tells of `transaction_created`, which is not about a track");
    for name in ["shippo", "canada_post", "dpd_uk"] {
        let other = UPS.replace(r#""carrier": "ups""#, &format!(r#""carrier": "{name}""#));
        assert_eq!(parcel(&other).tracking_number.carrier().as_str(), name);
    }
    for status in ["null", "{}", r#"{"status":"UNKNOWN","status_date":null,"substatus":{"code":"other"}}"#] {
        let new = format!(
            r#"{{"event":"track_updated","data":{{"carrier":"usps","tracking_number":"1","tracking_status":{status}}}}}"#
        );
        assert_eq!(remark(&new), "Shippo knows nothing yet of 1", "{status}");
    }
    // With a time it is a scan, although its meaning is not known.
    let dated = DHL.replace("DELIVERED", "UNKNOWN");
    assert_eq!(parcel(&dated).scans[0].meaning, Informational);
}

#[test]
fn midnight_with_z_is_a_date() {
    let dated = UPS.replace("2026-01-15T13:02:00Z", "2026-01-15T00:00:00Z");
    assert_eq!(parcel(&dated).scans[2].time, local("2026-01-15T00:00:00"));
    let placed = UPS.replace("2026-01-15T13:02:00Z", "2026-01-15T00:00:00-05:00");
    assert_eq!(parcel(&placed).scans[2].time, instant("2026-01-15T05:00:00Z"));
}

#[test]
fn a_test_of_shippo_is_told_in_words() {
    let said = "Shippo sent a test, of 1Z999AA10123456784: tests move no parcel";
    for test in ["true", "\"true\""] {
        let tested = UPS.replace(r#""test": false"#, &format!(r#""test": {test}"#));
        assert_eq!(remark(&tested), said);
    }
    let inside = UPS.replace(r#""carrier": "ups","#, r#""carrier": "ups", "test": true,"#);
    assert_eq!(remark(&inside), said);
}

#[test]
fn the_setting_names_status_and_substatus_or_the_status() {
    let last = |remap: &str| parcel_with(UPS, remap).scans[2].meaning;
    let held = Condition(ConditionKind::Held);
    for remap in [
        "shippo.TRANSIT/out_for_delivery=held",
        "shippo.transit=held",
        "shippo.TRANSIT=lost,shippo.TRANSIT/OUT_FOR_DELIVERY=held",
    ] {
        assert_eq!(last(remap), held, "{remap}");
    }
    for other in ["shippo.out_for_delivery=held", "shippo.DELIVERED=held", "fedex.TRANSIT=held"] {
        assert_eq!(last(other), Status(OutForDelivery), "{other}");
    }
    let configured = parcel_with(UPS, "shippo.TRANSIT=held").scans[2].identity;
    assert_eq!(configured, parcel(UPS).scans[2].identity);
}

#[test]
fn the_same_scan_has_the_same_identity_in_every_push() {
    let of = |body: &str| -> Vec<_> { parcel(body).scans.iter().map(|scan| scan.identity).collect() };
    let first = of(UPS);
    let retold = UPS
        .replace("ts_", "other_")
        .replace("Charlotte", "CHARLOTTE")
        .replace("Out For Delivery", "Soon")
        .replace("Package is out for delivery.", "Soon")
        .replace("T13:20:11", "T13:59:59");
    assert_eq!(of(&retold), first);
    let retimed = of(&UPS.replace("2026-01-14T09:12:30", "2026-01-14T09:12:31"));
    assert_ne!(retimed[1], first[1]);
    assert_eq!((retimed[0], retimed[2]), (first[0], first[2]));
    assert_ne!(of(&UPS.replace("rerouted", "delayed"))[1], first[1]);
    assert_ne!(of(&UPS.replace("1Z999AA10123456784", "1Z999AA10123456785"))[0], first[0]);
    // Two states with the same object id are still two scans.
    assert_eq!(of(&UPS.replace("ts_1", "ts_2")), first);
}

#[test]
fn a_substatus_may_be_a_text_and_a_status_small() {
    let body =
        DHL.replace(r#""status": "DELIVERED","#, r#""status": "transit", "substatus": "package_held","#);
    let scan = parcel(&body).scans.remove(0);
    assert_eq!((&*scan.code, scan.meaning), ("transit/package_held", Condition(ConditionKind::Held)));
}

#[test]
fn what_cannot_be_read_is_named() {
    let reason = |body: &str| parsed(body).unwrap_err().to_string();
    assert!(reason("").starts_with("not JSON: EOF"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    assert_eq!(reason("{}"), "`event` is missing");
    assert_eq!(reason(r#"{"event":"tracking_update","msg":{}}"#), "`data` is missing");
    assert_eq!(reason(r#"{"event":"track_updated","data":{}}"#), "`data.carrier` is missing");
    assert_eq!(
        reason(r#"{"event":"track_updated","data":{"carrier":"ups"}}"#),
        "`data.tracking_number` is missing"
    );
}
