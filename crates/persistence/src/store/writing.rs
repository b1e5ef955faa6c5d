//! Whether the database takes writes: by the results of the latest real writes, and by a test write if there were none.
//!
//! 1. [`Tx`](super::Tx) reports every failure (`record_failure`), and every commit that wrote something
//!    (`note_success`).
//! 2. Trouble begins with a failure which says that the database takes no writes: a full disk, a read-only server,
//!    storage that fails. It is logged once.
//! 3. During trouble, a task makes a large test write each second (`test_writes_until_recovered`). Trouble ends when
//!    one succeeds and nothing has failed for [`QUIET`]. This is logged too. The task ends with the trouble, or when
//!    the store is closed.
//! 4. `/readyz` asks [`Store::writable`](super::Store::writable), which is `check_writable`. It makes a test write only
//!    if no write has succeeded within the last second (`has_written_lately`), and only one at a time. During trouble
//!    it answers the cause at once.
//! 5. A row that somebody holds, or a short time without an answer, is not trouble. If nothing could be written for
//!    [`STALLED`], `writable` answers an error. Trouble begins then only if the test write itself fails.
//! 6. `note_failure` answers `true` if the trouble begins with this failure. `end_trouble_if_quiet` answers how long it
//!    lasted, `None` if it goes on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{ConnAcquireErr, ConnectionTrait, DbErr, Statement};
use tokio::time::{sleep, timeout};

use super::Store;
use crate::error::{Error, Result};

/// After a write that succeeded, no test write is needed for this long.
const FRESH: Duration = Duration::from_secs(1);
/// If nothing could be written for this long, for any reason, the database takes no writes.
const STALLED: Duration = Duration::from_secs(10);
/// The time between two test writes during trouble.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// Trouble ends when a test write succeeds and nothing has failed for this long.
const QUIET: Duration = Duration::from_secs(3);
/// The bytes of a test write while there is no trouble.
const SMALL: usize = 1;
/// The bytes of a test write during trouble. They are more than an order needs, so that the next order does not fail
/// again.
const LARGE: usize = 256 * 1024;

/// What a store knows about its writes.
#[derive(Debug)]
pub(super) struct Writing {
    state: Mutex<State>,
    /// Allows one test write at a time.
    trying: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct State {
    started: Instant,
    /// When the latest write succeeded.
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
    /// Records that rows were written and committed.
    pub fn note_success(&self) {
        self.lock_state().succeeded = Some(Instant::now());
    }

    /// Records a failure because the database takes no writes. Returns whether the trouble begins with it.
    fn note_failure(&self, cause: String) -> bool {
        let now = Instant::now();
        let mut state = self.lock_state();
        let is_new = state.trouble.is_none();
        let trouble =
            state.trouble.get_or_insert_with(|| Trouble { since: now, latest: now, cause: String::new() });
        trouble.latest = now;
        trouble.cause = cause;
        is_new
    }

    /// Ends the trouble after a large write, if nothing has failed for [`QUIET`]. Returns how long the trouble
    /// lasted, if it ends.
    fn end_trouble_if_quiet(&self) -> Option<Duration> {
        let mut state = self.lock_state();
        let over = state.trouble.as_ref().is_some_and(|trouble| trouble.latest.elapsed() >= QUIET);
        if over { state.trouble.take().map(|trouble| trouble.since.elapsed()) } else { None }
    }

    /// Why the database takes no writes, for people. `None` if there is no trouble.
    fn trouble_cause(&self) -> Option<String> {
        self.lock_state().trouble.as_ref().map(|trouble| trouble.cause.clone())
    }

    /// Whether a write succeeded a moment ago.
    fn has_written_lately(&self) -> bool {
        self.lock_state().succeeded.is_some_and(|succeeded| succeeded.elapsed() < FRESH)
    }

    /// Whether no write has succeeded for a long time.
    fn is_stalled(&self) -> bool {
        let state = self.lock_state();
        state.succeeded.unwrap_or(state.started).elapsed() >= STALLED
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Records the failure of a statement or a commit.
    pub(super) fn record_failure(&self, error: &DbErr) {
        self.connections.note_failure(error, self.is_postgres());
        let error = Error::Database(error.clone());
        if error.is_unwritable() {
            begin_trouble(self, error.root_message());
        }
    }

    /// Records a failure and converts it to an [`Error`].
    pub(super) fn record_and_convert_failure(&self, error: DbErr) -> Error {
        self.record_failure(&error);
        Error::Database(error)
    }
}

fn begin_trouble(store: &Store, cause: String) {
    if store.writing.note_failure(cause.clone()) {
        tracing::error!(cause, "the database takes no writes; this process is not ready until it does");
        tokio::spawn(test_writes_until_recovered(store.clone()));
    }
}

/// Makes test writes until the trouble ends or the store is closed.
async fn test_writes_until_recovered(store: Store) {
    loop {
        sleep(TRY_EVERY).await;
        match make_test_write(&store, LARGE).await {
            Ok(()) => {
                if let Some(lasted) = store.writing.end_trouble_if_quiet() {
                    tracing::info!(?lasted, "the database takes writes again");
                    return;
                }
            }
            Err(Error::Database(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))) => return,
            Err(error) => {
                store.writing.note_failure(error.root_message());
            }
        }
    }
}

/// See [`Store::writable`].
pub(super) async fn check_writable(store: &Store, patience: Duration) -> Result<(), String> {
    if let Some(cause) = store.writing.trouble_cause() {
        return Err(cause);
    }
    if store.writing.has_written_lately() {
        return Ok(());
    }
    // The test write goes on when the caller has gone, because it may wait longer for a lock.
    let looked = timeout(patience, tokio::spawn(test_write_unless_fresh(store.clone()))).await;
    let stalled = store.writing.is_stalled();
    match (store.writing.trouble_cause(), looked) {
        (Some(cause), _) => Err(cause),
        (None, Ok(_)) => Ok(()),
        (None, Err(_)) if stalled => Err("no write came to its end in time".to_owned()),
        (None, Err(_)) => Ok(()),
    }
}

/// Makes a small test write, unless another write has succeeded meanwhile.
async fn test_write_unless_fresh(store: Store) {
    let _one_at_a_time = store.writing.trying.clone().lock_owned().await;
    if store.writing.has_written_lately() || store.writing.trouble_cause().is_some() {
        return;
    }
    if let Err(error) = make_test_write(&store, SMALL).await {
        // A failure which itself says that nothing can be written has been reported already.
        if store.writing.is_stalled() {
            begin_trouble(&store, error.root_message());
        }
    }
}

/// Writes so many bytes, in a transaction like every other one.
async fn make_test_write(store: &Store, bytes: usize) -> Result<()> {
    let sql = "INSERT INTO write_probe (probe_id, filler) VALUES (1, $1) \
               ON CONFLICT (probe_id) DO UPDATE SET filler = excluded.filler";
    let tx = store.begin().await?;
    let statement = Statement::from_sql_and_values(store.backend(), sql, [vec![0_u8; bytes].into()]);
    tx.execute_raw(statement).await?;
    tx.commit().await
}
