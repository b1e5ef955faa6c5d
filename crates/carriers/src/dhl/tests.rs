//! DHL's pushes, from the samples.

use chrono::TimeDelta;
use domain::{
    CarrierTime, ConditionKind,
    Meaning::{self, Condition, Status, Unknown},
    ShipmentStatus::*,
};

use super::*;
use crate::{
    ParsedScan, Sender,
    compose::tests::{history, told},
    time::tests::local,
};

const EXPRESS: &str = include_str!("../../samples/dhl_express.json");
const BATCH: &str = include_str!("../../samples/dhl_batch.json");
const VALIDATE: &str = include_str!("../../samples/dhl_validate.json");
const READY: &str = include_str!("../../samples/dhl_ready.json");
const AMERICAS: &str = include_str!("../../samples/dhl_americas.json");

fn parsed(body: &str) -> Result<Push, Unreadable> {
    Dhl.parse(body.as_bytes(), &CodeMap::default())
}

fn parcels(body: &str) -> Vec<Parcel> {
    match parsed(body) {
        Ok(Push::Parcels(parcels)) => parcels,
        other => panic!("{other:?}"),
    }
}

fn parcel(body: &str) -> Parcel {
    let mut parcels = parcels(body);
    assert_eq!(parcels.len(), 1);
    parcels.remove(0)
}

/// The scan of an event, in a push of an Express shipment with no other.
fn scan_of(event: &str, remap: &str) -> ParsedScan {
    let body = format!(r#"{{"shipments":[{{"id":"7777777770","events":[{event}]}}]}}"#);
    match Dhl.parse(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(mut parcels)) => parcels.remove(0).scans.remove(0),
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
fn the_token_is_compared_whole_in_the_header_the_merchant_chose() {
    let secrets = Secrets::new(["new-token".to_owned(), "old-token".to_owned()]).unwrap();
    let at = DateTime::UNIX_EPOCH;
    let check = |secrets: &Secrets, headers: &[(&str, &[u8])]| {
        Dhl.verify(secrets, &Request { at, query: "token=old-token", headers, body: EXPRESS.as_bytes() })
    };
    assert_eq!(Dhl.sign(&secrets, b"", at), [("x-milepost-token".to_owned(), "new-token".to_owned())]);
    assert_eq!(check(&secrets, &[("X-Milepost-Token", b"old-token")]), Ok(()));
    assert_eq!(check(&secrets, &[("x-milepost-token", b"new-token")]), Ok(()));
    for wrong in [&b"old-tokeN"[..], b"old", b"old-token2", b"\xff"] {
        assert_eq!(check(&secrets, &[("x-milepost-token", wrong)]), Err(Refused::Mismatch));
    }
    for index in 0.."new-token".len() {
        let mut changed = b"new-token".to_vec();
        changed[index] ^= 1;
        assert_eq!(check(&secrets, &[("x-milepost-token", &changed)]), Err(Refused::Mismatch));
    }
    let missing = |header: &str| Err(Refused::MissingHeader(header.to_owned()));
    assert_eq!(check(&secrets, &[]), missing("x-milepost-token"));
    assert_eq!(check(&secrets, &[("x-milepost-token", b" ")]), missing("x-milepost-token"));

    let chosen = secrets.with_header("X-My-Hook");
    assert_eq!(Dhl.sign(&chosen, b"", at), [("X-My-Hook".to_owned(), "new-token".to_owned())]);
    assert_eq!(check(&chosen, &[("x-my-hook", b"old-token")]), Ok(()));
    assert_eq!(check(&chosen, &[("x-milepost-token", b"old-token")]), missing("X-My-Hook"));
}

#[test]
fn a_composed_body_is_accepted_and_refused_from_others() {
    let secrets = |secret: &str| Secrets::new([secret.to_owned()]).unwrap();
    let scans = [told(Status(OutForDelivery), 1)];
    let body = Dhl.compose(&history(Sender::Dhl, &scans)).remove(0);
    let at = scans[0].at.to_utc();
    let signed = Dhl.sign(&secrets("ours"), &body, at);
    let headers: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    // The token has no time: it is as good a year later.
    for at in [at, at + TimeDelta::days(365)] {
        let request = Request { at, query: "", headers: &headers, body: &body };
        assert_eq!(Dhl.verify(&secrets("ours"), &request), Ok(()));
        assert_eq!(Dhl.verify(&secrets("theirs"), &request), Err(Refused::Mismatch));
    }
}

#[test]
fn a_history_of_express_is_read_event_by_event() {
    let parcel = parcel(EXPRESS);
    assert_eq!((parcel.carrier, parcel.tracking_number.as_str()), (Carrier::Dhl, "7777777770"));
    assert_eq!((&parcel.package, parcel.said_at), (&None, None));
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
    assert_eq!(parcel(EXPRESS).estimated_delivery, Some("2026-01-15T16:00:00Z".parse().unwrap()));
    let revised = EXPRESS.replace("2026-01-15T17:00:00", "2026-01-16T12:30:00");
    assert_eq!(parcel(&revised).estimated_delivery, Some("2026-01-16T11:30:00Z".parse().unwrap()));
    let dated = EXPRESS.replace("estimatedThrough", "other");
    assert_eq!(parcel(&dated).estimated_delivery, Some("2026-01-15T12:00:00Z".parse().unwrap()));
    let none = dated.replace("estimatedTimeOfDelivery", "other");
    assert_eq!(parcel(&none).estimated_delivery, None);
    // It goes with the newest scan, and was said when that was made.
    let scans = parcel(EXPRESS).into_scans("2026-01-15T13:00:00Z".parse().unwrap());
    let said: Vec<_> = scans.iter().map(|scan| scan.estimate.map(|estimate| estimate.said_at)).collect();
    assert_eq!(said, [Some(scans[0].occurred_at), None, None, None]);
}

#[test]
fn a_batch_is_read_shipment_by_shipment_and_pieces_are_no_parcels() {
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
    assert!(EXPRESS.contains("JD014600000000000001"));
}

#[test]
fn a_subscription_is_confirmed_by_its_id_and_secret() {
    let activation = |body: &str| match parsed(body) {
        Ok(Push::Activation(activation)) => Ok(activation),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    };
    let expected = Activation {
        subscription: "3f0c1c5e-7d7a-4d4e-9b1e-2f1a6f0c9d11".to_owned(),
        secret: "b1f7e6a4-say-it-back".to_owned(),
    };
    assert_eq!(activation(VALIDATE), Ok(expected));
    let of = |address: &str| {
        activation(&format!(r#"{{"scope":"Subscription.Validate","secret":" s ","self":"{address}"}}"#))
            .map(|activation| activation.subscription)
    };
    for address in [
        "https://h/a/b/id_1.x-Y",
        "https://h/id_1.x-Y/",
        "https://h/id_1.x-Y?a=b/c#d",
        "id_1.x-Y",
        "/v1/id_1.x-Y",
    ] {
        assert_eq!(of(address).as_deref(), Ok("id_1.x-Y"), "{address}");
    }
    let long = format!("https://h/{}", "a".repeat(129));
    for address in [
        "",
        "https://h",
        "https://h/",
        "https://api-eu.dhl.com?x",
        "https://h/a/..",
        "https://h/a/.",
        "https://h/a%2Fb",
        "https://h/a b",
        "https://h/a:b",
        "https://h/é",
        "https://h/a\\\\b",
        &long,
    ] {
        assert_eq!(of(address), Err("`self` does not end in the id of a subscription".into()), "{address}");
    }
    let unsaid = activation(r#"{"scope":"subscription.validate","self":"https://h/1"}"#);
    assert_eq!(unsaid, Err("`secret` is missing".into()));
    let long = format!(
        r#"{{"scope":"subscription.validate","self":"https://h/1","secret":"{}"}}"#,
        "s".repeat(1_001)
    );
    assert_eq!(activation(&long), Err("`secret` has more than 1000 bytes".into()));
    assert!(!format!("{:?}", parsed(VALIDATE)).contains("say-it-back"));
}

#[test]
fn what_becomes_of_a_subscription_is_told_in_words() {
    assert_eq!(
        remark(READY),
        "DHL says that subscription 3f0c1c5e-7d7a-4d4e-9b1e-2f1a6f0c9d11 is live: \
         until 2027-01-15T00:00:00Z; 1 shipment"
    );
    for (scope, words) in [
        ("failure", "has failed: no answer"),
        ("Deleted", "is deleted: no answer"),
        ("cancelled", "is cancelled: no answer"),
        ("EXPIRED", "has expired: no answer"),
    ] {
        let body =
            format!(r#"{{"scope":"subscription.{scope}","self":"https://h/1","failure":"no answer"}}"#);
        assert_eq!(remark(&body), format!("DHL says that subscription 1 {words}"));
    }
    let bare = r#"{"scope":"subscription.expired"}"#;
    assert_eq!(remark(bare), "DHL says that subscription (without an id) has expired");
    let other = r#"{"scope":"subscription.paused"}"#;
    assert_eq!(remark(other), "DHL sent `subscription.paused`, which is not about parcels");
    // Where there are shipments, they are read whatever the scope.
    assert_eq!(parcel(&EXPRESS.replace("subscription.push", "subscription.update")), parcel(EXPRESS));
    assert_eq!(parcels(r#"{"scope":"subscription.push"}"#), []);
    assert_eq!(parcels(r#"{"shipments":[]}"#), []);
    assert_eq!(parcels(r#"{"shipments":[{"id":"1","events":[{},7,null]}]}"#), []);
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
fn a_package_of_the_americas_is_read_with_its_zones() {
    let parcel = parcel(AMERICAS);
    assert_eq!((parcel.carrier, &*parcel.tracking_number), (Carrier::Dhl, "9361269903505749570001"));
    let read: Vec<_> = parcel
        .scans
        .iter()
        .map(|scan| (&*scan.code, scan.meaning, scan.time, scan.location.as_deref()))
        .collect();
    assert_eq!(
        read,
        [
            (
                "OUT FOR DELIVERY",
                Status(OutForDelivery),
                instant("2026-01-15T13:10:00Z"),
                Some("Hernando, FL, US")
            ),
            ("520", Status(InTransit), instant("2026-01-15T01:20:00Z"), Some("Memphis, TN, US")),
            ("EN ROUTE BY BALLOON", Unknown, local("2026-01-13T12:00:00"), Some("US")),
        ]
    );
    assert_eq!(
        parcel.scans[1].description.as_deref(),
        Some("ARRIVED USPS SORT FACILITY: Processed by the next carrier")
    );
    let with = |remap: &str| match Dhl.parse(AMERICAS.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(parcels)) => {
            parcels[0].scans.iter().map(|scan| scan.meaning).collect::<Vec<Meaning>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(with("dhl.En route by balloon=in_transit")[2], Status(InTransit));
    assert_eq!(with("dhl.520=held")[1], Condition(ConditionKind::Held));
    assert_eq!(with("dhl.arrived usps sort facility=held")[1], Condition(ConditionKind::Held));
    let retold = AMERICAS.replace("Hernando", "HERNANDO").replace("OUT FOR DELIVERY", "Out for  Delivery");
    assert_eq!(self::parcel(&retold).scans[0].identity, parcel.scans[0].identity);
    let retimed = AMERICAS.replace("08:10:00", "08:11:00");
    assert_ne!(self::parcel(&retimed).scans[0].identity, parcel.scans[0].identity);
}

#[test]
fn what_cannot_be_read_is_named() {
    let reason = |body: &str| parsed(body).unwrap_err().to_string();
    assert!(reason("").starts_with("not JSON: EOF"));
    assert_eq!(reason("[]"), "the body is JSON, but no object");
    assert_eq!(reason("{}"), "none of `scope`, `shipments` and `packages` is there");
    assert_eq!(reason(r#"{"scope":"push"}"#), "none of `scope`, `shipments` and `packages` is there");
    assert_eq!(reason(r#"{"shipments":[{"events":[]}]}"#), "shipment 1: `id` is missing");
    assert_eq!(reason(r#"{"shipments":["x"]}"#), "shipment 1: it is no object");
    assert_eq!(
        reason(r#"{"packages":[{"events":[]}]}"#),
        "package 1: neither `trackingId` nor `dhlPackageId` is there"
    );
    let long = format!(r#"{{"shipments":[{{"id":"{}"}}]}}"#, "9".repeat(65));
    assert_eq!(reason(&long), "shipment 1: the tracking number has more than 64 characters");
}
