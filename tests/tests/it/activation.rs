//! Tests the activation of subscriptions at DHL: DHL sends a secret, and the worker calls DHL's API with it. The DHL of
//! the tests listens on this machine.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::LOCATION},
    response::{IntoResponse, Response},
};
use carriers::Sender;
use chrono::TimeDelta;
use domain::{OrderStatus, ShipmentStatus, WebhookState};
use persistence::{Store, read, webhooks::WebhookHead};
use serde_json::{Value, json};
use tests::{
    database::Database,
    http::choose_tls,
    on_every_database,
    shop::{Shop, support},
    wait::until,
};
use tokio::{net::TcpListener, sync::Semaphore};
use worker::Activator;

on_every_database!(
    a_subscription_is_activated_once,
    a_subscription_is_tried_again_while_dhl_is_in_trouble,
    a_subscription_that_dhl_refuses_has_failed_with_its_words,
    without_a_key_it_fails_and_names_the_setting,
    nothing_is_sent_to_an_address_that_a_message_names,
    nobody_waits_for_dhl,
    two_workers_may_both_call,
    calls_of_unknown_outcome_are_bounded,
);

const KEY: &str = "hush-key";
const SECRET: &str = "b1f7e6a4-say-it-back";
const SUBSCRIPTION: &str = "3f0c1c5e-7d7a-4d4e-9b1e-2f1a6f0c9d11";

/// A server that records every request, and answers what the test has chosen; by default that all is well.
#[derive(Clone)]
struct Listener {
    url: String,
    received: Arc<Mutex<Vec<ReceivedCall>>>,
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    /// Each answer waits for a permit, so that a test can delay answers.
    gate: Arc<Semaphore>,
}

/// The path, the key and the body of a request.
type ReceivedCall = (String, String, Value);

impl Listener {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            received: Arc::default(),
            answers: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        };
        let router = Router::new().fallback(answer).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    /// Returns a client that calls this server. Its URL has a path, as DHL's has.
    fn caller(&self) -> Activator {
        choose_tls();
        Activator::default().with_dhl(KEY, format!("{}/push/v1", self.url).parse().unwrap()).unwrap()
    }

    fn answers(&self, status: u16, text: &str) {
        self.answers.lock().unwrap().push_back((status, text.to_owned()));
    }

    fn list_received(&self) -> Vec<ReceivedCall> {
        self.received.lock().unwrap().clone()
    }
}

async fn answer(State(dhl): State<Listener>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let key = headers.get("DHL-API-Key").map_or("", |key| key.to_str().unwrap()).to_owned();
    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
    dhl.received.lock().unwrap().push((uri.path().to_owned(), key, body));
    dhl.gate.acquire().await.unwrap().forget();
    match dhl.answers.lock().unwrap().pop_front() {
        Some((status, text)) if (300..400).contains(&status) => {
            (StatusCode::from_u16(status).unwrap(), [(LOCATION, text)]).into_response()
        }
        Some((status, text)) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        None => Json(json!({"status": "active"})).into_response(),
    }
}

fn shop(store: Store, activator: Activator) -> Shop {
    Shop { activator, ..Shop::new(store) }
}

/// The webhook with which DHL sends the secret and the address of the subscription.
fn asked(address: &str) -> Vec<u8> {
    let asked = json!({"scope": "subscription.validate", "secret": SECRET, "self": address});
    asked.to_string().into_bytes()
}

async fn ask(shop: &Shop) {
    let address = format!("https://api-eu.dhl.com/tracking/push/v1/subscription/{SUBSCRIPTION}");
    shop.push_as(Sender::Dhl, &asked(&address)).await;
}

/// The expected request to activate the subscription.
fn call() -> ReceivedCall {
    (format!("/push/v1/subscription/{SUBSCRIPTION}"), KEY.to_owned(), json!({"secret": SECRET}))
}

/// Returns the only webhook of DHL.
async fn webhook(shop: &Shop) -> WebhookHead {
    let page = read::PageRequest { limit: 100, from_end: false, after: None, before: None };
    let mut rows = shop.app.reads().webhooks(&support(), &Default::default(), &page).await.unwrap().rows;
    rows.retain(|row| row.sender == "dhl");
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

async fn a_subscription_is_activated_once(database: Database) {
    let dhl = Listener::start().await;
    let shop = shop(database.store, dhl.caller());
    ask(&shop).await;
    ask(&shop).await;
    shop.drain().await;
    ask(&shop).await;
    shop.wait(TimeDelta::hours(1));
    shop.drain().await;
    assert_eq!(dhl.list_received(), [call()]);
    let webhook = webhook(&shop).await;
    assert_eq!((webhook.state, webhook.duplicates), (WebhookState::Processed, 2));
    assert_eq!(webhook.reason, Some(format!("subscription {SUBSCRIPTION} activated")));
}

async fn a_subscription_is_tried_again_while_dhl_is_in_trouble(database: Database) {
    let dhl = Listener::start().await;
    let shop = shop(database.store, dhl.caller());
    dhl.answers(503, "come back later");
    dhl.answers(429, "");
    ask(&shop).await;
    for (calls, error) in [
        (1, "DHL answered 503 Service Unavailable: come back later"),
        (2, "DHL answered 429 Too Many Requests"),
    ] {
        shop.drain().await;
        let webhook = webhook(&shop).await;
        assert_eq!((webhook.state, webhook.failures), (WebhookState::Pending, calls));
        assert_eq!(webhook.error.as_deref(), Some(error));
        shop.wait(TimeDelta::minutes(1));
    }
    shop.drain().await;
    assert_eq!(dhl.list_received(), [call(), call(), call()]);
    assert_eq!(webhook(&shop).await.state, WebhookState::Processed);
}

async fn a_subscription_that_dhl_refuses_has_failed_with_its_words(database: Database) {
    let dhl = Listener::start().await;
    let shop = shop(database.store, dhl.caller());
    dhl.answers(401, &format!("no such key:\n{KEY}\0 ({SECRET}) {}", "x".repeat(100_000)));
    ask(&shop).await;
    shop.drain().await;
    shop.wait(TimeDelta::hours(1));
    shop.drain().await;
    assert_eq!(dhl.list_received(), [call()], "and not again");
    let webhook = webhook(&shop).await;
    assert_eq!(webhook.state, WebhookState::Failed);
    let error = webhook.error.unwrap();
    assert!(error.starts_with("DHL answered 401 Unauthorized: no such key: *** (***) xxx"), "{error}");
    assert!(error.len() < 300, "{error}");
}

async fn without_a_key_it_fails_and_names_the_setting(database: Database) {
    let shop = shop(database.store, Activator::default());
    ask(&shop).await;
    shop.drain().await;
    let webhook = webhook(&shop).await;
    assert_eq!(webhook.state, WebhookState::Failed);
    assert!(webhook.error.unwrap().contains("MILEPOST_DHL_API_KEY"));
}

async fn nothing_is_sent_to_an_address_that_a_message_names(database: Database) {
    let (dhl, other) = (Listener::start().await, Listener::start().await);
    let shop = shop(database.store, dhl.caller());
    shop.push_as(Sender::Dhl, &asked(&format!("{}/subscription/{SUBSCRIPTION}", other.url))).await;
    // A redirect in DHL's answer must not be followed either.
    dhl.answers(307, &format!("{}/subscription/{SUBSCRIPTION}", other.url));
    shop.drain().await;
    assert_eq!(dhl.list_received(), [call()]);
    assert_eq!(webhook(&shop).await.state, WebhookState::Failed, "a redirect is no answer");
    for odd in ["..", "a%2fb", "x@host", ""] {
        shop.push_as(Sender::Dhl, &asked(&format!("{}/subscription/{odd}", other.url))).await;
    }
    shop.drain().await;
    assert!(dhl.list_received().iter().all(|(path, _, _)| path.starts_with("/push/v1/subscription/")));
    assert_eq!(other.list_received(), []);
}

async fn nobody_waits_for_dhl(database: Database) {
    let dhl = Listener::start().await;
    let shop = shop(database.store, dhl.caller());
    let order = shop.processing(&[1]).await;
    shop.ship(order, "151515").await;
    dhl.gate.forget_permits(Semaphore::MAX_PERMITS);
    ask(&shop).await;
    shop.scan("151515", ShipmentStatus::InTransit).await;
    let working = tokio::spawn({
        let shop = shop.clone();
        async move { shop.drain().await }
    });
    until("DHL is called", async || (!dhl.list_received().is_empty()).then_some(())).await;
    assert_eq!(shop.status(order).await, OrderStatus::Shipped, "while DHL has not answered yet");
    assert_eq!(webhook(&shop).await.state, WebhookState::Pending);
    dhl.gate.add_permits(1);
    working.await.unwrap();
    assert_eq!(webhook(&shop).await.state, WebhookState::Processed);
}

async fn two_workers_may_both_call(database: Database) {
    let dhl = Listener::start().await;
    let shop = shop(database.store, dhl.caller());
    dhl.gate.forget_permits(Semaphore::MAX_PERMITS);
    dhl.answers(500, "");
    ask(&shop).await;
    let work = || {
        let shop = shop.clone();
        tokio::spawn(async move { shop.drain().await })
    };
    let called = async |times: usize| {
        until("DHL is called", async || (dhl.list_received().len() == times).then_some(())).await;
    };
    let slow = work();
    called(1).await;
    // The lease of the webhook ends before DHL answers.
    shop.wait(TimeDelta::minutes(1));
    let quick = work();
    called(2).await;
    dhl.gate.add_permits(1);
    slow.await.unwrap();
    assert_eq!(webhook(&shop).await.failures, 0, "its trouble comes too late to count");
    dhl.gate.add_permits(1);
    quick.await.unwrap();
    assert_eq!(webhook(&shop).await.state, WebhookState::Processed);
    assert_eq!(dhl.list_received(), [call(), call()]);
}

/// If workers die during the call, its outcome is unknown, and another worker calls again. After ten calls the webhook
/// has failed.
async fn calls_of_unknown_outcome_are_bounded(database: Database) {
    let dhl = Listener::start().await;
    let shop = shop(database.store, dhl.caller());
    dhl.gate.forget_permits(Semaphore::MAX_PERMITS);
    ask(&shop).await;
    for calls in 1..=10 {
        let dying = tokio::spawn({
            let shop = shop.clone();
            async move { shop.drain().await }
        });
        until("DHL is called", async || (dhl.list_received().len() == calls).then_some(())).await;
        dying.abort();
        dying.await.unwrap_err();
        shop.wait(TimeDelta::minutes(1));
    }
    for _ in 0..3 {
        shop.drain().await;
        shop.wait(TimeDelta::hours(1));
    }
    assert_eq!(dhl.list_received().len(), 10);
    let failed = webhook(&shop).await;
    assert_eq!(failed.state, WebhookState::Failed);
    assert!(failed.error.unwrap().starts_with("given up: DHL was called 10 times"));

    // A retry that support requests calls DHL again.
    shop.app.inbox().retry_webhook(&support(), failed.id).await.unwrap();
    dhl.gate.add_permits(1);
    shop.drain().await;
    assert_eq!(webhook(&shop).await.state, WebhookState::Processed);
}
