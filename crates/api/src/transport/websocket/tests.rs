//! Tests of GraphQL over WebSocket, with a real server on a free port and a real client.

use std::time::Duration;

use chrono::TimeDelta;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use super::SocketLimits;
use crate::{
    graphql::limits::Limits,
    listener::{HttpLimits, serve},
    transport::{MAX_BODY_BYTES, testing, testing::World},
};

/// Longer than any test needs, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(10);

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// Serves the world's routes and connects to them, with these headers in the upgrade request.
async fn connect(world: &World, path: &str, headers: &[(&'static str, &str)]) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut request = format!("ws://{}{path}", listener.local_addr().unwrap()).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let served = serve(listener, world.app.clone(), HttpLimits::default(), world.stop.clone());
    tokio::spawn(served);
    Client(connect_async(request).await.unwrap().0)
}

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

async fn opened(world: &World) -> Client {
    connect(world, "/graphql", &[PROTOCOL]).await
}

async fn ready(world: &World) -> Client {
    let mut client = opened(world).await;
    client.send(json!({"type": "connection_init", "payload": {"authorization": world.bearer()}})).await;
    assert_eq!(client.next().await, json!({"type": "connection_ack"}));
    client
}

impl Client {
    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await;
    }

    async fn frame(&mut self) -> Message {
        timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap()
    }

    async fn next(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The code and reason of the next close frame. Other messages before it are ignored.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.frame().await {
                let frame = frame.unwrap();
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

#[tokio::test]
async fn a_subscription_runs_to_its_end() {
    let mut client = ready(&World::new()).await;
    client.subscribe("a", "subscription { count(to: 3) }").await;
    for n in 1..=3 {
        assert_eq!(
            client.next().await,
            json!({"type": "next", "id": "a", "payload": {"data": {"count": n}}})
        );
    }
    assert_eq!(client.next().await, json!({"type": "complete", "id": "a"}));
    client.subscribe("a", "subscription { count(to: 1) }").await;
    assert_eq!(client.next().await["payload"]["data"]["count"], 1);
}

#[tokio::test]
async fn queries_and_mutations_run_too_with_an_id_of_their_own() {
    let world = World::new();
    let headers = [PROTOCOL, ("x-request-id", "up"), ("authorization", &world.bearer())];
    let mut client = connect(&world, "/graphql/ws", &headers).await;
    client.send(json!({"type": "connection_init"})).await;
    assert_eq!(client.next().await["type"], "connection_ack", "the header's token counts");
    for n in 1..=2 {
        client.subscribe("q", "{ context }").await;
        let expected = format!("to support up.{n}");
        assert_eq!(client.next().await["payload"], json!({"data": {"context": expected}}));
        assert_eq!(client.next().await, json!({"type": "complete", "id": "q"}));
    }
    client.subscribe("m", "mutation { rename(name: \"x\") }").await;
    assert_eq!(client.next().await["payload"], json!({"data": {"rename": "x"}}));
}

#[tokio::test]
async fn a_request_error_is_one_error_and_a_failing_resolver_is_masked() {
    let mut client = ready(&World::new()).await;
    client.subscribe("1", "subscription { nothing }").await;
    let error = client.next().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("1")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");

    for query in [
        "subscription($n: Int!) { count(to: $n) }",
        "subscription { count(to: 1) b: count(to: 1) }",
        "subscription { ...F } fragment F on Subscriptions { count(to: 1) b: count(to: 1) }",
        "subscription { count(to: 1) @skip(if: true) }",
    ] {
        client.subscribe("1", query).await;
        let error = client.next().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("1")), "{query}");
        assert_eq!(error["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{query}");
    }

    for (query, results) in [("failsToStart", 1), ("failsMidway", 2)] {
        client.subscribe("2", &format!("subscription {{ {query} }}")).await;
        for _ in 1..results {
            assert_eq!(client.next().await["payload"]["data"][query], 1);
        }
        let failed = client.next().await;
        assert_eq!(failed["type"], "next");
        assert_eq!(failed["payload"]["errors"][0]["extensions"]["code"], "INTERNAL");
        assert!(!failed.to_string().contains("hunter2"));
        assert_eq!(client.next().await, json!({"type": "complete", "id": "2"}));
    }

    client.subscribe("3", "subscription { panics }").await;
    let error = client.next().await;
    assert_eq!(
        (&error["type"], &error["payload"][0]["message"]),
        (&json!("error"), &json!("internal error"))
    );
}

#[tokio::test]
async fn complete_ends_an_operation_without_an_answer() {
    let mut client = ready(&World::new()).await;
    client.subscribe("a", "subscription { silence }").await;
    client.send(json!({"type": "complete", "id": "a"})).await;
    client.subscribe("a", "subscription { count(to: 1) }").await;
    assert_eq!(client.next().await["payload"]["data"]["count"], 1, "the id is free again at once");
    assert_eq!(client.next().await, json!({"type": "complete", "id": "a"}));
}

#[tokio::test]
async fn a_busy_operation_does_not_starve_the_others() {
    let mut client = ready(&World::new()).await;
    client.subscribe("busy", "subscription { count(to: 1000000) }").await;
    client.subscribe("quiet", "subscription { count(to: 1) }").await;
    for _ in 0..2000 {
        if client.next().await["id"] == "quiet" {
            return;
        }
    }
    panic!("2000 messages and none of the quiet operation");
}

#[tokio::test]
async fn ping_is_answered_and_sent() {
    let limits = SocketLimits {
        ping_every: Duration::from_millis(50),
        check_every: Duration::from_millis(5),
        ..SocketLimits::default()
    };
    let mut client = ready(&World::with(limits)).await;
    client.send(json!({"type": "ping", "payload": {"n": 1}})).await;
    assert_eq!(client.next().await, json!({"type": "pong", "payload": {"n": 1}}));
    assert_eq!(client.next().await, json!({"type": "ping"}));
    assert_eq!(client.closed().await, (4499, "No sign of life".to_owned()));
}

#[tokio::test]
async fn another_subprotocol_closes_with_4406() {
    let mut client = connect(&World::new(), "/graphql", &[]).await;
    assert_eq!(client.closed().await, (4406, "Subprotocol not acceptable".to_owned()));
}

#[tokio::test]
async fn no_init_in_time_closes_with_4408() {
    let limits = SocketLimits { init_within: Duration::from_millis(20), ..SocketLimits::default() };
    let mut client = opened(&World::with(limits)).await;
    assert_eq!(client.closed().await, (4408, "Connection initialisation timeout".to_owned()));
}

#[tokio::test]
async fn subscribing_before_the_acknowledgement_closes_with_4401() {
    let mut client = opened(&World::new()).await;
    client.subscribe("1", "{ context }").await;
    assert_eq!(client.closed().await, (4401, "Unauthorized".to_owned()));
}

#[tokio::test]
async fn no_token_or_a_bad_one_closes_with_4403() {
    for payload in [Value::Null, json!({}), json!({"authorization": "Bearer x"}), json!({"authorization": 7})]
    {
        let mut client = opened(&World::new()).await;
        client.send(json!({"type": "connection_init", "payload": payload})).await;
        let (code, reason) = client.closed().await;
        assert_eq!(code, 4403);
        assert!(reason.starts_with("Forbidden: "), "{reason}");
    }
}

#[tokio::test]
async fn each_defect_of_a_token_closes_with_4403() {
    for (defect, token, reason) in testing::defective_tokens() {
        let mut client = opened(&World::new()).await;
        let payload = json!({"authorization": format!("Bearer {token}")});
        client.send(json!({"type": "connection_init", "payload": payload})).await;
        let (code, told) = client.closed().await;
        assert_eq!(code, 4403, "{defect}");
        assert!(told.starts_with("Forbidden: ") && told.contains(reason), "{defect}: {told}");
    }
}

#[tokio::test]
async fn an_expired_token_closes_with_4403_while_an_operation_runs() {
    let limits = SocketLimits { check_every: Duration::from_millis(5), ..SocketLimits::default() };
    let world = World::with(limits);
    let mut client = ready(&world).await;
    client.subscribe("1", "subscription { silence }").await;
    world.clock.advance(TimeDelta::seconds(60));
    let (code, reason) = client.closed().await;
    assert_eq!(code, 4403);
    assert!(reason.starts_with("Forbidden: the token expired at"), "{reason}");
}

#[tokio::test]
async fn an_id_in_use_closes_with_4409() {
    let mut client = ready(&World::new()).await;
    client.subscribe("a", "subscription { silence }").await;
    client.subscribe("a", "subscription { silence }").await;
    assert_eq!(client.closed().await, (4409, "Subscriber for a already exists".to_owned()));
}

#[tokio::test]
async fn a_second_init_closes_with_4429() {
    let mut client = ready(&World::new()).await;
    client.send(json!({"type": "connection_init"})).await;
    assert_eq!(client.closed().await, (4429, "Too many initialisation requests".to_owned()));
}

#[tokio::test]
async fn what_is_no_message_closes_with_4400() {
    let mut client = ready(&World::new()).await;
    client.send(json!({"type": "x".repeat(1000)})).await;
    let (code, reason) = client.closed().await;
    assert_eq!(code, 4400);
    assert!(reason.starts_with("Invalid message: ") && reason.len() <= 123);

    let mut client = ready(&World::new()).await;
    client.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.closed().await.0, 4400);
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009() {
    let mut client = ready(&World::new()).await;
    client.send(json!({"type": "ping", "payload": {"text": "x".repeat(MAX_BODY_BYTES)}})).await;
    assert_eq!(client.closed().await, (1009, "The message is too large".to_owned()));
}

#[tokio::test]
async fn more_operations_than_allowed_are_refused_one_by_one() {
    let world = World::with(SocketLimits { operations: 1, ..SocketLimits::default() });
    let mut client = ready(&world).await;
    client.subscribe("a", "subscription { silence }").await;
    client.subscribe("b", "{ context }").await;
    let refused = client.next().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("b")));
    client.send(json!({"type": "complete", "id": "a"})).await;
    client.subscribe("b", "{ context }").await;
    assert_eq!(client.next().await["type"], "next");
}

#[tokio::test]
async fn a_stopping_server_says_so_to_every_socket() {
    let world = World::new();
    let (mut busy, mut idle) = (ready(&world).await, opened(&world).await);
    busy.subscribe("1", "subscription { silence }").await;
    world.stop.cancel();
    for client in [&mut busy, &mut idle] {
        assert_eq!(client.closed().await, (1001, "The server is stopping".to_owned()));
    }
    world.sockets.close();
    drop((busy, idle));
    timeout(PATIENCE, world.sockets.wait()).await.unwrap();
}

/// A subscription whose results the client does not read.
const UNREAD: &str = "subscription { text(bytes: 500000) }";

fn impatient() -> SocketLimits {
    SocketLimits { send_within: Duration::from_millis(300), ..SocketLimits::default() }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let world = World::with(impatient());
    let mut client = ready(&world).await;
    client.subscribe("1", UNREAD).await;
    world.sockets.close();
    timeout(PATIENCE, world.sockets.wait()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_pings_and_does_not_read_is_dropped() {
    let world = World::with(impatient());
    let mut client = ready(&world).await;
    world.sockets.close();
    let pings = async { while client.0.send(Message::Ping(vec![1; 125].into())).await.is_ok() {} };
    let dropped = async {
        tokio::select! {
            () = world.sockets.wait() => {}
            () = async { pings.await; world.sockets.wait().await } => {}
        }
    };
    timeout(PATIENCE, dropped).await.expect("the pongs are not queued without a bound");
}

#[tokio::test]
async fn a_client_that_reads_too_late_gets_4498() {
    let limits = SocketLimits {
        send_within: Duration::from_millis(100),
        close_within: PATIENCE,
        ..SocketLimits::default()
    };
    let world = World::with(limits);
    let mut client = ready(&world).await;
    client.subscribe("1", UNREAD).await;
    // The client reads too slowly for a message to be sent in time, but fast enough for the close frame.
    let mut reads = tokio::time::interval(Duration::from_millis(150));
    let (code, reason) = loop {
        reads.tick().await;
        if let Message::Close(frame) = client.frame().await {
            let frame = frame.unwrap();
            break (u16::from(frame.code), frame.reason.to_string());
        }
    };
    assert_eq!((code, reason.as_str()), (4498, "The client reads too slowly"));
}

#[tokio::test]
async fn a_message_that_never_ends_closes_with_4497() {
    let limits = SocketLimits {
        receive_within: Duration::from_millis(300),
        check_every: Duration::from_millis(10),
        ..SocketLimits::default()
    };
    let mut client = ready(&World::with(limits)).await;
    let beginning = Frame::message(vec![b' '; 1000], OpCode::Data(Data::Text), false);
    client.0.send(Message::Frame(beginning)).await.unwrap();
    // A ping in the middle of the message does not extend the timeout.
    client.0.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(client.closed().await, (4497, "A message did not come in time".to_owned()));
}

#[tokio::test]
async fn a_violation_of_the_protocol_closes_with_1002_or_1007() {
    for (opcode, payload, code) in
        [(OpCode::Data(Data::Continue), &b"x"[..], 1002), (OpCode::Data(Data::Text), b"\xff\xfe", 1007)]
    {
        let mut client = ready(&World::new()).await;
        client.0.send(Message::Frame(Frame::message(payload, opcode, true))).await.unwrap();
        assert_eq!(client.closed().await.0, code, "{opcode:?}");
    }
}

#[tokio::test]
async fn a_close_frame_of_the_client_is_echoed() {
    for code in [1000, 1001, 3000, 4999] {
        let world = World::new();
        let mut client = ready(&world).await;
        client.subscribe("1", "subscription { silence }").await;
        let frame = CloseFrame { code: CloseCode::from(code), reason: "enough".into() };
        client.0.send(Message::Close(Some(frame))).await.unwrap();
        assert_eq!(client.closed().await, (code, "enough".to_owned()));
        assert!(timeout(PATIENCE, client.0.next()).await.unwrap().is_none(), "and the connection is closed");
        world.sockets.close();
        timeout(PATIENCE, world.sockets.wait()).await.unwrap();
    }
    let mut client = opened(&World::new()).await;
    client.0.send(Message::Close(None)).await.unwrap();
    assert!(matches!(client.frame().await, Message::Close(None)));
}

#[tokio::test]
async fn one_socket_too_many_closes_with_1013() {
    let world = World::with(SocketLimits { sockets: 1, ..SocketLimits::default() });
    let first = ready(&world).await;
    let (code, reason) = opened(&world).await.closed().await;
    assert_eq!((code, reason.as_str()), (1013, "Too many sockets or messages, try again later"));
    drop(first);
    timeout(PATIENCE, async {
        while !world.sockets.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    ready(&world).await;
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009_before_it_is_there() {
    for bytes in [MAX_BODY_BYTES + 1, 3 * MAX_BODY_BYTES, 64 * MAX_BODY_BYTES] {
        let mut client = opened(&World::new()).await;
        // This fails when the server closes before it has read the whole message.
        client.0.send(Message::text("x".repeat(bytes))).await.ok();
        assert_eq!(client.closed().await, (1009, "The message is too large".to_owned()), "{bytes}");
    }
}

#[tokio::test]
async fn bounds_hold_for_queries_on_a_socket() {
    let limits = Limits { timeout: Duration::from_millis(50), ..Limits::default() };
    let mut client = ready(&World::within(SocketLimits::default(), limits)).await;
    let unknown: String = (0..4000).map(|n| format!("unknown{n} ")).collect();
    for (query, code, count) in [
        (format!("{{ {unknown} }}"), "GRAPHQL_VALIDATION_FAILED", 50),
        (format!("{{ context {} }}", "@a ".repeat(20_000)), "QUERY_TOO_LARGE", 1),
        ("{ context never }".to_owned(), "QUERY_TIMEOUT", 1),
        ("{ __type(name: \"A\") { fields { type { fields { type { fields { type { fields { name } } } } } } } } }".to_owned(),
            "QUERY_TOO_LARGE", 1),
    ] {
        client.subscribe("q", &query).await;
        let answer = client.next().await;
        assert_eq!(answer["type"], "error", "{answer}");
        assert_eq!(answer["payload"].as_array().unwrap().len(), count);
        assert_eq!(answer["payload"][0]["extensions"]["code"], code);
    }
    // The timeout of a query does not apply to a subscription.
    client.subscribe("s", "subscription { silence }").await;
    client.subscribe("m", "mutation { rename(name: \"x\") }").await;
    assert_eq!(client.next().await["payload"], json!({"data": {"rename": "x"}}));
}

#[tokio::test]
async fn a_mutation_on_a_socket_is_carried_out_though_the_socket_is_gone() {
    let world = World::new();
    let mut client = ready(&world).await;
    client.subscribe("m", "mutation { slow }").await;
    timeout(PATIENCE, world.gate.begun.notified()).await.unwrap();
    drop(client);
    world.gate.release.notify_one();
    timeout(PATIENCE, world.gate.finished.notified()).await.expect("the mutation came to its end");
}

#[tokio::test]
async fn a_message_with_too_many_values_closes_with_1009() {
    let mut client = ready(&World::new()).await;
    let values = vec![0; 100_000];
    let payload = json!({"query": "{ context }", "variables": {"values": values}});
    client.send(json!({"type": "subscribe", "id": "1", "payload": payload})).await;
    assert_eq!(client.closed().await.0, 1009);
}
