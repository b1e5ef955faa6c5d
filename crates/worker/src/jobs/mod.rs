//! Selects the handler, batch size and concurrency of each kind of job. Each job has its own file, whose module docs
//! state its policy.

mod notifications;
mod webhooks;

use std::sync::Arc;

use app::App;
use futures::{FutureExt, future::BoxFuture};
use persistence::leases::Work;

use crate::{Dhl, mail::Mailer, queue::Batch};

/// Handles a batch of this kind of work.
pub(crate) fn handle_batch(
    work: Work,
    app: App,
    mailer: Arc<Mailer>,
    dhl: Dhl,
    batch: Batch,
) -> BoxFuture<'static, ()> {
    match work {
        Work::Webhooks => webhooks::run(app, dhl, batch).boxed(),
        Work::Notifications => notifications::run(app, mailer, batch).boxed(),
    }
}

/// Number of rows in one job.
pub(crate) const fn batch_size(work: Work) -> usize {
    match work {
        Work::Webhooks => webhooks::BATCH,
        Work::Notifications => notifications::BATCH,
    }
}

/// Number of jobs of a kind that run at the same time in this process.
pub(crate) fn concurrency(work: Work, app: &App) -> usize {
    match work {
        // SQLite allows one writer, and a webhook job does little but write.
        Work::Webhooks if !app.store.is_postgres() => 1,
        Work::Webhooks => 2,
        Work::Notifications => 2,
    }
}
