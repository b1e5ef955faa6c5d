//! The connection: PostgreSQL or SQLite, one face.

use std::{fmt, time::Duration};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    EntityName, EntityTrait, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use sea_orm_migration::{SchemaManager, seaql_migrations};

use crate::error::{Error, Result};

/// A transaction that can write.
pub type Tx = DatabaseTransaction;

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
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let mut options = ConnectOptions::new(url);
            options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false);
            options.connect_lazy(true).test_before_acquire_if_idle_for(TEST_AFTER);
            options.map_sqlx_postgres_opts(|options| options.options(LIMITS));
            let writer = Database::connect(options).await?;
            return Ok(Self { reader: writer.clone(), writer });
        }
        if url.starts_with("sqlite:") {
            let writer = Database::connect(sqlite(url, 1, false)).await?;
            let reader = Database::connect(sqlite(url, connections.max(1), true)).await?;
            return Ok(Self { writer, reader });
        }
        Err(Error::Url(url.split(':').next().unwrap_or_default().to_owned()))
    }

    /// Brings the schema up to date. Safe when several processes start at once.
    ///
    /// # Errors
    /// [`Error::OtherBuild`] when another build made the schema; it stays as it is.
    pub async fn migrate(&self) -> Result<()> {
        let tx = self.begin().await?;
        if self.is_postgres() {
            // Others may be at it, and a migration may take its time.
            let sql = format!(
                "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
                 SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
            );
            tx.execute_unprepared(&sql).await?;
        }
        refuse_other_builds(&tx).await?;
        Migrator::up(&tx, None).await?;
        self.commit_repeatable(tx).await
    }

    /// Takes the whole schema away again, and every row with it.
    pub async fn unmigrate(&self) -> Result<()> {
        let tx = self.begin().await?;
        Migrator::down(&tx, None).await?;
        self.commit_repeatable(tx).await
    }

    /// The migrations there are, and whether each was applied. Makes no table.
    ///
    /// # Errors
    /// [`Error::OtherBuild`] when another build made the schema.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        let tx = self.begin().await?;
        refuse_other_builds(&tx).await?;
        let all = Migrator::get_migration_with_status_read_only(&tx).await?;
        let all = all
            .into_iter()
            .map(|one| (one.name().to_owned(), one.status() == sea_orm_migration::MigrationStatus::Applied));
        let all = all.collect();
        self.commit_repeatable(tx).await?;
        Ok(all)
    }

    /// Begins a transaction that will write: on SQLite it takes the one writer's place at once.
    pub async fn begin(&self) -> Result<Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// Commits work of which twice is not the same as once: a failure that is counted, a change that is answered. Only
    /// work that is known to bear it takes [`commit_repeatable`](Self::commit_repeatable).
    ///
    /// # Errors
    /// [`Error::CommitUnknown`] when the connection is lost meanwhile: the work may have been done, and is not done
    /// again.
    pub async fn commit(&self, tx: Tx) -> Result<()> {
        tx.commit().await.map_err(Error::of_commit)
    }

    /// Commits work that may be done twice without harm: the second time it writes the same, or finds itself done. All
    /// other work takes [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::Database`] when the connection is lost meanwhile, which is [retryable](Error::retryable) like any other
    /// loss of it.
    pub async fn commit_repeatable(&self, tx: Tx) -> Result<()> {
        Ok(tx.commit().await?)
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
async fn refuse_other_builds(tx: &Tx) -> Result<()> {
    if !SchemaManager::new(tx).has_table(seaql_migrations::Entity.table_name()).await? {
        return Ok(());
    }
    let known = Migrator::migrations();
    let is_unknown = |name: &String| known.iter().all(|one| one.name() != name);
    let applied = seaql_migrations::Entity::find().all(tx).await?;
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
