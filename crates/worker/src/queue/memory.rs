//! The queue without Redis: a bounded channel that feeds apalis's in-memory backend.
//!
//! apalis consumes a `MemoryStorage` with its worker. The channel therefore stays ours, and every new worker gets
//! a stream that reads from it: nothing that waits is lost when a worker is rebuilt.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use apalis::prelude::{MemorySink, MemoryStorage, MemoryStorageError, Task, TaskBuilder};
use futures::{SinkExt, StreamExt, sink, stream};
use tokio::sync::mpsc;

use super::{Batch, QueueError};

/// Batches that may wait. More than any relay's bound, so that only a mistake can fill it.
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

    pub(super) fn len(&self) -> usize {
        self.sender.max_capacity() - self.sender.capacity()
    }

    /// The backend of one worker.
    pub(super) fn backend(&self) -> MemoryStorage<Batch> {
        let receiver = self.receiver.clone();
        let batches = stream::poll_fn(move |cx| {
            // A poisoned lock has no broken state to protect: the channel is whole after any panic.
            receiver.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(cx)
        });
        // Pushing goes past apalis: its own sink can hang with several pushers. It still polls one, so: a drain.
        let drain = sink::drain::<Task<Batch>>()
            .sink_map_err(|never: Infallible| -> MemoryStorageError { match never {} });
        let sink = MemorySink::new(Arc::new(futures::lock::Mutex::new(Box::new(drain))));
        MemoryStorage::new_with(sink, batches.map(|batch| TaskBuilder::new(batch).build()).boxed())
    }
}
