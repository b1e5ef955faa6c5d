//! Tests of orders from their placement to their last status, and of what the API shows of them.

use domain::ShipmentStatus;
use serde_json::json;

use super::world::{World, support, tea, user};

const LINE: [&str; 6] =
    ["PAYMENT_CONFIRMED", "PROCESSING", "AWAITING_PICKUP", "SHIPPED", "OUT_FOR_DELIVERY", "DELIVERED"];

#[tokio::test]
async fn an_order_without_shipments_is_moved_by_hand() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    for (at, status) in LINE.iter().enumerate() {
        world.advance(1);
        let input = json!({"orderId": id, "to": status, "notes": "by hand", "metadata": {"step": at}});
        let moved = world.mutate(&support(), "transitionOrder", input).await;
        let version = at + 2;
        assert_eq!(moved["event"], json!({"version": version, "toStatus": status}));
        assert_eq!(moved["order"]["status"], *status);
        assert_eq!(moved["changed"], true);
    }
    let again = json!({"orderId": id, "to": "DELIVERED", "expectedVersion": 1});
    let again = world.mutate(&support(), "transitionOrder", again).await;
    assert_eq!((&again["changed"], &again["event"]), (&json!(false), &json!(null)));

    let query = "query($id: ID!) { order(id: $id) { version events(last: 1) { totalCount nodes {
        id orderId version fromStatus toStatus actor { kind id } notes metadata inferred occurredAt recordedAt
        requestId webhookId } } progress { summary itemsDelivered } items { shipped delivered } } }";
    let order = &world.data(&support(), query, json!({ "id": id })).await["order"];
    assert_eq!(order["version"], 7);
    assert_eq!(order["events"]["totalCount"], 7);
    assert_eq!(
        order["events"]["nodes"][0],
        json!({
            "id": format!("{id}:7"), "orderId": id, "version": 7,
            "fromStatus": "OUT_FOR_DELIVERY", "toStatus": "DELIVERED",
            "actor": {"kind": "SUPPORT", "id": "sam"}, "notes": "by hand", "metadata": {"step": 5},
            "inferred": false, "occurredAt": "2026-03-01T12:06:00+00:00", "recordedAt": "2026-03-01T12:06:00+00:00",
            "requestId": "request-7", "webhookId": null,
        })
    );
    assert_eq!(order["progress"], json!({"summary": "delivered: 3 of 3 items", "itemsDelivered": 3}));
    assert_eq!(order["items"][0], json!({"shipped": 3, "delivered": 3}));
}

#[tokio::test]
async fn shipments_move_an_order_as_far_as_its_slowest_unit() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    world.ship(&id, "1001", Some(2)).await;
    world.advance(10);
    world.scan("1001", ShipmentStatus::InTransit).await;
    let query = "query($id: ID!) { order(id: $id) { status progress { summary shipmentsTotal } total { formatted }
        items { sku quantity allocated shipped delivered cancelled } trackingUrl reference userId customerEmail
        fulfillmentPath shipments { carrier trackingNumber status shippedAt origin { kind code } condition { kind }
        items { quantity item { sku } } order { id }
        scans { totalCount nodes { carrierCode status effect seen timeEstimated } } } } }";
    let order = &world.data(&support(), query, json!({ "id": id })).await["order"];
    assert_eq!(order["status"], "PROCESSING");
    assert_eq!(order["progress"]["summary"], "partial shipment: 2 of 3 items shipped");
    assert_eq!(
        order["items"],
        json!([{"sku": "TEA", "quantity": 3, "allocated": 2, "shipped": 2, "delivered": 0, "cancelled": 0}])
    );
    assert_eq!(order["total"]["formatted"], "42.05 USD");
    assert_eq!((&order["userId"], &order["customerEmail"]), (&json!(user(1)), &json!("kim@example.com")));
    assert!(order["trackingUrl"].as_str().unwrap().starts_with("https://shop.example/track/"));
    let shipment = &order["shipments"][0];
    assert_eq!(shipment["order"]["id"], id);
    assert_eq!(shipment["items"], json!([{"quantity": 2, "item": {"sku": "TEA"}}]));
    assert_eq!(shipment["shippedAt"], "2026-03-01T12:10:00+00:00");
    assert_eq!(shipment["scans"]["totalCount"], 1);
    assert_eq!(shipment["scans"]["nodes"][0]["effect"], "APPLIED");

    world.ship(&id, "1002", None).await;
    world.scan("1002", ShipmentStatus::Delivered).await;
    world.scan("1001", ShipmentStatus::Delivered).await;
    let query =
        "query($id: ID!) { order(id: $id) { status notifications { key status state reason recipient }
        events { nodes { toStatus inferred actor { kind id } webhookId } } } }";
    let order = &world.data(&support(), query, json!({ "id": id })).await["order"];
    assert_eq!(order["status"], "DELIVERED");
    let events = order["events"]["nodes"].as_array().unwrap();
    let statuses: Vec<_> = events.iter().map(|event| event["toStatus"].as_str().unwrap()).collect();
    assert_eq!(statuses[1..], LINE);
    assert_eq!(events.last().unwrap()["actor"], json!({"kind": "CARRIER", "id": "fedex"}));
    assert!(events.last().unwrap()["webhookId"].is_string());
    let notifications = order["notifications"].as_array().unwrap();
    let sent: Vec<_> = notifications.iter().filter(|one| one["state"] == "QUEUED").collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["key"], format!("notify-{id}-delivered"));
}

#[tokio::test]
async fn a_dry_run_answers_and_writes_nothing() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let dry = async |to: &str| {
        let input = json!({"orderId": id, "to": to, "dryRun": true});
        world.mutate(&support(), "transitionOrder", input).await
    };
    let granted = dry("PAYMENT_CONFIRMED").await;
    assert_eq!((&granted["changed"], &granted["event"]), (&json!(true), &json!(null)));
    assert_eq!(granted["order"]["status"], "PLACED");
    assert_eq!(dry("PLACED").await["changed"], false);
    let refused = dry("SHIPPED").await;
    assert_eq!(refused["__typename"], "InvalidTransition");
    assert_eq!(refused["allowed"], json!(["PAYMENT_CONFIRMED", "CANCELLED"]));
    let query = "query($id: ID!) { order(id: $id) { version } }";
    assert_eq!(world.data(&support(), query, json!({ "id": id })).await["order"]["version"], 1);
}

#[tokio::test]
async fn the_table_and_what_this_caller_may_ask_for() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    world.ship(&id, "1001", None).await;
    let query = "query($id: ID!) { stateMachine { from to } order(id: $id) { allowedTransitions {
        to allowed blockedBy { code shipments { trackingNumber } } } } }";
    let mine = super::world::customer(1);
    let data = world.data(&mine, query, json!({ "id": id })).await;
    assert_eq!(data["stateMachine"].as_array().unwrap().len(), 14);
    let allowed = data["order"]["allowedTransitions"].as_array().unwrap();
    assert_eq!(allowed.len(), 10);
    let to = |status: &str| allowed.iter().find(|one| one["to"] == status).unwrap();
    assert_eq!(to("CANCELLED"), &json!({"to": "CANCELLED", "allowed": true, "blockedBy": null}));
    assert_eq!(to("PAYMENT_CONFIRMED")["blockedBy"], json!({"code": "ROLE", "shipments": []}));
    assert_eq!(to("DELIVERED")["blockedBy"]["code"], "NOT_IN_TABLE");

    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    let data = world.data(&support(), query, json!({ "id": id })).await;
    let allowed = data["order"]["allowedTransitions"].as_array().unwrap();
    let shipped = allowed.iter().find(|one| one["to"] == "SHIPPED").unwrap();
    let behind = json!({"code": "SHIPMENTS_BEHIND", "shipments": [{"trackingNumber": "1001"}]});
    assert_eq!(shipped["blockedBy"], behind);
}

#[tokio::test]
async fn units_that_cannot_be_shipped_leave_the_order() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let item = world.item(&id).await;
    let cancel = |quantity: i32| json!({"orderId": id, "reason": "sold out", "items": [{"itemId": item, "quantity": quantity}]});
    let some = world.mutate(&support(), "cancelItems", cancel(2)).await;
    assert_eq!((&some["changed"], &some["event"]), (&json!(true), &json!(null)));
    let query =
        "query($id: ID!) { order(id: $id) { items { cancelled cancelReason } progress { itemsTotal } } }";
    let order = &world.data(&support(), query, json!({ "id": id })).await["order"];
    assert_eq!(order["items"], json!([{"cancelled": 2, "cancelReason": "sold out"}]));
    assert_eq!(order["progress"]["itemsTotal"], 1);
    let last = world.mutate(&support(), "cancelItems", cancel(1)).await;
    assert_eq!(last["event"], json!({"version": 2, "toStatus": "CANCELLED"}));
}
