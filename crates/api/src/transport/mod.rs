//! GraphQL over HTTP and over WebSocket, for any schema. It replaces the parts of async-graphql-axum that do not follow
//! the specifications.
//!
//! The crate's `router` mounts [`graphql_routes`] and puts [`request_id::layer`] around every route. A transport
//! authenticates the caller, limits how much one client can request at once, and writes the responses. It knows nothing
//! about orders.

mod accept;
mod execution;
mod http;
#[cfg(test)]
mod library;
mod refusal;
pub mod request_id;
mod response;
#[cfg(test)]
mod testing;
mod websocket;

use std::{sync::Arc, time::Duration};

use app::Clock;
use async_graphql::{Executor, Request};
use axum::{Router, routing::get};
use domain::Actor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{request_id::RequestId, websocket::SocketLimits};
use crate::{auth::Tokens, graphiql, graphql::documents::Documents};

/// The maximum length of a request body and of a WebSocket message, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The routes `/graphql` and `/graphql/ws`, and the assets of GraphiQL if the options enable it.
pub fn graphql_routes<E: Executor>(executor: E, options: TransportOptions) -> Router {
    let assets = if options.graphiql { graphiql::build_asset_routes() } else { Router::new() };
    Router::new()
        .route("/graphql", get(http::get::<E>).post(http::post::<E>))
        .route("/graphql/ws", get(websocket::upgrade::<E>))
        .with_state(Arc::new(Endpoint { executor, options }))
        .merge(assets)
}

/// The configuration of the GraphQL routes.
#[derive(Clone)]
pub struct TransportOptions {
    /// Parses and validates operations for the schema.
    pub documents: Documents,
    pub tokens: Tokens,
    /// The time with which the expiry of tokens is compared.
    pub clock: Clock,
    /// Whether a browser that opens `/graphql` gets GraphiQL.
    pub graphiql: bool,
    /// Cancelled when the server stops. The server then closes open WebSockets with code 1001.
    pub stop: CancellationToken,
    /// Counts the open WebSockets. Wait for it after `stop`, so that every client gets its close frame.
    pub sockets: TaskTracker,
    /// The timeouts and limits of WebSockets.
    pub socket_limits: SocketLimits,
    /// The timeout for the response to a mutation. The mutation itself then goes on.
    pub query_timeout: Duration,
    /// Counts the running mutations, also those whose client is gone. Wait for it after `stop`, as for `sockets`.
    pub running: TaskTracker,
    /// Adds to each operation the data that resolvers read from it, such as the caller.
    pub data: RequestData,
}

/// A function that adds data to an operation before it runs.
pub type RequestData = Arc<dyn Fn(Request, &RequestContext) -> Request + Send + Sync>;

/// The caller of an operation and the id of its request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The actor in the caller's token.
    pub actor: Actor,
    /// The email address in the caller's token.
    pub email: Option<String>,
    /// The id in `x-request-id`. Over a WebSocket: the id of the upgrade request, a dot, and the number of the
    /// operation on this WebSocket, for example `shop-42.3`.
    pub request_id: RequestId,
}

/// The schema and its options, shared by the handlers.
struct Endpoint<E> {
    executor: E,
    options: TransportOptions,
}
