//! Connects the live feed to the other processes, with publish/subscribe in Redis.
//!
//! `Feed` owns one `Remote`. Commands use one connection, which reconnects by itself. Messages arrive on a second
//! connection, which is replaced when it breaks or when Redis stops answering.

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

/// Timeout for a connection and for an answer of Redis.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// After this time without a message, the subscription sends a ping to Redis.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Pokes of this process within this time are sent as one.
const POKE_EVERY: Duration = Duration::from_millis(5);
/// Pauses between attempts to subscribe: each is twice as long as the one before, from the first to the last value.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// The connection of this process to Redis.
pub(super) struct Remote {
    client: Client,
    connection: ConnectionManager,
    updates: String,
    pokes: String,
    /// Identifies the pokes of this process, which it ignores when they come back.
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

    /// Sends updates to every process, including this one.
    pub(super) async fn publish(&self, updates: &[Update]) -> Result<(), FeedError> {
        Ok(self.send_command(redis::cmd("PUBLISH").arg(&self.updates).arg(encode_updates(updates)?)).await?)
    }

    /// Requests a poke to the other processes. `run` sends it soon.
    pub(super) fn poke(&self) {
        self.poke_due.notify_one();
    }

    pub(super) async fn ping(&self) -> Result<(), FeedError> {
        Ok(self.send_command(&redis::cmd("PING")).await?)
    }

    pub(super) fn subscribed(&self) -> bool {
        self.subscribed.load(Relaxed)
    }

    /// Keeps the subscription and sends the pokes, until it is dropped.
    pub(super) async fn run(&self, local: &Local) {
        let _unsubscribe = Unsubscribe(&self.subscribed);
        future::join(self.receive_messages(local), self.send_pokes()).await;
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
    async fn send_pokes(&self) -> Infallible {
        loop {
            self.poke_due.notified().await;
            if let Err(error) =
                self.send_command(redis::cmd("PUBLISH").arg(&self.pokes).arg(&self.process)).await
            {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a poke did not leave this process"
                );
            }
            sleep(POKE_EVERY).await;
        }
    }

    async fn receive_messages(&self, local: &Local) -> Infallible {
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

    /// Subscribes, and receives messages until an error ends the subscription.
    async fn hold(&self, local: &Local) -> Result<Infallible, FeedError> {
        let (mut sink, mut messages) =
            timeout(RESPONSE_TIMEOUT, self.client.get_async_pubsub()).await??.split();
        timeout(RESPONSE_TIMEOUT, sink.subscribe(&[&self.updates, &self.pokes])).await??;
        self.subscribed.store(true, Relaxed);
        local.gap();
        local.pokes.send_replace(());
        loop {
            match timeout(PING_EVERY, messages.next()).await {
                Ok(Some(message)) => self.handle_message(local, &message),
                Ok(None) => return Err(FeedError::Ended),
                // A vanished peer looks like silence, so ask whether it answers.
                Err(_) => {
                    timeout(RESPONSE_TIMEOUT, sink.ping::<redis::Value>()).await??;
                }
            }
        }
    }

    fn handle_message(&self, local: &Local, message: &Msg) {
        if message.get_channel_name() == self.updates {
            match decode_updates(message.get_payload_bytes()) {
                Ok(updates) => local.deliver_updates(&updates),
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

/// Clears the flag when `run` is dropped.
struct Unsubscribe<'a>(&'a AtomicBool);

impl Drop for Unsubscribe<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// Format of updates in Redis: `[[order, version, user], …]` in JSON.
type Wire = Vec<(Uuid, i32, Uuid)>;

fn encode_updates(updates: &[Update]) -> Result<Vec<u8>, FeedError> {
    let wire: Wire = updates.iter().map(|u| (u.order_id.0, u.version, u.user_id.0)).collect();
    serde_json::to_vec(&wire).map_err(FeedError::Encode)
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
}
