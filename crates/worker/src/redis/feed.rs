//! The live feed's transport: publish/subscribe in Redis. `milepost` creates the feed. `app::feed` calls the methods of
//! the [`Transport`].
//!
//! Commands use one connection, which reconnects by itself. Messages arrive on a second connection, which is replaced
//! when it breaks or when Redis stops answering.
//!
//! 1. `run` does two things until it is dropped. `listen_forever` subscribes again and again; `receive_until_error` is
//!    one subscription, which passes on what arrives. `send_pokes_forever` sends what `poke` asks for.
//! 2. A message that cannot be read is logged, and passed on as a gap.
//! 3. `send_command` sends a command again after an I/O error, but not after a timeout. So a command may run twice.

use std::{
    convert::Infallible,
    error::Error,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use ::redis::{Client, Cmd, Msg, RedisError, aio::ConnectionManager};
use app::feed::{Feed, FeedError, Inbound, Transport, Update};
use domain::{OrderId, UserId};
use futures::{
    FutureExt, StreamExt,
    future::{self, BoxFuture},
};
use tokio::{
    sync::Notify,
    time::{error::Elapsed, sleep, timeout},
};
use uuid::Uuid;

use super::{AddressError, connect};

/// Timeout for a connection and for an answer of Redis.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// After this time without a message, the subscription sends a ping to Redis.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Pokes of this process within this time are sent as one.
const POKE_EVERY: Duration = Duration::from_millis(5);
/// Pauses between attempts to subscribe: each is twice as long as the one before, from the first to the last value.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// Creates a feed through Redis, on the channels `{prefix}:updates` and `{prefix}:pokes`. It connects when it is used
/// first, and reconnects by itself, so Redis may be down at this call. Call it inside a Tokio runtime.
///
/// # Errors
/// The URL is invalid.
pub fn redis_feed(url: &str, prefix: &str) -> Result<Feed, AddressError> {
    Ok(Feed::shared(PubSub::new(url, prefix)?))
}

/// The connection of this process to Redis.
struct PubSub {
    client: Client,
    connection: ConnectionManager,
    updates: String,
    pokes: String,
    /// Identifies the pokes of this process, which it ignores when they come back.
    process: String,
    poke_due: Notify,
    subscribed: AtomicBool,
}

impl PubSub {
    fn new(url: &str, prefix: &str) -> Result<Self, AddressError> {
        let client = Client::open(url)?;
        Ok(Self {
            connection: connect(&client, RESPONSE_TIMEOUT)?,
            client,
            updates: format!("{prefix}:updates"),
            pokes: format!("{prefix}:pokes"),
            process: Uuid::new_v4().to_string(),
            poke_due: Notify::new(),
            subscribed: AtomicBool::new(false),
        })
    }

    /// Sends a command, and sends it again after an I/O error other than a timeout. So the command may run twice. After
    /// an outage the first attempt often fails: the old connection is closed, or the error of the last attempt to
    /// connect is returned.
    async fn send_command(&self, command: &Cmd) -> Result<(), RedisError> {
        let mut connection = self.connection.clone();
        match command.exec_async(&mut connection).await {
            Err(error) if error.is_io_error() && !error.is_timeout() => {
                command.exec_async(&mut connection).await
            }
            answer => answer,
        }
    }

    /// Sends the first poke at once, and those that follow within [`POKE_EVERY`] as one.
    async fn send_pokes_forever(&self) -> Infallible {
        loop {
            self.poke_due.notified().await;
            if let Err(error) =
                self.send_command(::redis::cmd("PUBLISH").arg(&self.pokes).arg(&self.process)).await
            {
                tracing::debug!(error = &error as &dyn Error, "a poke did not leave this process");
            }
            sleep(POKE_EVERY).await;
        }
    }

    async fn listen_forever(&self, inbound: &Inbound) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            let Err(error) = self.receive_until_error(inbound).await;
            if self.subscribed.swap(false, Relaxed) {
                pause = FIRST_PAUSE;
            }
            tracing::warn!(error = &error as &dyn Error, ?pause, "the live feed is cut off from Redis");
            sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Subscribes, and receives messages until an error ends the subscription.
    async fn receive_until_error(&self, inbound: &Inbound) -> Result<Infallible, SubscriptionError> {
        let (mut sink, mut messages) =
            timeout(RESPONSE_TIMEOUT, self.client.get_async_pubsub()).await??.split();
        timeout(RESPONSE_TIMEOUT, sink.subscribe(&[&self.updates, &self.pokes])).await??;
        self.subscribed.store(true, Relaxed);
        inbound.record_subscription();
        loop {
            match timeout(PING_EVERY, messages.next()).await {
                Ok(Some(message)) => self.pass_on_message(inbound, &message),
                Ok(None) => return Err(SubscriptionError::Ended),
                // A vanished peer looks like silence, so ask whether it answers.
                Err(_) => {
                    timeout(RESPONSE_TIMEOUT, sink.ping::<::redis::Value>()).await??;
                }
            }
        }
    }

    fn pass_on_message(&self, inbound: &Inbound, message: &Msg) {
        if message.get_channel_name() == self.updates {
            match decode_updates(message.get_payload_bytes()) {
                Ok(updates) => inbound.deliver(&updates),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn Error,
                        "an update that cannot be read: another version of this server?"
                    );
                    inbound.signal_gap();
                }
            }
        } else if message.get_payload_bytes() != self.process.as_bytes() {
            inbound.poke();
        }
    }
}

impl Transport for PubSub {
    fn publish<'a>(&'a self, updates: &'a [Update]) -> BoxFuture<'a, Result<(), FeedError>> {
        async move {
            let encoded = encode_updates(updates).map_err(transport_error)?;
            self.send_command(::redis::cmd("PUBLISH").arg(&self.updates).arg(encoded))
                .await
                .map_err(transport_error)
        }
        .boxed()
    }

    /// `run` sends the poke soon.
    fn poke(&self) {
        self.poke_due.notify_one();
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), FeedError>> {
        async { self.send_command(&::redis::cmd("PING")).await.map_err(transport_error) }.boxed()
    }

    fn is_subscribed(&self) -> bool {
        self.subscribed.load(Relaxed)
    }

    fn run<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, ()> {
        async move {
            let _unsubscribe = Unsubscribe(&self.subscribed);
            future::join(self.listen_forever(inbound), self.send_pokes_forever()).await;
        }
        .boxed()
    }
}

fn transport_error(error: impl Error + Send + Sync + 'static) -> FeedError {
    FeedError::Transport(Box::new(error))
}

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
enum SubscriptionError {
    /// Redis answered with an error, or the connection broke.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Redis did not answer in time.
    #[error("Redis did not answer in time")]
    Timeout(#[from] Elapsed),
    #[error("Redis closed the subscription")]
    Ended,
}

/// Clears the flag when `run` is dropped.
struct Unsubscribe<'a>(&'a AtomicBool);

impl Drop for Unsubscribe<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// Format of updates in Redis: `[[order, version, user], …]` in JSON.
type Wire = Vec<(Uuid, i32, Uuid)>;

fn encode_updates(updates: &[Update]) -> Result<Vec<u8>, serde_json::Error> {
    let wire: Wire = updates.iter().map(|u| (u.order_id.0, u.version, u.user_id.0)).collect();
    serde_json::to_vec(&wire)
}

fn decode_updates(payload: &[u8]) -> Result<Vec<Update>, serde_json::Error> {
    let wire: Wire = serde_json::from_slice(payload)?;
    let update = |(order, version, user)| Update { order_id: OrderId(order), version, user_id: UserId(user) };
    Ok(wire.into_iter().map(update).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_can_be_decoded() {
        let update = |version| Update {
            order_id: OrderId(Uuid::from_u128(7)),
            version,
            user_id: UserId(Uuid::from_u128(8)),
        };
        let updates = [update(1), update(i32::MAX)];
        assert_eq!(decode_updates(&encode_updates(&updates).unwrap()).unwrap(), updates);
        assert!(decode_updates(b"[[1]]").is_err());
    }

    #[tokio::test]
    async fn library_subscribes_again_only_with_resp3() {
        let client = Client::open("redis://127.0.0.1:1").unwrap();
        let (sender, _receiver) = tokio::sync::mpsc::unbounded_channel();
        let config = ::redis::aio::ConnectionManagerConfig::new()
            .set_push_sender(sender)
            .set_automatic_resubscription();
        let made = ConnectionManager::new_lazy_with_config(client, config);
        assert!(made.is_err(), "the library does this now: see docs/decisions/redis.md");
    }
}
