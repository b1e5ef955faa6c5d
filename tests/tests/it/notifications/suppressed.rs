//! Tests notifications that are not sent: old news, and orders that are placed with `notify: false`.

use chrono::TimeDelta;
use domain::{
    NewOrder, NotificationKind, NotificationState, OrderId, OrderStatus, ShipmentStatus, Suppression,
};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
};

use super::notifications;

on_every_database!(
    a_history_that_is_imported_is_not_mailed,
    only_the_age_of_the_event_counts,
    a_muted_order_is_never_mailed,
);

async fn reasons(
    shop: &Shop,
    order: OrderId,
) -> Vec<(NotificationKind, NotificationState, Option<Suppression>)> {
    notifications(shop, order).await.iter().map(|one| (one.kind, one.state, one.reason)).collect()
}

async fn a_history_that_is_imported_is_not_mailed(database: Database) {
    let shop = Shop::new(database.store);
    let placed_at = shop.now() - TimeDelta::days(60);
    let mut orders = vec![];
    for number in ["881", "882", "883"] {
        let order = shop.processing_since(&[1], placed_at).await;
        shop.ship(order, number).await;
        // `paid` and `processing` are recorded now, so the shipped event cannot be older than they are.
        orders.push(order);
    }
    // A history that is recorded later than it happened.
    shop.wait(TimeDelta::days(10));
    for number in ["881", "882", "883"] {
        for (days, status) in [
            (9, ShipmentStatus::InTransit),
            (8, ShipmentStatus::OutForDelivery),
            (4, ShipmentStatus::Delivered),
        ] {
            shop.scan_at(number, status, shop.now() - TimeDelta::days(days)).await;
        }
    }
    shop.drain().await;
    for order in orders {
        assert_eq!(shop.status(order).await, OrderStatus::Delivered);
        let historical = |kind| (kind, NotificationState::Suppressed, Some(Suppression::Historical));
        let all = [NotificationKind::Shipped, NotificationKind::OutForDelivery, NotificationKind::Delivered];
        assert_eq!(reasons(&shop, order).await, all.map(historical));
    }
    assert!(shop.mails().await.is_empty());
}

async fn only_the_age_of_the_event_counts(database: Database) {
    let shop = Shop::new(database.store);
    let order = shop.processing_since(&[1], shop.now() - TimeDelta::days(60)).await;
    shop.ship(order, "884").await;
    shop.wait(TimeDelta::days(10));
    shop.scan_at("884", ShipmentStatus::InTransit, shop.now() - TimeDelta::hours(73)).await;
    shop.scan_at("884", ShipmentStatus::Delivered, shop.now() - TimeDelta::hours(71)).await;
    shop.drain().await;
    let news = reasons(&shop, order).await;
    assert_eq!(
        news,
        [
            (NotificationKind::Shipped, NotificationState::Suppressed, Some(Suppression::Historical)),
            (NotificationKind::OutForDelivery, NotificationState::Suppressed, Some(Suppression::Superseded)),
            (NotificationKind::Delivered, NotificationState::Sent, None),
        ]
    );
    assert_eq!(shop.mails().await.len(), 1);
}

async fn a_muted_order_is_never_mailed(database: Database) {
    let shop = Shop::new(database.store);
    let two = Some(vec!["jane@example.org".to_owned(), "joe@example.org".to_owned()]);
    let new = NewOrder { customer_email: None, customer_emails: two, notify: false, ..new_order(&[1]) };
    let order = shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    shop.drain().await;
    let muted = (NotificationKind::Cancelled, NotificationState::Suppressed, Some(Suppression::Muted));
    assert_eq!(reasons(&shop, order).await, [muted, muted]);
    assert!(shop.mails().await.is_empty());
}
