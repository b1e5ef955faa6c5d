//! Reads webhooks.
//!
//! Policy: the batch is one transaction. When it fails for good, its members are read one by one, so that a
//! webhook that cannot be read does not hold up its neighbours. A failure of the database is tried again after a
//! pause that doubles, up to five minutes; a webhook is closed as failed after ten.

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
