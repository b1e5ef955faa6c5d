//! The meaning of the error codes of SQLite and PostgreSQL, for the work that failed.
//!
//! [`Error`](super::Error) uses `classify_error` to decide what is worth another try, `refuses_commit` after a failed
//! commit, and `is_lock_timeout`. `store::connections` uses `keeps_transaction` (SQLite) and `is_read_only_session`
//! (PostgreSQL) to decide which connections it uses again.
//!
//! A code that is not in the tables, or an error that is none of the database, is [`Meaning::Lasting`]. `postgres_code`
//! and `sqlx_error` are `None` for other errors. `keeps_transaction` is true for three codes of SQLite only.
//!
//! The tables follow <https://www.sqlite.org/rescode.html> and
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{
        self,
        postgres::{PgDatabaseError, PgSeverity},
        sqlite::SqliteError,
    },
};

/// The meaning of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A conflict with other work, a restart, or a lost connection. The same work can succeed at once.
    Passing,
    /// Another session holds the row or the file.
    Held,
    /// The database takes no writes: the disk is full, the file or the server is read-only, or the storage fails. The
    /// same work succeeds when that is over.
    Unwritable,
    /// The file is not a database. A person has to act.
    Damaged,
    /// The same work would fail again.
    Lasting,
}

/// The meaning of this failure.
pub(crate) fn classify_error(error: &DbErr) -> Meaning {
    match error {
        DbErr::ConnectionAcquire(_) => Meaning::Passing,
        _ => match sqlx_error(error) {
            Some(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                // The connection was in another state than expected. It is replaced.
                | sqlx::Error::BeginFailed
                | sqlx::Error::InvalidSavePointStatement,
            ) => Meaning::Passing,
            Some(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                match error.try_downcast_ref::<SqliteError>() {
                    Some(_) => classify_sqlite_code(code.parse().unwrap_or_default()),
                    None => classify_postgres_code(&code),
                }
            }
            Some(_) | None => Meaning::Lasting,
        },
    }
}

/// Whether the transaction is unchanged after a statement that failed like this, so that the connection can be rolled
/// back and used again. After other failures SQLite ends the transaction by itself, and sqlx does not notice.
pub(crate) fn keeps_transaction(error: &DbErr) -> bool {
    match sqlx_error(error) {
        Some(sqlx::Error::Database(error)) if error.try_downcast_ref::<SqliteError>().is_some() => {
            let code: u32 = error.code().unwrap_or_default().parse().unwrap_or_default();
            matches!(code & 0xff, BUSY | LOCKED | CONSTRAINT)
        }
        _ => false,
    }
}

/// Whether the database itself said that a transaction was not committed. After any other failure, such as a lost
/// connection or an ended session, the transaction may have been committed.
pub(crate) fn refuses_commit(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(error)) = sqlx_error(error) else { return false };
    match error.try_downcast_ref::<PgDatabaseError>() {
        // A fatal error ends the session, and can come after the commit.
        Some(error) => error.severity() == PgSeverity::Error && error.code() != COMPLETION_UNKNOWN,
        // SQLite runs in this process. It undoes a failed commit before it returns the error.
        None => true,
    }
}

/// Whether PostgreSQL refuses writes because it is a standby or was set to read-only. Another server may be the
/// primary by now.
pub(crate) fn is_read_only_session(error: &DbErr) -> bool {
    postgres_code(error).is_some_and(|code| code == READ_ONLY)
}

/// Whether PostgreSQL gave up waiting for a lock.
pub(crate) fn is_lock_timeout(error: &DbErr) -> bool {
    postgres_code(error).is_some_and(|code| code == LOCK_TIMEOUT)
}

fn postgres_code(error: &DbErr) -> Option<&str> {
    match sqlx_error(error) {
        Some(sqlx::Error::Database(error)) => {
            error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)
        }
        _ => None,
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

// SQLite's primary codes, which are the low bytes of its extended codes.
const PERM: u32 = 3;
const ABORT: u32 = 4;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const NOMEM: u32 = 7;
const READONLY: u32 = 8;
const INTERRUPT: u32 = 9;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const PROTOCOL: u32 = 15;
const SCHEMA: u32 = 17;
const CONSTRAINT: u32 = 19;
const NOLFS: u32 = 22;
const NOTADB: u32 = 26;

fn classify_sqlite_code(code: u32) -> Meaning {
    match code & 0xff {
        BUSY | LOCKED => Meaning::Held,
        ABORT | NOMEM | INTERRUPT | PROTOCOL | SCHEMA => Meaning::Passing,
        // SQLite reports a read that failed (EIO) as CORRUPT.
        PERM | READONLY | IOERR | CORRUPT | FULL | CANTOPEN | NOLFS => Meaning::Unwritable,
        NOTADB => Meaning::Damaged,
        _ => Meaning::Lasting,
    }
}

const LOCK_TIMEOUT: &str = "55P03";
const READ_ONLY: &str = "25006";
const COMPLETION_UNKNOWN: &str = "40003";

fn classify_postgres_code(code: &str) -> Meaning {
    match code {
        LOCK_TIMEOUT => Meaning::Held,
        // read_only_sql_transaction; disk_full.
        READ_ONLY | "53100" => Meaning::Unwritable,
        // query_canceled (also for a statement timeout); idle_in_transaction_session_timeout; transaction_timeout.
        "57014" | "25P03" | "25P04" => Meaning::Passing,
        // system_error, io_error, undefined_file, duplicate_file.
        _ if code.starts_with("58") => Meaning::Unwritable,
        // Connections; rollbacks (deadlock, serialization); resources; a server that stops, starts or has crashed.
        _ if ["08", "40", "53", "57P"].iter().any(|class| code.starts_with(class)) => Meaning::Passing,
        _ => Meaning::Lasting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_sqlite_are_read_with_their_extensions() {
        for (code, expected) in [
            (13, Meaning::Unwritable),             // FULL
            (10, Meaning::Unwritable),             // IOERR
            (10 | (4 << 8), Meaning::Unwritable),  // IOERR_FSYNC
            (10 | (12 << 8), Meaning::Unwritable), // IOERR_NOMEM
            (8, Meaning::Unwritable),              // READONLY
            (8 | (4 << 8), Meaning::Unwritable),   // READONLY_DBMOVED
            (14, Meaning::Unwritable),             // CANTOPEN
            (11, Meaning::Unwritable),             // CORRUPT
            (26, Meaning::Damaged),                // NOTADB
            (5, Meaning::Held),                    // BUSY
            (5 | (2 << 8), Meaning::Held),         // BUSY_SNAPSHOT
            (6, Meaning::Held),                    // LOCKED
            (7, Meaning::Passing),                 // NOMEM
            (9, Meaning::Passing),                 // INTERRUPT
            (4 | (2 << 8), Meaning::Passing),      // ABORT_ROLLBACK
            (1, Meaning::Lasting),                 // ERROR
            (18, Meaning::Lasting),                // TOOBIG
            (19 | (8 << 8), Meaning::Lasting),     // CONSTRAINT_UNIQUE
            (21, Meaning::Lasting),                // MISUSE
        ] {
            assert_eq!(classify_sqlite_code(code), expected, "{code}");
        }
    }

    #[test]
    fn codes_of_postgresql_are_read_by_class() {
        for (code, expected) in [
            ("25006", Meaning::Unwritable),
            ("53100", Meaning::Unwritable),
            ("58030", Meaning::Unwritable),
            ("58P01", Meaning::Unwritable),
            ("55P03", Meaning::Held),
            ("08006", Meaning::Passing),
            ("40001", Meaning::Passing),
            ("40P01", Meaning::Passing),
            ("53200", Meaning::Passing),
            ("53300", Meaning::Passing),
            ("57P01", Meaning::Passing),
            ("57P03", Meaning::Passing),
            ("57014", Meaning::Passing),
            ("25P03", Meaning::Passing),
            ("23505", Meaning::Lasting),
            ("25P02", Meaning::Lasting),
            ("42P01", Meaning::Lasting),
            ("22003", Meaning::Lasting),
            ("", Meaning::Lasting),
        ] {
            assert_eq!(classify_postgres_code(code), expected, "{code}");
        }
    }
}
