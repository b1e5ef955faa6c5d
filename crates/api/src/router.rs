//! Every route of the server, in one place.

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

/// What the routes need besides the use cases.
pub struct Options {
    /// Checks the bearer tokens.
    pub tokens: Tokens,
    /// Whether a browser that opens `/graphql` gets GraphiQL.
    pub graphiql: bool,
    /// Whether `/mailbox` shows kept mails, to this machine only.
    pub mailbox: bool,
    /// What else must be well before the process is ready.
    pub checks: Checks,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// Counts the open sockets and the mutations that run: wait for it after `stop`.
    pub sockets: TaskTracker,
    /// The most sockets that are open at once.
    pub max_sockets: usize,
    /// The bounds of GraphQL operations.
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
