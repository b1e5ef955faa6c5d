//! Tests that each change of an order that is no transition leaves an activity, in the transaction of the change, and
//! that nobody can alter it.

use std::sync::{Arc, Mutex};

use app::{
    Caller,
    orders::{Command, ManualScan},
    reads::Extent,
};
use domain::{
    Activity, ActivityKind, Actor, ActorKind, Deadlines, ItemQuantity, Meaning, OrderId, OrderStatus, Origin,
    OriginKind, Request, ShipmentStatus,
};
use persistence::{
    Store,
    read::{PageRequest, TimelineEntry},
};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
};

on_every_database!(
    each_change_leaves_its_activity,
    a_number_that_goes_to_another_order_leaves_an_activity_of_the_system,
    a_change_and_its_activity_are_one_transaction,
    a_batch_writes_its_activities_with_one_statement,
    nobody_alters_an_activity,
);

/// The activities of an order, oldest first.
async fn activities(shop: &Shop, order: OrderId) -> Vec<Activity> {
    let page = PageRequest { limit: 100, from_end: false, after: None, before: None };
    let timelines =
        shop.app.reads().timelines_of(&support(), vec![order], &page, Extent::Ordinary).await.unwrap();
    let entries = timelines.into_values().flat_map(|page| page.rows.into_iter().rev());
    let activities = entries.filter_map(|entry| match entry {
        TimelineEntry::Activity(stored) => Some(stored.activity),
        TimelineEntry::Scan(_) | TimelineEntry::Event(_) | TimelineEntry::Notification(_) => None,
    });
    activities.collect()
}

async fn kinds(shop: &Shop, order: OrderId) -> Vec<ActivityKind> {
    activities(shop, order).await.iter().map(|activity| activity.kind).collect()
}

async fn each_change_leaves_its_activity(database: Database) {
    use ActivityKind::*;
    let shop = Shop::new(database.store);
    let mut new = new_order(&[3, 2]);
    new.items[1].origin = Some(Origin { kind: OriginKind::Supplier, code: "acme".to_owned() });
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.to(order, status).await.unwrap();
    }
    let items: Vec<_> = shop.order(order).await.items().iter().map(|item| item.id).collect();
    let acme = Caller { actor: Actor::new(ActorKind::Supplier, "acme"), request_id: None, email: None };
    let request = Request::AcceptItems { items: vec![items[1]] };
    let accept = Command { caller: acme, order_id: order, request, expected_version: None, key: None };
    shop.app.orders().execute(accept.clone()).await.unwrap();
    assert!(!shop.app.orders().execute(accept).await.unwrap().changed);
    let reason = "sold out".to_owned();
    shop.ask(order, Request::DeclineItems { items: vec![items[1]], reason: reason.clone() }).await.unwrap();
    let origin = Origin { kind: OriginKind::Warehouse, code: "main".to_owned() };
    let deadlines = Deadlines::default();
    let reassign = Request::ReassignItems { items: vec![items[1]], origin, deadlines };
    shop.ask(order, reassign).await.unwrap();
    let lines = vec![ItemQuantity { item_id: items[0], quantity: 1 }];
    shop.ask(order, Request::CancelItems { lines, reason }).await.unwrap();
    let wrong = shop.ship(order, "919191").await;
    let reason = "wrong label".to_owned();
    shop.ask(order, Request::CancelShipment { id: wrong.id, reason }).await.unwrap();
    let shipment = shop.ship(order, "929292").await;
    for _ in 0..2 {
        let scan = ManualScan {
            shipment_id: shipment.id,
            meaning: Meaning::Status(ShipmentStatus::Delivered),
            occurred_at: shop.now(),
            location: None,
            notes: Some("seen at the door".to_owned()),
        };
        shop.app.orders().record_scan(support(), scan, None).await.unwrap();
    }
    let reason = "too small".to_owned();
    shop.ask(order, Request::InitiateReturn { lines: None, reason }).await.unwrap();
    shop.ask(order, Request::ReceiveReturn { lines: None, notes: Some("as new".to_owned()) }).await.unwrap();
    assert_eq!(shop.status(order).await, OrderStatus::Returned);

    let found = activities(&shop, order).await;
    let told: Vec<_> = found.iter().map(|one| (one.kind, one.notes.as_deref(), one.shipment_id)).collect();
    assert_eq!(
        told,
        [
            (ItemsAccepted, None, None),
            (ItemsDeclined, Some("sold out"), None),
            (ItemsReassigned, None, None),
            (ItemsCancelled, Some("sold out"), None),
            (ShipmentCreated, None, Some(wrong.id)),
            (ShipmentCancelled, Some("wrong label"), Some(wrong.id)),
            (ShipmentCreated, None, Some(shipment.id)),
            (ScanRecorded, Some("seen at the door"), Some(shipment.id)),
            (ReturnRequested, Some("too small"), None),
            (ReturnReceived, Some("as new"), None),
        ]
    );
    assert_eq!(found[0].actor, Actor::new(ActorKind::Supplier, "acme"));
    let cancelled = &found[3];
    assert_eq!((cancelled.order_id, &cancelled.actor), (order, &support().actor));
    assert_eq!((cancelled.recorded_at, &cancelled.request_id), (shop.now(), &support().request_id));
    let expected = json!({ "items": [{ "item_id": items[0].to_string(), "quantity": 1 }] });
    assert_eq!((&cancelled.facts, cancelled.webhook_id), (&expected, None));
}

async fn a_number_that_goes_to_another_order_leaves_an_activity_of_the_system(database: Database) {
    let shop = Shop::new(database.store);
    let (first, second) = (shop.processing(&[1]).await, shop.processing(&[1]).await);
    let shipment = shop.ship(first, "939393").await;
    shop.scan("939393", ShipmentStatus::Cancelled).await;
    shop.drain().await;
    assert_eq!(kinds(&shop, first).await, [ActivityKind::ShipmentCreated], "the carrier's word is a scan");
    shop.ship(second, "939393").await;
    let found = activities(&shop, first).await;
    assert_eq!((found[1].kind, &found[1].actor), (ActivityKind::ShipmentCancelled, &Actor::SYSTEM));
    assert_eq!(found[1].shipment_id, Some(shipment.id));
}

async fn a_change_and_its_activity_are_one_transaction(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.processing(&[2]).await;
    let item_id = shop.order(order).await.items()[0].id;
    let cancel = || {
        let lines = vec![ItemQuantity { item_id, quantity: 1 }];
        shop.ask(order, Request::CancelItems { lines, reason: "sold out".to_owned() })
    };
    // The row of the outbox is written behind the activity, the row of the item before it.
    for table in ["outbox", "order_activities"] {
        database.execute(&format!("ALTER TABLE {table} RENAME TO elsewhere")).await;
        cancel().await.expect_err("a table is missing");
        database.execute(&format!("ALTER TABLE elsewhere RENAME TO {table}")).await;
        assert_eq!(shop.order(order).await.items()[0].cancelled, 0, "{table}");
        assert_eq!(kinds(&shop, order).await, [], "{table}");
    }
    cancel().await.unwrap();
    assert_eq!(kinds(&shop, order).await, [ActivityKind::ItemsCancelled]);
}

async fn a_batch_writes_its_activities_with_one_statement(database: Database) {
    let mut store = Store::connect(&database.url, 4).await.unwrap();
    let statements: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = statements.clone();
    store.on_statement(move |sql| heard.lock().unwrap().push(sql.to_owned()));
    let shop = Shop::new(store);
    let mut orders = Vec::new();
    for _ in 0..20 {
        orders.push(shop.processing(&[1]).await);
    }
    statements.lock().unwrap().clear();
    let numbers: Vec<String> = (0..20).map(|at| format!("9494{at:02}")).collect();
    let ships = orders.iter().zip(&numbers).map(|(order, number)| shop.ship(*order, number));
    futures::future::join_all(ships).await;
    let count = |begin: &str| statements.lock().unwrap().iter().filter(|sql| sql.starts_with(begin)).count();
    assert_eq!(count("INSERT INTO order_activities"), count("UPDATE orders"));
    assert!(count("INSERT INTO order_activities") < 20, "requests at the same time share a batch");
    for order in orders {
        assert_eq!(kinds(&shop, order).await, [ActivityKind::ShipmentCreated]);
    }
}

async fn nobody_alters_an_activity(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.processing(&[1]).await;
    shop.ship(order, "959595").await;
    let before = activities(&shop, order).await;
    let connection = database.connection().await;
    for sql in ["UPDATE order_activities SET notes = 'forged'", "DELETE FROM order_activities"] {
        let error = connection.execute_unprepared(sql).await.expect_err(sql);
        assert!(error.to_string().contains("order_activities are never changed or deleted"), "{error}");
    }
    if database.store.is_postgres() {
        for sql in ["TRUNCATE order_activities", "TRUNCATE orders CASCADE"] {
            connection.execute_unprepared(sql).await.expect_err("the activities stay");
        }
    }
    assert_eq!(activities(&shop, order).await, before);
}
