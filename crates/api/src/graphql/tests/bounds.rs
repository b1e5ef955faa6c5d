//! Tests of the limits on one caller: reads of large orders, and many new orders.

use serde_json::{Value, json};

use super::world::{ORDERS_PER_MINUTE, World, customer, support, tea, user};
use crate::graphql::limits::MAX_ROWS;

/// An order with the maximum number of items.
fn large_order() -> Value {
    let item = |at: usize| json!({"sku": format!("SKU-{at}"), "name": format!("Thing {at}"), "quantity": 1});
    let mut order = tea();
    order["items"] = (0..1000).map(item).collect();
    order
}

async fn world_with_large_orders(orders: usize) -> (World, String) {
    let world = World::new().await;
    let mut last = String::new();
    for _ in 0..orders {
        last = world.place(large_order()).await;
    }
    (world, last)
}

const ALL_OF_AN_ITEM: &str = "id sku name quantity cancelled cancelReason allocated shipped delivered
    origin { code } acceptBy acceptedAt declinedAt declineReason shipBy overdue returnRequested returned";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_of_a_thousand_items_can_be_read_whole() {
    let (world, id) = world_with_large_orders(5).await;
    let query = format!("query($id: ID!) {{ order(id: $id) {{ items {{ {ALL_OF_AN_ITEM} }} }} }}");
    let data = world.data(&support(), &query, json!({ "id": id })).await;
    assert_eq!(data["order"]["items"].as_array().unwrap().len(), 1000);
    let data = world.data(&customer(1), "{ orders { nodes { items { sku quantity } } } }", json!({})).await;
    let items = |order: &Value| order["items"].as_array().unwrap().len();
    assert_eq!(data["orders"]["nodes"].as_array().unwrap().iter().map(items).sum::<usize>(), 5000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_large_orders_are_refused_before_they_are_in_memory() {
    let orders = MAX_ROWS / 1000 + 2;
    let (world, _) = world_with_large_orders(orders).await;
    let aliases = |count: usize, of_order: &str| -> String {
        let one = |n: usize| format!("a{n}: orders(first: 100) {{ nodes {{ {of_order} }} }} ");
        format!("{{ {} }}", (0..count).map(one).collect::<String>())
    };
    for query in [
        aliases(5, &format!("items {{ {ALL_OF_AN_ITEM} }}")),
        aliases(5, "items { sku }"),
        aliases(1, "items { sku }"),
        aliases(1, "progress { itemsTotal }"),
        aliases(1, "allowedTransitions { to }"),
        aliases(1, "items { __typename }"),
        // Each of the two lists is within the limits, but not both together.
        "{ a: orders(first: 6) { nodes { items { sku } } } b: orders(last: 6) { nodes { items { sku } } } }"
            .to_owned(),
    ] {
        for caller in [support(), customer(1)] {
            let response = world.run(&caller, &query, json!({})).await;
            assert_eq!(response["data"], Value::Null);
            assert_eq!(response["errors"].as_array().unwrap().len(), 1, "{query}");
            assert_eq!(response["errors"][0]["extensions"]["code"], "QUERY_TOO_LARGE", "{query}");
        }
    }
    // Other queries are not refused because of the refused ones.
    world.data(&support(), "{ orders(first: 100) { nodes { id } } }", json!({})).await;
}

#[tokio::test]
async fn a_customer_places_at_most_so_many_orders_a_minute() {
    let world = World::new().await;
    let result = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename
        ... on PlaceOrderSuccess { replayed } ... on TooManyOrders { perMinute retryAfter message }
        ... on Problem { message } } }";
    let place = async |number: u128, key: Option<&str>| {
        let mut input = tea();
        input.as_object_mut().unwrap().remove("userId");
        if let Some(key) = key {
            input["idempotencyKey"] = json!(key);
        }
        world.data(&customer(number), result, json!({ "input": input })).await["placeOrder"].take()
    };
    for at in 0..ORDERS_PER_MINUTE {
        let placed = place(1, Some(&format!("order-{at}"))).await;
        assert_eq!(placed["__typename"], "PlaceOrderSuccess", "{placed}");
    }
    let refused = place(1, None).await;
    assert_eq!(refused["__typename"], "TooManyOrders");
    assert_eq!((&refused["perMinute"], &refused["retryAfter"]), (&json!(ORDERS_PER_MINUTE), &json!(60)));
    assert_eq!(refused["message"], "5 orders a minute are the most for one customer: try again in 60 s");
    // A repeated request gets its first answer, another customer can place orders, and staff have no limit.
    assert_eq!(place(1, Some("order-0")).await["replayed"], true);
    assert_eq!(place(2, None).await["__typename"], "PlaceOrderSuccess");
    for _ in 0..2 * ORDERS_PER_MINUTE {
        let mut input = tea();
        input["userId"] = json!(user(1));
        world.place(input).await;
    }
    assert_eq!(place(1, None).await["__typename"], "TooManyOrders");
    world.advance(1);
    assert_eq!(place(1, None).await["__typename"], "PlaceOrderSuccess", "the minute has passed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_at_the_same_time_count_one_by_one() {
    let world = World::new().await;
    let mut input = tea();
    input.as_object_mut().unwrap().remove("userId");
    let query = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename } }";
    let caller = customer(1);
    let all = (0..20).map(|_| world.data(&caller, query, json!({ "input": input })));
    let placed = futures::future::join_all(all).await;
    let granted =
        placed.iter().filter(|data| data["placeOrder"]["__typename"] == "PlaceOrderSuccess").count();
    assert_eq!(granted, ORDERS_PER_MINUTE as usize);
}
