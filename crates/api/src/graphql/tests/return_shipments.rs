//! Tests of return shipments and of the ends of returns, as clients see them.

use domain::ShipmentStatus;
use serde_json::{Value, json};

use super::world::{World, customer, support, tea};

const ORDER: &str = "query($id: ID!) { order(id: $id) { status closed { at }
    items { returnRequested returned returnWrittenOff }
    shipments { direction status arrivedAt trackingNumber origin { code } items { quantity } }
    progress { shipmentsTotal shipmentsDelivered summary }
    timeline(first: 20) { nodes { ... on Activity { kind notes facts shipmentId } } } } }";

/// An order of three units, delivered in the shipment `1001`.
async fn delivered(world: &World) -> (String, String) {
    let id = world.place(tea()).await;
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    world.ship(&id, "1001", None).await;
    world.scan("1001", ShipmentStatus::Delivered).await;
    let item = world.item(&id).await;
    (id, item)
}

fn send_back(id: &str, number: &str) -> Value {
    json!({"orderId": id, "carrier": "FEDEX", "trackingNumber": number, "direction": "RETURN"})
}

async fn read(world: &World, id: &str) -> Value {
    world.data(&support(), ORDER, json!({ "id": id })).await["order"].take()
}

fn kinds(order: &Value) -> Vec<&str> {
    let nodes = order["timeline"]["nodes"].as_array().unwrap().iter();
    nodes.filter_map(|node| node["kind"].as_str()).collect()
}

#[tokio::test]
async fn a_return_shipment_is_shown_with_the_order_and_its_arrival() {
    let world = World::new().await;
    let (id, item) = delivered(&world).await;
    let ask = json!({"orderId": id, "reason": "too small", "items": [{"itemId": item, "quantity": 2}]});
    world.mutate(&customer(1), "initiateReturn", ask).await;
    let sent = world.mutate(&support(), "createShipment", send_back(&id, "2002")).await;
    assert_eq!(sent["shipment"]["status"], "LABEL_CREATED", "{sent}");
    assert_eq!(sent["order"]["status"], "RETURN_INITIATED");
    world.advance(60);
    world.scan("2002", ShipmentStatus::Delivered).await;
    let order = read(&world, &id).await;
    let back = &order["shipments"][1];
    assert_eq!((&back["direction"], &back["status"]), (&json!("RETURN"), &json!("DELIVERED")));
    assert_eq!(back["arrivedAt"], "2026-03-01T13:00:00+00:00");
    assert_eq!((&back["origin"]["code"], &back["items"][0]["quantity"]), (&json!("main"), &json!(2)));
    let outbound = &order["shipments"][0];
    assert_eq!((&outbound["direction"], &outbound["arrivedAt"]), (&json!("OUTBOUND"), &json!(null)));
    assert_eq!(order["status"], "RETURN_INITIATED");
    assert_eq!(
        order["progress"],
        json!({"shipmentsTotal": 1, "shipmentsDelivered": 1, "summary": "return under way: 0 of 2 items back"})
    );
    assert_eq!(kinds(&order), ["RETURN_SHIPMENT_CREATED", "RETURN_REQUESTED", "SHIPMENT_CREATED"]);
    let seen = world.data(&customer(1), ORDER, json!({ "id": id })).await["order"].take();
    assert_eq!(seen["shipments"], order["shipments"]);
}

#[tokio::test]
async fn a_return_shipment_is_refused_by_name() {
    let world = World::new().await;
    let early = world.place(tea()).await;
    let refused = world.mutate(&support(), "createShipment", send_back(&early, "2001")).await;
    assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!("direction")));
    assert_eq!(refused["message"], "the order is placed: units are sent back once it is delivered");
    let (id, item) = delivered(&world).await;
    let theirs = world.mutate(&customer(1), "createShipment", send_back(&id, "2001")).await;
    assert_eq!(theirs["__typename"], "Forbidden");
    let mut input = send_back(&id, "2001");
    input["items"] = json!([{"itemId": item, "quantity": 4}]);
    let many = world.mutate(&support(), "createShipment", input).await;
    assert_eq!((&many["__typename"], &many["field"]), (&json!("InvalidInput"), &json!("items[0].quantity")));
    assert_eq!(read(&world, &id).await["shipments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_never_comes_is_written_off() {
    let world = World::new().await;
    let (id, item) = delivered(&world).await;
    let write_off = json!({"orderId": id, "reason": "declined"});
    let early = world.mutate(&support(), "writeOffReturn", write_off.clone()).await;
    assert_eq!((&early["__typename"], &early["field"]), (&json!("InvalidInput"), &json!("orderId")));
    let ask = json!({"orderId": id, "reason": "too small", "items": [{"itemId": item, "quantity": 2}]});
    world.mutate(&customer(1), "initiateReturn", ask).await;
    let theirs = world.mutate(&customer(1), "writeOffReturn", write_off.clone()).await;
    assert_eq!(theirs["__typename"], "Forbidden");
    for (field, input) in [
        ("reason", json!({"orderId": id, "reason": " "})),
        (
            "items[0].quantity",
            json!({"orderId": id, "reason": "declined", "items": [{"itemId": item, "quantity": 3}]}),
        ),
    ] {
        let refused = world.mutate(&support(), "writeOffReturn", input).await;
        assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!(field)));
    }
    let ended = world.mutate(&support(), "writeOffReturn", write_off).await;
    assert_eq!((&ended["changed"], &ended["event"]), (&json!(true), &json!(null)), "{ended}");
    let order = read(&world, &id).await;
    assert_eq!(order["items"], json!([{"returnRequested": 2, "returned": 0, "returnWrittenOff": 2}]));
    assert!(order["closed"]["at"].is_string());
    assert_eq!(kinds(&order)[..2], ["ORDER_CLOSED", "RETURN_WRITTEN_OFF"]);
    let seen = world.data(&customer(1), ORDER, json!({ "id": id })).await["order"].take();
    assert_eq!(kinds(&seen), kinds(&order));
    let nodes = seen["timeline"]["nodes"].as_array().unwrap();
    let written_off = nodes.iter().find(|node| node["kind"] == "RETURN_WRITTEN_OFF").unwrap();
    assert_eq!(written_off["notes"], json!(null), "the reason is for staff");

    let surplus = json!({"orderId": id, "items": [{"itemId": item, "quantity": 3}]});
    let received = world.mutate(&support(), "receiveReturn", surplus).await;
    assert_eq!(received["event"]["toStatus"], "RETURNED");
    let order = read(&world, &id).await;
    assert_eq!(order["items"], json!([{"returnRequested": 3, "returned": 3, "returnWrittenOff": 0}]));
    assert_eq!(order["closed"], json!(null));
}
