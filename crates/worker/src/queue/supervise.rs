//! Supervises the apalis worker of a queue: replaces it when it ends or stalls, until `stop` is cancelled. `lib.rs`
//! starts `run` as a task for each queue.
//!
//! An apalis worker does not recover when Redis restarts, is flushed or stalls; after some stalls it stays alive and
//! never fetches again. Rules:
//! 1. A worker that ends is replaced after a pause, under a new name.
//! 2. A worker that takes nothing while work waits and a slot is free is stopped and replaced.
//!
//! `run` calls `run_worker` for one worker after the other. That one spawns the worker, checks it each second
//! (`check_worker`) until it ends, stalls or `stop` is cancelled, stops it (`stop_worker`), and removes its data from
//! Redis. `compute_pause` is the pause before the next one.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use apalis::prelude::{WorkerBuilder, WorkerContext, WorkerError};
use domain::ErrorChain;
use futures::future::BoxFuture;
use tokio::{
    task::{JoinError, JoinHandle},
    time::{Instant, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;

use super::{
    Backend, Batch, Queue, QueueError,
    service::Jobs,
    watchdog::{Finding, STALLED_AFTER, Slowness, Watchdog},
};
use crate::redis::queue::WorkerEnd;

/// How often the length of the queue and the worker are checked.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// A worker that ran this long, or took work, counts as healthy: the next pause is the shortest again.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// Pauses before a replacement: each is twice as long as the one before, from the first to the last value.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// How long a stopped worker without jobs may take to end, before it is aborted.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs the handler on every batch of the queue, at most `concurrency` (at least 1) at the same time, until `stop` is
/// cancelled and the running jobs have finished. Survives a Redis that is down, flushed, stalled or killed.
///
/// The handler records its own failures (it sets `due_at` in the database). A panic in it is logged and counted. A
/// caller with a deadline puts a timeout around this call: jobs that still run then end with the process.
pub async fn run<H>(queue: Queue, concurrency: usize, handler: H, stop: CancellationToken)
where
    H: Fn(Batch) -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static,
{
    let jobs = Jobs::new(queue.clone(), concurrency, handler);
    let progress = &queue.inner.progress;
    let mut watchdog = Watchdog::new(Instant::now());
    let mut slowness = Slowness::default();
    let mut failures = 0;
    while !stop.is_cancelled() {
        let (started, taken) = (Instant::now(), progress.taken.load(Relaxed));
        let end = run_worker(&jobs, &mut watchdog, &mut slowness, &stop).await;
        progress.alive.store(false, Relaxed);
        let reason = match end {
            End::Stopped => break,
            End::Stalled => "it took nothing while work waited".to_owned(),
            End::Failed(reason) => reason,
        };
        progress.rebuilt.fetch_add(1, Relaxed);
        let was_well = started.elapsed() >= WELL_AFTER || progress.taken.load(Relaxed) > taken;
        failures = if was_well { 0 } else { failures + 1 };
        let pause = compute_pause(failures);
        tracing::warn!(queue = queue.name(), reason, ?pause, "a queue worker is replaced");
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
    jobs.running.close();
    jobs.running.wait().await;
}

enum End {
    Stopped,
    Stalled,
    Failed(String),
}

/// Runs one worker from its start to its end.
async fn run_worker(
    jobs: &Jobs,
    watchdog: &mut Watchdog,
    slowness: &mut Slowness,
    stop: &CancellationToken,
) -> End {
    let queue = &jobs.queue;
    let context = WorkerContext::new(&format!("{}-{}", queue.name(), Uuid::new_v4().simple()));
    let mut worker = match spawn_worker(jobs, context.clone()) {
        Ok(worker) => AbortOnDropHandle::new(worker),
        Err(error) => return End::Failed(ErrorChain(&error).to_string()),
    };
    let started = Instant::now();
    let mut checks = interval(CHECK_EVERY);
    let end = loop {
        tokio::select! {
            ended = &mut worker => break End::Failed(describe_end(ended)),
            () = stop.cancelled() => break End::Stopped,
            _ = checks.tick() => {
                let finding = check_worker(jobs, &context, watchdog, slowness).await;
                if finding == Some(Finding::Stalled) && started.elapsed() >= STALLED_AFTER {
                    break End::Stalled;
                }
            }
        }
    };
    if !worker.is_finished() {
        stop_worker(jobs, &context, worker, matches!(end, End::Stopped)).await;
    }
    if let Backend::Redis(redis) = &queue.inner.backend {
        let left = match end {
            End::Stopped => WorkerEnd::InOrder,
            End::Stalled | End::Failed(_) => WorkerEnd::Broken,
        };
        if let Err(error) = redis.remove_worker(&context, left).await {
            // A heartbeat of another worker returns its batches to the queue later.
            tracing::debug!(
                queue = queue.name(),
                error = &error as &dyn std::error::Error,
                "an ended worker is still registered in Redis"
            );
        }
    }
    end
}

fn spawn_worker(
    jobs: &Jobs,
    context: WorkerContext,
) -> Result<JoinHandle<Result<(), WorkerError>>, QueueError> {
    let service = jobs.service(context.name());
    let builder = WorkerBuilder::new(context);
    Ok(match &jobs.queue.inner.backend {
        Backend::Memory(memory) => {
            let worker = builder.backend(memory.backend()).build(service);
            tokio::spawn(worker.run())
        }
        Backend::Redis(redis) => {
            let worker = builder.backend(redis.create_worker_backend()?).build(service);
            tokio::spawn(worker.run())
        }
    })
}

/// Reads the length of the queue, updates the health, and returns what the watchdog finds. `None` if the queue did not
/// answer.
async fn check_worker(
    jobs: &Jobs,
    context: &WorkerContext,
    watchdog: &mut Watchdog,
    slowness: &mut Slowness,
) -> Option<Finding> {
    let queue = &jobs.queue;
    let progress = &queue.inner.progress;
    let checked = async {
        if let Backend::Redis(redis) = &queue.inner.backend {
            redis.refresh_worker(context).await?;
        }
        queue.count_waiting_batches().await
    };
    match checked.await {
        Ok(waiting) => {
            let now = Instant::now();
            // Read the slots before the moves. A job that ends in between then counts as a move. In the other sequence
            // it could look like a free slot with no move.
            let all_slots_busy = jobs.are_all_slots_busy();
            let finding = watchdog.assess_progress(waiting, progress.count_moves(), all_slots_busy, now);
            slowness.note_finding(queue.name(), finding, waiting, now);
            progress.alive.store(true, Relaxed);
            progress.stalled.store(finding == Finding::Stalled, Relaxed);
            progress.slow.store(finding == Finding::Busy, Relaxed);
            Some(finding)
        }
        Err(error) => {
            tracing::debug!(
                queue = queue.name(),
                error = &error as &dyn std::error::Error,
                "the queue cannot be asked for its length"
            );
            progress.alive.store(false, Relaxed);
            None
        }
    }
}

/// Stops a worker that still runs. With `finish`, waits for its jobs first.
async fn stop_worker(
    jobs: &Jobs,
    context: &WorkerContext,
    worker: AbortOnDropHandle<Result<(), WorkerError>>,
    finish: bool,
) {
    if let Err(error) = context.stop() {
        tracing::debug!(
            queue = jobs.queue.name(),
            error = &error as &dyn std::error::Error,
            "a worker was stopped before it started"
        );
    }
    if finish {
        jobs.running.close();
        jobs.running.wait().await;
    }
    match timeout(FAREWELL, worker).await {
        Ok(ended) => {
            tracing::debug!(queue = jobs.queue.name(), end = describe_end(ended), "a worker was dismissed")
        }
        Err(_) => tracing::debug!(queue = jobs.queue.name(), "a worker was aborted"),
    }
    if finish {
        // The worker may have handed out one more batch in the meantime.
        jobs.running.wait().await;
    }
}

fn describe_end(ended: Result<Result<(), WorkerError>, JoinError>) -> String {
    match ended {
        Ok(Ok(())) => "it ended".to_owned(),
        Ok(Err(error)) => ErrorChain(&error).to_string(),
        Err(error) => ErrorChain(&error).to_string(),
    }
}

/// The pause after a number of failures in a row. It doubles with each failure and is randomized, so that processes do
/// not reconnect at the same time.
fn compute_pause(failures: u32) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LAST_PAUSE);
    full.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        for failures in 0..100 {
            let pause = compute_pause(failures);
            assert!(pause >= FIRST_PAUSE / 2 && pause <= LAST_PAUSE, "{failures}: {pause:?}");
        }
        assert!(compute_pause(99) >= LAST_PAUSE / 2);
    }
}
