//! Attacks with large bodies that are announced and never completed: without credentials, with wrong ones, and with
//! right ones.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use carriers::{Secrets, Sender};
use futures::future::join_all;
use tokio::time::sleep;

use super::{
    attack::{Attack, Finding},
    seed::now,
    target::{Target, UPS_SECRET},
    wire::{ConnectionEnd, Wire},
};

/// The number of connections at once.
const CONNECTIONS: usize = 150;
/// The longest time until the server closes a connection whose body is not completed.
const PATIENCE: Duration = Duration::from_secs(45);
/// The longest time until a refusal for which the server needs no body.
const AT_ONCE: Duration = Duration::from_secs(5);

const HEAD_FIRST: &str = "proof in the head, before the body";
const SUM: &str = "sum of bodies, time for a body";

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("bodies: UPS, without a right credential", |target| async move {
            let wrong = [("credential".to_owned(), "guessed".to_owned())];
            let without = "150 × 8 MiB less ten bytes to UPS, without a credential";
            let guessed = "150 × 8 MiB less ten bytes to UPS, with a wrong credential";
            let without = Body::to_sender(Sender::Ups, &[], CONNECTIONS).stop(&target, without, true).await;
            let guessed =
                Body::to_sender(Sender::Ups, &wrong, CONNECTIONS).stop(&target, guessed, true).await;
            Ok(vec![without, guessed])
        }),
        Attack::new("bodies: UPS, with the right credential", |target| async move {
            let name = "150 × 8 MiB less ten bytes to UPS, with the right credential";
            let right = signed(Sender::Ups, UPS_SECRET)?;
            Ok(vec![Body::to_sender(Sender::Ups, &right, CONNECTIONS).stop(&target, name, false).await])
        }),
        Attack::new("bodies: other senders, without a proof", |target| others(target, false)),
        Attack::new("bodies: other senders, with a wrong proof", |target| others(target, true)),
        Attack::new("bodies: GraphQL and forms", graphql_and_forms),
        Attack::new("bodies: chunks without an end", chunks),
        Attack::new("bodies: announced, with Expect", expected),
        Attack::new("bodies: whole, with a wrong proof", whole),
    ]
}

/// Incomplete webhooks of all senders but UPS, at the same time.
async fn others(target: Target, with_proof: bool) -> Result<Vec<Finding>> {
    const EACH: usize = 50;
    let mut plays = Vec::new();
    for sender in Sender::ALL.into_iter().filter(|sender| *sender != Sender::Ups) {
        let headers = if with_proof { signed(sender, "guessed")? } else { Vec::new() };
        let kind = if with_proof { "a wrong proof" } else { "no proof" };
        let name = format!("{EACH} × 1 MiB less ten bytes to {sender}, with {kind}");
        // A secret in the head can be refused before the body is read. A signature over the body cannot.
        let at_once = !with_proof || sender == Sender::Dhl;
        let target = &target;
        plays.push(async move { Body::to_sender(sender, &headers, EACH).stop(target, &name, at_once).await });
    }
    Ok(join_all(plays).await)
}

fn signed(sender: Sender, secret: &str) -> Result<Vec<(String, String)>> {
    let mut headers = sender.sign(&Secrets::new([secret.to_owned()])?, b"{}", now());
    if sender == Sender::Easypost && headers.is_empty() {
        headers.push(("x-hmac-signature".to_owned(), format!("hmac-sha256-hex={}", "0".repeat(64))));
    }
    Ok(headers)
}

fn head(path: &str, headers: &[(String, String)], length: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{headers}{length}\r\n\r\n"
    )
}

/// Sends a head and a body of `length` bytes without its last ten bytes, then waits for the end.
async fn stop_short(port: u16, from: Ipv4Addr, head: String, length: usize) -> ConnectionEnd {
    let Ok(mut wire) = Wire::open(port, from).await else { return ConnectionEnd::refused() };
    let chunk = vec![b'x'; 64 * 1024];
    let mut left = length - 10;
    let mut sending = wire.send(head.as_bytes()).await;
    while sending && left > 0 {
        let now = left.min(chunk.len());
        sending = wire.send(&chunk[..now]).await;
        left -= now;
    }
    wire.read_to_end(PATIENCE).await
}

/// The address of attacker `n`. The attackers have ten addresses.
fn address(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 50, u8::try_from(n % 10 + 1).unwrap_or(1))
}

/// A body that each of `connections` connections announces, and sends without its last ten bytes.
struct Body {
    head: String,
    length: usize,
    connections: usize,
}

impl Body {
    fn to_sender(sender: Sender, headers: &[(String, String)], connections: usize) -> Self {
        Self::to(&format!("/webhooks/{sender}"), headers, sender.max_body(), connections)
    }

    fn to(path: &str, headers: &[(String, String)], length: usize, connections: usize) -> Self {
        Self { head: head(path, headers, &format!("content-length: {length}")), length, connections }
    }

    /// Runs the attack. `at_once`: the server must refuse by the head alone, with 401, before it waits for the body.
    async fn stop(&self, target: &Target, name: &str, at_once: bool) -> Finding {
        let statuses: &[u16] = if at_once { &[401, 503] } else { &[400, 401, 408, 413, 429, 503] };
        let attempts = (0..self.connections)
            .map(|n| stop_short(target.port, address(n), self.head.clone(), self.length));
        let heard = join_all(attempts).await;
        let mut line = Finding::new(name, if at_once { HEAD_FIRST } else { SUM });
        for heard in &heard {
            line.add(heard.to_string(), heard.after);
            line.expect(heard.closed, "a connection is still open");
            line.expect(heard.status.is_none_or(|status| statuses.contains(&status)), format!("{heard}"));
            line.expect(!at_once || heard.after < AT_ONCE, "the body was waited for");
        }
        if at_once {
            let refused = heard.iter().filter(|heard| heard.status == Some(401)).count();
            line.expect(refused > 0, "none was refused with 401");
        }
        line
    }
}

async fn graphql_and_forms(target: Target) -> Result<Vec<Finding>> {
    const MIB: usize = 1024 * 1024;
    let bearer = |token: &str| [("authorization".to_owned(), token.to_owned())];
    let guessed = bearer("Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA");
    let basic = bearer(&format!("Basic {}", BASE64_STANDARD.encode("hostile:guessed")));
    let without = Body::to("/graphql", &[], MIB, CONNECTIONS);
    let guessed = Body::to("/graphql", &guessed, MIB, CONNECTIONS);
    let customer = Body::to("/graphql", &bearer(&target.tokens.customer), MIB, CONNECTIONS);
    let form = Body::to("/webhooks/ups/token", &basic, 64 * 1024, CONNECTIONS);
    let without =
        without.stop(&target, "150 × 1 MiB less ten bytes to /graphql, without a token", true).await;
    let guessed =
        guessed.stop(&target, "150 × 1 MiB less ten bytes to /graphql, with a wrong token", true).await;
    let (customer, form) = tokio::join!(
        customer.stop(&target, "150 × 1 MiB less ten bytes to /graphql, with a customer's token", false),
        form.stop(&target, "150 × 64 KiB less ten bytes to /webhooks/ups/token", false)
    );
    Ok(vec![without, guessed, customer, form])
}

/// Chunked bodies without an end, sent as fast as the server takes them, up to 64 MiB.
async fn chunks(target: Target) -> Result<Vec<Finding>> {
    let mut lines = Vec::new();
    let right = signed(Sender::Ups, UPS_SECRET)?;
    let token = vec![("authorization".to_owned(), target.tokens.customer.clone())];
    let cases = [
        ("20 × endless chunks to /webhooks/ups, without a credential", "/webhooks/ups", [].as_slice()),
        ("20 × endless chunks to /webhooks/ups, with the right credential", "/webhooks/ups", &right),
        ("20 × endless chunks to /graphql, with a customer's token", "/graphql", &token),
        ("20 × endless chunks to an address that does not exist", "/nowhere", &[]),
    ];
    for (name, path, headers) in cases {
        let head = head(path, headers, "transfer-encoding: chunked");
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let stream = async |n: usize| {
            let Ok(mut wire) = Wire::open(target.port, address(n)).await else {
                return ConnectionEnd::refused();
            };
            let mut sending = wire.send(head.as_bytes()).await;
            let (mut sent, most) = (0, 64 * 1024 * 1024);
            while sending && sent < most {
                sending = wire.send(chunk.as_bytes()).await;
                sent += chunk.len();
            }
            wire.read_to_end(PATIENCE).await
        };
        let mut line = Finding::new(name, "size of a body");
        for heard in join_all((0..20).map(stream)).await {
            line.add(heard.to_string(), heard.after);
            line.expect(heard.closed, "a connection is still open");
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Bodies of 8 GB that are announced with `Expect: 100-continue`. The server must not ask for them.
async fn expected(target: Target) -> Result<Vec<Finding>> {
    let mut line =
        Finding::new("100 × 8 GB announced with Expect: 100-continue", "size of a body, proof in the head");
    let attempts = (0..100).map(|n| {
        let path = ["/webhooks/ups", "/webhooks/fedex", "/graphql", "/nowhere"][n % 4];
        let head = head(path, &[], "content-length: 8000000000\r\nexpect: 100-continue");
        stop_short(target.port, address(n), head, 11)
    });
    for heard in join_all(attempts).await {
        line.add(heard.to_string(), heard.after);
        line.expect(heard.closed, "a connection is still open");
        line.expect(heard.status != Some(100), "the body was asked for");
    }
    Ok(vec![line])
}

/// Complete bodies of the maximum size with wrong signatures. The server must free their memory.
async fn whole(target: Target) -> Result<Vec<Finding>> {
    let mut line = Finding::new("144 × whole bodies of 1 MiB with wrong proofs", SUM);
    let ends = Sender::ALL.into_iter().filter(|sender| *sender != Sender::Ups).map(
        async |sender| -> Result<Vec<ConnectionEnd>> {
            let headers = signed(sender, "guessed")?;
            let length = sender.max_body();
            let head = head(
                &format!("/webhooks/{sender}"),
                &headers,
                &format!("content-length: {length}\r\nconnection: close"),
            );
            Ok(join_all((0..24).map(|n| stop_short(target.port, address(n), head.clone(), length + 10)))
                .await)
        },
    );
    for heard in join_all(ends).await {
        for heard in heard? {
            line.add(heard.to_string(), heard.after);
            line.expect(heard.closed, "a connection is still open");
            line.expect(
                heard.status.is_none_or(|status| [401, 408, 429, 503].contains(&status)),
                format!("{heard}"),
            );
        }
    }
    sleep(Duration::from_millis(100)).await;
    Ok(vec![line])
}
