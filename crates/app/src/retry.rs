//! Work that runs into somebody else's is done again, from the start, while nothing was acknowledged.
//!
//! A unique index that says no is such a case: the rival has committed, and the next attempt sees its row.

use std::{future::Future, time::Duration};

use persistence::{Error, Result};
use tokio::time::{Instant, sleep};

/// Attempts at one transaction: deadlocks and lost connections pass within these or not at all.
const ATTEMPTS: u32 = 5;
/// No attempt begins later than this after the first one: somebody waits for the answer, and a database that is
/// away lets every attempt wait for a connection.
const PATIENCE: Duration = Duration::from_secs(4);
/// The first pause; each following one is twice as long. Random, so that rivals part.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Runs a transaction until it commits, fails for good, or has failed too often.
pub(crate) async fn retry_transaction<T, Work>(mut transaction: impl FnMut() -> Work) -> Result<T>
where
    Work: Future<Output = Result<T>>,
{
    let started = Instant::now();
    let mut attempt = 1;
    loop {
        match transaction().await {
            Err(error) if attempt < ATTEMPTS && started.elapsed() < PATIENCE && is_transient(&error) => {
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

/// Whether what failed a batch may be one member's alone: a row that somebody holds, a row that cannot be
/// read. A database that is away fails everybody, and a commit that may have been done is not done again.
pub(crate) fn may_succeed_alone(error: &Error) -> bool {
    match error {
        Error::CommitUnknown(_) => false,
        error => error.is_lock_timeout() || !error.retryable(),
    }
}

/// Whoever waited for a lock in vain has waited long enough.
fn is_transient(error: &Error) -> bool {
    !error.is_lock_timeout() && (error.retryable() || error.unique_violation().is_some())
}
