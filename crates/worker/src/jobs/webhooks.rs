//! Reads webhooks.
//!
//! Policy: the batch is one transaction, but for a webhook about very many shipments, which takes several and is
//! settled with the last. When the database is away, the batch is given back and comes again two
//! seconds later. When it fails for good, or for the third time, or breaks off, its members are read one by one,
//! so that one that cannot be taken in does not hold up its neighbours. A member that fails by itself is tried
//! again after a pause that doubles, up to five minutes, and is closed as failed after ten; at once when trying
//! again cannot help.
//!
//! A webhook that asks for a call (DHL's, when a subscription begins) is left out of the transaction. The call is made
//! when everything else of the batch is done, and ends it or fails it by the same rules. Where it takes longer than
//! the lease, or the process dies after it, it is made again, perhaps by another worker: DHL does not mind. Calls are
//! counted before they are made, and after ten of them the webhook is closed as failed, also if their outcomes were lost.

use std::panic::AssertUnwindSafe;

use app::{
    App,
    webhooks::{CallBack, MAX_CALLS},
};
use domain::ErrorChain;
use futures::{FutureExt, StreamExt, stream};
use persistence::leases::{Leased, Work};

use crate::{Dhl, queue::Batch};

/// Webhooks in one transaction: more make it little cheaper and hold locks for longer.
pub(super) const BATCH: usize = 200;
/// From this attempt on, a batch that fails is suspected of holding one that fails it.
const SUSPICIOUS: i32 = 3;
/// Calls on their way at once, per job.
const AT_ONCE: usize = 8;

pub(super) async fn run(app: App, dhl: Dhl, batch: Batch) {
    let (app, dhl) = (&app, &dhl);
    let call_back = process_batch(app, batch).await;
    stream::iter(call_back).for_each_concurrent(AT_ONCE, |one| activate(app, dhl, one)).await;
}

/// Reads the batch. Says whose senders have to be called.
async fn process_batch(app: &App, batch: Batch) -> Vec<CallBack> {
    let failure = match process(app, &batch.work).await {
        Ok(call_back) => return call_back,
        Err(failure) => failure,
    };
    let first_attempts = batch.work.iter().all(|leased| leased.attempt < SUSPICIOUS);
    if failure.retryable && first_attempts {
        tracing::warn!(error = failure.reason, "webhooks wait for the database");
        if let Err(error) = app.postpone(Work::Webhooks, &batch.work).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "their leases will run out instead");
        }
        return vec![];
    }
    let members = batch.work.len();
    tracing::warn!(error = failure.reason, members, "a batch failed, its members are tried alone");
    let mut call_back = Vec::new();
    for leased in batch.work {
        let failure = match process(app, &[leased]).await {
            Ok(one) => {
                call_back.extend(one);
                continue;
            }
            Err(failure) => failure,
        };
        tracing::error!(webhook = %leased.id, error = failure.reason, "a webhook failed");
        if let Err(error) = app.record_webhook_failure(leased, &failure.reason, failure.retryable).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(webhook = %leased.id, error, "its lease will run out instead");
        }
    }
    call_back
}

/// Calls DHL, the only sender that asks for it, and closes the webhook by what it says.
async fn activate(app: &App, dhl: &Dhl, CallBack { leased, activation }: CallBack) {
    let subscription = &activation.subscription;
    match app.begin_call_back(leased).await {
        Ok(true) => {}
        Ok(false) => {
            // If another worker has taken the webhook up, this changes nothing.
            let reason =
                format!("given up: DHL was called {MAX_CALLS} times, and the outcome of a call was lost");
            close(leased, app.record_webhook_failure(leased, &reason, false).await);
            return;
        }
        Err(error) => return close(leased, Err(error)),
    }
    let closed = match dhl.activate(subscription, &activation.secret).await {
        Ok(()) => {
            tracing::info!(subscription, "a subscription at DHL was activated");
            app.record_callback(leased, &format!("subscription {subscription} activated")).await
        }
        Err(error) => {
            tracing::warn!(webhook = %leased.id, subscription, error = error.reason, "a subscription at DHL was not activated");
            app.record_webhook_failure(leased, &error.reason, error.retryable).await
        }
    };
    close(leased, closed);
}

/// Says what happens next where the database did not take the end of a call.
fn close(leased: Leased, closed: app::Result<()>) {
    if let Err(error) = closed {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(webhook = %leased.id, error, "its lease will run out instead");
    }
}

/// Why webhooks were not read.
struct Failure {
    /// On one line, for the person who looks at the row.
    reason: String,
    retryable: bool,
}

async fn process(app: &App, leased: &[Leased]) -> Result<Vec<CallBack>, Failure> {
    match AssertUnwindSafe(app.process_webhooks(leased)).catch_unwind().await {
        Ok(Ok(call_back)) => Ok(call_back),
        Ok(Err(error)) => {
            Err(Failure { reason: ErrorChain(&error).to_string(), retryable: error.retryable() })
        }
        Err(_) => {
            Err(Failure { reason: "reading it broke off; the log says where".to_owned(), retryable: false })
        }
    }
}
