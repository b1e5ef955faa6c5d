//! Codes that nobody knows: kept, listed, counted, and taken up by themselves once they have a meaning.

use std::collections::HashSet;

use app::{Caller, Error};
use chrono::TimeDelta;
use domain::{Actor, ActorKind, OrderStatus, Refusal, ScanEffect, ShipmentStatus};
use persistence::{read, webhooks::WebhookState};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, fedex, support},
};

use super::inbox::inbox;

on_every_database!(
    an_unknown_code_is_listed_and_moves_the_order_once_it_has_a_meaning,
    a_new_meaning_leaves_what_was_known_alone,
    a_worker_with_old_settings_holds_nothing_back_for_good,
);

/// FedEx says `code` of a parcel.
async fn says(shop: &Shop, number: &str, code: &str) {
    let body = String::from_utf8(fedex(number, ShipmentStatus::Delivered, shop.now())).unwrap();
    shop.push(body.replace("\"DL\"", &format!("\"{code}\"")).as_bytes()).await;
    shop.drain().await;
}

async fn an_unknown_code_is_listed_and_moves_the_order_once_it_has_a_meaning(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let parcel = shop.ship(order, "171717").await;
    says(&shop, "171717", "Q9").await;
    shop.wait(TimeDelta::minutes(5));
    says(&shop, "171717", "Q9").await;
    says(&shop, "171717", "Q8").await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);

    let listed = shop.app.unknown_codes(&support()).await.unwrap();
    let codes: Vec<_> = listed.iter().map(|one| (&*one.sender, &*one.code, one.scans)).collect();
    assert_eq!(codes, [("fedex", "Q9", 2), ("fedex", "Q8", 1)]);
    assert_eq!(listed[0].latest_at - listed[0].first_at, TimeDelta::minutes(5));
    assert_eq!(listed[0].description.as_deref(), Some("Delivered"));
    let customer = Caller { actor: Actor::new(ActorKind::Customer, "x"), request_id: None };
    let refused = shop.app.unknown_codes(&customer).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");

    let shop = shop.restarted("fedex.Q9=delivered").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    assert_eq!(shop.mails().await.len(), 1, "{:?}", shop.mails().await);
    let scans = read::scans_of(&shop.app.store, &[parcel.id]).await.unwrap().remove(&parcel.id).unwrap();
    let effects: Vec<_> = scans.iter().map(|one| (&*one.scan.code, one.effect, one.seen)).collect();
    assert!(effects.contains(&("Q9", ScanEffect::Applied, 1)), "{effects:?}");
    assert!(effects.contains(&("Q8", ScanEffect::UnknownCode, 1)), "{effects:?}");
    let left = shop.app.unknown_codes(&support()).await.unwrap();
    assert_eq!(left.iter().map(|one| &*one.code).collect::<Vec<_>>(), ["Q8"]);
    assert!(inbox(&shop).await.iter().all(|one| one.state == WebhookState::Processed));
    assert_eq!(shop.app.take_up_remapped(&mut HashSet::new()).await.unwrap(), 0, "nothing is taken up twice");
}

async fn a_new_meaning_leaves_what_was_known_alone(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing(&[1]).await;
    let parcel = shop.ship(order, "181818").await;
    says(&shop, "181818", "IT").await;
    says(&shop, "181818", "Q9").await;
    let shop = shop.restarted("fedex.Q9=held,fedex.IT=label_created").await;
    shop.drain().await;
    let now = shop.order(order).await;
    assert_eq!(
        now.shipments()[0].status(),
        ShipmentStatus::InTransit,
        "only a replay reads known codes anew"
    );
    assert!(now.shipments()[0].tracking.condition.is_some(), "the scans of {} are both there", parcel.id.0);
}

async fn a_worker_with_old_settings_holds_nothing_back_for_good(database: Database) {
    let old = Shop::new(database.store);
    let order = old.processing(&[1]).await;
    old.ship(order, "373737").await;
    says(&old, "373737", "Q9").await;
    let new = old.restarted("fedex.Q9=delivered").await;
    // The worker that is not restarted yet is quicker.
    old.drain().await;
    new.drain().await;
    assert_eq!(new.status(order).await, OrderStatus::AwaitingPickup);
    assert_eq!(new.app.take_up_remapped(&mut HashSet::new()).await.unwrap(), 1);
    new.drain().await;
    assert_eq!(new.status(order).await, OrderStatus::Delivered);

    let mut meaningless = HashSet::new();
    says(&new, "373737", "Q8").await;
    assert_eq!(new.app.take_up_remapped(&mut meaningless).await.unwrap(), 0);
    assert_eq!(meaningless, HashSet::from([("fedex".to_owned(), "Q8".to_owned())]));
}
