//! Tests notifications while the mail server refuses mails, is down or closes the connection: a notification is sent
//! later and once, or it fails with the reason.

use chrono::TimeDelta;
use domain::{NotificationKind, NotificationState, OrderStatus, ShipmentStatus, Suppression};
use persistence::{notifications::Notification, read};
use tests::{
    database::Database,
    on_every_database,
    shop::Shop,
    smtp::{Behaviour, SmtpServer},
};
use worker::mail::Mailer;

mod corrections;
mod failures;
mod recipients;
mod resend;
mod suppressed;
mod texts;
mod unknown;

on_every_database!(
    mails_wait_for_a_server_that_is_down_and_leave_once,
    a_refused_recipient_is_closed_with_the_servers_words,
    stale_news_is_not_sent,
    an_order_without_an_address_is_told_nothing,
);

async fn shop_with(server: &SmtpServer, database: &Database) -> Shop {
    let mailer = Mailer::smtp(&server.url(), "Corner Shop <orders@example.org>").unwrap();
    Shop::with_mailer(database.store.clone(), mailer)
}

async fn notifications(shop: &Shop, order: domain::OrderId) -> Vec<Notification> {
    let mut all = read::notifications_of(&shop.store, &[order]).await.unwrap();
    all.remove(&order).unwrap_or_default()
}

async fn mails_wait_for_a_server_that_is_down_and_leave_once(database: Database) {
    let server = SmtpServer::start(Behaviour::Closed).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    for _ in 0..4 {
        shop.drain().await;
        shop.wait(TimeDelta::minutes(10));
    }
    let waiting = &notifications(&shop, order).await[0];
    assert_eq!((waiting.state, waiting.failures), (NotificationState::Queued, 4));
    assert!(waiting.error.is_some());
    server.behave(Behaviour::Accept);
    shop.drain().await;
    shop.wait(TimeDelta::minutes(10));
    shop.drain().await;
    assert_eq!(server.mails().len(), 1);
    assert_eq!(notifications(&shop, order).await[0].state, NotificationState::Sent);
}

async fn a_refused_recipient_is_closed_with_the_servers_words(database: Database) {
    let server = SmtpServer::start(Behaviour::RefuseRecipient(550, "no such user here")).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    shop.drain().await;
    shop.wait(TimeDelta::minutes(10));
    shop.drain().await;
    let notification = &notifications(&shop, order).await[0];
    assert_eq!((notification.state, notification.failures), (NotificationState::Failed, 1));
    assert!(notification.error.as_deref().unwrap().contains("no such user here"), "{:?}", notification.error);
    assert_eq!(server.attempts(), 1);
}

async fn stale_news_is_not_sent(database: Database) {
    let server = SmtpServer::start(Behaviour::Closed).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = shop.processing(&[1]).await;
    shop.ship(order, "888").await;
    for status in [ShipmentStatus::InTransit, ShipmentStatus::OutForDelivery, ShipmentStatus::Delivered] {
        shop.wait(TimeDelta::minutes(10));
        shop.scan("888", status).await;
        shop.drain().await;
    }
    server.behave(Behaviour::Accept);
    shop.wait(TimeDelta::minutes(10));
    shop.drain().await;
    let subjects: Vec<_> = server.mails().iter().map(|mail| mail.subject()).collect();
    assert_eq!(subjects.len(), 1, "{subjects:?}");
    let states: Vec<_> = notifications(&shop, order).await.iter().map(|one| (one.kind, one.state)).collect();
    assert_eq!(
        states,
        [
            (NotificationKind::Shipped, NotificationState::Suppressed),
            (NotificationKind::OutForDelivery, NotificationState::Suppressed),
            (NotificationKind::Delivered, NotificationState::Sent),
        ]
    );
}

async fn an_order_without_an_address_is_told_nothing(database: Database) {
    let shop = Shop::new(database.store);
    let mut new = tests::shop::new_order(&[1]);
    new.customer_email = None;
    let order = shop.app.orders().place_order(&tests::shop::support(), new, None).await.unwrap().order.id;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    shop.drain().await;
    let notification = &notifications(&shop, order).await[0];
    assert_eq!(
        (notification.state, notification.reason, notification.recipient.as_deref()),
        (NotificationState::Suppressed, Some(Suppression::NoAddress), None)
    );
    assert!(shop.mails().await.is_empty());
}
