//! Transactions that are committed as a whole or not at all.
//!
//! All writes use a transaction of [`Store::begin`](super::Store::begin). It reports each failure, and each commit that
//! wrote rows, to `writing` and `connections`. After a statement that failed, or whose end was not waited for, the
//! transaction runs no further statement and cannot be committed. There is a reason for each database:
//! 1. PostgreSQL would answer the commit with a rollback, and with no error.
//! 2. SQLite may have ended the transaction by itself, and would commit each further statement separately.
//!
//! `Tx` is a connection for sea-orm: each statement goes through `run_guarded`, also those of migrations. `note_write`
//! remembers that a statement which is no `SELECT` (`may_write_rows`) touched rows. `store` alone calls `begin` and
//! `commit`; `app::webhooks::replay` calls `rollback`. A `Tx` that is dropped is rolled back.
//!
//! The functions that begin and end a transaction return boxed futures: the body of an `async fn` is compiled again in
//! each crate that awaits it, and with it the driver's code.

use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use domain::NotificationMaxAge;
use futures::future::BoxFuture;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::async_trait::async_trait;

use super::Store;
use crate::error::{Error, Result};

/// A transaction that can write. It is rolled back if it is dropped.
pub struct Tx {
    inner: DatabaseTransaction,
    store: Store,
    /// The number of statements that have begun and have not succeeded.
    open: AtomicUsize,
    failed: AtomicBool,
    /// Whether a row was written. If none was, a successful commit does not show that the disk takes writes.
    wrote: AtomicBool,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) fn begin(store: &Store) -> BoxFuture<'_, Result<Self>> {
        Box::pin(begin(store))
    }

    pub(super) fn commit(self) -> BoxFuture<'static, Result<()>> {
        Box::pin(commit(self))
    }

    /// Undoes everything that was written in the transaction.
    ///
    /// # Errors
    /// If the database fails. Nothing of the transaction is stored in this case either.
    pub fn rollback(self) -> BoxFuture<'static, Result<()>> {
        let Self { inner, store, .. } = self;
        Box::pin(
            async move { inner.rollback().await.map_err(|error| store.record_and_convert_failure(error)) },
        )
    }

    /// Runs statements on the inner transaction, with the same checks as the statements of this type.
    pub(super) async fn run_guarded<T>(
        &self,
        statements: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        if self.failed.load(SeqCst) {
            return Err(DbErr::Custom("an earlier statement of this transaction failed".to_owned()));
        }
        self.open.fetch_add(1, SeqCst);
        match statements.await {
            Ok(done) => {
                self.open.fetch_sub(1, SeqCst);
                Ok(done)
            }
            Err(error) => {
                self.failed.store(true, SeqCst);
                self.store.record_failure(&error);
                Err(error)
            }
        }
    }

    /// How old an event may be when it is recorded so that customers are still notified of it.
    pub(crate) fn notification_max_age(&self) -> NotificationMaxAge {
        self.store.notification_max_age
    }

    pub(super) fn inner(&self) -> &DatabaseTransaction {
        &self.inner
    }

    fn note_write(&self, rows: bool) {
        if rows {
            self.wrote.store(true, SeqCst);
        }
    }
}

async fn begin(store: &Store) -> Result<Tx> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let writer = store.writer.clone();
    let begin = async move { writer.begin_with_options(options).await };
    let begun = match store.is_postgres() {
        // The caller may be dropped meanwhile, and sqlx rolls back only a transaction that has begun. So a task
        // of its own always completes the beginning.
        true => match tokio::spawn(begin).await {
            Ok(begun) => begun,
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
        },
        false => begin.await,
    };
    let inner = begun.map_err(|error| store.record_and_convert_failure(error))?;
    Ok(Tx {
        inner,
        store: store.clone(),
        open: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
        wrote: AtomicBool::new(false),
    })
}

async fn commit(tx: Tx) -> Result<()> {
    let Tx { inner, store, open, failed, wrote } = tx;
    if failed.into_inner() || open.into_inner() > 0 {
        return Err(Error::NotCommitted("one of its statements did not succeed"));
    }
    let before = store.connections.commits();
    if let Err(error) = inner.commit().await {
        let error = store.record_and_convert_failure(error);
        return Err(match error {
            Error::Database(error) => Error::from_commit_failure(error),
            error => error,
        });
    }
    if !store.is_postgres() && store.connections.commits() == before {
        // The commit only released a savepoint, in a transaction that goes on.
        store.connections.suspect_writer();
        return Err(Error::NotCommitted("the connection was inside of another transaction"));
    }
    if wrote.into_inner() {
        store.writing.note_success();
    }
    Ok(())
}

/// Whether a statement can have written the rows that it returns or counts.
fn may_write_rows(statement: &Statement) -> bool {
    !statement.sql.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

#[async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let writes = may_write_rows(&statement);
        let done = self.run_guarded(self.inner.execute_raw(statement)).await?;
        self.note_write(writes && done.rows_affected() > 0);
        Ok(done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.run_guarded(self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let writes = may_write_rows(&statement);
        let row = self.run_guarded(self.inner.query_one_raw(statement)).await?;
        self.note_write(writes && row.is_some());
        Ok(row)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let writes = may_write_rows(&statement);
        let rows = self.run_guarded(self.inner.query_all_raw(statement)).await?;
        self.note_write(writes && !rows.is_empty());
        Ok(rows)
    }
}
