//! Tests of the webhook routes over HTTP: tokens for senders, and the responses to their webhooks.

use app::{App, Caller, Policy, feed::Feed};
use axum::body::to_bytes;
use axum::http::{HeaderMap, Request, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use carriers::{Client, Secrets, Sender};
use chrono::TimeDelta;
use domain::{Actor, ActorKind};
use persistence::{Store, read::PageRequest};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;

/// The webhook routes with their own database, and a clock that stands still.
struct World {
    app: App,
    clock: Clock,
    _folder: TempDir,
}

struct HttpResponse {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl HttpResponse {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    async fn new(senders: impl IntoIterator<Item = (Sender, Secrets)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let store = Store::connect(&url, 2).await.unwrap();
        store.migrate().await.unwrap();
        let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
        let policy = Policy { senders: senders.into_iter().collect(), ..Policy::default() };
        Self { app: App::new(store, clock.clone(), Feed::memory(), policy), clock, _folder: folder }
    }

    /// Configures UPS to fetch tokens, as client `ups+milepost` with the secret `p%ss word` or the older one `older`,
    /// and FedEx to sign its webhooks.
    async fn with_ups() -> Self {
        let client = Client::new("ups+milepost".to_owned(), ["p%ss word".to_owned(), "older".to_owned()]);
        let fedex = Secrets::new(["hush".to_owned()]).unwrap();
        Self::new([(Sender::Ups, Secrets::from_client(client.unwrap())), (Sender::Fedex, fedex)]).await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> HttpResponse {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let routes = routes(self.app.inbox().clone(), self.clock.clone())
            .layer(axum::middleware::from_fn(crate::transport::request_id::layer));
        let response = routes.oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        HttpResponse { status: parts.status, headers: parts.headers, text }
    }

    /// The number of stored webhooks.
    async fn kept(&self) -> usize {
        let support = Caller { actor: Actor::new(ActorKind::Support, "sam"), request_id: None, email: None };
        let page = PageRequest { limit: 100, from_end: false, after: None, before: None };
        self.app.reads().webhooks(&support, &Default::default(), &page).await.unwrap().rows.len()
    }
}

const TOKEN: &str = "/webhooks/ups/token";
const GRANT: &str = "grant_type=client_credentials";

fn basic(text: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(text))
}

#[tokio::test]
async fn ups_gets_a_token_and_pushes_with_it_for_an_hour() {
    let world = World::with_ups().await;
    let said = basic("ups%2Bmilepost:p%25ss+word");
    let answer = world.post(TOKEN, &[("authorization", &said)], GRANT).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(answer.json()["expires_in"], 3600);

    let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    let push = async |body| {
        let headers = [("authorization", bearer.as_str()), ("x-api-key", "ups+milepost")];
        world.post("/webhooks/ups", &headers, body).await.status
    };
    assert_eq!(push("{}").await, StatusCode::OK);
    world.clock.advance(TimeDelta::minutes(59));
    assert_eq!(push("{\"a\":1}").await, StatusCode::OK);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(push("{\"a\":2}").await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.kept().await, 2);
}

#[tokio::test]
async fn a_client_may_say_who_it_is_in_any_of_the_usual_ways() {
    let world = World::with_ups().await;
    let older = format!("{GRANT}&client_id=ups%2Bmilepost&client_secret=older");
    let in_form = format!("{GRANT}&scope=x&client_id=ups%2Bmilepost&client_secret=p%25ss+word");
    for (authorization, form) in [
        (Some(basic("ups%2Bmilepost:p%25ss%20word")), GRANT),
        (Some(basic("ups+milepost:p%ss word")), GRANT),
        (Some(basic("ups%2Bmilepost:older").replace("Basic", "basic")), GRANT),
        (None, &older),
        (None, &in_form),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = world.post(TOKEN, &headers, form).await;
        assert_eq!(answer.status, StatusCode::OK, "{authorization:?} {form}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_client_that_is_not_known_is_told_so() {
    let world = World::with_ups().await;
    for (authorization, form) in [
        (None, GRANT.to_owned()),
        (Some(basic("ups%2Bmilepost:wrong")), GRANT.to_owned()),
        (Some(basic("somebody:older")), GRANT.to_owned()),
        (Some(basic("no colon")), GRANT.to_owned()),
        (Some("Basic ???".to_owned()), GRANT.to_owned()),
        (Some("Bearer older".to_owned()), GRANT.to_owned()),
        (None, format!("{GRANT}&client_secret=older")),
        (None, format!("{GRANT}&client_id=ups%2Bmilepost")),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = world.post(TOKEN, &headers, &form).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?} {form}");
        assert_eq!(answer.json()["error"], "invalid_client");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Basic realm=\"milepost\"");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    }
}

#[tokio::test]
async fn what_is_no_request_for_a_token_is_named() {
    let world = World::with_ups().await;
    let known = basic("ups%2Bmilepost:older");
    for (form, error) in [
        ("", "invalid_request"),
        ("{\"grant_type\":\"client_credentials\"}", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&client_secret=older", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
    ] {
        let answer = world.post(TOKEN, &[("authorization", &known)], form).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some(error)),
            "{form}"
        );
        assert!(!answer.text.contains("older"), "{}", answer.text);
    }
}

#[tokio::test]
async fn only_senders_with_a_secret_may_push() {
    let world = World::with_ups().await;
    for sender in ["pigeon", "usps"] {
        let answer = world.post(&format!("/webhooks/{sender}"), &[], "{}").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{sender}");
        assert_eq!(answer.text, format!("no webhooks of {sender} are expected here\n"));
    }
    assert_eq!(world.kept().await, 0);
}

#[tokio::test]
async fn senders_without_tokens_have_no_endpoint_for_them() {
    let world = World::with_ups().await;
    for path in ["/webhooks/fedex/token", "/webhooks/pigeon/token"] {
        assert_eq!(world.post(path, &[], GRANT).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let first_version = Secrets::new(["credential".to_owned()]).unwrap();
    let world = World::new([(Sender::Ups, first_version)]).await;
    assert_eq!(world.post(TOKEN, &[], GRANT).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_push_without_a_challenge_is_answered_in_one_word() {
    let credential = Secrets::new(["credential".to_owned()]).unwrap();
    let world = World::new([(Sender::Ups, credential)]).await;
    let push = async |credential| world.post("/webhooks/ups", &[("credential", credential)], "{}").await;
    let taken = push("credential").await;
    assert_eq!((taken.status, taken.text.as_str()), (StatusCode::OK, "stored\n"));
    assert_eq!(push("other").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(push("credential").await.text, "stored\n", "the same once more");
    assert_eq!(world.kept().await, 1);
}

#[tokio::test]
async fn a_challenge_is_repeated_in_the_answer_to_whoever_proves_to_be_usps() {
    let secrets = Secrets::new(["0123456789abcdef0123456789abcdef".to_owned()]).unwrap();
    let world = World::new([(Sender::Usps, secrets.clone())]).await;
    let push = async |secrets: &Secrets, body: &str| {
        let proof = Sender::Usps.sign(secrets, body.as_bytes(), world.clock.now());
        let proof: Vec<(&str, &str)> = proof.iter().map(|(name, value)| (&**name, &**value)).collect();
        world.post("/webhooks/usps", &proof, body).await
    };
    let asked = r#"{"challenge":"say \"this\""}"#;
    let answer = push(&secrets, asked).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"challenge": "say \"this\""})));
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(push(&secrets, asked).await.json(), answer.json(), "also to the same once more");
    assert_eq!(world.kept().await, 1, "it is kept as any other");

    let other = Secrets::new(["fedcba9876543210fedcba9876543210".to_owned()]).unwrap();
    let refused = push(&other, r#"{"challenge":"and this"}"#).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(!refused.text.contains("and this"));
    assert_eq!(push(&secrets, "{}").await.text, "stored\n", "what asks nothing is told nothing");
}

#[tokio::test]
async fn a_photo_of_the_delivery_is_taken_and_larger_bodies_are_not() {
    let secrets = Secrets::new(["hush".to_owned()]).unwrap();
    let senders = [Sender::Ups, Sender::Fedex, Sender::Aftership];
    let world = World::new(senders.map(|sender| (sender, secrets.clone()))).await;
    let photo = |bytes: usize| format!(r#"{{"deliveryPhoto":{{"photo":"{}"}}}}"#, "A".repeat(bytes));
    let push = async |body: &str| world.post("/webhooks/ups", &[("credential", "hush")], body).await;
    assert_eq!(push(&photo(5 * 1024 * 1024)).await.status, StatusCode::OK);
    let answer = push(&photo(8 * 1024 * 1024)).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "8388608 bytes are the most\n")
    );
    let push_signed = async |sender: Sender, body: &str| {
        let (name, value) = sender.sign(&secrets, body.as_bytes(), world.clock.now()).remove(0);
        world.post(&format!("/webhooks/{sender}"), &[(name.as_str(), value.as_str())], body).await.status
    };
    assert_eq!(push_signed(Sender::Fedex, &photo(5 * 1024 * 1024)).await, StatusCode::OK);
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;
    assert_eq!(push_signed(Sender::Fedex, &photo(8 * 1024 * 1024)).await, too_large);
    assert_eq!(push_signed(Sender::Aftership, &photo(1024 * 1024)).await, too_large);
    assert_eq!(world.kept().await, 2);
}
