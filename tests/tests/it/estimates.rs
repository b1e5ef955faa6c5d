//! Tests delivery estimates: the one that was said last counts, its day is the one that the carrier wrote, and every
//! revision is kept.

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, FixedOffset, TimeDelta};
use domain::{
    Carrier, DeliveryEstimate, EstimateSource, ExpectedDelivery, Meaning, OrderId, Refusal, Request,
    Shipment, ShipmentId, ShipmentStatus,
};
use persistence::{delivery_estimates::revisions_at_most, mailbox};
use tests::{database::Database, on_every_database, shop::Shop};

use super::arrivals::register;

on_every_database!(
    of_revisions_without_a_new_scan_the_one_said_last_counts,
    an_estimate_that_arrives_late_does_not_count,
    the_day_is_the_one_that_the_carrier_wrote,
    staff_says_an_estimate_until_the_carrier_says_another_one,
    nothing_is_expected_of_a_delivered_shipment,
);

/// An estimate for this day of December.
fn december(day: u32) -> ExpectedDelivery {
    format!("2026-12-{day:02}").parse().expect("a date")
}

async fn revisions(shop: &Shop, shipment: ShipmentId) -> Vec<DeliveryEstimate> {
    let mut found = revisions_at_most(&shop.store, &[shipment], 1_000).await.expect("the database answers");
    found.remove(&shipment).unwrap_or_default()
}

async fn shipment(shop: &Shop, order: OrderId) -> Shipment {
    shop.order(order).await.shipments()[0].clone()
}

fn days(revisions: &[DeliveryEstimate]) -> Vec<String> {
    revisions.iter().map(|one| one.expected.date().format("%-d").to_string()).collect()
}

/// A push about this number with one scan, always the same, and this estimate.
fn push(sender: Sender, number: &str, scanned: DateTime<FixedOffset>, due: DateTime<FixedOffset>) -> Vec<u8> {
    let status = Meaning::Status(ShipmentStatus::InTransit);
    let history = SimulatedHistory {
        carrier: sender.carrier().unwrap_or(Carrier::FEDEX),
        tracking_number: number,
        scans: &[SimulatedScan { meaning: status, at: scanned, location: None }],
        estimated_delivery: Some(due),
        sent_at: scanned.to_utc(),
    };
    sender.simulate(&history).remove(0)
}

async fn of_revisions_without_a_new_scan_the_one_said_last_counts(database: Database) {
    let shop = Shop::new(database.store);
    for (sender, number) in
        [(Sender::Fedex, "16161"), (Sender::Ups, "16162"), (Sender::Dhl, "16163"), (Sender::Shippo, "16164")]
    {
        let order = shop.processing(&[1]).await;
        let carrier = sender.carrier().unwrap_or(Carrier::FEDEX);
        register(&shop, order, carrier, number, None).await;
        let scanned = shop.now().fixed_offset();
        let first = shop.now().date_naive() + TimeDelta::days(5);
        for more in [0, 2, 2, 1, 0] {
            shop.wait(TimeDelta::minutes(10));
            let due = (first + TimeDelta::days(more)).and_hms_opt(18, 15, 0).unwrap().and_utc();
            // Each push differs from the ones before, as a carrier's do.
            let mut body = push(sender, number, scanned, due.fixed_offset());
            body.extend(" ".repeat(shop.now().timestamp() as usize % 97 + 1).into_bytes());
            shop.push_as(sender, &body).await;
            shop.drain().await;
        }
        let now = shipment(&shop, order).await;
        assert_eq!(now.tracking.estimated_delivery.unwrap().date(), first, "{sender}");
        let kept = revisions(&shop, now.id).await;
        let dates: Vec<_> = kept.iter().map(|one| (one.expected.date() - first).num_days()).collect();
        assert_eq!(dates, [0, 1, 2, 0], "{sender}: newest first");
        assert!(kept.iter().all(|one| one.source == EstimateSource::Carrier));
    }
}

async fn an_estimate_that_arrives_late_does_not_count(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment_id = shop.ship(order, "161616").await.id;
    let at = shop.now().fixed_offset();
    for (minutes, days) in [(0, 3), (30, 5), (10, 4)] {
        let told = SimulatedScan { meaning: Meaning::Status(ShipmentStatus::InTransit), at, location: None };
        let history = SimulatedHistory {
            carrier: Carrier::FEDEX,
            tracking_number: "161616",
            scans: &[told],
            estimated_delivery: Some(at + TimeDelta::days(days)),
            sent_at: shop.now() + TimeDelta::minutes(minutes),
        };
        shop.push_as(Sender::Aftership, &Sender::Aftership.simulate(&history)[0]).await;
        shop.drain().await;
    }
    let expected = shipment(&shop, order).await.tracking.estimated_delivery.unwrap();
    assert_eq!(expected.date(), (at + TimeDelta::days(5)).date_naive());
    let said: Vec<_> = revisions(&shop, shipment_id).await.iter().map(|one| one.expected.date()).collect();
    assert_eq!(said, [5, 4, 3].map(|days| (at + TimeDelta::days(days)).date_naive()));
}

async fn the_day_is_the_one_that_the_carrier_wrote(database: Database) {
    let shop = Shop::new(database.store);
    for (number, due, day) in [
        (0, "2026-12-04T18:15:00-06:00", "4 December 2026"),
        (1, "2026-12-04T09:00:00+13:00", "4 December 2026"),
        (2, "2026-12-04T23:45:00-11:00", "4 December 2026"),
        (3, "2026-12-04T00:15:00+14:00", "4 December 2026"),
        (4, "2026-12-04T00:00:00Z", "4 December 2026"),
    ] {
        let order = shop.processing(&[1]).await;
        let tracking_number = format!("16161{number}");
        let shipment_id = shop.ship(order, &tracking_number).await.id;
        let scanned = shop.now().fixed_offset();
        let due_at = DateTime::parse_from_rfc3339(due).unwrap();
        shop.push(&push(Sender::Fedex, &tracking_number, scanned, due_at)).await;
        shop.drain().await;
        assert_eq!(
            shipment(&shop, order).await.tracking.estimated_delivery.unwrap().date(),
            december(4).date()
        );
        assert_eq!(revisions(&shop, shipment_id).await.len(), 1, "{due}");
        let mail = mailbox::list_latest(&shop.store, 1).await.unwrap().remove(0);
        assert!(mail.text.contains(day), "{due}: {}", mail.text);
    }
}

async fn staff_says_an_estimate_until_the_carrier_says_another_one(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let id = shop.ship(order, "161616").await.id;
    let scanned = shop.now().fixed_offset();
    let say = |day| Request::SetDeliveryEstimate { shipment: id, expected: december(day) };
    assert!(shop.ask(order, say(9)).await.unwrap().changed);
    assert!(!shop.ask(order, say(9)).await.unwrap().changed, "it counts already");
    shop.wait(TimeDelta::minutes(1));
    let due = DateTime::parse_from_rfc3339("2026-12-07T18:15:00-06:00").unwrap();
    shop.push(&push(Sender::Fedex, "161616", scanned, due)).await;
    shop.drain().await;
    let day = async || shipment(&shop, order).await.tracking.estimated_delivery.unwrap().date();
    assert_eq!(day().await, december(7).date());
    shop.wait(TimeDelta::minutes(1));
    assert!(shop.ask(order, say(8)).await.unwrap().changed);
    assert_eq!(day().await, december(8).date(), "said last");
    let kept = revisions(&shop, id).await;
    assert_eq!(days(&kept), ["8", "7", "9"]);
    assert_eq!(kept[0].source, EstimateSource::Merchant);
}

async fn nothing_is_expected_of_a_delivered_shipment(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let id = shop.ship(order, "161616").await.id;
    shop.scan("161616", ShipmentStatus::Delivered).await;
    shop.drain().await;
    let refused = shop.ask(order, Request::SetDeliveryEstimate { shipment: id, expected: december(9) }).await;
    assert!(matches!(refused, Err(app::Error::Refused(Refusal::InvalidInput { .. }))), "{refused:?}");
    assert!(revisions(&shop, id).await.is_empty(), "nothing is written");
}
