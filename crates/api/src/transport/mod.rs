//! GraphQL over HTTP and over WebSocket, for any schema: what the crate's own integration does not get right.
//!
//! The crate's `router` mounts [`graphql_routes`] and puts [`request_id::layer`] around every route. A transport
//! decides who is calling, how much may be asked at once and what an answer looks like; nothing about orders.

mod accept;
mod execution;
mod http;
mod refusal;
pub mod request_id;
mod response;
#[cfg(test)]
mod testing;
mod websocket;

use std::{fmt, sync::Arc, time::Duration};

use app::Clock;
use async_graphql::{Executor, Request};
use axum::{Router, routing::get};
use domain::Actor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{request_id::RequestId, websocket::SocketLimits};
use crate::{auth::Tokens, graphiql, graphql::documents::Documents};

/// The largest request body and the largest WebSocket message, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The routes `/graphql`, `/graphql/ws` and, when wanted, the assets of GraphiQL.
pub fn graphql_routes<E: Executor>(executor: E, options: TransportOptions) -> Router {
    let assets = if options.graphiql { graphiql::assets() } else { Router::new() };
    Router::new()
        .route("/graphql", get(http::get::<E>).post(http::post::<E>))
        .route("/graphql/ws", get(websocket::upgrade::<E>))
        .with_state(Arc::new(Endpoint { executor, options }))
        .merge(assets)
}

/// What the routes need besides the schema.
#[derive(Clone)]
pub struct TransportOptions {
    /// Reads requests for the schema.
    pub documents: Documents,
    /// Checks the bearer tokens.
    pub tokens: Tokens,
    /// The time, for the expiry of tokens.
    pub clock: Clock,
    /// Whether a browser that opens `/graphql` gets GraphiQL.
    pub graphiql: bool,
    /// Cancelled when the server stops: open sockets are then closed with 1001.
    pub stop: CancellationToken,
    /// Counts the open sockets. Wait for it after `stop`, so that every client gets its close frame.
    pub sockets: TaskTracker,
    /// Patience and bounds of one socket.
    pub socket_limits: SocketLimits,
    /// How long the answer to a mutation may take.
    pub query_timeout: Duration,
    /// Counts the mutations that run, with or without their caller. Wait for it as for `sockets`.
    pub running: TaskTracker,
    /// Puts into each operation what resolvers look up in it: who is calling.
    pub data: RequestData,
}

/// Completes an operation before it runs.
pub type RequestData = Arc<dyn Fn(Request, &RequestContext) -> Request + Send + Sync>;

/// On whose behalf an operation runs.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The caller.
    pub actor: Actor,
    /// The address in the caller's token.
    pub email: Option<String>,
    /// The id in `x-request-id`. Over a socket: the id of the upgrade, a dot, and the operation's number.
    pub request_id: RequestId,
}

/// The schema and its options, shared by the handlers.
struct Endpoint<E> {
    executor: E,
    options: TransportOptions,
}

impl fmt::Debug for TransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportOptions")
            .field("graphiql", &self.graphiql)
            .field("socket_limits", &self.socket_limits)
            .finish_non_exhaustive()
    }
}
