//! Whether the database takes writes: what the latest real ones showed, and a small try where there were none.
//!
//! [`Tx`](super::Tx) reports every failure and every commit that wrote something. When a failure says that the database
//! takes no writes (a full disk, a read-only server, storage that fails), that is logged once, and a task tries again
//! each second until a write of some size succeeds; that is logged too. `/readyz` asks through
//! [`Store::writable`](super::Store::writable), which tries at most once a second however often it is asked.
//!
//! A row that somebody holds, or a moment without an answer, is no trouble of this kind until nothing could be written
//! for [`STALLED`].

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{ConnAcquireErr, ConnectionTrait, DbErr, Statement};
use tokio::time::{sleep, timeout};

use super::Store;
use crate::error::{Error, Result};

/// A write that succeeded counts this long; then a try is due.
const FRESH: Duration = Duration::from_secs(1);
/// Nothing could be written for this long, for whatever reason: the database takes no writes.
const STALLED: Duration = Duration::from_secs(10);
/// Between the tries while there is trouble.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// Trouble is over when a try succeeds and nothing has failed for this long.
const QUIET: Duration = Duration::from_secs(3);
/// The bytes of a try while all is well.
const SMALL: usize = 1;
/// The bytes of a try that ends trouble: more than an order takes, so that the next order does not fail again.
const LARGE: usize = 256 * 1024;

/// What is known of writing.
#[derive(Debug)]
pub(super) struct Writing {
    state: Mutex<State>,
    /// One try at a time.
    trying: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct State {
    started: Instant,
    /// The latest write that succeeded.
    succeeded: Option<Instant>,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct Trouble {
    since: Instant,
    latest: Instant,
    cause: String,
}

impl Default for Writing {
    fn default() -> Self {
        let state = State { started: Instant::now(), succeeded: None, trouble: None };
        Self { state: Mutex::new(state), trying: Arc::default() }
    }
}

impl Writing {
    /// Rows were written and committed.
    pub fn succeeded(&self) {
        self.state().succeeded = Some(Instant::now());
    }

    /// Something failed because the database takes no writes. Tells whether that is new.
    fn failed(&self, cause: String) -> bool {
        let now = Instant::now();
        let mut state = self.state();
        let is_new = state.trouble.is_none();
        let trouble =
            state.trouble.get_or_insert_with(|| Trouble { since: now, latest: now, cause: String::new() });
        trouble.latest = now;
        trouble.cause = cause;
        is_new
    }

    /// A large write succeeded. Tells how long the trouble lasted, if it is over.
    fn recovered(&self) -> Option<Duration> {
        let mut state = self.state();
        let over = state.trouble.as_ref().is_some_and(|trouble| trouble.latest.elapsed() >= QUIET);
        if over { state.trouble.take().map(|trouble| trouble.since.elapsed()) } else { None }
    }

    fn trouble(&self) -> Option<String> {
        self.state().trouble.as_ref().map(|trouble| trouble.cause.clone())
    }

    /// A write succeeded a moment ago.
    fn is_fresh(&self) -> bool {
        self.state().succeeded.is_some_and(|succeeded| succeeded.elapsed() < FRESH)
    }

    /// No write has succeeded for long.
    fn is_stalled(&self) -> bool {
        let state = self.state();
        state.succeeded.unwrap_or(state.started).elapsed() >= STALLED
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Takes note of a failure of a transaction.
    pub(super) fn report(&self, error: &DbErr) {
        self.connections.failed(error, self.is_postgres());
        let error = Error::Database(error.clone());
        if error.is_unwritable() {
            begin_trouble(self, error.root());
        }
    }

    /// The same, and gives the error on.
    pub(super) fn reported(&self, error: DbErr) -> Error {
        self.report(&error);
        Error::Database(error)
    }
}

fn begin_trouble(store: &Store, cause: String) {
    if store.writing.failed(cause.clone()) {
        tracing::error!(cause, "the database takes no writes; this process is not ready until it does");
        tokio::spawn(recover(store.clone()));
    }
}

/// Tries until the trouble is over, or the store is closed.
async fn recover(store: Store) {
    loop {
        sleep(TRY_EVERY).await;
        match attempt(&store, LARGE).await {
            Ok(()) => {
                if let Some(lasted) = store.writing.recovered() {
                    tracing::info!(?lasted, "the database takes writes again");
                    return;
                }
            }
            Err(Error::Database(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))) => return,
            Err(error) => {
                store.writing.failed(error.root());
            }
        }
    }
}

/// See [`Store::writable`].
pub(super) async fn writable(store: &Store, patience: Duration) -> Result<(), String> {
    if let Some(cause) = store.writing.trouble() {
        return Err(cause);
    }
    if store.writing.is_fresh() {
        return Ok(());
    }
    // A try goes on when the one who asked has gone: it may wait for a lock for longer.
    let looked = timeout(patience, tokio::spawn(look(store.clone()))).await;
    let stalled = store.writing.is_stalled();
    match (store.writing.trouble(), looked) {
        (Some(cause), _) => Err(cause),
        (None, Ok(_)) => Ok(()),
        (None, Err(_)) if stalled => Err("no write came to its end in time".to_owned()),
        (None, Err(_)) => Ok(()),
    }
}

/// Tries a small write, unless another one has succeeded meanwhile.
async fn look(store: Store) {
    let _one_at_a_time = store.writing.trying.clone().lock_owned().await;
    if store.writing.is_fresh() || store.writing.trouble().is_some() {
        return;
    }
    if let Err(error) = attempt(&store, SMALL).await {
        // What says by itself that nothing can be written has been reported already.
        if store.writing.is_stalled() {
            begin_trouble(&store, error.root());
        }
    }
}

/// Writes so many bytes, as every other transaction does.
async fn attempt(store: &Store, bytes: usize) -> Result<()> {
    let sql = "INSERT INTO write_probe (probe_id, filler) VALUES (1, $1) \
               ON CONFLICT (probe_id) DO UPDATE SET filler = excluded.filler";
    let tx = store.begin().await?;
    let statement = Statement::from_sql_and_values(store.backend(), sql, [vec![0_u8; bytes].into()]);
    tx.execute_raw(statement).await?;
    tx.commit().await
}
