//! The live feed: tells API subscriptions in all processes which orders changed, and wakes the relay.
//!
//! 1. An update says that something about an order may have changed. The event log says what. The relay publishes
//!    updates; the API's subscriptions receive them.
//! 2. A poke says that there is work. Each commit pokes the relay.
//! 3. With a [`Transport`], updates and pokes go to every process, and this process receives its own updates from there
//!    too. Without a transport they stay inside this process. `worker::redis::feed` is the transport: it calls the
//!    methods of [`Inbound`] for what arrives.
//! 4. The feed may lose messages. When it notices that, subscribers get [`Signal::Gap`] and read the event log again.
//!    They also read it at intervals, for losses that nobody notices.
//! 5. Receivers wait without a limit. To publish can fail; a poke never fails and never waits.
//! 6. `milepost` creates the feed and runs it once in each process. `api::health` and `milepost check` call `ping`.
//!    Without a transport it always answers `Ok`, and `is_subscribed` `true`.
//! 7. `Local` passes signals on inside this process. A signal without subscribers is dropped.

use std::sync::Arc;

use domain::{OrderId, UserId};
use futures::future::{self, BoxFuture};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// Number of signals that a subscription may be behind. With more, it gets a gap instead of the lost ones.
const CAPACITY: usize = 1_024;

/// The live feed. Clones are handles to the same feed.
#[derive(Clone)]
pub struct Feed {
    local: Arc<Local>,
    transport: Option<Arc<dyn Transport>>,
}

/// Connects the feeds of several processes.
pub trait Transport: Send + Sync {
    /// Sends updates to every process, including this one.
    fn publish<'a>(&'a self, updates: &'a [Update]) -> BoxFuture<'a, Result<(), FeedError>>;

    /// Requests a poke to the other processes. Never waits and never fails.
    fn poke(&self);

    /// Checks that the transport answers.
    fn ping(&self) -> BoxFuture<'_, Result<(), FeedError>>;

    /// Whether this process receives messages, as far as it knows.
    fn is_subscribed(&self) -> bool;

    /// Stays subscribed and passes on what arrives, until the future is dropped. After each new subscription it calls
    /// [`Inbound::record_subscription`].
    fn run<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, ()>;
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
        Self { local: Arc::new(local), transport: None }
    }

    /// Creates a feed that is shared with other processes.
    pub fn shared(transport: impl Transport + 'static) -> Self {
        Self { transport: Some(Arc::new(transport)), ..Self::memory() }
    }

    /// Sends updates to every subscription of every process, in one round trip. After an error they may have reached
    /// all, some or no subscriptions.
    pub async fn publish(&self, updates: &[Update]) -> Result<(), FeedError> {
        if updates.is_empty() {
            return Ok(());
        }
        match &self.transport {
            Some(transport) => transport.publish(updates).await,
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
        if let Some(transport) = &self.transport {
            transport.poke();
        }
    }

    /// Receives pokes from now on.
    pub fn pokes(&self) -> Pokes {
        Pokes { pokes: self.local.pokes.subscribe(), _local: self.local.clone() }
    }

    /// Checks for readiness that the transport answers and that `run` has subscribed.
    pub async fn ping(&self) -> Result<(), FeedError> {
        let Some(transport) = &self.transport else { return Ok(()) };
        transport.ping().await?;
        if self.is_subscribed() { Ok(()) } else { Err(FeedError::NotSubscribed) }
    }

    /// Whether this process receives updates that other processes publish, as far as it knows. A Redis that stops
    /// answering is noticed within about three seconds.
    pub fn is_subscribed(&self) -> bool {
        self.transport.as_ref().is_none_or(|transport| transport.is_subscribed())
    }

    /// Keeps this process subscribed and forwards messages to local subscriptions, until `stop` is cancelled. Each
    /// process runs it once.
    pub async fn run(&self, stop: CancellationToken) {
        match &self.transport {
            Some(transport) => {
                let inbound = Inbound { local: self.local.clone() };
                stop.run_until_cancelled(transport.run(&inbound)).await;
            }
            None => stop.cancelled().await,
        }
    }
}

/// Where a [`Transport`] passes on what it receives from other processes.
pub struct Inbound {
    local: Arc<Local>,
}

impl Inbound {
    /// Updates have arrived.
    pub fn deliver(&self, updates: &[Update]) {
        self.local.deliver_updates(updates);
    }

    /// Updates may have been lost.
    pub fn signal_gap(&self) {
        self.local.send_signal(Signal::Gap);
    }

    /// Another process has work for the relay.
    pub fn poke(&self) {
        self.local.pokes.send_replace(());
    }

    /// A subscription has begun. Messages may have been lost before it.
    pub fn record_subscription(&self) {
        self.signal_gap();
        self.poke();
    }
}

impl Local {
    fn deliver_updates(&self, updates: &[Update]) {
        for update in updates {
            self.send_signal(Signal::Update(*update));
        }
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
    pub async fn wait_for_poke(&mut self) {
        if self.pokes.changed().await.is_err() {
            // This cannot happen: `_local` holds a sender.
            future::pending().await
        }
    }
}

/// Why the live feed failed. Each of these ends when the transport works again.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The transport did not answer, or answered with an error.
    #[error("the live feed did not answer")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// `run` has not subscribed yet, or is not running.
    #[error("the live feed is not subscribed")]
    NotSubscribed,
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
        pokes.wait_for_poke().await;
        assert_eq!(future::poll_immediate(pokes.wait_for_poke()).await, None);
        feed.poke();
        pokes.wait_for_poke().await;
    }

    #[tokio::test]
    async fn run_in_memory_ends_when_told() {
        let stop = CancellationToken::new();
        stop.cancel();
        Feed::memory().run(stop).await;
    }
}
