//! Tests one tracking number of several orders, which are in one box.

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::{Carrier, NewShipment, OrderStatus, ShipmentId, ShipmentRefusal, StoredScan};
use persistence::read;
use tests::{database::Database, on_every_database, shop::Shop};

use super::{WAY, count_scans, create, new_shipment, number, push_fedex, refusal, ship};

on_every_database!(
    one_number_of_two_orders_is_followed_by_both,
    a_shared_number_has_to_be_asked_for,
    an_order_that_joins_the_box_late_gets_the_scans_so_far,
);

fn in_box(text: &str) -> NewShipment {
    NewShipment { shares_numbers: true, ..new_shipment(number(Carrier::FEDEX, text), &[]) }
}

async fn one_number_of_two_orders_is_followed_by_both(database: Database) {
    let shop = Shop::new(database.store);
    let (first, one) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &[]).await;
    let second = shop.processing_since(&[1], shop.now() - TimeDelta::days(2)).await;
    let other = create(&shop, second, in_box("790000000001")).await.unwrap().id;
    push_fedex(&shop, "790000000001", &WAY).await;
    push_fedex(&shop, "790000000001", &WAY[..1]).await;
    for (order, shipment) in [(first, one), (second, other)] {
        assert_eq!(shop.status(order).await, OrderStatus::Delivered);
        let versions: Vec<_> = shop.path(order).await;
        assert_eq!(versions.iter().filter(|status| **status == OrderStatus::Delivered).count(), 1);
        assert!(count_scans(&shop, shipment).await >= WAY.len());
    }
    assert_eq!(count_scans(&shop, one).await, count_scans(&shop, other).await);
    let delivered = shop.mails().await.into_iter().filter(|subject| subject.contains("elivered")).count();
    assert_eq!(delivered, 2, "each order has its own mail");
}

async fn a_shared_number_has_to_be_asked_for(database: Database) {
    let shop = Shop::new(database.store);
    let (_, _) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &[]).await;
    let second = shop.processing(&[1]).await;
    let alone = NewShipment { shares_numbers: false, ..in_box("790000000001") };
    assert_eq!(refusal(create(&shop, second, alone.clone()).await).0, ShipmentRefusal::NumberInUse);
    let shared = create(&shop, second, in_box("790000000001")).await.unwrap();
    assert!(shared.numbers[0].is_shared);
    // The same shipment again is unchanged, whether it says that it shares or not.
    for again in [alone.clone(), in_box("790000000001")] {
        assert_eq!(create(&shop, second, again).await.unwrap().id, shared.id);
    }
    let third = shop.processing(&[1]).await;
    assert_eq!(refusal(create(&shop, third, alone).await).0, ShipmentRefusal::NumberInUse);
}

async fn an_order_that_joins_the_box_late_gets_the_scans_so_far(database: Database) {
    let shop = Shop::new(database.store);
    let (_, one) = ship(&shop, number(Carrier::FEDEX, "790000000001"), &[]).await;
    let second = shop.processing_since(&[1], shop.now() - TimeDelta::days(2)).await;
    push_fedex(&shop, "790000000001", &WAY[..2]).await;
    let before = read::scans_of(&shop.store, &[one]).await.unwrap();
    let other = create(&shop, second, in_box("790000000001")).await.unwrap().id;
    shop.drain().await;
    assert_eq!(shop.status(second).await, OrderStatus::OutForDelivery);
    assert_eq!(count_scans(&shop, other).await, WAY[..2].len());
    let seen = |scans: &HashMap<ShipmentId, Vec<StoredScan>>| {
        scans[&one].iter().map(|scan| scan.seen).collect::<Vec<_>>()
    };
    let after = read::scans_of(&shop.store, &[one]).await.unwrap();
    assert_eq!(seen(&after), seen(&before), "the first order was not told again");
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 0);
}
