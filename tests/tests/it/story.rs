//! Tests the main story on both databases: an order is placed, paid, shipped in two shipments, scanned out of order and
//! twice, and delivered, and the customer receives mails.

use chrono::TimeDelta;
use domain::{ItemQuantity, OrderStatus, ShipmentStatus, progress};
use tests::{database::Database, on_every_database, shop::Shop};

on_every_database!(
    an_order_in_two_shipments_is_as_far_as_the_slower,
    scans_before_the_shipment_is_known_are_taken_up,
    scans_before_the_payment_are_taken_up_when_the_order_is_processed,
    a_walk_passes_every_status_and_mails_only_the_newest,
);

async fn an_order_in_two_shipments_is_as_far_as_the_slower(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[3]).await;
    let item = shop.order(order).await.items()[0].id;
    let lines = |quantity| Some(vec![ItemQuantity { item_id: item, quantity }]);
    shop.ship_lines(order, "111", lines(2)).await.unwrap();
    assert_eq!(shop.status(order).await, OrderStatus::Processing, "one unit is in no parcel yet");

    shop.scan("111", ShipmentStatus::InTransit).await;
    shop.scan("111", ShipmentStatus::InTransit).await;
    shop.drain().await;
    let now = shop.order(order).await;
    let told = progress(now.head().status, now.items(), now.shipments());
    assert_eq!(told.summary, "partial shipment: 2 of 3 items shipped");
    assert_eq!(now.head().status, OrderStatus::Processing);

    shop.ship_lines(order, "222", lines(1)).await.unwrap();
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    shop.wait(TimeDelta::hours(1));
    shop.scan("222", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    shop.wait(TimeDelta::hours(1));
    shop.scan("111", ShipmentStatus::OutForDelivery).await;
    shop.drain().await;
    shop.scan("111", ShipmentStatus::Delivered).await;
    shop.drain().await;
    let path: Vec<&str> = shop.path(order).await.iter().map(|status| status.as_str()).collect();
    let line = "placed payment_confirmed processing awaiting_pickup shipped out_for_delivery delivered";
    assert_eq!(path.join(" "), line);
    let versions: Vec<i32> = shop.events(order).await.iter().map(|event| event.version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(shop.mails().await.len(), 3, "{:?}", shop.mails().await);
}

async fn scans_before_the_shipment_is_known_are_taken_up(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.scan("333", ShipmentStatus::OutForDelivery).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Processing);
    shop.ship(order, "333").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
}

async fn scans_before_the_payment_are_taken_up_when_the_order_is_processed(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.place(&[1]).await;
    shop.ship(order, "444").await;
    shop.scan("444", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Placed);
    shop.to(order, OrderStatus::PaymentConfirmed).await.unwrap();
    let changed = shop.to(order, OrderStatus::Processing).await.unwrap();
    assert_eq!(changed.event.unwrap().to, OrderStatus::Processing);
    assert_eq!(changed.order.status, OrderStatus::Delivered, "the advance went on");
}

async fn a_walk_passes_every_status_and_mails_only_the_newest(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "555").await;
    shop.scan("555", ShipmentStatus::Delivered).await;
    shop.drain().await;
    let inferred: Vec<_> =
        shop.events(order).await.iter().filter(|event| event.inferred).map(|event| event.to).collect();
    assert_eq!(inferred, [OrderStatus::Shipped, OrderStatus::OutForDelivery]);
    assert_eq!(shop.mails().await.len(), 1, "{:?}", shop.mails().await);
}
