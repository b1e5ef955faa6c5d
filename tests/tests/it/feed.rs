//! Tests the live feed between processes. Two feeds on one Redis stand for two processes.

use std::{future::Future, time::Duration};

use app::feed::{Feed, Pokes, Signal, Subscription, Update};
use domain::{OrderId, UserId};
use tests::redis::Redis;
use tokio::{
    task::JoinHandle,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Long enough for every recovery in these tests, also on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The feed of one process, with a subscription.
struct Process {
    feed: Feed,
    subscription: Subscription,
    pokes: Pokes,
    stop: CancellationToken,
    run: JoinHandle<()>,
}

impl Process {
    /// Starts a feed. Returns when it is subscribed and its first gap was received.
    async fn start(url: &str, prefix: &str) -> Self {
        let feed = worker::redis_feed(url, prefix).unwrap();
        let stop = CancellationToken::new();
        let (subscription, pokes) = (feed.subscribe(), feed.pokes());
        let run = tokio::spawn({
            let (feed, stop) = (feed.clone(), stop.clone());
            async move { feed.run(stop).await }
        });
        let mut process = Self { feed, subscription, pokes, stop, run };
        process.wait_for(Signal::Gap).await;
        within(process.pokes.wait_for_poke()).await;
        process
    }

    async fn next(&mut self) -> Signal {
        within(self.subscription.recv()).await
    }

    async fn wait_for(&mut self, wanted: Signal) {
        while self.next().await != wanted {}
    }

    async fn stop(self) {
        self.stop.cancel();
        within(self.run).await.unwrap();
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("took too long")
}

fn update(version: i32) -> Update {
    Update { order_id: OrderId(Uuid::from_u128(1)), version, user_id: UserId(Uuid::from_u128(2)) }
}

fn prefix() -> String {
    format!("test-{}", Uuid::new_v4().simple())
}

#[tokio::test]
async fn updates_reach_every_process_in_order() {
    let Some(redis) = Redis::start().await else { return };
    let prefix = prefix();
    let mut one = Process::start(&redis.url(), &prefix).await;
    let mut other = Process::start(&redis.url(), &prefix).await;
    let many: Vec<_> = (1..=500).map(update).collect();
    one.feed.publish(&many).await.unwrap();
    other.feed.publish(&[update(501)]).await.unwrap();
    for process in [&mut one, &mut other] {
        for version in 1..=501 {
            assert_eq!(process.next().await, Signal::Update(update(version)));
        }
        process.feed.ping().await.unwrap();
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn other_prefixes_are_not_heard() {
    let Some(redis) = Redis::start().await else { return };
    let (mut one, stranger) =
        (Process::start(&redis.url(), &prefix()).await, Process::start(&redis.url(), &prefix()).await);
    stranger.feed.publish(&[update(1)]).await.unwrap();
    one.feed.publish(&[update(2)]).await.unwrap();
    assert_eq!(one.next().await, Signal::Update(update(2)));
    one.stop().await;
    stranger.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_a_gap() {
    let Some(redis) = Redis::start().await else { return };
    let prefix = prefix();
    let mut one = Process::start(&redis.url(), &prefix).await;
    redis
        .command::<usize>(&["PUBLISH", &format!("{prefix}:updates"), "{\"from\":\"the future\"}"])
        .await
        .unwrap();
    assert_eq!(one.next().await, Signal::Gap);
    one.stop().await;
}

#[tokio::test]
async fn a_killed_redis_is_a_gap_and_then_updates_go_on() {
    let Some(mut redis) = Redis::start().await else { return };
    let prefix = prefix();
    let mut one = Process::start(&redis.url(), &prefix).await;
    let mut other = Process::start(&redis.url(), &prefix).await;
    for version in 1..=3 {
        redis.kill().unwrap();
        within(one.feed.publish(&[update(0)])).await.unwrap_err();
        within(other.feed.ping()).await.unwrap_err();
        redis.restart().await.unwrap();
        for process in [&mut one, &mut other] {
            process.wait_for(Signal::Gap).await;
            within(process.pokes.wait_for_poke()).await;
            within(process.feed.ping()).await.unwrap();
        }
        one.feed.publish(&[update(version)]).await.unwrap();
        for process in [&mut one, &mut other] {
            assert_eq!(process.next().await, Signal::Update(update(version)));
        }
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_silent_redis_is_noticed() {
    let Some(redis) = Redis::start().await else { return };
    let mut one = Process::start(&redis.url(), &prefix()).await;
    // The feed pings Redis while its subscription is idle, so it notices that Redis is silent.
    redis.freeze().unwrap();
    let cut_off = async {
        let mut looks = interval(Duration::from_millis(100));
        while !one.run.is_finished() && one.feed.is_subscribed() {
            looks.tick().await;
        }
    };
    within(cut_off).await;
    redis.thaw().unwrap();
    assert_eq!(one.next().await, Signal::Gap);
    one.feed.publish(&[update(1)]).await.unwrap();
    one.wait_for(Signal::Update(update(1))).await;
    one.stop().await;
}

#[tokio::test]
async fn an_idle_subscription_stays() {
    let Some(redis) = Redis::start().await else { return };
    let mut one = Process::start(&redis.url(), &prefix()).await;
    // Longer than the silence after which the feed pings Redis.
    assert!(timeout(Duration::from_secs(5), one.subscription.recv()).await.is_err(), "it was made anew");
    one.feed.ping().await.unwrap();
    one.stop().await;
}

#[tokio::test]
async fn pokes_reach_other_processes() {
    let Some(redis) = Redis::start().await else { return };
    let prefix = prefix();
    let mut one = Process::start(&redis.url(), &prefix).await;
    let mut other = Process::start(&redis.url(), &prefix).await;
    for _ in 0..20 {
        one.feed.poke();
        within(one.pokes.wait_for_poke()).await;
        within(other.pokes.wait_for_poke()).await;
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn many_pokes_leave_as_few_and_do_not_come_back() {
    let Some(redis) = Redis::start().await else { return };
    let mut one = Process::start(&redis.url(), &prefix()).await;
    let publishes = async || -> usize {
        let stats: String = redis.command(&["INFO", "commandstats"]).await.unwrap();
        let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_publish:calls="));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    };
    for _ in 0..10_000 {
        one.feed.poke();
    }
    within(one.pokes.wait_for_poke()).await;
    // The update follows the pokes on the same connection. The pokes were merged into two: the first one, and one for
    // all others.
    one.feed.publish(&[update(1)]).await.unwrap();
    assert_eq!(one.next().await, Signal::Update(update(1)));
    assert!(
        timeout(Duration::from_millis(100), one.pokes.wait_for_poke()).await.is_err(),
        "its own poke came back"
    );
    assert!(publishes().await <= 4, "{} publishes", publishes().await);
    one.stop().await;
}

#[tokio::test]
async fn a_feed_starts_while_redis_is_down() {
    let Some(mut redis) = Redis::start().await else { return };
    redis.kill().unwrap();
    let feed = worker::redis_feed(&redis.url(), &prefix()).unwrap();
    let mut pokes = feed.pokes();
    feed.poke();
    within(pokes.wait_for_poke()).await;
    within(feed.publish(&[update(1)])).await.unwrap_err();
    within(feed.ping()).await.unwrap_err();
    let mut subscription = feed.subscribe();
    let stop = CancellationToken::new();
    let run = tokio::spawn({
        let (feed, stop) = (feed.clone(), stop.clone());
        async move { feed.run(stop).await }
    });
    redis.restart().await.unwrap();
    assert_eq!(within(subscription.recv()).await, Signal::Gap);
    within(feed.publish(&[update(1)])).await.unwrap();
    assert_eq!(within(subscription.recv()).await, Signal::Update(update(1)));
    stop.cancel();
    within(run).await.unwrap();
}
