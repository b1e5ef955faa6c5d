//! Tests unknown codes: their scans are stored, listed and counted, and are reprocessed automatically when a code gets
//! a meaning.

use std::collections::HashSet;

use app::{Caller, Error};
use chrono::TimeDelta;
use domain::{Actor, ActorKind, OrderStatus, Refusal, Request, ScanEffect, ShipmentStatus, WebhookState};
use persistence::{leases::Work, read};
use sea_orm::ConnectionTrait;
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex, support},
    statements::Statements,
};

use super::inbox::inbox;

on_every_database!(
    an_unknown_code_is_listed_and_moves_the_order_once_it_has_a_meaning,
    spellings_of_a_code_are_listed_as_the_setting_takes_them,
    a_new_meaning_leaves_what_was_known_alone,
    a_scan_that_gets_its_meaning_and_says_more_at_once_is_told_by_what_it_did,
    a_worker_with_old_settings_holds_nothing_back_for_good,
    a_code_that_has_passed_on_with_its_number_comes_to_rest,
    a_webhook_that_failed_is_not_taken_up,
    webhooks_without_number_are_taken_up_some_at_a_time,
);

async fn an_unknown_code_is_listed_and_moves_the_order_once_it_has_a_meaning(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "171717").await;
    shop.process_code("171717", "Q9").await;
    shop.wait(TimeDelta::minutes(5));
    shop.process_code("171717", "Q9").await;
    shop.process_code("171717", "Q8").await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);

    let listed = shop.app.inbox().unknown_codes(&support()).await.unwrap();
    let codes: Vec<_> = listed.iter().map(|one| (&*one.sender, &*one.code, one.scans)).collect();
    assert_eq!(codes, [("fedex", "Q9", 2), ("fedex", "Q8", 1)]);
    assert_eq!(listed[0].latest_at - listed[0].first_at, TimeDelta::minutes(5));
    assert_eq!(listed[0].description.as_deref(), Some("Delivered"));
    let customer = Caller { actor: Actor::new(ActorKind::Customer, "x"), request_id: None, email: None };
    let refused = shop.app.inbox().unknown_codes(&customer).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");

    let shop = shop.restarted("fedex.Q9=delivered").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(shop.mails().await.len(), 1, "{:?}", shop.mails().await);
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let effects: Vec<_> = scans.iter().map(|one| (&*one.scan.code, one.effect, one.seen)).collect();
    assert!(effects.contains(&("Q9", ScanEffect::Applied, 1)), "{effects:?}");
    assert!(effects.contains(&("Q8", ScanEffect::UnknownCode, 1)), "{effects:?}");
    let left = shop.app.inbox().unknown_codes(&support()).await.unwrap();
    assert_eq!(left.iter().map(|one| &*one.code).collect::<Vec<_>>(), ["Q8"]);
    assert!(inbox(&shop).await.iter().all(|one| one.state == WebhookState::Processed));
    assert_eq!(
        shop.app.inbox().reprocess_unknown(&mut HashSet::new()).await.unwrap(),
        0,
        "nothing is taken up twice"
    );
}

async fn spellings_of_a_code_are_listed_as_the_setting_takes_them(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "161616").await;
    for code in ["Q9", "q9", "é9", "É9"] {
        shop.process_code("161616", code).await;
        shop.wait(TimeDelta::minutes(1));
    }
    let listed = shop.app.inbox().unknown_codes(&support()).await.unwrap();
    let codes: Vec<_> = listed.iter().map(|one| (&*one.code, one.scans)).collect();
    assert_eq!(codes, [("q9", 2), ("É9", 1), ("é9", 1)], "ASCII is folded, nothing else");
    assert_eq!(listed[0].latest_at - listed[0].first_at, TimeDelta::minutes(1));

    let settings: Vec<_> = listed.iter().map(|one| format!("{}.{}=held", one.sender, one.code)).collect();
    let shop = shop.restarted(&settings.join(",")).await;
    shop.drain().await;
    assert_eq!(shop.app.inbox().unknown_codes(&support()).await.unwrap(), []);
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    assert!(scans.len() == 4 && scans.iter().all(|one| one.effect == ScanEffect::Applied), "{scans:?}");
}

async fn a_new_meaning_leaves_what_was_known_alone(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "181818").await;
    shop.process_code("181818", "IT").await;
    shop.process_code("181818", "Q9").await;
    let shop = shop.restarted("fedex.Q9=held,fedex.IT=label_created").await;
    shop.drain().await;
    let now = shop.order(order).await;
    assert_eq!(
        now.shipments()[0].status(),
        ShipmentStatus::InTransit,
        "only a replay reads known codes anew"
    );
    assert!(now.shipments()[0].tracking.condition.is_some(), "the scans of {} are both there", shipment.id.0);
}

/// Two webhooks are read in one transaction: the old one, whose code now has a meaning, and a new one that adds details
/// to the same scan.
async fn a_scan_that_gets_its_meaning_and_says_more_at_once_is_told_by_what_it_did(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let shipment = shop.ship(order, "191919").await;
    shop.process_code("191919", "Q9").await;
    let body = String::from_utf8(fedex("191919", ShipmentStatus::Delivered, shop.now())).unwrap();
    let more = body.replace("\"DL\"", "\"Q9\"").replace("Holbrook", "Holbrook Village");

    let shop = shop.restarted("fedex.Q9=delivered").await;
    shop.push(more.as_bytes()).await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let scans = read::scans_of(&shop.store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap();
    let [only] = &scans[..] else { panic!("{scans:?}") };
    assert_eq!((only.effect, only.seen), (ScanEffect::Applied, 2));
    assert_eq!(only.scan.location.as_deref(), Some("Holbrook Village, NY, US"));
}

async fn a_worker_with_old_settings_holds_nothing_back_for_good(database: Database) {
    let old = Shop::new(database.store);
    let order = old.processing(&[1]).await;
    old.ship(order, "373737").await;
    old.process_code("373737", "Q9").await;
    let new = old.restarted("fedex.Q9=delivered").await;
    // The worker that was not restarted yet processes the webhook first.
    old.drain().await;
    new.drain().await;
    assert_eq!(new.status(order).await, OrderStatus::AwaitingPickup);
    assert_eq!(new.app.inbox().reprocess_unknown(&mut HashSet::new()).await.unwrap(), 1);
    new.drain().await;
    assert_eq!(new.status(order).await, OrderStatus::Delivered);

    let mut meaningless = HashSet::new();
    new.process_code("373737", "Q8").await;
    assert_eq!(new.app.inbox().reprocess_unknown(&mut meaningless).await.unwrap(), 0);
    assert_eq!(meaningless, HashSet::from([("fedex".to_owned(), "Q8".to_owned())]));
}

async fn a_code_that_has_passed_on_with_its_number_comes_to_rest(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let wrong = shop.ship(order, "383838").await;
    let reason = "packed anew".to_owned();
    shop.ask(order, Request::CancelShipment { id: wrong.id, reason }).await.unwrap();
    shop.process_code("383838", "Q9").await;
    shop.ship(order, "383838").await;
    shop.drain().await;
    let listed = shop.app.inbox().unknown_codes(&support()).await.unwrap();
    assert_eq!(listed.iter().map(|one| (&*one.code, one.scans)).collect::<Vec<_>>(), [("Q9", 1)]);

    let shop = shop.restarted("fedex.Q9=delivered").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(shop.app.inbox().reprocess_unknown(&mut HashSet::new()).await.unwrap(), 0);
    assert_eq!(shop.app.inbox().unknown_codes(&support()).await.unwrap(), []);
}

async fn a_webhook_that_failed_is_not_taken_up(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "393939").await;
    shop.process_code("393939", "Q9").await;
    let webhook = inbox(&shop).await[0].id;
    shop.app.inbox().retry_webhook(&support(), webhook).await.unwrap();
    let leased = shop.app.relay().lease(Work::Webhooks, 10).await.unwrap();
    shop.app.inbox().record_webhook_failure(leased[0], "a row that cannot be read", false).await.unwrap();
    let shop = shop.restarted("fedex.Q9=delivered").await;
    let failed = &inbox(&shop).await[0];
    assert_eq!((failed.state, failed.failures), (WebhookState::Failed, 1), "somebody has to look at it");
}

/// Copies the webhook `count` times, each with a scan of its own.
async fn multiply(database: &Database, count: usize) {
    let (series, id, hash) = match database.store.is_postgres() {
        true => ("generate_series(1, $1) AS n(n)", "gen_random_uuid()", "sha256(n::text::bytea)"),
        false => (
            "(WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1) SELECT n FROM n) AS n",
            "randomblob(16)",
            "randomblob(32)",
        ),
    };
    let series = series.replace("$1", &count.to_string());
    let webhooks = format!(
        "INSERT INTO webhooks (webhook_id, sender, content_hash, body, received_at, state) \
         SELECT {id}, sender, {hash}, body, received_at, state FROM webhooks, {series}"
    );
    let scans = format!(
        "INSERT INTO scans (scan_id, shipment_id, webhook_id, identity, code, meaning, occurred_at, \
         time_estimated, clock, evidence, recorded_at, effect) \
         SELECT {id}, s.shipment_id, w.webhook_id, w.content_hash, s.code, s.meaning, s.occurred_at, \
         s.time_estimated, s.clock, s.evidence, s.recorded_at, s.effect \
         FROM scans s, webhooks w WHERE w.webhook_id <> s.webhook_id"
    );
    for sql in [webhooks, scans] {
        database.connection().await.execute_unprepared(&sql).await.unwrap();
    }
}

async fn webhooks_without_number_are_taken_up_some_at_a_time(database: Database) {
    let (store, statements) = Statements::record(&database).await;
    let updates_webhooks = |sql: &str| sql.starts_with("UPDATE \"webhooks\"");
    let shop = Shop::new(store);
    let order = shop.processing(&[1]).await;
    shop.ship(order, "404040").await;
    shop.process_code("404040", "Q9").await;
    multiply(&database, 2_499).await;
    // The newest webhook of a code represents the code.
    shop.wait(TimeDelta::minutes(1));
    shop.process_code("404040", "Q9").await;
    assert_eq!(statements.take(updates_webhooks).len(), 0);
    let shop = shop.restarted("fedex.Q9=delivered").await;
    assert_eq!(statements.take(updates_webhooks).len(), 3, "a thousand at most");
    let due = read::WebhookFilter { states: [WebhookState::Pending].into(), ..Default::default() };
    assert_eq!(read::webhooks_count(&shop.store, &due).await.unwrap(), 2_501);
}
