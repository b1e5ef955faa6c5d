//! Tests the replay of stored webhooks with today's meanings: a dry run reports the changes, then they are applied.
//! `unread` tests webhooks that could not be read when they were received.

mod unread;

use app::{
    Caller, Error,
    webhooks::{Finding, NotReplayed, Replay, ReplayChange, Replayed},
};
use carriers::Sender;
use chrono::TimeDelta;
use domain::{Carrier, NewOrder, NotificationKind, OrderId, OrderStatus, Refusal, ShipmentStatus};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex, new_order, support},
};

use super::{arrivals::register, inbox::inbox};

on_every_database!(
    what_would_change_is_told_before_it_is_done,
    no_mail_is_announced_that_nobody_gets,
    an_order_never_goes_back_and_its_shipment_is_what_its_scans_mean,
    only_what_was_asked_for_is_read,
    a_shipment_whose_number_went_elsewhere_is_told_and_its_neighbours_are_changed,
    a_dry_run_names_what_would_fail,
    the_oldest_word_counts_first,
    two_replays_at_once_do_it_once,
    only_the_webhook_a_scan_is_kept_under_changes_its_meaning,
    what_a_carrier_tells_in_words_is_one_story_in_either_order_and_after_a_replay,
);

/// The result of a replay and everything that it reported.
#[derive(Debug)]
pub(super) struct ReplayReport {
    examined: u64,
    pub scans: u64,
    applied: bool,
    pub changes: Vec<ReplayChange>,
    failed: Vec<NotReplayed>,
}

pub(super) async fn replay(shop: &Shop, caller: &Caller, replay: &Replay) -> app::Result<ReplayReport> {
    let (mut changes, mut failed) = (Vec::new(), Vec::new());
    let tell = |finding| match finding {
        Finding::Changes(change) => changes.push(*change),
        Finding::Fails(order) => failed.push(order),
    };
    let Replayed { examined, scans, applied } = shop.app.replays().replay(caller, replay, tell).await?;
    Ok(ReplayReport { examined, scans, applied, changes, failed })
}

pub(super) fn since_yesterday(shop: &Shop, apply: bool) -> Replay {
    let since = shop.now() - TimeDelta::days(1);
    Replay { since, until: None, sender: None, apply, most: None }
}

/// Places an order with a shipment for which FedEx has pushed a scan with this code.
async fn reported(shop: &Shop, number: &str, code: &str) -> OrderId {
    let order = shop.processing(&[1]).await;
    shop.ship(order, number).await;
    shop.process_code(number, code).await;
    order
}

/// Marks all due webhooks as failed, as an internal error would.
async fn fail_all(shop: &Shop) {
    for leased in shop.app.relay().lease(persistence::leases::Work::Webhooks, 10).await.unwrap() {
        shop.app.inbox().record_webhook_failure(leased, "a defect of ours", false).await.unwrap();
    }
}

async fn what_would_change_is_told_before_it_is_done(database: Database) {
    let shop = Shop::new(database.store);
    let order = reported(&shop, "191919", "SE").await;
    let other = reported(&shop, "202020", "DL").await;
    let shop = shop.restarted("fedex.SE=delivered").await;
    for _ in 0..2 {
        let told = replay(&shop, &support(), &since_yesterday(&shop, false)).await.unwrap();
        assert_eq!((told.examined, told.scans, told.applied), (2, 1, false));
        let [change] = &told.changes[..] else { panic!("{:?}", told.changes) };
        assert_eq!((change.order.id, change.order.status), (order, OrderStatus::AwaitingPickup));
        assert_eq!((change.from, change.to), (ShipmentStatus::LabelCreated, ShipmentStatus::Delivered));
        assert_eq!(
            (change.order_to, &change.notifications[..]),
            (OrderStatus::Delivered, &[NotificationKind::Delivered][..])
        );
        assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup, "nothing is written");
    }
    let mails = shop.mails().await.len();
    let done = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!((done.changes.len(), done.applied), (1, true));
    assert_eq!(done.changes[0].order.status, OrderStatus::Delivered);
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(shop.mails().await.len(), mails + 1);
    let event = shop.events(order).await.pop().unwrap();
    assert!(event.webhook_id.is_some(), "the carrier's word is named");
    assert_eq!(shop.events(other).await.len(), 7, "what reads the same stays the same");
    let again = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!((again.scans, again.changes.len()), (0, 0));
}

async fn no_mail_is_announced_that_nobody_gets(database: Database) {
    let shop = Shop::new(database.store);
    let new = NewOrder { customer_email: None, ..new_order(&[1]) };
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.to(order, status).await.unwrap();
    }
    shop.ship(order, "323232").await;
    shop.process_code("323232", "SE").await;
    let shop = shop.restarted("fedex.SE=delivered").await;
    for apply in [false, true] {
        let told = replay(&shop, &support(), &since_yesterday(&shop, apply)).await.unwrap();
        let [change] = &told.changes[..] else { panic!("{:?}", told.changes) };
        assert_eq!((change.order_to, &change.notifications[..]), (OrderStatus::Delivered, &[][..]));
    }
    shop.drain().await;
    assert_eq!(shop.mails().await, Vec::<String>::new());
}

async fn an_order_never_goes_back_and_its_shipment_is_what_its_scans_mean(database: Database) {
    let shop = Shop::new(database.store);
    let order = reported(&shop, "212121", "OC").await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    let shop = shop.restarted("fedex.OC=label_created").await;
    let done = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    let change = &done.changes[0];
    assert_eq!((change.from, change.to), (ShipmentStatus::InTransit, ShipmentStatus::LabelCreated));
    assert_eq!((change.order_to, &change.notifications[..]), (OrderStatus::Shipped, &[][..]));
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
    assert_eq!(shop.order(order).await.shipments()[0].status(), ShipmentStatus::LabelCreated);
}

async fn only_what_was_asked_for_is_read(database: Database) {
    let shop = Shop::new(database.store);
    let order = reported(&shop, "222222", "SE").await;
    shop.wait(TimeDelta::days(3));
    let shop = shop.restarted("fedex.SE=in_transit").await;
    let late = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!(late.examined, 0);
    let sender = Some(Sender::Ups);
    let asked = Replay { since: shop.now() - TimeDelta::days(9), sender, ..since_yesterday(&shop, true) };
    assert_eq!(replay(&shop, &support(), &asked).await.unwrap().examined, 0);
    let many = Replay { sender: None, most: Some(0), ..asked };
    let refused = replay(&shop, &support(), &many).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::InvalidInput { .. }))), "{refused:?}");
    let stranger = Caller {
        actor: domain::Actor::new(domain::ActorKind::Supplier, "acme"),
        request_id: None,
        email: None,
    };
    let refused = replay(&shop, &stranger, &many).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
}

async fn a_shipment_whose_number_went_elsewhere_is_told_and_its_neighbours_are_changed(database: Database) {
    let shop = Shop::new(database.store);
    let first = reported(&shop, "232323", "DL").await;
    let neighbour = reported(&shop, "242424", "SE").await;
    // The number can be used again, because the first shipment counts as delivered.
    shop.wait(TimeDelta::days(2));
    let second = shop.processing(&[1]).await;
    shop.ship(second, "232323").await;
    let shop = shop.restarted("fedex.DL=in_transit,fedex.SE=out_for_delivery").await;
    let asked = Replay { since: shop.now() - TimeDelta::days(9), ..since_yesterday(&shop, true) };
    let done = replay(&shop, &support(), &asked).await.unwrap();
    let [failed] = &done.failed[..] else { panic!("one order fails, not {:?}", done.failed) };
    assert_eq!(failed.order_id, first);
    assert!(failed.error.contains("232323 is on its way"), "{}", failed.error);
    assert_eq!(shop.status(neighbour).await, OrderStatus::OutForDelivery);
    assert_eq!(shop.order(first).await.shipments()[0].status(), ShipmentStatus::Delivered);
}

async fn a_dry_run_names_what_would_fail(database: Database) {
    let shop = Shop::new(database.store);
    let first = reported(&shop, "262626", "DL").await;
    shop.wait(TimeDelta::days(2));
    let second = shop.processing(&[1]).await;
    shop.ship(second, "262626").await;
    let shop = shop.restarted("fedex.DL=in_transit").await;
    let since = shop.now() - TimeDelta::days(9);
    for apply in [false, true] {
        let told =
            replay(&shop, &support(), &Replay { since, ..since_yesterday(&shop, apply) }).await.unwrap();
        let failed: Vec<_> = told.failed.iter().map(|one| one.order_id).collect();
        assert_eq!((told.changes.len(), failed), (0, vec![first]), "{apply}");
    }
}

async fn the_oldest_word_counts_first(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "292929").await;
    // A time without a zone counts as the time when the first webhook with the scan was received, also if others report
    // it later.
    let body = String::from_utf8(fedex("292929", ShipmentStatus::Delivered, shop.now())).unwrap();
    let zoneless = body.replace("+00:00\"", "\"");
    assert_ne!(zoneless, body);
    let first = shop.now();
    shop.push(zoneless.as_bytes()).await;
    shop.wait(TimeDelta::hours(2));
    shop.push(zoneless.replace('{', "{ ").as_bytes()).await;
    fail_all(&shop).await;
    let done = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!((done.examined, done.scans), (2, 1));
    assert_eq!(shop.order(order).await.shipments()[0].tracking.delivered_at, Some(first));
}

async fn two_replays_at_once_do_it_once(database: Database) {
    let shop = Shop::new(database.store);
    let mut orders = Vec::new();
    for at in 0..20 {
        orders.push(reported(&shop, &format!("3030{at:02}"), "SE").await);
    }
    let shop = shop.restarted("fedex.SE=delivered").await;
    let (caller, asked) = (support(), since_yesterday(&shop, true));
    let (one, other) = tokio::join!(replay(&shop, &caller, &asked), replay(&shop, &caller, &asked));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.changes.len() + other.changes.len(), orders.len());
    assert!(one.failed.is_empty() && other.failed.is_empty());
    shop.drain().await;
    for order in orders {
        assert_eq!(shop.status(order).await, OrderStatus::Delivered);
        let path = shop.path(order).await;
        assert_eq!(path.iter().filter(|status| **status == OrderStatus::Delivered).count(), 1);
    }
}

async fn only_the_webhook_a_scan_is_kept_under_changes_its_meaning(database: Database) {
    let shop = Shop::new(database.store);
    let known = reported(&shop, "333333", "SE").await;
    let unknown = reported(&shop, "343434", "Q9").await;
    // Mark the first webhooks as failed. Reprocessing leaves failed webhooks alone, because a person must look at them.
    for webhook in inbox(&shop).await {
        shop.app.inbox().retry_webhook(&support(), webhook.id).await.unwrap();
    }
    fail_all(&shop).await;
    let shop = shop.restarted("fedex.Q9=in_transit").await;
    let at = shop.now();
    shop.wait(TimeDelta::days(2));
    for (number, code) in [("333333", "SE"), ("343434", "Q9")] {
        let body = String::from_utf8(fedex(number, ShipmentStatus::Delivered, at)).unwrap();
        let again = body.replace("\"DL\"", &format!("\"{code}\"")).replacen('{', "{ ", 1);
        shop.push(again.as_bytes()).await;
    }
    shop.drain().await;
    assert_eq!(shop.status(unknown).await, OrderStatus::Shipped, "whoever tells it may say more");

    let shop = shop.restarted("fedex.SE=delivered,fedex.Q9=delivered").await;
    let told = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!((told.examined, told.scans), (2, 1));
    assert_eq!(shop.status(unknown).await, OrderStatus::Delivered, "it has its meaning from the second");
    assert_eq!(shop.status(known).await, OrderStatus::AwaitingPickup, "it has its meaning from the first");
    let all = Replay { since: shop.now() - TimeDelta::days(9), ..since_yesterday(&shop, true) };
    for scans in [1, 0] {
        assert_eq!(replay(&shop, &support(), &all).await.unwrap().scans, scans);
    }
    assert_eq!(shop.status(known).await, OrderStatus::Delivered);
}

async fn what_a_carrier_tells_in_words_is_one_story_in_either_order_and_after_a_replay(database: Database) {
    let shop = Shop::new(database.store);
    let midnight = shop.now().format("%Y-%m-%dT00:00:00");
    let body = |number: &str, words: &str| {
        let event = format!(r#"{{"timestamp":"{midnight}","statusCode":"transit","description":"{words}"}}"#);
        format!(r#"{{"shipments":[{{"id":"{number}","events":[{event}]}}]}}"#)
    };
    let told = ["Arrived at depot", "Out for delivery"];
    let mut orders = Vec::new();
    for (number, told) in [("3131", told), ("3232", [told[1], told[0]])] {
        let order = shop.processing(&[1]).await;
        register(&shop, order, Carrier::DHL, number, None).await;
        for words in told {
            shop.push_as(Sender::Dhl, body(number, words).as_bytes()).await;
            shop.drain().await;
        }
        orders.push(order);
    }
    let tracked = async || {
        let (one, other) = (shop.order(orders[0]).await, shop.order(orders[1]).await);
        [one, other].map(|order| order.shipments()[0].tracking.clone())
    };
    let first = tracked().await;
    assert_eq!(first[0].status, ShipmentStatus::OutForDelivery);
    assert_eq!(first[0], first[1], "in either order");
    let told = replay(&shop, &support(), &since_yesterday(&shop, true)).await.unwrap();
    assert_eq!((told.examined, told.scans, told.changes.len()), (4, 0, 0));
    assert_eq!(tracked().await, first);
    assert_eq!(shop.status(orders[1]).await, OrderStatus::OutForDelivery);
}
