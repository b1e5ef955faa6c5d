//! Decides which connections of a pool are used again after an error.
//!
//! After some errors SQLite ends a transaction by itself: a full disk, a failed read or write, no memory. sqlx does not
//! notice and continues to count the transaction. Every later "begin" then only makes a savepoint, and every later
//! "commit" only releases one, in a transaction that never ends. So a connection is used again only if it is certainly
//! outside of any transaction. If not, the pool closes it and opens a new one.
//!
//! [`Store::connect`](super::Store::connect) adds these hooks to its pools.
//!
//! 1. `note_failure` hears of every failure, from `writing`. It judges whether the connection is suspect.
//! 2. `suspect_writer` marks the connection that writes to SQLite. [`Tx`](super::Tx) calls it too, when `commits` shows
//!    that a commit only released a savepoint.
//! 3. The hooks take the mark away (`take_suspicion`) when the connection is acquired or released. They answer the pool
//!    `false` for a connection that it must close. On SQLite `log_if_replaced` logs this, and answers what it was
//!    given.
//! 4. On PostgreSQL, a failure which says that the server is read-only replaces all connections that were made before
//!    it, because another server may be the primary by now.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use sea_orm::{ConnectOptions, DbErr, sqlx::Connection};

use crate::error::meaning::{is_read_only_session, keeps_transaction};

/// While the server is read-only, the connections to PostgreSQL are replaced at most this often.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// What a store knows about its connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// SQLite: the number of commits of whole transactions. The release of a savepoint does not count.
    commits: AtomicU64,
    /// SQLite: whether the writing connection must be replaced before it is used again.
    suspect: AtomicBool,
    /// PostgreSQL: connections that were made before this time must be replaced.
    renewed: Mutex<Option<Instant>>,
}

impl Connections {
    /// Adds the hooks for the one connection that writes to SQLite.
    pub fn watch_sqlite(self: &Arc<Self>, options: &mut ConnectOptions) {
        let this = self.clone();
        options.map_sqlx_sqlite_pool_opts(move |pool| {
            let (connected, acquired, released) = (this.clone(), this.clone(), this.clone());
            pool.after_connect(move |connection, _| {
                let this = connected.clone();
                Box::pin(async move {
                    connection.lock_handle().await?.set_commit_hook(move || {
                        this.commits.fetch_add(1, SeqCst);
                        true
                    });
                    Ok(())
                })
            })
            .before_acquire(move |connection, _| {
                // The pool has waited for the end of a rollback. If sqlx still counts a transaction, SQLite has none.
                let sound = !acquired.take_suspicion() && !connection.is_in_transaction();
                Box::pin(async move { Ok(log_if_replaced(sound)) })
            })
            .after_release(move |_, _| {
                let sound = !released.take_suspicion();
                Box::pin(async move { Ok(log_if_replaced(sound)) })
            })
        });
    }

    /// Adds the hook that replaces PostgreSQL's connections from before a failover.
    pub fn watch_postgres(self: &Arc<Self>, options: &mut ConnectOptions) {
        let this = self.clone();
        options.map_sqlx_postgres_before_acquire(move |_, connection| {
            let renewed = *this.renewed.lock().unwrap_or_else(PoisonError::into_inner);
            let sound = renewed.is_none_or(|renewed| connection.age <= renewed.elapsed());
            Box::pin(async move { Ok(sound) })
        });
    }

    /// Decides after a failed statement whether its connection can be used again.
    pub fn note_failure(&self, error: &DbErr, on_postgres: bool) {
        if !on_postgres {
            if !keeps_transaction(error) {
                self.suspect_writer();
            }
        } else if is_read_only_session(error) {
            let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
            if renewed.is_none_or(|renewed| renewed.elapsed() > RENEW_EVERY) {
                *renewed = Some(Instant::now());
            }
        }
    }

    /// Marks the connection that writes to SQLite: its state is not known, so it must be replaced.
    pub fn suspect_writer(&self) {
        self.suspect.store(true, SeqCst);
    }

    /// The number of transactions that SQLite has committed so far.
    pub fn commits(&self) -> u64 {
        self.commits.load(SeqCst)
    }

    fn take_suspicion(&self) -> bool {
        self.suspect.swap(false, SeqCst)
    }
}

fn log_if_replaced(sound: bool) -> bool {
    if !sound {
        tracing::debug!("the connection that writes to SQLite is replaced after an error");
    }
    sound
}
