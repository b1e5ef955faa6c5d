//! The live feed: tells API subscriptions in all processes which orders changed, and wakes the relay.
//!
//! 1. An update says that something about an order may have changed. The event log says what. The relay publishes
//!    updates; the API's subscriptions receive them.
//! 2. A poke says that there is work. Each commit pokes the relay.
//! 3. With Redis, updates and pokes go through publish/subscribe to every process, and updates come back to this one.
//!    Without Redis they stay inside this process.
//! 4. The feed may lose messages. Subscribers then get [`Signal::Gap`] and read the event log again.

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

/// Number of signals that a subscription may be behind. With more, it gets a gap instead of the lost ones.
const CAPACITY: usize = 1_024;
/// The live feed. Clones are handles to the same feed.
#[derive(Clone)]
pub struct Feed {
    local: Arc<Local>,
    remote: Option<Arc<Remote>>,
}

/// Says that something about this order may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    pub order_id: OrderId,
    /// The version of the order when the update was written.
    pub version: i32,
    /// The customer of the order.
    pub user_id: UserId,
}

/// A message to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// This order may have changed.
    Update(Update),
    /// Updates may have been lost. The subscriber reads the event log again.
    Gap,
}

/// Distributes signals and pokes inside this process.
struct Local {
    signals: broadcast::Sender<Signal>,
    pokes: watch::Sender<()>,
}

impl Feed {
    /// Creates a feed that stays inside this process.
    pub fn memory() -> Self {
        let local = Local { signals: broadcast::Sender::new(CAPACITY), pokes: watch::Sender::new(()) };
        Self { local: Arc::new(local), remote: None }
    }

    /// Creates a feed through Redis, on the channels `{prefix}:updates` and `{prefix}:pokes`. It connects when it is
    /// used first, and reconnects by itself, so Redis may be down at this call. Fails only if the URL is invalid. Call
    /// it inside a Tokio runtime.
    pub fn redis(url: &str, prefix: &str) -> Result<Self, FeedError> {
        Ok(Self { remote: Some(Arc::new(Remote::new(url, prefix)?)), ..Self::memory() })
    }

    /// Sends updates to every subscription of every process, in one round trip. After an error they may have reached
    /// all, some or no subscriptions.
    pub async fn publish(&self, updates: &[Update]) -> Result<(), FeedError> {
        if updates.is_empty() {
            return Ok(());
        }
        match &self.remote {
            Some(remote) => remote.publish(updates).await,
            None => {
                self.local.deliver_updates(updates);
                Ok(())
            }
        }
    }

    /// Receives every signal from now on. Subscribe first, then read the event log.
    pub fn subscribe(&self) -> Subscription {
        Subscription { signals: self.local.signals.subscribe(), _local: self.local.clone() }
    }

    /// Wakes the relay of this process at once, and those of other processes soon. Never waits and never fails: if a
    /// poke is lost, the relay finds the work at its next tick.
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

    /// Checks for readiness that Redis answers and that `run` has subscribed.
    pub async fn ping(&self) -> Result<(), FeedError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        remote.ping().await?;
        if self.subscribed() { Ok(()) } else { Err(FeedError::NotSubscribed) }
    }

    /// Whether this process receives updates that other processes publish, as far as it knows. A Redis that stops
    /// answering is noticed within about three seconds.
    pub fn subscribed(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.subscribed())
    }

    /// Keeps this process subscribed in Redis and forwards messages to local subscriptions, until `stop` is cancelled.
    /// Each process runs it once. After each new subscription in Redis, local subscriptions get a gap and the relay
    /// gets a poke.
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
    fn deliver_updates(&self, updates: &[Update]) {
        for update in updates {
            self.send_signal(Signal::Update(*update));
        }
    }

    fn gap(&self) {
        self.send_signal(Signal::Gap);
    }

    fn send_signal(&self, signal: Signal) {
        // `send` fails only if there are no subscriptions at the moment.
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
    /// Returns the next signal. A subscription that is too far behind gets a gap in place of the lost signals. Cancel
    /// safe.
    pub async fn recv(&mut self) -> Signal {
        match self.signals.recv().await {
            Ok(signal) => signal,
            Err(broadcast::error::RecvError::Lagged(_)) => Signal::Gap,
            // This cannot happen: `_local` holds a sender.
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
    /// Waits until there was a poke since the last call. Several pokes count as one. Cancel safe.
    pub async fn poked(&mut self) {
        if self.pokes.changed().await.is_err() {
            // This cannot happen: `_local` holds a sender.
            future::pending().await
        }
    }
}

/// Why the live feed failed. Every error except an invalid URL ends when Redis is back.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The URL of Redis in the settings is invalid. A retry does not help.
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
    /// `run` has not subscribed yet, or is not running.
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
