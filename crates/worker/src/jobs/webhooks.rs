//! Job that processes webhooks.
//!
//! 1. A batch is one transaction. It takes several if it has very many bytes or parcels; a webhook with too many
//!    parcels for one transaction takes several alone, and the last of them settles it.
//! 2. If the batch fails and a retry can help (the database is down), it is returned and is due again two seconds
//!    later.
//! 3. If it fails and a retry cannot help, or it panics, or one of its webhooks is at its third attempt or later, the webhooks
//!    are processed one by one. So one bad webhook does not make the others fail.
//! 4. If a webhook fails alone, it is tried again after a pause that doubles up to five minutes. It is closed as failed
//!    after ten failures, or at once if a retry cannot help.
//! 5. A webhook that asks for a call back (DHL's, when a subscription begins) is left out of the transaction. The call
//!    is made after the rest of the batch. Its result settles the webhook, or counts as a failure by rule 4.
//! 6. If a call takes longer than the lease, or the process dies after it, another call is made, possibly by another
//!    worker. That does no harm at DHL. Calls are counted before they are made. After ten calls the webhook is closed
//!    as failed, even if the outcomes of the calls were lost.

use std::panic::AssertUnwindSafe;

use app::{
    App,
    webhooks::{CallBack, MAX_CALLS},
};
use domain::ErrorChain;
use futures::{FutureExt, StreamExt, stream};
use persistence::leases::{Leased, Work};

use crate::{Dhl, queue::Batch};

/// Number of webhooks in one transaction. A larger number would save little and hold locks for longer.
pub(super) const BATCH: usize = 200;
/// From this attempt on, a failing batch is assumed to contain a webhook that makes it fail.
const SUSPICIOUS: i32 = 3;
/// Number of calls that one job makes at the same time.
const AT_ONCE: usize = 8;

pub(super) async fn run(app: App, dhl: Dhl, batch: Batch) {
    let (app, dhl) = (&app, &dhl);
    let call_back = match process_leased(app, &batch.work).await {
        Ok(call_back) => call_back,
        Err(failure) => handle_failure(app, batch, failure).await,
    };
    stream::iter(call_back).for_each_concurrent(AT_ONCE, |one| activate(app, dhl, one)).await;
}

/// Postpones a batch that failed, or processes its webhooks one by one, by rules 2 to 4. Returns the webhooks whose
/// senders have to be called.
async fn handle_failure(app: &App, batch: Batch, failure: Failure) -> Vec<CallBack> {
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
        let failure = match process_leased(app, &[leased]).await {
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

/// Calls DHL, the only sender that asks for a call back, and settles the webhook with the result.
async fn activate(app: &App, dhl: &Dhl, CallBack { leased, activation }: CallBack) {
    let subscription = &activation.subscription;
    match app.begin_call_back(leased).await {
        Ok(true) => {}
        Ok(false) => {
            // If another worker has leased the webhook, this changes nothing.
            let reason =
                format!("given up: DHL was called {MAX_CALLS} times, and the outcome of a call was lost");
            log_close_failure(leased, app.record_webhook_failure(leased, &reason, false).await);
            return;
        }
        Err(error) => return log_close_failure(leased, Err(error)),
    }
    let closed = match dhl.activate_subscription(subscription, &activation.secret).await {
        Ok(()) => {
            tracing::info!(subscription, "a subscription at DHL was activated");
            app.record_callback(leased, &format!("subscription {subscription} activated")).await
        }
        Err(error) => {
            tracing::warn!(webhook = %leased.id, subscription, error = error.reason, "a subscription at DHL was not activated");
            app.record_webhook_failure(leased, &error.reason, error.retryable).await
        }
    };
    log_close_failure(leased, closed);
}

/// Logs that the result of a call could not be stored.
fn log_close_failure(leased: Leased, closed: app::Result<()>) {
    if let Err(error) = closed {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(webhook = %leased.id, error, "its lease will run out instead");
    }
}

/// Why webhooks were not processed.
struct Failure {
    /// One line, for the person who looks at the stored webhook.
    reason: String,
    retryable: bool,
}

async fn process_leased(app: &App, leased: &[Leased]) -> Result<Vec<CallBack>, Failure> {
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
