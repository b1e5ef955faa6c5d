//! The inbox: what is not a carrier's is refused, everything else is kept and can be seen.

use app::webhooks::NotAccepted;
use carriers::Sender;
use chrono::TimeDelta;
use domain::{OrderStatus, ScanEffect, ShipmentStatus};
use persistence::{
    read,
    webhooks::{Webhook, WebhookState},
};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex, secrets, support},
};

on_every_database!(
    a_forged_signature_is_refused_and_nothing_kept,
    garbage_with_a_good_signature_is_kept_and_can_be_seen,
    an_unknown_number_waits_and_is_taken_up,
    an_unknown_code_moves_nothing,
    a_scan_of_an_older_parcel_with_the_number_is_not_ours,
    many_webhooks_in_one_batch_settle_many_orders,
);

async fn inbox(shop: &Shop) -> Vec<Webhook> {
    let page = read::PageRequest { limit: 100, from_end: false, after: None, before: None };
    shop.app.webhooks(&support(), &Default::default(), &page).await.unwrap().rows
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
        let refused = shop.app.accept_webhook("fedex", &request, None).await;
        assert!(matches!(refused, Err(NotAccepted::Signature(_))), "{refused:?}");
    }
    let request = carriers::Request { at, query: "", headers: &headers, body: &body };
    let unknown = shop.app.accept_webhook("pigeon", &request, None).await;
    assert!(matches!(unknown, Err(NotAccepted::UnknownSender(_))), "{unknown:?}");
    assert!(inbox(&shop).await.is_empty());
}

async fn garbage_with_a_good_signature_is_kept_and_can_be_seen(database: Database) {
    let shop = Shop::new(database.store);
    let garbage = b"\xff\xfe{\"output\":[\0";
    shop.push(garbage).await;
    shop.drain().await;
    let kept = &inbox(&shop).await[0];
    assert_eq!((kept.state, kept.body.as_slice()), (WebhookState::Ignored, garbage.as_slice()));
    assert!(kept.reason.is_some());
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
    let parcel = shop.ship(order, "131313").await;
    let body = String::from_utf8(fedex("131313", ShipmentStatus::Delivered, shop.now())).unwrap();
    shop.push(body.replace("\"DL\"", "\"Q9\"").as_bytes()).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    let scans = read::scans_of(&shop.app.store, &[parcel.id]).await.unwrap().remove(&parcel.id).unwrap();
    assert_eq!((scans[0].scan.code.as_str(), scans[0].effect), ("Q9", ScanEffect::UnknownCode));
}

async fn a_scan_of_an_older_parcel_with_the_number_is_not_ours(database: Database) {
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
