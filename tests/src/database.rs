//! Creates a fresh database for a test: a SQLite file, or a clone of a migrated template on PostgreSQL.

use std::hash::{DefaultHasher, Hash, Hasher};

use persistence::Store;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as Connections, DatabaseConnection, DatabaseTransaction,
    DbBackend, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::wait::until;

/// The variable in which `scripts/test` passes the address of PostgreSQL.
const SERVER: &str = "MILEPOST_TEST_DATABASE_URL";
/// The texts that define the schema. Their hash is in the template's name, so a changed text gets a new template.
const SCHEMA: [&str; 2] = [
    include_str!("../../migrations/src/lib.rs"),
    include_str!("../../migrations/sql/0001_orders.postgres.up.sql"),
];
/// The advisory lock for creating the template, because the tests run in many processes.
const TEMPLATE_LOCK: i64 = 7_305_804;

/// A migrated database that no other test uses.
pub struct Database {
    /// The URL, for further connections and for processes.
    pub url: String,
    /// A store on this database.
    pub store: Store,
    _folder: Option<TempDir>,
}

impl Database {
    /// Creates a SQLite file in a temporary folder.
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder for the database");
        let url = format!("sqlite://{}/milepost.db?mode=rwc", folder.path().display());
        let store = Store::connect(&url, 4).await.expect("SQLite opens a new file");
        store.migrate().await.expect("the migrations run on SQLite");
        Self { url, store, _folder: Some(folder) }
    }

    /// Creates a database on the PostgreSQL that `scripts/test` started. Returns `None` if it was not started; the test
    /// is skipped then.
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

    /// Opens a connection for statements that the product itself does not execute.
    pub async fn connection(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    /// Executes a statement that the product itself does not execute.
    pub async fn execute(&self, sql: &str) {
        execute(&self.connection().await, sql).await;
    }

    /// Executes several such statements in sequence on one connection.
    pub async fn execute_all(&self, statements: &[&str]) {
        let connection = self.connection().await;
        for sql in statements {
            execute(&connection, sql).await;
        }
    }

    /// Executes such a statement on another database.
    pub async fn execute_at(url: &str, sql: &str) {
        execute(&connect(url).await, sql).await;
    }

    /// Executes a statement that locks rows or tables, and holds the locks until [`Held::release`]. Other sessions wait
    /// for them. PostgreSQL only.
    pub async fn hold(&self, sql: &str) -> Held {
        let held = self.connection().await.begin().await.expect("a transaction begins");
        held.execute_unprepared(sql).await.expect(sql);
        Held(held)
    }

    /// Locks a whole SQLite file, as another program does while it writes to it.
    pub async fn hold_sqlite(url: &str) -> Held {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Held(connect(url).await.begin_with_options(options).await.expect("a transaction begins"))
    }

    /// Waits until at least `sessions` sessions of this database wait for a lock. PostgreSQL only.
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

/// A transaction that holds locks.
pub struct Held(DatabaseTransaction);

impl Held {
    /// Releases the locks.
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
