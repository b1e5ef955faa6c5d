//! GraphQL over WebSocket, subprotocol `graphql-transport-ws`: queries, mutations and subscriptions.
//!
//! <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>. `protocol` knows the messages and the rules,
//! without IO; `connection` is the loop around one socket; here the upgrade happens.
//!
//! Close codes: see [`protocol::Close`] and docs/api.md. A close frame of the client is answered with one of ours.

mod connection;
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

use super::{Endpoint, MAX_BODY_BYTES, RequestId};
use crate::{auth::authorization, listener::Handle};

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Patience and bounds of one socket.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// How long a client may take to send `connection_init`.
    pub init_within: Duration,
    /// How often the server sends `ping`; a client silent for twice as long is dropped.
    pub ping_every: Duration,
    /// How often the token's expiry and the client's silence are looked at.
    pub check_every: Duration,
    /// How long one message may take to come.
    pub receive_within: Duration,
    /// How long one message may take to leave for a client that reads slowly.
    pub send_within: Duration,
    /// How long the client's part of closing is waited for.
    pub close_within: Duration,
    /// Sockets that may be open at once.
    pub sockets: usize,
    /// Messages that may come before `connection_init`.
    pub messages_before_init: usize,
    /// Operations that may run at once on one socket.
    pub operations: usize,
    /// Results that may wait for one socket; beyond that its operations wait.
    pub waiting_results: usize,
    /// Bytes of results that may wait for one socket.
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

/// The read buffer of one socket, in bytes: the library's own is sixteen times as large.
const READ_BUFFER: usize = 8 * 1024;

/// `GET /graphql/ws`, and `GET /graphql` with an `Upgrade` header. The handle is there where our listener serves.
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
    // Counted from the upgrade on, so that nobody waiting for the last socket misses this one.
    let counted = sockets.token();
    let too_many = sockets.len() > endpoint.options.socket_limits.sockets;
    let handle = handle.map(|Extension(handle)| handle);
    if let Some(handle) = &handle {
        handle.open_socket();
    }
    let opening = connection::Opening { endpoint, request_id, authorization, handle, too_many };
    upgrade.on_upgrade(move |socket| {
        async move {
            opening.run(socket).await;
            drop(counted);
        }
        .instrument(span)
    })
}
