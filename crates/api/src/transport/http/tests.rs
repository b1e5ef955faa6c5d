use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::transport::{MAX_BODY_BYTES, testing, testing::World};

mod bounds;

const MODERN: &str = "application/graphql-response+json";

struct HttpResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn send(world: &World, request: axum::http::request::Builder, body: impl Into<Body>) -> HttpResponse {
    let response = world.app.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
    HttpResponse {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

/// A valid POST with this `Accept` header, still without its body.
fn post(world: &World, accept: &str) -> axum::http::request::Builder {
    Request::post("/graphql")
        .header("content-type", "application/json")
        .header("authorization", world.bearer())
        .header("x-request-id", "test-1")
        .header("accept", accept)
}

fn get(world: &World, query: &str) -> axum::http::request::Builder {
    Request::get(format!("/graphql?{query}")).header("authorization", world.bearer()).header("accept", MODERN)
}

async fn ask(accept: &str, query: &str) -> HttpResponse {
    let world = World::new();
    send(&world, post(&world, accept), json!({"query": query}).to_string()).await
}

fn code(answer: &HttpResponse) -> &str {
    assert!(answer.body.get("data").is_none(), "a request error has no data: {}", answer.body);
    answer.body["errors"][0]["extensions"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn an_operation_sees_what_the_hook_made_of_its_caller_and_its_id() {
    let answer = ask("application/json", "{ context }").await;
    assert_eq!(answer.body, json!({"data": {"context": "to support test-1"}}));
    assert_eq!(answer.headers["x-request-id"], "test-1");
}

#[tokio::test]
async fn the_media_type_decides_the_status_of_a_request_error() {
    for query in [
        "{ nothing }",
        "{ double(",
        "{ double(number: \"x\") }",
        "query A { double(number: 1) } query B { double(number: 1) }",
    ] {
        let answer = ask(MODERN, query).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.headers["content-type"], "application/graphql-response+json; charset=utf-8");
        assert!(code(&answer).starts_with("GRAPHQL_"));

        let answer = ask("application/json", query).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        assert!(code(&answer).starts_with("GRAPHQL_"));
    }
    assert_eq!(ask(MODERN, "{ double(number: 2) }").await.status, StatusCode::OK);
    assert_eq!(ask(MODERN, "mutation { rename(name: \"x\") }").await.body, json!({"data": {"rename": "x"}}));
}

#[tokio::test]
async fn a_variable_that_does_not_fit_is_a_request_error() {
    let world = World::new();
    let queries = [
        ("query($n: Int!) { double(number: $n) }", json!(null)),
        ("query($n: Int!) { double(number: $n) }", json!({"n": null})),
        ("query($n: Int!) { double(number: $n) }", json!({"n": "1"})),
        ("query($n: Int!) { double(number: $n) }", json!({"n": 3_000_000_000_u32})),
        ("query($n: Int) { double(number: $n) }", json!({"n": 1})),
        ("{ double(number: 3000000000) }", json!({})),
    ];
    for (query, variables) in queries {
        let body = json!({"query": query, "variables": variables}).to_string();
        let answer = send(&world, post(&world, MODERN), body).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "GRAPHQL_VALIDATION_FAILED"));
    }
    let query = "query($n: Int! = 1) { double(number: $n) }";
    let body = json!({"query": query, "variables": {"n": 2.0}}).to_string();
    assert_eq!(send(&world, post(&world, MODERN), body).await.body, json!({"data": {"double": 4}}));
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_a_graphql_body() {
    let world = World::new();
    let too_long = format!(r#"{{"query":"{}"}}"#, "x".repeat(MAX_BODY_BYTES));
    let bodies = [
        ("{", StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        ("", StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        ("\u{fffd}", StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        ("{}", StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (r#"{"query": 7}"#, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (r#"{"query": "{ context }", "variables": "x"}"#, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (r#"{"query": "{ context }", "operationName": 7}"#, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (r#"[{"query": "{ context }"}]"#, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (too_long.as_str(), StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
    ];
    for (body, status, expected) in bodies {
        for accept in [MODERN, "application/json"] {
            let answer = send(&world, post(&world, accept), body.to_owned()).await;
            assert_eq!((answer.status, code(&answer)), (status, expected), "{:.60}", body);
        }
    }
}

#[tokio::test]
async fn only_json_bodies_are_read() {
    let world = World::new();
    for content_type in [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        None,
    ] {
        let mut request = Request::post("/graphql").header("authorization", world.bearer());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = send(&world, request, r#"{"query": "{ context }"}"#).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
        assert_eq!(code(&answer), "UNSUPPORTED_MEDIA_TYPE");
    }
    let request = Request::post("/graphql")
        .header("authorization", world.bearer())
        .header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(send(&world, request, r#"{"query": "{ context }"}"#).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_good_token_nothing_runs() {
    let world = World::new();
    let cases = [
        (None, r#"Bearer realm="milepost""#),
        (Some("Bearer x"), r#"Bearer realm="milepost", error="invalid_token""#),
    ];
    for (token, challenge) in cases {
        for request in [Request::post("/graphql"), Request::get("/graphql?query={context}")] {
            let mut request = request.header("content-type", "application/json");
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            let answer = send(&world, request, r#"{"query": "{ context }"}"#).await;
            assert_eq!((answer.status, code(&answer)), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
            assert_eq!(answer.headers["www-authenticate"], challenge);
        }
    }
    world.clock.advance(TimeDelta::seconds(60));
    let answer = send(&world, post(&world, MODERN), r#"{"query": "{ context }"}"#).await;
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().starts_with("the token expired at"));
}

#[tokio::test]
async fn get_runs_queries_only() {
    let world = World::new();
    let query = "query=query%20A($n:Int!){double(number:$n)}%20mutation%20B{rename(name:%22x%22)}";
    let answer =
        send(&world, get(&world, &format!("{query}&operationName=A&variables=%7B%22n%22:4%7D")), "").await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({"data": {"double": 8}})));

    let answer = send(&world, get(&world, &format!("{query}&operationName=B")), "").await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
    assert_eq!(answer.headers["allow"], "POST");

    for query in [
        "",
        "query=",
        "query={context}&variables=x",
        "query={context}&extensions=[]",
        "query={context}&query={context}",
    ] {
        let answer = send(&world, get(&world, query), "").await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{query}");
    }
    let put = Request::put("/graphql").header("authorization", world.bearer());
    assert_eq!(send(&world, put, "").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_subscription_is_sent_to_the_socket() {
    let answer = ask(MODERN, "subscription { count(to: 3) }").await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, "BAD_REQUEST"));
}

#[tokio::test]
async fn unexpected_errors_are_masked_and_expected_ones_pass() {
    let answer = ask(MODERN, "{ secretFailure codedFailure double(number: 1) }").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["data"], json!({"secretFailure": null, "codedFailure": null, "double": 2}));
    let errors = answer.body["errors"].as_array().unwrap();
    let masked = errors.iter().find(|error| error["path"][0] == "secretFailure").unwrap();
    assert_eq!(masked["message"], "internal error");
    assert_eq!(masked["extensions"], json!({"code": "INTERNAL", "requestId": "test-1"}));
    let coded = errors.iter().find(|error| error["path"][0] == "codedFailure").unwrap();
    assert_eq!(coded["message"], "that cursor is not ours");
    assert!(!answer.body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_bad_argument_is_the_callers_error_not_ours() {
    let answer = ask(MODERN, "{ uuid(id: \"nonsense\") }").await;
    let error = &answer.body["errors"][0];
    assert!(error["message"].as_str().unwrap().contains("UUID"), "{error}");
    assert!(
        ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"]
            .contains(&error["extensions"]["code"].as_str().unwrap())
    );
}

#[tokio::test]
async fn a_panic_is_an_internal_error() {
    let answer = ask(MODERN, "{ panics }").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.body["errors"][0]["extensions"], json!({"code": "INTERNAL", "requestId": "test-1"}));
}

#[tokio::test]
async fn a_message_repeats_little_of_the_query() {
    let answer = ask(MODERN, &format!("{{ {} }}", "x".repeat(10_000))).await;
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().chars().count() <= 301);
}

#[tokio::test]
async fn a_browser_gets_graphiql_without_a_token() {
    let world = World::new();
    let request = Request::get("/graphql").header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let answer = send(&world, request, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn each_defect_of_a_token_is_answered_with_401() {
    let world = World::new();
    for (defect, token, reason) in testing::defective_tokens() {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        let answer = send(&world, request, r#"{"query": "{ context }"}"#).await;
        assert_eq!((answer.status, code(&answer)), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{defect}");
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{defect}: {message}");
        assert_eq!(answer.headers["www-authenticate"], r#"Bearer realm="milepost", error="invalid_token""#);
    }
    let twice = post(&world, MODERN).header("authorization", world.bearer());
    let answer = send(&world, twice, r#"{"query": "{ context }"}"#).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "two headers are no token");
}
