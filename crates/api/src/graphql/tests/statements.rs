//! Tests of the number of statements: it does not depend on the size of a page.

use domain::ShipmentStatus;
use serde_json::json;

use super::world::{World, support, tea};

const EVERYTHING: &str = "query($first: Int) { orders(first: $first) { totalCount nodes {
    id reference status version total { formatted } estimatedDelivery trackingUrl
    items { sku quantity allocated shipped delivered }
    shipments { id status items { quantity item { sku delivered } } order { id } scans(first: 5) { nodes { effect } } }
    events(first: 5) { totalCount nodes { toStatus actor { kind } } }
    notifications { state }
    progress { summary }
    allowedTransitions { to allowed blockedBy { code shipments { trackingNumber } } }
} } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_orders_cost_as_many_statements_as_five() {
    let world = World::new().await;
    for at in 0..50 {
        let id = world.place(tea()).await;
        world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
        let number = format!("{}", 1000 + at);
        world.ship(&id, &number, (at % 2 == 0).then_some(2)).await;
        if at % 3 == 0 {
            world.scan(&number, ShipmentStatus::InTransit).await;
        }
    }
    let five = world.cost(&support(), EVERYTHING, json!({"first": 5})).await;
    let fifty = world.cost(&support(), EVERYTHING, json!({"first": 50})).await;
    // One each for orders, their number, items, shipments, their numbers and lines, scans, events and
    // notifications.
    assert_eq!((five, fifty), (9, 9));
}

const REPLAY: &str = "mutation($input: ReplayInput!) { replayWebhooks(input: $input) { changes {
    order { items { sku } events { nodes { toStatus } } } shipment { status scans { nodes { effect } } } } } }";

#[tokio::test]
async fn a_replay_of_ten_orders_costs_as_many_statements_as_one_of_two() {
    let costs = async |orders: u32| {
        let world = World::new().await;
        for at in 0..orders {
            let id = world.place(tea()).await;
            world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
            let number = format!("{}", 1000 + at);
            world.ship(&id, &number, None).await;
            world.scan(&number, ShipmentStatus::InTransit).await;
        }
        let world = world.with_code_map("fedex.IT=delivered");
        let input = json!({"since": "2026-03-01T00:00:00Z"});
        world.cost(&support(), REPLAY, json!({ "input": input })).await
    };
    let (two, ten) = (costs(2).await, costs(10).await);
    assert_eq!(two, ten);
}

#[tokio::test]
async fn a_page_of_everything_is_within_the_limits() {
    let world = World::new().await;
    world.place(tea()).await;
    let query = EVERYTHING.replace("(first: 5)", "");
    world.data(&support(), &query, json!({})).await;
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_read() {
    let world = World::new().await;
    for _ in 0..3 {
        world.place(tea()).await;
    }
    let cost = async |query: &str| world.cost(&support(), query, json!({})).await;
    assert_eq!(cost("{ stateMachine { from } }").await, 0);
    assert_eq!(cost("{ orders { nodes { id status total { formatted } } } }").await, 1);
    assert_eq!(cost("{ orders { totalCount nodes { id } } }").await, 2);
    assert_eq!(cost("{ orders { nodes { items { sku quantity } } } }").await, 2);
    assert_eq!(cost("{ orders { nodes { events { totalCount nodes { toStatus } } } } }").await, 2);
}
