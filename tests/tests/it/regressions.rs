//! Tests problems that users of other order and shipment trackers have reported. Where a report is public, the test
//! names it.

use chrono::TimeDelta;
use domain::{ItemQuantity, OrderStatus, ScanEffect, ShipmentStatus, progress};
use persistence::read;
use tests::{database::Database, on_every_database, shop::Shop};

on_every_database!(
    two_of_three_units_of_one_line_are_a_partial_shipment,
    delivered_stamped_before_out_for_delivery_is_delivered,
    a_number_used_again_for_the_return_takes_nothing_back,
    a_cancelled_shipment_does_not_hold_back_delivered,
    a_shipment_saved_twice_counts_once,
    a_second_shipment_does_not_touch_the_first,
);

async fn summary(shop: &Shop, order: domain::OrderId) -> String {
    let now = shop.order(order).await;
    progress(now.head().status, now.items(), now.shipments()).summary
}

fn select_units(item: domain::ItemId, quantity: u32) -> Option<Vec<ItemQuantity>> {
    Some(vec![ItemQuantity { item_id: item, quantity }])
}

/// vendurehq/vendure#2191, #2324: shipping a line in parts failed, or lost one unit.
async fn two_of_three_units_of_one_line_are_a_partial_shipment(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[3]).await;
    let item = shop.order(order).await.items()[0].id;
    shop.ship_lines(order, "A2", select_units(item, 2)).await.unwrap();
    shop.scan("A2", ShipmentStatus::PickedUp).await;
    shop.drain().await;
    assert_eq!(summary(&shop, order).await, "partial shipment: 2 of 3 items shipped");
    assert_eq!(shop.status(order).await, OrderStatus::Processing);
    shop.ship_lines(order, "A1", select_units(item, 1)).await.unwrap();
    shop.scan("A1", ShipmentStatus::PickedUp).await;
    shop.drain().await;
    assert_eq!(summary(&shop, order).await, "shipped: 3 of 3 items");
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
}

/// shlee322/delivery-tracker#50: a shipment whose delivery has an earlier time than "out for delivery" stayed in
/// transit for ever.
async fn delivered_stamped_before_out_for_delivery_is_delivered(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "B1").await;
    let now = shop.now();
    for (status, minutes) in [(ShipmentStatus::OutForDelivery, 10), (ShipmentStatus::Delivered, 40)] {
        shop.scan_at("B1", status, now - TimeDelta::minutes(minutes)).await;
        shop.drain().await;
    }
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let tracking = shop.order(order).await.shipments()[0].tracking.clone();
    assert_eq!(tracking.delivered_at, Some(now - TimeDelta::minutes(40)));
}

/// shlee322/delivery-tracker#104: the return uses the tracking number of the delivered shipment, and is scanned again.
async fn a_number_used_again_for_the_return_takes_nothing_back(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "C1").await;
    shop.scan("C1", ShipmentStatus::Delivered).await;
    shop.drain().await;
    let delivered = shop.order(order).await.shipments()[0].tracking.clone();
    shop.wait(TimeDelta::days(3));
    shop.scan("C1", ShipmentStatus::PickedUp).await;
    shop.scan("C1", ShipmentStatus::ReturnedToSender).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(shop.order(order).await.shipments()[0].tracking, delivered);
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let legs = scans.iter().filter(|stored| stored.effect == ScanEffect::ReturnLeg).count();
    assert_eq!((scans.len(), legs), (3, 2));
}

/// Elsewhere, an order with a cancelled and a replaced shipment never became delivered, because not all of its
/// shipments were delivered.
async fn a_cancelled_shipment_does_not_hold_back_delivered(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1, 1]).await;
    let items: Vec<_> = shop.order(order).await.items().iter().map(|item| item.id).collect();
    let lost = shop.ship_lines(order, "D1", select_units(items[0], 1)).await.unwrap();
    shop.ship_lines(order, "D2", select_units(items[1], 1)).await.unwrap();
    shop.scan("D2", ShipmentStatus::Delivered).await;
    shop.drain().await;
    let reason = "the label was misprinted".to_owned();
    let support = tests::shop::support();
    shop.app.orders().cancel_shipment(support, lost.id, reason, None).await.unwrap();
    assert_ne!(shop.status(order).await, OrderStatus::Delivered, "a unit is in no parcel");
    shop.ship_lines(order, "D3", select_units(items[0], 1)).await.unwrap();
    shop.scan("D3", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    // But if all shipments are cancelled, the order is not delivered.
    let other = shop.processing(&[1]).await;
    let only = shop.ship(other, "D4").await;
    let support = tests::shop::support();
    shop.app.orders().cancel_shipment(support, only.id, "mislaid".to_owned(), None).await.unwrap();
    assert_eq!(shop.status(other).await, OrderStatus::AwaitingPickup);
}

/// Elsewhere, saving a shipment again counted its units again, and the order became shipped too early.
async fn a_shipment_saved_twice_counts_once(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    let item = shop.order(order).await.items()[0].id;
    let first = shop.ship_lines(order, "E1", select_units(item, 1)).await.unwrap();
    let again = shop.ship_lines(order, "E1", select_units(item, 1)).await.unwrap();
    assert_eq!(first.id, again.id);
    shop.scan("E1", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(summary(&shop, order).await, "partial shipment: 1 of 2 items shipped, 1 delivered");
    assert_eq!(shop.status(order).await, OrderStatus::Processing);
}

/// NEARBuilders/nearmerch.com#214: the webhook of one shipment overwrote the tracking numbers of the other.
async fn a_second_shipment_does_not_touch_the_first(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[2]).await;
    let item = shop.order(order).await.items()[0].id;
    shop.ship_lines(order, "F1", select_units(item, 1)).await.unwrap();
    shop.ship_lines(order, "F2", select_units(item, 1)).await.unwrap();
    shop.scan("F1", ShipmentStatus::OutForDelivery).await;
    shop.scan("F2", ShipmentStatus::InTransit).await;
    shop.drain().await;
    let now = shop.order(order).await;
    let shipments: Vec<_> = now.shipments().iter().map(|one| (&*one.tracking_number, one.status())).collect();
    assert_eq!(shipments, [("F1", ShipmentStatus::OutForDelivery), ("F2", ShipmentStatus::InTransit)]);
    assert_eq!(now.head().status, OrderStatus::Shipped, "as far as its slowest unit");
}
