//! Tests that a shipment whose number another order has by now is not on its way again, whoever's scans say so.

use app::{Error, orders::ManualScan};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConditionKind, Meaning, OrderId, OrderStatus, Refusal, ScanEffect, Shipment, ShipmentRefusal,
    ShipmentStatus, StoredScan,
};
use persistence::read;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex, support},
};

on_every_database!(
    a_person_cannot_make_a_shipment_live_whose_number_another_order_has,
    a_carrier_cannot_make_a_shipment_live_whose_number_another_order_has,
);

/// Two orders with a shipment under one number: that of the first was delivered an hour before the second
/// order was placed.
async fn reused(shop: &Shop, number: &str) -> (OrderId, Shipment, OrderId) {
    let first = shop.processing_since(&[1], shop.now() - TimeDelta::days(2)).await;
    let shipment = shop.ship(first, number).await;
    shop.scan_at(number, ShipmentStatus::InTransit, shop.now() - TimeDelta::hours(20)).await;
    shop.drain().await;
    shop.scan(number, ShipmentStatus::Delivered).await;
    shop.drain().await;
    shop.wait(TimeDelta::hours(1));
    let second = shop.processing(&[1]).await;
    shop.ship(second, number).await;
    (first, shipment, second)
}

async fn record(
    shop: &Shop,
    shipment: &Shipment,
    meaning: Meaning,
    at: DateTime<Utc>,
) -> app::Result<app::orders::CommandOutcome> {
    let scan = ManualScan { shipment_id: shipment.id, meaning, occurred_at: at, location: None, notes: None };
    shop.app.orders().record_scan(support(), scan, None).await
}

async fn scans(shop: &Shop, shipment: &Shipment) -> Vec<StoredScan> {
    read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap()
}

fn assert_number_in_use(answer: app::Result<app::orders::CommandOutcome>) {
    match answer {
        Err(Error::Refused(Refusal::Shipment { code: ShipmentRefusal::NumberInUse, message })) => {
            assert!(message.ends_with("is on its way with another order"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

async fn a_person_cannot_make_a_shipment_live_whose_number_another_order_has(database: Database) {
    let shop = Shop::new(database.store);
    let (first, shipment, second) = reused(&shop, "414141").await;
    let wrong = scans(&shop, &shipment).await.remove(0);
    let before = shop.order(first).await;
    let retract = || shop.app.orders().retract_scan(support(), wrong.id, "wrong parcel".to_owned(), None);
    assert_number_in_use(retract().await);
    let returning = Meaning::Condition(ConditionKind::Returning);
    assert_number_in_use(record(&shop, &shipment, returning, shop.now() - TimeDelta::hours(3)).await);
    let after = shop.order(first).await;
    assert_eq!((after.head(), after.shipments()), (before.head(), before.shipments()));
    let stored = scans(&shop, &shipment).await;
    assert!(stored.len() == 2 && stored.iter().all(StoredScan::counts), "nothing is written: {stored:?}");

    shop.scan("414141", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(shop.status(second).await, OrderStatus::Delivered);
    assert!(retract().await.unwrap().changed, "the number is free");
    assert_eq!(shop.order(first).await.shipments()[0].status(), ShipmentStatus::InTransit);
}

async fn a_carrier_cannot_make_a_shipment_live_whose_number_another_order_has(database: Database) {
    let shop = Shop::new(database.store);
    let (first, shipment, second) = reused(&shop, "424242").await;
    let returned = fedex("424242", ShipmentStatus::ReturnedToSender, shop.now() - TimeDelta::hours(4));
    shop.push(&returned).await;
    shop.drain().await;
    let status = async || shop.order(first).await.shipments()[0].status();
    assert_eq!(status().await, ShipmentStatus::Delivered);
    let effects: Vec<ScanEffect> = scans(&shop, &shipment).await.iter().map(|stored| stored.effect).collect();
    assert_eq!(effects, [ScanEffect::Applied, ScanEffect::Stale, ScanEffect::Applied]);
    assert_eq!(shop.order(second).await.shipments()[0].status(), ShipmentStatus::LabelCreated);

    // With the next scan after the number is free, it counts.
    shop.scan("424242", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert_eq!(
        (status().await, shop.status(second).await),
        (ShipmentStatus::Delivered, OrderStatus::Delivered)
    );
    let returned = fedex("424242", ShipmentStatus::ReturnedToSender, shop.now() - TimeDelta::hours(3));
    shop.push(&returned).await;
    shop.drain().await;
    assert_eq!(status().await, ShipmentStatus::ReturnedToSender);
}
