//! The store: connections, transactions and migrations, for PostgreSQL and SQLite alike.
//!
//! 1. SQLite has one connection that writes and several that read. PostgreSQL has one pool for both.
//! 2. Functions that write take a [`Tx`]. Functions that only read take the [`Store`], and see committed rows.
//! 3. `milepost` opens, migrates and closes the store: `serve`, `check`, `migrate` and the demo. It lists the
//!    migrations, each with its name and whether it is applied.
//! 4. `api::health` calls `ping` and `writable` for `/readyz`. A `writable` that waits in vain for `patience` is still
//!    `Ok`, unless nothing could be written for ten seconds.
//! 5. `app` and the other modules of this crate begin and commit transactions. Begin waits at most five seconds for a
//!    connection. Work that may be repeated ends with `commit_repeatable`, other work with `commit`.
//! 6. Only tests call `drop_schema` and `on_statement`.

use std::{fmt, sync::Arc, time::Duration};

use domain::NotificationMaxAge;
use futures::future::BoxFuture;
use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityName, EntityTrait,
    Statement,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use sea_orm_migration::{SchemaManager, seaql_migrations};

use crate::error::{Error, Result};
use connections::Connections;
use writing::Writing;

pub use transaction::Tx;

mod connections;
mod transaction;
mod writing;

/// How long to wait for a connection of the pool, and on SQLite for the one writer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection that was idle for this long is tested before it is used, because the server may have been restarted.
const TEST_AFTER: Duration = Duration::from_secs(1);
/// Limits for each session of PostgreSQL. A session that holds a row must not block everybody who waits for it.
const LIMITS: [(&str, &str); 3] =
    [("lock_timeout", "3s"), ("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "30s")];
/// The key of the advisory lock under which one process at a time migrates: "milepost" in ASCII.
const MIGRATION_LOCK: i64 = 0x6d69_6c65_706f_7374;

/// A database with Milepost's tables. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    connections: Arc<Connections>,
    writing: Arc<Writing>,
    notification_max_age: NotificationMaxAge,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend()).finish()
    }
}

impl Store {
    /// Opens a store with at most `connections` connections; on SQLite these are the readers, and there is one
    /// writer. On two cores, eight to ten connections do as much as thirty.
    ///
    /// On PostgreSQL the first connection is made when it is needed, so a process can start while the database is
    /// down.
    ///
    /// # Errors
    /// [`Error::Url`] for an unknown scheme. [`Error::Database`] for a URL that cannot be read, or a SQLite file that
    /// cannot be opened.
    pub fn connect(url: &str, connections: u32) -> BoxFuture<'_, Result<Self>> {
        Box::pin(connect(url, connections))
    }

    /// The same store, whose transactions notify customers only of events that are not older than this. Every process
    /// that changes orders sets it once.
    pub fn with_notification_max_age(self, notification_max_age: NotificationMaxAge) -> Self {
        Self { notification_max_age, ..self }
    }

    /// Applies the pending migrations. Several processes can call this at the same time. Writes nothing if none is
    /// pending.
    ///
    /// # Errors
    /// [`Error::OtherBuild`] if another build made the schema. The schema stays as it is.
    pub fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(migrate(self))
    }

    /// Undoes all migrations: removes the whole schema and all its rows.
    pub async fn drop_schema(&self) -> Result<()> {
        let tx = self.begin().await?;
        tx.run_guarded(Migrator::down(tx.inner(), None)).await?;
        self.commit_repeatable(tx).await
    }

    /// The migrations of this build, and whether each is applied. Only reads.
    ///
    /// # Errors
    /// [`Error::OtherBuild`] if another build made the schema.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        refuse_other_builds(&SchemaManager::new(&self.reader)).await?;
        let all = Migrator::get_migration_with_status_read_only(&self.reader).await?;
        let all = all
            .into_iter()
            .map(|one| (one.name().to_owned(), one.status() == sea_orm_migration::MigrationStatus::Applied));
        Ok(all.collect())
    }

    /// Begins a transaction that will write. On SQLite it takes the lock of the one writer at once.
    pub fn begin(&self) -> BoxFuture<'_, Result<Tx>> {
        Tx::begin(self)
    }

    /// Commits work that must not be done twice, for example a failure that is counted, or a change that is answered.
    /// If it is not certain that work can be repeated, use this and not
    /// [`commit_repeatable`](Self::commit_repeatable).
    ///
    /// # Errors
    /// [`Error::CommitUnknown`] if the connection is lost during the commit: the work may have been done, so the
    /// caller must not repeat it. [`Error::NotCommitted`] if a statement of the transaction failed.
    pub fn commit(&self, tx: Tx) -> BoxFuture<'static, Result<()>> {
        tx.commit()
    }

    /// Commits work that can be done twice without harm, because the second time writes the same or finds the work
    /// done. For all other work, use [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::Database`] if the connection is lost during the commit. It is [retryable](Error::retryable), as after
    /// any other loss of a connection. [`Error::NotCommitted`] if a statement of the transaction failed.
    pub async fn commit_repeatable(&self, tx: Tx) -> Result<()> {
        match tx.commit().await {
            Err(Error::CommitUnknown(error)) => Err(Error::Database(error)),
            committed => committed,
        }
    }

    /// Begins a transaction that a crash may undo without harm, such as a lease. On PostgreSQL its commit does not
    /// wait for the disk.
    pub async fn begin_relaxed(&self) -> Result<Tx> {
        let tx = self.begin().await?;
        if self.is_postgres() {
            tx.execute_unprepared("SET LOCAL synchronous_commit = off").await?;
        }
        Ok(tx)
    }

    /// Whether the database takes writes: by the latest real writes, else by a test write. Waits for at most
    /// `patience`.
    ///
    /// # Errors
    /// The reason why it takes none, for people.
    pub async fn writable(&self, patience: Duration) -> Result<(), String> {
        writing::check_writable(self, patience).await
    }

    /// Checks that the database answers.
    pub async fn ping(&self) -> Result<()> {
        let statement = Statement::from_string(self.backend(), "SELECT 1");
        self.reader.query_one_raw(statement).await?;
        Ok(())
    }

    pub fn close(self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            self.reader.close().await?;
            self.writer.close().await?;
            Ok(())
        })
    }

    /// Calls `callback` with the text of each statement, after the statement. For tests that count statements.
    pub fn on_statement(&mut self, callback: impl Fn(&str) + Clone + Send + Sync + 'static) {
        let second = callback.clone();
        self.writer.set_metric_callback(move |info| callback(&info.statement.sql));
        self.reader.set_metric_callback(move |info| second(&info.statement.sql));
    }

    /// Whether this is PostgreSQL. If not, it is SQLite.
    pub fn is_postgres(&self) -> bool {
        self.backend() == DbBackend::Postgres
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}

async fn connect(url: &str, connections: u32) -> Result<Store> {
    let known = Arc::<Connections>::default();
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let mut options = ConnectOptions::new(url);
        options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false);
        options.connect_lazy(true).test_before_acquire_if_idle_for(TEST_AFTER);
        options.map_sqlx_postgres_opts(|options| options.options(LIMITS));
        known.watch_postgres(&mut options);
        let writer = Database::connect(options).await?;
        return Ok(build_store(writer.clone(), writer, known));
    }
    if url.starts_with("sqlite:") {
        let mut options = sqlite_options(url, 1, false);
        known.watch_sqlite(&mut options);
        let writer = Database::connect(options).await?;
        let reader = Database::connect(sqlite_options(url, connections.max(1), true)).await?;
        for pool in [&writer, &reader].map(DatabaseConnection::get_sqlite_connection_pool) {
            // If the file is deleted later, it must not be created again, empty.
            let options = pool.connect_options().as_ref().clone();
            pool.set_connect_options(options.create_if_missing(false));
        }
        return Ok(build_store(writer, reader, known));
    }
    Err(Error::Url(url.split(':').next().unwrap_or_default().to_owned()))
}

fn build_store(
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    connections: Arc<Connections>,
) -> Store {
    let notification_max_age = NotificationMaxAge::default();
    Store { writer, reader, connections, writing: Arc::default(), notification_max_age }
}

async fn migrate(store: &Store) -> Result<()> {
    if store.migrations().await?.iter().all(|(_, applied)| *applied) {
        return Ok(());
    }
    let tx = store.begin().await?;
    if store.is_postgres() {
        // Another process may be migrating, and a migration may take long.
        let sql = format!(
            "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
             SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
        );
        tx.execute_unprepared(&sql).await?;
    }
    refuse_other_builds(&SchemaManager::new(tx.inner())).await?;
    tx.run_guarded(Migrator::up(tx.inner(), None)).await?;
    store.commit_repeatable(tx).await
}

/// Refuses a database with a migration that this build does not have, because its tables are not known.
async fn refuse_other_builds(schema: &SchemaManager<'_>) -> Result<()> {
    if !schema.has_table(seaql_migrations::Entity.table_name()).await? {
        return Ok(());
    }
    let known = Migrator::migrations();
    let is_unknown = |name: &String| known.iter().all(|one| one.name() != name);
    let applied = seaql_migrations::Entity::find().all(schema.get_connection()).await?;
    match applied.into_iter().map(|one| one.version).find(is_unknown) {
        Some(migration) => Err(Error::OtherBuild(migration)),
        None => Ok(()),
    }
}

/// The options for SQLite. With WAL, readers do not wait for the writer. With FULL, a commit survives a loss of
/// power.
fn sqlite_options(url: &str, connections: u32, read_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .foreign_keys(true)
            .read_only(read_only)
    });
    options
}
