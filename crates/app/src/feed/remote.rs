//! The live feed's way to the other processes, by publish/subscribe in Redis.
//!
//! `Feed` holds one. Commands go over one connection that opens again by itself; what comes in arrives on a
//! second one, made anew whenever it breaks or falls silent.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use domain::{OrderId, UserId};
use futures::{StreamExt, future};
use redis::{
    Client, Cmd, Msg, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{FeedError, Local, Update};

/// For a connection and for an answer of Redis.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A subscription that hears nothing for this long asks whether Redis is still there.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Pokes of this process within this time leave as one.
const POKE_EVERY: Duration = Duration::from_millis(5);
/// Pauses between attempts to subscribe double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// This process's end of the way to the others.
pub(super) struct Remote {
    client: Client,
    connection: ConnectionManager,
    updates: String,
    pokes: String,
    /// Marks our own pokes, which need not come back.
    process: String,
    poke_due: Notify,
    subscribed: AtomicBool,
}

impl Remote {
    pub(super) fn new(url: &str, prefix: &str) -> Result<Self, FeedError> {
        let client = Client::open(url).map_err(FeedError::Address)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client.clone(), config)?,
            client,
            updates: format!("{prefix}:updates"),
            pokes: format!("{prefix}:pokes"),
            process: Uuid::new_v4().to_string(),
            poke_due: Notify::new(),
            subscribed: AtomicBool::new(false),
        })
    }

    /// Sends updates to every process, this one too.
    pub(super) async fn publish(&self, updates: &[Update]) -> Result<(), FeedError> {
        Ok(self.send(redis::cmd("PUBLISH").arg(&self.updates).arg(encode(updates)?)).await?)
    }

    /// Has a poke sent to the other processes, soon.
    pub(super) fn poke(&self) {
        self.poke_due.notify_one();
    }

    pub(super) async fn ping(&self) -> Result<(), FeedError> {
        Ok(self.send(&redis::cmd("PING")).await?)
    }

    pub(super) fn subscribed(&self) -> bool {
        self.subscribed.load(Relaxed)
    }

    /// Holds the subscription and sends the pokes, until dropped.
    pub(super) async fn run(&self, local: &Local) {
        let _unsubscribe = Unsubscribe(&self.subscribed);
        future::join(self.listen(local), self.send_pokes()).await;
    }

    /// Sends a command that may run twice. The first one after an outage only finds out that the old connection is
    /// gone, or is told how the last attempt to connect ended: hence the second.
    async fn send(&self, command: &Cmd) -> Result<(), RedisError> {
        let mut connection = self.connection.clone();
        match command.exec_async(&mut connection).await {
            Err(error) if error.is_io_error() && !error.is_timeout() => {
                command.exec_async(&mut connection).await
            }
            answer => answer,
        }
    }

    /// The first poke leaves at once; those that follow closely leave together.
    async fn send_pokes(&self) -> Infallible {
        loop {
            self.poke_due.notified().await;
            if let Err(error) = self.send(redis::cmd("PUBLISH").arg(&self.pokes).arg(&self.process)).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a poke did not leave this process"
                );
            }
            sleep(POKE_EVERY).await;
        }
    }

    async fn listen(&self, local: &Local) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            let Err(error) = self.hold(local).await;
            if self.subscribed.swap(false, Relaxed) {
                pause = FIRST_PAUSE;
            }
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                ?pause,
                "the live feed is cut off from Redis"
            );
            sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// One subscription, from its beginning to its end.
    async fn hold(&self, local: &Local) -> Result<Infallible, FeedError> {
        let (mut sink, mut messages) =
            timeout(RESPONSE_TIMEOUT, self.client.get_async_pubsub()).await??.split();
        timeout(RESPONSE_TIMEOUT, sink.subscribe(&[&self.updates, &self.pokes])).await??;
        self.subscribed.store(true, Relaxed);
        local.gap();
        local.pokes.send_replace(());
        loop {
            match timeout(PING_EVERY, messages.next()).await {
                Ok(Some(message)) => self.receive(local, &message),
                Ok(None) => return Err(FeedError::Ended),
                // A peer that vanished without a word looks like silence.
                Err(_) => {
                    timeout(RESPONSE_TIMEOUT, sink.ping::<redis::Value>()).await??;
                }
            }
        }
    }

    fn receive(&self, local: &Local, message: &Msg) {
        if message.get_channel_name() == self.updates {
            match decode(message.get_payload_bytes()) {
                Ok(updates) => local.deliver(&updates),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an update that cannot be read: another version of this server?"
                    );
                    local.gap();
                }
            }
        } else if message.get_payload_bytes() != self.process.as_bytes() {
            local.pokes.send_replace(());
        }
    }
}

/// Says, when `run` is dropped, that nothing is subscribed any more.
struct Unsubscribe<'a>(&'a AtomicBool);

impl Drop for Unsubscribe<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// Updates as they travel: `[[order, version, user], …]` in JSON.
type Wire = Vec<(Uuid, i32, Uuid)>;

fn encode(updates: &[Update]) -> Result<Vec<u8>, FeedError> {
    let wire: Wire = updates.iter().map(|u| (u.order_id.0, u.version, u.user_id.0)).collect();
    serde_json::to_vec(&wire).map_err(FeedError::Encode)
}

fn decode(payload: &[u8]) -> Result<Vec<Update>, serde_json::Error> {
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
        assert_eq!(decode(&encode(&updates).unwrap()).unwrap(), updates);
        assert!(decode(b"[[1]]").is_err());
    }
}
