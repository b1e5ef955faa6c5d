//! Tests the job queue, in memory and on Redis. `queue/trouble.rs` tests it while Redis is flushed, killed, frozen and
//! absent.

mod library;
mod trouble;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures::{FutureExt, TryStreamExt, future::BoxFuture, stream};
use persistence::leases::Leased;
use tests::redis::Redis;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::queue::{Batch, Health, Queue, run};

/// Long enough for every recovery in these tests, also on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A queue with a worker that reports every batch it has handled.
struct Bench {
    queue: Queue,
    handled: mpsc::UnboundedReceiver<Batch>,
    stop: CancellationToken,
    run: JoinHandle<()>,
}

impl Bench {
    fn new(queue: Queue) -> Self {
        let (report, handled) = mpsc::unbounded_channel();
        let handler = move |batch: Batch| -> BoxFuture<'static, ()> {
            let report = report.clone();
            async move { report.send(batch).unwrap() }.boxed()
        };
        let stop = CancellationToken::new();
        let run = tokio::spawn(run(queue.clone(), 4, handler, stop.clone()));
        Self { queue, handled, stop, run }
    }

    async fn handled(&mut self) -> Batch {
        within(self.handled.recv()).await.unwrap()
    }

    /// Pushes a batch until it was handled. Like the relay, it pushes again if the batch was refused or lost.
    async fn push_until_handled(&mut self) {
        let wanted = batch(1);
        let handled = async {
            let mut tries = tokio::time::interval(Duration::from_millis(500));
            loop {
                tokio::select! {
                    _ = tries.tick() => if let Err(error) = self.queue.push(wanted.clone()).await {
                        println!("push: {error}: {:?}", std::error::Error::source(&error));
                    },
                    got = self.handled.recv() => if got.unwrap() == wanted { break },
                }
            }
        };
        within(handled).await;
    }

    async fn stop(self) {
        self.stop.cancel();
        within(self.run).await.unwrap();
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("took too long")
}

fn batch(size: i32) -> Batch {
    Batch { work: (1..=size).map(|attempt| Leased { id: Uuid::new_v4(), attempt }).collect() }
}

fn namespace() -> String {
    format!("test-{}", Uuid::new_v4().simple())
}

fn on(redis: &Redis) -> Queue {
    Queue::redis(&redis.url(), &namespace(), "webhooks").unwrap()
}

async fn hands_over_what_is_pushed(queue: Queue) {
    let early = batch(3);
    queue.push(early.clone()).await.unwrap();
    assert_eq!(queue.count_waiting_batches().await.unwrap(), 1);
    let mut bench = Bench::new(queue);
    assert_eq!(bench.handled().await, early);
    for size in [0, 1, 500] {
        let pushed = batch(size);
        bench.queue.push(pushed.clone()).await.unwrap();
        assert_eq!(bench.handled().await, pushed);
    }
    assert_eq!(bench.queue.count_waiting_batches().await.unwrap(), 0);
    let queue = bench.queue.clone();
    bench.stop().await;
    let health = queue.health();
    assert_eq!((health.handled, health.running, health.panicked, health.rebuilt), (4, 0, 0, 0));
    assert!(!health.alive);
}

#[tokio::test]
async fn memory_hands_over_what_is_pushed() {
    hands_over_what_is_pushed(Queue::memory("webhooks")).await;
}

#[tokio::test]
async fn redis_hands_over_what_is_pushed() {
    let Some(redis) = Redis::start().await else { return };
    hands_over_what_is_pushed(on(&redis)).await;
}

async fn survives_panics(queue: Queue) {
    let (report, mut began) = mpsc::unbounded_channel();
    let handler = move |batch: Batch| -> BoxFuture<'static, ()> {
        report.send(()).unwrap();
        assert!(batch.work.len() != 1, "panics before there is a future");
        async move { assert!(batch.work.len() != 2, "panics in the future") }.boxed()
    };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(run(queue.clone(), 1, handler, stop.clone()));
    for size in 1..=3 {
        queue.push(batch(size)).await.unwrap();
        within(began.recv()).await.unwrap();
    }
    stop.cancel();
    within(worker).await.unwrap();
    let health = queue.health();
    assert_eq!((health.handled, health.panicked, health.rebuilt), (3, 2, 0));
}

#[tokio::test]
async fn memory_survives_panics() {
    survives_panics(Queue::memory("webhooks")).await;
}

#[tokio::test]
async fn redis_survives_panics() {
    let Some(redis) = Redis::start().await else { return };
    survives_panics(on(&redis)).await;
    assert_eq!(left_in(&redis).await, NOTHING);
}

/// Tests that not more jobs run than the concurrency allows, and that a stop waits for running jobs and leaves the
/// others in the queue. Returns the number of finished jobs.
async fn stops_after_running_jobs(queue: Queue) -> usize {
    let gate = Arc::new(Semaphore::new(0));
    let (report, mut began) = mpsc::unbounded_channel();
    let finished = Arc::new(AtomicUsize::new(0));
    let handler = {
        let (gate, finished) = (gate.clone(), finished.clone());
        move |_: Batch| -> BoxFuture<'static, ()> {
            let (gate, report, finished) = (gate.clone(), report.clone(), finished.clone());
            async move {
                report.send(()).unwrap();
                gate.acquire().await.unwrap().forget();
                finished.fetch_add(1, SeqCst);
            }
            .boxed()
        }
    };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(run(queue.clone(), 2, handler, stop.clone()));
    for _ in 0..5 {
        queue.push(batch(1)).await.unwrap();
    }
    for _ in 0..2 {
        within(began.recv()).await.unwrap();
    }
    assert_eq!(queue.health().running, 2);
    stop.cancel();
    assert!(timeout(Duration::from_millis(200), began.recv()).await.is_err(), "a third job began");
    assert!(!worker.is_finished(), "it did not wait for its jobs");
    gate.add_permits(5);
    within(worker).await.unwrap();
    assert_eq!(queue.health().running, 0);
    finished.load(SeqCst)
}

#[tokio::test]
async fn memory_stops_after_running_jobs() {
    let queue = Queue::memory("webhooks");
    assert_eq!(stops_after_running_jobs(queue.clone()).await, 2);
    assert_eq!(queue.count_waiting_batches().await.unwrap(), 3);
}

#[tokio::test]
async fn redis_stops_after_running_jobs_and_leaves_the_rest_to_others() {
    let Some(redis) = Redis::start().await else { return };
    let queue = on(&redis);
    let finished = stops_after_running_jobs(queue.clone()).await;
    assert_eq!(finished + queue.count_waiting_batches().await.unwrap(), 5);
    let mut bench = Bench::new(queue);
    for _ in finished..5 {
        bench.handled().await;
    }
    bench.stop().await;
}

/// Tests that slow jobs do not make the worker count as stalled, and that it is not replaced.
async fn is_slow_and_not_stalled_while_every_slot_is_busy(queue: Queue, concurrency: usize) {
    let gate = Arc::new(Semaphore::new(0));
    let handler = {
        let gate = gate.clone();
        move |_: Batch| -> BoxFuture<'static, ()> {
            let gate = gate.clone();
            async move { gate.acquire().await.unwrap().forget() }.boxed()
        }
    };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(run(queue.clone(), concurrency, handler, stop.clone()));
    for _ in 0..concurrency + 2 {
        queue.push(batch(1)).await.unwrap();
    }
    let look = async |found: fn(Health) -> bool| {
        let mut looks = tokio::time::interval(Duration::from_millis(25));
        loop {
            looks.tick().await;
            let health = queue.health();
            assert!(!health.stalled && health.rebuilt == 0, "{health:?}");
            if found(health) {
                return;
            }
        }
    };
    within(look(|health| health.slow && health.alive)).await;
    assert_eq!(queue.health().running, concurrency);
    gate.add_permits(concurrency + 2);
    within(look(|health| !health.slow)).await;
    stop.cancel();
    within(worker).await.unwrap();
    assert_eq!(queue.health().handled as usize, concurrency + 2);
}

#[tokio::test]
async fn memory_is_slow_and_not_stalled_while_every_slot_is_busy() {
    is_slow_and_not_stalled_while_every_slot_is_busy(Queue::memory("webhooks"), 1).await;
}

#[tokio::test]
async fn redis_is_slow_and_not_stalled_while_every_slot_is_busy() {
    let Some(redis) = Redis::start().await else { return };
    is_slow_and_not_stalled_while_every_slot_is_busy(on(&redis), 2).await;
}

#[tokio::test]
async fn memory_refuses_what_it_cannot_hold() {
    let queue = Queue::memory("webhooks");
    let mut held = 0;
    while queue.push(batch(1)).await.is_ok() {
        held += 1;
    }
    assert_eq!(queue.count_waiting_batches().await.unwrap(), held);
}

const NOTHING: [String; 0] = [];

/// Returns the keys in Redis. Leaves out two keys of constant size that apalis-redis never deletes: the set of all
/// queue names, and for each queue a list with at most one signal.
async fn left_in(redis: &Redis) -> Vec<String> {
    let mut keys: Vec<String> = redis.command(&["KEYS", "*"]).await.unwrap();
    keys.retain(|key| key != "core:apalis:queues:list" && !key.ends_with(":signal"));
    keys
}

async fn memory_of(redis: &Redis) -> usize {
    let info: String = redis.command(&["INFO", "memory"]).await.unwrap();
    info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn finished_batches_leave_nothing_in_redis() {
    let Some(redis) = Redis::start().await else { return };
    let queue = on(&redis);
    let mut memory = Vec::new();
    for _ in 0..5 {
        let mut bench = Bench::new(queue.clone());
        for _ in 0..10 {
            let batches = stream::iter((0..100).map(|_| Ok(batch(20))));
            batches.try_for_each_concurrent(10, |batch| bench.queue.push(batch)).await.unwrap();
            for _ in 0..100 {
                bench.handled().await;
            }
        }
        bench.stop().await;
        assert_eq!(left_in(&redis).await, NOTHING);
        memory.push(memory_of(&redis).await);
    }
    assert_eq!(queue.health().handled, 5_000);
    // If a thousand batches stayed in Redis, they would need 1.5 MB.
    assert!(memory[4] < memory[0] + 500_000, "{memory:?}");
}

#[tokio::test]
async fn two_processes_share_the_work_and_do_none_twice() {
    let Some(redis) = Redis::start().await else { return };
    let namespace = namespace();
    let queue = || Queue::redis(&redis.url(), &namespace, "webhooks").unwrap();
    let (mut one, mut other) = (Bench::new(queue()), Bench::new(queue()));
    let mut pushed = Vec::new();
    for _ in 0..200 {
        let batch = batch(1);
        pushed.push(batch.work[0].id);
        one.queue.push(batch).await.unwrap();
    }
    let mut handled = Vec::new();
    while handled.len() < pushed.len() {
        let batch = within(async {
            tokio::select! { batch = one.handled.recv() => batch, batch = other.handled.recv() => batch }
        });
        handled.push(batch.await.unwrap().work[0].id);
    }
    pushed.sort();
    handled.sort();
    assert_eq!(handled, pushed);
    one.stop().await;
    other.stop().await;
}
