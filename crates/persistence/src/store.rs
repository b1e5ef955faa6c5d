//! The connection: PostgreSQL or SQLite, one face.

use std::{fmt, sync::Arc, time::Duration};

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

/// How long to wait for a connection, and for SQLite's one writer.
const PATIENCE: Duration = Duration::from_secs(5);
/// An idle connection is tried before it is used: the server may have been restarted meanwhile.
const TEST_AFTER: Duration = Duration::from_secs(1);
/// What a session of PostgreSQL may take. Somebody who holds a row must not hold up everybody who waits.
const LIMITS: [(&str, &str); 3] =
    [("lock_timeout", "3s"), ("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "30s")];
/// The key of the advisory lock that lets one process migrate at a time: "milepost" in ASCII.
const MIGRATION_LOCK: i64 = 0x6d69_6c65_706f_7374;

/// A database with Milepost's tables. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    connections: Arc<Connections>,
    writing: Arc<Writing>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend()).finish()
    }
}

impl Store {
    /// Connects with at most `connections` connections. On two cores eight to ten do as much as thirty. The
    /// first connection is made when it is needed, so a database that is down does not keep a process down.
    ///
    /// # Errors
    /// [`Error::Url`] for an unknown scheme, [`Error::Database`] for an URL that cannot be read.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        let known = Arc::<Connections>::default();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let mut options = ConnectOptions::new(url);
            options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false);
            options.connect_lazy(true).test_before_acquire_if_idle_for(TEST_AFTER);
            options.map_sqlx_postgres_opts(|options| options.options(LIMITS));
            known.watch_postgres(&mut options);
            let writer = Database::connect(options).await?;
            return Ok(Self { reader: writer.clone(), writer, connections: known, writing: Arc::default() });
        }
        if url.starts_with("sqlite:") {
            let mut options = sqlite(url, 1, false);
            known.watch_sqlite(&mut options);
            let writer = Database::connect(options).await?;
            let reader = Database::connect(sqlite(url, connections.max(1), true)).await?;
            for pool in [&writer, &reader].map(DatabaseConnection::get_sqlite_connection_pool) {
                // A file that is deleted meanwhile must not be made anew, empty.
                let options = pool.connect_options().as_ref().clone();
                pool.set_connect_options(options.create_if_missing(false));
            }
            return Ok(Self { writer, reader, connections: known, writing: Arc::default() });
        }
        Err(Error::Url(url.split(':').next().unwrap_or_default().to_owned()))
    }

    /// Brings the schema up to date. Safe when several processes start at once. Writes nothing when nothing is pending.
    ///
    /// # Errors
    /// [`Error::OtherBuild`] when another build made the schema; it stays as it is.
    pub async fn migrate(&self) -> Result<()> {
        if self.migrations().await?.iter().all(|(_, applied)| *applied) {
            return Ok(());
        }
        let tx = self.begin().await?;
        if self.is_postgres() {
            // Others may be at it, and a migration may take its time.
            let sql = format!(
                "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
                 SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
            );
            tx.execute_unprepared(&sql).await?;
        }
        refuse_other_builds(&SchemaManager::new(tx.inner())).await?;
        tx.guarded(Migrator::up(tx.inner(), None)).await?;
        self.commit_repeatable(tx).await
    }

    /// Takes the whole schema away again, and every row with it.
    pub async fn unmigrate(&self) -> Result<()> {
        let tx = self.begin().await?;
        tx.guarded(Migrator::down(tx.inner(), None)).await?;
        self.commit_repeatable(tx).await
    }

    /// The migrations there are, and whether each was applied. Makes no table and writes nothing.
    ///
    /// # Errors
    /// [`Error::OtherBuild`] when another build made the schema.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        refuse_other_builds(&SchemaManager::new(&self.reader)).await?;
        let all = Migrator::get_migration_with_status_read_only(&self.reader).await?;
        let all = all
            .into_iter()
            .map(|one| (one.name().to_owned(), one.status() == sea_orm_migration::MigrationStatus::Applied));
        Ok(all.collect())
    }

    /// Begins a transaction that will write: on SQLite it takes the one writer's place at once.
    pub async fn begin(&self) -> Result<Tx> {
        Tx::begin(self).await
    }

    /// Commits work of which twice is not the same as once: a failure that is counted, a change that is answered. Only
    /// work that is known to bear it takes [`commit_repeatable`](Self::commit_repeatable).
    ///
    /// # Errors
    /// [`Error::CommitUnknown`] when the connection is lost meanwhile: the work may have been done, and is not done
    /// again. [`Error::NotCommitted`] when a statement of it failed.
    pub async fn commit(&self, tx: Tx) -> Result<()> {
        tx.commit().await
    }

    /// Commits work that may be done twice without harm: the second time it writes the same, or finds itself done. All
    /// other work takes [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::Database`] when the connection is lost meanwhile, which is [retryable](Error::retryable) like any other
    /// loss of it. [`Error::NotCommitted`] when a statement of it failed.
    pub async fn commit_repeatable(&self, tx: Tx) -> Result<()> {
        match tx.commit().await {
            Err(Error::CommitUnknown(error)) => Err(Error::Database(error)),
            committed => committed,
        }
    }

    /// Begins a transaction that a crash may undo without harm, such as a lease: PostgreSQL does not keep its commit
    /// waiting for the disk.
    pub async fn begin_relaxed(&self) -> Result<Tx> {
        let tx = self.begin().await?;
        if self.is_postgres() {
            tx.execute_unprepared("SET LOCAL synchronous_commit = off").await?;
        }
        Ok(tx)
    }

    /// Whether the database takes writes, by the latest real ones or by a try. Waits no longer than that.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn writable(&self, patience: Duration) -> Result<(), String> {
        writing::writable(self, patience).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        let statement = Statement::from_string(self.backend(), "SELECT 1");
        self.reader.query_one_raw(statement).await?;
        Ok(())
    }

    /// Closes every connection.
    pub async fn close(self) -> Result<()> {
        self.reader.close().await?;
        self.writer.close().await?;
        Ok(())
    }

    /// Calls back after every statement, with its text: for tests that count them.
    pub fn on_statement(&mut self, callback: impl Fn(&str) + Clone + Send + Sync + 'static) {
        let second = callback.clone();
        self.writer.set_metric_callback(move |info| callback(&info.statement.sql));
        self.reader.set_metric_callback(move |info| second(&info.statement.sql));
    }

    /// Whether this is PostgreSQL; else it is SQLite.
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

/// Refuses a database with a migration that this build does not have: nothing is known of its tables.
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

/// WAL lets readers go on beside the writer; FULL keeps every commit through a loss of power.
fn sqlite(url: &str, connections: u32, read_only: bool) -> ConnectOptions {
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
