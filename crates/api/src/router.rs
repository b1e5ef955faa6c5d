//! The router with all routes of a process.

use app::{App, Clock, feed::Feed};
use axum::{Router, middleware};
use persistence::Store;
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
    /// The database, for the pages and checks that read it directly.
    pub store: Store,
    pub clock: Clock,
    /// The live feed, for subscriptions.
    pub feed: Feed,
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
        clock: options.clock.clone(),
        graphiql: options.graphiql,
        stop: options.stop,
        running: options.sockets.clone(),
        sockets: options.sockets,
        query_timeout: options.limits.timeout,
        socket_limits: SocketLimits { sockets: options.max_sockets, ..SocketLimits::default() },
        data: graphql::request_data(),
    };
    let mailbox = if options.mailbox { mailbox::routes(options.store.clone()) } else { Router::new() };
    let webhooks = webhooks::routes(app.inbox().clone(), options.clock.clone());
    let track = track::routes(&app, options.store.clone());
    let schema = graphql::schema(app, options.clock, options.feed.clone(), options.limits);
    let routes = transport::graphql_routes(schema, graphql).merge(webhooks).merge(track).merge(mailbox);
    with_health(routes, options.store, options.feed, options.checks)
}

/// The routes of a process that is only a worker.
pub fn worker_router(store: Store, feed: Feed, checks: Checks) -> Router {
    with_health(Router::new(), store, feed, checks)
}

fn with_health(routes: Router, store: Store, feed: Feed, checks: Checks) -> Router {
    routes.merge(health::routes(store, feed, checks)).layer(middleware::from_fn(request_id::layer))
}
