//! What can go wrong between Milepost and its database, and what is worth trying again.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

/// A failure of the database, or of a row that cannot be what it claims.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no database Milepost knows.
    #[error("the database URL must begin with postgres:// or sqlite:, not {0:?}")]
    Url(String),
    /// The database refused, failed or could not be reached.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The schema has a migration, of this name, that this build does not know.
    #[error(
        "its schema is of another build: this one does not know the migration {0} and begins with an empty database"
    )]
    OtherBuild(String),
    /// A row holds what Milepost never writes.
    #[error("table {table}, row {row}: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong with it.
        what: String,
    },
    /// The connection was lost while a transaction was committed: it may have been done or not.
    #[error("the connection was lost during a commit")]
    CommitUnknown(#[source] DbErr),
    /// A read was to return at most so many rows, and there are more.
    #[error("there are more than {most} rows in {table}")]
    TooManyRows {
        /// The table.
        table: &'static str,
        /// How many were allowed.
        most: u64,
    },
    /// An order was written from a version that is not the present one: its row was not locked.
    #[error("an order was changed by somebody else at the same time")]
    LostUpdate,
}

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the same work may succeed if it is done again from the start.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Corrupt { .. }
            | Self::CommitUnknown(_)
            | Self::TooManyRows { .. } => false,
            Self::LostUpdate => true,
            Self::Database(error) => is_transient(error),
        }
    }

    /// The unique index or column a write ran into, by the database's name for it.
    pub fn unique_violation(&self) -> Option<String> {
        match self {
            Self::Database(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(text)) => Some(text),
                _ => None,
            },
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Corrupt { .. }
            | Self::CommitUnknown(_)
            | Self::TooManyRows { .. }
            | Self::LostUpdate => None,
        }
    }

    /// Whether somebody held a row or a name for longer than one may wait: PostgreSQL's 55P03.
    pub fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Database(
                DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)),
            ) => error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "55P03"),
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Database(_)
            | Self::Corrupt { .. }
            | Self::CommitUnknown(_)
            | Self::TooManyRows { .. }
            | Self::LostUpdate => false,
        }
    }

    /// What went wrong with a commit. The database's own refusal is clear; a lost connection is not.
    pub(crate) fn of_commit(error: DbErr) -> Self {
        match &error {
            DbErr::Conn(RuntimeErr::SqlxError(inner))
            | DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner))
                if inner.as_database_error().is_some() =>
            {
                Self::Database(error)
            }
            _ => Self::CommitUnknown(error),
        }
    }
}

/// Deadlocks, serialization failures, a busy SQLite file, a connection that went away, a server that starts
/// or stops.
fn is_transient(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) => true,
        DbErr::Conn(inner) | DbErr::Exec(inner) | DbErr::Query(inner) => match inner {
            RuntimeErr::SqlxError(error) => is_transient_sqlx(error),
            RuntimeErr::Internal(_) => false,
        },
        _ => false,
    }
}

fn is_transient_sqlx(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // PostgreSQL: classes 08 (connection), 40 (rollback), 57P (shutdown, starting), 53 (resources),
            // 55P03 (lock timeout). SQLite: 5 BUSY, 6 LOCKED and their extended codes (low byte).
            match code.parse::<u32>() {
                Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6),
                _ => ["08", "40", "53", "55P03", "57P"].iter().any(|class| code.starts_with(class)),
            }
        }),
        _ => false,
    }
}
