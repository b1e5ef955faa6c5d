//! Tests that a worker stays ready while its jobs take long. It works, so replacing it would not help.

use std::collections::HashSet;

use domain::ShipmentStatus::InTransit;
use futures::{StreamExt, stream};
use serde_json::json;
use tests::{http::push, process::Server, smtp::Behaviour, wait::until};

use crate::installation::{CUSTOMER, SEQUENCE, Split, fedex};

/// The log messages of a worker: one when its jobs become slow, and one when it has caught up.
const SLOW: &str = "jobs take long";
const CAUGHT_UP: &str = "jobs no longer take long";
/// The number of mails: more than the number of jobs that run at once.
const MAILS: usize = 40;
const AT_ONCE: usize = 8;
/// The number of orders that another session has locked.
const LOCKED: usize = 12;

/// Waits until the log contains `words`. Until then the worker must always be ready.
async fn ready_until_it_logs(worker: &Server, words: &str) {
    until(words, async || {
        assert_eq!(worker.readiness().await, Some(200), "{}", worker.log());
        worker.log().contains(words).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_ready_while_the_mail_server_hangs() {
    let Some(shop) = Split::start().await else { return };
    let (api, worker) = (shop.api().await, shop.worker().await);
    let support = &shop.support(&api).await;
    shop.smtp.behave(Behaviour::Hang);
    stream::iter(0..MAILS)
        .for_each_concurrent(AT_ONCE, async |_| {
            let order = support.place(CUSTOMER, 1).await;
            support.move_order(&order, &["CANCELLED"]).await;
        })
        .await;
    ready_until_it_logs(&worker, SLOW).await;
    shop.smtp.behave(Behaviour::Accept);
    ready_until_it_logs(&worker, CAUGHT_UP).await;
    let mails = shop.smtp.wait_for(MAILS).await;
    let different: HashSet<_> = mails.iter().map(|mail| mail.message_id()).collect();
    assert_eq!(different.len(), MAILS);
    assert_eq!(worker.log().matches(SLOW).count(), 1, "{}", worker.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_ready_while_orders_are_locked_by_somebody_else() {
    let Some(shop) = Split::start().await else { return };
    let (api, worker) = (shop.api().await, shop.worker().await);
    let support = &shop.support(&api).await;
    let number = |at: usize| format!("7947{at:08}");
    stream::iter(0..LOCKED)
        .for_each_concurrent(AT_ONCE, async |at| {
            let order = support.place(CUSTOMER, 1).await;
            support.move_order(&order, &SEQUENCE[..2]).await;
            support.ship(&order, &number(at), 1).await;
        })
        .await;

    let held = shop.database.hold("SELECT 1 FROM orders FOR UPDATE").await;
    stream::iter(0..LOCKED)
        .for_each_concurrent(AT_ONCE, async |at| {
            assert_eq!(push(api.url(), &fedex(&number(at), InTransit, 1), None).await, 200);
        })
        .await;
    // The third attempt handles the webhooks of a batch one by one, and each of them waits for the lock of its order.
    ready_until_it_logs(&worker, "its members are tried alone").await;
    held.release().await;
    let shipped = "{ orders(filter: {statuses: [SHIPPED]}) { totalCount } }";
    until("the scans", async || {
        assert_eq!(worker.readiness().await, Some(200), "{}", worker.log());
        let count = support.data(shipped, json!({})).await["orders"]["totalCount"].take();
        (count == LOCKED).then_some(())
    })
    .await;
}
