//! Every member of every result: what may be expected to go wrong is data.

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
        (json!({"totalCents": -1}), "totalCents"),
        (json!({"currency": "dollars"}), "currency"),
        (json!({"placedAt": "2030-01-01T00:00:00Z"}), "placedAt"),
        (json!({"placedAt": "+12026-01-01T00:00:00Z"}), "placedAt"),
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

    world.bring(&id, &["PAYMENT_CONFIRMED"]).await;
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
    let parcel = json!({"orderId": id, "carrier": "UPS", "trackingNumber": "1Z"});
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
        ("createShipment", with(parcel.clone(), json!({"orderId": "x"})), "orderId"),
        ("createShipment", with(parcel.clone(), json!({"trackingNumber": "ä"})), "trackingNumber"),
        ("createShipment", with(parcel.clone(), json!({"items": []})), "items"),
        (
            "createShipment",
            with(parcel.clone(), json!({"items": [{"itemId": "x", "quantity": 1}]})),
            "items[0].itemId",
        ),
        (
            "createShipment",
            with(parcel, json!({"items": [{"itemId": item, "quantity": -1}]})),
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
async fn parcels_are_refused_with_the_facts() {
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

    world.bring(&other, &["CANCELLED"]).await;
    assert_eq!(create(support(), &other, "1004", 0).await["code"], "ORDER_CLOSED");
}
