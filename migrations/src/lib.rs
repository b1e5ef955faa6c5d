//! The schema of the database, as migrations for PostgreSQL and SQLite.
//!
//! `persistence::Store::migrate` runs them under a lock. A migration consists of two pairs of SQL files, because the
//! two databases differ in types and triggers. A test compares the schemas that they make.
//!
//! Until the first release there is one migration. It is changed in place and then gets a new name. A database that
//! was made before has a migration that is not in this list, and `Store` refuses it.

pub use sea_orm_migration::{MigratorTrait, SchemaManager};
use sea_orm_migration::{async_trait::async_trait, prelude::*, sea_orm::DbBackend};

/// All migrations, oldest first.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(SqlMigration {
            name: "m20261201_000002_orders",
            postgres: Sql {
                up: include_str!("../sql/0001_orders.postgres.up.sql"),
                down: include_str!("../sql/0001_orders.postgres.down.sql"),
            },
            sqlite: Sql {
                up: include_str!("../sql/0001_orders.sqlite.up.sql"),
                down: include_str!("../sql/0001_orders.sqlite.down.sql"),
            },
        })]
    }
}

struct Sql {
    up: &'static str,
    down: &'static str,
}

struct SqlMigration {
    name: &'static str,
    postgres: Sql,
    sqlite: Sql,
}

impl SqlMigration {
    fn on(&self, backend: DbBackend) -> Result<&Sql, DbErr> {
        match backend {
            DbBackend::Postgres => Ok(&self.postgres),
            DbBackend::Sqlite => Ok(&self.sqlite),
            other => Err(DbErr::Custom(format!("Milepost runs on PostgreSQL and SQLite, not on {other:?}"))),
        }
    }
}

impl MigrationName for SqlMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for SqlMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = self.on(manager.get_database_backend())?.up;
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = self.on(manager.get_database_backend())?.down;
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}
