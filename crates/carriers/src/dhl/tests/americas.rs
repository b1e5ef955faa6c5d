//! Parsing of packages of DHL eCommerce Americas.

use domain::Meaning;

use super::*;

const AMERICAS: &str = include_str!("../../../samples/dhl_americas.json");

#[test]
fn a_package_of_the_americas_is_read_with_its_zones() {
    let parcel = parcel(AMERICAS);
    assert_eq!(
        (parcel.tracking_number.carrier(), &*parcel.tracking_number),
        (Carrier::DHL, "9361269903505749570001")
    );
    assert_eq!(parcel.other_numbers, ["GM60511234500000001"]);
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
        Ok(Push::Parcels(parcels, _)) => {
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
fn a_package_may_come_without_a_list_around_it() {
    let listed: Value = serde_json::from_str(AMERICAS).unwrap();
    let bare = listed["packages"][0].to_string();
    assert_eq!(parcels(&bare), parcels(AMERICAS));
    let nameless = r#"{"package":{},"events":[]}"#;
    let reason = "package 1: `trackingId` or `dhlPackageId` is missing";
    assert_eq!(parsed(nameless).unwrap_err().to_string(), reason);
}

#[test]
fn words_with_a_comma_can_be_named_in_the_setting() {
    let event = r#"{"date":"2026-01-15","primaryEventDescription":"Held, fee = due"}"#;
    let body = format!(r#"{{"package":{{"trackingId":"1"}},"events":[{event}]}}"#);
    let read = |remap: &str| match Dhl.parse(body.as_bytes(), &remap.parse().unwrap()) {
        Ok(Push::Parcels(mut parcels, _)) => parcels.remove(0).scans.remove(0),
        other => panic!("{other:?}"),
    };
    let scan = read("");
    assert_eq!((scan.code.as_str(), scan.meaning), ("HELD_ FEE _ DUE", Unknown));
    let held = read(&format!("dhl.{}=held", scan.code));
    assert_eq!((held.identity, held.meaning), (scan.identity, Condition(ConditionKind::Held)));
}
