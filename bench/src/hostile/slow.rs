//! Attacks with slow clients, on all routes at once: clients that write slowly and clients that read slowly. The server
//! must close each connection.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Result;
use futures::future::join_all;
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::sleep};

use super::{
    attack::{Attack, Finding},
    client::{ATTACKER, exchange, graphql, request},
    target::{Target, UPS_SECRET},
    wire::{ConnectionEnd, Wire},
};

/// The longest time until the server closes a connection. The server's own timeouts are shorter: 10 s for a head is the
/// shortest, and 30 s for an idle connection the longest.
const PATIENCE: Duration = Duration::from_secs(45);

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("slow: every way to write, on every route", every_way),
        Attack::new("slow: every way to read", |target| async move {
            let (answers, assets, sipped) =
                tokio::join!(unread_answers(target.clone()), unread_assets(target.clone()), sipped(target));
            Ok([answers?, assets?, sipped?].concat())
        }),
    ]
}

struct Route {
    method: &'static str,
    path: &'static str,
    headers: String,
}

fn routes(target: &Target) -> Vec<Route> {
    let authorization =
        format!("authorization: {}\r\ncontent-type: application/json\r\n", target.tokens.customer);
    let plain = |method, path| Route { method, path, headers: String::new() };
    vec![
        plain("GET", "/livez"),
        plain("GET", "/readyz"),
        Route { method: "GET", path: "/graphql?query=%7b__typename%7d", headers: authorization.clone() },
        Route { method: "POST", path: "/graphql", headers: authorization },
        plain("POST", "/graphql"),
        plain("GET", "/graphql/ws"),
        plain("GET", "/graphql/assets/graphiql.js"),
        plain("POST", "/webhooks/fedex"),
        Route { method: "POST", path: "/webhooks/ups", headers: format!("credential: {UPS_SECRET}\r\n") },
        plain("POST", "/webhooks/nobody"),
        plain("POST", "/webhooks/ups/token"),
        plain("GET", "/track/none"),
        plain("GET", "/mailbox"),
        plain("GET", "/nowhere"),
    ]
}

/// One way to write slowly: `first` is sent at once, then `drop` again and again, with a pause of `every`.
struct Way {
    name: &'static str,
    bound: &'static str,
    first: fn(&Route) -> String,
    drop: &'static str,
    every: Duration,
    /// Whether the client closes its sending side after `first`.
    half_closed: bool,
}

fn head(route: &Route, more: &str) -> String {
    format!("{} {} HTTP/1.1\r\nhost: 127.0.0.1\r\n{}{more}", route.method, route.path, route.headers)
}

fn ways() -> Vec<Way> {
    const NEVER: Duration = Duration::from_secs(3600);
    const SECOND: Duration = Duration::from_secs(1);
    let way = |name, bound, first, drop, every| Way { name, bound, first, drop, every, half_closed: false };
    let (for_head, for_body, idle) = ("time for a head", "time for a body", "time between requests");
    vec![
        way("nothing at all", for_head, |_| String::new(), "", NEVER),
        way(
            "half a request line",
            for_head,
            |route| format!("{} {}", route.method, &route.path[..3]),
            "",
            NEVER,
        ),
        way("an address that drips", for_head, |route| format!("{} /", route.method), "x", SECOND),
        way("half a head", for_head, |route| head(route, "x-a: b"), "", NEVER),
        way("headers that drip by bytes", for_head, |route| head(route, "x-a: b"), "c", SECOND),
        way("headers that drip by lines", for_head, |route| head(route, ""), "x-a: b\r\n", SECOND),
        way("empty lines that drip", for_head, |_| "\r\n".to_owned(), "\r\n", SECOND),
        way(
            "a body that stops",
            for_body,
            |route| head(route, "content-length: 5000\r\n\r\n{\"q"),
            "",
            NEVER,
        ),
        way(
            "a body that never begins",
            for_body,
            |route| head(route, "content-length: 5000\r\n\r\n"),
            "",
            NEVER,
        ),
        way(
            "a body that drips",
            for_body,
            |route| head(route, "content-length: 5000\r\n\r\n{\"q"),
            "x",
            SECOND,
        ),
        way(
            "chunks that stop",
            for_body,
            |route| head(route, "transfer-encoding: chunked\r\n\r\n5\r\n{\"qu"),
            "",
            NEVER,
        ),
        way(
            "chunks that drip",
            for_body,
            |route| head(route, "transfer-encoding: chunked\r\n\r\n"),
            "1\r\n \r\n",
            SECOND,
        ),
        way(
            "endless chunks",
            for_body,
            |route| head(route, "transfer-encoding: chunked\r\n\r\n"),
            "64\r\n                                                                                                    \r\n",
            Duration::from_millis(20),
        ),
        way(
            "trailers that drip",
            for_body,
            |route| head(route, "transfer-encoding: chunked\r\n\r\n0\r\n"),
            "x-t: 1\r\n",
            SECOND,
        ),
        way("idle after a request", idle, |route| head(route, "content-length: 0\r\n\r\n"), "", NEVER),
        way(
            "half a request after a request",
            idle,
            |route| head(route, &format!("content-length: 0\r\n\r\n{} /", route.method)),
            "",
            NEVER,
        ),
        Way {
            half_closed: true,
            ..way("half closed in a head", for_head, |route| head(route, "x-a"), "", NEVER)
        },
        Way {
            half_closed: true,
            ..way(
                "half closed in a body",
                for_body,
                |route| head(route, "content-length: 50\r\n\r\n{"),
                "",
                NEVER,
            )
        },
    ]
}

async fn every_way(target: Target) -> Result<Vec<Finding>> {
    let routes = routes(&target);
    let plays = ways().into_iter().enumerate().map(async |(n, way)| {
        let mut line = Finding::new(format!("{}, on {} routes", way.name, routes.len()), way.bound);
        let ends = routes.iter().enumerate().map(|(m, route)| {
            let byte = |n: usize| u8::try_from(n + 1).unwrap_or(1);
            play(target.port, Ipv4Addr::new(127, 0, 10 + byte(n), byte(m)), &way, (way.first)(route))
        });
        for (route, heard) in routes.iter().zip(join_all(ends).await) {
            line.add(heard.to_string(), heard.after);
            line.expect(heard.closed, format!("{} {} is still open", route.method, route.path));
            line.expect(heard.status.is_none_or(|status| status < 500 || status == 503), format!("{heard}"));
        }
        line
    });
    Ok(join_all(plays).await)
}

async fn play(port: u16, from: Ipv4Addr, way: &Way, first: String) -> ConnectionEnd {
    let Ok(mut wire) = Wire::open(port, from).await else { return ConnectionEnd::refused() };
    wire.send(first.as_bytes()).await;
    if way.half_closed {
        wire.finish().await;
    }
    wire.drip(way.drop.as_bytes(), way.every, PATIENCE).await
}

/// Sends requests and reads nothing until the server closes the connection. Returns whether it did, and after what
/// time.
async fn not_read(port: u16, from: Ipv4Addr, request: &[u8]) -> (bool, Duration) {
    let start = std::time::Instant::now();
    let Ok(wire) = Wire::open(port, from).await else { return (true, Duration::ZERO) };
    let mut stream = wire.stream;
    // A write fails when the server has closed the connection, because the system receives the reset even if nothing is
    // read.
    let many = request.repeat(20);
    while start.elapsed() < PATIENCE {
        let left = PATIENCE.saturating_sub(start.elapsed());
        match tokio::time::timeout(left, stream.write_all(&many)).await {
            Ok(Ok(())) => sleep(Duration::from_millis(10)).await,
            Ok(Err(_)) => return (true, start.elapsed()),
            Err(_) => break,
        }
    }
    (false, start.elapsed())
}

async fn unread(target: &Target, name: &str, request: &[u8], connections: usize) -> Finding {
    let mut line = Finding::new(name, "time for a reader");
    let ends = (0..connections).map(|n| {
        let from = Ipv4Addr::new(127, 0, 30, u8::try_from(n % 100 + 1).unwrap_or(1));
        not_read(target.port, from, request)
    });
    for (closed, after) in join_all(ends).await {
        line.add(if closed { "closed" } else { "still open" }, after);
        line.expect(closed, "a connection is still open");
    }
    line
}

/// Clients that do not read the responses to the largest query that the server accepts.
async fn unread_answers(target: Target) -> Result<Vec<Finding>> {
    let query = |size: usize| {
        format!(
            "{{orders(first:{size},filter:{{statuses:[PLACED]}}){{nodes{{items{{id sku name quantity origin{{kind code}}}}}}}}}}"
        )
    };
    let mut granted = "{orders(first:20){nodes{id}}}".to_owned();
    for size in [10, 5, 3, 2, 1] {
        let request = graphql(&target.tokens.customer, &query(size), &json!({}))?;
        let reply = exchange(target.port, ATTACKER, request, Duration::from_secs(20)).await;
        if reply.status() == Some(200) && reply.codes().is_empty() {
            granted = query(size);
            break;
        }
    }
    let body = json!({"query": granted}).to_string();
    let post = format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        target.tokens.customer,
        body.len()
    );
    Ok(vec![
        unread(&target, "60 connections that ask for large answers and do not read", post.as_bytes(), 60)
            .await,
    ])
}

async fn unread_assets(target: Target) -> Result<Vec<Finding>> {
    let get = "GET /graphql/assets/graphiql.js HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: gzip\r\n\r\n";
    let mut lines = vec![
        unread(
            &target,
            "200 connections that ask for GraphiQL's script and do not read",
            get.as_bytes(),
            200,
        )
        .await,
    ];
    let reply = exchange(
        target.port,
        ATTACKER,
        request("GET", "/graphql/assets/graphiql.js", &[("accept-encoding", "gzip")], "")?,
        PATIENCE,
    )
    .await;
    let mut line = Finding::new("GraphiQL's script for a client that reads", "none: it is answered");
    line.add_reply(&reply);
    line.expect(reply.status() == Some(200), "it was not answered");
    lines.push(line);
    Ok(lines)
}

/// Clients that read 100 bytes a second. The server has to keep a large response for them, as for those that read
/// nothing.
async fn sipped(target: Target) -> Result<Vec<Finding>> {
    use tokio::io::AsyncReadExt;
    let get = "GET /graphql/assets/graphiql.js HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: gzip\r\n\r\n";
    let mut line = Finding::new("100 connections that read 100 bytes a second", "time for a reader");
    let sip = async |n: usize| {
        let start = std::time::Instant::now();
        let from = Ipv4Addr::new(127, 0, 31, u8::try_from(n + 1).unwrap_or(1));
        let Ok(mut wire) = Wire::open(target.port, from).await else { return (true, Duration::ZERO) };
        wire.send(get.repeat(10).as_bytes()).await;
        let mut buffer = [0; 100];
        while start.elapsed() < PATIENCE {
            // After a close, the bytes that were sent before can still be read. Only a failed write shows the close at
            // once.
            if wire.stream.write_all(b"G").await.is_err() {
                return (true, start.elapsed());
            }
            if !matches!(wire.stream.read(&mut buffer).await, Ok(1..)) {
                return (true, start.elapsed());
            }
            sleep(Duration::from_secs(1)).await;
        }
        (false, start.elapsed())
    };
    for (closed, after) in join_all((0..100).map(sip)).await {
        line.add(if closed { "closed" } else { "still open" }, after);
        line.expect(closed, "a connection is still open");
    }
    Ok(vec![line])
}
