//! A fresh database for one test: a SQLite file, or a clone of a migrated template on PostgreSQL.

use persistence::Store;
use sea_orm::{ConnectOptions, ConnectionTrait, Database as Connections, DatabaseConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// Where `scripts/test` says PostgreSQL is.
const SERVER: &str = "MILEPOST_TEST_DATABASE_URL";
/// The template is made anew when the migrations change.
const TEMPLATE: &str = "milepost_template";
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
        make_template(&admin, base).await;
        let name = format!("milepost_{}", Uuid::new_v4().simple());
        execute(&admin, &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await;
        let url = format!("{base}/{name}");
        let store = Store::connect(&url, 8).await.expect("an address PostgreSQL understands");
        Some(Self { url, store, _folder: None })
    }

    /// A connection for what the product itself never says.
    pub async fn connection(&self) -> DatabaseConnection {
        connect(&self.url).await
    }
}

async fn make_template(admin: &DatabaseConnection, base: &str) {
    execute(admin, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'");
    let exists = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, exists);
    if admin.query_one_raw(exists).await.expect("PostgreSQL answers").is_none() {
        let unfinished = format!("{TEMPLATE}_{}", Uuid::new_v4().simple());
        execute(admin, &format!("CREATE DATABASE {unfinished}")).await;
        let store = Store::connect(&format!("{base}/{unfinished}"), 1).await.expect("a readable address");
        store.migrate().await.expect("the migrations run on PostgreSQL");
        store.close().await.expect("the connections close");
        execute(admin, &format!("ALTER DATABASE {unfinished} RENAME TO {TEMPLATE}")).await;
    }
    execute(admin, &format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await;
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Connections::connect(options).await.expect("the database of the tests answers")
}

async fn execute(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.expect(sql);
}
