//! Tests notifications that support sends again.

use app::{
    Caller, IdempotencyKey,
    notifications::{Resend, Resent},
};
use chrono::TimeDelta;
use domain::{Actor, ActorKind, NotificationId, NotificationState, OrderId, OrderStatus, Refusal};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
    smtp::{Behaviour, SmtpServer},
};
use uuid::Uuid;

use super::{notifications, shop_with};

on_every_database!(
    a_mail_that_was_sent_is_sent_again_with_an_id_of_its_own,
    a_mail_that_was_given_up_gets_all_its_attempts_again,
    what_was_suppressed_can_be_sent,
    what_waits_already_is_refused,
    a_repeat_with_the_same_key_sends_once,
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
    let Resent::Queued(queued) = shop.app.resend_notification(&support(), &resend(id)).await.unwrap() else {
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
    shop.app.resend_notification(&support(), &resend(id)).await.unwrap();
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
    let order = shop.app.place_order(&support(), new, None).await.unwrap().order.id;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    let id = notifications(&shop, order).await[0].id;
    shop.app.resend_notification(&support(), &resend(id)).await.unwrap();
    shop.drain().await;
    let notification = &notifications(&shop, order).await[0];
    assert_eq!((notification.state, notification.reason), (NotificationState::Sent, None));
    assert_eq!(shop.mails().await.len(), 1);
}

async fn what_waits_already_is_refused(database: Database) {
    let shop = Shop::new(database.store);
    let (order, id) = cancelled(&shop).await;
    let answer = shop.app.resend_notification(&support(), &resend(id)).await.unwrap();
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
        let answer = shop.app.resend_notification(&support(), &request("one")).await.unwrap();
        assert!(matches!(answer, Resent::Queued(_)));
        shop.drain().await;
    }
    assert_eq!(shop.mails().await.len(), 2);
    let other = shop.app.resend_notification(&support(), &request("another")).await;
    assert!(matches!(other, Err(app::Error::KeyReused)), "{other:?}");
}

async fn who_may_resend_what(database: Database) {
    let shop = Shop::new(database.store);
    let (_, id) = cancelled(&shop).await;
    shop.drain().await;
    for kind in [ActorKind::Customer, ActorKind::Supplier, ActorKind::Carrier] {
        let caller = Caller { actor: Actor::new(kind, "x"), request_id: None, email: None };
        let refused = shop.app.resend_notification(&caller, &resend(id)).await;
        assert!(matches!(refused, Err(app::Error::Refused(Refusal::Forbidden(_)))), "{refused:?}");
    }
    let unknown = shop.app.resend_notification(&support(), &resend(NotificationId(Uuid::nil()))).await;
    assert!(matches!(unknown, Err(app::Error::Refused(Refusal::NotFound("notification")))), "{unknown:?}");
    let blank = Resend { reason: " ".to_owned(), ..resend(id) };
    let refused = shop.app.resend_notification(&support(), &blank).await;
    assert!(
        matches!(&refused, Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) if field == "reason"),
        "{refused:?}"
    );
    let mut new = new_order(&[1]);
    new.customer_email = None;
    let order = shop.app.place_order(&support(), new, None).await.unwrap().order.id;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    let id = notifications(&shop, order).await[0].id;
    let refused = shop.app.resend_notification(&support(), &resend(id)).await;
    assert!(
        matches!(&refused, Err(app::Error::Refused(Refusal::InvalidInput { field, .. })) if field == "notificationId"),
        "{refused:?}"
    );
    assert_eq!(shop.mails().await.len(), 1, "nothing was sent again");
}
