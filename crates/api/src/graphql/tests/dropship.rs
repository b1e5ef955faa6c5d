//! Tests of items that suppliers ship: deadlines, answers, lateness and refusals.

use futures::StreamExt;
use serde_json::{Value, json};

use super::world::{World, customer, support, user};

const ITEMS: &str = "query($id: ID!) { order(id: $id) { version updatedAt fulfillmentPath items { sku overdue
    acceptBy acceptedAt declinedAt declineReason shipBy origin { kind code } } } }";

/// An order with two units from the supplier acme, with deadlines, and one unit of the merchant's own.
fn input() -> Value {
    json!({
        "userId": user(1),
        "customerEmail": "kim@example.com",
        "totalCents": 4205,
        "items": [
            {"sku": "TEA", "name": "Tea", "quantity": 2, "origin": {"kind": "SUPPLIER", "code": "acme"},
             "acceptBy": "2026-03-01T13:00:00Z", "shipBy": "2026-03-01T14:00:00.123456789Z"},
            {"sku": "CUP", "name": "Cup", "quantity": 1},
        ],
    })
}

async fn first_item(world: &World, id: &str) -> Value {
    world.data(&support(), ITEMS, json!({ "id": id })).await["order"]["items"][0].take()
}

fn naming(id: &str, item: &str, more: Value) -> Value {
    let mut input = json!({"orderId": id, "itemIds": [item]});
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

#[tokio::test]
async fn an_item_is_accepted_declined_and_reassigned() {
    let world = World::new().await;
    let id = world.place(input()).await;
    let item = world.item(&id).await;
    assert_eq!(
        first_item(&world, &id).await,
        json!({
            "sku": "TEA", "overdue": false, "origin": {"kind": "SUPPLIER", "code": "acme"},
            "acceptBy": "2026-03-01T13:00:00+00:00", "shipBy": "2026-03-01T14:00:00.123456+00:00",
            "acceptedAt": null, "declinedAt": null, "declineReason": null,
        })
    );

    world.advance(1);
    let accepted = world.mutate(&support(), "acceptItems", naming(&id, &item, json!({}))).await;
    assert_eq!((&accepted["changed"], &accepted["event"]), (&json!(true), &json!(null)));
    assert_eq!(accepted["order"], json!({"id": id, "version": 1, "status": "PLACED"}));
    let again = world.mutate(&support(), "acceptItems", naming(&id, &item, json!({}))).await;
    assert_eq!(again["changed"], false);
    assert_eq!(first_item(&world, &id).await["acceptedAt"], "2026-03-01T12:01:00+00:00");

    world.advance(1);
    let reason = json!({"reason": "sold out"});
    let declined = world.mutate(&support(), "declineItems", naming(&id, &item, reason)).await;
    assert_eq!(declined["changed"], true);
    let told = first_item(&world, &id).await;
    assert_eq!((&told["acceptedAt"], &told["declineReason"]), (&json!(null), &json!("sold out")));
    assert_eq!(told["declinedAt"], "2026-03-01T12:02:00+00:00");

    let other = json!({"origin": {"kind": "SUPPLIER", "code": "other"}, "acceptBy": "2026-03-02T13:00:00Z"});
    let given = world.mutate(&support(), "reassignItems", naming(&id, &item, other)).await;
    assert_eq!(given["changed"], true);
    assert_eq!(
        first_item(&world, &id).await,
        json!({
            "sku": "TEA", "overdue": false, "origin": {"kind": "SUPPLIER", "code": "other"},
            "acceptBy": "2026-03-02T13:00:00+00:00", "shipBy": null,
            "acceptedAt": null, "declinedAt": null, "declineReason": null,
        })
    );
    let order = world.data(&support(), ITEMS, json!({ "id": id })).await["order"].take();
    assert_eq!(order["fulfillmentPath"], "DROPSHIP");
    assert_eq!((&order["version"], &order["updatedAt"]), (&json!(1), &json!("2026-03-01T12:02:00+00:00")));
}

#[tokio::test]
async fn a_late_supplier_shows_and_a_shipment_is_an_answer() {
    let world = World::new().await;
    let id = world.place(input()).await;
    world.advance(60);
    assert_eq!(first_item(&world, &id).await["overdue"], false, "the last moment is in time");
    world.advance(1);
    assert_eq!(first_item(&world, &id).await["overdue"], true);
    world.ship(&id, "1001", Some(2)).await;
    let told = first_item(&world, &id).await;
    assert_eq!((&told["overdue"], &told["acceptedAt"]), (&json!(false), &json!("2026-03-01T13:01:00+00:00")));
    world.advance(60);
    assert_eq!(first_item(&world, &id).await["overdue"], true, "the carrier does not have it");
    world.scan("1001", domain::ShipmentStatus::PickedUp).await;
    assert_eq!(first_item(&world, &id).await["overdue"], false);
}

#[tokio::test]
async fn what_cannot_be_agreed_or_answered_is_refused_by_name() {
    let world = World::new().await;
    let mut deadline = input();
    deadline["items"][1]["acceptBy"] = json!("2026-03-01T13:00:00Z");
    let refused = world.mutate(&support(), "placeOrder", deadline).await;
    assert_eq!(
        (&refused["__typename"], &refused["field"]),
        (&json!("InvalidInput"), &json!("items[1].acceptBy"))
    );
    let mut far = input();
    far["items"][0]["shipBy"] = json!("+12026-01-01T00:00:00Z");
    assert_eq!(world.mutate(&support(), "placeOrder", far).await["field"], "items[0].shipBy");

    let id = world.place(input()).await;
    let item = world.item(&id).await;
    let north = json!({"origin": {"kind": "WAREHOUSE", "code": "north"}});
    let with = |name: &str, value: &str| {
        let mut more = north.clone();
        more[name] = json!(value);
        more
    };
    let cases = [
        ("acceptItems", naming("x", &item, json!({})), "orderId"),
        ("acceptItems", naming(&id, "x", json!({})), "itemIds[0]"),
        ("acceptItems", json!({"orderId": id, "itemIds": []}), "itemIds"),
        ("acceptItems", json!({"orderId": id, "itemIds": [item, user(9)]}), "itemIds[1]"),
        ("declineItems", naming(&id, &item, json!({})), "reason"),
        ("declineItems", naming(&id, &item, json!({"reason": " "})), "reason"),
        ("reassignItems", naming(&id, &item, with("acceptBy", "2026-03-01T13:00:00Z")), "acceptBy"),
        ("reassignItems", naming(&id, &item, with("shipBy", "+12026-01-01T00:00:00Z")), "shipBy"),
        ("reassignItems", naming(&id, &item, with("idempotencyKey", " ")), "idempotencyKey"),
    ];
    for (name, input, field) in cases {
        let refused = world.mutate(&support(), name, input).await;
        let expected = (&json!("InvalidInput"), &json!(field));
        assert_eq!((&refused["__typename"], &refused["field"]), expected, "{name}");
    }
    for (name, more) in
        [("acceptItems", json!({})), ("declineItems", json!({"reason": "no"})), ("reassignItems", north)]
    {
        let mine = world.mutate(&customer(1), name, naming(&id, &item, more.clone())).await;
        assert_eq!(mine["__typename"], "Forbidden", "{name}");
        let theirs = world.mutate(&customer(2), name, naming(&id, &item, more)).await;
        assert_eq!(theirs["__typename"], "NotFound", "{name}");
    }
}

#[tokio::test]
async fn suppliers_and_deadlines_are_not_for_customers_and_no_deadline_has_passed() {
    let world = World::new().await;
    let mut own = input();
    let refused = world.mutate(&customer(1), "placeOrder", own.clone()).await;
    let message = "only support and systems may say until when a supplier has to act";
    assert_eq!(refused, json!({"__typename": "Forbidden", "message": message}));
    for name in ["acceptBy", "shipBy"] {
        own["items"][0][name] = Value::Null;
    }
    let refused = world.mutate(&customer(1), "placeOrder", own.clone()).await;
    let message = "only support and systems may say which supplier ships an item";
    assert_eq!(refused, json!({"__typename": "Forbidden", "message": message}));
    own["items"][0]["origin"]["kind"] = json!("WAREHOUSE");
    assert_eq!(world.mutate(&customer(1), "placeOrder", own).await["order"]["status"], "PLACED");

    let id = world.place(input()).await;
    let item = world.item(&id).await;
    world.advance(60);
    assert_eq!(
        world.mutate(&support(), "placeOrder", input()).await["order"]["status"],
        "PLACED",
        "the last moment"
    );
    world.advance(1);
    let refused = world.mutate(&support(), "placeOrder", input()).await;
    let message = "that time has passed: nobody can keep it";
    let expected = |field: &str| json!({"__typename": "InvalidInput", "field": field, "message": message});
    assert_eq!(refused, expected("items[0].acceptBy"));
    for name in ["acceptBy", "shipBy"] {
        let mut more = json!({"origin": {"kind": "SUPPLIER", "code": "other"}});
        more[name] = json!("2026-03-01T13:00:00Z");
        let refused = world.mutate(&support(), "reassignItems", naming(&id, &item, more)).await;
        assert_eq!(refused, expected(name));
    }
}

#[tokio::test]
async fn whoever_follows_the_order_is_told_without_an_event() {
    let world = World::new().await;
    let id = world.place(input()).await;
    let item = world.item(&id).await;
    let query = "subscription($id: ID!) { orderUpdated(orderId: $id) { event { version } order { version items { acceptedAt } } } }";
    let follow = |caller| world.subscribe(&caller, query, json!({ "id": id }));
    // The customer does not see the answer of the supplier.
    let mut followers =
        [(follow(support()), json!("2026-03-01T12:01:00+00:00")), (follow(customer(1)), Value::Null)];
    for (updates, _) in &mut followers {
        updates.next().await.expect("the present state");
    }
    world.advance(1);
    world.mutate(&support(), "acceptItems", naming(&id, &item, json!({}))).await;
    world.app.relay().publish().await.unwrap();
    for (updates, accepted_at) in &mut followers {
        let update = updates.next().await.expect("an update")["data"]["orderUpdated"].take();
        assert_eq!((&update["event"], &update["order"]["version"]), (&json!(null), &json!(1)));
        assert_eq!(update["order"]["items"][0]["acceptedAt"], *accepted_at);
    }
}

#[tokio::test]
async fn a_key_belongs_to_one_act() {
    let world = World::new().await;
    let id = world.place(input()).await;
    let item = world.item(&id).await;
    let keyed = naming(&id, &item, json!({"reason": "no", "idempotencyKey": "answer-1"}));
    for _ in 0..2 {
        let accepted = world.mutate(&support(), "acceptItems", keyed.clone()).await;
        assert_eq!(accepted["changed"], true, "the answer that was given");
    }
    let other = world.mutate(&support(), "declineItems", keyed).await;
    assert_eq!(other["__typename"], "IdempotencyMismatch");
}
