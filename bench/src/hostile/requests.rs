//! Attacks with invalid HTTP requests, with mutations by GET, and with very many requests or connections.

use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use serde_json::json;

use super::{
    attack::{Attack, Finding},
    client::{ATTACKER, exchange, graphql, request},
    target::Target,
    wire::{Wire, send_and_read},
};
use crate::http::{find, read_head};

const PATIENCE: Duration = Duration::from_secs(30);
/// The longest time until a connection with a refused request is closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("requests: mutations by GET", mutations_by_get),
        Attack::new("requests: heads that are too large or malformed", heads),
        Attack::new("requests: 10,000 in a row", pipelined),
        Attack::new("requests: 5,000 connections after each other", churn),
    ]
}

/// Mutations by GET, and by a POST with another content type than JSON. Another site can make a browser send both.
async fn mutations_by_get(target: Target) -> Result<Vec<Finding>> {
    let documents = [
        "mutation{cancelOrder(input:{orderId:\"x\",reason:\"y\"}){__typename}}",
        "query q{__typename} mutation m{retryWebhook(id:\"x\"){__typename}}",
        "mutation m{retryWebhook(id:\"x\"){__typename}} query q{__typename}",
        "#comment\nmutation{retryWebhook(id:\"x\"){__typename}}",
    ];
    let mut line = Finding::new("mutations by GET", "405");
    for document in documents {
        let query: String = document.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let headers = [("authorization", target.tokens.system.as_str()), ("accept", "application/json")];
        for name in ["", "&operationName=m"] {
            if name.is_empty() == document.contains(" m{") {
                continue;
            }
            let path = format!("/graphql?query={query}{name}");
            let reply = exchange(target.port, ATTACKER, request("GET", &path, &headers, "")?, PATIENCE).await;
            line.add_reply(&reply);
            line.expect(reply.status() == Some(405), "a mutation by GET was not refused");
        }
    }
    let headers = [
        ("authorization", target.tokens.system.as_str()),
        ("content-type", "text/plain"),
        ("accept", "application/json"),
    ];
    let body = json!({"query": documents[0]}).to_string();
    let mut form = Finding::new("mutations as a form of another site", "415");
    let reply = exchange(target.port, ATTACKER, request("POST", "/graphql", &headers, body)?, PATIENCE).await;
    form.add_reply(&reply);
    form.expect(reply.status() == Some(415), "it was not refused");
    Ok(vec![line, form])
}

async fn heads(target: Target) -> Result<Vec<Finding>> {
    let host = "host: 127.0.0.1\r\n";
    let many: String = (0..10_000).map(|n| format!("x-{n}: 1\r\n")).collect();
    let folded: String = (0..5_000).map(|_| " folded\r\n").collect();
    let long = "x".repeat(1_000_000);
    let post = |headers: &str, body: &str| {
        format!("POST /graphql HTTP/1.1\r\n{host}{headers}\r\n{body}").into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a header of 1 MB", format!("GET /livez HTTP/1.1\r\n{host}x: {long}\r\n\r\n").into()),
        ("a header that never ends", format!("GET /livez HTTP/1.1\r\n{host}x: {long}").into()),
        ("a header name of 1 MB", format!("GET /livez HTTP/1.1\r\n{host}{long}: 1\r\n\r\n").into()),
        ("10,000 headers", format!("GET /livez HTTP/1.1\r\n{host}{many}\r\n").into()),
        (
            "a folded header of 5,000 lines",
            format!("GET /livez HTTP/1.1\r\n{host}x: a\r\n{folded}\r\n").into(),
        ),
        ("an address of 1 MB", format!("GET /{long} HTTP/1.1\r\n{host}\r\n").into()),
        (
            "an address of 60 KB",
            format!("GET /track/{} HTTP/1.1\r\n{host}connection: close\r\n\r\n", &long[..60_000]).into(),
        ),
        ("a query string of 1 MB", format!("GET /graphql?query={long} HTTP/1.1\r\n{host}\r\n").into()),
        ("a method of 1 MB", format!("{long} / HTTP/1.1\r\n{host}\r\n").into()),
        (
            "a method that does not exist",
            format!("BREW /graphql HTTP/1.1\r\n{host}connection: close\r\n\r\n").into(),
        ),
        ("HTTP/0.9", b"GET /livez\r\n\r\n".to_vec()),
        ("HTTP/2 without an agreement", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
        ("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".repeat(50)),
        ("zeros", vec![0; 100_000]),
        ("empty lines", b"\r\n".repeat(200_000)),
        ("line feeds alone", b"GET /livez HTTP/1.1\nhost: a\nconnection: close\n\n".to_vec()),
        ("two lengths", post("content-length: 5\r\ncontent-length: 50\r\n", "{}")),
        (
            "a length and chunks",
            post(
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
                "0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n",
            ),
        ),
        ("a length of 2^64", post("content-length: 18446744073709551616\r\n", "{}")),
        ("a negative length", post("content-length: -1\r\n", "{}")),
        ("chunks of 2^64 bytes", post("transfer-encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\n{}")),
        ("a chunk extension of 1 MB", post("transfer-encoding: chunked\r\n", &format!("1;{long}\r\n"))),
        ("an unknown transfer encoding", post("transfer-encoding: gzip\r\n", "{}")),
    ];
    let (port, mut lines) = (target.port, Vec::new());
    let heard = join_all(cases.iter().enumerate().map(|(n, (_, bytes))| {
        let from = [127, 0, 40, u8::try_from(n + 1).unwrap_or(1)].into();
        send_and_read(port, from, bytes, PATIENCE)
    }))
    .await;
    for ((name, _), heard) in cases.iter().zip(heard) {
        let mut line = Finding::new(*name, "size of a head; 400, 414, 431");
        line.add(heard.to_string(), heard.after);
        line.expect(heard.closed && heard.after < CLOSED_WITHIN, "it was not closed");
        line.expect(
            heard.status.is_none_or(|status| status < 500 || status == 505),
            "a failure of the server",
        );
        lines.push(line);
    }
    Ok(lines)
}

/// Pipelining: many requests on one connection, sent without waiting for the responses. All responses are read and
/// counted: each request must get one.
async fn pipelined(target: Target) -> Result<Vec<Finding>> {
    let livez = "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    let body = json!({"query": "{orders(first:1){nodes{id}}}"}).to_string();
    let query = format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        target.tokens.customer,
        body.len()
    );
    let attempts = [
        ("10,000 requests in a row, read", livez, 10_000),
        ("1,000 queries in a row, read", query.as_str(), 1_000),
    ];
    let mut lines = Vec::new();
    for (name, request, sent) in attempts {
        let mut line = Finding::new(name, "one request after the other");
        let wire = Wire::open(target.port, ATTACKER).await?;
        wire.stream.set_nodelay(true)?;
        let (mut reader, mut writer) = wire.stream.into_split();
        let bytes = request.repeat(sent);
        let start = std::time::Instant::now();
        let write = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            // These fail if the server closes first. Then responses are missing.
            writer.write_all(bytes.as_bytes()).await.ok();
            // Close only the sending side. The responses must still come.
            writer.shutdown().await.ok();
        });
        let mut responses = ResponseCounter::default();
        let read = async {
            use tokio::io::AsyncReadExt;
            let mut buffer = vec![0; 64 * 1024];
            // A connection that the server resets has ended too.
            while let Ok(count) = reader.read(&mut buffer).await
                && count > 0
            {
                responses.take(&buffer[..count])?;
            }
            Ok(())
        };
        let ended: Result<Result<()>, _> = tokio::time::timeout(PATIENCE, read).await;
        write.abort();
        line.add(format!("{} responses", responses.complete), start.elapsed());
        line.expect(ended.is_ok(), "the connection did not end in time");
        line.expect(!matches!(ended, Ok(Err(_))), "a response could not be read");
        line.expect(
            responses.complete == sent,
            format!("{} responses instead of {sent}", responses.complete),
        );
        lines.push(line);
    }
    Ok(lines)
}

/// Counts the complete responses among the bytes that a server sends.
#[derive(Default)]
struct ResponseCounter {
    complete: usize,
    /// The beginning of the next response.
    rest: Vec<u8>,
}

impl ResponseCounter {
    /// Takes the next bytes from the server. Fails if they are no responses with a `content-length`.
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.rest.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(head) = find(&self.rest[from..], b"\r\n\r\n") {
            let (_, length) = read_head(&self.rest[from..from + head])?;
            let end = from + head + 4 + length;
            if end > self.rest.len() {
                break;
            }
            self.complete += 1;
            from = end;
        }
        self.rest.drain(..from);
        Ok(())
    }
}

/// Connections that one client opens and closes as fast as it can.
async fn churn(target: Target) -> Result<Vec<Finding>> {
    let mut line = Finding::new("5,000 connections, opened and closed", "places are given back");
    let start = std::time::Instant::now();
    let mut refused = 0;
    for n in 0..5_000_u32 {
        let [_, _, high, low] = n.to_be_bytes();
        let from = [127, 0, 41, if high > 9 { 1 } else { low.max(1) }].into();
        match Wire::open(target.port, from).await {
            Ok(mut wire) if n % 2 == 0 => {
                wire.send(b"GET /livez HT").await;
            }
            Ok(_) => {}
            Err(_) => refused += 1,
        }
    }
    line.add(format!("{refused} refused"), start.elapsed());
    let served = exchange(
        target.port,
        [127, 0, 41, 1].into(),
        graphql(&target.tokens.customer, "{__typename}", &json!({}))?,
        PATIENCE,
    )
    .await;
    line.expect(served.status() == Some(200), format!("afterwards: {served}"));
    Ok(vec![line])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_counted_however_their_bytes_arrive() {
        let one = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\r\n\r\n";
        let empty = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        let bytes = [&one[..], empty, one].concat();
        for size in [1, 7, bytes.len()] {
            let mut counter = ResponseCounter::default();
            bytes.chunks(size).for_each(|part| counter.take(part).unwrap());
            assert_eq!((counter.complete, counter.rest.len()), (3, 0));
        }
        let mut counter = ResponseCounter::default();
        counter.take(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(counter.complete, 2, "the last one is not complete");
        assert!(counter.take(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
