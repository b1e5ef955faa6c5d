//! Tests the notifications that correct what customers were told: a delivery that was retracted, and a number that is
//! void.

use app::{
    notifications::{Resend, Resent},
    orders::ManualScan,
    reads::Extent,
};
use chrono::TimeDelta;
use domain::{
    ConditionKind, Meaning, NewOrder, NotificationKind, NotificationState, Order, OrderId, OrderStatus,
    Request, Shipment, ShipmentStatus, Suppression, TrackingNumber,
};
use persistence::{
    mailbox, orders,
    read::{self, PageRequest, TimelineEntry},
};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
    smtp::{Behaviour, SmtpServer},
};

use super::{notifications, shop_with};

on_every_database!(
    a_delivery_that_was_mailed_and_retracted_is_corrected_and_told_when_it_is_true,
    a_delivery_that_waits_is_not_mailed_after_it_was_retracted,
    a_muted_order_has_no_corrections,
    a_void_number_that_was_mailed_is_replaced_once,
    a_number_that_nobody_was_told_is_not_corrected,
    old_news_of_a_new_number_is_not_sent,
    a_number_that_is_replaced_on_its_shipment_is_told_at_once,
);

async fn record(shop: &Shop, shipment: &Shipment, meaning: Meaning) {
    let scan = ManualScan {
        shipment_id: shipment.id,
        meaning,
        occurred_at: shop.now(),
        location: None,
        notes: None,
    };
    shop.app.orders().record_scan(support(), scan, None).await.expect("the scan is recorded");
}

/// Retracts the newest scan of the shipment. Returns its id.
async fn retract_newest(shop: &Shop, shipment: &Shipment) -> String {
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let newest = scans.iter().find(|stored| stored.counts()).unwrap().id;
    let reason = "another parcel".to_owned();
    shop.app.orders().retract_scan(support(), newest, reason, None).await.expect("the scan is retracted");
    newest.to_string()
}

/// The key without the order, the kind, the state and the reason of each notification that was not superseded.
async fn told(
    shop: &Shop,
    order: OrderId,
) -> Vec<(String, NotificationKind, NotificationState, Option<Suppression>)> {
    let prefix = format!("notify-{order}-");
    let all = notifications(shop, order).await.into_iter();
    let all = all.filter(|one| one.reason != Some(Suppression::Superseded));
    all.map(|one| (one.key.replace(&prefix, ""), one.kind, one.state, one.reason)).collect()
}

/// An order with a parcel in transit, of which the customer was told.
async fn shipped(shop: &Shop, number: &str) -> (OrderId, Shipment) {
    let order = shop.processing_since(&[1], shop.now() - TimeDelta::days(9)).await;
    let shipment = shop.ship(order, number).await;
    shop.scan(number, ShipmentStatus::InTransit).await;
    shop.drain().await;
    (order, shipment)
}

async fn newest_mail(shop: &Shop) -> (String, String) {
    let mail = mailbox::list_latest(&shop.store, 1).await.unwrap().remove(0);
    (mail.subject, mail.text)
}

async fn a_delivery_that_was_mailed_and_retracted_is_corrected_and_told_when_it_is_true(database: Database) {
    let shop = Shop::new(database.store);
    let (order, shipment) = shipped(&shop, "510001").await;
    let mut expected = vec![("shipped".to_owned(), NotificationKind::Shipped)];
    expected.push(("delivered".to_owned(), NotificationKind::Delivered));
    let mut false_deliveries = Vec::new();
    for _ in 0..2 {
        shop.wait(TimeDelta::hours(1));
        record(&shop, &shipment, Meaning::Status(ShipmentStatus::Delivered)).await;
        shop.drain().await;
        shop.wait(TimeDelta::hours(1));
        let scan = retract_newest(&shop, &shipment).await;
        shop.drain().await;
        let (subject, text) = newest_mail(&shop).await;
        assert!(subject.ends_with("has not been delivered yet"), "{subject}");
        assert!(text.contains("That was a mistake") && text.contains("Shipped: 1 of 1 item."), "{text}");
        expected.push((format!("retracted-{scan}"), NotificationKind::DeliveryRetracted));
        expected.push((format!("delivered-after-{scan}"), NotificationKind::Delivered));
        false_deliveries.push(scan);
    }
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    shop.scan("510001", ShipmentStatus::OutForDelivery).await;
    shop.drain().await;
    shop.wait(TimeDelta::hours(1));
    shop.scan("510001", ShipmentStatus::Delivered).await;
    shop.drain().await;
    assert!(newest_mail(&shop).await.0.ends_with("has been delivered"));
    let expected: Vec<_> =
        expected.into_iter().map(|(key, kind)| (key, kind, NotificationState::Sent, None)).collect();
    assert_eq!(told(&shop, order).await, expected);
    assert_eq!(shop.mails().await.len(), 6);

    // The timeline has the corrections, and one can be sent again.
    let page = PageRequest { limit: 100, from_end: false, after: None, before: None };
    let reads = shop.app.reads();
    let timelines = reads.timelines_of(&support(), vec![order], &page, Extent::Ordinary).await.unwrap();
    let entries = timelines[&order].rows.iter();
    let in_timeline = entries.filter(|entry| match entry {
        TimelineEntry::Notification(one) => one.kind == NotificationKind::DeliveryRetracted,
        _ => false,
    });
    assert_eq!(in_timeline.count(), 2);
    let all = notifications(&shop, order).await;
    let correction = all.iter().find(|one| one.kind == NotificationKind::DeliveryRetracted).unwrap();
    let resend = Resend { id: correction.id, reason: "it was lost".to_owned(), key: None };
    let resent = shop.app.notifications().resend_notification(&support(), &resend).await.unwrap();
    assert!(matches!(resent, Resent::Queued(_)), "{resent:?}");
    shop.drain().await;
    assert!(newest_mail(&shop).await.0.ends_with("has not been delivered yet"));
}

async fn a_delivery_that_waits_is_not_mailed_after_it_was_retracted(database: Database) {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let (order, shipment) = shipped(&shop, "520001").await;
    server.behave(Behaviour::Closed);
    record(&shop, &shipment, Meaning::Status(ShipmentStatus::Delivered)).await;
    shop.drain().await;
    shop.wait(TimeDelta::minutes(10));
    let scan = retract_newest(&shop, &shipment).await;
    server.behave(Behaviour::Accept);
    shop.wait(TimeDelta::minutes(10));
    shop.scan("520001", ShipmentStatus::Delivered).await;
    shop.drain().await;
    let suppressed = (NotificationState::Suppressed, Some(Suppression::Retracted));
    assert_eq!(
        told(&shop, order).await,
        [
            ("shipped".to_owned(), NotificationKind::Shipped, NotificationState::Sent, None),
            ("delivered".to_owned(), NotificationKind::Delivered, suppressed.0, suppressed.1),
            (format!("delivered-after-{scan}"), NotificationKind::Delivered, NotificationState::Sent, None),
        ]
    );
    assert_eq!(server.mails().len(), 2);
}

async fn a_muted_order_has_no_corrections(database: Database) {
    let shop = Shop::new(database.store);
    let new = NewOrder { notify: false, ..new_order(&[1]) };
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    shop.to(order, OrderStatus::PaymentConfirmed).await.unwrap();
    shop.to(order, OrderStatus::Processing).await.unwrap();
    let shipment = shop.ship(order, "530001").await;
    record(&shop, &shipment, Meaning::Status(ShipmentStatus::Delivered)).await;
    retract_newest(&shop, &shipment).await;
    shop.wait(TimeDelta::minutes(1));
    record(&shop, &shipment, Meaning::Status(ShipmentStatus::Delivered)).await;
    shop.drain().await;
    let kinds: Vec<_> = told(&shop, order).await.into_iter().map(|(key, ..)| key).collect();
    assert_eq!(kinds, ["shipped", "out_for_delivery", "delivered"]);
    assert!(shop.mails().await.is_empty());
}

/// The shipment is lost and cancelled, and another one takes its units.
async fn lose_and_replace(shop: &Shop, order: OrderId, lost: &Shipment, number: &str) -> Shipment {
    shop.wait(TimeDelta::hours(1));
    record(shop, lost, Meaning::Condition(ConditionKind::Lost)).await;
    let cancel = Request::CancelShipment { id: lost.id, reason: "the carrier lost it".to_owned() };
    shop.ask(order, cancel).await.expect("a lost parcel is cancelled");
    shop.wait(TimeDelta::hours(1));
    shop.ship(order, number).await
}

async fn a_void_number_that_was_mailed_is_replaced_once(database: Database) {
    let shop = Shop::new(database.store);
    let (order, lost) = shipped(&shop, "540001").await;
    let new = lose_and_replace(&shop, order, &lost, "540002").await;
    shop.drain().await;
    assert_eq!(shop.mails().await.len(), 1, "nothing is told before the carrier has the new parcel");
    for status in [ShipmentStatus::LabelCreated, ShipmentStatus::PickedUp, ShipmentStatus::InTransit] {
        shop.wait(TimeDelta::minutes(5));
        shop.scan("540002", status).await;
        shop.drain().await;
    }
    let key = format!("replaced-{}", new.id);
    let replaced = (key, NotificationKind::NumberReplaced, NotificationState::Sent, None);
    assert_eq!(told(&shop, order).await[1..], *std::slice::from_ref(&replaced));
    let (subject, text) = newest_mail(&shop).await;
    assert!(subject.ends_with("has a new tracking number"), "{subject}");
    assert!(text.contains("The number 540001, which we sent you before, is void."), "{text}");
    assert!(text.contains("New number: FedEx 540002"), "{text}");
    // The next one tells that both are void.
    let third = lose_and_replace(&shop, order, &new, "540003").await;
    shop.scan("540003", ShipmentStatus::InTransit).await;
    shop.drain().await;
    assert!(newest_mail(&shop).await.1.contains("The numbers 540001, 540002, which"));
    let status = NotificationKind::NumberReplaced;
    let next = (format!("replaced-{}", third.id), status, NotificationState::Sent, None);
    assert_eq!(told(&shop, order).await[1..], [replaced, next]);
}

async fn a_number_that_nobody_was_told_is_not_corrected(database: Database) {
    let server = SmtpServer::start(Behaviour::Closed).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let (order, lost) = shipped(&shop, "550001").await;
    lose_and_replace(&shop, order, &lost, "550002").await;
    server.behave(Behaviour::Accept);
    shop.scan("550002", ShipmentStatus::InTransit).await;
    shop.wait(TimeDelta::minutes(10));
    shop.drain().await;
    assert_eq!(told(&shop, order).await.len(), 1);
    assert_eq!(server.mails().len(), 1, "the mail that waited has the new number");
}

async fn old_news_of_a_new_number_is_not_sent(database: Database) {
    let shop = Shop::new(database.store);
    let (order, lost) = shipped(&shop, "560001").await;
    lose_and_replace(&shop, order, &lost, "560002").await;
    let at = shop.now();
    shop.wait(TimeDelta::days(4));
    shop.scan_at("560002", ShipmentStatus::InTransit, at).await;
    shop.drain().await;
    let (_, kind, state, reason) = told(&shop, order).await.remove(1);
    assert_eq!(
        (kind, state, reason),
        (NotificationKind::NumberReplaced, NotificationState::Suppressed, Some(Suppression::Historical))
    );
}

async fn a_number_that_is_replaced_on_its_shipment_is_told_at_once(database: Database) {
    let shop = Shop::new(database.store);
    let (order, shipment) = shipped(&shop, "570001").await;
    let replace = async |old: &str| {
        let tx = shop.store.begin().await.unwrap();
        let mut locked = orders::lock_and_load(&tx, &[order]).await.unwrap();
        let changed: &mut Order = locked.get_mut(&order).unwrap();
        let old = TrackingNumber::parse(shipment.carrier(), old).unwrap();
        changed.note_told_number_change(shipment.id, old);
        orders::record(&tx, &[&*changed]).await.unwrap();
        shop.store.commit(tx).await.unwrap();
        shop.drain().await;
    };
    replace("579999").await;
    assert_eq!(told(&shop, order).await.len(), 1, "nobody was told this number");
    replace("570001").await;
    replace("570001").await;
    let keys: Vec<String> = told(&shop, order).await.into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["shipped".to_owned(), format!("replaced-{}", shipment.id)]);
}
