//! The job queue: apalis on Redis, or in memory where there is no Redis.
//!
//! The relay pushes batches and asks for the length; the roles of the worker `run` their handlers on what comes.
//! The queue holds only references to work. A batch may be lost (Redis flushed, a process killed) or come twice: the
//! lease in the database brings lost work back, and the attempt each item was leased with fences off the second run.
//! So apalis's own retries, results, locks and events stay off, and a finished batch leaves no key behind.

mod health;
mod memory;
mod redis;
mod service;
mod supervise;
mod watchdog;

use std::sync::Arc;

use persistence::leases::Leased;
use serde::{Deserialize, Serialize};

pub use health::Health;
pub use supervise::run;

use health::Progress;

/// What travels: ids and the attempt each was leased with. Nothing else ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The leased rows, in the order of the lease.
    pub work: Vec<Leased>,
}

/// A named queue of batches. Clones are handles to the same queue.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    place: Place,
    progress: Progress,
}

/// Where the batches wait.
enum Place {
    Memory(memory::Memory),
    Redis(Box<redis::Redis>),
}

impl Queue {
    /// A queue inside this process, for at most 1,024 waiting batches.
    pub fn memory(name: &str) -> Self {
        Self::new(name, Place::Memory(memory::Memory::new()))
    }

    /// A queue in Redis, under the keys `{namespace}:{name}:…`. Connects when first used and again by itself, so
    /// Redis may be down when this is called. Fails only on an address that cannot be read.
    /// Call it inside a Tokio runtime.
    pub fn redis(url: &str, namespace: &str, name: &str) -> Result<Self, QueueError> {
        Ok(Self::new(name, Place::Redis(Box::new(redis::Redis::new(url, &format!("{namespace}:{name}"))?))))
    }

    fn new(name: &str, place: Place) -> Self {
        Self { inner: Arc::new(Inner { name: name.to_owned(), place, progress: Progress::default() }) }
    }

    /// The name it was made with: "webhooks", "notifications".
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Adds a batch. Batches may be taken in another order than they were pushed in. On an error the batch may or
    /// may not have been added; the lease and the attempt make both harmless.
    pub async fn push(&self, batch: Batch) -> Result<(), QueueError> {
        match &self.inner.place {
            Place::Memory(memory) => memory.push(batch),
            Place::Redis(redis) => redis.push(&batch).await,
        }
    }

    /// How many batches wait to be taken. The relay leases nothing more while they are as many as `MAX_WAITING` in
    /// `relay.rs`.
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length is compared with a bound, never with nothing"
    )]
    pub async fn len(&self) -> Result<usize, QueueError> {
        match &self.inner.place {
            Place::Memory(memory) => Ok(memory.len()),
            Place::Redis(redis) => redis.len().await,
        }
    }

    /// How this process's worker of the queue is doing. Costs nothing.
    pub fn health(&self) -> Health {
        self.inner.progress.health()
    }
}

/// Why a batch could not be pushed, or a queue not be asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The address of Redis cannot be read. Settings are wrong; trying again does not help.
    #[error("the address of Redis is not valid")]
    Address(#[source] ::redis::RedisError),
    /// Redis did not answer, or answered with an error.
    #[error("the queue in Redis did not answer")]
    Redis(#[from] ::redis::RedisError),
    /// Redis did not take a batch.
    #[error("the queue in Redis did not take the batch")]
    Push(#[from] apalis_redis::Error),
    /// A batch could not be written as JSON.
    #[error("the batch could not be encoded")]
    Encode(#[from] serde_json::Error),
    /// The queue in memory holds as many batches as it may.
    #[error("the queue in memory is full")]
    Full,
}
