//! GraphQL over WebSocket with the subprotocol `graphql-transport-ws`: queries, mutations and subscriptions.
//!
//! Source: <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>. This module upgrades the HTTP connection.
//! `opening` begins and ends a WebSocket, `connection` is the loop that serves it, and `operation` runs its operations.
//! `protocol` has the messages and the rules, without IO.
//!
//! [`protocol::Close`] and docs/api.md list the close codes. When the client sends a close frame, the server replies
//! with one.

mod connection;
mod opening;
mod operation;
mod protocol;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_graphql::Executor;
use axum::{
    extract::{Extension, State, ws::WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use self::opening::Opening;
use super::{Endpoint, MAX_BODY_BYTES, RequestId};
use crate::{auth::authorization, listener::Handle};

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// The timeouts and limits of WebSockets.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// How long a client may take to send `connection_init`.
    pub init_within: Duration,
    /// The time between two `ping` messages of the server. A client that sends nothing for twice this time is dropped.
    pub ping_every: Duration,
    /// The time between two checks of the token's expiry and of the timeouts.
    pub check_every: Duration,
    /// How long the server may take to receive one message.
    pub receive_within: Duration,
    /// How long the server may take to send one message, to a client that reads slowly.
    pub send_within: Duration,
    /// How long the server waits for the client to finish the closing handshake.
    pub close_within: Duration,
    /// The most WebSockets that may be open at once, in the whole process.
    pub sockets: usize,
    /// The most messages that a client may send before `connection_init`.
    pub messages_before_init: usize,
    /// The most operations that may run at once on one WebSocket.
    pub operations: usize,
    /// The most results that may wait to be sent on one WebSocket. Operations with further results wait.
    pub waiting_results: usize,
    /// The most bytes of results that may wait to be sent on one WebSocket.
    pub waiting_bytes: usize,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            init_within: Duration::from_secs(5),
            ping_every: Duration::from_secs(15),
            check_every: Duration::from_secs(1),
            receive_within: Duration::from_secs(20),
            send_within: Duration::from_secs(10),
            close_within: Duration::from_secs(2),
            sockets: 1_000,
            messages_before_init: 10,
            operations: 100,
            waiting_results: 32,
            waiting_bytes: 1024 * 1024,
        }
    }
}

/// The read buffer of one WebSocket, in bytes. The library's default is 16 times as large.
const READ_BUFFER: usize = 8 * 1024;

/// `GET /graphql/ws`, and `GET /graphql` with an `Upgrade` header. `handle` is `None` when another server than our
/// listener serves the routes, as in tests.
pub(super) async fn upgrade<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request_id: RequestId,
    headers: HeaderMap,
    handle: Option<Extension<Handle>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([SUBPROTOCOL]),
        Err(rejection) => return rejection.into_response(),
    };
    let upgrade = upgrade
        .max_message_size(MAX_BODY_BYTES)
        .max_frame_size(MAX_BODY_BYTES)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0);
    let authorization = authorization(&headers);
    let span = tracing::info_span!("socket", %request_id);
    let sockets = endpoint.options.sockets.clone();
    // Count the WebSocket from the upgrade on, so that a stop that waits for all of them does not miss this one.
    let counted = sockets.token();
    let too_many = sockets.len() > endpoint.options.socket_limits.sockets;
    let handle = handle.map(|Extension(handle)| handle);
    if let Some(handle) = &handle {
        handle.open_socket();
    }
    let opening = Opening { endpoint, request_id, authorization, handle, too_many };
    upgrade.on_upgrade(move |socket| {
        async move {
            opening.run(socket).await;
            drop(counted);
        }
        .instrument(span)
    })
}
