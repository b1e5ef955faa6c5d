//! Tests notifications that support sends again.

use app::{
    Caller, IdempotencyKey,
    notifications::{Resend, Resent},
    reads::Extent,
};
use chrono::TimeDelta;
use domain::{
    Activity, ActivityKind, Actor, ActorKind, InputField, NotificationId, NotificationState, OrderId,
    OrderStatus, Refusal, ShipmentStatus,
};
use persistence::{
    Store,
    read::{PageRequest, TimelineEntry},
};
use serde_json::json;
use tests::{
    database::Database,
    on_every_database,
    proxy::Proxy,
    shop::{self, Shop, new_order, support},
    smtp::{Behaviour, SmtpServer},
};
use uuid::Uuid;

use super::{notifications, shop_with};

on_every_database!(
    a_mail_that_was_sent_is_sent_again_with_an_id_of_its_own,
    a_mail_that_was_given_up_gets_all_its_attempts_again,
    what_was_suppressed_can_be_sent,
    a_mail_of_a_muted_order_waits_until_it_leaves,
    a_resend_and_its_activity_are_one_transaction,
    what_waits_already_is_refused,
    a_repeat_with_the_same_key_sends_once,
    a_commit_whose_answer_was_lost_is_answered_truthfully,
    who_may_resend_what,
);

fn resend(id: NotificationId) -> Resend {
    Resend { id, reason: "the customer lost it".to_owned(), key: None }
}

async fn cancelled(shop: &Shop) -> (OrderId, NotificationId) {
    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    (order, notifications(shop, order).await[0].id)
}

async fn a_mail_that_was_sent_is_sent_again_with_an_id_of_its_own(database: Database) {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let (order, id) = cancelled(&shop).await;
    shop.drain().await;
    let first = notifications(&shop, order).await[0].clone();
    shop.wait(TimeDelta::days(30));
    let Resent::Queued(queued) =
        shop.app.notifications().resend_notification(&support(), &resend(id)).await.unwrap()
    else {
        panic!("it was sent")
    };
    assert_eq!((queued.state, queued.key, queued.resends), (NotificationState::Queued, first.key.clone(), 1));
    assert_eq!(queued.sent_at, first.sent_at, "the first mail left then");
    // The connection breaks, so the second copy has the id of the resend as well.
    server.behave(Behaviour::DropAfterData);
    shop.drain().await;
    server.behave(Behaviour::Accept);
    shop.wait(TimeDelta::minutes(10));
    shop.drain().await;
    let ids: Vec<String> = server.mails().iter().map(|mail| mail.message_id()).collect();
    let again = format!("<{}.resend-1@example.org>", first.key);
    assert_eq!(ids, [format!("<{}@example.org>", first.key), again.clone(), again]);
    let rows = notifications(&shop, order).await;
    assert_eq!((rows.len(), rows[0].state), (1, NotificationState::Sent));
    assert!(rows[0].sent_at > first.sent_at);
}

async fn a_mail_that_was_given_up_gets_all_its_attempts_again(database: Database) {
    let server = SmtpServer::start(Behaviour::DropAfterData).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let (order, id) = cancelled(&shop).await;
    for _ in 0..4 {
        shop.drain().await;
        shop.wait(TimeDelta::days(1));
    }
    assert_eq!(notifications(&shop, order).await[0].state, NotificationState::Failed);
    shop.app.notifications().resend_notification(&support(), &resend(id)).await.unwrap();
    server.behave(Behaviour::Greylist);
    shop.drain().await;
    let waiting = notifications(&shop, order).await[0].clone();
    assert_eq!(
        (waiting.state, waiting.failures),
        (NotificationState::Queued, 1),
        "it is tried for three days again"
    );
    server.behave(Behaviour::Accept);
    shop.wait(TimeDelta::minutes(10));
    shop.drain().await;
    assert_eq!(notifications(&shop, order).await[0].state, NotificationState::Sent);
}

async fn what_was_suppressed_can_be_sent(database: Database) {
    let shop = Shop::new(database.store);
    let mut new = new_order(&[1]);
    new.notify = false;
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    let id = notifications(&shop, order).await[0].id;
    shop.app.notifications().resend_notification(&support(), &resend(id)).await.unwrap();
    shop.drain().await;
    let notification = &notifications(&shop, order).await[0];
    assert_eq!((notification.state, notification.reason), (NotificationState::Sent, None));
    assert_eq!(shop.mails().await.len(), 1);
}

async fn a_mail_of_a_muted_order_waits_until_it_leaves(database: Database) {
    let server = SmtpServer::start(Behaviour::Closed).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let mut new = new_order(&[1]);
    new.notify = false;
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    for status in [OrderStatus::PaymentConfirmed, OrderStatus::Processing] {
        shop.to(order, status).await.unwrap();
    }
    shop.ship(order, "897").await;
    shop.scan("897", ShipmentStatus::InTransit).await;
    shop.drain().await;
    let id = notifications(&shop, order).await[0].id;
    shop.app.notifications().resend_notification(&support(), &resend(id)).await.unwrap();
    shop.drain().await;
    shop.wait(TimeDelta::minutes(10));
    shop.scan("897", ShipmentStatus::Delivered).await;
    shop.drain().await;
    server.behave(Behaviour::Accept);
    shop.wait(TimeDelta::minutes(10));
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
    let states: Vec<_> = notifications(&shop, order).await.iter().map(|one| one.state).collect();
    let suppressed = NotificationState::Suppressed;
    assert_eq!(states, [NotificationState::Sent, suppressed, suppressed]);
    assert_eq!(server.mails().len(), 1);
}

/// The activities of an order that the caller sees, newest first.
async fn activities(shop: &Shop, caller: &Caller, order: OrderId) -> Vec<Activity> {
    let page = PageRequest { limit: 100, from_end: false, after: None, before: None };
    let timelines =
        shop.app.reads().timelines_of(caller, vec![order], &page, Extent::Ordinary).await.unwrap();
    let entries = timelines.into_values().flat_map(|page| page.rows);
    let activities = entries.filter_map(|entry| match entry {
        TimelineEntry::Activity(stored) => Some(stored.activity),
        TimelineEntry::Scan(_) | TimelineEntry::Event(_) | TimelineEntry::Notification(_) => None,
    });
    activities.collect()
}

async fn a_resend_and_its_activity_are_one_transaction(database: Database) {
    let shop = Shop::new(database.store.clone());
    let (order, id) = cancelled(&shop).await;
    shop.drain().await;
    let service = shop.app.notifications();
    database.execute("ALTER TABLE order_activities RENAME TO elsewhere").await;
    service.resend_notification(&support(), &resend(id)).await.expect_err("a table is missing");
    database.execute("ALTER TABLE elsewhere RENAME TO order_activities").await;
    assert_eq!(notifications(&shop, order).await[0].resends, 0);
    assert_eq!(activities(&shop, &support(), order).await, []);
    // The second request changes nothing, because the notification is queued.
    for _ in 0..2 {
        service.resend_notification(&support(), &resend(id)).await.unwrap();
    }
    let found = activities(&shop, &support(), order).await;
    let [resent] = &found[..] else { panic!("one resend, not {found:?}") };
    assert_eq!(
        (resent.kind, &resent.actor, resent.notes.as_deref(), resent.recorded_at),
        (ActivityKind::NotificationResent, &support().actor, Some("the customer lost it"), shop.now())
    );
    assert_eq!(
        resent.facts,
        json!({ "notification_id": id.to_string(), "kind": "cancelled", "status": "cancelled" })
    );
    assert_eq!(resent.request_id, support().request_id);
    let caller = |kind, id: &str| Caller { actor: Actor::new(kind, id), ..support() };
    let customer = caller(ActorKind::Customer, &shop::customer().to_string());
    let seen = activities(&shop, &customer, order).await;
    let [seen] = &seen[..] else { panic!("the customer sees it, not {seen:?}") };
    assert_eq!((&seen.facts, &seen.notes, &seen.actor.id), (&resent.facts, &None, &None));
    assert_eq!(activities(&shop, &caller(ActorKind::Supplier, "acme"), order).await, []);
}

async fn a_commit_whose_answer_was_lost_is_answered_truthfully(database: Database) {
    if !database.store.is_postgres() {
        // SQLite commits within the process, so no answer can be lost.
        return;
    }
    let (server, name) = database.url.rsplit_once('/').unwrap();
    let (login, target) = server.rsplit_once('@').unwrap();
    let proxy = Proxy::start(target).await.unwrap();
    let url = format!("{login}@{}/{name}", proxy.address());
    let shop = Shop::new(Store::connect(&url, 4).await.unwrap());
    for key in [None, Some(IdempotencyKey::new("k".to_owned(), "resendNotification", &"one").unwrap())] {
        let (order, id) = cancelled(&shop).await;
        shop.drain().await;
        proxy.lose_answer_to("COMMIT");
        let request = Resend { key, ..resend(id) };
        let answer = shop.app.notifications().resend_notification(&support(), &request).await.unwrap();
        assert!(proxy.has_lost_answer(), "the connection was cut at the commit");
        assert!(matches!(&answer, Resent::Queued(one) if one.id == id && one.resends == 1), "{answer:?}");
        assert_eq!(notifications(&shop, order).await[0].resends, 1);
        assert_eq!(activities(&shop, &support(), order).await.len(), 1);
    }
}

async fn what_waits_already_is_refused(database: Database) {
    let shop = Shop::new(database.store);
    let (order, id) = cancelled(&shop).await;
    let answer = shop.app.notifications().resend_notification(&support(), &resend(id)).await.unwrap();
    assert!(matches!(answer, Resent::AlreadyQueued(one) if one.id == id && one.resends == 0));
    shop.drain().await;
    assert_eq!(notifications(&shop, order).await[0].resends, 0);
    assert_eq!(shop.mails().await.len(), 1);
}

async fn a_repeat_with_the_same_key_sends_once(database: Database) {
    let shop = Shop::new(database.store);
    let (_, id) = cancelled(&shop).await;
    shop.drain().await;
    let key = |input: &str| IdempotencyKey::new("k".to_owned(), "resendNotification", &input).unwrap();
    let request = |input| Resend { key: Some(key(input)), ..resend(id) };
    for _ in 0..2 {
        let answer = shop.app.notifications().resend_notification(&support(), &request("one")).await.unwrap();
        assert!(matches!(answer, Resent::Queued(_)));
        shop.drain().await;
    }
    assert_eq!(shop.mails().await.len(), 2);
    let other = shop.app.notifications().resend_notification(&support(), &request("another")).await;
    assert!(matches!(other, Err(app::Error::KeyReused)), "{other:?}");
}

async fn who_may_resend_what(database: Database) {
    let shop = Shop::new(database.store);
    let (_, id) = cancelled(&shop).await;
    shop.drain().await;
    for kind in [ActorKind::Customer, ActorKind::Supplier, ActorKind::Carrier] {
        let caller = Caller { actor: Actor::new(kind, "x"), request_id: None, email: None };
        let refused = shop.app.notifications().resend_notification(&caller, &resend(id)).await;
        assert!(matches!(refused, Err(app::Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");
    }
    let unknown =
        shop.app.notifications().resend_notification(&support(), &resend(NotificationId(Uuid::nil()))).await;
    assert!(matches!(unknown, Err(app::Error::Refused(Refusal::NotFound("notification")))), "{unknown:?}");
    let blank = Resend { reason: " ".to_owned(), ..resend(id) };
    let refused = shop.app.notifications().resend_notification(&support(), &blank).await;
    assert!(
        matches!(&refused, Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) if *field == InputField::Reason),
        "{refused:?}"
    );
    let mut new = new_order(&[1]);
    new.customer_email = None;
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    let id = notifications(&shop, order).await[0].id;
    let refused = shop.app.notifications().resend_notification(&support(), &resend(id)).await;
    assert!(
        matches!(&refused, Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) if *field == InputField::NotificationId),
        "{refused:?}"
    );
    assert_eq!(shop.mails().await.len(), 1, "nothing was sent again");
}
