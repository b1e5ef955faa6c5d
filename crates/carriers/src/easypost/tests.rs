//! Parsing of EasyPost's pushes, with the samples.

mod signature;

use domain::{
    ConditionKind,
    Meaning::{Condition, Informational, Status, Unknown},
    ShipmentStatus::*,
};

use super::*;
use crate::simulate::tests::{history, simulated_scan};
use crate::time::tests::local;

const FEDEX: &str = include_str!("../../samples/easypost_fedex.json");
const TRACKER: &str = include_str!("../../samples/easypost_tracker.json");

fn parsed(body: &str) -> Result<Push, Unreadable> {
    Easypost.parse(body.as_bytes(), &CodeMap::default())
}

fn parcel(body: &str) -> Parcel {
    parcel_with(body, "")
}

fn parcel_with(body: &str, remap: &str) -> Parcel {
    match Easypost.parse(body.as_bytes(), &remap.parse().unwrap()) {
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

#[test]
fn a_history_is_read_scan_by_scan() {
    let parcel = parcel(FEDEX);
    assert_eq!(
        (parcel.tracking_number.carrier(), &*parcel.tracking_number),
        (Carrier::FEDEX, "794600000001")
    );
    assert_eq!((&parcel.package, parcel.pushed_at), (&None, "2026-01-15T13:20:00Z".parse().ok()));
    let read: Vec<_> = parcel.scans.iter().map(|scan| (&*scan.code, scan.meaning, scan.time)).collect();
    assert_eq!(
        read,
        [
            ("in_transit/departed_facility", Status(InTransit), instant("2026-01-14T14:42:13Z")),
            ("in_transit/arrived_at_facility", Status(InTransit), local("2026-01-13T14:42:13")),
            ("out_for_delivery/out_for_delivery", Status(OutForDelivery), instant("2026-01-15T12:02:00Z")),
            ("pre_transit", Status(LabelCreated), local("2026-01-12T09:30:00")),
        ]
    );
    assert_eq!(parcel.scans[0].location.as_deref(), Some("ORLANDO, FL, US"));
    assert_eq!(parcel.scans[3].location, None);
    assert_eq!(parcel.scans[0].description.as_deref(), Some("Departed FedEx location"));
}

#[test]
fn the_estimate_is_the_carriers_date_and_is_revised_by_later_events() {
    let estimate = |body: &str| parcel(body).estimated_delivery.map(|expected| expected.to_string());
    assert_eq!(estimate(FEDEX).as_deref(), Some("2026-01-15"));
    let without = FEDEX.replace(r#""2026-01-15","#, "null,");
    assert_eq!(estimate(&without).as_deref(), Some("2026-01-16"));
    let timed = without.replace("2026-01-16T00:00:00Z", "2026-01-16T20:00:00Z");
    assert_eq!(estimate(&timed).as_deref(), Some("2026-01-16T20:00:00+00:00/2026-01-16T20:00:00+00:00"));
    assert_eq!(estimate(&without.replace("est_delivery_date\"", "other\"")), None);

    // A revised estimate comes with scans that are already known; only the event is newer.
    let revised =
        FEDEX.replace("T13:20:00.000Z", "T15:00:00.000Z").replace(r#""2026-01-15","#, r#""2026-01-17","#);
    let arrival = "2026-01-15T15:01:00Z".parse().unwrap();
    let estimates = |body: &str| -> Vec<_> {
        parcel(body).into_scans(arrival).into_iter().filter_map(|scan| scan.estimate).collect()
    };
    let (first, second) = (estimates(FEDEX), estimates(&revised));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert!(second > first);
    assert_eq!(parcel(&revised).scans, parcel(FEDEX).scans);
}

#[test]
fn a_bare_tracker_without_details_stands_for_one_scan_without_a_time() {
    let parcel = parcel(TRACKER);
    assert_eq!(
        (parcel.tracking_number.carrier(), &*parcel.tracking_number),
        (Carrier::USPS, "9400100000000000000000")
    );
    assert_eq!(parcel.pushed_at, "2026-01-15T18:00:00Z".parse().ok());
    let [scan] = &parcel.scans[..] else { panic!("one scan") };
    assert_eq!((&*scan.code, scan.meaning), ("delivered/arrived_at_destination", Status(Delivered)));
    assert_eq!(scan.time, CarrierTime::Untrusted);
    let later = self::parcel(&TRACKER.replace("T18:00:00Z", "T19:00:00Z"));
    assert_eq!(later.scans[0].identity, scan.identity, "the same claim in a later push");
    // The same tracker inside an event.
    let event = format!(r#"{{"object":"Event","description":"tracker.created","result":{TRACKER}}}"#);
    assert_eq!(self::parcel(&event).scans, parcel.scans);
    let nothing = TRACKER.replace(r#""delivered""#, r#""unknown""#);
    assert_eq!(self::parcel(&nothing).scans[0].code, "estimate", "only the estimate is left");
    let nothing = nothing.replace("est_delivery_date", "none");
    assert_eq!(remark(&nothing), "EasyPost knows nothing yet of 9400100000000000000000");
}

#[test]
fn the_status_of_a_tracker_that_says_more_than_its_details_is_a_scan_too() {
    let scans = |status: &str, detail: &str| {
        let body = format!(
            r#"{{"object":"Tracker","tracking_code":"1","carrier":"UPS","status":"{status}","status_detail":"{detail}",
                "updated_at":"2026-01-16T09:00:00Z","tracking_details":[
                {{"status":"in_transit","datetime":"2026-01-15T12:00:00Z","tracking_location":{{"city":"Reno"}}}}]}}"#
        );
        parcel(&body).scans
    };
    for (status, detail, meaning) in [
        ("delivered", "arrived_at_destination", Status(Delivered)),
        ("failure", "", Condition(ConditionKind::Other)),
        ("failure", "lost", Condition(ConditionKind::Lost)),
        ("return_to_sender", "return", Status(ReturnedToSender)),
    ] {
        let read = scans(status, detail);
        let [_, latest] = &read[..] else { panic!("{status}: {read:?}") };
        assert_eq!((latest.meaning, latest.time), (meaning, local("2026-01-15T12:00:00")), "{status}");
        assert_eq!(scans(status, detail)[1].identity, latest.identity);
    }
    for status in ["in_transit", "pre_transit", "unknown", "error", "teleported"] {
        assert_eq!(scans(status, "").len(), 1, "{status}");
    }
}

/// The meanings of the scans of a UPS tracker with these details.
fn meanings(tracker: Value) -> Vec<Meaning> {
    let mut tracker = tracker;
    (tracker["object"], tracker["carrier"], tracker["tracking_code"]) =
        ("Tracker".into(), "UPS".into(), "1Z999AA10123456784".into());
    parcel(&tracker.to_string()).scans.iter().map(|scan| scan.meaning).collect()
}

#[test]
fn a_status_is_believed_unless_the_carriers_code_says_less() {
    let label = serde_json::json!({"status": "in_transit", "status_detail": "status_update", "carrier_code": "MP", "datetime": "2026-01-14T12:00:00Z"});
    let tracker = serde_json::json!({"status": "in_transit", "tracking_details": [label]});
    assert_eq!(meanings(tracker), [Status(LabelCreated)]);
    let delayed =
        serde_json::json!({"status": "in_transit", "status_detail": "delayed", "carrier_code": "MP"});
    assert_eq!(
        meanings(serde_json::json!({"tracking_details": [delayed]})),
        [Condition(ConditionKind::Delayed)]
    );
}

#[test]
fn a_return_is_told_by_status_detail_or_flag() {
    let detail = |status: &str| serde_json::json!({"status": status, "datetime": "2026-01-14T12:00:00Z"});
    let tracker = |flag: bool, last: &str| serde_json::json!({"is_return": flag, "status": last, "tracking_details": [detail("in_transit"), detail(last)]});
    assert_eq!(meanings(tracker(false, "return_to_sender")), [Status(InTransit), Status(ReturnedToSender)]);
    assert_eq!(
        meanings(tracker(true, "delivered")),
        [Condition(ConditionKind::Returning), Condition(ConditionKind::Returned)]
    );
    assert_eq!(meanings(tracker(false, "delivered")), [Status(InTransit), Status(Delivered)]);
}

#[test]
fn z_is_believed_where_the_place_is_known_and_it_is_not_midnight() {
    let time = |datetime: &str, place: &str| {
        let body = format!(
            r#"{{"object":"Tracker","tracking_code":"1","carrier":"UPS","tracking_details":[
                {{"status":"in_transit","datetime":"{datetime}","tracking_location":{place}}}]}}"#
        );
        parcel(&body).scans.remove(0).time
    };
    let (placed, nowhere) =
        (r#"{"city":"ORLANDO","state":"FL"}"#, r#"{"city":null,"state":"","zip":"32809"}"#);
    let noon = instant("2026-01-15T12:00:00Z");
    for (datetime, place, expected) in [
        ("2026-01-15T12:00:00Z", placed, noon),
        ("2026-01-15T12:00:00Z", nowhere, local("2026-01-15T12:00:00")),
        ("2026-01-15T12:00:00Z", "null", local("2026-01-15T12:00:00")),
        ("2026-01-15T07:00:00-05:00", "null", noon),
        ("2026-01-15T00:00:00Z", placed, local("2026-01-15T00:00:00")),
        ("2026-01-15T00:00:00Z", nowhere, local("2026-01-15T00:00:00")),
    ] {
        assert_eq!(time(datetime, place), expected, "{datetime} {place}");
    }
}

#[test]
fn what_is_made_up_in_test_mode_is_told_in_words() {
    let said = "EasyPost sent a test, of 794600000001: tests move no parcel";
    let tested = FEDEX.replacen(r#""mode": "production""#, r#""mode": "test""#, 1);
    let tracker = FEDEX.replace(r#""mode": "production""#, r#""mode": "test""#);
    for body in [&tested, &tracker] {
        assert_ne!(body, FEDEX);
        assert_eq!(remark(body), said);
    }
    let bare = TRACKER.replace("production", "test");
    assert_eq!(remark(&bare), said.replace("794600000001", "9400 1000 0000 0000 0000 00"));
}

#[test]
fn a_status_that_says_nothing_is_no_unknown_code() {
    for status in ["unknown", "error", "Unknown"] {
        let body = FEDEX.replace(r#""pre_transit""#, &format!("\"{status}\""));
        assert_eq!(parcel(&body).scans[3].meaning, Informational, "{status}");
    }
}

#[test]
fn only_an_event_has_an_id_of_its_own() {
    let id = |body: &str| Easypost.push_id(body.as_bytes());
    assert_eq!(id(FEDEX).as_deref(), Some("evt_0a1b2c3d4e5f60718293a4b5c6d7e8f9"));
    for none in [TRACKER, r#"{"id":7}"#, r#"{"id":null}"#, "{}", "", "[]"] {
        assert_eq!(id(none), None, "{none}");
    }
    let simulated = |hours| {
        let scans = [simulated_scan(Status(InTransit), hours)];
        let body = Easypost.simulate(&history(Sender::Easypost, &scans)).remove(0);
        Easypost.push_id(&body).unwrap()
    };
    assert_eq!(simulated(1), simulated(1));
    assert_ne!(simulated(1), simulated(2));
}

#[test]
fn parcels_of_every_carrier_are_followed() {
    let with = |carrier: &str| FEDEX.replace(r#""carrier": "FedEx""#, &format!(r#""carrier": "{carrier}""#));
    for (name, carrier) in [
        ("fedex", Carrier::FEDEX),
        ("UPS", Carrier::UPS),
        ("UPSDAP", Carrier::UPS),
        ("USPS", Carrier::USPS),
        ("DHLExpress", Carrier::DHL),
        ("DHL eCommerce", Carrier::DHL),
        ("CanadaPost", "canada_post".parse().unwrap()),
        ("DPDUK", "dpd_uk".parse().unwrap()),
        ("Acme-Express", "acme_express".parse().unwrap()),
    ] {
        let parcel = parcel(&with(name));
        assert_eq!(parcel.tracking_number.carrier(), carrier, "{name}");
        assert_eq!(&*parcel.tracking_number, "794600000001");
    }
    let nameless = Easypost.parse(with("-").as_bytes(), &CodeMap::default()).unwrap_err();
    assert_eq!(nameless.to_string(), "`-`, of 794600000001, cannot be the name of a carrier");
    let batch = r#"{"object":"Event","description":"batch.created","result":{"object":"Batch"}}"#;
    assert_eq!(remark(batch), "EasyPost tells of `batch.created`, which is not about a tracker");
}

#[test]
fn the_setting_names_status_and_detail_or_the_status() {
    let first = |remap: &str| parcel_with(FEDEX, remap).scans[0].meaning;
    let held = Condition(ConditionKind::Held);
    for remap in [
        "easypost.in_transit/departed_facility=held",
        "easypost.IN_TRANSIT=held",
        "easypost.in_transit=lost,easypost.in_transit/departed_facility=held",
    ] {
        assert_eq!(first(remap), held, "{remap}");
    }
    for other in ["easypost.departed_facility=held", "easypost.DP=held", "fedex.in_transit=held"] {
        assert_eq!(first(other), Status(InTransit), "{other}");
    }
    let configured = parcel_with(FEDEX, "easypost.in_transit=held").scans[0].identity;
    assert_eq!(configured, parcel(FEDEX).scans[0].identity);
}

#[test]
fn the_same_scan_has_the_same_identity_in_every_push() {
    let of = |body: &str| -> Vec<_> { parcel(body).scans.iter().map(|scan| scan.identity).collect() };
    let first = of(FEDEX);
    assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), first.len());
    let retold = FEDEX
        .replace("ORLANDO", "Orlando")
        .replace("Departed FedEx location", "On its way")
        .replace("evt_0a", "evt_0b")
        .replace("trk_00", "trk_01")
        .replace("T13:20:00.000Z", "T15:00:00.000Z");
    assert_eq!(of(&retold), first);
    assert_eq!(of(&FEDEX.replace(r#""DP""#, r#""dp""#).replace("in_transit", "IN_TRANSIT")), first);
    let retimed = of(&FEDEX.replace("2026-01-14T14:42:13Z", "2026-01-14T14:42:14Z"));
    assert_ne!(retimed[0], first[0]);
    assert_eq!(retimed[1..], first[1..]);
    assert_ne!(of(&FEDEX.replace(r#""DP""#, r#""AR""#))[0], first[0], "another code of the carrier");
    assert_ne!(of(&FEDEX.replace("794600000001", "794600000002"))[0], first[0]);
    assert_ne!(of(&FEDEX.replace(r#""carrier": "FedEx""#, r#""carrier": "UPS""#))[0], first[0]);
}

#[test]
fn mixed_types_are_read() {
    let mixed = r#"{"object":"Tracker","tracking_code":794600000001,"carrier":"FEDEX","is_return":"false",
        "tracking_details":{"status":"DELIVERED","status_detail":"","datetime":"2026-01-15T12:00:00Z","carrier_code":1}}"#;
    let scans = parcel(mixed).scans;
    assert_eq!((&*scans[0].code, scans[0].meaning), ("DELIVERED", Status(Delivered)));
    let nameless = mixed.replace(r#""DELIVERED""#, "null");
    let scans = parcel(&nameless).scans;
    assert_eq!((&*scans[0].code, scans[0].meaning), ("-", Unknown));
}

#[test]
fn what_cannot_be_read_is_named() {
    let reason = |body: &str| parsed(body).unwrap_err().to_string();
    assert!(reason("").starts_with("not JSON: EOF"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    assert_eq!(reason("{}"), "`object` is missing");
    assert_eq!(reason(r#"{"object":"Shipment"}"#), "`object` is `Shipment`, neither `Event` nor `Tracker`");
    assert_eq!(
        reason(r#"{"object":"Event","description":"tracker.updated","result":null}"#),
        "`result` is missing"
    );
    assert_eq!(reason(r#"{"object":"Tracker"}"#), "`tracking_code` of the tracker is missing");
    assert_eq!(reason(r#"{"object":"Tracker","tracking_code":"1"}"#), "`carrier` of the tracker is missing");
}

#[test]
fn the_time_of_a_pickup_of_fedex_is_not_believed_whoever_tells_it() {
    let detail = |status: &str, detail: &str, code: &str, at: &str| {
        format!(
            r#"{{"status":"{status}","status_detail":"{detail}","carrier_code":"{code}","datetime":"{at}",
                "tracking_location":{{"city":"Reno"}}}}"#
        )
    };
    let details = [
        detail("in_transit", "arrived_at_facility", "PU", "2026-01-15T14:25:00-05:00"),
        detail("failure", "delivery_exception", "DE", "2026-01-15T09:30:00-05:00"),
        detail("out_for_delivery", "out_for_delivery", "OD", "2026-01-15T08:55:00-05:00"),
        detail("in_transit", "arrived_at_facility", "AR", "2026-01-15T06:00:00-05:00"),
    ];
    let fold = |carrier: &str, details: &[String]| {
        let body = format!(
            r#"{{"object":"Tracker","tracking_code":"1","carrier":"{carrier}","tracking_details":[{}]}}"#,
            details.join(",")
        );
        let scans = parcel(&body).into_scans("2026-01-15T20:00:00Z".parse().unwrap());
        domain::fold(&scans, "2026-01-12T00:00:00Z".parse().unwrap(), None)
    };
    let tracking = fold("FedEx", &details);
    let condition = tracking.condition.clone().expect("the failed attempt");
    assert_eq!(condition.kind, ConditionKind::DeliveryAttemptFailed);
    assert_eq!(tracking, fold("FedEx", &details[1..]), "as if the pickup were not there");
    assert_eq!(fold("UPS", &details).condition, None, "to others the code means something else");
}
