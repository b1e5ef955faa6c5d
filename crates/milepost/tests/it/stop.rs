//! Tests the stop of a server:
//!
//! 1. SIGTERM during requests: the requests are answered, sockets are closed with a code, and the exit code is 0.
//! 2. Repeated SIGTERM: the process ends before the requests are answered, and the exit code is 1.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tempfile::TempDir;
use tests::{
    database::Database,
    http::{self, mutation, tea},
    socket::Socket,
    wait::{until, within},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{interval, timeout},
};

use crate::installation::{CUSTOMER, SEQUENCE, on_postgres, program, support};

/// Fewer requests than the server has database connections.
const IN_FLIGHT: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_answers_what_it_has_begun() {
    let Some(database) = Database::postgres().await else { return };
    let folder = TempDir::new().unwrap();
    let program = on_postgres(folder.path(), &database.url);
    let mut server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let followed = support.place(CUSTOMER, 1).await;
    let mut socket = Socket::open(&support).await;
    socket.follow(&followed, None);
    assert_eq!(socket.update().await["order"]["version"], 1);

    // From now on a request to place an order waits in the middle of its transaction.
    let held = database.hold("LOCK TABLE orders IN EXCLUSIVE MODE").await;
    let requests: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let support = support.clone();
            tokio::spawn(async move { support.mutate("placeOrder", tea(CUSTOMER, 1)).await })
        })
        .collect();
    database.wait_for_waiting(IN_FLIGHT as i64).await;
    server.terminate().await;
    assert_eq!(socket.close_code().await, 1001);
    let url = format!("{}/livez", server.url());
    until("no new connections", async || {
        http::client().get(&url).send().await.is_err_and(|error| error.is_connect()).then_some(())
    })
    .await;
    held.release().await;

    let mut placed = vec![followed];
    for answer in within("the answers", join_all(requests)).await {
        let answer = answer.unwrap();
        assert_eq!(answer["__typename"], "PlaceOrderSuccess", "{answer}");
        placed.push(answer["order"]["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(server.ended().await.code(), Some(0));

    let server = program.serve(&[]).await;
    let support = support.at(&server);
    for order in &placed {
        assert_eq!(support.order(order, "status").await["status"], "PLACED");
        support.move_order(order, &SEQUENCE[..1]).await;
    }
    let all = support.data("{ orders { totalCount } }", json!({})).await;
    assert_eq!(all["orders"]["totalCount"], placed.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_again_and_again_ends_before_it_has_answered() {
    let Some(database) = Database::postgres().await else { return };
    let folder = TempDir::new().unwrap();
    let program = on_postgres(folder.path(), &database.url);
    let mut server = program.serve(&[]).await;
    let support = support(&program, &server).await;
    let held = database.hold("LOCK TABLE orders IN EXCLUSIVE MODE").await;
    let unanswered = tokio::spawn(async move {
        support.send(&mutation("placeOrder"), json!({"input": tea(CUSTOMER, 1)})).await
    });
    database.wait_for_waiting(1).await;
    let mut impatient = interval(Duration::from_millis(300));
    let status = loop {
        tokio::select! {
            status = server.ended() => break status,
            _ = impatient.tick() => server.terminate().await,
        }
    };
    assert_eq!(status.code(), Some(1));
    server.logs("ended before everything was finished").await;
    assert!(within("the end of the connection", unanswered).await.unwrap().is_err());
    held.release().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_does_not_wait_for_half_a_request() {
    const HALVES: [&[u8]; 4] = [
        b"",
        b"POST /graph",
        b"GET /livez HTTP/1.1\r\nhost: x\r\n",
        b"POST /webhooks/fedex HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nfdx-signature: \
          AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\nexpect: 100-continue\r\n\r\n",
    ];
    let folder = TempDir::new().unwrap();
    let server = program(folder.path()).serve(&[]).await;
    let mut half_open = Vec::new();
    for half in HALVES {
        let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap();
        stream.write_all(half).await.unwrap();
        half_open.push(stream);
    }
    let mut go_on = [0; 12];
    within("the server to read the body", half_open[3].read_exact(&mut go_on)).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100");
    // Shorter than every timeout, and shorter than the time that running work may take to finish.
    let stopped = timeout(Duration::from_secs(8), server.stop());
    stopped.await.expect("it stops at once");
}
