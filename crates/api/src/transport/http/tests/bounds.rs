//! Tests of the limits over HTTP: the responses that hostile and impatient clients get.

use std::time::Duration;

use axum::{body::Body, http::StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{MODERN, ask, code, post, send};
use crate::{
    graphql::limits::Limits,
    transport::{SocketLimits, testing::World},
};

/// Longer than any test needs, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn impatient() -> World {
    let limits = Limits { timeout: Duration::from_millis(50), ..Limits::default() };
    World::within(SocketLimits::default(), limits)
}

fn errors(body: &Value) -> &Vec<Value> {
    body["errors"].as_array().unwrap()
}

#[tokio::test]
async fn an_answer_has_at_most_fifty_errors_of_a_kibibyte() {
    let unknown: String = (0..4000).map(|n| format!("unknown{n} ")).collect();
    let answer = ask(MODERN, &format!("{{ {unknown} }}")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(errors(&answer.body).len(), 50);
    assert_eq!(errors(&answer.body)[49]["message"], "3951 more errors were left out");
    assert_eq!(errors(&answer.body)[49]["extensions"]["code"], "TOO_MANY_ERRORS");

    let failing: String = (0..50).map(|n| format!("a{n}: secretFailure ")).collect();
    let answer = ask(MODERN, &format!("{{ {failing} secretFailure }}")).await;
    assert_eq!((answer.status, errors(&answer.body).len()), (StatusCode::OK, 50));

    for query in [
        format!("{{ context {} }}", "@a ".repeat(20_000)),
        format!("query {} {{ context }}", "@a".repeat(30_000)),
        format!("{{ {} }}", "x".repeat(60_000)),
        format!("{{ uuid(id: \"{}\") }}", "x".repeat(60_000)),
        format!("{{ double(number: {}) }}", "x".repeat(60_000)),
        format!("{{ double({}) }}", "x: 1 ".repeat(10_000)),
        format!("{{ ints(values: [{}]) }}", "a ".repeat(30_000)),
        "{".repeat(60_000),
    ] {
        let answer = ask(MODERN, &query).await;
        let size = answer.body.to_string().len();
        assert!(size < 64 * 1024, "{size}: {}", &query[..40]);
        assert!(errors(&answer.body).len() <= 50);
        for error in errors(&answer.body) {
            assert!(error["message"].as_str().unwrap().len() <= 1024);
        }
    }
}

#[tokio::test]
async fn variables_are_counted_before_they_are_built() {
    let world = World::new();
    let query = "query($values: [Int!]) { ints(values: $values) }";
    let with = |values: String| format!("{{\"query\":\"{query}\",\"variables\":{{\"values\":{values}}}}}");
    let answer = send(&world, post(&world, MODERN), with(format!("[{}0]", "0,".repeat(20_000)))).await;
    assert_eq!(answer.body, json!({"data": {"ints": 1}}));
    let answer = send(&world, post(&world, MODERN), with(format!("[{}0]", "0,".repeat(400_000)))).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "QUERY_TOO_LARGE"));
    for deep in [
        "[".repeat(20_000),
        format!("{}0{}", "[".repeat(20_000), "]".repeat(20_000)),
        "{\"a\":".repeat(20_000),
    ] {
        let answer = send(&world, post(&world, MODERN), with(deep)).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "BAD_REQUEST"));
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_a_typed_error() {
    let world = impatient();
    let body = json!({"query": "{ context never }"}).to_string();
    let answer = send(&world, post(&world, MODERN), body.clone()).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::SERVICE_UNAVAILABLE, "QUERY_TIMEOUT"));
    let answer = send(&world, post(&world, "application/json"), body).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::OK, "QUERY_TIMEOUT"));
}

const SLOW: &str = r#"{"query":"mutation { slow }"}"#;

#[tokio::test]
async fn a_mutation_is_carried_out_though_its_caller_is_gone() {
    let world = World::new();
    let request = tokio::spawn({
        let (app, request) = (world.app.clone(), post(&world, MODERN).body(Body::from(SLOW)).unwrap());
        async move { tower::ServiceExt::oneshot(app, request).await }
    });
    timeout(PATIENCE, world.gate.begun.notified()).await.unwrap();
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    world.gate.release.notify_one();
    timeout(PATIENCE, world.gate.finished.notified()).await.expect("the mutation came to its end");
}

#[tokio::test]
async fn a_mutation_that_takes_too_long_is_answered_and_carried_out() {
    let world = impatient();
    let answer = send(&world, post(&world, MODERN), SLOW).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::SERVICE_UNAVAILABLE, "QUERY_TIMEOUT"));
    let message = answer.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("a mutation that had begun is still carried out"), "{message}");
    // A server that stops waits for the mutation.
    world.sockets.close();
    assert_eq!(world.sockets.len(), 1);
    world.gate.release.notify_one();
    timeout(PATIENCE, world.gate.finished.notified()).await.unwrap();
    timeout(PATIENCE, world.sockets.wait()).await.unwrap();
}

#[tokio::test]
async fn after_the_deadline_no_further_field_of_a_mutation_begins() {
    let world = impatient();
    let body = r#"{"query":"mutation { first: slow second: slow }"}"#;
    let answer = send(&world, post(&world, MODERN), body).await;
    assert_eq!(code(&answer), "QUERY_TIMEOUT");
    timeout(PATIENCE, world.gate.begun.notified()).await.unwrap();
    world.gate.release.notify_one();
    timeout(PATIENCE, world.gate.finished.notified()).await.unwrap();
    world.sockets.close();
    timeout(PATIENCE, world.sockets.wait()).await.expect("the second field would wait for its release");
}
