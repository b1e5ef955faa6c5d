//! Sends requests to the HTTP server of a shop in this process: they pass every layer of the server, but no socket.

use std::sync::Arc;

use api::{
    Options,
    auth::{Claims, Tokens},
    graphql::limits::Limits,
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use carriers::Sender;
use futures::{StreamExt, stream};
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::shop::{Shop, secrets};

/// The number of simultaneous requests.
const AT_ONCE: usize = 64;

/// The HTTP server of a shop.
#[derive(Clone)]
pub struct Front {
    router: Router,
    shop: Shop,
    tokens: Tokens,
}

impl Front {
    /// Creates the server on the shop's use cases.
    pub fn new(shop: &Shop) -> Self {
        let tokens = Tokens::new(&[7; 32]).expect("32 bytes are enough");
        let options = Options {
            store: shop.store.clone(),
            clock: shop.clock.clone(),
            feed: shop.feed.clone(),
            tokens: tokens.clone(),
            graphiql: false,
            mailbox: false,
            checks: Arc::new(Vec::new),
            stop: CancellationToken::new(),
            sockets: TaskTracker::new(),
            max_sockets: 1_000,
            limits: Limits::default(),
        };
        Self { router: api::router(shop.app.clone(), options), shop: shop.clone(), tokens }
    }

    /// Sends a GraphQL request with the role support. Returns the status and the text of the answer.
    pub async fn ask(&self, request: &Value) -> (StatusCode, String) {
        let exp = self.shop.now().timestamp() + 60;
        let claims = Claims { role: "support".to_owned(), exp, ..Claims::default() };
        let token = self.tokens.issue(&claims).expect("a token");
        let request = Request::post("/graphql")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .body(Body::from(request.to_string()))
            .expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("the router answers");
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("JSON is text"))
    }

    /// Requests a page as a browser does, and returns its text.
    pub async fn page(&self, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("the router answers");
        let bytes = axum::body::to_bytes(answer.into_body(), 1_000_000).await.expect("a body");
        String::from_utf8(bytes.to_vec()).expect("a page is text")
    }

    /// Posts a webhook that the sender signs now. Returns the status of the answer.
    pub async fn post(&self, sender: Sender, body: Vec<u8>) -> StatusCode {
        let headers = sender.sign(&secrets(sender), &body, self.shop.now());
        self.post_with(sender, headers, body).await
    }

    /// Posts a body with these headers to the route of a sender. Returns the status of the answer.
    pub async fn post_with(
        &self,
        sender: Sender,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> StatusCode {
        let mut request = Request::post(format!("/webhooks/{sender}"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body)).expect("a request");
        self.router.clone().oneshot(request).await.expect("the router answers").status()
    }

    /// Posts many webhooks, some of them at the same time. All must be answered with 200.
    pub async fn post_all(&self, bodies: impl IntoIterator<Item = (Sender, Vec<u8>)>) {
        let posts = bodies.into_iter().map(|(sender, body)| self.post(sender, body));
        let answers: Vec<StatusCode> = stream::iter(posts).buffer_unordered(AT_ONCE).collect().await;
        assert!(answers.iter().all(|answer| *answer == StatusCode::OK), "{answers:?}");
    }
}
