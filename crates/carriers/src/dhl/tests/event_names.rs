//! Parsing of event names, of the detailed codes of Parcel DE, of the return flag, and of places and descriptions.

use serde_json::json;

use super::*;

/// The parcel of a shipment of this service with these events.
fn shipment(service: &str, events: Value) -> Parcel {
    let body = json!({"shipments": [{"id": "00340434161094015902", "service": service, "events": events}]});
    parcel(&body.to_string())
}

fn scan(service: &str, event: Value) -> ParsedScan {
    shipment(service, json!([event])).scans.remove(0)
}

#[test]
fn a_parcel_in_a_locker_waits_for_its_customer() {
    let ready = "Die Sendung liegt in der <a href='https://example.test/x?a=1&amp;b=2' class='link'>Packstation 1</a> zur Abholung bereit.";
    let event = |detailed: &str, words: &str| json!({"timestamp": "2026-01-15T12:33:00", "statusCode": "transit", "status": "LA", "statusDetailed": detailed, "description": words});
    let scan_of = |detailed: &str, words: &str| scan("parcel-de", event(detailed, words));
    let by_code = scan_of("HLDCC_LDPCK_LA", "");
    assert_eq!((&*by_code.code, by_code.meaning), ("transit/HLDCC_LDPCK_LA", Status(AvailableForPickup)));
    let told = scan_of("HLDCC_LDPCK_LA", ready);
    assert_eq!(
        told.description.as_deref(),
        Some("Die Sendung liegt in der Packstation 1 zur Abholung bereit.")
    );
    assert_eq!(told.identity, by_code.identity);
    assert_eq!(scan_of("", ready).meaning, Status(AvailableForPickup), "by the words");
    assert_eq!(scan_of("LDTMV_PCKST_PO", "Auf dem Weg zur Packstation").meaning, Status(InTransit));
    assert_eq!(scan_of("LDTMV_MVMTV_PO", "").meaning, Status(OutForDelivery));
    assert_eq!(scan_of("NTDEL_NHOME_ZN", "").meaning, Condition(ConditionKind::DeliveryAttemptFailed));
}

#[test]
fn a_detailed_code_can_be_named_in_the_setting_by_each_of_its_forms() {
    let body = json!({"shipments": [{"id": "1", "service": "parcel-de", "events": [
        {"timestamp": "2026-01-15T12:33:00", "statusCode": "transit", "status": "LA", "statusDetailed": "HLDCC_LDPCK_LA"},
    ]}]})
    .to_string();
    for remap in ["dhl.transit/HLDCC_LDPCK_LA=held", "dhl.transit/LA=held", "dhl.transit=held"] {
        let Ok(Push::Parcels(parcels, _)) = Dhl.parse(body.as_bytes(), &remap.parse().unwrap()) else {
            panic!()
        };
        assert_eq!(parcels[0].scans[0].meaning, Condition(ConditionKind::Held), "{remap}");
    }
}

#[test]
fn in_an_event_name_an_underscore_is_a_blank() {
    for (status_code, name, meaning) in [
        ("transit", "OUT_FOR_DELIVERY", Status(OutForDelivery)),
        ("transit", "DELIVERED_AT_PARCELSHOP", Status(AvailableForPickup)),
        ("delivered", "DELIVERED_AT_PARCELSHOP", Status(AvailableForPickup)),
        ("delivered", "COLLECTED_AT_PARCELSHOP", Status(Delivered)),
        ("transit", "SIGNATURE_RECORDED", Status(InTransit)),
        ("transit", "DELIVERED", Status(InTransit)),
        ("delivered", "DELIVERED", Status(Delivered)),
        ("pre-transit", "PRENOTIFICATION_RECEIVED", Status(LabelCreated)),
        ("failure", "NOT_HOME", Condition(ConditionKind::DeliveryAttemptFailed)),
        ("failure", "REFUSED_BY_RECEIVER", Condition(ConditionKind::DeliveryAttemptFailed)),
        ("failure", "ADDRESS_UNKNOWN", Condition(ConditionKind::AddressIssue)),
        ("failure", "SOMETHING_ELSE", Condition(ConditionKind::Other)),
        ("failure", "NOT_HOME_RETURN_TO_SHIPPER", Condition(ConditionKind::Returning)),
        ("delivered", "RETURNED_TO_SHIPPER", Condition(ConditionKind::Returned)),
        ("failure", "RETURNED_TO_SHIPPER", Status(ReturnedToSender)),
        ("delivered", "DELIVERED_AT_SHIPPER", Condition(ConditionKind::Returned)),
    ] {
        let event = json!({"timestamp": "2026-01-15T12:33:00", "statusCode": status_code, "status": name});
        let scan = scan("parcel-nl", event);
        assert_eq!(scan.meaning, meaning, "{status_code}/{name}");
        assert_eq!(scan.code, format!("{status_code}/{name}"));
    }
}

#[test]
fn an_event_name_belongs_to_the_identity_and_words_do_not() {
    let event =
        |status: &str| json!({"timestamp": "2026-01-15T12:33:00", "statusCode": "transit", "status": status});
    let identity = |status: &str| scan("parcel-nl", event(status)).identity;
    assert_ne!(identity("PARCEL_SORTED_AT_HUB"), identity("PARCEL_ARRIVED_AT_LOCAL_DEPOT"));
    assert_ne!(identity("UNDERWAY"), identity("CUSTOMS"));
    assert_eq!(identity("PARCEL_SORTED_AT_HUB"), identity("parcel_sorted_at_hub"));
    assert_eq!(identity("Sorted at the hub"), identity("Arrived at the depot"));
    let both = shipment("parcel-nl", json!([event("PARCEL_SORTED_AT_HUB"), event("SIGNATURE_RECORDED")]));
    assert_ne!(both.scans[0].identity, both.scans[1].identity);
}

#[test]
fn the_return_flag_makes_the_delivery_a_return() {
    let delivered = json!({"timestamp": "2026-01-20T12:08:00", "statusCode": "delivered"});
    let moving = json!({"timestamp": "2026-01-19T12:08:00", "statusCode": "transit"});
    let meanings = |flag: Value, events: &[&Value]| -> Vec<Meaning> {
        let body = json!({"shipments": [{"id": "00340000000000000002", "service": "parcel-nl", "returnFlag": flag, "status": events[0], "events": events}]});
        parcel(&body.to_string()).scans.iter().map(|scan| scan.meaning).collect()
    };
    for flag in [json!(true), json!("true")] {
        assert_eq!(meanings(flag.clone(), &[&delivered]), [Condition(ConditionKind::Returned)]);
        assert_eq!(
            meanings(flag, &[&delivered, &moving]),
            [Condition(ConditionKind::Returned), Condition(ConditionKind::Returning)]
        );
    }
    assert_eq!(meanings(json!(false), &[&delivered, &moving]), [Status(Delivered), Status(InTransit)]);
}

#[test]
fn places_and_descriptions_are_for_people() {
    let event = json!({
        "timestamp": "2026-01-15T12:33:00", "statusCode": "failure", "status": "RETURNED_TO_SHIPPER", "description": "4711",
        "location": {"address": {"addressLocality": "Springfield, IL, US", "countryCode": "US"}},
    });
    let scan = scan("parcel-nl", event);
    assert_eq!(scan.location.as_deref(), Some("Springfield, IL, US"));
    assert_eq!(scan.description.as_deref(), Some("returned to shipper"));
    assert_eq!(scan.meaning, Status(ReturnedToSender));
}

#[test]
fn express_tells_in_words_alone() {
    for (words, meaning) in [
        ("Shipment Accepted", Status(PickedUp)),
        ("Delivery attempt could not be completed", Condition(ConditionKind::DeliveryAttemptFailed)),
        ("On hold awaiting for payment of shipment related fees", Condition(ConditionKind::Held)),
        ("Shipment is in transit to destination", Status(InTransit)),
        ("Further consignee information needed", Condition(ConditionKind::AddressIssue)),
        ("Clearance delay MILAN - ITALY", Condition(ConditionKind::Delayed)),
        ("Forwarded for delivery", Status(InTransit)),
    ] {
        for status_code in [None, Some("transit")] {
            let event =
                json!({"timestamp": "2026-01-15T12:33:00", "statusCode": status_code, "description": words});
            assert_eq!(scan_of(&event.to_string(), "").meaning, meaning, "{words}");
        }
    }
}
