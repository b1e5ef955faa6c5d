//! The errors of the database, and which of them are worth another try.
//!
//! - `app::retry` and `app::error` ask `retryable`, `is_lock_timeout` and `unique_violation`. `retryable` is false
//!   after a commit of unknown outcome, because the work may be done.
//! - `milepost::database` and `store` ask `is_unwritable`: only a failure of the database itself can be one.
//! - `root_message` is the text for logs, for `/readyz` and for the command line.
//! - `unique_violation`, `statement_error` and `meaning` are `None` for errors of another kind. `meaning` covers a lost
//!   commit, `statement_error` does not.
//! - `from_commit_failure` decides between an ordinary failure and [`Error::CommitUnknown`]. `store::transaction` calls
//!   it.

use sea_orm::{DbErr, SqlErr};

pub(crate) mod meaning;

use meaning::Meaning;

/// A failure of the database, or a row with a value that cannot be right.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL does not name a database that Milepost supports.
    #[error("the database URL must begin with postgres:// or sqlite:, not {0:?}")]
    Url(String),
    /// The database refused, failed, or could not be reached.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The schema has a migration that this build does not know. Holds the name of the migration.
    #[error(
        "its schema is of another build: this one does not know the migration {0} and begins with an empty database"
    )]
    OtherBuild(String),
    /// A row holds a value that Milepost never writes.
    #[error("table {table}, row {row}: {what}")]
    Corrupt {
        table: &'static str,
        /// The key of the row.
        row: String,
        /// What is wrong with the value.
        what: String,
    },
    /// The connection was lost during a commit. The transaction may have been committed or not.
    #[error("the connection was lost during a commit")]
    CommitUnknown(#[source] DbErr),
    /// The transaction cannot be committed. Nothing of it is stored, and its connection is replaced. Holds the
    /// reason.
    #[error("the transaction was not committed: {0}")]
    NotCommitted(&'static str),
    /// There are more rows than the caller wanted to read at most.
    #[error("there are more than {most} rows in {table}")]
    TooManyRows {
        table: &'static str,
        /// The greatest number of rows that was allowed.
        most: u64,
    },
    /// An order was written from an outdated version, because its row was not locked.
    #[error("an order was changed by somebody else at the same time")]
    LostUpdate,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<domain::ingest::Unrecordable> for Error {
    fn from(error: domain::ingest::Unrecordable) -> Self {
        Self::Corrupt { table: "shipments", row: error.shipment.to_string(), what: error.refusal.to_string() }
    }
}

impl Error {
    /// Whether the same work can succeed if it is repeated from the start.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Corrupt { .. }
            | Self::CommitUnknown(_)
            | Self::TooManyRows { .. } => false,
            Self::LostUpdate | Self::NotCommitted(_) => true,
            Self::Database(error) => match meaning::classify_error(error) {
                Meaning::Passing | Meaning::Held | Meaning::Unwritable => true,
                Meaning::Damaged | Meaning::Lasting => false,
            },
        }
    }

    /// Whether the database takes no writes: its disk is full, it is read-only, or its storage fails or is damaged.
    pub fn is_unwritable(&self) -> bool {
        matches!(self.meaning(), Some(Meaning::Unwritable | Meaning::Damaged))
    }

    /// The unique index or column that a write violated, as the database names it.
    pub fn unique_violation(&self) -> Option<String> {
        match self.statement_error()?.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether PostgreSQL waited too long for a row or a name that somebody else holds (code 55P03).
    pub fn is_lock_timeout(&self) -> bool {
        self.statement_error().is_some_and(meaning::is_lock_timeout)
    }

    /// The failure of a statement; `None` for other errors.
    fn statement_error(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Corrupt { .. }
            | Self::CommitUnknown(_)
            | Self::NotCommitted(_)
            | Self::TooManyRows { .. }
            | Self::LostUpdate => None,
        }
    }

    /// The error for a failed commit. If the database refused the commit, the transaction is not committed. If the
    /// connection was lost, nobody knows.
    pub(crate) fn from_commit_failure(error: DbErr) -> Self {
        match meaning::refuses_commit(&error) {
            true => Self::Database(error),
            false => Self::CommitUnknown(error),
        }
    }

    /// The meaning of a failure of the database; `None` for other errors.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Database(error) | Self::CommitUnknown(error) => Some(meaning::classify_error(error)),
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Corrupt { .. }
            | Self::NotCommitted(_)
            | Self::TooManyRows { .. }
            | Self::LostUpdate => None,
        }
    }

    /// The text of the innermost cause. The outer texts only say that the database failed.
    pub fn root_message(&self) -> String {
        let mut cause: &dyn std::error::Error = self;
        while let Some(next) = cause.source() {
            cause = next;
        }
        cause.to_string()
    }
}
