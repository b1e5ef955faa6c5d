//! Reads webhooks.
//!
//! Policy: the batch is one transaction. When the database is away, the batch is given back and comes again two
//! seconds later. When it fails for good, or for the third time, or breaks off, its members are read one by one,
//! so that one that cannot be taken in does not hold up its neighbours. A member that fails by itself is tried
//! again after a pause that doubles, up to five minutes, and is closed as failed after ten; at once when trying
//! again cannot help.

use std::panic::AssertUnwindSafe;

use app::App;
use futures::FutureExt;
use persistence::due::{Leased, Work};

use crate::queue::Batch;

/// Webhooks in one transaction: more make it little cheaper and hold locks for longer.
pub(super) const BATCH: usize = 200;
/// From this attempt on, a batch that fails is suspected of holding one that fails it.
const SUSPICIOUS: i32 = 3;

pub(super) async fn run(app: App, batch: Batch) {
    let Err(failure) = read(&app, &batch.work).await else { return };
    let first_attempts = batch.work.iter().all(|leased| leased.attempt < SUSPICIOUS);
    if failure.retryable && first_attempts {
        tracing::warn!(error = failure.reason, "webhooks wait for the database");
        if let Err(error) = app.give_back(Work::Webhooks, &batch.work).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "their leases will run out instead");
        }
        return;
    }
    for leased in batch.work {
        let Err(failure) = read(&app, &[leased]).await else { continue };
        tracing::error!(webhook = %leased.id, error = failure.reason, "a webhook failed");
        if let Err(error) = app.webhook_failed(leased, &failure.reason, failure.retryable).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(webhook = %leased.id, error, "its lease will run out instead");
        }
    }
}

/// Why webhooks were not read.
struct Failure {
    /// On one line, for the person who looks at the row.
    reason: String,
    retryable: bool,
}

async fn read(app: &App, leased: &[Leased]) -> Result<(), Failure> {
    match AssertUnwindSafe(app.process_webhooks(leased)).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure { reason: with_causes(&error), retryable: error.retryable() }),
        Err(_) => {
            Err(Failure { reason: "reading it broke off; the log says where".to_owned(), retryable: false })
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
