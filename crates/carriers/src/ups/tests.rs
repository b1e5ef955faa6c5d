//! Parsing of UPS's pushes, with the samples.

use domain::{CarrierTime, ConditionKind, ExpectedDelivery, ShipmentStatus::*};

use super::*;
use crate::time::tests::local;

const OUT: &str = include_str!("../../samples/ups_out_for_delivery.json");
const DELIVERED: &str = include_str!("../../samples/ups_delivered.json");
const MANIFEST: &str = include_str!("../../samples/ups_manifest.json");
const NEW_TIME: &str = include_str!("../../samples/ups_new_delivery_time.json");
const RETURNING: &str = include_str!("../../samples/ups_returning.json");

fn read(body: &str) -> ParsedScan {
    read_with(body, "")
}

fn read_with(body: &str, remap: &str) -> ParsedScan {
    parcel_with(body, remap).scans.remove(0)
}

fn estimate(body: &str) -> Option<ExpectedDelivery> {
    parcel_with(body, "").estimated_delivery
}

fn parcel_with(body: &str, remap: &str) -> Parcel {
    let mut parcels = parse_parcels(body.as_bytes(), &remap.parse().unwrap()).unwrap();
    assert_eq!(parcels.len(), 1);
    assert_eq!(&*parcels[0].tracking_number, "1Z999AA10123456784");
    assert_eq!((parcels[0].tracking_number.carrier(), &parcels[0].package), (Carrier::UPS, &None));
    assert_eq!(parcels[0].scans.len(), 1);
    parcels.remove(0)
}

fn instant(text: &str) -> CarrierTime {
    CarrierTime::Instant(text.parse().unwrap())
}

#[test]
fn the_credential_is_compared_whole() {
    let secrets = Secrets::new(["new-credential".to_owned(), "old-credential".to_owned()]).unwrap();
    let at = DateTime::UNIX_EPOCH;
    let check = |headers: &[(&str, &[u8])]| {
        Ups.verify(&secrets, &Request { at, query: "", headers, body: OUT.as_bytes() })
    };
    assert_eq!(Ups.sign(&secrets, b"", at), [("credential".to_owned(), "new-credential".to_owned())]);
    assert_eq!(check(&[("Credential", b"old-credential")]), Ok(()));
    assert_eq!(check(&[("credential", b"new-credential")]), Ok(()));
    for wrong in [&b"old-credentiaL"[..], b"old", b"old-credential2", b"\xff"] {
        assert_eq!(check(&[("credential", wrong)]), Err(Refused::Mismatch));
    }
    assert_eq!(check(&[("credential", b"")]), Err(Refused::MissingHeader("credential".to_owned())));
    assert_eq!(check(&[]), Err(Refused::MissingHeader("credential".to_owned())));
}

#[test]
fn the_other_number_is_told_for_people() {
    let with = |other: &str| OUT.replacen('{', &format!(r#"{{ "alternateTrackingNumber": "{other}","#), 1);
    assert_eq!(parcel_with(&with(" 9205 5900 0000 0001"), "").other_numbers, ["9205590000000001"]);
    for none in ["", "1Z999AA10123456784", "1Z/999"] {
        assert_eq!(parcel_with(&with(none), "").other_numbers, [""; 0], "{none}");
    }
}

#[test]
fn out_for_delivery() {
    let scan = read(OUT);
    assert_eq!((scan.code.as_str(), scan.meaning), ("I/OT/021", Meaning::Status(OutForDelivery)));
    assert_eq!(scan.time, instant("2026-01-15T13:15:30Z"));
    assert_eq!(scan.location.as_deref(), Some("Charlotte, NC, US"));
    assert_eq!(scan.description.as_deref(), Some("Out for Delivery"));
    assert_eq!(estimate(OUT), Some("2026-01-15".parse().unwrap()));
}

#[test]
fn delivered_without_description_code_zone_or_fresh_schedule() {
    let scan = read(DELIVERED);
    assert_eq!((scan.code.as_str(), scan.meaning), ("D/FS", Meaning::Status(Delivered)));
    assert_eq!(scan.time, local("2026-01-15T14:30:05"), "a local time without a zone");
    assert_eq!(estimate(DELIVERED), None, "a schedule of 2019");
}

#[test]
fn a_manifest_with_a_number_for_a_code_and_a_wrong_gmt() {
    let scan = read(MANIFEST);
    assert_eq!((scan.code.as_str(), scan.meaning), ("M/MP/003", Meaning::Status(LabelCreated)));
    assert_eq!(scan.time, instant("2026-01-12T14:12:30Z"));
    assert_eq!(scan.location.as_deref(), Some("US"));
}

#[test]
fn a_new_delivery_time_changes_the_estimate_alone() {
    let scan = read(NEW_TIME);
    assert_eq!(scan.meaning, Meaning::Informational);
    assert_eq!(
        estimate(NEW_TIME),
        Some("2026-01-15T13:00:00-05:00/2026-01-15T17:00:00-05:00".parse().unwrap())
    );
}

#[test]
fn an_exception_says_that_it_goes_back() {
    assert_eq!(read(RETURNING).meaning, Meaning::Condition(ConditionKind::Returning));
}

#[test]
fn exceptions_tell_their_kind_also_beside_a_generic_description_code() {
    use ConditionKind::{Damaged, Delayed, DeliveryAttemptFailed, Other, Returning};
    for (code, kind) in [
        ("C6", Delayed),
        ("4", Delayed),
        ("I1", Returning),
        ("OH", DeliveryAttemptFailed),
        ("45", Damaged),
        ("QQ", Other),
    ] {
        for description_code in ["", "013"] {
            let body = format!(
                r#"{{"trackingNumber":"1Z999AA10123456784","activityStatus":{{"type":"X","code":"{code}","descriptionCode":"{description_code}"}}}}"#
            );
            assert_eq!(read(&body).meaning, Meaning::Condition(kind), "{code}/{description_code}");
            let numbered = body.replace(r#""4""#, "4").replace(r#""013""#, "13");
            assert_eq!(read(&numbered), read(&body));
        }
    }
}

#[test]
fn a_description_code_may_be_a_number() {
    let numbered = OUT.replace(r#""021""#, "21");
    assert_eq!(read(&numbered), read(OUT));
}

#[test]
fn an_activity_may_say_no_more_than_its_type() {
    for (kind, status) in [("I", InTransit), ("O", OutForDelivery), ("D", Delivered), ("d", Delivered)] {
        let body =
            format!(r#"{{"trackingNumber":"1Z999AA10123456784","activityStatus":{{"type":"{kind}"}}}}"#);
        let scan = read(&body);
        assert_eq!((scan.code, scan.meaning), (kind.to_uppercase(), Meaning::Status(status)));
        assert_eq!(scan.time, CarrierTime::Untrusted);
    }
    let empty = read(r#"{"trackingNumber":"1Z999AA10123456784","activityStatus":{}}"#);
    assert_eq!((empty.code.as_str(), empty.meaning), ("-", Meaning::Unknown));
}

#[test]
fn the_setting_names_all_three_parts_or_two() {
    let held = Meaning::Condition(ConditionKind::Held);
    assert_eq!(read_with(OUT, "ups.I/OT/021=held").meaning, held);
    assert_eq!(read_with(OUT, "ups.I/OT=held").meaning, held);
    assert_eq!(read_with(OUT, "ups.I/OT=in_transit,ups.i/ot/021=held").meaning, held);
    assert_eq!(read_with(DELIVERED, "ups.D/FS=held").meaning, held);
    for other in ["ups.I=held", "ups.I//021=held", "ups.I/OT/022=held", "fedex.I/OT/021=held"] {
        assert_eq!(read_with(OUT, other).meaning, Meaning::Status(OutForDelivery), "{other}");
    }
}

#[test]
fn the_same_event_has_the_same_identity_in_every_push() {
    let first = read(OUT).identity;
    let retold = OUT
        .replace("Charlotte", "CHARLOTTE")
        .replace("Out for Delivery", "Soon")
        .replace("20260115\",\n  \"actual", "20260116\",\n  \"actual");
    assert_ne!(retold, OUT);
    assert_eq!(read(&retold).identity, first);
    assert_eq!(read_with(OUT, "ups.I/OT=held").identity, first, "a re-mapping is no other event");
    // Version 1 sends no offset, and JSON numbers have no leading zeros.
    let older = OUT.replace("\"gmtOffset\": \"-05.00\",", "");
    let numbered = OUT.replace(r#""081530""#, "81530").replace(r#""131530""#, "131530");
    for same in [&older, &numbered, &numbered.replace(r#""-05.00""#, "-5.0")] {
        assert_ne!(same, OUT);
        assert_eq!(read(same).identity, first);
    }
    // If the instant is not known, the identity has the digits as sent, without the offset.
    let zoneless = older.replace(r#""gmtActivityTime": "131530","#, "");
    let numbered = zoneless.replace(r#""081530""#, "81530");
    assert_eq!(read(&zoneless).time, local("2026-01-15T08:15:30"));
    assert_eq!(read(&numbered).identity, read(&zoneless).identity);
    assert_ne!(read(&zoneless).identity, first);
    assert_ne!(read(&zoneless.replace("081530", "081531")).identity, read(&zoneless).identity);
    for (sent, other) in [("081530", "081531"), ("131530", "131531"), (r#""OT""#, r#""OF""#), ("021", "037")]
    {
        assert_ne!(read(&OUT.replace(sent, other)).identity, first, "{sent}");
    }
}

#[test]
fn a_test_of_ups_is_told_in_words() {
    let test = OUT.replace("1Z999AA10123456784", "1Zcietst0111111114");
    let said = "UPS sent a test, of 1ZCIETST0111111114: tests move no parcel";
    assert_eq!(Ups.parse(test.as_bytes(), &CodeMap::default()), Ok(Push::Remark(said.to_owned())));
}

#[test]
fn what_cannot_be_read_is_named() {
    let reason = |body: &str| parse_parcels(body.as_bytes(), &CodeMap::default()).unwrap_err().to_string();
    assert!(reason("").starts_with("not JSON: EOF"));
    assert_eq!(reason("3"), "the body is JSON, but no object");
    assert_eq!(reason(r#"{"activityStatus":{"type":"D"}}"#), "`trackingNumber` is missing");
    assert_eq!(reason(r#"{"trackingNumber":"1Z"}"#), "`activityStatus` is missing");
    assert_eq!(parse_parcels(b"{}", &CodeMap::default()), Ok(Vec::new()));
}
