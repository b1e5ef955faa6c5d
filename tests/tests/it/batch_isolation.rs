//! Tests that a failing member of a batch does not affect the other members, and that its error says what is wrong.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use app::{
    AT_ONCE,
    webhooks::{Accepted, NotAccepted},
};
use carriers::Sender;
use chrono::TimeDelta;
use domain::{InputField, OrderStatus, Refusal, Request, ShipmentStatus, WebhookState};
use futures::future::join_all;
use persistence::read;
use sea_orm::{ConnectionTrait, TransactionTrait};
use tests::{
    database::Database,
    log::Log,
    on_every_database,
    shop::{Shop, fedex, secrets, support},
};

use super::inbox::inbox;

on_every_database!(
    a_corrupt_order_fails_alone_among_changes,
    a_corrupt_order_fails_alone_among_webhooks,
    a_corrupt_number_is_passed_over_when_waiting_webhooks_are_woken,
    a_text_with_nul_is_refused_by_name,
);

/// Places three orders with a shipment each, and makes the second shipment's row invalid.
async fn three_orders(shop: &Shop, database: &Database) -> Vec<domain::OrderId> {
    let mut orders = Vec::new();
    for at in 0..3 {
        let order = shop.processing(&[1]).await;
        shop.ship(order, &format!("N{at}")).await;
        orders.push(order);
    }
    let garble = "UPDATE shipments SET status = 'on the moon' WHERE tracking_number = 'N1'";
    database.connection().await.execute_unprepared(garble).await.unwrap();
    orders
}

async fn a_corrupt_order_fails_alone_among_changes(database: Database) {
    let shop = Shop::new(database.store.clone());
    let orders = three_orders(&shop, &database).await;
    let answers = join_all(orders.iter().map(|order| shop.to(*order, OrderStatus::Cancelled))).await;
    assert!(answers[0].as_ref().unwrap().changed && answers[2].as_ref().unwrap().changed);
    let Err(app::Error::Failed(error)) = &answers[1] else { panic!("{:?}", answers[1]) };
    assert!(error.to_string().starts_with("table shipments, row "), "{error}");
    assert_eq!(shop.head(orders[1]).await.status, OrderStatus::AwaitingPickup);
}

async fn a_corrupt_order_fails_alone_among_webhooks(database: Database) {
    let shop = Shop::new(database.store.clone());
    let orders = three_orders(&shop, &database).await;
    for at in 0..3 {
        shop.scan(&format!("N{at}"), ShipmentStatus::InTransit).await;
    }
    let log = Log::listen();
    shop.drain().await;
    let [told] = &log.lines_with("a batch failed, its members are tried alone")[..] else {
        panic!("the failure of the batch is told once")
    };
    assert!(told.contains("table shipments, row ") && told.contains("members=3"), "{told}");
    let mut statuses = Vec::new();
    for order in orders {
        statuses.push(shop.status(order).await);
    }
    use OrderStatus::{AwaitingPickup, Shipped};
    assert_eq!(statuses, [Shipped, AwaitingPickup, Shipped]);
    let page = read::PageRequest { limit: 10, from_end: true, after: None, before: None };
    let inbox = shop.app.reads().webhooks(&support(), &Default::default(), &page).await.unwrap().rows;
    let failed: Vec<_> = inbox.iter().filter(|webhook| webhook.state == WebhookState::Failed).collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].error.as_deref().unwrap().contains("table shipments, row "), "{:?}", failed[0].error);
}

async fn a_corrupt_number_is_passed_over_when_waiting_webhooks_are_woken(database: Database) {
    let shop = Shop::new(database.store.clone());
    let orders = [shop.processing(&[1]).await, shop.processing(&[1]).await];
    for number in ["N0", "N1"] {
        shop.scan(number, ShipmentStatus::InTransit).await;
    }
    shop.drain().await;
    for (order, number) in orders.into_iter().zip(["N0", "N1"]) {
        shop.ship(order, number).await;
    }
    // Simulate that both webhooks were locked when their shipments were registered, so they are still unmatched.
    database.execute("UPDATE webhooks SET state = 'unmatched', due_at = NULL").await;
    for table in ["webhook_waits", "shipment_numbers"] {
        let garble = format!("UPDATE {table} SET carrier = 'PIGEON' WHERE tracking_number = 'N1'");
        database.execute(&garble).await;
    }
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 1);
    shop.drain().await;
    assert_eq!(shop.status(orders[0]).await, OrderStatus::Shipped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_somebody_holds_stops_only_those_who_want_it() {
    let Some(database) = Database::postgres().await else { return };
    let shop = Shop::new(database.store.clone());
    let (held, free) = (shop.place(&[1]).await, shop.place(&[1]).await);
    let holder = database.connection().await.begin().await.unwrap();
    let hold = format!("SELECT 1 FROM orders WHERE order_id = '{held}' FOR UPDATE");
    holder.execute_unprepared(&hold).await.unwrap();
    let commands = [held, held, free, held].map(|order| shop.to(order, OrderStatus::Cancelled));
    let answers = join_all(commands).await;
    assert!(answers[2].as_ref().is_ok_and(|done| done.changed), "{:?}", answers[2]);
    for at in [0, 1, 3] {
        assert!(answers[at].as_ref().is_err_and(app::Error::retryable), "{:?}", answers[at]);
    }
    holder.rollback().await.unwrap();
    assert!(shop.to(held, OrderStatus::Cancelled).await.unwrap().changed);
}

/// Posts a webhook of FedEx, and returns the answer.
async fn posted(shop: &Shop, body: &[u8]) -> Result<Accepted, NotAccepted> {
    let headers = Sender::Fedex.sign(&secrets(Sender::Fedex), body, shop.now());
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = carriers::Request { at: shop.now(), query: "", headers: &headers, body };
    shop.app.inbox().accept_webhook(Sender::Fedex, &request, None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_somebody_holds_stops_only_those_who_bring_it_again() {
    let Some(database) = Database::postgres().await else { return };
    let shop = Shop::new(database.store.clone());
    let bodies: Vec<Vec<u8>> =
        (0..6).map(|at| fedex(&format!("H{at}"), ShipmentStatus::InTransit, shop.now())).collect();
    for body in &bodies[..2] {
        posted(&shop, body).await.unwrap();
    }
    let held = database.hold("SELECT 1 FROM webhooks FOR UPDATE").await;
    // Two batches can run at once. Both now wait for the locked rows, so all webhooks that come next share one batch.
    let (first, second, together) = tokio::join!(
        posted(&shop, &bodies[0]),
        async {
            database.wait_for_waiting(1).await;
            posted(&shop, &bodies[1]).await
        },
        async {
            database.wait_for_waiting(2).await;
            join_all(bodies[1..].iter().map(|body| posted(&shop, body))).await
        }
    );
    for refused in [&first, &second, &together[0]] {
        let is_retryable = matches!(refused, Err(NotAccepted::NotStored(error)) if error.retryable());
        assert!(is_retryable, "{refused:?}");
    }
    assert!(together[1..].iter().all(Result::is_ok), "{together:?}");
    held.release().await;
    posted(&shop, &bodies[0]).await.unwrap();
    assert_eq!(inbox(&shop).await.len(), bodies.len());
}

async fn a_text_with_nul_is_refused_by_name(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.place(&[1]).await;
    let with = |notes: Option<&str>, metadata: Option<serde_json::Value>| Request::Transition {
        to: OrderStatus::Cancelled,
        notes: notes.map(str::to_owned),
        metadata,
    };
    let commands = [
        (InputField::Notes, with(Some("a\0b"), None)),
        (InputField::Metadata, with(None, Some(serde_json::json!({ "deep": ["a\0b"] })))),
        (InputField::Metadata, with(None, Some(serde_json::json!({ "much": "x".repeat(20_000) })))),
    ];
    for (wrong, request) in commands {
        let refused = shop.ask(order, request).await;
        let Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(field, wrong);
    }
    assert_eq!(shop.head(order).await.version, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_somebody_holds_are_waited_for_at_the_same_time() {
    let Some(database) = Database::postgres().await else { return };
    let mut store = database.store.clone();
    let locks = Arc::new(AtomicUsize::new(0));
    let counted = locks.clone();
    store.on_statement(move |sql| {
        let locks_orders = sql.contains("FROM \"orders\"") && sql.contains("FOR UPDATE");
        counted.fetch_add(usize::from(locks_orders), SeqCst);
    });
    let shop = Shop::new(store);
    let mut orders = Vec::new();
    for at in 0..=AT_ONCE {
        let (order, number) = (shop.processing(&[1]).await, format!("N{at}"));
        shop.ship(order, &number).await;
        shop.scan(&number, ShipmentStatus::InTransit).await;
        orders.push(order);
    }
    let (free, held) = orders.split_last().unwrap();
    let ids: Vec<String> = held.iter().map(|order| format!("'{order}'")).collect();
    let hold = format!("SELECT 1 FROM orders WHERE order_id IN ({}) FOR UPDATE", ids.join(","));
    let holder = database.hold(&hold).await;
    locks.store(0, SeqCst);

    // One job processes all webhooks: together once, then each alone once. Alone, as many members wait at the same time
    // as the bound in the docs of `isolate` says: the database shows their sessions.
    tokio::join!(shop.drain(), database.wait_for_waiting(AT_ONCE as i64));
    assert_eq!(locks.load(SeqCst), 1 + orders.len());
    assert_eq!(shop.status(*free).await, OrderStatus::Shipped);
    for order in held {
        assert_eq!(shop.status(*order).await, OrderStatus::AwaitingPickup);
    }

    // The webhooks of the held rows were only postponed: that a row was held is no failure of theirs.
    holder.release().await;
    shop.wait(TimeDelta::seconds(3));
    shop.drain().await;
    for order in held {
        assert_eq!(shop.status(*order).await, OrderStatus::Shipped);
    }
}
