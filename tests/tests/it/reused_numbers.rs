//! Tests tracking numbers that carriers use again: a scan counts for exactly one of the shipments.

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Carrier, Meaning, OrderId, OrderStatus, Request, Shipment, ShipmentStatus};
use persistence::read;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex},
    statements::Statements,
};

on_every_database!(
    what_a_cancelled_shipment_was_told_is_not_told_the_next_with_its_number,
    what_a_delivered_shipment_was_told_does_not_deliver_the_next_with_its_number,
    what_a_shipment_was_told_before_it_was_cancelled_stays_with_it,
    what_is_said_before_the_next_shipment_is_registered_reaches_it,
    what_was_heard_before_there_was_the_order_does_not_reach_its_shipment,
    what_happened_before_a_delivery_is_told_the_delivered_shipment_however_late,
    the_pick_up_of_the_shipment_before_ships_nothing,
);

/// A webhook that came while the number's shipment was cancelled is processed at the moment when another order
/// registers the number. The new shipment receives the scan, whichever is first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_and_a_registration_that_meet_do_not_miss_each_other() {
    let Some(database) = Database::postgres().await else { return };
    let shop = Shop::new(database.store.clone());
    let (first, second) = (shop.processing(&[1]).await, shop.processing(&[1]).await);
    cancel_shipment(&shop, first, "818181").await;
    shop.scan("818181", ShipmentStatus::PickedUp).await;
    let held = database.hold(&format!("SELECT 1 FROM orders WHERE order_id = '{first}' FOR UPDATE")).await;
    tokio::join!(
        shop.drain(),
        async {
            database.wait_for_waiting(1).await;
            shop.ship(second, "818181").await;
        },
        async {
            database.wait_for_waiting(2).await;
            held.release().await;
        }
    );
    shop.drain().await;
    assert_eq!(shop.status(second).await, OrderStatus::Shipped);
    assert_eq!(shipment(&shop, second).await.1, 1);
}

#[tokio::test]
async fn numbers_that_are_used_again_are_found_by_an_index() {
    let database = Database::sqlite().await;
    let (store, statements) = Statements::record(&database).await;
    let shop = Shop::new(store);
    shop.app.inbox().requeue_missed().await.unwrap();
    let sql = statements.take(|sql| sql.contains("n.added_at")).remove(0);
    let explain = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        format!("EXPLAIN QUERY PLAN {sql}"),
        [shop.now().into()],
    );
    let plan = database.connection().await.query_all_raw(explain).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
    assert!(plan.iter().any(|step| step.contains("idx_number_added")), "{sql}: {}", plan.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_held_while_its_number_is_registered_anew_is_found_later() {
    let Some(database) = Database::postgres().await else { return };
    let shop = Shop::new(database.store.clone());
    let (first, second) = (shop.processing(&[1]).await, shop.processing(&[1]).await);
    cancel_shipment(&shop, first, "828282").await;
    shop.scan("828282", ShipmentStatus::PickedUp).await;
    shop.drain().await;
    let held = database.hold("SELECT 1 FROM webhooks FOR UPDATE").await;
    shop.ship(second, "828282").await;
    held.release().await;
    shop.drain().await;
    assert_eq!(shop.status(second).await, OrderStatus::AwaitingPickup);
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 1);
    shop.drain().await;
    assert_eq!(shop.status(second).await, OrderStatus::Shipped);
    assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 0, "nothing is looked for twice");
}

/// Registers a shipment with the number and cancels it.
async fn cancel_shipment(shop: &Shop, order: OrderId, number: &str) {
    let wrong = shop.ship(order, number).await;
    let reason = "with the wrong order".to_owned();
    shop.ask(order, Request::CancelShipment { id: wrong.id, reason }).await.unwrap();
}

/// Pushes all these scans in one webhook of FedEx and processes it. `times` makes the body unique: a repeated body
/// would not be read again.
async fn history(shop: &Shop, number: &str, scans: &[(ShipmentStatus, DateTime<Utc>)], times: usize) {
    let told = |(status, at): &(ShipmentStatus, DateTime<Utc>)| SimulatedScan {
        meaning: Meaning::Status(*status),
        at: at.fixed_offset(),
        location: Some("Holbrook, NY, US"),
    };
    let scans: Vec<SimulatedScan<'_>> = scans.iter().map(told).collect();
    let history = SimulatedHistory {
        carrier: Carrier::FEDEX,
        tracking_number: number,
        scans: &scans,
        estimated_delivery: None,
        sent_at: shop.now(),
    };
    let body = Sender::Fedex.simulate(&history).pop().unwrap();
    shop.push(&[&body[..], &b" ".repeat(times)].concat()).await;
    shop.drain().await;
}

/// Returns the latest shipment of an order, and the number of its scans.
async fn shipment(shop: &Shop, order: OrderId) -> (Shipment, usize) {
    let shipment = shop.order(order).await.shipments().last().unwrap().clone();
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap();
    let count = scans.get(&shipment.id).map_or(0, Vec::len);
    (shipment, count)
}

async fn what_a_cancelled_shipment_was_told_is_not_told_the_next_with_its_number(database: Database) {
    let shop = Shop::new(database.store);
    let (first, second) = (shop.processing(&[1]).await, shop.processing(&[1]).await);
    // The number is registered again, with the same order or with an order of the same day.
    for (number, next) in [("757575", first), ("767676", second)] {
        let order = if next == first { first } else { shop.processing(&[1]).await };
        shop.ship(order, number).await;
        let scans = [
            (ShipmentStatus::LabelCreated, shop.now()),
            (ShipmentStatus::Cancelled, shop.now() + TimeDelta::minutes(5)),
            (ShipmentStatus::PickedUp, shop.now() + TimeDelta::minutes(9)),
        ];
        history(&shop, number, &scans[..2], 0).await;
        assert_eq!(shipment(&shop, order).await.0.status(), ShipmentStatus::Cancelled);
        let anew = shop.ship(next, number).await;
        history(&shop, number, &scans[..2], 1).await;
        let (now, count) = shipment(&shop, next).await;
        assert_eq!((now.id, now.status(), count), (anew.id, ShipmentStatus::LabelCreated, 0));
        history(&shop, number, &scans, 0).await;
        let (now, count) = shipment(&shop, next).await;
        assert_eq!((now.status(), count), (ShipmentStatus::PickedUp, 1));
        assert_eq!(shop.status(next).await, OrderStatus::Shipped);
    }
}

async fn what_a_delivered_shipment_was_told_does_not_deliver_the_next_with_its_number(database: Database) {
    let shop = Shop::new(database.store);
    let (first, second) = (shop.processing(&[1]).await, shop.processing(&[1]).await);
    shop.ship(first, "777777").await;
    let scans = [
        (ShipmentStatus::InTransit, shop.now()),
        (ShipmentStatus::Delivered, shop.now() + TimeDelta::minutes(5)),
        (ShipmentStatus::PickedUp, shop.now() + TimeDelta::minutes(20)),
    ];
    history(&shop, "777777", &scans[..2], 0).await;
    assert_eq!(shop.status(first).await, OrderStatus::Delivered);
    shop.ship(second, "777777").await;
    history(&shop, "777777", &scans[..2], 1).await;
    assert_eq!(shipment(&shop, second).await.1, 0);
    history(&shop, "777777", &scans, 0).await;
    let (now, count) = shipment(&shop, second).await;
    assert_eq!((now.status(), count), (ShipmentStatus::PickedUp, 1));
    assert_eq!(shop.status(second).await, OrderStatus::Shipped);
}

async fn what_a_shipment_was_told_before_it_was_cancelled_stays_with_it(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let wrong = shop.ship(order, "787878").await;
    let scans = [
        (ShipmentStatus::LabelCreated, shop.now()),
        (ShipmentStatus::OutForDelivery, shop.now() + TimeDelta::minutes(5)),
    ];
    history(&shop, "787878", &scans[..1], 0).await;
    let reason = "packed anew".to_owned();
    shop.ask(order, Request::CancelShipment { id: wrong.id, reason }).await.unwrap();
    history(&shop, "787878", &scans, 1).await;
    let anew = shop.ship(order, "787878").await;
    shop.drain().await;
    let (now, count) = shipment(&shop, order).await;
    assert_eq!((now.id, now.status(), count), (anew.id, ShipmentStatus::OutForDelivery, 1));
}

async fn what_is_said_before_the_next_shipment_is_registered_reaches_it(database: Database) {
    let shop = Shop::new(database.store);
    let first = shop.processing(&[1]).await;
    shop.ship(first, "797979").await;
    shop.scan("797979", ShipmentStatus::Delivered).await;
    shop.drain().await;
    shop.wait(TimeDelta::days(60));
    let second = shop.processing(&[1]).await;
    shop.wait(TimeDelta::hours(2));
    shop.scan("797979", ShipmentStatus::PickedUp).await;
    shop.drain().await;
    shop.wait(TimeDelta::minutes(5));
    shop.ship(second, "797979").await;
    shop.drain().await;
    let (now, count) = shipment(&shop, second).await;
    assert_eq!((now.status(), count), (ShipmentStatus::PickedUp, 1));
    assert_eq!(shop.status(second).await, OrderStatus::Shipped);
    assert_eq!(shop.status(first).await, OrderStatus::Delivered);
}

async fn what_was_heard_before_there_was_the_order_does_not_reach_its_shipment(database: Database) {
    let shop = Shop::new(database.store);
    let first = shop.processing(&[1]).await;
    shop.ship(first, "808080").await;
    // These times have no zone, so only the time of arrival says when the scan was made.
    for at in [shop.now(), shop.now() + TimeDelta::minutes(5)] {
        let body = String::from_utf8(fedex("808080", ShipmentStatus::Delivered, at)).unwrap();
        shop.push(body.replace("+00:00\"", "\"").as_bytes()).await;
        shop.drain().await;
        shop.wait(TimeDelta::hours(1));
    }
    assert_eq!(shipment(&shop, first).await.1, 2);
    shop.wait(TimeDelta::days(60));
    let second = shop.processing(&[1]).await;
    shop.ship(second, "808080").await;
    shop.drain().await;
    assert_eq!(shipment(&shop, second).await.1, 0);
    assert_eq!(shop.status(second).await, OrderStatus::AwaitingPickup);
}

async fn what_happened_before_a_delivery_is_told_the_delivered_shipment_however_late(database: Database) {
    let shop = Shop::new(database.store);
    let first = shop.processing(&[1]).await;
    shop.ship(first, "848484").await;
    shop.wait(TimeDelta::hours(4));
    let out = shop.now() - TimeDelta::hours(2);
    history(&shop, "848484", &[(ShipmentStatus::Delivered, shop.now())], 0).await;
    // The second order is placed within a day of the scan, so by its time the scan could belong to it.
    let second = shop.processing(&[1]).await;
    shop.ship(second, "848484").await;
    history(&shop, "848484", &[(ShipmentStatus::OutForDelivery, out)], 0).await;
    assert_eq!(shipment(&shop, first).await.1, 2);
    assert_eq!(shipment(&shop, second).await.1, 0);
    assert_eq!(shop.status(second).await, OrderStatus::AwaitingPickup);
}

/// FedEx's usual code for a pick-up is `PU`. Its time is only estimated.
async fn the_pick_up_of_the_shipment_before_ships_nothing(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "858585").await;
    let days_ago = |days| shop.now() - TimeDelta::days(days);
    let scans = [
        (ShipmentStatus::PickedUp, days_ago(62)),
        (ShipmentStatus::InTransit, days_ago(61)),
        (ShipmentStatus::Delivered, days_ago(60)),
    ];
    let told = |(status, at): (ShipmentStatus, DateTime<Utc>)| {
        String::from_utf8(fedex("858585", status, at)).unwrap().replace(r#""OF""#, r#""PU""#)
    };
    for scan in scans {
        shop.push(told(scan).as_bytes()).await;
    }
    shop.drain().await;
    let (now, count) = shipment(&shop, order).await;
    assert_eq!((now.status(), count), (ShipmentStatus::LabelCreated, 3));
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);
    assert_eq!(shop.mails().await.len(), 0);

    shop.push(told((ShipmentStatus::PickedUp, shop.now())).as_bytes()).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped);
}
