//! Tests times that a carrier sends without a zone: they are stored, do not count as instants, and still order the
//! scans.

use domain::{OrderStatus, ShipmentStatus};
use persistence::read;
use serde_json::{Value, json};
use tests::{database::Database, on_every_database, shop::Shop};

on_every_database!(clocks_without_a_zone_are_kept_and_put_scans_in_order);

/// Pushes a webhook of FedEx with these events, each with its code and its local time.
async fn tells(shop: &Shop, number: &str, events: &[(&str, &str)]) {
    let event = |(code, clock): &(&str, &str)| json!({"date": clock, "eventType": code});
    let events: Vec<Value> = events.iter().map(event).collect();
    let result = json!({"trackingNumber": number, "trackResults": [{ "scanEvents": events }]});
    let body = json!({"output": {"completeTrackResults": [result]}});
    shop.push(body.to_string().as_bytes()).await;
    shop.drain().await;
}

async fn clocks_without_a_zone_are_kept_and_put_scans_in_order(database: Database) {
    let shop = Shop::new(database.store);
    let (attempt, delivered) = (("DE", "2026-03-01T09:00:00"), ("DL", "2026-03-02T10:30:00"));
    for (number, pushes) in [
        ("606001", vec![vec![attempt, delivered]]),
        ("606002", vec![vec![attempt], vec![delivered]]),
        ("606003", vec![vec![delivered], vec![attempt]]),
    ] {
        let order = shop.processing(&[1]).await;
        let shipment = shop.ship(order, number).await;
        for events in pushes {
            tells(&shop, number, &events).await;
        }
        assert_eq!(shop.status(order).await, OrderStatus::Delivered);
        let tracking = shop.order(order).await.shipments()[0].tracking.clone();
        assert_eq!((tracking.status, tracking.condition), (ShipmentStatus::Delivered, None), "{number}");
        assert_eq!(tracking.delivered_at, Some(shop.now()), "the arrival stands in for the time");
        let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
        let kept: Vec<_> = scans.iter().map(|one| one.scan.local_time.unwrap().to_string()).collect();
        assert!(kept.contains(&"2026-03-02 10:30:00".to_owned()), "{kept:?}");
        assert!(scans.iter().all(|one| one.scan.time_estimated));
    }
}
