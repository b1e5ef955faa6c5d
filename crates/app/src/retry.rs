//! Repeats transactions that failed because of another transaction or a short outage, from the start, until they
//! commit. `orders`, `webhooks` and `notifications` call `retry_transaction`. It makes at most [`ATTEMPTS`] attempts
//! within some seconds, pauses in between, and returns the last error.
//!
//! A violation of a unique index is such a failure: another transaction has committed first, and the next attempt sees
//! its row. A lock timeout is not repeated, because the transaction has waited long enough. It is an error after which
//! the members of a batch are tried alone (`may_succeed_alone`, for `error.rs` and `webhooks`). A commit of unknown
//! outcome is neither repeated nor tried alone.

use std::{future::Future, time::Duration};

use persistence::{Error, Result};
use tokio::time::{Instant, sleep};

/// Largest number of attempts for one transaction. Deadlocks and lost connections pass within these attempts or not at
/// all.
const ATTEMPTS: u32 = 5;
/// No attempt begins later than this after the first one. Somebody waits for the answer, and when the database is down,
/// each attempt waits for a connection.
const PATIENCE: Duration = Duration::from_secs(4);
/// The first pause between attempts. Each following one is twice as long. Pauses are randomized, so that competing
/// transactions do not meet again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Runs a transaction until it commits, fails with an error that a retry cannot help, or has used up its attempts.
pub(crate) async fn retry_transaction<T, Work>(mut transaction: impl FnMut() -> Work) -> Result<T>
where
    Work: Future<Output = Result<T>>,
{
    let started = Instant::now();
    let mut attempt = 1;
    loop {
        match transaction().await {
            Err(error) if attempt < ATTEMPTS && started.elapsed() < PATIENCE && is_worth_retrying(&error) => {
                let pause = FIRST_PAUSE * 2_u32.pow(attempt - 1);
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    attempt,
                    "a transaction is done again"
                );
                sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// Whether the members of a failed batch should be tried alone, because one of them may be the cause: a row that
/// another transaction has locked, or a row that cannot be read. Not when the database is down, because then all fail.
/// Not after an unknown commit, because it may have succeeded.
pub(crate) fn may_succeed_alone(error: &Error) -> bool {
    match error {
        Error::CommitUnknown(_) => false,
        error => error.is_lock_timeout() || !error.retryable(),
    }
}

/// A lock timeout is not retried: the transaction has waited long enough already.
fn is_worth_retrying(error: &Error) -> bool {
    !error.is_lock_timeout() && (error.retryable() || error.unique_violation().is_some())
}
