//! Runs the jobs that an apalis worker fetches: a bounded number, each in its own Tokio task.
//!
//! When a worker ends with an error, apalis drops its jobs in the middle of their work. Here it drops only the handles:
//! a job that has begun is finished, whatever happens to Redis and to its worker.
//!
//! 1. `supervise` creates [`Jobs`] once for a queue, and a service for each worker.
//! 2. apalis calls `poll_ready`, which waits for a free slot, then `call`, which spawns `handle` in this slot.
//! 3. `handle` runs the handler, removes the batch from Redis, and frees the slot. A panic is logged and counted.
//!    Failed work is no failure for apalis.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
};

use apalis::prelude::{BoxDynError, Task};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::PollSemaphore, task::TaskTracker};
use tower::Service;

use super::{Backend, Batch, Queue};

/// The state that all workers of one `run` share.
#[derive(Clone)]
pub(super) struct Jobs {
    pub(super) queue: Queue,
    handler: Arc<dyn Fn(Batch) -> BoxFuture<'static, ()> + Send + Sync>,
    slots: Arc<Semaphore>,
    concurrency: usize,
    pub(super) running: TaskTracker,
}

impl Jobs {
    pub(super) fn new<H>(queue: Queue, concurrency: usize, handler: H) -> Self
    where
        H: Fn(Batch) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        let concurrency = concurrency.max(1);
        Self {
            queue,
            handler: Arc::new(handler),
            slots: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            running: TaskTracker::new(),
        }
    }

    /// Whether as many jobs run as are allowed. The free permits of `slots` do not show it, because a worker that waits
    /// for work holds one.
    pub(super) fn are_all_slots_busy(&self) -> bool {
        self.running.len() >= self.concurrency
    }

    /// Creates the service of one worker.
    pub(super) fn service(&self, worker: &str) -> JobService {
        JobService {
            jobs: self.clone(),
            worker: worker.to_owned(),
            slots: PollSemaphore::new(self.slots.clone()),
            slot: None,
        }
    }

    /// Runs the handler on a batch. Catches a panic, which would otherwise end the worker.
    async fn handle(self, batch: Batch, task: Option<String>, worker: String, slot: OwnedSemaphorePermit) {
        let size = batch.work.len();
        let progress = &self.queue.inner.progress;
        let handled = AssertUnwindSafe(async { (self.handler)(batch).await }).catch_unwind().await;
        if let Err(panic) = handled {
            progress.panicked.fetch_add(1, Relaxed);
            tracing::error!(
                queue = self.queue.name(),
                size,
                panic = panic_message(&*panic),
                "a job panicked"
            );
        }
        if let (Backend::Redis(redis), Some(task)) = (&self.queue.inner.backend, task)
            && let Err(error) = redis.acknowledge(&worker, &task).await
        {
            // The batch is delivered again when Redis is back. Its attempt then rejects it, and it is removed.
            tracing::debug!(
                queue = self.queue.name(),
                error = &error as &dyn std::error::Error,
                "a finished batch is still in Redis"
            );
        }
        progress.handled.fetch_add(1, Relaxed);
        drop(slot);
    }
}

/// Starts a task for each batch of one worker. Always succeeds: failures are retried through `due_at` in the database,
/// not by apalis.
pub(super) struct JobService {
    jobs: Jobs,
    worker: String,
    slots: PollSemaphore,
    slot: Option<OwnedSemaphorePermit>,
}

impl Service<Task<Batch>> for JobService {
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    /// Ready when a slot is free. apalis fetches no batch before.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        if self.slot.is_none() {
            self.slot = ready!(self.slots.poll_acquire(cx));
        }
        match self.slot {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Ready(Err("the job slots are closed".into())),
        }
    }

    fn call(&mut self, task: Task<Batch>) -> Self::Future {
        let Some(slot) = self.slot.take() else {
            return async { Err("called without a free job slot".into()) }.boxed();
        };
        let id = task.task_id().map(ToString::to_string);
        self.jobs.queue.inner.progress.taken.fetch_add(1, Relaxed);
        let job = self.jobs.clone().handle(task.args, id, self.worker.clone(), slot);
        let job = self.jobs.running.spawn(job);
        async move { Ok(job.await?) }.boxed()
    }
}

/// The message of a panic, if it has one.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
