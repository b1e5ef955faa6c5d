//! The queue without Redis: a bounded channel that feeds apalis's in-memory backend. `Queue` pushes and asks for the
//! number of batches that wait; `supervise` takes a `backend` for each worker. `push` never waits: a full channel is
//! [`QueueError::Full`].
//!
//! An apalis worker consumes its `MemoryStorage`. Therefore the channel is kept outside of it, and each new worker gets
//! a stream that reads from the channel: waiting batches are not lost when a worker is replaced.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use apalis::prelude::{MemorySink, MemoryStorage, MemoryStorageError, Task, TaskBuilder};
use futures::{SinkExt, StreamExt, sink, stream};
use tokio::sync::mpsc;

use super::{Batch, QueueError};

/// Number of batches that may wait. It is higher than the relay's limit, so only a bug can fill the queue.
pub(super) const CAPACITY: usize = 1_024;

pub(super) struct Memory {
    sender: mpsc::Sender<Batch>,
    receiver: Arc<Mutex<mpsc::Receiver<Batch>>>,
}

impl Memory {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        Self { sender, receiver: Arc::new(Mutex::new(receiver)) }
    }

    pub(super) fn push(&self, batch: Batch) -> Result<(), QueueError> {
        self.sender.try_send(batch).map_err(|_| QueueError::Full)
    }

    pub(super) fn count_waiting_batches(&self) -> usize {
        self.sender.max_capacity() - self.sender.capacity()
    }

    /// Creates the backend of one worker.
    pub(super) fn backend(&self) -> MemoryStorage<Batch> {
        let receiver = self.receiver.clone();
        let batches = stream::poll_fn(move |cx| {
            // A poisoned lock can be used: a panic does not damage the channel.
            receiver.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(cx)
        });
        // `push` does not use apalis's sink, because it can hang when several tasks push. apalis still polls a sink, so
        // it gets one that drops everything.
        let drain = sink::drain::<Task<Batch>>()
            .sink_map_err(|never: Infallible| -> MemoryStorageError { match never {} });
        let sink = MemorySink::new(Arc::new(futures::lock::Mutex::new(Box::new(drain))));
        MemoryStorage::new_with(sink, batches.map(|batch| TaskBuilder::new(batch).build()).boxed())
    }
}
