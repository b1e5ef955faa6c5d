//! EasyPost's pushes, from the samples.

use chrono::TimeDelta;
use domain::{
    ConditionKind,
    Meaning::{Condition, Status, Unknown},
    ShipmentStatus::*,
};

use super::*;
use crate::compose::tests::{history, told};
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
        Ok(Push::Parcels(mut parcels)) if parcels.len() == 1 => parcels.remove(0),
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

fn check(secrets: &Secrets, headers: &[(&str, &str)], body: &[u8], at: DateTime<Utc>) -> Result<(), Refused> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    Easypost.verify(secrets, &Request { at, query: "", headers: &headers, body })
}

/// What EasyPost would sign the body with: the older header and the three newer ones.
fn signed(secret: &str, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
    Easypost.sign(&secrets([secret]), body, at)
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

const OLDER: &str = "hmac-sha256-hex=01b4ea87b6ef57c4a81668b6f533304ba8357bdc071bbab5896de5742c4c4bd0";
const NEWER: [(&str, &str); 3] = [
    ("x-hmac-signature-v2", "1397d6c77da94d1986591bebbed338d4476b52943bef047d8ac8fc0abcff6b68"),
    ("x-timestamp", "Tue, 19 Aug 2025 20:37:09 -0000"),
    ("x-path", "/hooks/ep"),
];

#[test]
fn the_older_signature_is_the_hmac_of_the_body() {
    let (secrets, body, at) = (secrets(["ep-secret"]), br#"{"id":"evt_1"}"#, DateTime::UNIX_EPOCH);
    assert_eq!(signed("ep-secret", body, at)[0], ("x-hmac-signature".to_owned(), OLDER.to_owned()));
    let bare = OLDER.trim_start_matches("hmac-sha256-hex=");
    for sent in [OLDER, bare, &OLDER.to_uppercase(), &bare.to_uppercase()] {
        assert_eq!(check(&secrets, &[("X-Hmac-Signature", sent)], body, at), Ok(()), "{sent}");
    }
    for malformed in
        ["hmac-sha256-hex=", "abc", &bare[1..], &format!("{bare}0"), "hmac-sha1-hex=0123", &"é".repeat(32)]
    {
        let refused = check(&secrets, &[("x-hmac-signature", malformed)], body, at);
        assert_eq!(refused, Err(Refused::MalformedHeader("x-hmac-signature")), "{malformed}");
    }
    assert_eq!(check(&secrets, &[], body, at), Err(Refused::MissingHeader("x-hmac-signature".to_owned())));
}

#[test]
fn the_newer_signature_covers_time_method_path_and_body_and_is_fresh() {
    let (secrets, body) = (secrets(["ep-secret"]), br#"{"id":"evt_1"}"#);
    let at: DateTime<Utc> = "2025-08-19T20:37:09Z".parse().unwrap();
    assert_eq!(check(&secrets, &NEWER, body, at), Ok(()));
    assert_eq!(check(&secrets, &NEWER, body, at + TimeDelta::minutes(5)), Ok(()));
    for late in [TimeDelta::seconds(301), TimeDelta::seconds(-301), TimeDelta::days(365)] {
        assert_eq!(check(&secrets, &NEWER, body, at + late), Err(Refused::Stale(at)));
    }
    let with = |index: usize, value: &str| {
        let mut headers: Vec<(&str, &str)> = NEWER.to_vec();
        headers[index].1 = value;
        check(&secrets, &headers, body, at)
    };
    assert_eq!(with(0, &format!("hmac-sha256-hex={}", NEWER[0].1)), Ok(()));
    assert_eq!(with(1, "Tue, 19 Aug 2025 20:37:10 -0000"), Err(Refused::Mismatch));
    assert_eq!(with(2, "/hooks/eq"), Err(Refused::Mismatch));
    assert_eq!(with(0, "1397"), Err(Refused::MalformedHeader("x-hmac-signature-v2")));
    // A time as ISO 8601 is not what EasyPost writes.
    assert_eq!(with(1, "2025-08-19T20:37:09Z"), Err(Refused::MalformedHeader("x-timestamp")));
    for (index, name) in [(1, "x-timestamp"), (2, "x-path")] {
        assert_eq!(with(index, ""), Err(Refused::MissingHeader(name.to_owned())));
    }
    // Where it is sent it decides, whatever the older one says.
    let mut both = vec![("x-hmac-signature", OLDER)];
    both.extend(NEWER);
    assert_eq!(check(&secrets, &both, body, at), Ok(()));
    assert_eq!(check(&secrets, &both, body, at + TimeDelta::hours(1)), Err(Refused::Stale(at)));
    both[0].1 = "nonsense";
    assert_eq!(check(&secrets, &both, body, at), Ok(()));
}

#[test]
fn the_key_is_the_secret_in_its_decomposed_form() {
    // Both by openssl. The body has a number that would not survive being written anew.
    let body = br#"{"id":"evt_2","weight":614.4}"#;
    let decomposed = "ce4ae0c76063192be91aa7c62d3c7fc3f2a4f0d00bf862dd1905113006e692b4";
    let composed = "3623a2dee145c0851a088af24b8b013bc5a5281b57324ba5f7018e91a0ce435f";
    let at = DateTime::UNIX_EPOCH;
    for secret in ["s\u{e9}cret", "se\u{301}cret"] {
        let secrets = secrets([secret]);
        assert_eq!(check(&secrets, &[("x-hmac-signature", decomposed)], body, at), Ok(()));
        assert_eq!(check(&secrets, &[("x-hmac-signature", composed)], body, at), Err(Refused::Mismatch));
    }
    // The compatible form, not only the canonical one: a ligature is its letters.
    let ligature = "b38706425390becf31e1c82fa3404d6028d686bf1e6f198ffee547aafb4e00ce";
    assert_eq!(check(&secrets(["\u{fb01}n\u{2460}"]), &[("x-hmac-signature", ligature)], body, at), Ok(()));
}

#[test]
fn a_composed_body_is_accepted_and_refused_with_any_byte_changed() {
    let scans = [told(Status(LabelCreated), 0), told(Status(OutForDelivery), 30)];
    let body = Easypost.compose(&history(Sender::Easypost, &scans)).remove(0);
    let at = scans[1].at.to_utc();
    let owned = signed("old", &body, at);
    let all = borrowed(&owned);
    // Both signatures, each alone, and both under the second of two secrets.
    for headers in [&all[..], &all[..1], &all[1..]] {
        assert_eq!(check(&secrets(["old"]), headers, &body, at), Ok(()));
        assert_eq!(check(&secrets(["new", "old"]), headers, &body, at), Ok(()));
        assert_eq!(check(&secrets(["new"]), headers, &body, at), Err(Refused::Mismatch));
        for index in 0..body.len() {
            let mut changed = body.clone();
            changed[index] ^= 1;
            assert_eq!(check(&secrets(["old"]), headers, &changed, at), Err(Refused::Mismatch), "{index}");
        }
    }
    let later = at + TimeDelta::minutes(6);
    assert!(matches!(check(&secrets(["old"]), &all, &body, later), Err(Refused::Stale(_))));
    assert_eq!(check(&secrets(["old"]), &all[..1], &body, later), Ok(()), "the older one has no time");
}

#[test]
fn a_history_is_read_scan_by_scan() {
    let parcel = parcel(FEDEX);
    assert_eq!((parcel.carrier, &*parcel.tracking_number), (Carrier::Fedex, "794600000001"));
    assert_eq!((&parcel.package, parcel.said_at), (&None, "2026-01-15T13:20:00Z".parse().ok()));
    let read: Vec<_> = parcel.scans.iter().map(|scan| (&*scan.code, scan.meaning, scan.time)).collect();
    assert_eq!(
        read,
        [
            ("in_transit/departed_facility", Status(InTransit), instant("2026-01-14T14:42:13Z")),
            ("in_transit/arrived_at_facility", Status(InTransit), instant("2026-01-13T14:42:13Z")),
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
    let estimate = |body: &str| parcel(body).estimated_delivery.map(|at| at.to_rfc3339());
    assert_eq!(estimate(FEDEX).as_deref(), Some("2026-01-15T12:00:00+00:00"));
    let without = FEDEX.replace(r#""2026-01-15","#, "null,");
    assert_eq!(estimate(&without).as_deref(), Some("2026-01-16T12:00:00+00:00"));
    let timed = without.replace("2026-01-16T00:00:00Z", "2026-01-16T20:00:00Z");
    assert_eq!(estimate(&timed).as_deref(), Some("2026-01-16T20:00:00+00:00"));
    assert_eq!(estimate(&without.replace("est_delivery_date\"", "other\"")), None);

    // A revision comes with the scans we had; only the event is newer.
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
    assert_eq!((parcel.carrier, &*parcel.tracking_number), (Carrier::Usps, "9400100000000000000000"));
    assert_eq!(parcel.said_at, "2026-01-15T18:00:00Z".parse().ok());
    let [scan] = &parcel.scans[..] else { panic!("one scan") };
    assert_eq!((&*scan.code, scan.meaning), ("delivered/arrived_at_destination", Status(Delivered)));
    assert_eq!(scan.time, CarrierTime::Untrusted);
    let later = self::parcel(&TRACKER.replace("T18:00:00Z", "T19:00:00Z"));
    assert_eq!(later.scans[0].identity, scan.identity, "the same claim in a later push");
    // In an event as well.
    let event = format!(r#"{{"object":"Event","description":"tracker.created","result":{TRACKER}}}"#);
    assert_eq!(self::parcel(&event).scans, parcel.scans);
    let nothing = TRACKER.replace(r#""delivered""#, r#""unknown""#);
    assert_eq!(remark(&nothing), "EasyPost knows nothing yet of 9400100000000000000000");
}

#[test]
fn only_an_event_has_an_id_of_its_own() {
    let id = |body: &str| Easypost.push_id(body.as_bytes());
    assert_eq!(id(FEDEX).as_deref(), Some("evt_0a1b2c3d4e5f60718293a4b5c6d7e8f9"));
    for none in [TRACKER, r#"{"id":7}"#, r#"{"id":null}"#, "{}", "", "[]"] {
        assert_eq!(id(none), None, "{none}");
    }
    let composed = |hours| {
        let scans = [told(Status(InTransit), hours)];
        let body = Easypost.compose(&history(Sender::Easypost, &scans)).remove(0);
        Easypost.push_id(&body).unwrap()
    };
    assert_eq!(composed(1), composed(1));
    assert_ne!(composed(1), composed(2));
}

#[test]
fn parcels_of_four_carriers_are_followed_and_others_remarked() {
    let with = |carrier: &str| FEDEX.replace(r#""carrier": "FedEx""#, &format!(r#""carrier": "{carrier}""#));
    for (name, carrier) in [
        ("fedex", Carrier::Fedex),
        ("UPS", Carrier::Ups),
        ("UPSDAP", Carrier::Ups),
        ("USPS", Carrier::Usps),
        ("DHLExpress", Carrier::Dhl),
        ("DHL eCommerce", Carrier::Dhl),
    ] {
        assert_eq!(parcel(&with(name)).carrier, carrier, "{name}");
    }
    assert_eq!(
        remark(&with("CanadaPost")),
        "`CanadaPost`, of 794600000001, is not a carrier Milepost follows"
    );
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
    let remapped = parcel_with(FEDEX, "easypost.in_transit=held").scans[0].identity;
    assert_eq!(remapped, parcel(FEDEX).scans[0].identity);
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
