//! The tables as sea-orm reads them, one file for each. Rows are inserted through [`dialect`](crate::dialect), and
//! converted in `mapping`. A test compares the columns with those of the migrations.

pub(crate) mod delivery_estimate;
pub(crate) mod failure;
pub(crate) mod idempotency_key;
pub(crate) mod mail;
pub(crate) mod notification;
pub(crate) mod order;
pub(crate) mod order_activity;
pub(crate) mod order_event;
pub(crate) mod order_item;
pub(crate) mod outbox_entry;
pub(crate) mod scan;
pub(crate) mod shipment;
pub(crate) mod shipment_item;
pub(crate) mod shipment_number;
pub(crate) mod status;
pub(crate) mod webhook;
pub(crate) mod webhook_wait;

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use migrations::{Migrator, MigratorTrait};
    use sea_orm::{
        ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait,
        IdenStatic, Iterable, Statement,
    };

    use super::*;

    /// An SQLite database in memory with Milepost's tables.
    pub(crate) async fn make_database() -> DatabaseConnection {
        let mut options = ConnectOptions::new("sqlite::memory:");
        // Every connection to memory is a database of its own.
        options.max_connections(1);
        let database = Database::connect(options).await.unwrap();
        Migrator::up(&database, None).await.unwrap();
        database
    }

    /// Column names, and whether each may be NULL.
    type Columns = BTreeSet<(String, bool)>;

    fn describe<E: EntityTrait>() -> (String, Columns) {
        let columns = E::Column::iter().map(|column| (column.as_str().to_owned(), column.def().is_null()));
        (E::default().as_str().to_owned(), columns.collect())
    }

    #[tokio::test]
    async fn every_table_has_an_entity_with_its_columns() {
        let entities = BTreeMap::from([
            describe::<delivery_estimate::Entity>(),
            describe::<failure::Entity>(),
            describe::<idempotency_key::Entity>(),
            describe::<mail::Entity>(),
            describe::<notification::Entity>(),
            describe::<order::Entity>(),
            describe::<order_activity::Entity>(),
            describe::<order_event::Entity>(),
            describe::<order_item::Entity>(),
            describe::<outbox_entry::Entity>(),
            describe::<scan::Entity>(),
            describe::<shipment::Entity>(),
            describe::<shipment_item::Entity>(),
            describe::<shipment_number::Entity>(),
            describe::<webhook::Entity>(),
            describe::<webhook_wait::Entity>(),
        ]);
        let sql = "SELECT m.name, c.name, c.\"notnull\" = 0 AND c.pk = 0 FROM sqlite_master m, pragma_table_info(m.name) c \
                   WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' \
                   AND m.name NOT IN ('seaql_migrations', 'write_probe')";
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
        for row in make_database().await.query_all_raw(statement).await.unwrap() {
            let cell = |at| row.try_get_by_index::<String>(at).unwrap();
            let column = (cell(1), row.try_get_by_index(2).unwrap());
            tables.entry(cell(0)).or_default().insert(column);
        }
        assert_eq!(entities, tables);
    }
}
