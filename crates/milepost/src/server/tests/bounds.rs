//! Tests that no client can hold connections open or keep others out. For every attack, on every route of every role:
//! the server closes the connection in time, and serves other clients meanwhile.

use std::{io::ErrorKind, net::Ipv4Addr, time::Instant};

use api::auth::Claims;
use futures::future::{BoxFuture, join_all};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpSocket, TcpStream},
    time::interval,
};

use super::*;

/// Much longer than the timeouts below, but shorter than the shortest default timeout.
const PATIENCE: Duration = Duration::from_secs(9);
const TIMEOUT: Duration = Duration::from_millis(400);
/// The pause between two drips. It is shorter than every timeout.
const DRIP: Duration = Duration::from_millis(20);

fn short() -> HttpLimits {
    HttpLimits {
        header_timeout: TIMEOUT,
        body_timeout: TIMEOUT,
        idle_timeout: TIMEOUT,
        write_timeout: TIMEOUT,
        ..HttpLimits::default()
    }
}

/// Returns a header with a token that the server of [`start_with`] accepts.
fn bearer() -> String {
    let claims = Claims { role: "support".to_owned(), exp: 4_000_000_000, ..Claims::default() };
    format!("authorization: Bearer {}\r\n", Tokens::new(&[7; 32]).unwrap().issue(&claims).unwrap())
}

/// Returns the method, path and headers of a request for every route. The headers get the request as far as a stranger
/// can get.
fn routes(role: Role) -> Vec<(&'static str, String, String)> {
    let health = [("GET", "/livez"), ("GET", "/readyz"), ("GET", "/nowhere"), ("POST", "/livez")];
    let mut routes: Vec<_> =
        health.map(|(method, path)| (method, path.to_owned(), String::new())).into_iter().collect();
    match role {
        Role::Worker => return routes,
        Role::All | Role::Api => {}
    }
    let get = |path: &str, headers: &str| ("GET", path.to_owned(), headers.to_owned());
    let websocket = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n";
    routes.extend([
        get("/graphql?query=%7B__typename%7D", &bearer()),
        get("/graphql", "accept: text/html\r\n"),
        get("/graphql/assets/graphiql.js", "accept-encoding: gzip\r\n"),
        get("/graphql/assets/graphiql.css", "accept-encoding: gzip\r\n"),
        get("/graphql", websocket),
        get("/graphql/ws", websocket),
        get("/track/token", ""),
        get("/mailbox", ""),
        get("/mailbox/1", ""),
        ("POST", "/graphql".to_owned(), format!("{}content-type: application/json\r\n", bearer())),
        ("POST", "/graphql".to_owned(), String::new()),
        ("POST", "/webhooks/pigeon".to_owned(), String::new()),
        ("POST", "/webhooks/ups/token".to_owned(), String::new()),
    ]);
    let secrets = Secrets::new(["hush".to_owned()]).unwrap();
    for sender in Sender::ALL {
        let proof = sender.sign(&secrets, b"{}", Clock::System.now());
        let headers = proof.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        routes.push(("POST", format!("/webhooks/{sender}"), headers));
        routes.push(("POST", format!("/webhooks/{sender}"), String::new()));
    }
    routes
}

/// What the attacker does with its connection. It returns when the server has closed the connection.
type Attack = fn(Line) -> BoxFuture<'static, ()>;

/// A connection, and the first lines of a request for the route under attack.
struct Line {
    stream: TcpStream,
    start: String,
}

impl Line {
    async fn say(&mut self, text: &str) {
        // An error means that the server has closed the connection. The attack notices that when it waits.
        self.stream.write_all(text.as_bytes()).await.ok();
    }

    /// Sends `text` again and again until the server closes the connection.
    async fn drip(mut self, text: &str) {
        let mut drips = interval(DRIP);
        let mut ignored = [0; 4096];
        loop {
            tokio::select! {
                read = self.stream.read(&mut ignored) => if !matches!(read, Ok(1..)) { return },
                _ = drips.tick() => if self.stream.write_all(text.as_bytes()).await.is_err() { return },
            }
        }
    }

    /// Waits until the server closes the connection, without reading. The client cannot see the close if unread answers
    /// are before it; then a write fails.
    async fn see_the_end(self) {
        let mut looks = interval(DRIP);
        loop {
            looks.tick().await;
            let ready = self.stream.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
            let refused =
                self.stream.try_write(b"G").is_err_and(|error| error.kind() != ErrorKind::WouldBlock);
            if ready.is_read_closed() || refused {
                return;
            }
        }
    }

    /// Reads until the server closes the connection.
    async fn wait(mut self) {
        let mut ignored = [0; 4096];
        while matches!(self.stream.read(&mut ignored).await, Ok(1..)) {}
    }
}

const ATTACKS: [(&str, Attack); 11] = [
    ("nothing", |line| Box::pin(line.wait())),
    ("half a request line", |mut line| {
        Box::pin(async move {
            let half = line.start[..line.start.find(" HTTP").unwrap() - 1].to_owned();
            line.say(&half).await;
            line.wait().await;
        })
    }),
    ("half a head", |mut line| {
        Box::pin(async move {
            let start = line.start.clone();
            line.say(&start).await;
            line.wait().await;
        })
    }),
    ("a dripping head", |mut line| {
        Box::pin(async move {
            let start = format!("{}x-drip: ", line.start);
            line.say(&start).await;
            line.drip("x").await;
        })
    }),
    ("dripping headers", |mut line| {
        Box::pin(async move {
            let start = line.start.clone();
            line.say(&start).await;
            line.drip("x: y\r\n").await;
        })
    }),
    ("a body that stops", |mut line| {
        Box::pin(async move {
            let start = format!("{}content-length: 1000\r\n\r\n{{\"a\":", line.start);
            line.say(&start).await;
            line.wait().await;
        })
    }),
    ("a dripping body", |mut line| {
        Box::pin(async move {
            let start = format!("{}content-length: 60000\r\n\r\n", line.start);
            line.say(&start).await;
            line.drip(" ").await;
        })
    }),
    ("dripping chunks", |mut line| {
        Box::pin(async move {
            let start = format!("{}transfer-encoding: chunked\r\n\r\n", line.start);
            line.say(&start).await;
            line.drip("1\r\n \r\n").await;
        })
    }),
    ("endless chunks", |mut line| {
        Box::pin(async move {
            let start = format!("{}transfer-encoding: chunked\r\n\r\n", line.start);
            line.say(&start).await;
            let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
            let (mut reads, mut writes) = line.stream.split();
            let mut ignored = [0; 4096];
            tokio::join!(async { while writes.write_all(chunk.as_bytes()).await.is_ok() {} }, async {
                while matches!(reads.read(&mut ignored).await, Ok(1..)) {}
            },);
        })
    }),
    ("an idle connection", |mut line| {
        Box::pin(async move {
            let start = format!("{}content-length: 0\r\n\r\n", line.start);
            line.say(&start).await;
            line.wait().await;
        })
    }),
    ("a reader that does not read", |mut line| {
        Box::pin(async move {
            let requests = format!("{}content-length: 0\r\n\r\n", line.start).repeat(100);
            line.say(&requests).await;
            line.see_the_end().await;
        })
    }),
];

async fn is_bounded_on_every_route(role: Role) {
    let server = start_with(role, short()).await;
    let address = server.address.trim_start_matches("http://").to_owned();
    for (name, attack) in ATTACKS {
        let attacks = routes(role).into_iter().map(|(method, path, headers)| {
            let address = address.clone();
            async move {
                let start = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}");
                let stream = TcpStream::connect(&address).await.unwrap();
                let closed = timeout(PATIENCE, attack(Line { stream, start })).await;
                assert!(closed.is_ok(), "{name} is still open at {method} {path} {headers}");
            }
        });
        join_all(attacks).await;
        assert_eq!(server.status("/livez").await, 200, "{name}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_hold_a_connection_is_bounded_on_every_route() {
    is_bounded_on_every_route(Role::All).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_hold_a_connection_is_bounded_on_a_worker() {
    is_bounded_on_every_route(Role::Worker).await;
}

/// Opens `connections` connections from `addresses` addresses, each with a part of a request.
async fn half_open(server: &Running, connections: usize, addresses: u8) -> Vec<TcpStream> {
    let to = server.address.trim_start_matches("http://").parse().unwrap();
    let mut streams = Vec::with_capacity(connections);
    for (number, address) in (0..connections).zip((1..=addresses).cycle()) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 0, 7, address), 0).into()).unwrap();
        let mut stream = timeout(PATIENCE, socket.connect(to)).await.expect("it is accepted").unwrap();
        let half = ["", "G", "GET /livez HTTP/1.1\r\nhost: x\r\n", "POST /graphql HTTP/1.1\r\n"][number % 4];
        stream.write_all(half.as_bytes()).await.ok();
        streams.push(stream);
    }
    streams
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_half_open_connections_keep_nobody_out() {
    crate::files::raise_limit().unwrap();
    let server = start(Role::All).await;
    for addresses in [1, 100] {
        let held = half_open(&server, 2_000, addresses).await;
        for path in ["/livez", "/readyz", "/mailbox"] {
            let asked = Instant::now();
            assert_eq!(server.status(path).await, 200, "{path} beside {addresses} addresses");
            assert!(asked.elapsed() < Duration::from_secs(1), "{path}: {:?}", asked.elapsed());
        }
        // The attackers' own address is served too.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 0, 7, 1), 0).into()).unwrap();
        let to = server.address.trim_start_matches("http://").parse().unwrap();
        let mut stream = socket.connect(to).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.ends_with("ok\n"), "{answer}");
        drop(held);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_without_a_proof_are_refused_before_they_are_read() {
    let server = start(Role::Api).await;
    let address = server.address.trim_start_matches("http://");
    let status = async |sender: &str, query: &str, length: usize| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head =
            format!("POST /webhooks/{sender}{query} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut line = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut line)).await.expect("it is answered at once").unwrap();
        String::from_utf8_lossy(&line[9..]).into_owned()
    };
    for sender in Sender::ALL {
        assert_eq!(status(sender.as_str(), "", sender.max_body()).await, "401", "{sender}");
    }
    assert_eq!(status("shippo", "?token=wrong", 1024).await, "401");
    assert_eq!(status("shippo", "?token=hush", 8 * 1024 * 1024).await, "413");
    assert_eq!(status("pigeon", "", 1024).await, "404");
    assert_eq!(status("fedex/token", "", 1024).await, "404");
    server.stop().await;
}
