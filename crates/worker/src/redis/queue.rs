//! The job queue on Redis, with apalis-redis.
//!
//! apalis-redis deletes nothing by itself, and its vacuum sees only tasks whose results are stored. Therefore this
//! module removes each batch when its job ends (`acknowledge`), and the rest of a worker's data when the worker ends
//! (`remove_worker`). Redis must not evict keys (`maxmemory-policy noeviction`, its default).
//!
//! `queue` calls this: `Queue` calls `push` and `count_waiting_batches`, `service` calls `acknowledge`, and `supervise`
//! the functions about a worker. Every call fails after half a second without an answer. `drop_task` only adds commands
//! to a pipeline, which `run_pipeline` sends. `create_worker_backend` asks nobody: its connection is made when it is
//! used. `count_waiting_batches` counts scheduled batches too, but none that runs.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ::redis::{Client, Pipeline, aio::ConnectionManager};
use apalis::prelude::{PollSnapshot, PollStrategy, PollWith, TaskBuilder, WorkerContext};
use apalis_redis::{Config, RedisStorage, queries::push_tasks};
use futures::task::AtomicWaker;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{AddressError, connect};
use crate::queue::{Batch, QueueError};

/// How often an idle worker asks for work.
const POLL_EVERY: Duration = Duration::from_millis(25);
/// If Redis does not answer for this long, the worker ends with an error and is replaced. With a longer timeout, the
/// worker would stay alive and never fetch again.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
/// The batches of a dead process return to the queue after 30 s without a heartbeat. Even if they do not, the work is
/// due again when its lease expires.
const HEARTBEAT: Duration = Duration::from_secs(2);
const MISSED_HEARTBEATS: usize = 15;
/// Time in seconds after which apalis-redis's metadata about a worker expires. It is needed after kill -9, when nothing
/// else removes them.
const METADATA_TTL: i64 = 3_600;

pub(crate) type Backend = PollWith<RedisStorage<Batch>, Pulse>;

pub(crate) struct Redis {
    client: Client,
    connection: ConnectionManager,
    config: Config,
    pushed: Arc<AtomicWaker>,
}

/// How a worker ended. This decides what happens to the batches that it fetched and did not hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerEnd {
    /// The worker was asked to stop. The batches return to the queue.
    InOrder,
    /// The worker failed. One of the batches may be the cause, so they are dropped. Their work is due again when its
    /// lease expires.
    Broken,
}

impl Redis {
    pub(crate) fn new(url: &str, queue: &str) -> Result<Self, AddressError> {
        let client = Client::open(url)?;
        let config = Config::default()
            .queue(queue)
            // A fetch takes one batch. So no batch is buffered in one worker while others are idle, and heartbeats
            // continue.
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED_HEARTBEATS)
            .lock_tasks(false)
            .persist_results(false)
            .emit_events(false);
        Ok(Self { connection: connect(&client, RESPONSE_TIMEOUT)?, client, config, pushed: Arc::default() })
    }

    pub(crate) async fn push(&self, batch: &Batch) -> Result<(), QueueError> {
        let task = TaskBuilder::new(serde_json::to_vec(batch)?).build();
        push_tasks(&mut self.connection.clone(), &self.config, &[task]).await?;
        self.pushed.wake();
        Ok(())
    }

    pub(crate) async fn count_waiting_batches(&self) -> Result<usize, QueueError> {
        let (fetchable, scheduled): (usize, usize) = ::redis::pipe()
            .llen(self.config.active_jobs_list())
            // A pushed batch waits in this set until the next fetch of any worker moves all due batches.
            .zcard(self.config.scheduled_jobs_set())
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(fetchable + scheduled)
    }

    /// Creates the backend of one worker, with its own connection, which is made later: `Err` is no sign that Redis is
    /// down.
    pub(crate) fn create_worker_backend(&self) -> Result<Backend, QueueError> {
        let storage =
            RedisStorage::new(connect(&self.client, RESPONSE_TIMEOUT)?).with_config(self.config.clone());
        Ok(PollWith::new(storage, Pulse::new(self.pushed.clone())))
    }

    /// Extends the lifetime of a worker's metadata. Those of a dead worker expire.
    pub(crate) async fn refresh_worker(&self, worker: &WorkerContext) -> Result<(), QueueError> {
        let mut pipe = ::redis::pipe();
        pipe.expire(self.config.worker_metadata_key(worker), METADATA_TTL).ignore();
        self.run_pipeline(pipe).await
    }

    /// Removes a batch whose job has ended.
    pub(crate) async fn acknowledge(&self, worker: &str, task: &str) -> Result<(), QueueError> {
        let mut pipe = ::redis::pipe();
        pipe.atomic();
        self.drop_task(&mut pipe, task);
        pipe.srem(format!("{}:{worker}", self.config.inflight_jobs_set()), task).ignore();
        self.run_pipeline(pipe).await
    }

    /// Removes the data of a worker that has ended.
    pub(crate) async fn remove_worker(
        &self,
        worker: &WorkerContext,
        left: WorkerEnd,
    ) -> Result<(), QueueError> {
        let in_flight = self.config.inflight_set_for(worker);
        // Unregister the worker first: then a fetch that is still on its way is refused.
        let (tasks,): (Vec<String>,) = ::redis::pipe()
            .atomic()
            .zrem(self.config.workers_set(), worker.name())
            .ignore()
            .smembers(&in_flight)
            .query_async(&mut self.connection.clone())
            .await?;
        let mut pipe = ::redis::pipe();
        pipe.atomic().del(&in_flight).ignore().del(self.config.worker_metadata_key(worker)).ignore();
        for task in &tasks {
            match left {
                WorkerEnd::InOrder => {
                    pipe.rpush(self.config.active_jobs_list(), task).ignore();
                }
                WorkerEnd::Broken => self.drop_task(&mut pipe, task),
            }
        }
        self.run_pipeline(pipe).await
    }

    fn drop_task(&self, pipe: &mut Pipeline, task: &str) {
        pipe.hdel(self.config.job_data_hash(), task).ignore();
        pipe.del(format!("{}:{task}", self.config.job_meta_hash())).ignore();
    }

    async fn run_pipeline(&self, pipe: Pipeline) -> Result<(), QueueError> {
        Ok(pipe.query_async(&mut self.connection.clone()).await?)
    }
}

/// Decides when a worker fetches: at every tick, and at once after a push from this process.
///
/// apalis's own interval resets its timer without registering for a wake-up. If a fetch is slower than the interval,
/// the worker then sleeps until its heartbeat, or for ever. This strategy always leaves a timer registered.
pub(crate) struct Pulse {
    tick: Interval,
    pushed: Arc<AtomicWaker>,
}

impl Pulse {
    fn new(pushed: Arc<AtomicWaker>) -> Self {
        let mut tick = interval(POLL_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tick, pushed }
    }
}

impl PollStrategy for Pulse {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        self.pushed.register(cx.waker());
        let mut due = Poll::Pending;
        while self.tick.poll_tick(cx).is_ready() {
            due = Poll::Ready(Some(()));
        }
        due
    }
}
