//! Reads webhooks.
//!
//! Policy: the batch is one transaction. When the database is away, the batch is given back and comes again two
//! seconds later, as often as it takes. When it fails for good, its members are read one by one, so that one that
//! cannot be taken in does not hold up its neighbours; that one is closed as failed, with the reason.

use app::App;
use persistence::due::{Leased, Work};

use crate::queue::Batch;

/// Webhooks in one transaction: more make it little cheaper and hold locks for longer.
pub(super) const BATCH: usize = 200;

pub(super) async fn run(app: App, batch: Batch) {
    let Err(error) = app.process_webhooks(&batch.work).await else { return };
    if error.retryable() {
        tracing::warn!(error = &error as &dyn std::error::Error, "webhooks wait for the database");
        if let Err(error) = app.give_back(Work::Webhooks, &batch.work).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "their leases will run out instead");
        }
        return;
    }
    for leased in batch.work {
        if let Err(error) = alone(&app, leased).await {
            tracing::warn!(webhook = %leased.id, error = &error as &dyn std::error::Error, "its lease will run out");
        }
    }
}

async fn alone(app: &App, leased: Leased) -> app::Result<()> {
    let Err(error) = app.process_webhooks(&[leased]).await else { return Ok(()) };
    tracing::error!(webhook = %leased.id, error = &error as &dyn std::error::Error, "a webhook failed");
    app.webhook_failed(leased, &full_text(&error), error.retryable()).await
}

/// An error with its causes, on one line, for the person who looks at the row.
fn full_text(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
