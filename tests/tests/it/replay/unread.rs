//! Tests the replay of webhooks that could not be read when they were received, or only in part. A replay reads them
//! and loses nothing.

use domain::{OrderStatus, ShipmentStatus, WebhookState, ingest::SettledWebhook};
use persistence::{leases::Work, webhooks};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, support},
};

use super::{super::inbox::inbox, fail_all, replay, since_yesterday};

on_every_database!(
    a_webhook_that_could_not_be_read_before_is_read,
    what_a_failed_webhook_says_of_a_number_nobody_has_yet_is_not_lost,
    a_part_that_could_not_be_read_before_waits_for_its_shipment,
);

async fn a_webhook_that_could_not_be_read_before_is_read(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "252525").await;
    shop.scan("252525", ShipmentStatus::Delivered).await;
    fail_all(&shop).await;
    let done = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!((done.scans, done.changes.len()), (1, 1));
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(inbox(&shop).await[0].state, WebhookState::Pending, "it has its turn again");
    shop.drain().await;
    let read = &inbox(&shop).await[0];
    assert_eq!((read.state, read.reason.as_deref()), (WebhookState::Processed, Some("1 seen before")));
}

async fn what_a_failed_webhook_says_of_a_number_nobody_has_yet_is_not_lost(database: Database) {
    let shop = Shop::new(database.store);
    let known = shop.processing(&[1]).await;
    shop.ship(known, "272727").await;
    for number in ["272727", "282828"] {
        shop.scan(number, ShipmentStatus::Delivered).await;
    }
    fail_all(&shop).await;
    replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!(shop.status(known).await, OrderStatus::Delivered, "at once");
    shop.drain().await;
    let states: Vec<_> = inbox(&shop).await.iter().map(|webhook| webhook.state).collect();
    assert_eq!(states.len(), 2);
    assert!(states.contains(&WebhookState::Processed) && states.contains(&WebhookState::Unmatched));
    let late = shop.processing(&[1]).await;
    shop.ship(late, "282828").await;
    shop.drain().await;
    assert_eq!(shop.status(late).await, OrderStatus::Delivered);
}

async fn a_part_that_could_not_be_read_before_waits_for_its_shipment(database: Database) {
    let shop = Shop::new(database.store);
    shop.scan("303030", ShipmentStatus::Delivered).await;
    // Settle the webhook as if only a part of it had been read.
    let leased = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
    let tx = shop.store.begin().await.unwrap();
    let id = webhooks::lock_and_load_leased(&tx, &leased).await.unwrap().remove(0).head.id;
    let reason = "1 element unread: track result 1: it was new".to_owned();
    let settled = SettledWebhook {
        id,
        state: WebhookState::Processed,
        reason,
        waits_for: vec![],
        says_estimate: false,
    };
    webhooks::settle(&tx, &[settled]).await.unwrap();
    shop.store.commit(tx).await.unwrap();
    for _ in 0..2 {
        replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
        shop.drain().await;
        assert_eq!(inbox(&shop).await[0].state, WebhookState::Unmatched);
    }
    let late = shop.processing(&[1]).await;
    shop.ship(late, "303030").await;
    shop.drain().await;
    assert_eq!(shop.status(late).await, OrderStatus::Delivered);
}
