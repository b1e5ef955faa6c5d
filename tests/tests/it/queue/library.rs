//! Tests the behaviour of apalis-redis that the queue replaces. A test that fails shows that the library has changed:
//! docs/decisions/apalis.md says what can then be removed. `crates/worker/src/queue/library.rs` has the tests without
//! Redis.

use std::time::Duration;

use apalis::prelude::{IntervalStrategy, PollWith, TaskBuilder, TaskSink, WorkerBuilder, WorkerContext};
use apalis_core::backend::Vacuum;
use apalis_redis::{Config, RedisStorage, queries::push_tasks};
use tests::redis::Redis;

use super::within;

const CHANGED: &str = "the library does this now: see docs/decisions/apalis.md";
const QUEUE: &str = "library";

async fn storage(redis: &Redis) -> RedisStorage<u32> {
    let connection = apalis_redis::connect(redis.url()).await.unwrap();
    RedisStorage::new(connection).with_config(Config::default().queue(QUEUE).batch_size(1))
}

#[tokio::test]
async fn a_finished_task_and_its_worker_stay_in_redis() {
    let Some(redis) = Redis::start().await else { return };
    let mut storage = storage(&redis).await;
    storage.push(1).await.unwrap();
    let backend = PollWith::new(storage.clone(), IntervalStrategy::new(Duration::from_millis(10)));
    let worker = WorkerBuilder::new("worker")
        .backend(backend)
        .build(|_: u32, worker: WorkerContext| async move { worker.stop().unwrap() });
    within(worker.run()).await.unwrap();

    let count = async |command: &str, key: &str| -> i64 {
        redis.command(&[command, &format!("{QUEUE}:{key}")]).await.unwrap()
    };
    assert_eq!(count("HLEN", "data").await, 1, "{CHANGED}");
    assert_eq!(count("SCARD", "done").await, 1, "{CHANGED}");
    assert_eq!(count("ZCARD", "workers").await, 1, "{CHANGED}");
    assert_eq!(count("TTL", "workers:metadata:worker").await, -1, "{CHANGED}");
    assert_eq!(storage.vacuum().await.unwrap(), 1);
    assert_eq!(count("HLEN", "data").await, 0);
    assert_eq!(count("SCARD", "done").await, 1, "the vacuum leaves it: {CHANGED}");
}

#[tokio::test]
async fn a_worker_ends_when_redis_is_flushed() {
    let Some(redis) = Redis::start().await else { return };
    let mut storage = storage(&redis).await;
    storage.push(1).await.unwrap();
    let (report, mut handled) = tokio::sync::mpsc::unbounded_channel();
    let backend = PollWith::new(storage.clone(), IntervalStrategy::new(Duration::from_millis(10)));
    let worker = WorkerBuilder::new("worker").backend(backend).build(move |_: u32| {
        report.send(()).unwrap();
        async {}
    });
    let worker = tokio::spawn(worker.run());
    within(handled.recv()).await.unwrap();
    redis.command::<()>(&["FLUSHALL"]).await.unwrap();
    storage.push(2).await.unwrap();
    assert!(within(worker).await.unwrap().is_err(), "{CHANGED}");
}

#[tokio::test]
async fn a_worker_ends_when_8000_tasks_wait() {
    let Some(redis) = Redis::start().await else { return };
    let storage = storage(&redis).await;
    let mut connection = apalis_redis::connect(redis.url()).await.unwrap();
    for _ in 0..8 {
        let tasks: Vec<_> = (0..1_000).map(|_| TaskBuilder::new(b"1".to_vec()).build()).collect();
        push_tasks(&mut connection, storage.get_config(), &tasks).await.unwrap();
    }
    let backend = PollWith::new(storage, IntervalStrategy::new(Duration::from_millis(10)));
    let worker = WorkerBuilder::new("worker").backend(backend).build(|_: u32| async {});
    assert!(within(worker.run()).await.is_err(), "{CHANGED}");
}
