//! Tests that the SQL statements in docs/operations.md run on both databases, and that the product handles what they
//! change.

use domain::{OrderStatus, ShipmentStatus};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::{database::Database, on_every_database, shop::Shop};

const OPERATIONS: &str = include_str!("../../../docs/operations.md");
const NUMBER: &str = "794600000001";

on_every_database!(the_statements_for_operators_run_and_failed_webhooks_are_read_again);

async fn the_statements_for_operators_run_and_failed_webhooks_are_read_again(database: Database) {
    let shop = Shop::new(database.store.clone());
    let order = shop.processing(&[1]).await;
    shop.ship(order, NUMBER).await;
    shop.drain().await;
    shop.scan(NUMBER, ShipmentStatus::Delivered).await;
    database.execute("UPDATE webhooks SET state = 'failed', failures = 10, error = 'x', due_at = NULL").await;
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::AwaitingPickup);

    let connection = database.connection().await;
    let backend = if database.store.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite };
    let statements = statements();
    assert!(statements.iter().any(|sql| sql.starts_with("UPDATE ")), "{statements:#?}");
    for sql in statements {
        connection.query_all_raw(Statement::from_string(backend, &sql)).await.expect(&sql);
    }
    shop.drain().await;
    assert_eq!(shop.status(order).await, OrderStatus::Delivered);
}

/// Returns the statements in the SQL code blocks, without their comments.
fn statements() -> Vec<String> {
    let fenced = OPERATIONS.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = fenced.flat_map(str::lines).filter(|line| !line.starts_with("--"));
    let all = lines.collect::<Vec<_>>().join("\n");
    all.split(';').map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_owned).collect()
}
