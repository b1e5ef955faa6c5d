//! A fresh database for one test: a SQLite file, or a clone of a migrated template on PostgreSQL.

use std::hash::{DefaultHasher, Hash, Hasher};

use persistence::Store;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as Connections, DatabaseConnection, DatabaseTransaction,
    DbBackend, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::wait::until;

/// Where `scripts/test` says PostgreSQL is.
const SERVER: &str = "MILEPOST_TEST_DATABASE_URL";
/// What the template is made from: another text makes another template.
const SCHEMA: [&str; 2] = [
    include_str!("../../migrations/src/lib.rs"),
    include_str!("../../migrations/sql/0001_orders.postgres.up.sql"),
];
/// The advisory lock under which the template is made: tests run in many processes.
const TEMPLATE_LOCK: i64 = 7_305_804;

/// A migrated database that nobody else uses.
pub struct Database {
    /// Its address, for further connections and for processes.
    pub url: String,
    /// A store on it.
    pub store: Store,
    _folder: Option<TempDir>,
}

impl Database {
    /// A SQLite file.
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder for the database");
        let url = format!("sqlite://{}/milepost.db?mode=rwc", folder.path().display());
        let store = Store::connect(&url, 4).await.expect("SQLite opens a new file");
        store.migrate().await.expect("the migrations run on SQLite");
        Self { url, store, _folder: Some(folder) }
    }

    /// A database on the PostgreSQL that `scripts/test` started. Without one there is nothing to test on.
    pub async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var(SERVER) else {
            assert!(std::env::var("MILEPOST_TEST_SERVICES").is_err(), "{SERVER} is not set");
            eprintln!("skipped: {SERVER} is not set; scripts/test starts PostgreSQL");
            return None;
        };
        let (base, _) = server.rsplit_once('/').expect("an address that ends in a database");
        let admin = connect(&server).await;
        let template = make_template(&admin, base).await;
        let name = format!("milepost_{}", Uuid::new_v4().simple());
        execute(&admin, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        let url = format!("{base}/{name}");
        let store = Store::connect(&url, 8).await.expect("an address PostgreSQL understands");
        Some(Self { url, store, _folder: None })
    }

    /// A connection for what the product itself never says.
    pub async fn connection(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    /// Does what the product itself never does.
    pub async fn execute(&self, sql: &str) {
        execute(&self.connection().await, sql).await;
    }

    /// Does several such things, one after the other on one connection.
    pub async fn execute_all(&self, statements: &[&str]) {
        let connection = self.connection().await;
        for sql in statements {
            execute(&connection, sql).await;
        }
    }

    /// Does what the product itself never does, at another address.
    pub async fn execute_at(url: &str, sql: &str) {
        execute(&connect(url).await, sql).await;
    }

    /// Holds what the statement locks, until [`Held::release`]: whoever wants it waits. PostgreSQL only.
    pub async fn hold(&self, sql: &str) -> Held {
        let held = self.connection().await.begin().await.expect("a transaction begins");
        held.execute_unprepared(sql).await.expect(sql);
        Held(held)
    }

    /// Holds a whole SQLite file as another program does that writes to it.
    pub async fn hold_sqlite(url: &str) -> Held {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Held(connect(url).await.begin_with_options(options).await.expect("a transaction begins"))
    }

    /// Waits until so many sessions of this database wait for a lock. PostgreSQL only.
    pub async fn wait_for_waiting(&self, sessions: i64) {
        let connection = self.connection().await;
        let sql = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("sessions that wait for a lock", async || {
            let statement = Statement::from_string(DbBackend::Postgres, sql);
            let row = connection.query_one_raw(statement).await.expect("PostgreSQL answers").expect("a row");
            let waiting: i64 = row.try_get_by_index(0).expect("a number");
            (waiting >= sessions).then_some(())
        })
        .await;
    }
}

/// A lock that is held.
pub struct Held(DatabaseTransaction);

impl Held {
    /// Lets go.
    pub async fn release(self) {
        self.0.rollback().await.expect("a transaction ends");
    }
}

async fn make_template(admin: &DatabaseConnection, base: &str) -> String {
    let mut hash = DefaultHasher::new();
    SCHEMA.hash(&mut hash);
    let template = format!("milepost_template_{:016x}", hash.finish());
    execute(admin, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{template}'");
    let exists = Statement::from_string(DbBackend::Postgres, exists);
    if admin.query_one_raw(exists).await.expect("PostgreSQL answers").is_none() {
        let unfinished = format!("milepost_unfinished_{}", Uuid::new_v4().simple());
        execute(admin, &format!("CREATE DATABASE {unfinished}")).await;
        let store = Store::connect(&format!("{base}/{unfinished}"), 1).await.expect("a readable address");
        store.migrate().await.expect("the migrations run on PostgreSQL");
        store.close().await.expect("the connections close");
        execute(admin, &format!("ALTER DATABASE {unfinished} RENAME TO {template}")).await;
    }
    execute(admin, &format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await;
    template
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Connections::connect(options).await.expect("the database of the tests answers")
}

async fn execute(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.expect(sql);
}
