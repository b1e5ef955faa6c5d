//! The queue on Redis, by apalis-redis.
//!
//! apalis-redis deletes nothing by itself, and its vacuum sees only tasks whose results are stored. So each batch
//! is forgotten here when its job ends (`acknowledge`), and what a worker leaves behind when the worker ends
//! (`remove_worker`). Redis must not evict keys (`maxmemory-policy noeviction`, its default).

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ::redis::{
    Client, Pipeline,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use apalis::prelude::{PollSnapshot, PollStrategy, PollWith, TaskBuilder, WorkerContext};
use apalis_redis::{Config, RedisStorage, queries::push_tasks};
use futures::task::AtomicWaker;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{Batch, QueueError};

/// How often a worker without work asks for some.
const POLL_EVERY: Duration = Duration::from_millis(25);
/// A stall longer than this ends the worker with an error, and it is rebuilt. A longer timeout turns a stall into
/// a worker that lives and never fetches again.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
/// A dead process's batches are put back after 30 s without a heartbeat. Whatever becomes of them, the work comes
/// back when its lease runs out.
const HEARTBEAT: Duration = Duration::from_secs(2);
const MISSED_HEARTBEATS: usize = 15;
/// What apalis-redis writes about a worker expires after this, in seconds, if nobody removes it: kill -9 cannot.
const METADATA_TTL: i64 = 3_600;

pub(super) type Backend = PollWith<RedisStorage<Batch>, Pulse>;

pub(super) struct Redis {
    client: Client,
    connection: ConnectionManager,
    config: Config,
    pushed: Arc<AtomicWaker>,
}

/// How a worker ended, and so what becomes of the batches it fetched and did not hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was asked to stop: they go back for others to take.
    InOrder,
    /// It failed. One of them may be the reason, so they are dropped; their leases bring the work back.
    Broken,
}

impl Redis {
    pub(super) fn new(url: &str, queue: &str) -> Result<Self, QueueError> {
        let client = Client::open(url).map_err(QueueError::Address)?;
        let config = Config::default()
            .queue(queue)
            // One fetch, one batch: nothing is buffered in a worker while others idle, and heartbeats go on.
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED_HEARTBEATS)
            .lock_tasks(false)
            .persist_results(false)
            .emit_events(false);
        Ok(Self { connection: connect(&client)?, client, config, pushed: Arc::default() })
    }

    pub(super) async fn push(&self, batch: &Batch) -> Result<(), QueueError> {
        let task = TaskBuilder::new(serde_json::to_vec(batch)?).build();
        push_tasks(&mut self.connection.clone(), &self.config, &[task]).await?;
        self.pushed.wake();
        Ok(())
    }

    pub(super) async fn len(&self) -> Result<usize, QueueError> {
        let (fetchable, scheduled): (usize, usize) = ::redis::pipe()
            .llen(self.config.active_jobs_list())
            // Every push waits here until the next fetch, whoever makes it, moves all that is due.
            .zcard(self.config.scheduled_jobs_set())
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(fetchable + scheduled)
    }

    /// The backend of one worker, on a connection of its own.
    pub(super) fn backend(&self) -> Result<Backend, QueueError> {
        let storage = RedisStorage::new(connect(&self.client)?).with_config(self.config.clone());
        Ok(PollWith::new(storage, Pulse::new(self.pushed.clone())))
    }

    /// Keeps the metadata of a living worker, and lets that of a dead one expire.
    pub(super) async fn refresh_worker(&self, worker: &WorkerContext) -> Result<(), QueueError> {
        let mut pipe = ::redis::pipe();
        pipe.expire(self.config.worker_metadata_key(worker), METADATA_TTL).ignore();
        self.apply(pipe).await
    }

    /// Removes a batch whose job ended.
    pub(super) async fn acknowledge(&self, worker: &str, task: &str) -> Result<(), QueueError> {
        let mut pipe = ::redis::pipe();
        pipe.atomic();
        self.drop_task(&mut pipe, task);
        pipe.srem(format!("{}:{worker}", self.config.inflight_jobs_set()), task).ignore();
        self.apply(pipe).await
    }

    /// Removes what an ended worker left in Redis.
    pub(super) async fn remove_worker(&self, worker: &WorkerContext, left: Left) -> Result<(), QueueError> {
        let in_flight = self.config.inflight_set_for(worker);
        // Off the register first: a fetch that is still on its way is then refused.
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
                Left::InOrder => {
                    pipe.rpush(self.config.active_jobs_list(), task).ignore();
                }
                Left::Broken => self.drop_task(&mut pipe, task),
            }
        }
        self.apply(pipe).await
    }

    fn drop_task(&self, pipe: &mut Pipeline, task: &str) {
        pipe.hdel(self.config.job_data_hash(), task).ignore();
        pipe.del(format!("{}:{task}", self.config.job_meta_hash())).ignore();
    }

    async fn apply(&self, pipe: Pipeline) -> Result<(), QueueError> {
        Ok(pipe.query_async(&mut self.connection.clone()).await?)
    }
}

/// A connection that opens when first used, and again with the next command after it broke.
fn connect(client: &Client) -> Result<ConnectionManager, QueueError> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(RESPONSE_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    Ok(ConnectionManager::new_lazy_with_config(client.clone(), config)?)
}

/// When a worker fetches: at every tick, and at once after a push from this process.
///
/// apalis's own interval re-arms its timer without asking to be requeued by it. A fetch slower than the interval then
/// leaves the worker asleep until its heartbeat, or for good. This one always leaves a timer armed.
pub(super) struct Pulse {
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
