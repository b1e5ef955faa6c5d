//! Tests the behaviour of async-graphql-axum that the transports replace. A test that fails shows that the library has
//! changed: docs/decisions/async-graphql-axum.md says what can then be removed.

use async_graphql::{
    EmptyMutation, Object, Response, Schema, ServerError, Subscription,
    http::{ClientMessage, WebSocket, WebSocketProtocols, WsMessage},
};
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use futures::{Stream, StreamExt, stream};
use serde_json::{Value, json};

const CHANGED: &str = "the library does this now: see docs/decisions/async-graphql-axum.md";

struct Query;

#[Object]
impl Query {
    async fn one(&self) -> i32 {
        1
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn never(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }
}

async fn extract(request: Request) -> async_graphql::Request {
    let extracted =
        GraphQLRequest::<async_graphql_axum::rejection::GraphQLRejection>::from_request(request, &());
    match extracted.await {
        Ok(request) => request.into_inner(),
        Err(_) => panic!("the library refuses it: {CHANGED}"),
    }
}

#[tokio::test]
async fn the_name_of_the_operation_in_a_get_is_ignored() {
    let query = "/graphql?query=query%20A%20%7Bone%7D&operationName=A";
    let request = extract(Request::get(query).body(Body::empty()).unwrap()).await;
    assert_eq!((request.query.as_str(), request.operation_name), ("query A {one}", None), "{CHANGED}");
}

#[tokio::test]
async fn a_body_of_any_content_type_is_read_as_json() {
    let request = Request::post("/graphql").header(CONTENT_TYPE, "text/plain");
    let request = extract(request.body(Body::from(r#"{"query": "{ one }"}"#)).unwrap()).await;
    assert_eq!(request.query, "{ one }", "{CHANGED}");
}

#[test]
fn a_request_error_is_answered_with_200_and_one_media_type() {
    let refused = Response::from_errors(vec![ServerError::new("no such field", None)]);
    let answer = GraphQLResponse::from(refused).into_response();
    assert_eq!(answer.status(), StatusCode::OK, "{CHANGED}");
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/graphql-response+json", "{CHANGED}");
}

/// Gives these messages of a client to the library. Returns its answers, up to the end of the messages.
async fn converse(messages: &[Value]) -> Vec<WsMessage> {
    let schema = Schema::new(Query, EmptyMutation, Events);
    let messages: Vec<_> =
        messages.iter().map(|message| ClientMessage::from_bytes(message.to_string())).collect();
    WebSocket::from_message_stream(schema, stream::iter(messages), WebSocketProtocols::GraphQLWS)
        .collect()
        .await
}

fn close_code(answers: &[WsMessage]) -> Option<u16> {
    match answers.last() {
        Some(WsMessage::Close(code, _)) => Some(*code),
        Some(WsMessage::Text(_)) | None => None,
    }
}

#[tokio::test]
async fn the_close_codes_of_a_socket_are_not_those_of_the_protocol() {
    let init = json!({"type": "connection_init"});
    let subscribe = json!({"type": "subscribe", "id": "1", "payload": {"query": "subscription { never }"}});
    let early = converse(std::slice::from_ref(&subscribe)).await;
    assert_eq!(close_code(&early), Some(1011), "4401 is the code of the protocol: {CHANGED}");
    let unknown = converse(&[init.clone(), json!({"type": "nonsense"})]).await;
    assert_eq!(close_code(&unknown), Some(1002), "4400 is the code of the protocol: {CHANGED}");
    let twice = converse(&[init, subscribe.clone(), subscribe]).await;
    assert_eq!(close_code(&twice), None, "4409 is the code of the protocol: {CHANGED}");
}

#[tokio::test]
async fn the_operations_of_a_socket_are_not_bounded() {
    let subscribe = |id: i32| json!({"type": "subscribe", "id": id.to_string(), "payload": {"query": "subscription { never }"}});
    let messages: Vec<_> =
        [json!({"type": "connection_init"})].into_iter().chain((0..10_000).map(subscribe)).collect();
    let answers = converse(&messages).await;
    assert!(matches!(&answers[..], [WsMessage::Text(_)]), "{} answers: {CHANGED}", answers.len());
}
