//! Tests that both databases have the same tables, and that both know exactly the statuses of the domain.

use std::collections::BTreeSet;

use domain::{OrderStatus, ShipmentStatus};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tests::{database::Database, on_every_database, shop::Shop};

on_every_database!(
    the_database_knows_the_statuses_of_the_domain,
    a_number_is_one_shipments_while_it_is_on_its_way,
);

async fn rows(connection: &DatabaseConnection, backend: DbBackend, sql: &str) -> Vec<String> {
    let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn the_database_knows_the_statuses_of_the_domain(database: Database) {
    let connection = database.connection().await;
    let known: Vec<&str> = OrderStatus::ALL.iter().map(|status| status.as_str()).collect();
    if database.store.is_postgres() {
        let labels = "SELECT enumlabel::text FROM pg_enum WHERE enumtypid = 'order_status'::regtype \
                      ORDER BY enumsortorder";
        assert_eq!(rows(&connection, DbBackend::Postgres, labels).await, known);
    } else {
        let table = "SELECT sql FROM sqlite_master WHERE name = 'orders'";
        let sql = rows(&connection, DbBackend::Sqlite, table).await.remove(0);
        let (_, check) = sql.split_once("CHECK (status IN (").unwrap();
        let (members, _) = check.split_once(')').unwrap();
        let members: Vec<&str> = members.split(',').map(|member| member.trim().trim_matches('\'')).collect();
        assert_eq!(members, known);
    }
}

/// A number is exclusive in the database exactly while its shipment is on its way.
async fn a_number_is_one_shipments_while_it_is_on_its_way(database: Database) {
    let shop = Shop::new(database.store.clone());
    let connection = database.connection().await;
    let order = shop.processing(&[1]).await;
    shop.ship(order, "790000000001").await;
    let exclusive = "SELECT CASE WHEN is_exclusive THEN 'yes' ELSE 'no' END FROM shipment_numbers";
    let backend = connection.get_database_backend();
    for status in [ShipmentStatus::PickedUp, ShipmentStatus::OutForDelivery, ShipmentStatus::Delivered] {
        shop.scan("790000000001", status).await;
        shop.drain().await;
        let expected = if status.is_on_its_way() { "yes" } else { "no" };
        assert_eq!(rows(&connection, backend, exclusive).await, [expected], "{status}");
    }
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let Some(postgres) = Database::postgres().await else { return };
    let sqlite = Database::sqlite().await;
    let of_postgres = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                       WHERE table_schema = 'public' AND table_name <> 'seaql_migrations'";
    let of_sqlite = "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c \
                     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'seaql_migrations'";
    let on_postgres = rows(&postgres.connection().await, DbBackend::Postgres, of_postgres).await;
    let on_sqlite = rows(&sqlite.connection().await, DbBackend::Sqlite, of_sqlite).await;
    let (on_postgres, on_sqlite): (BTreeSet<_>, BTreeSet<_>) =
        (on_postgres.into_iter().collect(), on_sqlite.into_iter().collect());
    assert!(on_postgres.contains("orders.version"));
    assert_eq!(on_postgres, on_sqlite);
}
