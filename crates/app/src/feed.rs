//! The live feed: "something about this order may have changed; the log says what".
//!
//! The relay publishes updates, the API's subscriptions receive them, and every commit pokes the relay. With Redis,
//! everything published goes out by publish/subscribe and comes back to every process, this one too; without, it
//! stays inside. The feed may lose messages, and says so with a gap; the event log is what subscribers trust.

mod remote;

use std::sync::Arc;

use domain::{OrderId, UserId};
use futures::future;
use redis::RedisError;
use tokio::{
    sync::{broadcast, watch},
    time::error::Elapsed,
};
use tokio_util::sync::CancellationToken;

use remote::Remote;

/// Signals a subscription may lie behind before it gets a gap instead.
const CAPACITY: usize = 1_024;
/// The live feed. Clones are handles to the same feed.
#[derive(Clone)]
pub struct Feed {
    local: Arc<Local>,
    remote: Option<Arc<Remote>>,
}

/// Something about this order may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The order to look at.
    pub order_id: OrderId,
    /// Its version when the update was written.
    pub version: i32,
    /// Whose order it is.
    pub user_id: UserId,
}

/// What a subscription receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Look at this order.
    Update(Update),
    /// Updates may have been lost: read the log again.
    Gap,
}

/// The fan-out inside this process.
struct Local {
    signals: broadcast::Sender<Signal>,
    pokes: watch::Sender<()>,
}

impl Feed {
    /// A feed inside this process.
    pub fn memory() -> Self {
        let local = Local { signals: broadcast::Sender::new(CAPACITY), pokes: watch::Sender::new(()) };
        Self { local: Arc::new(local), remote: None }
    }

    /// A feed through Redis, on the channels `{prefix}:updates` and `{prefix}:pokes`. Connects when first used and
    /// again by itself, so Redis may be down when this is called. Fails only on an address that cannot be read.
    /// Call it inside a Tokio runtime.
    pub fn redis(url: &str, prefix: &str) -> Result<Self, FeedError> {
        Ok(Self { remote: Some(Arc::new(Remote::new(url, prefix)?)), ..Self::memory() })
    }

    /// Sends updates to every subscription of every process, in one round trip. On an error they may have
    /// reached some, all or none.
    pub async fn publish(&self, updates: &[Update]) -> Result<(), FeedError> {
        if updates.is_empty() {
            return Ok(());
        }
        match &self.remote {
            Some(remote) => remote.publish(updates).await,
            None => {
                self.local.deliver(updates);
                Ok(())
            }
        }
    }

    /// Receives every signal from now on. Subscribe first, then read the log.
    pub fn subscribe(&self) -> Subscription {
        Subscription { signals: self.local.signals.subscribe(), _local: self.local.clone() }
    }

    /// Says "there is work", to the relays of this process at once and to those of others as soon as it goes. Never
    /// waits and never fails: what a lost poke missed, the relay's tick finds.
    pub fn poke(&self) {
        self.local.pokes.send_replace(());
        if let Some(remote) = &self.remote {
            remote.poke();
        }
    }

    /// Receives pokes from now on.
    pub fn pokes(&self) -> Pokes {
        Pokes { pokes: self.local.pokes.subscribe(), _local: self.local.clone() }
    }

    /// Whether the feed works: Redis answers, and `run` holds its subscription. For readiness.
    pub async fn ping(&self) -> Result<(), FeedError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        remote.ping().await?;
        if self.subscribed() { Ok(()) } else { Err(FeedError::NotSubscribed) }
    }

    /// Whether what others publish reaches this process, as far as it knows: a Redis that fell silent is noticed
    /// within about three seconds.
    pub fn subscribed(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.subscribed())
    }

    /// Holds this process's one subscription in Redis and hands on what comes, until `stop` is cancelled. Every
    /// process runs it once. Each time the subscription is made anew, subscribers get a gap and relays a poke.
    pub async fn run(&self, stop: CancellationToken) {
        match &self.remote {
            Some(remote) => {
                stop.run_until_cancelled(remote.run(&self.local)).await;
            }
            None => stop.cancelled().await,
        }
    }
}

impl Local {
    fn deliver(&self, updates: &[Update]) {
        for update in updates {
            self.send(Signal::Update(*update));
        }
    }

    fn gap(&self) {
        self.send(Signal::Gap);
    }

    fn send(&self, signal: Signal) {
        // An error says only that nobody subscribes at the moment.
        self.signals.send(signal).ok();
    }
}

/// One receiver of signals.
pub struct Subscription {
    signals: broadcast::Receiver<Signal>,
    /// Keeps the channel open.
    _local: Arc<Local>,
}

impl Subscription {
    /// The next signal. One that lies too far behind gets a gap in place of what it missed. Cancel safe.
    pub async fn recv(&mut self) -> Signal {
        match self.signals.recv().await {
            Ok(signal) => signal,
            Err(broadcast::error::RecvError::Lagged(_)) => Signal::Gap,
            // Cannot be: we hold a sender.
            Err(broadcast::error::RecvError::Closed) => future::pending().await,
        }
    }
}

/// One receiver of pokes.
pub struct Pokes {
    pokes: watch::Receiver<()>,
    /// Keeps the channel open.
    _local: Arc<Local>,
}

impl Pokes {
    /// Waits for a poke since the last call; many count as one. Cancel safe.
    pub async fn poked(&mut self) {
        if self.pokes.changed().await.is_err() {
            // Cannot be: we hold a sender.
            future::pending().await
        }
    }
}

/// Why the live feed failed. All but a wrong address passes when Redis comes back.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The address of Redis cannot be read. Settings are wrong; trying again does not help.
    #[error("the address of Redis is not valid")]
    Address(#[source] RedisError),
    /// Redis did not answer, or answered with an error.
    #[error("the live feed's Redis did not answer")]
    Redis(#[from] RedisError),
    /// Redis did not answer in time.
    #[error("the live feed's Redis did not answer in time")]
    Timeout(#[from] Elapsed),
    /// Redis closed the subscription.
    #[error("the live feed's subscription ended")]
    Ended,
    /// The subscription is being made, or `run` does not run.
    #[error("the live feed is not subscribed")]
    NotSubscribed,
    /// Updates could not be written as JSON.
    #[error("the updates could not be encoded")]
    Encode(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn update(version: i32) -> Update {
        Update { order_id: OrderId(Uuid::from_u128(7)), version, user_id: UserId(Uuid::from_u128(8)) }
    }

    #[tokio::test]
    async fn every_subscription_gets_every_update_in_order() {
        let feed = Feed::memory();
        let mut subscriptions = [feed.subscribe(), feed.clone().subscribe()];
        feed.publish(&[update(1), update(2)]).await.unwrap();
        feed.publish(&[]).await.unwrap();
        feed.publish(&[update(3)]).await.unwrap();
        for subscription in &mut subscriptions {
            for version in 1..=3 {
                assert_eq!(subscription.recv().await, Signal::Update(update(version)));
            }
        }
    }

    #[tokio::test]
    async fn a_subscription_that_lags_gets_a_gap_and_then_the_newest() {
        let feed = Feed::memory();
        let mut subscription = feed.subscribe();
        let updates: Vec<_> = (1..=CAPACITY as i32 + 10).map(update).collect();
        feed.publish(&updates).await.unwrap();
        assert_eq!(subscription.recv().await, Signal::Gap);
        assert_eq!(subscription.recv().await, Signal::Update(update(11)));
    }

    #[tokio::test]
    async fn many_pokes_wake_once() {
        let feed = Feed::memory();
        let mut pokes = feed.pokes();
        for _ in 0..10 {
            feed.poke();
        }
        pokes.poked().await;
        assert_eq!(future::poll_immediate(pokes.poked()).await, None);
        feed.poke();
        pokes.poked().await;
    }

    #[tokio::test]
    async fn run_in_memory_ends_when_told() {
        let stop = CancellationToken::new();
        stop.cancel();
        Feed::memory().run(stop).await;
    }
}
