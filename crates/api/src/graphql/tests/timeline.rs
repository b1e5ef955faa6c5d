//! Tests of the timeline of an order in the schema: pages, activities as nodes, and the number of statements.

use domain::ShipmentStatus;
use serde_json::{Value, json};

use super::world::{World, customer, supplier, support, tea};

const TIMELINE: &str = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { order(id: $id) {
    timeline(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { __typename
            ... on OrderEvent { id toStatus } ... on Activity { id kind facts shipmentId actor { kind id } notes }
            ... on Scan { id shipmentId effect } ... on Notification { id status } } }
        nodes { __typename }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";

async fn page(world: &World, order: &str, mut arguments: Value) -> Value {
    arguments["id"] = json!(order);
    world.data(&support(), TIMELINE, arguments).await["order"]["timeline"].take()
}

fn kinds(page: &Value) -> Vec<String> {
    let name = |edge: &Value| {
        let node = &edge["node"];
        let detail = ["kind", "toStatus", "status", "effect"].iter().find_map(|key| node[*key].as_str());
        format!("{} {}", node["__typename"].as_str().unwrap(), detail.unwrap_or_default())
    };
    page["edges"].as_array().unwrap().iter().map(name).collect()
}

/// An order that was shipped. Everything happened at one time.
async fn shipped(world: &World, number: &str) -> String {
    let order = world.place(tea()).await;
    world.move_order(&order, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    world.ship(&order, number, None).await;
    world.scan(number, ShipmentStatus::InTransit).await;
    order
}

#[tokio::test]
async fn a_timeline_is_one_list_of_all_kinds() {
    let world = World::new().await;
    let order = shipped(&world, "1001").await;
    let all = page(&world, &order, json!({})).await;
    let expected = [
        "Notification SHIPPED",
        "OrderEvent SHIPPED",
        "OrderEvent AWAITING_PICKUP",
        "OrderEvent PROCESSING",
        "OrderEvent PAYMENT_CONFIRMED",
        "OrderEvent PLACED",
        "Activity SHIPMENT_CREATED",
        "Scan APPLIED",
    ];
    assert_eq!(kinds(&all), expected);
    assert_eq!(all["nodes"].as_array().unwrap().len(), expected.len());
    let first = page(&world, &order, json!({"first": 3})).await;
    assert_eq!((kinds(&first), &first["pageInfo"]["hasNextPage"]), (kinds(&all)[..3].to_vec(), &json!(true)));
    let rest = page(&world, &order, json!({"after": first["pageInfo"]["endCursor"]})).await;
    assert_eq!(kinds(&rest), kinds(&all)[3..]);
    assert_eq!(rest["pageInfo"]["hasPreviousPage"], true);
    let before = json!({"last": 2, "before": rest["pageInfo"]["startCursor"]});
    let before = page(&world, &order, before).await;
    assert_eq!(kinds(&before), kinds(&all)[1..3]);
    assert_eq!(
        (&before["pageInfo"]["hasPreviousPage"], &before["pageInfo"]["hasNextPage"]),
        (&json!(true), &json!(true))
    );

    // A cursor belongs to the timeline of one order.
    let other = world.place(tea()).await;
    let foreign = json!({"id": other, "after": first["pageInfo"]["endCursor"]});
    assert_eq!(world.code(&support(), TIMELINE, foreign).await, "BAD_CURSOR");
    let query = "query($id: ID!) { order(id: $id) { events { pageInfo { endCursor } } } }";
    let events = world.data(&support(), query, json!({ "id": order })).await;
    let cursor = &events["order"]["events"]["pageInfo"]["endCursor"];
    assert_eq!(world.code(&support(), TIMELINE, json!({"id": order, "after": cursor})).await, "BAD_CURSOR");
    assert_eq!(world.code(&support(), TIMELINE, json!({"id": order, "first": 101})).await, "BAD_INPUT");
}

#[tokio::test]
async fn an_activity_is_a_node_for_those_who_see_it() {
    let world = World::new().await;
    let order = shipped(&world, "1001").await;
    let all = page(&world, &order, json!({})).await;
    let activity = &all["edges"][6]["node"];
    assert_eq!(activity["actor"], json!({"kind": "SUPPORT", "id": "sam"}));
    assert_eq!(activity["facts"]["tracking_number"], "1001");
    assert_eq!(activity["shipmentId"], all["edges"][7]["node"]["shipmentId"]);
    let query =
        "query($id: ID!) { node(id: $id) { __typename id ... on Activity { kind orderId recordedAt requestId
        webhookId actor { id } } } }";
    let node = async |caller| world.data(&caller, query, json!({"id": activity["id"]})).await["node"].take();
    let expected = json!({
        "__typename": "Activity", "id": activity["id"], "kind": "SHIPMENT_CREATED", "orderId": order,
        "recordedAt": "2026-03-01T12:00:00+00:00", "requestId": "request-7", "webhookId": null, "actor": {"id": "sam"},
    });
    assert_eq!(node(support()).await, expected);
    assert_eq!(node(customer(1)).await["actor"], json!({"id": null}));
    for caller in [customer(2), supplier()] {
        assert_eq!(node(caller).await, Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timelines_of_a_hundred_orders_cost_as_many_statements_as_those_of_five() {
    let world = World::new().await;
    for at in 0..100 {
        let mut input = tea();
        input["items"][0]["origin"] = json!({"kind": "SUPPLIER", "code": "acme"});
        let order = world.place(input).await;
        if at % 2 == 0 {
            world.ship(&order, &format!("{}", 1000 + at), None).await;
        }
        if at % 10 == 0 {
            world.scan(&format!("{}", 1000 + at), ShipmentStatus::InTransit).await;
        }
    }
    let query = "query($first: Int) { orders(first: $first) { nodes { timeline(first: 10) { edges { cursor
        node { __typename } } } } } }";
    // One each for orders, events, activities, scans and notifications. Suppliers have no notifications. What they
    // see is judged by items (read as such, and for the shipments), shipments, and their numbers and lines.
    for (caller, statements) in [(support(), 5), (customer(1), 5), (supplier(), 9)] {
        for first in [5, 100] {
            assert_eq!(world.cost(&caller, query, json!({ "first": first })).await, statements, "{first}");
        }
    }
}
