//! Tests of idempotency keys: the same request gets the same answer, another request with the key is refused.

use serde_json::json;

use super::world::{World, customer, support, tea};

#[tokio::test]
async fn an_order_is_placed_once() {
    let world = World::new().await;
    let mut input = tea();
    input["idempotencyKey"] = json!("cart-1");
    let first = world.mutate(&customer(1), "placeOrder", input.clone()).await;
    let second = world.mutate(&customer(1), "placeOrder", input.clone()).await;
    assert_eq!((&first["replayed"], &second["replayed"]), (&json!(false), &json!(true)));
    assert_eq!(first["order"], second["order"]);

    let theirs = world.mutate(&support(), "placeOrder", input.clone()).await;
    assert_eq!(theirs["replayed"], false, "keys are the caller's own");
    input["totalCents"] = json!(1);
    let other = world.mutate(&customer(1), "placeOrder", input).await;
    assert_eq!(other["__typename"], "IdempotencyMismatch");
}

#[tokio::test]
async fn an_order_is_changed_once() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let input = json!({"orderId": id, "to": "PAYMENT_CONFIRMED", "idempotencyKey": "pay-1"});
    let first = world.mutate(&support(), "transitionOrder", input.clone()).await;
    world.move_order(&id, &["PROCESSING"]).await;
    let second = world.mutate(&support(), "transitionOrder", input).await;
    assert_eq!((&first["changed"], &second["changed"]), (&json!(true), &json!(true)));
    assert_eq!(first["event"], second["event"]);
    assert_eq!(second["order"]["version"], 3);

    let other = json!({"orderId": id, "to": "CANCELLED", "idempotencyKey": "pay-1"});
    let other = world.mutate(&support(), "transitionOrder", other).await;
    assert_eq!(other["__typename"], "IdempotencyMismatch");
    let elsewhere = json!({"orderId": id, "reason": "no", "idempotencyKey": "pay-1"});
    let elsewhere = world.mutate(&support(), "cancelOrder", elsewhere).await;
    assert_eq!(elsewhere["__typename"], "IdempotencyMismatch");
}

#[tokio::test]
async fn a_shipment_is_registered_once() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let mut input =
        json!({"orderId": id, "carrier": "UPS", "trackingNumber": "1Z1", "idempotencyKey": "label-1"});
    let first = world.mutate(&support(), "createShipment", input.clone()).await;
    let second = world.mutate(&support(), "createShipment", input.clone()).await;
    assert_eq!(first["shipment"], second["shipment"]);
    input["trackingNumber"] = json!("1Z2");
    let other = world.mutate(&support(), "createShipment", input).await;
    assert_eq!(other["__typename"], "IdempotencyMismatch");
}
