//! Tests rows that Milepost cannot have written: reading one is an error that names the row, and no other value is
//! assumed.

use app::{IdempotencyKey, orders::Command};
use domain::{OrderId, OrderStatus, Request, ShipmentStatus, WebhookState};
use persistence::read;
use tests::{
    database::Database,
    log::Log,
    on_every_database,
    shop::{Shop, support},
};

use super::inbox::inbox;

on_every_database!(
    a_part_of_a_condition_is_no_condition,
    a_status_that_was_never_reached_is_not_inferred,
    an_answer_without_a_fingerprint_is_no_answer_to_another_question,
    a_webhook_whose_wait_cannot_be_read_fails,
    a_number_that_cannot_be_read_is_logged_by_the_sweeps,
    a_number_with_a_shipment_that_cannot_be_read_does_not_hold_up_the_others,
);

async fn a_part_of_a_condition_is_no_condition(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.processing(&[1]).await;
    shop.ship(order, "N0").await;
    for part in ["condition = 'lost', condition_since = created_at", "condition = NULL"] {
        database.execute(&format!("UPDATE shipments SET {part}")).await;
        let error = read::load_order(&database.store, order).await.unwrap_err();
        assert!(error.to_string().ends_with("a part of a condition"), "{error}");
    }
}

async fn a_status_that_was_never_reached_is_not_inferred(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.processing(&[1]).await;
    shop.ship(order, "N0").await;
    for column in ["shipped_inferred", "out_for_delivery_inferred"] {
        database.execute(&format!("UPDATE shipments SET {column} = true")).await;
        let error = read::load_order(&database.store, order).await.unwrap_err();
        assert!(error.to_string().ends_with("an inferred status without a time"), "{error}");
        database.execute(&format!("UPDATE shipments SET {column} = false")).await;
    }
}

async fn an_answer_without_a_fingerprint_is_no_answer_to_another_question(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.processing(&[1]).await;
    let ask = |order_id: OrderId| Command {
        caller: support(),
        order_id,
        request: Request::Transition { to: OrderStatus::Cancelled, notes: None, metadata: None },
        expected_version: None,
        key: IdempotencyKey::new("key".to_owned(), "cancelOrder", &order_id.0).ok(),
    };
    assert!(shop.app.orders().execute(ask(order)).await.unwrap().changed);
    database.execute("UPDATE idempotency_keys SET fingerprint = substr(fingerprint, 1, 31)").await;
    let Err(app::Error::Failed(error)) = shop.app.orders().execute(ask(order)).await else {
        panic!("it is no answer")
    };
    let told = error.to_string();
    assert!(told.starts_with("table idempotency_keys, row key of "), "{told}");
    assert!(told.ends_with(": fingerprint is not 32 bytes"), "{told}");
}

async fn a_webhook_whose_wait_cannot_be_read_fails(database: Database) {
    let shop = Shop::new(database.store.clone());
    shop.scan("N0", ShipmentStatus::InTransit).await;
    shop.drain().await;
    database.execute("UPDATE webhook_waits SET carrier = 'PIGEON'").await;
    let id = inbox(&shop).await[0].id;
    shop.app.inbox().retry_webhook(&support(), id).await.unwrap();
    shop.drain().await;
    let failed = inbox(&shop).await.remove(0);
    assert_eq!(failed.state, WebhookState::Failed);
    let told = failed.error.unwrap_or_default();
    let row = format!("table webhook_waits, row of webhook {id}: the code of a carrier is needed");
    assert!(told.contains(&row), "{told}");
}

async fn a_number_that_cannot_be_read_is_logged_by_the_sweeps(database: Database) {
    let shop = Shop::new(database.store.clone());
    shop.scan("N0", ShipmentStatus::InTransit).await;
    shop.drain().await;
    for _ in 0..2 {
        let order = shop.processing(&[1]).await;
        shop.ship(order, "N0").await;
        shop.to(order, OrderStatus::Cancelled).await.unwrap();
    }
    database.execute("UPDATE webhooks SET state = 'unmatched', due_at = NULL").await;
    for table in ["webhook_waits", "shipment_numbers"] {
        database.execute(&format!("UPDATE {table} SET carrier = 'PIGEON'")).await;
    }
    let log = Log::listen();
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 0);
    for row in ["table webhook_waits, row N0: ", "table shipment_numbers, row "] {
        let told = log.lines_with(row);
        assert!(
            !told.is_empty() && told.iter().all(|line| line.contains("a row is passed over")),
            "{told:?}"
        );
    }
}

async fn a_number_with_a_shipment_that_cannot_be_read_does_not_hold_up_the_others(database: Database) {
    let shop = Shop::new(database.store.clone());
    for number in ["N0", "N1"] {
        let first = shop.processing(&[1]).await;
        shop.ship(first, number).await;
        shop.to(first, OrderStatus::Cancelled).await.unwrap();
        shop.scan(number, ShipmentStatus::PickedUp).await;
    }
    shop.drain().await;
    let second = [shop.processing(&[1]).await, shop.processing(&[1]).await];
    for (order, number) in second.into_iter().zip(["N0", "N1"]) {
        shop.ship(order, number).await;
    }
    // Simulate that the webhooks were locked when their numbers were registered again.
    database.execute("UPDATE webhooks SET state = 'processed', due_at = NULL").await;
    let garble = "UPDATE shipments SET status = 'on the moon' \
                  WHERE tracking_number = 'N0' AND status = 'label_created'";
    database.execute(garble).await;
    let log = Log::listen();
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 1);
    let [told] = &log.lines_with("a tracking number could not be checked for misrouted scans")[..] else {
        panic!("it is told once")
    };
    assert!(told.contains("number=N0 ") && told.contains("table shipments, row "), "{told}");
    shop.drain().await;
    assert_eq!(shop.status(second[1]).await, OrderStatus::Shipped);
}
