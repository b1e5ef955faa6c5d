//! Tests that the job queue survives a Redis that is flushed, killed, frozen or absent.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tests::redis::Redis;
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use worker::queue::{Batch, run};

use super::{Bench, batch, on, within};

#[tokio::test]
async fn redis_starts_while_redis_is_down() {
    let Some(mut redis) = Redis::start().await else { return };
    redis.kill().unwrap();
    let queue = on(&redis);
    within(queue.push(batch(1))).await.unwrap_err();
    within(queue.count_waiting_batches()).await.unwrap_err();
    let mut bench = Bench::new(queue);
    redis.restart().await.unwrap();
    bench.push_until_handled().await;
    bench.stop().await;
}

#[tokio::test]
async fn redis_may_be_flushed() {
    let Some(redis) = Redis::start().await else { return };
    let mut bench = Bench::new(on(&redis));
    for _ in 0..3 {
        bench.push_until_handled().await;
        redis.command::<()>(&["FLUSHALL"]).await.unwrap();
    }
    bench.push_until_handled().await;
    assert!(bench.queue.health().rebuilt >= 1);
    bench.stop().await;
}

#[tokio::test]
async fn redis_may_be_killed_and_come_back() {
    let Some(mut redis) = Redis::start().await else { return };
    let mut bench = Bench::new(on(&redis));
    for _ in 0..3 {
        bench.push_until_handled().await;
        redis.kill().unwrap();
        redis.restart().await.unwrap();
    }
    bench.push_until_handled().await;
    bench.stop().await;
}

#[tokio::test]
async fn redis_may_stall() {
    let Some(redis) = Redis::start().await else { return };
    let mut bench = Bench::new(on(&redis));
    for stall in [50, 200, 400, 700, 1_500] {
        bench.push_until_handled().await;
        redis.freeze().unwrap();
        // During the stall, the push waits for Redis or gives up.
        if let Err(error) = timeout(Duration::from_millis(stall), bench.queue.push(batch(1))).await {
            println!("{stall} ms: {error}");
        }
        redis.thaw().unwrap();
        bench.push_until_handled().await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_job_that_began_is_finished_though_redis_dies() {
    let Some(mut redis) = Redis::start().await else { return };
    let queue = on(&redis);
    let gate = Arc::new(Semaphore::new(0));
    let (report, mut reports) = mpsc::unbounded_channel();
    let handler = {
        let gate = gate.clone();
        move |_: Batch| -> BoxFuture<'static, ()> {
            let (gate, report) = (gate.clone(), report.clone());
            async move {
                report.send("began").unwrap();
                gate.acquire().await.unwrap().forget();
                report.send("finished").unwrap();
            }
            .boxed()
        }
    };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(run(queue.clone(), 1, handler, stop.clone()));
    queue.push(batch(1)).await.unwrap();
    assert_eq!(within(reports.recv()).await, Some("began"));
    redis.kill().unwrap();
    let rebuilt = async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while queue.health().rebuilt == 0 {
            looks.tick().await;
        }
    };
    within(rebuilt).await;
    gate.add_permits(1);
    assert_eq!(within(reports.recv()).await, Some("finished"));
    stop.cancel();
    within(worker).await.unwrap();
}
