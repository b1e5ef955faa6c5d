//! Tests simultaneous requests for the same thing: exactly one of them gets it.

use domain::{OrderStatus, Request, ShipmentStatus};
use futures::future::join_all;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, support},
};

on_every_database!(
    of_rivals_for_one_change_exactly_one_changes_it,
    of_rivals_for_one_shipment_exactly_one_registers_it,
    the_last_two_shipments_delivered_by_two_workers_deliver_the_order,
    the_same_webhook_fifty_times_is_one_scan,
);

async fn of_rivals_for_one_change_exactly_one_changes_it(database: Database) {
    let shops = [Shop::new(database.store.clone()), Shop::new(database.store)];
    for competitors in [2, 8, 64] {
        let order = shops[0].place(&[1]).await;
        let commands = (0..competitors).map(|at| shops[at % 2].to(order, OrderStatus::PaymentConfirmed));
        let answers = join_all(commands).await;
        let changed = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|done| done.changed)).count();
        assert_eq!((changed, answers.iter().filter(|answer| answer.is_err()).count()), (1, 0));
        assert_eq!(shops[0].head(order).await.version, 2);
    }
}

async fn of_rivals_for_one_shipment_exactly_one_registers_it(database: Database) {
    let shops = [Shop::new(database.store.clone()), Shop::new(database.store)];
    for competitors in [2, 8, 64] {
        let order = shops[0].processing(&[1]).await;
        let number = |at: usize| format!("R{competitors}N{at}");
        let commands = (0..competitors).map(|at| {
            let shop = &shops[at % 2];
            async move { shop.ship_lines(order, &number(at), None).await }
        });
        let granted = join_all(commands).await.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(granted, 1);
        assert_eq!(shops[0].order(order).await.shipments().len(), 1);
    }
}

async fn the_last_two_shipments_delivered_by_two_workers_deliver_the_order(database: Database) {
    let shops = [Shop::new(database.store.clone()), Shop::new(database.store)];
    for round in 0..10 {
        let order = shops[0].processing(&[1, 1]).await;
        let items: Vec<_> = shops[0].order(order).await.items().iter().map(|item| item.id).collect();
        for (at, item_id) in items.into_iter().enumerate() {
            let line = domain::ItemQuantity { item_id, quantity: 1 };
            shops[0].ship_lines(order, &format!("P{round}N{at}"), Some(vec![line])).await.unwrap();
        }
        let mut leases = Vec::new();
        for (at, shop) in shops.iter().enumerate() {
            shop.scan(&format!("P{round}N{at}"), ShipmentStatus::Delivered).await;
            leases.push(shop.app.relay().lease(persistence::leases::Work::Webhooks, 1).await.unwrap());
        }
        let (one, other) = tokio::join!(
            shops[0].app.inbox().process_webhooks(&leases[0]),
            shops[1].app.inbox().process_webhooks(&leases[1])
        );
        one.unwrap();
        other.unwrap();
        assert_eq!(shops[0].status(order).await, OrderStatus::Delivered);
    }
}

async fn the_same_webhook_fifty_times_is_one_scan(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "777").await;
    join_all((0..50).map(|_| shop.scan("777", ShipmentStatus::InTransit))).await;
    shop.drain().await;
    let scans = persistence::read::scans_of(&shop.store, &[shipment.id]).await.unwrap();
    assert_eq!(scans[&shipment.id].len(), 1);
    let page = persistence::read::PageRequest { limit: 100, from_end: false, after: None, before: None };
    let inbox = shop.app.reads().webhooks(&support(), &Default::default(), &page).await.unwrap();
    assert_eq!(inbox.rows.iter().map(|row| row.duplicates + 1).collect::<Vec<_>>(), [50]);
    let request = Request::Transition { to: OrderStatus::Shipped, notes: None, metadata: None };
    assert!(!shop.ask(order, request).await.unwrap().changed);
}
