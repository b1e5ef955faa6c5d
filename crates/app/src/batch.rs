//! Many callers, few transactions: what comes in while a transaction runs shares the next one.
//!
//! Round trips and flushes are what a change costs, so a batch of a hundred costs little more than one. An
//! idle server makes nobody wait: the first caller's batch is a batch of one.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::error::{Error, Result};

/// Callers that wait for a place in a batch. More than these wait for a place in the queue.
const QUEUE: usize = 4096;

type Slot<T, R> = (T, oneshot::Sender<R>);

/// Collects what many callers ask for and has it done together. Cheap to clone.
pub(crate) struct Batcher<T, R> {
    queue: mpsc::Sender<Slot<T, R>>,
}

impl<T, R> Clone for Batcher<T, R> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T: Send + 'static, R: Send + 'static> Batcher<T, R> {
    /// Starts `workers` tasks that each call `run` with up to `most` of what is waiting. `run` gives one
    /// answer for each, in order. The tasks end when the last clone is gone.
    pub fn start<F, Work>(workers: usize, most: usize, run: F) -> Self
    where
        F: Fn(Vec<T>) -> Work + Clone + Send + Sync + 'static,
        Work: Future<Output = Vec<R>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..workers {
            tokio::spawn(work(waiting.clone(), most, run.clone()));
        }
        Self { queue }
    }

    /// Hands one thing in and waits for its answer. It is done even if the caller stops waiting.
    ///
    /// # Errors
    /// [`Error::Stopping`] when nobody works any more, [`Error::BrokenOff`] when the work did not come to its end.
    pub async fn submit(&self, what: T) -> Result<R> {
        let (answer, waiting) = oneshot::channel();
        self.queue.send((what, answer)).await.map_err(|_| Error::Stopping)?;
        waiting.await.map_err(|_| Error::BrokenOff)
    }
}

async fn work<T, R, F, Work>(waiting: Arc<Mutex<mpsc::Receiver<Slot<T, R>>>>, most: usize, run: F)
where
    F: Fn(Vec<T>) -> Work,
    Work: Future<Output = Vec<R>>,
{
    loop {
        let mut slots = Vec::with_capacity(most);
        let count = waiting.lock().await.recv_many(&mut slots, most).await;
        if count == 0 {
            return;
        }
        let (whats, waiting_for): (Vec<T>, Vec<oneshot::Sender<R>>) = slots.into_iter().unzip();
        // A panic breaks this batch off, and its callers are told; it must not end the work for good.
        let Ok(answers) = AssertUnwindSafe(run(whats)).catch_unwind().await else {
            tracing::error!(members = count, "a batch broke off");
            continue;
        };
        for (slot, answer) in waiting_for.into_iter().zip(answers) {
            // The caller may have gone; the work is done all the same.
            slot.send(answer).ok();
        }
    }
}
