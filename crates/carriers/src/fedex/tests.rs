//! Parsing of FedEx's pushes, with the samples.

use domain::{CarrierTime, ConditionKind, ShipmentStatus::*};

use super::*;
use crate::time::tests::local;

const HISTORY: &str = include_str!("../../samples/fedex_history.json");
const FLAT: &str = include_str!("../../samples/fedex_flat.json");
const LATEST: &str = include_str!("../../samples/fedex_latest_status_only.json");
const REUSED: &str = include_str!("../../samples/fedex_reused_number.json");

fn parcels(body: &str) -> Vec<Parcel> {
    parcels_with(body, "")
}

fn parcels_with(body: &str, remap: &str) -> Vec<Parcel> {
    match parse_push(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(parcels, _)) => parcels,
        other => panic!("{other:?}"),
    }
}

fn reason(body: &str) -> String {
    parse_push(body.as_bytes(), &CodeMap::default()).unwrap_err().to_string()
}

fn instant(text: &str) -> CarrierTime {
    CarrierTime::Instant(text.parse().unwrap())
}

fn secrets<const N: usize>(secrets: [&str; N]) -> Secrets {
    Secrets::new(secrets.map(str::to_owned)).unwrap()
}

fn sign(secret: &str, body: &[u8]) -> Vec<(String, String)> {
    Fedex.sign(&secrets([secret]), body, DateTime::UNIX_EPOCH)
}

#[test]
fn a_signature_is_base64_of_the_hmac_of_the_body() {
    let headers = sign("test-security-token", br#"{"trackingNumber":"TEST1"}"#);
    assert_eq!(
        headers,
        [("fdx-signature".to_owned(), "4FWhCvWlf4ue/oJXIR3miNXWu+I7xw8npFfA2RQvAPY=".to_owned())]
    );
}

#[test]
fn only_the_signed_bytes_under_a_known_secret_are_believed() {
    let body = HISTORY.as_bytes();
    let signature = sign("old", body).remove(0).1;
    let check = |secrets: Secrets, headers: &[(&str, &[u8])], body: &[u8]| {
        Fedex.verify(&secrets, &Request { at: DateTime::UNIX_EPOCH, query: "", headers, body })
    };
    let headers = [("Content-Type", &b"application/json"[..]), ("FDX-Signature", signature.as_bytes())];

    assert_eq!(check(secrets(["old"]), &headers, body), Ok(()));
    assert_eq!(check(secrets(["new", "old"]), &headers, body), Ok(()));
    assert_eq!(check(secrets(["old", "new"]), &headers, body), Ok(()));
    assert_eq!(check(secrets(["new"]), &headers, body), Err(Refused::Mismatch));
    for index in [0, body.len() / 2, body.len() - 1] {
        let mut changed = body.to_vec();
        changed[index] ^= 1;
        assert_eq!(check(secrets(["old"]), &headers, &changed), Err(Refused::Mismatch));
    }
    assert_eq!(
        check(secrets(["old"]), &headers[..1], body),
        Err(Refused::MissingHeader("fdx-signature".to_owned()))
    );
    for (value, refused) in [
        (&b"AAAA"[..], Refused::MalformedHeader("fdx-signature")),
        (&signature.as_bytes()[..40], Refused::MalformedHeader("fdx-signature")),
        (b"not base64!", Refused::MalformedHeader("fdx-signature")),
        (b"\xff\xfe", Refused::MalformedHeader("fdx-signature")),
        (b"", Refused::MissingHeader("fdx-signature".to_owned())),
    ] {
        assert_eq!(check(secrets(["old"]), &[("fdx-signature", value)], body), Err(refused));
    }
}

#[test]
fn a_history_is_read_scan_by_scan() {
    let [parcel] = &parcels(HISTORY)[..] else { panic!("one parcel") };
    assert_eq!(parcel.tracking_number.carrier(), Carrier::FEDEX);
    assert_eq!(&*parcel.tracking_number, "794600000001");
    assert_eq!(parcel.package.as_deref(), Some("12031~794600000001~FDEG"));
    let read: Vec<_> = parcel.scans.iter().map(|scan| (scan.code.as_str(), scan.meaning)).collect();
    assert_eq!(
        read,
        [
            ("OD", Meaning::Status(OutForDelivery)),
            ("DE", Meaning::Condition(ConditionKind::DeliveryAttemptFailed)),
            ("DP", Meaning::Status(InTransit)),
            ("OC", Meaning::Status(InTransit)),
        ]
    );
    assert_eq!(parcel.scans[0].time, instant("2026-01-15T12:02:00Z"));
    assert_eq!(parcel.scans[0].location.as_deref(), Some("HOLBROOK, NY, US"));
    assert_eq!(parcel.scans[3].location, None);
    assert_eq!(
        parcel.scans[1].description.as_deref(),
        Some("Delivery exception: Customer not available or business closed")
    );
    assert_eq!(
        parcel.estimated_delivery,
        Some("2026-01-15T13:00:00-05:00/2026-01-15T17:00:00-05:00".parse().unwrap())
    );
    let arrival: DateTime<Utc> = "2026-01-15T13:00:00Z".parse().unwrap();
    let scans = parcel.clone().into_scans(arrival);
    let estimates: Vec<_> = scans.iter().map(|scan| scan.estimate.map(|estimate| estimate.said_at)).collect();
    assert_eq!(estimates, [None, None, None, Some(arrival)], "said when it arrived");
    assert!(scans.iter().all(|scan| scan.package == parcel.package));
}

#[test]
fn a_parcel_at_a_pickup_point_waits_for_its_customer() {
    let body = r#"{"trackResults":[{"trackingNumber":"1","scanEvents":[
        {"date":"2026-01-15T13:26:00-08:00","eventType":"HP","eventDescription":"Ready for recipient pickup",
         "exceptionCode":"17","exceptionDescription":"Package available for pickup at: <b>1 MAIN ST</b>"},
        {"date":"2026-01-14T18:56:00-08:00","eventType":"IP","eventDescription":"In FedEx possession"}]}]}"#;
    let scans = parcels(body).remove(0).scans;
    let read: Vec<_> = scans.iter().map(|scan| (&*scan.code, scan.meaning)).collect();
    let expected = [("HP", Meaning::Status(AvailableForPickup)), ("IP", Meaning::Status(PickedUp))];
    assert_eq!(read, expected);
    assert_eq!(
        scans[0].description.as_deref(),
        Some("Ready for recipient pickup: Package available for pickup at: 1 MAIN ST")
    );
}

#[test]
fn the_estimate_falls_back_to_the_date() {
    let mut push: Value = serde_json::from_str(HISTORY).unwrap();
    let result = push.pointer_mut("/output/completeTrackResults/0/trackResults/0").unwrap();
    result["estimatedDeliveryTimeWindow"]["window"] = serde_json::json!({});
    assert_eq!(parcels(&push.to_string())[0].estimated_delivery, "2026-01-15".parse().ok());
    let unreadable = HISTORY.replace("2026-01-15T17:00:00-05:00", "by the evening");
    assert_ne!(unreadable, HISTORY);
    assert_eq!(parcels(&unreadable)[0].estimated_delivery, "2026-01-15".parse().ok());
}

#[test]
fn a_pickup_counts_and_its_time_is_no_more_than_a_clock() {
    let read = |code: &str, date: &str| {
        let body = format!(
            r#"{{"trackResults":[{{"trackingNumber":"1","scanEvents":[{{"eventType":"{code}","date":"{date}"}}]}}]}}"#
        );
        parcels(&body).remove(0).scans.remove(0)
    };
    let date = "2026-01-15T14:25:00-05:00";
    for code in ["PU", "PX", "pu"] {
        let scan = read(code, date);
        let shown = local("2026-01-15T14:25:00");
        assert_eq!((scan.meaning, scan.time), (Meaning::Status(PickedUp), shown), "{code}");
        assert_ne!(scan.identity, read(code, "2026-01-15T14:26:00-05:00").identity, "it tells scans apart");
    }
    for code in ["OF", "DE", "PUX", "P"] {
        assert_eq!(read(code, date).time, instant("2026-01-15T19:25:00Z"), "{code}");
    }
    let timed =
        LATEST.replace(r#""code": "DL""#, r#""code": "PU""#).replace("ACTUAL_DELIVERY", "ACTUAL_PICKUP");
    assert_eq!(parcels(&timed)[0].scans[0].time, local("2026-01-15T11:45:00"));
    assert_eq!(read("PU", "").time, CarrierTime::Untrusted);
}

/// In a history that FedEx really sent, the pickup has a time hours after the failed attempt.
#[test]
fn a_pickup_that_is_stamped_late_does_not_end_a_failed_attempt() {
    let event = |code: &str, date: &str| format!(r#"{{"eventType":"{code}","date":"{date}"}}"#);
    let events = [
        event("PU", "2026-01-15T14:25:00-05:00"),
        event("DE", "2026-01-15T09:30:00-05:00"),
        event("OD", "2026-01-15T08:55:00-05:00"),
        event("AR", "2026-01-15T06:00:00-05:00"),
    ];
    let fold = |events: &[String]| {
        let body =
            format!(r#"{{"trackResults":[{{"trackingNumber":"1","scanEvents":[{}]}}]}}"#, events.join(","));
        let scans = parcels(&body).remove(0).into_scans("2026-01-15T20:00:00Z".parse().unwrap());
        domain::fold(&scans, "2026-01-12T00:00:00Z".parse().unwrap(), None)
    };
    let tracking = fold(&events);
    assert_eq!(tracking.status, OutForDelivery);
    let condition = tracking.condition.clone().expect("the failed attempt");
    assert_eq!(condition.kind, ConditionKind::DeliveryAttemptFailed);
    assert_eq!(tracking, fold(&events[1..]), "as if the pickup were not there");
}

#[test]
fn the_flat_envelope_is_read_too() {
    let [parcel] = &parcels(FLAT)[..] else { panic!("one parcel") };
    assert_eq!((&*parcel.tracking_number, &parcel.package), ("794600000002", &None));
    assert_eq!(parcel.scans[0].meaning, Meaning::Status(Delivered));
    assert_eq!(parcel.scans[1].meaning, Meaning::Unknown);
    assert_eq!(parcel.scans[1].time, local("2026-01-15T08:10:00"), "no offset");
}

#[test]
fn without_scans_the_latest_status_is_the_scan() {
    let [parcel] = &parcels(LATEST)[..] else { panic!("one parcel") };
    let [scan] = &parcel.scans[..] else { panic!("one scan") };
    assert_eq!((scan.code.as_str(), scan.meaning), ("DL", Meaning::Status(Delivered)));
    assert_eq!(scan.time, instant("2026-01-15T16:45:00Z"));
    assert_eq!(scan.location.as_deref(), Some("Boston, MA, US"));

    // None of the times belongs to a scan in transit.
    let other = parcels(&LATEST.replace(r#""code": "DL""#, r#""code": "IT""#));
    assert_eq!((&*other[0].scans[0].code, other[0].scans[0].time), ("IT", CarrierTime::Untrusted));
}

#[test]
fn a_latest_status_that_says_more_than_the_scans_is_one_too() {
    let body = |code: &str, events: &str| {
        LATEST.replace(r#""code": "DL""#, &format!(r#""code": "{code}""#)).replace(
            r#""estimatedDeliveryTimeWindow""#,
            &format!(r#""scanEvents": [{events}], "estimatedDeliveryTimeWindow""#),
        )
    };
    let arrived = r#"{"eventType": "AR", "date": "2026-01-15T06:00:00-05:00", "derivedStatusCode": "DL"}"#;
    let delivered = r#"{"eventType": "DL", "date": "2026-01-15T11:45:00-05:00"}"#;
    let read = |code: &str, events: &str| parcels(&body(code, events)).remove(0).scans;

    let scans = read("DL", arrived);
    let [_, latest] = &scans[..] else { panic!("{scans:?}") };
    assert_eq!((&*latest.code, latest.meaning), ("DL", Meaning::Status(Delivered)));
    assert_eq!(latest.time, instant("2026-01-15T16:45:00Z"));
    // The same event, listed later, has the same identity and time.
    let listed = read("DL", &format!("{delivered}, {arrived}"));
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].identity, listed[0].time), (latest.identity, latest.time));
    // No time belongs to this code, so the scan has the time of the newest scan, as a local time without a zone.
    let failed = read("SE", arrived);
    assert_eq!(failed[1].meaning, Meaning::Condition(ConditionKind::Other));
    assert_eq!(failed[1].time, local("2026-01-15T11:00:00"));
    // A status that is no further, unknown or perhaps of the way back says no more than the list.
    for (code, events) in [("IT", arrived), ("IN", arrived), ("OD", delivered)] {
        assert_eq!(read(code, events).len(), 1, "{code}");
    }
    let returning = arrived.replace("AR", "RS");
    assert_eq!(read("DL", &returning).len(), 1);
}

#[test]
fn one_number_may_be_two_parcels_and_what_is_not_found_is_none() {
    let parcels = parcels(REUSED);
    let read: Vec<_> =
        parcels.iter().map(|parcel| (&*parcel.tracking_number, parcel.package.as_deref())).collect();
    assert_eq!(
        read,
        [("776000000004", Some("25000~776000000004~FX")), ("776000000004", Some("26000~776000000004~FX")),]
    );
}

#[test]
fn the_same_scan_has_the_same_identity_in_every_push() {
    let of = |body: &str| -> Vec<_> { parcels(body)[0].scans.iter().map(|scan| scan.identity).collect() };
    let first = of(HISTORY);
    let unique: std::collections::HashSet<_> = first.iter().collect();
    assert_eq!(unique.len(), first.len());

    let retold =
        HISTORY.replace("HOLBROOK", "Holbrook").replace("On FedEx vehicle for delivery", "Almost there");
    assert_eq!(of(&retold), first);
    let small = HISTORY.replace(r#""eventType": "OD""#, r#""eventType": "od""#);
    assert_ne!(small, HISTORY);
    assert_eq!(of(&small), first);
    let retimed = of(&HISTORY.replace("2026-01-15T07:02:00", "2026-01-15T07:03:00"));
    assert_ne!(retimed[0], first[0]);
    assert_eq!(retimed[1..], first[1..]);
    assert_ne!(of(&HISTORY.replace(r#""08""#, r#""09""#))[1], first[1], "another reason");
    assert_ne!(of(&HISTORY.replace("12031~", "12032~")), first, "another parcel of that number");
    let configured = parcels_with(HISTORY, "fedex.OC=label_created").remove(0).scans.remove(3);
    assert_eq!(configured.meaning, Meaning::Status(LabelCreated));
    assert_eq!(configured.identity, first[3], "a configured meaning makes no other scan");
}

#[test]
fn well_formed_pushes_may_say_nothing() {
    for body in [
        "{}",
        r#"{"output":{}}"#,
        r#"{"output":{"completeTrackResults":[]}}"#,
        r#"{"output":{"completeTrackResults":[{"trackingNumber":"1","trackResults":[]}]}}"#,
        r#"{"trackResults":[]}"#,
        r#"{"trackResults":[{"trackingNumber":"1"}]}"#,
        r#"{"trackResults":[{"trackingNumber":"1","scanEvents":[{},7,null]}]}"#,
    ] {
        assert_eq!(parcels(body), [], "{body}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    assert!(reason("hello").starts_with("not JSON: expected value at line 1"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    assert_eq!(
        reason(r#"{"event":"tracking_update"}"#),
        "neither `output.completeTrackResults` nor `trackResults` is there"
    );
    assert_eq!(
        reason(r#"{"trackResults":[{"scanEvents":[]}]}"#),
        "track result 1: `trackingNumber` is missing"
    );
    assert_eq!(reason(r#"{"trackResults":["x"]}"#), "track result 1: it is no object");
    // An unreadable element does not prevent its neighbour from being read.
    let mixed = r#"{"trackResults":[{}, {"trackingNumber":"1","scanEvents":{"eventType":"DL"}}]}"#;
    assert_eq!(parcels(mixed).len(), 1);
}
