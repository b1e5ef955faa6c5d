//! Tests of closed orders, of items that are declined in part, and of orders that replace others.

use domain::ShipmentStatus;
use serde_json::{Value, json};

use super::world::{World, customer, supplier, support, tea, user};

const CLOSED: &str = "query($id: ID!) { order(id: $id) { status version closed { at by { kind id } reason }
    progress { itemsTotal itemsCancelled summary } items { overdue } } }";
const LISTED: &str =
    "query($closed: Boolean) { orders(filter: { closed: $closed }) { totalCount nodes { id } } }";

async fn read(world: &World, query: &str, id: &str) -> Value {
    world.data(&support(), query, json!({ "id": id })).await["order"].take()
}

fn named(id: &str, reason: &str) -> Value {
    json!({ "orderId": id, "reason": reason })
}

#[tokio::test]
async fn an_order_is_closed_listed_and_reopened() {
    let world = World::new().await;
    let (id, other) = (world.place(tea()).await, world.place(tea()).await);
    let closed = world.mutate(&support(), "closeOrder", named(&id, "refunded")).await;
    assert_eq!((&closed["changed"], &closed["event"]), (&json!(true), &json!(null)), "{closed}");
    assert_eq!(closed["order"], json!({"id": id, "version": 1, "status": "PLACED"}));
    let again = world.mutate(&support(), "closeOrder", named(&id, "once more")).await;
    assert_eq!(again["changed"], false);
    let order = read(&world, CLOSED, &id).await;
    let fact = json!({
        "at": "2026-03-01T12:00:00+00:00", "by": {"kind": "SUPPORT", "id": "sam"}, "reason": "refunded",
    });
    assert_eq!(order["closed"], fact);
    assert_eq!(order["progress"]["summary"], "closed: nothing shipped yet: 3 items");
    let seen = world.data(&customer(1), CLOSED, json!({ "id": id })).await["order"]["closed"].take();
    assert_eq!((&seen["by"], &seen["reason"]), (&json!({"kind": "SUPPORT", "id": null}), &json!(null)));
    for (closed, expected) in [(json!(true), vec![&id]), (json!(false), vec![&other])] {
        let page = world.data(&support(), LISTED, json!({ "closed": closed })).await["orders"].take();
        let ids: Vec<_> = expected.iter().map(|id| json!({ "id": id })).collect();
        assert_eq!(page, json!({ "totalCount": 1, "nodes": ids }));
    }
    let reopened = world.mutate(&support(), "reopenOrder", named(&id, "a mistake")).await;
    assert_eq!(reopened["changed"], true);
    assert_eq!(read(&world, CLOSED, &id).await["closed"], json!(null));
    let again = world.mutate(&support(), "reopenOrder", named(&id, "once more")).await;
    assert_eq!(again["changed"], false);
}

#[tokio::test]
async fn closing_is_for_staff_and_needs_a_reason_and_an_order_that_is_not_final() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    for mutation in ["closeOrder", "reopenOrder"] {
        let refused = world.mutate(&customer(1), mutation, named(&id, "please")).await;
        assert_eq!(refused["__typename"], "Forbidden", "{mutation}");
        let refused = world.mutate(&support(), mutation, named(&id, " ")).await;
        assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!("reason")));
        let unknown = world.mutate(&support(), mutation, named(&user(404), "over")).await;
        assert_eq!(unknown["__typename"], "NotFound");
        let mut stale = named(&id, "over");
        stale["expectedVersion"] = json!(7);
        assert_eq!(world.mutate(&support(), mutation, stale).await["__typename"], "VersionConflict");
    }
    world.move_order(&id, &["CANCELLED"]).await;
    let refused = world.mutate(&support(), "closeOrder", named(&id, "over")).await;
    assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!("orderId")));
}

#[tokio::test]
async fn the_last_unit_of_a_shipped_order_closes_it() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    let shipment = world.ship(&id, "1001", None).await;
    world.scan("1001", ShipmentStatus::InTransit).await;
    world.advance(1);
    world.scan("1001", ShipmentStatus::ReturnedToSender).await;
    let input = json!({ "shipmentId": shipment, "reason": "it comes back" });
    world.mutate(&support(), "cancelShipment", input).await;
    let refused = world.mutate(&support(), "cancelOrder", named(&id, "over")).await;
    let message = refused["blockedBy"]["message"].as_str().expect("a reason");
    assert!(message.contains("cancelItems") && message.contains("closeOrder"), "{message}");
    let items = json!([{ "itemId": world.item(&id).await, "quantity": 3 }]);
    let input = json!({ "orderId": id, "reason": "refunded", "items": items });
    let cancelled = world.mutate(&support(), "cancelItems", input).await;
    assert_eq!((&cancelled["changed"], &cancelled["event"]), (&json!(true), &json!(null)), "{cancelled}");
    let order = read(&world, CLOSED, &id).await;
    assert_eq!((&order["status"], &order["closed"]["reason"]), (&json!("SHIPPED"), &json!("refunded")));
    let progress = json!({ "itemsTotal": 0, "itemsCancelled": 3, "summary": "all 3 items called off" });
    assert_eq!(order["progress"], progress);
    let query = "query($id: ID!) { order(id: $id) { notifications { key status } } }";
    let told = read(&world, query, &id).await;
    assert!(
        told["notifications"].as_array().unwrap().iter().any(|one| one["status"] == "CANCELLED"),
        "{told}"
    );
}

#[tokio::test]
async fn a_supplier_declines_a_part_of_an_item() {
    let world = World::new().await;
    let mut input = tea();
    input["items"][0]["quantity"] = json!(5);
    input["items"][0]["origin"] = json!({ "kind": "SUPPLIER", "code": "acme" });
    let id = world.place(input).await;
    world.ship(&id, "1001", Some(2)).await;
    let item = world.item(&id).await;
    let of = |quantity: i32| json!({ "orderId": id, "reason": "sold out", "items": [{ "itemId": item, "quantity": quantity }] });
    let refused = world.mutate(&supplier(), "declineItems", of(4)).await;
    assert_eq!(refused["field"], "items[0].quantity", "{refused}");
    let refused = world.mutate(&supplier(), "acceptItems", of(1)).await;
    assert_eq!(refused["field"], "items", "{refused}");
    let mut both = of(3);
    both["itemIds"] = json!([item]);
    assert_eq!(world.mutate(&supplier(), "declineItems", both).await["field"], "items");
    let neither = json!({ "orderId": id, "reason": "sold out" });
    assert_eq!(world.mutate(&supplier(), "declineItems", neither).await["field"], "itemIds");
    let declined = world.mutate(&supplier(), "declineItems", of(3)).await;
    assert_eq!(declined["changed"], true, "{declined}");
    const ITEMS: &str = "query($id: ID!) { order(id: $id) { items {
        id sku quantity shipped splitFrom acceptedAt declinedAt declineReason } } }";
    let items = read(&world, ITEMS, &id).await["items"].take();
    let new = items[1]["id"].clone();
    let at = "2026-03-01T12:00:00+00:00";
    let expected = json!([
        { "id": item, "sku": "TEA", "quantity": 2, "shipped": 0, "splitFrom": null, "acceptedAt": at,
          "declinedAt": null, "declineReason": null },
        { "id": new, "sku": "TEA", "quantity": 3, "shipped": 0, "splitFrom": item, "acceptedAt": null,
          "declinedAt": at, "declineReason": "sold out" },
    ]);
    assert_eq!(items, expected);
    let seen = world.data(&customer(1), ITEMS, json!({ "id": id })).await["order"]["items"].take();
    assert_eq!((&seen[1]["splitFrom"], &seen[1]["declinedAt"]), (&json!(null), &json!(null)));
    let north = json!({ "kind": "WAREHOUSE", "code": "north" });
    let input = json!({ "orderId": id, "itemIds": [new], "origin": north });
    assert_eq!(world.mutate(&support(), "reassignItems", input).await["changed"], true);
    let seen = world.data(&supplier(), ITEMS, json!({ "id": id })).await["order"]["items"].take();
    assert_eq!(seen.as_array().map(Vec::len), Some(1), "the rest is no longer theirs");
}

const LINKS: &str =
    "query($id: ID!) { order(id: $id) { replaces { id } replacedBy { id replaces { id } } } }";

fn replacing(id: &str) -> Value {
    let mut input = tea();
    input["replaces"] = json!(id);
    input
}

#[tokio::test]
async fn a_replacement_shows_on_both_orders() {
    let world = World::new().await;
    let old = world.place(tea()).await;
    let (first, second) = (world.place(replacing(&old)).await, world.place(replacing(&old)).await);
    let back = json!({ "id": old });
    let expected = json!({ "replaces": null, "replacedBy": [
        { "id": first, "replaces": back }, { "id": second, "replaces": back },
    ] });
    assert_eq!(read(&world, LINKS, &old).await, expected);
    let seen = world.data(&customer(1), LINKS, json!({ "id": old })).await["order"].take();
    assert_eq!(seen, expected);
    let expected = json!({ "replaces": { "id": old }, "replacedBy": [] });
    assert_eq!(read(&world, LINKS, &first).await, expected);
}

#[tokio::test]
async fn a_wrong_replacement_is_refused_by_name() {
    let world = World::new().await;
    let old = world.place(tea()).await;
    let mut other = replacing(&old);
    other["userId"] = json!(user(2));
    for input in [other, replacing(&user(404)), replacing("no id")] {
        let refused = world.mutate(&support(), "placeOrder", input).await;
        assert_eq!((&refused["__typename"], &refused["field"]), (&json!("InvalidInput"), &json!("replaces")));
    }
    let refused = world.mutate(&customer(1), "placeOrder", replacing(&old)).await;
    assert_eq!(refused["__typename"], "Forbidden");
}

#[tokio::test]
async fn links_of_many_orders_cost_one_statement_for_each_field() {
    let world = World::new().await;
    let query = "query($first: Int) { orders(first: $first) { nodes {
        replaces { id items { sku } } replacedBy { id items { sku } replaces { id } } } } }";
    for _ in 0..10 {
        let old = world.place(tea()).await;
        world.place(replacing(&old)).await;
    }
    // `orders`, both `items`, both `replaces` and `replacedBy`. Fields that are loaded at the same moment share a
    // statement.
    let fields = 6;
    for first in [4, 20] {
        let statements = world.cost(&support(), query, json!({ "first": first })).await;
        assert!(statements <= fields, "{statements} statements for {first} orders");
    }
}
