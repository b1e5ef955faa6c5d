//! Tests webhooks that are processed several times: each scan counts once, and reaches the shipment it is for.

use chrono::TimeDelta;
use domain::{OrderId, OrderStatus, Request, ShipmentStatus, WebhookState};
use persistence::{leases::Work, read};
use serde_json::{Value, json};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex, support},
    statements::Statements,
};

use super::inbox::inbox;

on_every_database!(
    a_webhook_that_is_read_again_counts_nothing_twice,
    what_waited_for_its_shipment_counts_when_it_is_heard,
    a_webhook_about_very_many_shipments_is_taken_in_as_a_whole,
    a_large_webhook_whose_reader_died_is_taken_in_by_the_next,
    the_body_of_a_large_webhook_is_read_once,
    many_bodies_are_read_some_at_a_time,
    what_came_while_a_number_was_cancelled_is_for_the_shipment_that_has_it_next,
);

/// Composes one webhook of FedEx with a scan for each of these numbers.
pub(super) fn batch(shop: &Shop, numbers: &[String], status: ShipmentStatus) -> Vec<u8> {
    let results = numbers.iter().map(|number| {
        let mut body: Value = serde_json::from_slice(&fedex(number, status, shop.now())).unwrap();
        body["output"]["completeTrackResults"][0].take()
    });
    let results: Vec<Value> = results.collect();
    json!({"output": {"completeTrackResults": results}}).to_string().into_bytes()
}

/// Returns how often each scan of the order's first shipment was received.
pub(super) async fn seen(shop: &Shop, order: OrderId) -> Vec<i32> {
    let shipment = shop.order(order).await.shipments()[0].id;
    let scans = read::scans_of(&shop.store, &[shipment]).await.unwrap().remove(&shipment).unwrap_or_default();
    scans.iter().map(|stored| stored.seen).collect()
}

async fn a_webhook_that_is_read_again_counts_nothing_twice(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "616001").await;
    shop.scan("616001", ShipmentStatus::InTransit).await;
    shop.drain().await;
    // The same scan again, in a webhook with another body.
    let numbers = ["616001", "616002"].map(str::to_owned);
    shop.push(&batch(&shop, &numbers, ShipmentStatus::InTransit)).await;
    shop.drain().await;
    assert_eq!(seen(&shop, order).await, [2]);
    for _ in 0..2 {
        for webhook in inbox(&shop).await {
            shop.app.inbox().retry_webhook(&support(), webhook.id).await.unwrap();
        }
        shop.drain().await;
    }
    assert_eq!(seen(&shop, order).await, [2]);
}

async fn what_waited_for_its_shipment_counts_when_it_is_heard(database: Database) {
    let shop = Shop::new(database.store);
    let known = shop.processing(&[1]).await;
    shop.ship(known, "626001").await;
    let numbers = ["626001", "626002"].map(str::to_owned);
    shop.push(&batch(&shop, &numbers, ShipmentStatus::InTransit)).await;
    shop.scan("626002", ShipmentStatus::InTransit).await;
    shop.drain().await;
    let late = shop.processing(&[1]).await;
    shop.ship(late, "626002").await;
    shop.drain().await;
    assert_eq!((seen(&shop, known).await, seen(&shop, late).await), (vec![1], vec![2]));
    assert!(inbox(&shop).await.iter().all(|webhook| webhook.state == WebhookState::Processed));
}

/// Creates 450 numbers and places an order for the first one, one in the middle and the last one. The other numbers
/// have no shipment.
async fn among_very_many(shop: &Shop, prefix: &str) -> (Vec<String>, Vec<OrderId>) {
    let numbers: Vec<String> = (0..450).map(|at| format!("{prefix}{at:03}")).collect();
    let mut orders = Vec::new();
    for at in [0, 250, 449] {
        let order = shop.processing(&[1]).await;
        shop.ship(order, &numbers[at]).await;
        orders.push(order);
    }
    (numbers, orders)
}

async fn a_webhook_about_very_many_shipments_is_taken_in_as_a_whole(database: Database) {
    let shop = Shop::new(database.store);
    let (numbers, orders) = among_very_many(&shop, "636").await;
    shop.push(&batch(&shop, &numbers, ShipmentStatus::OutForDelivery)).await;
    shop.drain().await;
    for order in orders {
        assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
    }
    let webhook = &inbox(&shop).await[0];
    assert_eq!(webhook.state, WebhookState::Unmatched);
    let reason = webhook.reason.clone().unwrap();
    assert!(reason.starts_with("3 applied, no parcel with the FedEx number 636001 yet"), "{reason}");
    assert!(reason.ends_with("nor with 437 others"), "{reason}");
    // Register one of the numbers that had no shipment.
    let late = shop.processing(&[1]).await;
    shop.ship(late, &numbers[300]).await;
    shop.drain().await;
    assert_eq!(shop.status(late).await, OrderStatus::OutForDelivery);
    assert_eq!(seen(&shop, late).await, [1]);
}

async fn a_large_webhook_whose_reader_died_is_taken_in_by_the_next(database: Database) {
    let shop = Shop::new(database.store);
    let (numbers, orders) = among_very_many(&shop, "646").await;
    shop.push(&batch(&shop, &numbers, ShipmentStatus::OutForDelivery)).await;
    let leased = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
    // The lease ended and another worker has the webhook now. The first worker must stop.
    shop.wait(TimeDelta::minutes(2));
    let next = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
    shop.app.inbox().process_webhooks(&leased).await.unwrap();
    assert_eq!(shop.status(orders[2]).await, OrderStatus::AwaitingPickup);
    shop.app.inbox().process_webhooks(&next).await.unwrap();
    for order in orders {
        assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
    }
}

/// A webhook cannot be parsed without its body: all portions of this one use what was parsed once.
async fn the_body_of_a_large_webhook_is_read_once(database: Database) {
    let (store, statements) = Statements::record(&database).await;
    let reads_bodies = |sql: &str| sql.starts_with("SELECT") && sql.contains(r#""webhooks"."body""#);
    let shop = Shop::new(store);
    let (numbers, orders) = among_very_many(&shop, "696").await;
    shop.push(&batch(&shop, &numbers, ShipmentStatus::OutForDelivery)).await;
    let leased = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
    statements.take(reads_bodies);
    shop.app.inbox().process_webhooks(&leased).await.unwrap();
    assert_eq!(statements.take(reads_bodies).len(), 1);
    for order in orders {
        assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
        assert_eq!(seen(&shop, order).await, [1]);
    }
}

/// 40 webhooks with 199 unknown numbers each are processed in one batch. The numbers of only two webhooks are locked at
/// the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_about_many_shipments_each_do_not_hold_all_their_locks_together() {
    let Some(database) = Database::postgres().await else { return };
    let (store, statements) = Statements::record(&database).await;
    let shop = Shop::new(store);
    let numbers: Vec<String> = (0..40 * 199).map(|at| format!("686{at:05}")).collect();
    for numbers in numbers.chunks(199) {
        shop.push(&batch(&shop, numbers, ShipmentStatus::InTransit)).await;
    }
    let leased = shop.app.relay().lease(Work::Webhooks, 200).await.unwrap();
    shop.app.inbox().process_webhooks(&leased).await.unwrap();
    assert_eq!(statements.take(|sql| sql.contains("pg_advisory_xact_lock")).len(), 20);
    let inbox = inbox(&shop).await;
    assert_eq!(inbox.len(), 40);
    assert!(inbox.iter().all(|webhook| webhook.state == WebhookState::Unmatched));
    let late = shop.processing(&[1]).await;
    shop.ship(late, &numbers[39 * 199]).await;
    shop.drain().await;
    assert_eq!(shop.status(late).await, OrderStatus::Shipped);
}

async fn many_bodies_are_read_some_at_a_time(database: Database) {
    let shop = Shop::new(database.store.clone());
    for number in ["676001", "676002", "676003"] {
        shop.scan(number, ShipmentStatus::InTransit).await;
    }
    let all = inbox(&shop).await;
    let size = read::webhook_bytes(&database.store, &[all[0].id]).await.unwrap();
    let ids: Vec<_> = all.iter().map(|webhook| webhook.id).collect();
    for (most, fitting) in [(0, 1), (size, 1), (2 * size - 1, 1), (2 * size, 2), (9 * size, 3)] {
        assert_eq!(
            read::count_webhooks_within_bytes(&database.store, &ids, most).await.unwrap(),
            fitting,
            "{most}"
        );
        let page = read::webhooks_after(&database.store, &Default::default(), None, 100, most).await.unwrap();
        assert_eq!(page.iter().map(|webhook| webhook.head.id).collect::<Vec<_>>(), ids[..fitting], "{most}");
    }
    let after = Some(read::Key { at: all[0].received_at, id: all[0].id.0 });
    let page = read::webhooks_after(&database.store, &Default::default(), after, 1, 9 * size).await.unwrap();
    assert_eq!(page.iter().map(|webhook| webhook.head.id).collect::<Vec<_>>(), ids[1..2]);
}

async fn what_came_while_a_number_was_cancelled_is_for_the_shipment_that_has_it_next(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    let wrong = shop.ship(order, "656001").await;
    shop.wait(TimeDelta::minutes(5));
    let cancel = Request::CancelShipment { id: wrong.id, reason: "packed anew".to_owned() };
    shop.ask(order, cancel).await.unwrap();
    shop.wait(TimeDelta::minutes(5));
    shop.scan("656001", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    shop.wait(TimeDelta::minutes(5));
    shop.ship(order, "656001").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}
