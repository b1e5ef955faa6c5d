//! What can go wrong between Milepost and its database, and what is worth trying again.

use sea_orm::{DbErr, SqlErr};

pub(crate) mod meaning;

use meaning::Meaning;

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
    /// A transaction was to be committed that cannot be: its connection is replaced, and nothing of it is kept.
    #[error("the transaction was not committed: {0}")]
    NotCommitted(&'static str),
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
            Self::LostUpdate | Self::NotCommitted(_) => true,
            Self::Database(error) => match meaning::meaning(error) {
                Meaning::Passing | Meaning::Held | Meaning::Unwritable => true,
                Meaning::Damaged | Meaning::Lasting => false,
            },
        }
    }

    /// Whether the database takes no writes: its disk is full, it is read-only, its storage fails or is damaged.
    pub fn is_unwritable(&self) -> bool {
        matches!(self.meaning(), Some(Meaning::Unwritable | Meaning::Damaged))
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
            | Self::NotCommitted(_)
            | Self::TooManyRows { .. }
            | Self::LostUpdate => None,
        }
    }

    /// Whether somebody held a row or a name for longer than one may wait: PostgreSQL's 55P03.
    pub fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Database(error) => meaning::is_lock_timeout(error),
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Corrupt { .. }
            | Self::CommitUnknown(_)
            | Self::NotCommitted(_)
            | Self::TooManyRows { .. }
            | Self::LostUpdate => false,
        }
    }

    /// What went wrong with a commit. The database's own refusal is clear; a lost connection is not.
    pub(crate) fn from_commit_failure(error: DbErr) -> Self {
        match meaning::refuses_commit(&error) {
            true => Self::Database(error),
            false => Self::CommitUnknown(error),
        }
    }

    /// What the database's failure means, where it is one.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Database(error) | Self::CommitUnknown(error) => Some(meaning::meaning(error)),
            Self::Url(_)
            | Self::OtherBuild(_)
            | Self::Corrupt { .. }
            | Self::NotCommitted(_)
            | Self::TooManyRows { .. }
            | Self::LostUpdate => None,
        }
    }

    /// The innermost cause in words: the outer ones say only that the database failed.
    pub fn root(&self) -> String {
        let mut cause: &dyn std::error::Error = self;
        while let Some(next) = cause.source() {
            cause = next;
        }
        cause.to_string()
    }
}
