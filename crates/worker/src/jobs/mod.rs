//! Selects the handler, batch size and concurrency of each kind of job. Each job has its own file, whose module docs
//! state its policy. Handlers return nothing: they settle their rows, record failures, or let the leases run out.
//!
//! `lib.rs` passes `handle_batch` to the queue of each kind. The relay asks `batch_size` for the largest number of rows
//! that it leases for one job.

mod notifications;
mod webhooks;

use std::sync::Arc;

use app::{App, notifications::Notifications, relay::Relay, webhooks::Inbox};
use futures::{FutureExt, future::BoxFuture};
use persistence::leases::Work;

use crate::{Activator, mail::Mailer, queue::Batch};

/// Carries out jobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Jobs {
    inbox: Inbox,
    notifications: Notifications,
    relay: Relay,
    mailer: Arc<Mailer>,
    activator: Activator,
}

impl Jobs {
    pub fn new(app: &App, mailer: Arc<Mailer>, activator: Activator) -> Self {
        Self {
            inbox: app.inbox().clone(),
            notifications: app.notifications().clone(),
            relay: app.relay().clone(),
            mailer,
            activator,
        }
    }

    /// Handles a batch of this kind of work.
    pub fn handle_batch(self, work: Work, batch: Batch) -> BoxFuture<'static, ()> {
        match work {
            Work::Webhooks => async move { self.process_webhooks(batch).await }.boxed(),
            Work::Notifications => async move { self.send_notifications(batch).await }.boxed(),
        }
    }

    /// Number of jobs of a kind that run at the same time in this process.
    pub fn concurrency(&self, work: Work) -> usize {
        match work {
            // A webhook job does little but write.
            Work::Webhooks => self.inbox.max_concurrent_batches(),
            Work::Notifications => 2,
        }
    }
}

/// Number of rows in one job.
pub(crate) const fn batch_size(work: Work) -> usize {
    match work {
        Work::Webhooks => webhooks::BATCH,
        Work::Notifications => notifications::BATCH,
    }
}
