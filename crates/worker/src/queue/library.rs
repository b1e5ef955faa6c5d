//! Tests the behaviour of apalis that this module replaces. A test that fails shows that the library has changed:
//! docs/decisions/apalis.md says what can then be removed. `tests/tests/it/queue/library.rs` has the tests with Redis.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Wake, Waker},
    time::Duration,
};

use apalis::prelude::{IntervalStrategy, MemorySink, MemoryStorageError, PollSnapshot, PollStrategy, Task};
use futures::{FutureExt, Sink, SinkExt, lock::Mutex, sink};
use tokio::{sync::Notify, time::timeout};

const CHANGED: &str = "the library does this now: see docs/decisions/apalis.md";
/// Longer than any test needs, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A waker whose wake-ups a test can wait for.
#[derive(Default)]
struct Wakes(Notify);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn an_interval_that_has_ticked_wakes_nobody() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    let every = Duration::from_millis(5);
    let mut interval = IntervalStrategy::new(every);
    assert!(interval.poll_drive(&mut cx, &PollSnapshot::default()).is_pending());
    timeout(PATIENCE, wakes.0.notified()).await.expect("the first tick wakes");
    assert!(interval.poll_drive(&mut cx, &PollSnapshot::default()).is_ready());
    let woken = timeout(every * 40, wakes.0.notified()).await;
    assert!(woken.is_err(), "the second tick wakes: {CHANGED}");
}

#[tokio::test]
async fn a_sink_in_memory_that_waits_for_another_task_is_not_woken() {
    type Inner = Box<dyn Sink<Task<u32>, Error = MemoryStorageError> + Send + Sync + Unpin>;
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    let drain =
        sink::drain::<Task<u32>>().sink_map_err(|never: Infallible| -> MemoryStorageError { match never {} });
    let inner: Arc<Mutex<Inner>> = Arc::new(Mutex::new(Box::new(drain)));
    let mut sink = MemorySink::new(inner.clone());
    let other = inner.lock().await;
    assert!(sink.poll_ready_unpin(&mut cx).is_pending(), "{CHANGED}");
    drop(other);
    assert!(wakes.0.notified().now_or_never().is_none(), "{CHANGED}");
}
