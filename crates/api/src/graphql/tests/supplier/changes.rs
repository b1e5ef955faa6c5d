//! Tests that a supplier can change its own items, and can neither change nor detect items of others.

use serde_json::json;
use uuid::Uuid;

use super::{
    super::world::{World, supplier},
    Scene, by_acme, order, staff, supplier_called,
};

#[tokio::test]
async fn a_supplier_is_named_on_what_it_did_itself() {
    let world = World::new().await;
    let id = world.place(order("A-1", &[by_acme()])).await;
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    let input = json!({"orderId": id, "carrier": "FEDEX", "trackingNumber": "77"});
    let shipped = world.mutate(&supplier(), "createShipment", input).await;
    assert_eq!(shipped["order"]["status"], "AWAITING_PICKUP", "{shipped}");
    let query =
        "query($id: ID!) { order(id: $id) { events(last: 1) { nodes { actor { kind id } requestId } } } }";
    let data = world.data(&supplier(), query, json!({ "id": id })).await;
    let event = &data["order"]["events"]["nodes"][0];
    assert_eq!(event, &json!({"actor": {"kind": "SUPPLIER", "id": "acme"}, "requestId": null}));
}

#[tokio::test]
async fn a_supplier_ships_and_calls_off_its_own() {
    let scene = Scene::new().await;
    let shipment = |number: &str, item: &str, units: i32| {
        json!({"orderId": scene.shared, "carrier": "UPS", "trackingNumber": number,
               "items": [{"itemId": item, "quantity": units}]})
    };
    let shipped = scene.mutate("createShipment", shipment("1Z1", &scene.items[0], 1)).await;
    assert_eq!(shipped["shipment"]["status"], "LABEL_CREATED", "{shipped}");
    let again = scene.mutate("createShipment", shipment("1Z1", &scene.items[0], 1)).await;
    assert_eq!(again["shipment"], shipped["shipment"]);
    let reason = json!({"shipmentId": shipped["shipment"]["id"], "reason": "torn"});
    assert_eq!(scene.mutate("cancelShipment", reason).await["shipment"]["status"], "CANCELLED");
    // Without `items`, a shipment of a supplier contains all of its own units that are in no shipment.
    let rest = json!({"orderId": scene.shared, "carrier": "UPS", "trackingNumber": "1Z2"});
    let shipped = scene.mutate("createShipment", rest).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Shipment { origin { code } items { quantity item { sku } } } } }";
    let id = json!({"id": shipped["shipment"]["id"]});
    let data = scene.world.data(&supplier(), query, id).await;
    let items = json!([{"quantity": 4, "item": {"sku": "ACME-SKU"}}]);
    assert_eq!(data["node"], json!({"origin": {"code": "acme"}, "items": items}));
}

#[tokio::test]
async fn a_shipment_that_the_merchant_sends_is_seen_and_not_touched() {
    let scene = Scene::new().await;
    let input = json!({
        "orderId": scene.shared, "carrier": "FEDEX", "trackingNumber": "ACME9",
        "origin": {"kind": "WAREHOUSE", "code": "main"}, "items": [{"itemId": scene.items[0], "quantity": 1}],
    });
    let shipped = scene.world.mutate(&staff(), "createShipment", input).await;
    let id = shipped["shipment"]["id"].as_str().unwrap_or_else(|| panic!("{shipped}"));
    let query = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(scene.world.data(&supplier(), query, json!({ "id": id })).await["node"]["id"], id);
    for (name, input) in [
        ("cancelShipment", json!({"shipmentId": id, "reason": "torn"})),
        (
            "recordScan",
            json!({"shipmentId": id, "status": "PICKED_UP", "occurredAt": scene.world.clock.now()}),
        ),
    ] {
        assert_eq!(scene.mutate(name, input).await["__typename"], "Forbidden", "{name}");
    }
}

#[tokio::test]
async fn what_a_supplier_may_not_know_of_it_cannot_touch() {
    let scene = Scene::new().await;
    let elsewhere = json!({"orderId": scene.others, "carrier": "UPS", "trackingNumber": "1Z1"});
    let refused = scene.mutate("createShipment", elsewhere).await;
    assert_eq!(refused, json!({"__typename": "NotFound", "message": "no order with that id"}));
    let none = Uuid::from_u128(9).to_string();
    let cancel =
        async |id: &str| scene.mutate("cancelShipment", json!({"shipmentId": id, "reason": "no"})).await;
    let not_there = cancel(&none).await;
    assert_eq!(not_there, json!({"__typename": "NotFound", "message": "no shipment with that id"}));
    for id in &scene.hidden {
        assert_eq!(cancel(id).await, not_there, "{id}");
    }
    for (name, more) in [
        ("transitionOrder", json!({"to": "CANCELLED"})),
        ("transitionOrder", json!({"to": "PROCESSING"})),
        ("transitionOrder", json!({"to": "CANCELLED", "dryRun": true})),
        ("cancelOrder", json!({"reason": "no"})),
        ("cancelItems", json!({"reason": "no", "items": [{"itemId": scene.items[1], "quantity": 1}]})),
    ] {
        let mut input = more;
        input["orderId"] = json!(scene.others);
        assert_eq!(scene.mutate(name, input).await["__typename"], "NotFound", "{name}");
    }
}

#[tokio::test]
async fn an_item_of_somebody_else_is_an_item_that_is_not_there() {
    let scene = Scene::new().await;
    let none = Uuid::from_u128(9).to_string();
    for item in [&none, &scene.items[1], &scene.items[2]] {
        let input = json!({"orderId": scene.shared, "carrier": "UPS", "trackingNumber": "1Z1",
                           "items": [{"itemId": item, "quantity": 1}]});
        let refused = scene.mutate("createShipment", input).await;
        let message = format!("the order has no item {item}");
        let expected = json!({"__typename": "InvalidInput", "field": "items[0].itemId", "message": message});
        assert_eq!(refused, expected);
    }
}

#[tokio::test]
async fn a_number_in_use_is_in_use_whoever_has_it() {
    let scene = Scene::new().await;
    // Tracking numbers of this order and of another one, of shipments with the supplier's own items and with others.
    for number in ["TELLTALE2001", "TELLTALE3001", "TELLTALE4001", "TELLTALE5001", "TELLTALE6001"] {
        let input = json!({"orderId": scene.shared, "carrier": "FEDEX", "trackingNumber": number,
                           "items": [{"itemId": scene.items[0], "quantity": 1}]});
        let refused = scene.mutate("createShipment", input).await;
        let message = format!("fedex {number} is on its way already");
        let expected = json!({"__typename": "ShipmentRefused", "code": "NUMBER_IN_USE", "message": message});
        assert_eq!(refused, expected);
    }
}

#[tokio::test]
async fn a_shipment_does_not_come_from_another_supplier() {
    let scene = Scene::new().await;
    let input = json!({"orderId": scene.shared, "carrier": "UPS", "trackingNumber": "1Z1",
                       "origin": {"kind": "SUPPLIER", "code": "tell-tale-supplier"}});
    let refused = scene.mutate("createShipment", input).await;
    assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!("origin")));
}

#[tokio::test]
async fn transitions_are_not_the_suppliers() {
    let scene = Scene::new().await;
    let ask = async |to: &str, version: Option<i32>| {
        let input = json!({"orderId": scene.shared, "to": to, "expectedVersion": version});
        scene.mutate("transitionOrder", input).await
    };
    // A carrier has shipments of others. The supplier must not learn that from the reason.
    let refused = ask("CANCELLED", None).await;
    assert_eq!(refused["__typename"], "InvalidTransition");
    assert_eq!(refused["allowed"], json!([]));
    let message = "the role supplier may not bring an order from processing to cancelled";
    assert_eq!(refused["blockedBy"], json!({"code": "ROLE", "message": message, "shipments": []}));
    let conflict = ask("CANCELLED", Some(1)).await;
    assert_eq!(conflict["order"], json!({"id": scene.shared, "version": 3}));
    assert_eq!(ask("PROCESSING", None).await["changed"], false);
    let items = json!([{"itemId": scene.items[0], "quantity": 1}]);
    let input = json!({"orderId": scene.shared, "reason": "none left", "items": items});
    assert_eq!(scene.mutate("cancelItems", input).await["__typename"], "Forbidden");
    assert_eq!(scene.mutate("placeOrder", order("B-1", &[by_acme()])).await["__typename"], "Forbidden");
}

#[tokio::test]
async fn an_answer_is_repeated_to_the_supplier_it_was_given_to() {
    let scene = Scene::new().await;
    let input =
        json!({"orderId": scene.shared, "carrier": "UPS", "trackingNumber": "1Z1", "idempotencyKey": "one"});
    let first = scene.mutate("createShipment", input.clone()).await;
    assert_eq!(first["shipment"]["status"], "LABEL_CREATED");
    assert_eq!(scene.mutate("createShipment", input.clone()).await, first);
    // Keys belong to a caller: the same text of another supplier is another key.
    let other = supplier_called("tell-tale-supplier");
    let theirs = scene.world.mutate(&other, "createShipment", input).await;
    assert_eq!(theirs["code"], "NUMBER_IN_USE", "{theirs}");
}
