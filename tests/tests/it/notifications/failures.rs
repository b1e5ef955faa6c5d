//! Tests the list of failures: a later failure does not replace an earlier one, and success removes none.

use chrono::TimeDelta;
use domain::{NotificationState, OrderStatus, ShipmentStatus};
use persistence::{
    failures::{self, Failure, KEPT},
    leases::Work,
};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, support},
    smtp::{Behaviour, SmtpServer},
};

use super::{notifications, shop_with};
use crate::inbox::inbox;

on_every_database!(
    each_failure_of_a_mail_is_kept_with_its_time,
    only_the_newest_failures_are_kept,
    both_failures_of_a_webhook_are_kept,
);

/// Longer than the longest pause between attempts.
const LATER: TimeDelta = TimeDelta::minutes(10);

async fn failures_of(shop: &Shop, order: domain::OrderId) -> Vec<Failure> {
    let id = notifications(shop, order).await[0].id;
    let found = failures::failures_of_notifications(&shop.store, &[id], 100).await;
    found.unwrap().remove(&id).unwrap_or_default()
}

async fn each_failure_of_a_mail_is_kept_with_its_time(database: Database) {
    let server = SmtpServer::start(Behaviour::Greylist).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    let first = shop.now();
    shop.drain().await;
    shop.wait(LATER);
    server.behave(Behaviour::RefuseRecipient(421, "too busy"));
    let second = shop.now();
    shop.drain().await;
    shop.wait(LATER);
    server.behave(Behaviour::Accept);
    shop.drain().await;
    assert_eq!(notifications(&shop, order).await[0].state, NotificationState::Sent);
    let failures = failures_of(&shop, order).await;
    let told: Vec<_> = failures.iter().map(|one| (one.attempt, one.at, one.retryable)).collect();
    assert_eq!(told, [(2, second, true), (1, first, true)], "newest first");
    assert!(
        failures[0].error.contains("too busy") && failures[1].error.contains("greylisted"),
        "{failures:?}"
    );

    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    server.behave(Behaviour::RefuseRecipient(550, "no such user"));
    shop.drain().await;
    let failures = failures_of(&shop, order).await;
    assert!(failures.len() == 1 && !failures[0].retryable, "{failures:?}");
}

async fn only_the_newest_failures_are_kept(database: Database) {
    let server = SmtpServer::start(Behaviour::Closed).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    for _ in 0..KEPT + 3 {
        shop.drain().await;
        shop.wait(LATER);
    }
    let attempts: Vec<_> = failures_of(&shop, order).await.iter().map(|one| one.attempt as usize).collect();
    assert_eq!(attempts, (4..=KEPT + 3).rev().collect::<Vec<_>>());
}

async fn both_failures_of_a_webhook_are_kept(database: Database) {
    let shop = Shop::new(database.store);
    shop.scan("885", ShipmentStatus::InTransit).await;
    let id = inbox(&shop).await[0].id;
    let times = [shop.now(), shop.now() + LATER];
    for error in ["E1", "E2"] {
        let leased = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
        shop.app.inbox().record_webhook_failure(leased[0], error, false).await.unwrap();
        // It no longer belongs to the job, so the failure is not recorded twice.
        shop.app.inbox().record_webhook_failure(leased[0], error, false).await.unwrap();
        shop.app.inbox().retry_webhook(&support(), id).await.unwrap();
        shop.wait(LATER);
    }
    shop.drain().await;
    let found = failures::failures_of_webhooks(&shop.store, &[id], 100).await.unwrap();
    let told: Vec<_> = found[&id].iter().map(|one| (one.error.as_str(), one.attempt, one.at)).collect();
    assert_eq!(told, [("E2", 2, times[1]), ("E1", 1, times[0])]);
}
