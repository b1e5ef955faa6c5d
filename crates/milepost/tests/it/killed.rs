//! Tests that a worker killed with `kill -9` in the middle of a job loses nothing.

use domain::ShipmentStatus::{Delivered, InTransit, OutForDelivery};
use futures::{StreamExt, stream};
use serde_json::json;
use tests::{http::push, wait::until};

use crate::installation::{CUSTOMER, SEQUENCE, Split, fedex};

const ORDERS: usize = 24;
/// The number of simultaneous requests.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_worker_had_begun_is_done_by_the_next_one_and_once() {
    let Some(shop) = Split::start().await else { return };
    let (api, worker) = (shop.api().await, shop.worker().await);
    let support = &shop.support(&api).await;
    let number = |at: usize| format!("7947{at:08}");
    let orders: Vec<String> = stream::iter(0..ORDERS)
        .map(async |at| {
            let order = support.place(CUSTOMER, 1).await;
            support.move_order(&order, &SEQUENCE[..2]).await;
            assert_eq!(support.ship(&order, &number(at), 1).await["order"]["status"], SEQUENCE[2]);
            order
        })
        .buffered(AT_ONCE)
        .collect()
        .await;

    // The job that handles this order waits for the lock, with an open transaction.
    let lock = format!("SELECT 1 FROM orders WHERE order_id = '{}' FOR UPDATE", orders[0]);
    let held = shop.database.hold(&lock).await;
    let scans = [(Delivered, 5), (InTransit, 25), (OutForDelivery, 15)];
    let bodies = (0..ORDERS).flat_map(|at| scans.map(|(status, ago)| fedex(&number(at), status, ago)));
    let url = api.url();
    stream::iter(bodies)
        .for_each_concurrent(AT_ONCE, async |body| assert_eq!(push(url, &body, None).await, 200))
        .await;
    shop.database.wait_for_waiting(1).await;
    worker.kill().await;
    held.release().await;
    assert_eq!(support.order(&orders[0], "status").await["status"], SEQUENCE[2], "the job died undone");

    let _next = shop.worker().await;
    let delivered = "{ orders(filter: {statuses: [DELIVERED]}) { totalCount } }";
    until("every order's delivery", async || {
        let count = support.data(delivered, json!({})).await["orders"]["totalCount"].take();
        (count == ORDERS).then_some(())
    })
    .await;
    for order in &orders {
        let events = support.order(order, "version events { nodes { version toStatus } }").await;
        let statuses = ["PLACED"].into_iter().chain(SEQUENCE).enumerate();
        let once: Vec<_> = statuses.map(|(at, to)| json!({"version": at + 1, "toStatus": to})).collect();
        assert_eq!(events, json!({"version": once.len(), "events": {"nodes": once}}));
    }
    until("every webhook's end", async || {
        let query = "{ waiting: webhooks(filter: {states: [PENDING]}) { totalCount }
                       done: webhooks(filter: {states: [PROCESSED]}) { totalCount } }";
        let inbox = support.data(query, json!({})).await;
        let counts = (inbox["waiting"]["totalCount"].as_u64(), inbox["done"]["totalCount"].as_u64());
        (counts == (Some(0), Some(3 * ORDERS as u64))).then_some(())
    })
    .await;
}
