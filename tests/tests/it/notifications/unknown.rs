//! Tests mails with an unknown outcome: the mail server received the content, but its answer was lost or the process
//! died. The customer may have received each of these copies, so at most three are sent.

use std::time::Duration;

use chrono::TimeDelta;
use domain::{NotificationState, OrderId, OrderStatus};
use persistence::leases::{Leased, Work};
use tests::{
    database::Database,
    log::Log,
    on_every_database,
    shop::Shop,
    smtp::{Behaviour, SmtpServer},
};
use worker::mail::{Mailer, Timeouts};

use super::{notifications, shop_with};

on_every_database!(
    a_lost_answer_makes_three_copies_at_most,
    a_server_that_never_answers_gets_three_copies_at_most,
    an_attempt_that_died_with_its_content_on_the_way_counts,
    an_attempt_that_died_before_its_content_left_does_not_count,
    an_answer_that_came_does_not_count,
    lost_answers_count_across_other_troubles,
    a_mail_that_left_after_lost_answers_is_sent,
    a_mail_that_is_no_longer_wanted_is_kept_back,
);

/// Longer than the lease of a notification, and longer than the longest pause between attempts.
const LATER: TimeDelta = TimeDelta::minutes(10);

async fn cancelled(shop: &Shop) -> OrderId {
    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    order
}

/// Works for three days of the shop's clock.
async fn work_for_days(shop: &Shop) {
    for _ in 0..12 {
        shop.drain().await;
        shop.wait(LATER);
    }
    for _ in 0..12 {
        shop.wait(TimeDelta::hours(6));
        shop.drain().await;
    }
}

async fn expect_given_up(shop: &Shop, order: OrderId) {
    let notification = &notifications(shop, order).await[0];
    assert_eq!((notification.state, notification.unknown_outcomes), (NotificationState::Failed, 3));
    let error = notification.error.as_deref().unwrap_or_default();
    assert!(error.starts_with("given up: 3 attempts handed the mail over and got no answer"), "{error}");
    assert!(error.contains("may have been delivered"), "{error}");
}

/// Leases the notification, as the worker does for a job.
async fn lease_notification(shop: &Shop) -> Leased {
    let leased = shop.app.relay().lease(Work::Notifications, 8).await.unwrap();
    assert_eq!(leased.len(), 1);
    leased[0]
}

async fn a_lost_answer_makes_three_copies_at_most(database: Database) {
    let server = SmtpServer::start(Behaviour::DropAfterData).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = cancelled(&shop).await;
    let log = Log::listen();
    work_for_days(&shop).await;
    assert_eq!(server.mails().len(), 3);
    assert!(server.mails().iter().all(|mail| mail.message_id() == server.mails()[0].message_id()));
    expect_given_up(&shop, order).await;
    let lines = log.lines_with("a notification was given up");
    assert!(lines.len() == 1 && lines[0].contains("ERROR"), "{lines:?}");
}

async fn a_server_that_never_answers_gets_three_copies_at_most(database: Database) {
    let server = SmtpServer::start(Behaviour::Hang).await.unwrap();
    let timeouts = Timeouts { connect: Duration::from_secs(5), step: Duration::from_millis(300) };
    let from = "Corner Shop <orders@example.org>";
    let mailer = Mailer::smtp_with_timeouts(&server.url(), from, timeouts).unwrap();
    let shop = Shop::with_mailer(database.store.clone(), mailer);
    let order = cancelled(&shop).await;
    work_for_days(&shop).await;
    assert_eq!(server.mails().len(), 3);
    expect_given_up(&shop, order).await;
}

async fn an_attempt_that_died_with_its_content_on_the_way_counts(database: Database) {
    let server = SmtpServer::start(Behaviour::DropAfterData).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = cancelled(&shop).await;
    for _ in 0..2 {
        let leased = lease_notification(&shop).await;
        let context = shop.app.notifications().open_notification(&leased).await.unwrap().unwrap();
        assert!(shop.app.notifications().hand_over_notification(&leased, &context).await.unwrap());
        shop.wait(LATER);
    }
    shop.drain().await;
    assert_eq!(server.mails().len(), 1, "the third attempt");
    expect_given_up(&shop, order).await;

    // If the third attempt dies as well, the fourth one finds three unknown outcomes and sends nothing.
    let order = cancelled(&shop).await;
    for _ in 0..3 {
        let leased = lease_notification(&shop).await;
        let context = shop.app.notifications().open_notification(&leased).await.unwrap().unwrap();
        assert!(shop.app.notifications().hand_over_notification(&leased, &context).await.unwrap());
        shop.wait(LATER);
    }
    work_for_days(&shop).await;
    assert_eq!(server.mails().len(), 1, "none of this order");
    expect_given_up(&shop, order).await;
}

async fn an_attempt_that_died_before_its_content_left_does_not_count(database: Database) {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = cancelled(&shop).await;
    for _ in 0..5 {
        let leased = lease_notification(&shop).await;
        assert!(shop.app.notifications().open_notification(&leased).await.unwrap().is_some());
        shop.wait(LATER);
    }
    shop.drain().await;
    let notification = &notifications(&shop, order).await[0];
    assert_eq!(
        (notification.state, notification.unknown_outcomes, notification.attempt),
        (NotificationState::Sent, 0, 6)
    );
    assert_eq!(server.mails().len(), 1);
}

async fn an_answer_that_came_does_not_count(database: Database) {
    let server = SmtpServer::start(Behaviour::RefuseContent(452, "disk full")).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = cancelled(&shop).await;
    for _ in 0..6 {
        shop.drain().await;
        shop.wait(LATER);
    }
    let notification = &notifications(&shop, order).await[0];
    assert_eq!(
        (notification.state, notification.failures, notification.unknown_outcomes),
        (NotificationState::Queued, 6, 0)
    );
    server.behave(Behaviour::Accept);
    shop.drain().await;
    assert_eq!(notifications(&shop, order).await[0].state, NotificationState::Sent);
}

async fn lost_answers_count_across_other_troubles(database: Database) {
    let server = SmtpServer::start(Behaviour::DropAfterData).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = cancelled(&shop).await;
    for behaviour in [
        Behaviour::DropAfterData,
        Behaviour::Closed,
        Behaviour::Greylist,
        Behaviour::DropAfterData,
        Behaviour::RefuseContent(451, "later"),
        Behaviour::DropAfterData,
        Behaviour::DropAfterData,
    ] {
        server.behave(behaviour);
        shop.drain().await;
        shop.wait(LATER);
    }
    assert_eq!(server.mails().len(), 3);
    expect_given_up(&shop, order).await;
}

async fn a_mail_that_left_after_lost_answers_is_sent(database: Database) {
    let server = SmtpServer::start(Behaviour::DropAfterData).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = cancelled(&shop).await;
    for _ in 0..2 {
        shop.drain().await;
        shop.wait(LATER);
    }
    server.behave(Behaviour::Accept);
    work_for_days(&shop).await;
    let notification = &notifications(&shop, order).await[0];
    assert_eq!(
        (notification.state, notification.unknown_outcomes),
        (NotificationState::Sent, 2),
        "two copies more may be there"
    );
    assert_eq!(server.mails().len(), 3);

    // The error of a refusal mentions an earlier attempt whose answer was lost, because that mail may have been
    // delivered.
    server.behave(Behaviour::DropAfterData);
    let order = cancelled(&shop).await;
    shop.drain().await;
    shop.wait(LATER);
    server.behave(Behaviour::RefuseRecipient(550, "no such user here"));
    shop.drain().await;
    let notification = &notifications(&shop, order).await[0];
    assert_eq!(notification.state, NotificationState::Failed);
    let error = notification.error.as_deref().unwrap_or_default();
    assert!(error.contains("no such user here") && error.contains("may have been delivered"), "{error}");
}

async fn a_mail_that_is_no_longer_wanted_is_kept_back(database: Database) {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let order = cancelled(&shop).await;
    let slow = lease_notification(&shop).await;
    let context = shop.app.notifications().open_notification(&slow).await.unwrap().unwrap();
    shop.wait(LATER);
    let quick = lease_notification(&shop).await;
    assert!(shop.app.notifications().open_notification(&quick).await.unwrap().is_some());
    assert!(
        !shop.app.notifications().hand_over_notification(&slow, &context).await.unwrap(),
        "its lease was lost"
    );
    assert!(shop.app.notifications().hand_over_notification(&quick, &context).await.unwrap());
    // A repeated call counts once. It is repeated if the answer to the commit was lost.
    assert!(shop.app.notifications().hand_over_notification(&quick, &context).await.unwrap());
    assert_eq!(notifications(&shop, order).await[0].unknown_outcomes, 1);
    let id = notifications(&shop, order).await[0].id;
    shop.app.notifications().record_notification_sent(id).await.unwrap();
    shop.app.notifications().record_notification_sent(id).await.unwrap();
    let notification = &notifications(&shop, order).await[0];
    assert_eq!((notification.state, notification.unknown_outcomes), (NotificationState::Sent, 0));
    assert!(!shop.app.notifications().hand_over_notification(&quick, &context).await.unwrap(), "it is sent");
}
