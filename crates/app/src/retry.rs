//! Work that runs into somebody else's is done again, from the start, while nothing was acknowledged.
//!
//! A unique index that says no is such a case: the rival has committed, and the next attempt sees its row.

use std::{future::Future, time::Duration};

use persistence::Result;

/// Attempts at one transaction: deadlocks and lost connections pass within these or not at all.
const ATTEMPTS: u32 = 5;
/// The first pause; each following one is twice as long. Random, so that rivals part.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Runs a transaction until it commits, fails for good, or has failed too often.
pub(crate) async fn retrying<T, Work>(mut transaction: impl FnMut() -> Work) -> Result<T>
where
    Work: Future<Output = Result<T>>,
{
    let mut attempt = 1;
    loop {
        match transaction().await {
            Err(error) if attempt < ATTEMPTS && (error.retryable() || error.unique_violation().is_some()) => {
                let pause = FIRST_PAUSE * 2_u32.pow(attempt - 1);
                tracing::debug!(%error, attempt, "a transaction is done again");
                tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}
