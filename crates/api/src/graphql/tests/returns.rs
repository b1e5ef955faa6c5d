//! Tests of returns by quantity, as clients see them.

use serde_json::{Value, json};

use super::world::{World, customer, support, tea};

const RETURN: &str =
    "query($id: ID!) { order(id: $id) { status items { returnRequested returnReason returned }
    progress { itemsReturned summary } allowedTransitions { to blockedBy { code message } }
    events(last: 2) { nodes { toStatus notes actor { kind } } } } }";

const DELIVERED: [&str; 6] =
    ["PAYMENT_CONFIRMED", "PROCESSING", "AWAITING_PICKUP", "SHIPPED", "OUT_FOR_DELIVERY", "DELIVERED"];

/// Places an order of three units of one item and delivers it. Returns the ids of the order and of the item.
async fn delivered(world: &World) -> (String, String) {
    let id = world.place(tea()).await;
    world.move_order(&id, &DELIVERED).await;
    let item = world.item(&id).await;
    (id, item)
}

fn of(id: &str, item: &str, quantity: i32, more: Value) -> Value {
    let mut input = json!({"orderId": id, "items": [{"itemId": item, "quantity": quantity}]});
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

#[tokio::test]
async fn the_customer_sends_two_of_three_back_and_the_last_of_them_makes_the_order_returned() {
    let world = World::new().await;
    let (id, item) = delivered(&world).await;
    let why = json!({"reason": "too small"});
    let asked = world.mutate(&customer(1), "initiateReturn", of(&id, &item, 1, why.clone())).await;
    assert_eq!(asked["event"], json!({"version": 8, "toStatus": "RETURN_INITIATED"}));
    let more = world.mutate(&customer(1), "initiateReturn", of(&id, &item, 1, why)).await;
    assert_eq!((&more["changed"], &more["event"]), (&json!(true), &json!(null)));

    let one = world.mutate(&support(), "receiveReturn", of(&id, &item, 1, json!({}))).await;
    assert_eq!((&one["changed"], &one["event"]), (&json!(true), &json!(null)));
    let order = world.data(&support(), RETURN, json!({ "id": id })).await["order"].take();
    assert_eq!(order["status"], "RETURN_INITIATED");
    assert_eq!(order["items"], json!([{"returnRequested": 2, "returnReason": "too small", "returned": 1}]));
    assert_eq!(
        order["progress"],
        json!({"itemsReturned": 1, "summary": "return under way: 1 of 2 items back"})
    );
    let transitions = order["allowedTransitions"].as_array().unwrap();
    let returned = transitions.iter().find(|one| one["to"] == "RETURNED").unwrap();
    assert_eq!(returned["blockedBy"]["code"], "RETURN_INCOMPLETE");

    let by_hand = json!({"orderId": id, "to": "RETURNED"});
    let by_hand = world.mutate(&support(), "transitionOrder", by_hand).await;
    assert_eq!(by_hand["__typename"], "InvalidTransition");
    assert_eq!(
        by_hand["message"],
        "of 2 units asked back 1 are not in yet: receive them first (receiveReturn), or write them off (writeOffReturn)"
    );

    let last = json!({"orderId": id, "notes": "as new"});
    let last = world.mutate(&support(), "receiveReturn", last).await;
    assert_eq!(last["event"], json!({"version": 9, "toStatus": "RETURNED"}));
    let order = world.data(&support(), RETURN, json!({ "id": id })).await["order"].take();
    assert_eq!(order["progress"], json!({"itemsReturned": 2, "summary": "returned: 2 of 3 items"}));
    assert_eq!(
        order["events"]["nodes"],
        json!([
            {"toStatus": "RETURN_INITIATED", "notes": "too small", "actor": {"kind": "CUSTOMER"}},
            {"toStatus": "RETURNED", "notes": "as new", "actor": {"kind": "SUPPORT"}},
        ])
    );
}

#[tokio::test]
async fn returns_are_refused_with_the_facts() {
    let world = World::new().await;
    let (id, item) = delivered(&world).await;
    let why = json!({"reason": "too small"});
    let early = world.mutate(&support(), "receiveReturn", json!({"orderId": id})).await;
    assert_eq!((&early["__typename"], &early["from"]), (&json!("InvalidTransition"), &json!("DELIVERED")));
    assert_eq!(early["blockedBy"]["code"], "NOT_IN_TABLE");
    let theirs = world.mutate(&customer(2), "initiateReturn", of(&id, &item, 1, why.clone())).await;
    assert_eq!(theirs["__typename"], "NotFound");
    let cases = [
        ("initiateReturn", of("x", &item, 1, why.clone()), "orderId"),
        ("initiateReturn", of(&id, "x", 1, why.clone()), "items[0].itemId"),
        ("initiateReturn", of(&id, &item, 0, why.clone()), "items[0].quantity"),
        ("initiateReturn", of(&id, &item, 4, why.clone()), "items[0].quantity"),
        ("initiateReturn", json!({"orderId": id, "items": [], "reason": "no"}), "items"),
        ("initiateReturn", json!({"orderId": id, "reason": " "}), "reason"),
        ("receiveReturn", of(&id, &item, -1, json!({})), "items[0].quantity"),
    ];
    for (name, input, field) in cases {
        let refused = world.mutate(&support(), name, input).await;
        let expected = (&json!("InvalidInput"), &json!(field));
        assert_eq!((&refused["__typename"], &refused["field"]), expected, "{name}");
    }
    world.mutate(&customer(1), "initiateReturn", of(&id, &item, 2, why.clone())).await;
    let more = world.mutate(&customer(1), "initiateReturn", of(&id, &item, 2, why)).await;
    assert_eq!(more["message"], "2 units of TEA are asked back, but of 3 delivered 2 are asked back already");
    let over = world.mutate(&support(), "receiveReturn", of(&id, &item, 4, json!({}))).await;
    assert_eq!(over["message"], "4 units of TEA came in, but of 3 delivered 0 are in already");
    let mine = world.mutate(&customer(1), "receiveReturn", json!({"orderId": id})).await;
    assert_eq!(mine["__typename"], "Forbidden");
}

#[tokio::test]
async fn a_keyed_return_is_asked_for_once() {
    let world = World::new().await;
    let (id, item) = delivered(&world).await;
    let keyed = of(&id, &item, 1, json!({"reason": "too small", "idempotencyKey": "back-1"}));
    for _ in 0..2 {
        let asked = world.mutate(&customer(1), "initiateReturn", keyed.clone()).await;
        assert_eq!(asked["event"], json!({"version": 8, "toStatus": "RETURN_INITIATED"}));
    }
    let order = world.data(&support(), RETURN, json!({ "id": id })).await["order"].take();
    assert_eq!(order["items"][0]["returnRequested"], 1, "and not two");
}
