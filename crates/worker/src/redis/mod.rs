//! Redis: the job queue, the transport of the live feed, and `connect`, with which both open their connections. It
//! returns before Redis is reached.

mod feed;
pub(crate) mod queue;

use std::time::Duration;

use ::redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

pub use feed::redis_feed;

/// The URL of Redis in the settings is invalid. A retry does not help.
#[derive(Debug, thiserror::Error)]
#[error("the address of Redis is not valid")]
pub struct AddressError(#[from] RedisError);

/// Creates a connection that opens when it is used first, and reopens with the next command after it broke. A command
/// fails after `response_timeout` without an answer.
fn connect(client: &Client, response_timeout: Duration) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(response_timeout))
        .set_response_timeout(Some(response_timeout));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}
