//! The router with all routes of a process.

use app::App;
use axum::{Router, middleware};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::Tokens,
    graphql::{self, limits::Limits},
    health::{self, Checks},
    mailbox, track,
    transport::{self, SocketLimits, TransportOptions, request_id},
    webhooks,
};

/// The configuration of the routes.
pub struct Options {
    /// Authenticates the bearer tokens.
    pub tokens: Tokens,
    /// Whether a browser that opens `/graphql` gets GraphiQL.
    pub graphiql: bool,
    /// Whether `/mailbox` shows the stored mails, to this machine only.
    pub mailbox: bool,
    /// Further checks for `GET /readyz`.
    pub checks: Checks,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// Counts the open WebSockets and the running mutations. Wait for it after `stop`.
    pub sockets: TaskTracker,
    /// The most WebSockets that may be open at once.
    pub max_sockets: usize,
    /// The limits of GraphQL operations.
    pub limits: Limits,
}

/// All routes of an API process.
pub fn router(app: App, options: Options) -> Router {
    let graphql = TransportOptions {
        documents: graphql::documents(),
        tokens: options.tokens,
        clock: app.clock.clone(),
        graphiql: options.graphiql,
        stop: options.stop,
        running: options.sockets.clone(),
        sockets: options.sockets,
        query_timeout: options.limits.timeout,
        socket_limits: SocketLimits { sockets: options.max_sockets, ..SocketLimits::default() },
        data: graphql::request_data(),
    };
    let mailbox = if options.mailbox { mailbox::routes(app.clone()) } else { Router::new() };
    let routes = transport::graphql_routes(graphql::schema(app.clone(), options.limits), graphql)
        .merge(webhooks::routes(app.clone()))
        .merge(track::routes(app.clone()))
        .merge(mailbox);
    with_health(routes, app, options.checks)
}

/// The routes of a process that is only a worker.
pub fn worker_router(app: App, checks: Checks) -> Router {
    with_health(Router::new(), app, checks)
}

fn with_health(routes: Router, app: App, checks: Checks) -> Router {
    routes.merge(health::routes(app, checks)).layer(middleware::from_fn(request_id::layer))
}
