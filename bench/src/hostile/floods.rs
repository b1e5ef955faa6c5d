//! Attacks with 2,000 half-open connections (incomplete requests), during which a normal client must still be served.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Result;
use futures::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use super::{
    attack::{Attack, Finding},
    client::{Reply, exchange, graphql, request},
    target::Target,
    wire::{ConnectionEnd, Wire},
};

const CONNECTIONS: usize = 2_000;
/// The longest time until the server has closed all of them.
const PATIENCE: Duration = Duration::from_secs(40);

/// The bytes that the connections send: a third of them each.
const KINDS: [&str; 3] = ["", "GET /live", "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-le"];

pub(super) fn attacks() -> Vec<Attack> {
    let byte = |n: usize| u8::try_from(n + 1).unwrap_or(1);
    vec![
        Attack::new("floods: one address", |target| async move {
            flood(&target, "2,000 half-open connections of one address", |_| Ipv4Addr::new(127, 0, 7, 7))
                .await
        }),
        Attack::new("floods: a hundred addresses", move |target| async move {
            let address = |n: usize| Ipv4Addr::new(127, 0, 8, byte(n % 100));
            flood(&target, "2,000 half-open connections of a hundred addresses", address).await
        }),
        Attack::new("floods: two thousand addresses", move |target| async move {
            let address = |n: usize| Ipv4Addr::new(127, 0, 100 + byte(n / 250), byte(n % 250));
            flood(&target, "2,000 half-open connections of 2,000 addresses", address).await
        }),
    ]
}

async fn flood(target: &Target, name: &str, address: impl Fn(usize) -> Ipv4Addr) -> Result<Vec<Finding>> {
    let port = target.port;
    let opened = join_all((0..CONNECTIONS).map(|n| {
        let from = address(n);
        async move {
            let mut wire = Wire::open(port, from).await.ok()?;
            wire.send(KINDS[n % KINDS.len()].as_bytes()).await;
            Some(wire)
        }
    }))
    .await;
    let half_open: Vec<_> = opened.into_iter().flatten().collect();
    let served = well_behaved(target).await?;
    let mut client = Finding::new(format!("a client that behaves well, beside {name}"), "a place is left");
    for reply in &served {
        client.add_reply(reply);
        client.expect(reply.status() == Some(200), format!("{reply}"));
        client.expect(reply.after() < Duration::from_millis(500), "it was served slowly");
    }
    let mut line = Finding::new(name, "connections in all and per address, time for a head");
    let refused = CONNECTIONS - half_open.len();
    (0..refused).for_each(|_| line.add("refused", Duration::ZERO));
    let heard: Vec<ConnectionEnd> =
        join_all(half_open.into_iter().map(|wire| wire.read_to_end(PATIENCE))).await;
    for heard in heard {
        line.add(heard.to_string(), heard.after);
        line.expect(heard.closed, "a connection is still open");
    }
    Ok(vec![line, client])
}

/// Sends 40 normal requests, one after the other, each on a new connection.
async fn well_behaved(target: &Target) -> Result<Vec<Reply>> {
    const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 9);
    let mut replies = Vec::new();
    for n in 0..40 {
        let request = match n % 4 {
            0 => request("GET", "/livez", &[], "")?,
            1 => request("GET", "/readyz", &[], "")?,
            _ => graphql(&target.tokens.customer, "{orders(first:1){nodes{id}}}", &json!({}))?,
        };
        replies.push(exchange(target.port, FROM, request, Duration::from_secs(5)).await);
        sleep(Duration::from_millis(50)).await;
    }
    Ok(replies)
}
