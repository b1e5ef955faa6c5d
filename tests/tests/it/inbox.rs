//! Tests the inbox: requests that are not a carrier's are refused; all others are stored and can be listed.

use app::{Caller, Error, webhooks::NotAccepted};
use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::TimeDelta;
use domain::{
    Actor, ActorKind, Carrier, ItemQuantity, Meaning, OrderStatus, Refusal, Request, ScanEffect,
    ShipmentStatus, WebhookId, WebhookState,
};
use persistence::{leases::Work, read, webhooks::WebhookHead};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex, secrets, support},
};
use uuid::Uuid;

use super::arrivals::register;

on_every_database!(
    a_push_that_has_an_id_is_kept_once_per_id,
    a_forged_signature_is_refused_and_nothing_kept,
    garbage_with_a_good_signature_is_kept_and_can_be_seen,
    an_unknown_number_waits_and_is_taken_up,
    an_unknown_code_moves_nothing,
    a_scan_of_an_older_shipment_with_the_number_is_not_ours,
    many_webhooks_in_one_batch_settle_many_orders,
    a_webhook_that_failed_is_read_again_when_asked,
    an_estimate_that_is_revised_without_a_new_scan_counts,
    a_shipment_that_moves_although_it_was_cancelled_is_told_to_support,
    a_part_that_cannot_be_read_is_told_beside_what_the_rest_did,
);

pub(super) async fn inbox(shop: &Shop) -> Vec<WebhookHead> {
    let page = read::PageRequest { limit: 100, from_end: false, after: None, before: None };
    shop.app.reads().webhooks(&support(), &Default::default(), &page).await.unwrap().rows
}

async fn a_forged_signature_is_refused_and_nothing_kept(database: Database) {
    let shop = Shop::new(database.store);
    let body = fedex("999", ShipmentStatus::Delivered, shop.now());
    let mut forged = body.clone();
    let last = forged.len() - 1;
    forged[last] = b' ';
    let headers = Sender::Fedex.sign(&secrets(Sender::Fedex), &body, shop.now());
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let at = shop.now();
    for (headers, body) in [(&headers[..], &forged), (&[][..], &body)] {
        let request = carriers::Request { at, query: "", headers, body };
        let refused = shop.app.inbox().accept_webhook(Sender::Fedex, &request, None).await;
        assert!(matches!(refused, Err(NotAccepted::Signature(_))), "{refused:?}");
    }
    assert!(inbox(&shop).await.is_empty());
}

async fn garbage_with_a_good_signature_is_kept_and_can_be_seen(database: Database) {
    let shop = Shop::new(database.store);
    let garbage = b"\xff\xfe{\"output\":[\0";
    shop.push(garbage).await;
    shop.drain().await;
    let kept = &inbox(&shop).await[0];
    let bodies = read::webhook_bodies(&shop.store, &[kept.id]).await.unwrap();
    assert_eq!((kept.state, bodies[&kept.id].as_slice()), (WebhookState::Ignored, garbage.as_slice()));
    assert!(kept.reason.is_some());
}

async fn a_push_that_has_an_id_is_kept_once_per_id(database: Database) {
    let shop = Shop::new(database.store);
    let body = |id: &str, attempt: u32| {
        format!(r#"{{"event":"tracking_update","event_id":"{id}","msg":{{}},"attempt":{attempt}}}"#)
    };
    for attempt in 1..=3 {
        shop.push_as(Sender::Aftership, body("one", attempt).as_bytes()).await;
    }
    shop.push_as(Sender::Aftership, body("two", 1).as_bytes()).await;
    for attempt in 1..=2 {
        let easypost = format!(r#"{{"id":"evt_one","object":"Event","result":{{}},"attempt":{attempt}}}"#);
        shop.push_as(Sender::Easypost, easypost.as_bytes()).await;
    }
    let kept = inbox(&shop).await;
    let mut kept: Vec<_> = kept.iter().map(|one| (one.sender.as_str(), one.duplicates)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [("aftership", 0), ("aftership", 2), ("easypost", 1)]);
}

async fn an_unknown_number_waits_and_is_taken_up(database: Database) {
    let shop = Shop::new(database.store);
    shop.scan("121212", ShipmentStatus::InTransit).await;
    shop.drain().await;
    assert_eq!(inbox(&shop).await[0].state, WebhookState::Unmatched);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "1212 12").await;
    shop.drain().await;
    assert_eq!(inbox(&shop).await[0].state, WebhookState::Processed);
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
}

async fn an_unknown_code_moves_nothing(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "131313").await;
    let body = String::from_utf8(fedex("131313", ShipmentStatus::Delivered, shop.now())).unwrap();
    shop.push(body.replace("\"DL\"", "\"Q9\"").as_bytes()).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    assert_eq!((scans[0].scan.code.as_str(), scans[0].effect), ("Q9", ScanEffect::UnknownCode));
}

async fn a_scan_of_an_older_shipment_with_the_number_is_not_ours(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "141414").await;
    let before = shop.now() - TimeDelta::days(30);
    shop.scan_at("141414", ShipmentStatus::Delivered, before).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
}

async fn many_webhooks_in_one_batch_settle_many_orders(database: Database) {
    let shop = Shop::new(database.store);
    let mut orders = Vec::new();
    for at in 0..30 {
        let order = shop.processing(&[1]).await;
        shop.ship(order, &format!("B{at}")).await;
        orders.push(order);
    }
    for at in 0..30 {
        shop.scan(&format!("B{at}"), ShipmentStatus::InTransit).await;
        shop.scan(&format!("B{at}"), ShipmentStatus::OutForDelivery).await;
    }
    shop.drain().await;
    for order in orders {
        assert_eq!(shop.status(order).await, OrderStatus::OutForDelivery);
    }
    assert!(inbox(&shop).await.iter().all(|webhook| webhook.state == WebhookState::Processed));
}

async fn a_webhook_that_failed_is_read_again_when_asked(database: Database) {
    let shop = Shop::new(database.store);
    shop.scan("151515", ShipmentStatus::InTransit).await;
    let leased = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
    shop.app.inbox().record_webhook_failure(leased[0], "a row that cannot be read", false).await.unwrap();
    let failed = &inbox(&shop).await[0];
    assert_eq!((failed.state, failed.failures), (WebhookState::Failed, 1));

    let customer = Caller { actor: Actor::new(ActorKind::Customer, "x"), request_id: None, email: None };
    let refused = shop.app.inbox().retry_webhook(&customer, failed.id).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");
    let unknown = shop.app.inbox().retry_webhook(&support(), WebhookId(Uuid::nil())).await;
    assert!(matches!(unknown, Err(Error::Refused(Refusal::NotFound("webhook")))), "{unknown:?}");

    let order = shop.processing(&[1]).await;
    shop.ship(order, "151515").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup, "what failed stays closed");
    let retried = shop.app.inbox().retry_webhook(&support(), failed.id).await.unwrap();
    assert_eq!((retried.state, retried.failures, retried.error), (WebhookState::Pending, 0, None));
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    // Processing the webhook again finds no new scan, and does not count the known one again.
    shop.app.inbox().retry_webhook(&support(), failed.id).await.unwrap();
    shop.drain().await;
    assert_eq!(inbox(&shop).await[0].state, WebhookState::Processed);
    let shipment = shop.order(order).await.shipments()[0].id;
    let scans = read::scans_of(&shop.store, &[shipment]).await.unwrap().remove(&shipment).unwrap();
    assert_eq!((scans.len(), scans[0].seen), (1, 1));
}

async fn an_estimate_that_is_revised_without_a_new_scan_counts(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "161616").await;
    let at = shop.now().fixed_offset();
    let told = SimulatedScan { meaning: Meaning::Status(ShipmentStatus::InTransit), at, location: None };
    for (minutes, days) in [(0, 3), (30, 5), (10, 4)] {
        let history = SimulatedHistory {
            carrier: Carrier::FEDEX,
            tracking_number: "161616",
            scans: &[told],
            estimated_delivery: Some(at + TimeDelta::days(days)),
            sent_at: shop.now() + TimeDelta::minutes(minutes),
        };
        // AfterShip sends the time at which it wrote the push. An estimate that was written earlier but arrives later
        // does not count.
        shop.push_as(Sender::Aftership, &Sender::Aftership.simulate(&history)[0]).await;
        shop.drain().await;
    }
    let now = shop.order(order).await;
    let estimate = now.shipments()[0].tracking.estimated_delivery.unwrap();
    assert_eq!(estimate.date(), (at + TimeDelta::days(5)).date_naive());
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    assert_eq!((scans.len(), scans[0].seen), (1, 3));
}

async fn a_shipment_that_moves_although_it_was_cancelled_is_told_to_support(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "161616").await;
    let reason = "mislaid".to_owned();
    shop.ask(order, Request::CancelShipment { id: shipment.id, reason }).await.unwrap();
    shop.scan("161616", ShipmentStatus::LabelCreated).await;
    shop.drain().await;
    assert_eq!(inbox(&shop).await[0].reason.as_deref(), Some("1 stale"), "a label does not travel");
    shop.wait(TimeDelta::minutes(1));
    shop.scan("161616", ShipmentStatus::PickedUp).await;
    shop.drain().await;
    let told = "1 stale, FedEx 161616 was called off and moves";
    assert_eq!(inbox(&shop).await[0].reason.as_deref(), Some(told));
    assert_eq!(shop.order(order).await.shipments()[0].status(), ShipmentStatus::Cancelled);
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
}

async fn a_part_that_cannot_be_read_is_told_beside_what_the_rest_did(database: Database) {
    let shop = Shop::new(database.store);
    let numbers = ["00340434161094015902", "00340434161094015903"];
    let order = shop.processing(&[2]).await;
    let item = shop.order(order).await.items()[0].id;
    for number in numbers {
        register(&shop, order, Carrier::DHL, number, Some(vec![ItemQuantity { item_id: item, quantity: 1 }]))
            .await;
    }
    let body = include_str!("../../../crates/carriers/samples/dhl_batch.json").replace("2026-01", "2026-03");
    shop.wait(TimeDelta::days(20));
    shop.push_as(Sender::Dhl, body.as_bytes()).await;
    shop.drain().await;
    let webhook = inbox(&shop).await.remove(0);
    assert_eq!(webhook.state, WebhookState::Processed);
    let told = "4 applied, 1 element unread: shipment 4: `id` is missing";
    assert_eq!(webhook.reason.as_deref(), Some(told));
    // Processing the webhook again reports the unread element again.
    shop.app.inbox().retry_webhook(&support(), webhook.id).await.unwrap();
    shop.drain().await;
    let told = "4 seen before, 1 element unread: shipment 4: `id` is missing";
    assert_eq!(inbox(&shop).await[0].reason.as_deref(), Some(told));
}
