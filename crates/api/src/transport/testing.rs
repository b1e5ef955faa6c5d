//! Helpers for the tests of the transports: a small schema behind the real routes, and a clock that the test sets.

use std::{sync::Arc, task::Poll};

use app::Clock;
use async_graphql::{Context, Error, ErrorExtensions, Object, Schema, Subscription};
use axum::{Router, middleware::from_fn};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use futures::{Stream, stream};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use sha2::Sha512;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{SocketLimits, TransportOptions, graphql_routes, request_id};
use crate::{
    auth::{Claims, Tokens, install_hs256},
    graphql::{documents::Documents, extension::extend_schema, limits::Limits},
};

/// The time at which every test begins, in seconds since 1970.
pub(super) const NOW: i64 = 1_700_000_000;

/// The routes, and the handles with which a test controls them.
pub(super) struct World {
    pub(super) app: Router,
    pub(super) stop: CancellationToken,
    pub(super) sockets: TaskTracker,
    pub(super) clock: Clock,
    /// Controls the mutation `slow`.
    pub(super) gate: Gate,
    tokens: Tokens,
}

/// Lets a test hold a running mutation, release it, and wait until it has finished.
#[derive(Clone, Default)]
pub(super) struct Gate {
    pub(super) begun: Arc<Notify>,
    pub(super) release: Arc<Notify>,
    pub(super) finished: Arc<Notify>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(SocketLimits::default())
    }

    pub(super) fn with(socket_limits: SocketLimits) -> Self {
        Self::within(socket_limits, Limits::default())
    }

    pub(super) fn within(socket_limits: SocketLimits, limits: Limits) -> Self {
        let tokens = Tokens::new(&[7; 32]).unwrap();
        let clock = Clock::fixed(DateTime::from_timestamp(NOW, 0).unwrap());
        let gate = Gate::default();
        let (stop, sockets) = (CancellationToken::new(), TaskTracker::new());
        let schema =
            extend_schema(Schema::build(Query, Mutation, Subscriptions), limits).data(gate.clone()).finish();
        let options = TransportOptions {
            documents: Documents::new(&schema.sdl()).unwrap(),
            tokens: tokens.clone(),
            clock: clock.clone(),
            graphiql: true,
            stop: stop.clone(),
            sockets: sockets.clone(),
            socket_limits,
            query_timeout: limits.timeout,
            running: sockets.clone(),
            data: Arc::new(|request, context| {
                request.data(Greeting(format!("to {} {}", context.actor.kind, context.request_id)))
            }),
        };
        let app = graphql_routes(schema, options).layer(from_fn(request_id::layer));
        Self { app, stop, sockets, clock, gate, tokens }
    }

    /// An `Authorization` value with a support token that expires one minute after [`NOW`].
    pub(super) fn bearer(&self) -> String {
        let claims = Claims { sub: None, role: "support".to_owned(), exp: NOW + 60, ..Claims::default() };
        format!("Bearer {}", self.tokens.issue(&claims).unwrap())
    }
}

/// The data that the hook adds to each operation: the caller's role and the request id.
struct Greeting(String);

struct Query;

#[Object]
impl Query {
    /// Returns the data that the hook has added to the request.
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

    async fn never(&self) -> i32 {
        std::future::pending().await
    }

    async fn ints(&self, #[graphql(default)] _values: Vec<i32>) -> i32 {
        1
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn rename(&self, name: String) -> String {
        name
    }

    /// Waits in the middle of its work until the test releases it.
    async fn slow(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let gate = ctx.data::<Gate>()?;
        gate.begun.notify_one();
        gate.release.notified().await;
        gate.finished.notify_one();
        Ok(true)
    }
}

struct Subscriptions;

#[Subscription]
impl Subscriptions {
    /// Counts from 1.
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// Never sends a value.
    async fn silence(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    /// Sends the same text of this length again and again.
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

/// Tokens that must be refused although the secret is right: what is wrong, the token, and a part of the error message.
pub(super) fn defective_tokens() -> Vec<(&'static str, String, &'static str)> {
    install_hs256();
    let key = EncodingKey::from_secret(&[7; 32]);
    let good = || json!({"role": "support", "exp": NOW + 60});
    let signed = |header: &Header, claims: Value| jsonwebtoken::encode(header, &claims, &key).unwrap();
    let plain = Header::default();
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        signed(&plain, claims)
    };
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..Header::default() };
    let logout = Header { typ: Some("logout+jwt".to_owned()), ..Header::default() };
    vec![
        ("it is not valid yet", with("nbf", json!(NOW + 1)), "not valid before"),
        ("it is over", with("exp", json!(NOW as f64 - 0.5)), "expired at"),
        ("it has no end", with("exp", Value::Null), "no expiry"),
        ("it is for somebody else", with("aud", json!("billing")), "`aud`"),
        ("it is for some others", with("aud", json!(["billing", "shop"])), "`aud`"),
        ("it has an extension", signed(&critical, good()), "`crit`"),
        ("it is of another type", signed(&logout, good()), "`typ`"),
        ("it is signed otherwise", signed_with_hs512(&good()), "HS256"),
        ("it has no role", signed(&plain, json!({"exp": NOW + 60})), "malformed"),
        ("it is huge", with("padding", json!("x".repeat(10_000))), "larger than"),
    ]
}

/// A token with these claims that is signed with HS512 and the right secret.
fn signed_with_hs512(claims: &Value) -> String {
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", encode(&json!({"typ": "JWT", "alg": "HS512"})), encode(claims));
    let mac = Hmac::<Sha512>::new_from_slice(&[7; 32]).unwrap().chain_update(&message);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
