//! GraphQL over WebSocket, subprotocol `graphql-transport-ws`: queries, mutations and subscriptions.
//!
//! <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>. `protocol` knows the messages and the rules,
//! without IO; `connection` is the loop around one socket; here the upgrade happens.
//!
//! Close codes: 1001 the server stops, 1009 message over 1 MiB, 4400 no valid message, 4401 subscribed before the
//! acknowledgement, 4403 bad or expired token, 4406 another subprotocol, 4408 no `connection_init` in time, 4409 id
//! in use, 4429 second `connection_init`, 4499 the client gave no sign of life.

mod connection;
mod protocol;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_graphql::Executor;
use axum::{
    extract::{State, ws::WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use super::{Endpoint, MAX_BODY_BYTES, RequestId};
use crate::auth::authorization;

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
    /// How long one message may take to leave for a client that reads slowly.
    pub send_within: Duration,
    /// Operations that may run at once on one socket.
    pub operations: usize,
    /// Results that may wait for one socket; beyond that its operations wait.
    pub waiting_results: usize,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            init_within: Duration::from_secs(5),
            ping_every: Duration::from_secs(15),
            check_every: Duration::from_secs(1),
            send_within: Duration::from_secs(10),
            operations: 100,
            waiting_results: 32,
        }
    }
}

/// `GET /graphql/ws`, and `GET /graphql` with an `Upgrade` header.
pub(super) async fn upgrade<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request_id: RequestId,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        // The library breaks the socket at its limit, so the one that is explained comes first.
        Ok(upgrade) => upgrade.protocols([SUBPROTOCOL]).max_message_size(2 * MAX_BODY_BYTES),
        Err(rejection) => return rejection.into_response(),
    };
    let authorization = authorization(&headers);
    let span = tracing::info_span!("socket", %request_id);
    let sockets = endpoint.options.sockets.clone();
    // Counted from the upgrade on, so that nobody waiting for the last socket misses this one.
    let counted = sockets.token();
    upgrade.on_upgrade(move |socket| {
        async move {
            connection::run(socket, endpoint, request_id, authorization).await;
            drop(counted);
        }
        .instrument(span)
    })
}
