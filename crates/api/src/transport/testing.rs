//! A small schema behind the real routes, with a clock that the test moves.

use std::{sync::Arc, task::Poll};

use app::Clock;
use async_graphql::{Context, Error, ErrorExtensions, Object, Schema, Subscription};
use axum::{Router, middleware::from_fn};
use chrono::DateTime;
use futures::{Stream, stream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{SocketLimits, TransportOptions, graphql_routes, request_id};
use crate::{
    auth::{Claims, Tokens},
    graphql::{documents::Documents, limits::limited, nulls::NullPropagation},
};

/// When every test begins, in seconds since 1970.
pub(super) const NOW: i64 = 1_700_000_000;

/// The routes and what a test turns to move them.
pub(super) struct World {
    pub(super) app: Router,
    pub(super) stop: CancellationToken,
    pub(super) sockets: TaskTracker,
    pub(super) clock: Clock,
    tokens: Tokens,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(SocketLimits::default())
    }

    pub(super) fn with(socket_limits: SocketLimits) -> Self {
        let tokens = Tokens::new(&[7; 32]).unwrap();
        let clock = Clock::fixed(DateTime::from_timestamp(NOW, 0).unwrap());
        let (stop, sockets) = (CancellationToken::new(), TaskTracker::new());
        let schema =
            limited(Schema::build(Query, Mutation, Subscriptions)).extension(NullPropagation).finish();
        let options = TransportOptions {
            documents: Documents::new(&schema.sdl()).unwrap(),
            tokens: tokens.clone(),
            clock: clock.clone(),
            graphiql: true,
            stop: stop.clone(),
            sockets: sockets.clone(),
            socket_limits,
            data: Arc::new(|request, context| {
                request.data(Greeting(format!("to {} {}", context.actor.kind, context.request_id)))
            }),
        };
        let app = graphql_routes(schema, options).layer(from_fn(request_id::layer));
        Self { app, stop, sockets, clock, tokens }
    }

    /// A support token that lasts a minute from the beginning.
    pub(super) fn bearer(&self) -> String {
        let claims = Claims { sub: None, role: "support".to_owned(), supplier: None, exp: NOW + 60 };
        format!("Bearer {}", self.tokens.issue(&claims).unwrap())
    }
}

/// What the data hook adds: who is calling, with which request.
struct Greeting(String);

struct Query;

#[Object]
impl Query {
    /// Shows what the hook put into the request.
    async fn context(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        Ok(ctx.data::<Greeting>()?.0.clone())
    }

    async fn double(&self, number: i32) -> i32 {
        number * 2
    }

    async fn uuid(&self, id: uuid::Uuid) -> uuid::Uuid {
        id
    }

    async fn secret_failure(&self) -> async_graphql::Result<Option<i32>> {
        Err(std::io::Error::other("password=hunter2").into())
    }

    async fn coded_failure(&self) -> async_graphql::Result<Option<i32>> {
        Err(Error::new("that cursor is not ours")
            .extend_with(|_, extensions| extensions.set("code", "BAD_CURSOR")))
    }

    async fn panics(&self) -> i32 {
        burst()
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn rename(&self, name: String) -> String {
        name
    }
}

struct Subscriptions;

#[Subscription]
impl Subscriptions {
    /// Counts from 1.
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// Never says anything.
    async fn silence(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    /// The same long text again and again.
    async fn text(&self, bytes: usize) -> impl Stream<Item = String> {
        stream::repeat("x".repeat(bytes))
    }

    async fn fails_to_start(&self) -> async_graphql::Result<impl Stream<Item = i32>> {
        Err::<stream::Empty<i32>, _>(std::io::Error::other("password=hunter2").into())
    }

    async fn fails_midway(&self) -> impl Stream<Item = async_graphql::Result<i32>> {
        stream::iter([Ok(1), Err(std::io::Error::other("password=hunter2").into())])
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::poll_fn(|_| Poll::Ready(Some(burst())))
    }
}

fn burst() -> i32 {
    panic!("password=hunter2")
}
