//! Tests of the subscription `orderUpdated`: no event is missing or repeated, and they come in order.

use std::time::Duration;

use app::{Caller, feed::Update};
use domain::{OrderId, ShipmentStatus, UserId};
use futures::{FutureExt, Stream, StreamExt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, customer, supplier, support, tea, user};
use crate::graphql::order_stream::{NotStreamed, StartFrom};

const UPDATES: &str = "subscription($id: ID!, $after: String) { orderUpdated(orderId: $id, after: $after) {
    cursor event { version toStatus } order { status version shipments { status } } } }";

/// A tick that never comes during a test.
const NEVER: Duration = Duration::from_secs(3600);

async fn next(updates: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    let mut response = updates.next().await.expect("an update");
    assert_eq!(response.get("errors"), None);
    response["data"]["orderUpdated"].take()
}

/// The version of the event, or null, and the status of the order.
fn told(update: &Value) -> (Value, &str) {
    (update["event"]["version"].clone(), update["order"]["status"].as_str().unwrap())
}

#[tokio::test]
async fn the_present_state_then_every_event_then_the_end() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let mut updates = world.subscribe(&customer(1), UPDATES, json!({ "id": id }));
    assert_eq!(told(&next(&mut updates).await), (Value::Null, "PLACED"));
    world.move_order(&id, &["PAYMENT_CONFIRMED"]).await;
    world.app.relay().publish().await.unwrap();
    assert_eq!(told(&next(&mut updates).await), (json!(2), "PAYMENT_CONFIRMED"));
    world.move_order(&id, &["PROCESSING", "CANCELLED"]).await;
    world.app.relay().publish().await.unwrap();
    assert_eq!(told(&next(&mut updates).await), (json!(3), "CANCELLED"));
    assert_eq!(told(&next(&mut updates).await), (json!(4), "CANCELLED"));
    assert_eq!(updates.next().await, None);
}

#[tokio::test]
async fn after_a_cursor_come_the_events_since() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let mut updates = world.subscribe(&customer(1), UPDATES, json!({ "id": id }));
    let cursor = next(&mut updates).await["cursor"].take();
    drop(updates);
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;

    let mut updates = world.subscribe(&customer(1), UPDATES, json!({"id": id, "after": cursor}));
    assert_eq!(told(&next(&mut updates).await), (json!(2), "PROCESSING"));
    let third = next(&mut updates).await;
    assert_eq!(told(&third), (json!(3), "PROCESSING"));
    assert_eq!(told(&next(&mut updates).await), (Value::Null, "PROCESSING"));
    world.move_order(&id, &["SHIPPED"]).await;
    world.app.relay().publish().await.unwrap();
    assert_eq!(told(&next(&mut updates).await), (json!(4), "SHIPPED"));

    let after = json!({"id": id, "after": third["cursor"]});
    let mut updates = world.subscribe(&customer(1), UPDATES, after);
    assert_eq!(told(&next(&mut updates).await), (json!(4), "SHIPPED"));
    assert_eq!(told(&next(&mut updates).await), (Value::Null, "SHIPPED"));
}

#[tokio::test]
async fn shipments_that_change_are_told_without_an_event_and_shown_fresh() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    world.move_order(&id, &["PAYMENT_CONFIRMED", "PROCESSING"]).await;
    world.ship(&id, "1001", Some(1)).await;
    world.app.relay().publish().await.unwrap();
    let mut updates = world.subscribe(&customer(1), UPDATES, json!({ "id": id }));
    let first = next(&mut updates).await;
    assert_eq!(first["order"]["shipments"], json!([{"status": "LABEL_CREATED"}]));
    world.advance(1);
    world.scan("1001", ShipmentStatus::InTransit).await;
    world.app.relay().publish().await.unwrap();
    let second = next(&mut updates).await;
    assert_eq!(told(&second), (Value::Null, "PROCESSING"));
    assert_eq!(second["order"]["shipments"], json!([{"status": "IN_TRANSIT"}]));
    assert_eq!(second["cursor"], first["cursor"]);
}

#[tokio::test]
async fn an_order_that_is_over_is_shown_once() {
    let world = World::new().await;
    let id = world.place(tea()).await;
    let mut updates = world.subscribe(&support(), UPDATES, json!({ "id": id }));
    let cursor = next(&mut updates).await["cursor"].take();
    world.move_order(&id, &["CANCELLED"]).await;
    let mut updates = world.subscribe(&support(), UPDATES, json!({ "id": id }));
    assert_eq!(told(&next(&mut updates).await), (Value::Null, "CANCELLED"));
    assert_eq!(updates.next().await, None);
    let mut updates = world.subscribe(&support(), UPDATES, json!({"id": id, "after": cursor}));
    assert_eq!(told(&next(&mut updates).await), (json!(2), "CANCELLED"));
    assert_eq!(told(&next(&mut updates).await), (Value::Null, "CANCELLED"));
    assert_eq!(updates.next().await, None);
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused() {
    let world = World::new().await;
    let (id, other) = (world.place(tea()).await, world.place(tea()).await);
    let code = async |caller: &Caller, variables: Value| {
        let mut updates = world.subscribe(caller, UPDATES, variables);
        let code = updates.next().await.unwrap()["errors"][0]["extensions"]["code"].take();
        assert_eq!(updates.next().await, None);
        code
    };
    assert_eq!(code(&customer(2), json!({ "id": id })).await, "NOT_FOUND");
    assert_eq!(code(&supplier(), json!({ "id": id })).await, "NOT_FOUND");
    assert_eq!(code(&support(), json!({ "id": user(9) })).await, "NOT_FOUND");
    assert_eq!(code(&support(), json!({"id": "7"})).await, "BAD_INPUT");
    assert_eq!(code(&support(), json!({"id": id, "after": "forged"})).await, "BAD_CURSOR");
    let foreign =
        next(&mut world.subscribe(&support(), UPDATES, json!({ "id": other }))).await["cursor"].take();
    assert_eq!(code(&support(), json!({"id": id, "after": foreign})).await, "BAD_CURSOR");
    let orders = world.data(&support(), "{ orders { pageInfo { endCursor } } }", json!({})).await;
    let foreign = &orders["orders"]["pageInfo"]["endCursor"];
    assert_eq!(code(&support(), json!({"id": id, "after": foreign})).await, "BAD_CURSOR");

    let id: OrderId = id.parse().unwrap();
    let future = world.stream(support(), id, StartFrom::Version(2), NEVER).await;
    assert!(matches!(future.err(), Some(NotStreamed::FutureVersion)));
}

#[tokio::test]
async fn lost_doubled_and_foreign_signals_change_nothing() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let id: OrderId = order.parse().unwrap();
    let updates = world.stream(customer(1), id, StartFrom::Version(1), NEVER).await.unwrap();
    let mut updates = updates.map(|update| update.event.map(|event| event.version)).boxed();
    assert_eq!(updates.next().await, Some(None));

    let signal = |order_id, version| Update { order_id, version, user_id: UserId(Uuid::from_u128(1)) };
    let feed = world.feed.clone();
    world.move_order(&order, &["PAYMENT_CONFIRMED", "PROCESSING", "AWAITING_PICKUP"]).await;
    // The signals of the first two events are lost. The signal of the third arrives twice, and an old one after it.
    let foreign = signal(OrderId(Uuid::from_u128(5)), 9);
    feed.publish(&[foreign, signal(id, 4), signal(id, 4), signal(id, 2)]).await.unwrap();
    for version in [2, 3, 4] {
        assert_eq!(updates.next().await, Some(Some(version)));
    }
    assert_eq!(updates.next().now_or_never(), None);

    // A subscriber that is too slow gets a gap instead of signals, and reads the stored events.
    world.move_order(&order, &["SHIPPED"]).await;
    let flood = vec![foreign; 5_000];
    feed.publish(&flood).await.unwrap();
    assert_eq!(updates.next().await, Some(Some(5)));
}

#[tokio::test]
async fn a_silent_feed_only_delays() {
    let world = World::new().await;
    let order = world.place(tea()).await;
    let id: OrderId = order.parse().unwrap();
    let tick = Duration::from_millis(5);
    let updates = world.stream(customer(1), id, StartFrom::Now, tick).await.unwrap();
    let mut updates = updates.boxed();
    assert!(updates.next().await.unwrap().event.is_none());
    world.move_order(&order, &["PAYMENT_CONFIRMED"]).await;
    let update = updates.next().await.unwrap();
    assert_eq!((update.version, update.event.unwrap().version), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_come_amid_changes_get_each_event_once() {
    let world = World::new().await;
    for _ in 0..5 {
        let order = world.place(tea()).await;
        let id: OrderId = order.parse().unwrap();
        let statuses =
            ["PAYMENT_CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED", "RETURN_INITIATED", "RETURNED"];
        let changes = async {
            for status in statuses {
                world.move_order(&order, &[status]).await;
                world.app.relay().publish().await.unwrap();
            }
        };
        let follower = async |waits: usize| {
            for _ in 0..waits {
                tokio::task::yield_now().await;
            }
            let updates = world.stream(customer(1), id, StartFrom::Version(1), NEVER).await.unwrap();
            let events = updates.filter_map(async |update| update.event.map(|event| event.version));
            assert_eq!(events.collect::<Vec<_>>().await, [2, 3, 4, 5, 6, 7], "{waits} waits");
        };
        futures::join!(changes, follower(0), follower(10), follower(100), follower(1000));
    }
}
