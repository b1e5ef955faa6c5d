//! Tests that order events cannot be changed or deleted, not even by the database user of the application.

use domain::OrderStatus;
use sea_orm::ConnectionTrait;
use tests::{database::Database, on_every_database, shop::Shop};

on_every_database!(nobody_alters_the_log, migrations_go_down_and_up_again);

async fn nobody_alters_the_log(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.place(&[1]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    let before = shop.events(order).await;
    let connection = database.connection().await;
    for sql in ["UPDATE order_events SET notes = 'forged'", "DELETE FROM order_events"] {
        let error = connection.execute_unprepared(sql).await.expect_err(sql);
        assert!(error.to_string().contains("order_events are never changed or deleted"), "{error}");
    }
    if database.store.is_postgres() {
        connection.execute_unprepared("TRUNCATE order_events CASCADE").await.expect_err("the log stays");
    }
    assert_eq!(shop.events(order).await, before);
}

async fn migrations_go_down_and_up_again(database: Database) {
    let store = &database.store;
    store.drop_schema().await.unwrap();
    assert!(store.migrations().await.unwrap().iter().all(|(_, applied)| !applied));
    store.migrate().await.unwrap();
    assert!(store.migrations().await.unwrap().iter().all(|(_, applied)| *applied));
    Shop::new(store.clone()).place(&[1]).await;
}
