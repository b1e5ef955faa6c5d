//! Tests delivery estimates: the one that was said last counts, its day is the one that the carrier wrote, and every
//! revision is kept.

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, Datelike, FixedOffset, TimeDelta, Utc};
use domain::{
    Carrier, DeliveryEstimate, EstimateSource, ExpectedDelivery, Meaning, OrderId, Refusal, Request,
    Shipment, ShipmentId, ShipmentStatus, StoredScan,
};
use persistence::{delivery_estimates::revisions_at_most, mailbox, read};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use tests::{database::Database, front::Front, on_every_database, shop::Shop};

use super::arrivals::register;

on_every_database!(
    of_revisions_without_a_new_scan_the_one_said_last_counts,
    an_estimate_that_arrives_late_does_not_count,
    of_estimates_said_at_one_time_the_one_received_last_counts,
    an_estimate_without_a_scan_counts,
    a_late_retry_does_not_bring_an_estimate_back,
    an_estimate_that_is_repeated_revises_no_scan,
    without_a_time_of_the_sender_the_estimate_received_last_counts,
    api_page_and_mail_show_the_day_of_every_offset,
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

/// A push about this number with one scan, always the same, and this estimate. It is written when the scan is made.
fn push(sender: Sender, number: &str, scanned: DateTime<FixedOffset>, due: DateTime<FixedOffset>) -> Vec<u8> {
    push_written_at(scanned.to_utc(), sender, number, scanned, due)
}

/// The same push, written at `sent_at`.
fn push_written_at(
    sent_at: DateTime<Utc>,
    sender: Sender,
    number: &str,
    scanned: DateTime<FixedOffset>,
    due: DateTime<FixedOffset>,
) -> Vec<u8> {
    let status = Meaning::Status(ShipmentStatus::InTransit);
    let history = SimulatedHistory {
        carrier: sender.carrier().unwrap_or(Carrier::FEDEX),
        tracking_number: number,
        scans: &[SimulatedScan { meaning: status, at: scanned, location: None }],
        estimated_delivery: Some(due),
        sent_at,
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
            // The first and the last push are the same, byte for byte, unless the sender writes its time into them.
            shop.push_as(sender, &push_written_at(shop.now(), sender, number, scanned, due.fixed_offset()))
                .await;
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

async fn of_estimates_said_at_one_time_the_one_received_last_counts(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "161616").await;
    let scanned = shop.now().fixed_offset();
    for days in [3, 5, 4] {
        let status = Meaning::Status(ShipmentStatus::InTransit);
        let history = SimulatedHistory {
            carrier: Carrier::FEDEX,
            tracking_number: "161616",
            scans: &[SimulatedScan { meaning: status, at: scanned, location: None }],
            estimated_delivery: Some(scanned + TimeDelta::days(days)),
            sent_at: scanned.to_utc(),
        };
        shop.push_as(Sender::Aftership, &Sender::Aftership.simulate(&history)[0]).await;
        shop.wait(TimeDelta::minutes(1));
    }
    shop.drain().await;
    let expected = shipment(&shop, order).await.tracking.estimated_delivery.unwrap();
    assert_eq!(expected.date(), (scanned + TimeDelta::days(4)).date_naive());
}

async fn an_estimate_without_a_scan_counts(database: Database) {
    let shop = Shop::new(database.store);
    for (number, sender, body) in [
        (
            "16161",
            Sender::Fedex,
            json!({"output": {"completeTrackResults": [{"trackingNumber": "16161", "trackResults": [{
                "trackingNumberInfo": {"trackingNumber": "16161"},
                "estimatedDeliveryTimeWindow": {"window": {"ends": "2026-12-04T18:15:00-06:00"}},
            }]}]}}),
        ),
        (
            "16162",
            Sender::Dhl,
            json!({"shipments": [{"id": "16162", "estimatedTimeOfDelivery": "2026-12-04T18:15:00-06:00"}]}),
        ),
        (
            "16163",
            Sender::Shippo,
            json!({"event": "track_updated", "test": false, "data": {"carrier": "fedex",
                "tracking_number": "16163", "eta": "2026-12-04T00:00:00Z", "tracking_status": null,
                "tracking_history": []}}),
        ),
    ] {
        let order = shop.processing(&[1]).await;
        register(&shop, order, sender.carrier().unwrap_or(Carrier::FEDEX), number, None).await;
        for _ in 0..2 {
            shop.push_as(sender, body.to_string().as_bytes()).await;
            shop.drain().await;
            shop.wait(TimeDelta::minutes(1));
        }
        let now = shipment(&shop, order).await;
        assert_eq!(
            now.tracking.estimated_delivery.map(|one| one.date()),
            Some(december(4).date()),
            "{sender}"
        );
        assert_eq!(now.status(), ShipmentStatus::LabelCreated, "{sender}: an estimate moves nothing");
        assert_eq!(revisions(&shop, now.id).await.len(), 1, "{sender}");
        assert_eq!(stored_scans(&shop, now.id).await.len(), 1, "{sender}");
    }
}

async fn stored_scans(shop: &Shop, shipment: ShipmentId) -> Vec<StoredScan> {
    read::scans_of(&shop.store, &[shipment]).await.unwrap().remove(&shipment).unwrap_or_default()
}

async fn a_late_retry_does_not_bring_an_estimate_back(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "161616").await;
    let due = |day: u32| format!("2026-12-{day:02}T18:15:00-06:00").parse::<DateTime<FixedOffset>>().unwrap();
    let first = push(Sender::Fedex, "161616", shop.now().fixed_offset(), due(5));
    shop.push(&first).await;
    shop.drain().await;
    shop.wait(TimeDelta::hours(1));
    shop.push(&push(Sender::Fedex, "161616", shop.now().fixed_offset(), due(7))).await;
    shop.drain().await;
    shop.wait(TimeDelta::hours(1));
    shop.push(&first).await;
    shop.drain().await;
    let now = shipment(&shop, order).await;
    assert_eq!(now.tracking.estimated_delivery.unwrap().date(), december(7).date(), "there is a later scan");
    assert_eq!(days(&revisions(&shop, now.id).await), ["7", "5"]);
}

async fn an_estimate_that_is_repeated_revises_no_scan(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let id = shop.ship(order, "161616").await.id;
    let scanned = shop.now().fixed_offset();
    let due = DateTime::parse_from_rfc3339("2026-12-04T18:15:00-06:00").unwrap();
    let body = String::from_utf8(push(Sender::Fedex, "161616", scanned, due)).unwrap();
    let mut told = Vec::new();
    for blanks in ["", " ", "  "] {
        shop.push(format!("{body}{blanks}").as_bytes()).await;
        shop.drain().await;
        told.push(stored_scans(&shop, id).await[0].scan.estimate);
        shop.wait(TimeDelta::minutes(1));
    }
    assert_eq!([told[1], told[2]], [told[0]; 2]);
    assert_eq!(stored_scans(&shop, id).await[0].seen, 3);
    assert_eq!(revisions(&shop, id).await.len(), 1);
}

async fn without_a_time_of_the_sender_the_estimate_received_last_counts(database: Database) {
    let shop = Shop::new(database.store);
    let senders = prop::sample::select(vec![Sender::Fedex, Sender::Ups, Sender::Dhl]);
    // The day of each push, and whether it is processed before the next one comes.
    let pushes = prop::collection::vec((0..3i64, any::<bool>()), 1..8);
    let mut runner = TestRunner::deterministic();
    for case in 0..12 {
        let (sender, pushes) = (&senders, &pushes).new_tree(&mut runner).unwrap().current();
        let order = shop.processing(&[1]).await;
        let number = format!("1717{case:02}");
        register(&shop, order, sender.carrier().unwrap_or(Carrier::FEDEX), &number, None).await;
        let scanned = shop.now().fixed_offset();
        for (more, is_processed) in &pushes {
            shop.wait(TimeDelta::minutes(10));
            let due = december(5 + *more as u32).date().and_hms_opt(18, 15, 0).unwrap().and_utc();
            shop.push_as(sender, &push(sender, &number, scanned, due.fixed_offset())).await;
            if *is_processed {
                shop.drain().await;
            }
        }
        shop.drain().await;
        let now = shipment(&shop, order).await;
        let kept: Vec<_> =
            revisions(&shop, now.id).await.iter().map(|one| (one.expected.date().day() - 5).into()).collect();
        let mut runs: Vec<i64> = pushes.iter().map(|(more, _)| *more).collect();
        runs.dedup();
        runs.reverse();
        let counts: i64 = (now.tracking.estimated_delivery.unwrap().date().day() - 5).into();
        assert_eq!((counts, kept[0]), (runs[0], runs[0]), "{sender}: {pushes:?}");
        if pushes.iter().all(|(_, is_processed)| *is_processed) {
            assert_eq!(kept, runs, "{sender}: {pushes:?}");
        }
    }
}

async fn api_page_and_mail_show_the_day_of_every_offset(database: Database) {
    let shop = Shop::new(database.store);
    let front = Front::new(&shop);
    let times = (0..24 * 60i64, 0..6 * 60i64);
    let mut runner = TestRunner::deterministic();
    for quarters in (-44..=56).step_by(5) {
        let (minute, length) = times.new_tree(&mut runner).unwrap().current();
        let offset = FixedOffset::east_opt(quarters * 15 * 60).unwrap();
        let midnight = december(12).date().and_hms_opt(0, 0, 0).unwrap();
        let ends = (midnight + TimeDelta::minutes(minute)).and_local_timezone(offset).unwrap();
        let begins = ends - TimeDelta::minutes(length);
        let order = shop.processing(&[1]).await;
        let number = format!("1818{}", quarters + 44);
        let id = shop.ship(order, &number).await.id;
        let body = String::from_utf8(push(Sender::Fedex, &number, shop.now().fixed_offset(), ends)).unwrap();
        let window = format!("{{\"begins\":\"{}\",\"ends\":", begins.to_rfc3339());
        shop.push(body.replace("{\"ends\":", &window).as_bytes()).await;
        shop.drain().await;
        let (_, answer) = front
            .ask(&json!({
                "query": "query($id: ID!) { node(id: $id) { ... on Shipment { deliveryEstimate { date latest } } } }",
                "variables": {"id": id.to_string()},
            }))
            .await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["data"]["node"]["deliveryEstimate"]["date"], "2026-12-12", "{ends}: {answer}");
        let mail = mailbox::list_latest(&shop.store, 1).await.unwrap().remove(0);
        assert!(mail.text.contains("12 December 2026"), "{ends}: {}", mail.text);
        let url = shop.app.links().tracking_url(order);
        let page = front.page(url.strip_prefix("https://shop.example.org").unwrap()).await;
        assert!(page.contains("12 December 2026"), "{ends}: {page}");
    }
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
