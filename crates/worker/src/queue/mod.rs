//! The job queue: apalis on Redis, or in memory if Redis is not used.
//!
//! 1. The relay pushes batches and asks for the length of the queue. Workers `run` their handlers on the batches.
//! 2. The queue holds only references to work. A batch may be lost (Redis is flushed, a process is killed) or delivered
//!    twice. The lease in the database makes lost work due again, and the attempt with which each row was leased
//!    rejects the second run.
//! 3. Therefore apalis's own retries, results, locks and events stay off, and a finished batch leaves no key in Redis.
//! 4. `lib.rs` creates the queues. `count_waiting_batches` leaves out those that run. A push to a full queue in memory
//!    fails at once.

mod health;
#[cfg(test)]
mod library;
mod memory;
mod service;
mod supervise;
mod watchdog;

use std::sync::Arc;

use persistence::leases::Leased;
use serde::{Deserialize, Serialize};

pub use health::Health;
pub use supervise::run;

use health::Progress;

use crate::redis::{AddressError, queue::Redis};

/// A batch of work: row ids, and the attempt with which each row was leased. It never contains anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The leased rows, in the sequence of the lease.
    pub work: Vec<Leased>,
}

/// A named queue of batches. Clones are handles to the same queue.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    backend: Backend,
    progress: Progress,
}

/// Where the batches of a queue wait.
enum Backend {
    Memory(memory::Memory),
    Redis(Box<Redis>),
}

impl Queue {
    /// Creates a queue inside this process, for at most 1,024 waiting batches.
    pub fn memory(name: &str) -> Self {
        Self::new(name, Backend::Memory(memory::Memory::new()))
    }

    /// Creates a queue in Redis, under the keys `{namespace}:{name}:…`. It connects when it is used first, and
    /// reconnects by itself, so Redis may be down at this call. Fails only if the URL is invalid. Call it inside a
    /// Tokio runtime.
    pub fn redis(url: &str, namespace: &str, name: &str) -> Result<Self, AddressError> {
        Ok(Self::new(name, Backend::Redis(Box::new(Redis::new(url, &format!("{namespace}:{name}"))?))))
    }

    fn new(name: &str, backend: Backend) -> Self {
        Self { inner: Arc::new(Inner { name: name.to_owned(), backend, progress: Progress::default() }) }
    }

    /// The name of the queue: "webhooks" or "notifications".
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Adds a batch. Batches may be taken in another sequence than they were pushed. After an error the batch may or
    /// may not have been added; the lease and the attempt make both harmless.
    pub async fn push(&self, batch: Batch) -> Result<(), QueueError> {
        match &self.inner.backend {
            Backend::Memory(memory) => memory.push(batch),
            Backend::Redis(redis) => redis.push(&batch).await,
        }
    }

    /// Number of batches that wait. The relay leases no more rows while it has reached `MAX_WAITING` in `relay.rs`.
    pub async fn count_waiting_batches(&self) -> Result<usize, QueueError> {
        match &self.inner.backend {
            Backend::Memory(memory) => Ok(memory.count_waiting_batches()),
            Backend::Redis(redis) => redis.count_waiting_batches().await,
        }
    }

    /// The health of this process's worker of the queue. Only reads counters.
    pub fn health(&self) -> Health {
        self.inner.progress.health()
    }
}

/// Why a batch could not be pushed, or the length of a queue not be read.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Redis did not answer, or answered with an error.
    #[error("the queue in Redis did not answer")]
    Redis(#[from] ::redis::RedisError),
    /// Redis did not accept a batch.
    #[error("the queue in Redis did not take the batch")]
    Push(#[from] apalis_redis::Error),
    /// A batch could not be written as JSON.
    #[error("the batch could not be encoded")]
    Encode(#[from] serde_json::Error),
    /// The queue in memory is full.
    #[error("the queue in memory is full")]
    Full,
}
