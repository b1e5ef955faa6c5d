//! Tests the behaviour of `axum::serve` that the listener replaces. A test that fails shows that the library has
//! changed: docs/decisions/axum-serve.md says what can then be removed.

use super::*;

#[tokio::test]
async fn a_stop_waits_for_a_client_that_does_not_finish_the_head_of_its_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/livez", get(|| async { "ok\n" }));
    let stop = CancellationToken::new();
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut served = tokio::spawn(async { served.await });
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    // The first connection has been accepted when a later one is answered.
    let mut whole = TcpStream::connect(address).await.unwrap();
    whole.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(whole).await.ends_with("ok\n"));
    stop.cancel();
    let ended = timeout(Duration::from_millis(500), &mut served).await;
    assert!(ended.is_err(), "the library does this now: see docs/decisions/axum-serve.md");
    drop(half);
    timeout(PATIENCE, served).await.expect("it ends when the client has gone").unwrap().unwrap();
}
