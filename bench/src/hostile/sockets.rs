//! Attacks with WebSockets that do not authenticate, do not read, or send too much.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Result;
use futures::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    attack::{Attack, Finding},
    client::{exchange, graphql},
    frames::{CLOSE, Ended, PING, Socket, TEXT, frame, frame_head},
    target::Target,
};

const PATIENCE: Duration = Duration::from_secs(40);

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("sockets: close frames", closing),
        Attack::new("sockets: 2,000 that never begin", never_begin),
        Attack::new("sockets: unfinished messages", unfinished),
        Attack::new("sockets: messages that are too large", too_large),
        Attack::new("sockets: many operations", many_operations),
        Attack::new("sockets: queries that are refused over HTTP", refused_queries),
        Attack::new("sockets: pings without reading", pings),
        Attack::new("sockets: updates and answers without reading", |target| async move {
            let (updates, answers) = tokio::join!(updates_unread(target.clone()), answers_unread(target));
            Ok([updates?, answers?].concat())
        }),
    ]
}

fn address(n: usize) -> Ipv4Addr {
    let byte = |n: usize| u8::try_from(n % 250 + 1).unwrap_or(1);
    Ipv4Addr::new(127, 0, byte(n / 250 + 60), byte(n))
}

/// Checks that the close codes are the documented ones, and that the server echoes the client's close frame.
async fn closing(target: Target) -> Result<Vec<Finding>> {
    let authorization = &target.tokens.customer;
    let mut lines = Vec::new();
    let mut judge = |name: &str, ended: &Ended, code: u16| {
        let mut line = Finding::new(name, "documented codes");
        line.add(ended.to_string(), ended.after);
        line.expect(ended.closed && ended.code == Some(code), format!("{ended}, not {code}"));
        lines.push(line);
    };
    let mut socket = Socket::ready(target.port, address(0), authorization).await?;
    socket.wire.send(&frame(CLOSE, true, &1000_u16.to_be_bytes())).await;
    judge("a close of the client, 1000", &socket.read_to_end(PATIENCE).await, 1000);
    let mut socket = Socket::open(target.port, address(0)).await?;
    socket.wire.send(&frame(CLOSE, true, &1000_u16.to_be_bytes())).await;
    judge("a close before connection_init", &socket.read_to_end(PATIENCE).await, 1000);
    let socket = Socket::upgrade(target.port, address(0), "").await?;
    judge("no subprotocol", &socket.read_to_end(PATIENCE).await, 4406);
    let mut socket = Socket::open(target.port, address(0)).await?;
    socket.subscribe("1", "{__typename}").await;
    judge("subscribe before connection_init", &socket.read_to_end(PATIENCE).await, 4401);
    let mut socket = Socket::ready(target.port, address(0), authorization).await?;
    socket.wire.send(&frame(TEXT, true, b"\xff\xfe")).await;
    judge("text that is no UTF-8", &socket.read_to_end(PATIENCE).await, 1007);
    let mut socket = Socket::ready(target.port, address(0), authorization).await?;
    socket.wire.send(&[0xf1, 0x80, 0, 0, 0, 0]).await;
    judge("reserved bits", &socket.read_to_end(PATIENCE).await, 1002);
    let mut socket = Socket::ready(target.port, address(0), authorization).await?;
    socket.text(&json!("x".repeat(1_100_000))).await;
    judge("a message of 1.1 MB", &socket.read_to_end(PATIENCE).await, 1009);
    Ok(lines)
}

async fn never_begin(target: Target) -> Result<Vec<Finding>> {
    let mut line = Finding::new(
        "2,000 sockets that never send connection_init",
        "time for connection_init, connections",
    );
    let sockets = join_all((0..2_000).map(|n| async move {
        match Socket::open(target.port, address(n % 100)).await {
            Ok(socket) => Some(socket.read_to_end(PATIENCE).await),
            Err(_) => None,
        }
    }))
    .await;
    for ended in sockets {
        match ended {
            Some(ended) => {
                line.add(ended.to_string(), ended.after);
                line.expect(ended.closed && ended.after < Duration::from_secs(20), "a socket is still open");
            }
            None => line.add("refused", Duration::ZERO),
        }
    }
    Ok(vec![line])
}

/// Messages without their last bytes, from strangers and from a customer.
async fn unfinished(target: Target) -> Result<Vec<Finding>> {
    const LENGTH: usize = 1024 * 1024 - 100;
    let kinds = [
        ("200 messages of 1 MiB less ten bytes, by strangers", false, 0),
        ("200 messages of 1 MiB less ten bytes, by a customer", true, 300),
        ("200 messages in 2,000 fragments without a last one, by strangers", false, 600),
    ];
    let plays = kinds.map(|(name, known, first)| {
        let target = &target;
        async move {
            let in_fragments = name.contains("fragments");
            let token = target.tokens.customer.as_str();
            let attempt = async |n: usize| {
                let opened = if known {
                    Socket::ready(target.port, address(first + n), token).await
                } else {
                    Socket::open(target.port, address(first + n)).await
                };
                let Ok(mut socket) = opened else { return None };
                if in_fragments {
                    let mut bytes = frame(TEXT, false, &[b'x'; 500]);
                    for _ in 0..2_000 {
                        bytes.extend(frame(0, false, &[b'x'; 500]));
                    }
                    socket.wire.send(&bytes).await;
                } else {
                    socket.wire.send(&frame_head(TEXT, true, LENGTH as u64)).await;
                    socket.wire.send(&vec![b'x'; LENGTH - 10]).await;
                }
                Some(socket.read_to_end(PATIENCE).await)
            };
            let mut line = Finding::new(name, "time for a message, size before connection_init");
            for ended in join_all((0..200).map(attempt)).await {
                match ended {
                    Some(ended) => {
                        line.add(ended.to_string(), ended.after);
                        line.expect(ended.closed, "a socket is still open");
                    }
                    None => line.add("refused", Duration::ZERO),
                }
            }
            line
        }
    });
    Ok(join_all(plays).await)
}

async fn too_large(target: Target) -> Result<Vec<Finding>> {
    let mut lines = Vec::new();
    let announced: [(&str, Vec<u8>); 4] = [
        ("a frame of 2^40 bytes", frame_head(TEXT, true, 1 << 40)),
        ("a frame of 2^63 bytes", frame_head(TEXT, true, u64::MAX >> 1)),
        ("a message of 50 MB in fragments", {
            let mut bytes = frame(TEXT, false, &vec![b'x'; 60_000]);
            for _ in 0..800 {
                bytes.extend(frame(0, false, &vec![b'x'; 60_000]));
            }
            bytes
        }),
        ("a ping of 100 KB", frame(PING, true, &vec![b'x'; 100_000])),
    ];
    for (name, bytes) in announced {
        let mut line = Finding::new(name, "1009, 1002");
        let mut socket = Socket::open(target.port, address(1)).await?;
        // The server closes the connection before it has read everything.
        for part in bytes.chunks(64 * 1024) {
            if !socket.wire.send(part).await {
                break;
            }
        }
        let ended = socket.read_to_end(PATIENCE).await;
        line.add(ended.to_string(), ended.after);
        line.expect(ended.closed && ended.after < Duration::from_secs(15), "it was not closed");
        lines.push(line);
    }
    Ok(lines)
}

async fn many_operations(target: Target) -> Result<Vec<Finding>> {
    let mut line = Finding::new("10,000 subscriptions on each of 5 sockets", "operations of a socket");
    let query = format!("subscription{{orderUpdated(orderId:\"{}\"){{order{{id}}}}}}", target.shop.small[0]);
    let attempt = async |n: usize| {
        let mut socket = Socket::ready(target.port, address(n), &target.tokens.customer).await.ok()?;
        for id in 0..10_000 {
            // The server does not read any more: the attack has reached a limit.
            if !socket.subscribe(&id.to_string(), &query).await {
                break;
            }
        }
        Some(socket.read_to_end(Duration::from_secs(15)).await)
    };
    for ended in join_all((0..5).map(attempt)).await {
        let Some(ended) = ended else {
            line.expect(false, "a socket was not opened");
            continue;
        };
        let refused = ended.texts.iter().filter(|text| text.contains("TOO_MANY_OPERATIONS")).count();
        line.add(if refused > 0 { "TOO_MANY_OPERATIONS".to_owned() } else { ended.to_string() }, ended.after);
        line.expect(refused > 0 || ended.closed, "nothing was refused");
    }
    Ok(vec![line])
}

/// Queries that are refused over HTTP must be refused over a WebSocket too.
async fn refused_queries(target: Target) -> Result<Vec<Finding>> {
    let rounds = (0..7).fold("name".to_owned(), |inner, _| format!("possibleTypes{{interfaces{{{inner}}}}}"));
    let items = "{id sku name quantity origin{kind code}}";
    let order = &target.shop.many_shipments;
    let there_and_back = "shipments{order{shipments{order{shipments{order{shipments{id}}}}}}}";
    let queries = [
        ("introspection over a socket", format!("{{__type(name:\"Problem\"){{{rounds}}}}}")),
        ("five aliases of orders over a socket", {
            let aliases: Vec<_> =
                (0..5).map(|n| format!("a{n}:orders(first:100){{nodes{{items{items}}}}}")).collect();
            format!("{{{}}}", aliases.join(" "))
        }),
        ("a subscription with 45 lists of items", {
            let aliases: Vec<_> = (0..45).map(|n| format!("i{n}:items{items}")).collect();
            format!(
                "subscription{{orderUpdated(orderId:\"{}\"){{order{{{}}}}}}}",
                target.shop.big[0],
                aliases.join(" ")
            )
        }),
        ("a subscription with shipments of the orders of shipments", {
            format!("subscription{{orderUpdated(orderId:\"{order}\"){{order{{{there_and_back}}}}}}}")
        }),
    ];
    let mut lines = Vec::new();
    for (name, query) in queries {
        let mut line = Finding::new(name, "the same as over HTTP");
        let mut socket = Socket::ready(target.port, address(2), &target.tokens.customer).await?;
        let start = Instant::now();
        socket.subscribe("1", &query).await;
        let text = socket.read_text(Duration::from_secs(20)).await.unwrap_or_default();
        let refused = text.contains("QUERY_TOO_LARGE") || text.contains("GRAPHQL_VALIDATION_FAILED");
        line.add(if refused { "QUERY_TOO_LARGE" } else { "a result" }, start.elapsed());
        line.expect(refused, format!("{} KiB were granted", text.len() / 1024));
        line.expect(start.elapsed() < Duration::from_secs(1), "it was not refused at once");
        lines.push(line);
    }
    Ok(lines)
}

/// Clients that send pings and do not read the pongs. The server must not store the pongs without a limit.
async fn pings(target: Target) -> Result<Vec<Finding>> {
    let large = json!({"type": "ping", "payload": {"x": "y".repeat(100_000)}}).to_string();
    let frames = [
        ("pings of the protocol, pongs not read", frame(PING, true, &[b'x'; 120])),
        ("pings of 100 KB as messages, pongs not read", frame(TEXT, true, large.as_bytes())),
    ];
    let plays = frames.map(|(name, ping)| {
        let target = &target;
        async move {
            let mut line = Finding::new(name, "time to send");
            let attempt = async |n: usize| {
                let mut socket = Socket::open(target.port, address(n)).await.ok()?;
                let (many, start) = (ping.repeat(1 + 200_000 / ping.len()), Instant::now());
                while start.elapsed() < Duration::from_secs(10) && socket.wire.send(&many).await {}
                let closed_in = start.elapsed();
                Some((socket.read_to_end(Duration::from_secs(30)).await, closed_in))
            };
            for (ended, after) in join_all((0..40).map(attempt)).await.into_iter().flatten() {
                line.add(ended.to_string(), after);
                line.expect(ended.closed, "a socket is still open");
            }
            line
        }
    });
    Ok(join_all(plays).await)
}

/// WebSockets that subscribe to large orders and do not read, while the orders change.
async fn updates_unread(target: Target) -> Result<Vec<Finding>> {
    let mut line = Finding::new(
        "50 sockets that follow 10 large orders and do not read",
        "slow readers, size of an answer",
    );
    let items = "{id sku name quantity cancelled allocated shipped delivered origin{kind code}}";
    let mut sockets = Vec::new();
    for n in 0..50 {
        match Socket::ready(target.port, address(n), &target.tokens.customer).await {
            Ok(mut socket) => {
                for (id, order) in target.shop.big.iter().enumerate().skip(80).take(10) {
                    let query =
                        format!("subscription{{orderUpdated(orderId:\"{order}\"){{order{{items{items}}}}}}}");
                    socket.subscribe(&id.to_string(), &query).await;
                }
                sockets.push(socket);
            }
            Err(_) => line.add("refused", Duration::ZERO),
        }
    }
    // From now on nothing is read.
    for to in ["PAYMENT_CONFIRMED", "PROCESSING"] {
        for order in target.shop.big.iter().skip(80).take(10) {
            let query = "mutation($input:TransitionOrderInput!){transitionOrder(input:$input){__typename}}";
            let request =
                graphql(&target.tokens.system, query, &json!({"input": {"orderId": order, "to": to}}))?;
            exchange(target.port, address(200), request, Duration::from_secs(10)).await;
        }
    }
    sleep(Duration::from_secs(20)).await;
    for ended in join_all(sockets.into_iter().map(|socket| socket.read_to_end(PATIENCE))).await {
        line.add(ended.to_string(), ended.after);
        line.expect(ended.closed, "a socket is still open");
    }
    Ok(vec![line])
}

/// WebSockets that send 90 large queries each and do not read the results.
async fn answers_unread(target: Target) -> Result<Vec<Finding>> {
    let mut line = Finding::new(
        "40 sockets with 90 large queries each, not read",
        "slow readers, operations of a socket",
    );
    let items = "{id sku name quantity cancelled allocated shipped delivered origin{kind code}}";
    let attempt = async |n: usize| {
        let mut socket = Socket::ready(target.port, address(n), &target.tokens.customer).await.ok()?;
        for (id, order) in target.shop.big.iter().enumerate().take(90) {
            if !socket.subscribe(&id.to_string(), &format!("{{order(id:\"{order}\"){{items{items}}}}}")).await
            {
                break;
            }
        }
        sleep(Duration::from_secs(20)).await;
        Some(socket.read_to_end(PATIENCE).await)
    };
    for ended in join_all((0..40).map(attempt)).await {
        match ended {
            Some(ended) => {
                line.add(ended.to_string(), ended.after);
                line.expect(ended.closed, "a socket is still open");
            }
            None => line.add("refused", Duration::ZERO),
        }
    }
    Ok(vec![line])
}
