//! Tests of the listener with real connections: a server on a free port, and clients that write raw bytes.

mod library;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{HttpLimits, limits::RESERVED, serve};
use crate::body::read_body;

/// Longer than any test needs, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(10);
const MIB: usize = 1024 * 1024;
/// More bytes than the system buffers for a client that does not read.
const HUGE: usize = 24 * MIB;

struct Running {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Receives a value for each request that `/hang` has begun.
    begun: mpsc::UnboundedReceiver<()>,
    /// Lets these requests end.
    go: watch::Sender<bool>,
}

async fn echo(body: Body) -> Response {
    match read_body(body, 2 * MIB).await {
        Ok(bytes) => format!("{} bytes\n", bytes.len()).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn start(limits: HttpLimits) -> Running {
    let (begin, begun) = mpsc::unbounded_channel();
    let go = watch::Sender::new(false);
    let waits = go.clone();
    let hang = move || async move {
        begin.send(()).unwrap();
        waits.subscribe().wait_for(|go| *go).await.unwrap();
        "done\n"
    };
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/hang", get(hang))
        .route("/echo", post(echo))
        .route("/refuse", post(|| async { StatusCode::UNAUTHORIZED }))
        .route("/large", get(|| async { "x".repeat(MIB) }))
        .route("/huge", get(|| async { "x".repeat(HUGE) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let task = tokio::spawn(serve(listener, router, limits, stop.clone()));
    Running { address, stop, task, begun, go }
}

impl Running {
    /// Opens a connection and writes these bytes.
    async fn write(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    async fn get(&self, path: &str) -> TcpStream {
        self.write(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await
    }

    /// Opens a connection and writes the head of a POST with `promised` bytes of body, but only `sent` bytes of the
    /// body.
    async fn post(&self, path: &str, promised: usize, sent: usize) -> TcpStream {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {promised}\r\n\r\n");
        self.write(&[head.as_bytes(), &vec![b'x'; sent]].concat()).await
    }
}

/// Reads until the connection ends. It must be closed, not reset.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("it is closed").expect("it is not reset");
    String::from_utf8(bytes).unwrap()
}

/// Reads the status code of a response.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut line = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut line)).await.expect("a response").unwrap();
    std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
}

#[tokio::test]
async fn health_is_answered_while_all_other_slots_are_at_work() {
    let mut server = start(HttpLimits { connections: 3, ..HttpLimits::default() }).await;
    let mut at_work = Vec::new();
    for _ in 0..3 {
        at_work.push(server.get("/hang").await);
        timeout(PATIENCE, server.begun.recv()).await.unwrap().unwrap();
    }
    // Open more incomplete requests than there are reserved slots.
    let mut half_open = Vec::new();
    for _ in 0..2 * RESERVED {
        half_open.push(server.write(b"GET /li").await);
    }
    assert!(rest(server.get("/livez").await).await.ends_with("ok\n"));
    let refused = rest(server.post("/echo", 1, 1).await).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("\r\nretry-after: 5\r\n"), "{refused}");

    server.go.send(true).unwrap();
    for stream in at_work {
        assert!(rest(stream).await.ends_with("done\n"));
    }
    assert_eq!(status(&mut server.post("/echo", 1, 1).await).await, 200, "slots are free again");
}

#[tokio::test]
async fn a_response_arrives_although_the_body_is_not_read() {
    let server = start(HttpLimits::default()).await;
    for (promised, sent) in [(8 * MIB, 8 * MIB - 10), (8 * MIB, 0), (64 * MIB, 2 * MIB)] {
        let mut stream = server.post("/refuse", promised, 0).await;
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        assert!(rest(stream).await.starts_with("HTTP/1.1 401"));
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = start(HttpLimits::default()).await;
    let long = format!("GET /livez HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(200_000));
    assert!(rest(server.write(long.as_bytes()).await).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET /livez HTTP/1.1\r\n{}\r\n", "x-many: 1\r\n".repeat(200));
    assert!(rest(server.write(many.as_bytes()).await).await.starts_with("HTTP/1.1 431"));
    assert!(rest(server.write(b"nonsense\r\n\r\n").await).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn the_ways_in_which_a_body_may_fail_are_told_apart() {
    let limits = HttpLimits { body_timeout: Duration::from_millis(300), ..HttpLimits::default() };
    let server = start(limits).await;
    assert_eq!(status(&mut server.post("/echo", 3, 3).await).await, 200);
    assert_eq!(status(&mut server.post("/echo", 3 * MIB, 0).await).await, 413, "at once");
    assert_eq!(status(&mut server.post("/echo", 3, 2).await).await, 408);
    let mut broken_off = server.post("/echo", 3, 2).await;
    broken_off.shutdown().await.unwrap();
    assert_eq!(status(&mut broken_off).await, 400);
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut malformed = server.write(format!("{head}zz\r\n").as_bytes()).await;
    assert_eq!(status(&mut malformed).await, 400);
    let mut stream = server.write(head.as_bytes()).await;
    let endless = async {
        let chunk = format!("{:x}\r\n{}\r\n", 4096, "x".repeat(4096));
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    };
    timeout(PATIENCE, endless).await.expect("endless chunks are not taken for ever");
}

#[tokio::test]
async fn the_sum_of_bodies_is_bounded_and_small_ones_always_fit() {
    let limits = HttpLimits { body_memory: MIB, ..HttpLimits::default() };
    let server = start(limits).await;
    // Two bodies hold nearly all memory. Each attempt posts them again, for two reasons: a body that has stalled for a
    // second gives its memory to another one, and the first two may not have arrived yet.
    let attempt = async || {
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = server.post("/echo", 600_000, 0).await;
            stream.write_all(&vec![b'x'; 530_000]).await.unwrap();
            held.push(stream);
        }
        (rest(server.write(&post_and_close(530_000)).await).await, held)
    };
    let (refused, held) = timeout(PATIENCE, async {
        loop {
            let (response, held) = attempt().await;
            if !response.starts_with("HTTP/1.1 200") {
                break (response, held);
            }
        }
    })
    .await
    .expect("the third body is refused");
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("\r\nretry-after: 5\r\n"), "{refused}");
    assert!(rest(server.write(&post_and_close(16 * 1024)).await).await.starts_with("HTTP/1.1 200"));
    drop(held);
    timeout(PATIENCE, async {
        while !rest(server.write(&post_and_close(530_000)).await).await.starts_with("HTTP/1.1 200") {}
    })
    .await
    .expect("what was held is given back");
}

#[tokio::test]
async fn a_body_that_stalls_gives_its_memory_to_another_one() {
    let server = start(HttpLimits { body_memory: MIB, ..HttpLimits::default() }).await;
    let whole = async || {
        let mut stalled = server.post("/echo", MIB, 0).await;
        stalled.write_all(&vec![b'x'; MIB - 10]).await.unwrap();
        while !rest(server.write(&post_and_close(MIB)).await).await.starts_with("HTTP/1.1 200") {}
        let mut response = Vec::new();
        // The connection may be reset or closed.
        stalled.read_to_end(&mut response).await.ok();
        response
    };
    // A response means that the other body came first.
    timeout(PATIENCE, async { while !whole().await.is_empty() {} })
        .await
        .expect("a body is taken as soon as the one before it has stalled");
}

fn post_and_close(bytes: usize) -> Vec<u8> {
    let head =
        format!("POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {bytes}\r\n\r\n");
    [head.as_bytes(), &vec![b'x'; bytes]].concat()
}

#[tokio::test]
async fn the_sum_of_large_responses_is_bounded() {
    let server = start(HttpLimits { response_memory: MIB / 2, ..HttpLimits::default() }).await;
    let refused = rest(server.get("/large").await).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused:.100}");
    assert!(rest(server.get("/livez").await).await.ends_with("ok\n"));
    let server = start(HttpLimits { response_memory: MIB, ..HttpLimits::default() }).await;
    for _ in 0..3 {
        assert!(rest(server.get("/large").await).await.len() > MIB, "each gives back what it held");
    }
}

#[tokio::test]
async fn a_response_that_is_not_read_gives_its_memory_to_another_one() {
    let server = start(HttpLimits { response_memory: HUGE, ..HttpLimits::default() }).await;
    let mut unread = server.get("/huge").await;
    assert_eq!(status(&mut unread).await, 200);
    let refused = rest(server.get("/huge").await).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "the first one began less than a second ago");
    assert!(refused.contains("\r\nconnection: close\r\n"), "{refused}");
    timeout(PATIENCE, async { while !rest(server.get("/huge").await).await.starts_with("HTTP/1.1 200") {} })
        .await
        .expect("a response is sent as soon as the client of the one before it is known not to read");
    let mut response = Vec::new();
    // The connection may be reset or closed.
    unread.read_to_end(&mut response).await.ok();
    assert!(response.len() < HUGE);
}

#[tokio::test]
async fn a_stop_waits_for_responses_and_for_nothing_else() {
    let mut server = start(HttpLimits::default()).await;
    let answered = server.get("/hang").await;
    timeout(PATIENCE, server.begun.recv()).await.unwrap().unwrap();
    let mut idle = server.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(status(&mut idle).await, 200);
    let mut half_body = server
        .write(b"POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n")
        .await;
    assert_eq!(status(&mut half_body).await, 100);
    let half = [server.write(b"").await, server.write(b"GET /li").await];
    // Both connections have been accepted when a later one is answered.
    assert!(rest(server.get("/livez").await).await.ends_with("ok\n"));
    server.stop.cancel();
    for mut stream in half.into_iter().chain([idle, half_body]) {
        let mut bytes = Vec::new();
        // A reset is fine too, because there is no response that it could destroy.
        timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("it is closed at once").ok();
    }
    assert!(!server.task.is_finished(), "a request is being answered");
    server.go.send(true).unwrap();
    assert!(rest(answered).await.ends_with("done\n"));
    timeout(PATIENCE, server.task).await.expect("it ends").unwrap();
}
