//! Tests of every member of every result union.

use domain::ShipmentStatus;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, customer, supplier, support, tea, user};

fn with(mut input: Value, changes: Value) -> Value {
    let (Value::Object(input_fields), Value::Object(changes)) = (&mut input, changes) else { panic!() };
    input_fields.extend(changes);
    input
}

#[tokio::test]
async fn placing_names_the_field_that_is_wrong() {
    let world = World::new().await;
    let cases = [
        (json!({"userId": "kim"}), "userId"),
        (json!({"userId": null}), "userId"),
        (json!({"customerEmail": "kim"}), "customerEmail"),
        (json!({"items": []}), "items"),
        (json!({"items": [{"sku": "TEA", "name": "Tea", "quantity": 0}]}), "items[0].quantity"),
        (
            json!({"items": [{"sku": "TEA", "name": "Tea", "quantity": 3_000_000_000_u32}]}),
            "items[0].quantity",
        ),
        (json!({"totalCents": -1}), "totalCents"),
        (json!({"totalCents": 1_i64 << 40}), "totalCents"),
        (json!({"currency": "dollars"}), "currency"),
        (json!({"placedAt": "2030-01-01T00:00:00Z"}), "placedAt"),
        (json!({"placedAt": "+12026-01-01T00:00:00Z"}), "placedAt"),
        (json!({"placedAt": "2026-01-01T00:00:00"}), "placedAt"),
        (json!({"idempotencyKey": " "}), "idempotencyKey"),
    ];
    for (change, field) in cases {
        let refused = world.mutate(&support(), "placeOrder", with(tea(), change)).await;
        assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!(field)));
    }
    world.place(with(tea(), json!({"reference": "A-1"}))).await;
    let twice = world.mutate(&support(), "placeOrder", with(tea(), json!({"reference": "A-1"}))).await;
    assert_eq!(twice["field"], "reference");
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_named_by_its_field_and_told_how_to_be() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let shipment = world.ship(&order, "1001", None).await;
    let how = "a time with an offset is needed, as in 2026-01-15T07:02:09-05:00";
    for wrong in [json!("2026-11-29T12:00:00"), json!("tomorrow"), json!(""), json!(1_764_417_600)] {
        let scan = json!({"shipmentId": shipment, "status": "IN_TRANSIT", "occurredAt": wrong});
        let refused = world.mutate(&support(), "recordScan", scan).await;
        assert_eq!(refused["__typename"], "InvalidInput", "{wrong}: {refused}");
        assert_eq!((&refused["field"], &refused["message"]), (&json!("occurredAt"), &json!(how)));

        let supplied = json!({"items": [{
            "sku": "TEA", "name": "Tea", "quantity": 3, "origin": {"kind": "SUPPLIER", "code": "acme"}, "shipBy": wrong,
        }]});
        let refused = world.mutate(&support(), "placeOrder", with(tea(), supplied)).await;
        assert_eq!((&refused["field"], &refused["message"]), (&json!("items[0].shipBy"), &json!(how)));

        for (query, field) in [
            (
                "query($at: DateTime!) { orders(filter: {placedSince: $at}) { totalCount } }",
                "filter.placedSince",
            ),
            ("query($at: DateTime!) { orderEvents(filter: {until: $at}) { totalCount } }", "filter.until"),
            ("query($at: DateTime!) { webhooks(filter: {since: $at}) { totalCount } }", "filter.since"),
            ("mutation($at: DateTime!) { replayWebhooks(input: {since: $at}) { examined } }", "input.since"),
        ] {
            let error = world.run(&support(), query, json!({"at": wrong})).await["errors"][0].take();
            assert_eq!(error["message"], format!("{field}: {how}"));
            assert_eq!(error["extensions"], json!({"code": "BAD_INPUT", "field": field}));
        }
    }
    let version = json!({"orderId": order, "to": "PROCESSING", "expectedVersion": 3_000_000_000_u32});
    let refused = world.mutate(&support(), "transitionOrder", version).await;
    assert_eq!(refused["field"], "expectedVersion", "{refused}");
    let units = json!({"orderId": order, "reason": "broken", "items": [{
        "itemId": world.item(&order).await, "quantity": 3_000_000_000_u32,
    }]});
    let refused = world.mutate(&support(), "cancelItems", units).await;
    assert_eq!(refused["field"], "items[0].quantity", "{refused}");
    assert_eq!(refused["message"], "a whole number from -2147483648 to 2147483647 is needed");
    let literal = format!(
        "mutation {{ recordScan(input: {{shipmentId: \"{shipment}\", status: IN_TRANSIT, occurredAt: \"soon\"}}) {{ \
         ... on InvalidInput {{ field }} }} }}"
    );
    assert_eq!(world.data(&support(), &literal, json!({})).await["recordScan"]["field"], "occurredAt");
}

#[tokio::test]
async fn roles_place_what_is_theirs() {
    let world = World::new().await;
    for own in [tea(), with(tea(), json!({"userId": null}))] {
        let placed = world.mutate(&customer(1), "placeOrder", own).await;
        assert_eq!(placed["__typename"], "PlaceOrderSuccess");
    }
    for (caller, input) in [
        (supplier(), tea()),
        (customer(2), tea()),
        (customer(1), with(tea(), json!({"placedAt": "2020-01-01T00:00:00Z"}))),
    ] {
        let refused = world.mutate(&caller, "placeOrder", input).await;
        assert_eq!(refused["__typename"], "Forbidden", "{:?}", caller.actor);
    }
}

#[tokio::test]
async fn transitions_are_refused_with_the_facts() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let ask = async |caller, to: &str, version: Option<i32>| {
        let input = json!({"orderId": id, "to": to, "expectedVersion": version});
        world.mutate(&caller, "transitionOrder", input).await
    };
    let refused = ask(support(), "DELIVERED", None).await;
    assert_eq!((&refused["from"], &refused["to"]), (&json!("PLACED"), &json!("DELIVERED")));
    assert_eq!(refused["allowed"], json!(["PAYMENT_CONFIRMED", "CANCELLED"]));
    assert_eq!(refused["blockedBy"]["code"], "NOT_IN_TABLE");
    assert_eq!(refused["message"], refused["blockedBy"]["message"]);

    assert_eq!(ask(customer(1), "PAYMENT_CONFIRMED", None).await["blockedBy"]["code"], "ROLE");
    assert_eq!(ask(customer(2), "CANCELLED", None).await["__typename"], "NotFound");
    assert_eq!(ask(supplier(), "CANCELLED", None).await["__typename"], "NotFound");

    world.move_order(&id, &["PAYMENT_CONFIRMED"]).await;
    let conflict = ask(support(), "PROCESSING", Some(1)).await;
    assert_eq!(conflict["__typename"], "VersionConflict");
    assert_eq!(conflict["currentVersion"], 2);
    assert_eq!(conflict["order"], json!({"id": id, "version": 2}));

    let shipment = world.ship(&id, "1001", None).await;
    world.scan("1001", ShipmentStatus::PickedUp).await;
    let moving = ask(support(), "CANCELLED", None).await;
    assert_eq!(moving["blockedBy"]["code"], "PARCELS_MOVING");
    assert_eq!(moving["blockedBy"]["shipments"], json!([{ "id": shipment }]));
}

#[tokio::test]
async fn ids_and_quantities_that_cannot_be_are_named() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let item = world.item(&id).await;
    let shipment = json!({"orderId": id, "carrier": "UPS", "trackingNumber": "1Z"});
    let cases = [
        ("transitionOrder", json!({"orderId": "x", "to": "SHIPPED"}), "orderId"),
        ("cancelOrder", json!({"orderId": "x", "reason": "no"}), "orderId"),
        ("cancelOrder", json!({"orderId": id, "reason": " "}), "reason"),
        ("cancelItems", json!({"orderId": id, "reason": "no", "items": []}), "items"),
        (
            "cancelItems",
            json!({"orderId": id, "reason": "no", "items": [{"itemId": item, "quantity": 0}]}),
            "items[0].quantity",
        ),
        ("createShipment", with(shipment.clone(), json!({"orderId": "x"})), "orderId"),
        ("createShipment", with(shipment.clone(), json!({"trackingNumber": "ä"})), "trackingNumber"),
        ("createShipment", with(shipment.clone(), json!({"items": []})), "items"),
        (
            "createShipment",
            with(shipment.clone(), json!({"items": [{"itemId": "x", "quantity": 1}]})),
            "items[0].itemId",
        ),
        (
            "createShipment",
            with(shipment, json!({"items": [{"itemId": item, "quantity": -1}]})),
            "items[0].quantity",
        ),
        ("cancelShipment", json!({"shipmentId": "x", "reason": "no"}), "shipmentId"),
    ];
    for (name, input, field) in cases {
        let refused = world.mutate(&support(), name, input).await;
        let expected = (&json!("InvalidInput"), &json!(field));
        assert_eq!((&refused["__typename"], &refused["field"]), expected, "{name}");
    }
}

#[tokio::test]
async fn shipments_are_refused_with_the_facts() {
    let world = World::new().await;
    let (id, other) = (world.place(tea()).await, world.place(tea()).await);
    let item = world.item(&id).await;
    let create = async |caller, order: &str, number: &str, units: i32| {
        let items = (order == id).then(|| json!([{"itemId": item, "quantity": units}]));
        let input = json!({"orderId": order, "carrier": "FEDEX", "trackingNumber": number, "items": items});
        world.mutate(&caller, "createShipment", input).await
    };
    let first = create(support(), &id, "1001", 2).await;
    assert_eq!(first["shipment"]["status"], "LABEL_CREATED");
    assert_eq!(create(support(), &id, "10 01", 2).await["shipment"], first["shipment"]);

    let over = create(support(), &id, "1002", 2).await;
    assert_eq!(over["__typename"], "OverAllocated");
    assert_eq!((&over["itemId"], &over["ordered"]), (&json!(item), &json!(3)));
    assert_eq!((&over["allocated"], &over["asked"]), (&json!(2), &json!(2)));

    assert_eq!(create(support(), &other, "1001", 0).await["code"], "NUMBER_IN_USE");
    let nowhere = Uuid::from_u128(9).to_string();
    assert_eq!(create(support(), &nowhere, "1003", 0).await["__typename"], "NotFound");
    assert_eq!(create(customer(1), &id, "1003", 1).await["__typename"], "Forbidden");
    assert_eq!(create(customer(2), &id, "1003", 1).await["__typename"], "NotFound");
    assert_eq!(create(supplier(), &id, "1003", 1).await["__typename"], "NotFound");

    let cancel = async |caller, shipment: &Value| {
        let input = json!({"shipmentId": shipment, "reason": "damaged in the warehouse"});
        world.mutate(&caller, "cancelShipment", input).await
    };
    let shipment = &first["shipment"]["id"];
    assert_eq!(cancel(supplier(), shipment).await["__typename"], "NotFound");
    assert_eq!(cancel(customer(2), shipment).await["__typename"], "NotFound");
    assert_eq!(cancel(support(), &json!(user(9))).await["__typename"], "NotFound");
    world.scan("1001", ShipmentStatus::InTransit).await;
    assert_eq!(cancel(support(), shipment).await["code"], "ALREADY_MOVING");
    for (said, field) in [
        (json!({}), "status"),
        (json!({"status": null, "condition": null}), "status"),
        (json!({"status": "IN_TRANSIT", "condition": "LOST"}), "condition"),
    ] {
        let scan = with(json!({"shipmentId": shipment, "occurredAt": world.clock.now()}), said);
        assert_eq!(world.mutate(&support(), "recordScan", scan).await["field"], field);
    }
    let lost = json!({"shipmentId": shipment, "condition": "LOST", "occurredAt": world.clock.now()});
    for caller in [customer(1), supplier()] {
        let refused = world.mutate(&caller, "recordScan", lost.clone()).await;
        assert!(["Forbidden", "NotFound"].contains(&refused["__typename"].as_str().unwrap()), "{refused}");
    }
    assert_eq!(world.mutate(&support(), "recordScan", lost).await["shipment"]["status"], "IN_TRANSIT");
    assert_eq!(cancel(support(), shipment).await["shipment"]["status"], "CANCELLED");

    world.move_order(&other, &["CANCELLED"]).await;
    assert_eq!(create(support(), &other, "1004", 0).await["code"], "ORDER_CLOSED");
}
