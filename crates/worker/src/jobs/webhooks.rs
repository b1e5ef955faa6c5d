//! Job that processes webhooks. `Jobs::handle_batch` calls `process_webhooks`.
//!
//! 1. A batch is one transaction. It takes several if it has very many bytes or parcels; a webhook with too many
//!    parcels for one transaction takes several alone, and the last of them settles it.
//! 2. If the batch fails for a cause that may lie in one webhook, or if one of its webhooks is at its third attempt or
//!    later, each webhook is processed alone (`app::isolate`). So one bad webhook does not make the others fail.
//! 3. If webhooks fail, together or alone, and a retry can help (the database is down, a row is locked), they are due
//!    again two seconds later. The first two attempts do not count as failures.
//! 4. Another failure of a webhook counts. It is tried again after a pause that doubles up to five minutes. It is
//!    closed as failed after ten failures, or at once if a retry cannot help.
//! 5. A webhook that asks for a callback (DHL's, when a subscription begins) is left out of the transaction. The call
//!    is made after the rest of the batch (`call_back_and_settle`). Its result settles the webhook, or counts as a
//!    failure by rule 4.
//! 6. If a call takes longer than the lease, or the process dies after it, another call is made, possibly by another
//!    worker. That does no harm at DHL. Calls are counted before they are made. After ten calls the webhook is closed
//!    as failed, even if the outcomes of the calls were lost.
//! 7. If a result cannot be stored, this is only logged: the lease runs out.

use app::{
    isolate,
    webhooks::{Callback, MAX_CALLS},
};
use domain::ErrorChain;
use futures::{StreamExt, stream};
use persistence::leases::{Leased, Work};

use super::Jobs;
use crate::queue::Batch;

/// Number of webhooks in one transaction. A larger number would save little and hold locks for longer.
pub(super) const BATCH: usize = 200;
/// From this attempt on, a failing batch is assumed to contain a webhook that makes it fail.
const SUSPICIOUS: i32 = 3;
/// Number of calls that one job makes at the same time.
const CALLS_AT_ONCE: usize = 8;

impl Jobs {
    pub(super) async fn process_webhooks(&self, batch: Batch) {
        let is_suspicious = batch.work.iter().any(|leased| leased.attempt >= SUSPICIOUS);
        let may_succeed_alone = |error: &app::Error| is_suspicious || error.may_succeed_alone();
        let attempts =
            isolate(&batch.work, may_succeed_alone, |leased| self.inbox.process_webhooks(leased)).await;
        let mut callbacks = Vec::new();
        for (leased, result) in attempts {
            match result {
                Ok(activations) => callbacks.extend(activations),
                Err(error) => self.postpone_or_record_failure(leased, &error).await,
            }
        }
        stream::iter(callbacks)
            .for_each_concurrent(CALLS_AT_ONCE, |one| self.call_back_and_settle(one))
            .await;
    }

    /// Returns webhooks that were not processed, or records the failure of each.
    async fn postpone_or_record_failure(&self, leased: &[Leased], error: &app::Error) {
        let reason = match error {
            app::Error::BrokenOff => "reading it broke off; the log says where".to_owned(),
            error => ErrorChain(error).to_string(),
        };
        if error.retryable() && leased.iter().all(|leased| leased.attempt < SUSPICIOUS) {
            tracing::warn!(error = reason, webhooks = leased.len(), "webhooks wait for the database");
            if let Err(error) = self.relay.postpone(Work::Webhooks, leased).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "their leases will run out instead");
            }
            return;
        }
        for leased in leased {
            tracing::error!(webhook = %leased.id, error = reason, "a webhook failed");
            let recorded = self.inbox.record_webhook_failure(*leased, &reason, error.retryable()).await;
            log_if_not_stored(*leased, recorded);
        }
    }

    /// Calls the sender, and settles the webhook with the result.
    async fn call_back_and_settle(&self, Callback { leased, activation }: Callback) {
        let subscription = &activation.subscription;
        match self.inbox.count_callback_if_allowed(leased).await {
            Ok(true) => {}
            Ok(false) => {
                // If another worker has leased the webhook, this changes nothing.
                let reason =
                    format!("given up: DHL was called {MAX_CALLS} times, and the outcome of a call was lost");
                let closed = self.inbox.record_webhook_failure(leased, &reason, false).await;
                return log_if_not_stored(leased, closed);
            }
            Err(error) => return log_if_not_stored(leased, Err(error)),
        }
        let closed = match self.activator.activate_subscription(&activation).await {
            Ok(()) => {
                tracing::info!(subscription, "a subscription at DHL was activated");
                self.inbox
                    .settle_after_callback(leased, &format!("subscription {subscription} activated"))
                    .await
            }
            Err(error) => {
                tracing::warn!(webhook = %leased.id, subscription, error = error.reason, "a subscription at DHL was not activated");
                self.inbox.record_webhook_failure(leased, &error.reason, error.retryable).await
            }
        };
        log_if_not_stored(leased, closed);
    }
}

/// Logs that the outcome of a webhook could not be stored.
fn log_if_not_stored(leased: Leased, closed: app::Result<()>) {
    if let Err(error) = closed {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(webhook = %leased.id, error, "its lease will run out instead");
    }
}
