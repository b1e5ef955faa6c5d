//! The jobs: one file each, with its policy in the file's header. This is the list of them.

mod notifications;
mod webhooks;

use std::sync::Arc;

use app::App;
use futures::{FutureExt, future::BoxFuture};
use persistence::leases::Work;

use crate::{Dhl, mail::Mailer, queue::Batch};

/// What is done with a batch of this kind of work.
pub(crate) fn handler(
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

/// How many rows travel in one job.
pub(crate) const fn batch_size(work: Work) -> usize {
    match work {
        Work::Webhooks => webhooks::BATCH,
        Work::Notifications => notifications::BATCH,
    }
}

/// How many jobs of a kind run at once in this process.
pub(crate) fn concurrency(work: Work, app: &App) -> usize {
    match work {
        // SQLite has one writer, and a webhook's job is nothing but writing.
        Work::Webhooks if !app.store.is_postgres() => 1,
        Work::Webhooks => 2,
        Work::Notifications => 2,
    }
}
