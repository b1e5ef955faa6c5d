//! The background work of Milepost: the relay pushes due rows to job queues and publishes the outbox; the jobs process
//! webhooks, send mails and call senders back.
//!
//! This crate makes no decisions. A job opens its rows, calls one use case or the mail server, and settles the rows. A
//! job may run twice, late, or at the same time as another run of itself.
//!
//! `milepost` makes the queues, the mailer and the activator, and calls [`run`] in each process that works.
//! `Queues::redis` connects when it is used first. `milepost` asks `Queues::health` for readiness.

mod activation;
mod jobs;
pub mod mail;
pub mod queue;
mod redis;
mod relay;
mod schedule;

use std::sync::Arc;

use app::App;
use futures::future::BoxFuture;
use persistence::leases::Work;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use jobs::Jobs;
use mail::Mailer;
use queue::{Health, Queue};

pub use activation::{ActivationSettingError, Activator};
pub use redis::{AddressError, redis_feed};
pub use relay::run_due_work;

/// The job queues, one for each kind of work.
#[derive(Clone)]
pub struct Queues {
    webhooks: Queue,
    notifications: Queue,
}

impl Queues {
    /// Creates queues inside this process.
    pub fn memory() -> Self {
        Self {
            webhooks: Queue::memory(Work::Webhooks.name()),
            notifications: Queue::memory(Work::Notifications.name()),
        }
    }

    /// Creates queues in Redis, under keys that begin with `namespace`.
    ///
    /// # Errors
    /// The URL is invalid.
    pub fn redis(url: &str, namespace: &str) -> Result<Self, AddressError> {
        Ok(Self {
            webhooks: Queue::redis(url, namespace, Work::Webhooks.name())?,
            notifications: Queue::redis(url, namespace, Work::Notifications.name())?,
        })
    }

    fn queue_of(&self, work: Work) -> &Queue {
        match work {
            Work::Webhooks => &self.webhooks,
            Work::Notifications => &self.notifications,
        }
    }

    /// The health of this process's workers, by the names of their queues.
    pub fn health(&self) -> [(&'static str, Health); 2] {
        Work::ALL.map(|work| (work.name(), self.queue_of(work).health()))
    }
}

/// Runs the relay, the schedule and the workers until `stop` is cancelled and the running jobs have finished.
/// The future is boxed, so that the crate that awaits it does not compile the body of each job again.
pub fn run(
    app: App,
    queues: Queues,
    mailer: Arc<Mailer>,
    activator: Activator,
    stop: CancellationToken,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let jobs = Jobs::new(&app, mailer, activator);
        let mut tasks = JoinSet::new();
        tasks.spawn(relay::run(app.relay().clone(), queues.clone(), stop.clone()));
        tasks.spawn(schedule::run(app, stop.clone()));
        for work in Work::ALL {
            let (jobs, queue) = (jobs.clone(), queues.queue_of(work).clone());
            let concurrency = jobs.concurrency(work);
            let handler = move |batch| jobs.clone().handle_batch(work, batch);
            tasks.spawn(queue::run(queue, concurrency, handler, stop.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = &error as &dyn std::error::Error, "a background task broke off");
            }
        }
    })
}
