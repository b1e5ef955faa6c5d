//! Collects the requests of many callers into batches, so that they share transactions and statements. Requests that
//! arrive while a batch runs form the next batch.
//!
//! A change costs mainly round trips and disk flushes, so a batch of a hundred requests costs little more than one
//! request. On an idle server nobody waits: the first request is a batch of its own. `orders`, `webhooks` and `reads`
//! use it.
//!
//! 1. A service starts a batcher when it is created: `start` spawns the tasks and returns at once.
//! 2. `submit` waits while the queue is full, then until the batch of the request has run. Its error is that of the
//!    batcher: the server is stopping, or a panic. The answer itself may be an error too.
//! 3. `run_worker` is one task: it takes the waiting requests, at most `most`, runs them, and sends each answer to its
//!    caller.
//! 4. A request is carried out also if its caller stops waiting. A panic fails all requests of its batch.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::error::{Error, Result};

/// Number of requests in the queue. When the queue is full, further callers wait to enter it.
const QUEUE: usize = 4096;

type Slot<T, R> = (T, oneshot::Sender<R>);

/// Collects requests of many callers and runs them in batches. Cheap to clone: all clones share one queue.
pub(crate) struct Batcher<T, R> {
    queue: mpsc::Sender<Slot<T, R>>,
}

impl<T, R> Clone for Batcher<T, R> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T: Send + 'static, R: Send + 'static> Batcher<T, R> {
    /// Starts `workers` tasks on the current Tokio runtime. Each calls `run` with up to `most` waiting requests. `run`
    /// must return one answer per request, in the same order. The tasks end when the last clone is dropped.
    pub fn start<F, Work>(workers: usize, most: usize, run: F) -> Self
    where
        F: Fn(Vec<T>) -> Work + Clone + Send + Sync + 'static,
        Work: Future<Output = Vec<R>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..workers {
            tokio::spawn(run_worker(waiting.clone(), most, run.clone()));
        }
        Self { queue }
    }

    /// Puts one request into the queue and waits for its answer. The request is carried out also if its caller stops
    /// waiting.
    ///
    /// # Errors
    /// [`Error::Stopping`] when the tasks have ended, [`Error::BrokenOff`] when the batch panicked.
    pub async fn submit(&self, request: T) -> Result<R> {
        let (answer, waiting) = oneshot::channel();
        self.queue.send((request, answer)).await.map_err(|_| Error::Stopping)?;
        waiting.await.map_err(|_| Error::BrokenOff)
    }
}

async fn run_worker<T, R, F, Work>(waiting: Arc<Mutex<mpsc::Receiver<Slot<T, R>>>>, most: usize, run: F)
where
    F: Fn(Vec<T>) -> Work,
    Work: Future<Output = Vec<R>>,
{
    loop {
        let mut slots = Vec::with_capacity(most);
        if waiting.lock().await.recv_many(&mut slots, most).await == 0 {
            return;
        }
        let count = slots.len();
        let (requests, callers): (Vec<T>, Vec<oneshot::Sender<R>>) = slots.into_iter().unzip();
        // A panic in one batch fails its callers with `BrokenOff`. The task must survive it, for the batches that
        // follow.
        let Ok(answers) = AssertUnwindSafe(run(requests)).catch_unwind().await else {
            tracing::error!(members = count, "a batch broke off");
            continue;
        };
        for (caller, answer) in callers.into_iter().zip(answers) {
            // Fails if the caller has stopped waiting. The request was carried out nevertheless.
            caller.send(answer).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_change_is_made_although_its_caller_is_gone() {
        let (ran, go) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
        let (runs, waits) = (ran.clone(), go.clone());
        let batcher = Batcher::start(1, 10, move |numbers: Vec<u32>| {
            runs.lock().unwrap().push(numbers.clone());
            let waits = waits.clone();
            async move {
                waits.acquire().await.unwrap().forget();
                numbers
            }
        });
        let submit = |number| {
            let batcher = batcher.clone();
            let mut submitted = Box::pin(async move { batcher.submit(number).await });
            // The first poll puts the request into the queue.
            assert!(submitted.as_mut().now_or_never().is_none());
            submitted
        };
        let first = submit(1);
        while ran.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(submit(2));
        let third = submit(3);
        go.add_permits(2);
        assert_eq!((first.await.unwrap(), third.await.unwrap()), (1, 3));
        assert_eq!(*ran.lock().unwrap(), [vec![1], vec![2, 3]]);
    }
}
