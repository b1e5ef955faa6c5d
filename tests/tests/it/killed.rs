//! Tests that a process can die after any statement: nothing is lost, and nothing is done twice.
//!
//! 1. A store that panics at its n-th statement simulates a process that is killed there.
//! 2. Afterwards a healthy process finishes the work. The result must be the same as without the kill.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use chrono::TimeDelta;
use domain::{OrderStatus, ShipmentStatus};
use persistence::{Store, mailbox};
use tests::{database::Database, on_every_database, shop::Shop};

use super::redelivery::{batch, seen};

on_every_database!(
    a_worker_killed_anywhere_in_a_webhook_is_made_up_for,
    a_worker_killed_anywhere_in_a_large_webhook_is_made_up_for,
    a_worker_killed_anywhere_in_a_mail_is_made_up_for,
    an_api_killed_anywhere_in_a_change_leaves_all_or_nothing,
);

/// The maximum number of statements in each of these tests. A test ends when its work needs fewer statements than the
/// limit of the round.
const MAX_STATEMENTS: usize = 120;

/// Opens the database a second time, with a store that panics at the statement number `after`.
async fn doomed(database: &Database, after: usize) -> Store {
    let mut store = Store::connect(&database.url, 2).await.expect("the database answers");
    let count = Arc::new(AtomicUsize::new(0));
    store.on_statement(move |_| {
        if count.fetch_add(1, SeqCst) + 1 >= after {
            panic!("killed on purpose after {after} statements");
        }
    });
    store
}

/// Runs work in a process that may die. Returns whether the work was finished.
async fn survives(work: impl Future<Output = ()> + Send + 'static) -> bool {
    tokio::spawn(work).await.is_ok()
}

async fn a_worker_killed_anywhere_in_a_webhook_is_made_up_for(database: Database) {
    let healthy = Shop::new(database.store.clone());
    for after in 1..MAX_STATEMENTS {
        let order = healthy.processing(&[1]).await;
        let number = format!("K{after}");
        healthy.ship(order, &number).await;
        healthy.drain().await;
        healthy.scan(&number, ShipmentStatus::OutForDelivery).await;
        let shop = Shop::new(doomed(&database, after).await);
        let survived = survives(async move { shop.drain().await }).await;
        healthy.wait(TimeDelta::minutes(10));
        healthy.drain().await;
        assert_eq!(healthy.status(order).await, OrderStatus::OutForDelivery, "killed after {after}");
        assert_eq!(healthy.events(order).await.len(), 6, "killed after {after}");
        if survived {
            return;
        }
    }
    panic!("the story takes more than {MAX_STATEMENTS} statements");
}

/// The webhook takes two transactions. Nobody who comes after the process has what it parsed.
async fn a_worker_killed_anywhere_in_a_large_webhook_is_made_up_for(database: Database) {
    let healthy = Shop::new(database.store.clone());
    for after in 1..MAX_STATEMENTS {
        let numbers: Vec<String> = (0..250).map(|at| format!("L{after}N{at}")).collect();
        let mut orders = Vec::new();
        for at in [0, 249] {
            let order = healthy.processing(&[1]).await;
            healthy.ship(order, &numbers[at]).await;
            orders.push(order);
        }
        healthy.drain().await;
        healthy.push(&batch(&healthy, &numbers, ShipmentStatus::OutForDelivery)).await;
        let shop = Shop::new(doomed(&database, after).await);
        let survived = survives(async move { shop.drain().await }).await;
        healthy.wait(TimeDelta::minutes(10));
        healthy.drain().await;
        for order in orders {
            assert_eq!(healthy.status(order).await, OrderStatus::OutForDelivery, "killed after {after}");
            assert_eq!(healthy.events(order).await.len(), 6, "killed after {after}");
            assert_eq!(seen(&healthy, order).await, [1], "killed after {after}");
        }
        if survived {
            return;
        }
    }
    panic!("the story takes more than {MAX_STATEMENTS} statements");
}

async fn a_worker_killed_anywhere_in_a_mail_is_made_up_for(database: Database) {
    let healthy = Shop::new(database.store.clone());
    for after in 1..MAX_STATEMENTS {
        let order = healthy.place(&[1]).await;
        healthy.to(order, OrderStatus::Cancelled).await.unwrap();
        let shop = Shop::new(doomed(&database, after).await);
        let survived = survives(async move { shop.drain().await }).await;
        healthy.wait(TimeDelta::minutes(10));
        healthy.drain().await;
        let mails = mailbox::list_latest(&database.store, 1000).await.unwrap();
        let key = format!("notify-{order}-cancelled");
        let ours = mails.iter().filter(|mail| mail.message_id == key).count();
        // If the process dies between the mail server's acceptance and the commit, a second copy with the same message
        // id is allowed.
        assert!((1..=2).contains(&ours), "{ours} mails, killed after {after}");
        let others: BTreeSet<_> = mails.iter().map(|mail| &mail.message_id).collect();
        assert_eq!(others.len(), after, "one key for each order");
        if survived {
            assert_eq!(ours, 1);
            return;
        }
    }
    panic!("the story takes more than {MAX_STATEMENTS} statements");
}

async fn an_api_killed_anywhere_in_a_change_leaves_all_or_nothing(database: Database) {
    let healthy = Shop::new(database.store.clone());
    for after in 1..MAX_STATEMENTS {
        let order = healthy.processing(&[2]).await;
        let number = format!("A{after}");
        let shop = Shop::new(doomed(&database, after).await);
        let survived = {
            let number = number.clone();
            survives(async move {
                shop.ship(order, &number).await;
            })
            .await
        };
        let now = healthy.order(order).await;
        let events = healthy.events(order).await;
        assert_eq!(now.head().version as usize, events.len(), "killed after {after}");
        assert_eq!(now.head().status, events.last().unwrap().to, "killed after {after}");
        let shipments = now.shipments().len();
        assert_eq!(now.head().status == OrderStatus::AwaitingPickup, shipments == 1, "killed after {after}");
        assert_eq!(*healthy.ship(order, &number).await.tracking_number, *number, "asked again");
        assert_eq!(healthy.order(order).await.shipments().len(), 1, "killed after {after}");
        if survived {
            return;
        }
    }
    panic!("the story takes more than {MAX_STATEMENTS} statements");
}
