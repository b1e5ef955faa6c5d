//! An HTTP client that follows the rules: it sends each request on a new connection, from any address of this machine.

use std::{
    collections::BTreeSet,
    fmt, io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use anyhow::Result;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};

/// The most bytes of a body that are stored. The rest is only counted.
const KEPT: usize = 1024 * 1024;

/// The address of the attacker, unless an attack uses others. The watch uses another one.
pub const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);

pub type Outgoing = Request<Full<Bytes>>;

/// How a request ended.
#[derive(Debug)]
pub enum Reply {
    /// The server sent a complete response.
    Answered(Answer),
    /// The connection was refused, or closed without a complete response, after this time.
    Closed(Duration),
    /// The response was not complete within this time.
    Silent(Duration),
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The length of the body, in bytes.
    pub bytes: usize,
    /// The beginning of the body, at most [`KEPT`] bytes.
    pub body: Vec<u8>,
    /// The time from the start of the connection to the last byte.
    pub after: Duration,
}

impl Reply {
    /// The time from the start of the connection to the end of the request.
    pub fn after(&self) -> Duration {
        match self {
            Self::Answered(answer) => answer.after,
            Self::Closed(after) | Self::Silent(after) => *after,
        }
    }

    /// The response, if there was one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Closed(_) | Self::Silent(_) => None,
        }
    }

    /// The status code of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    /// The codes of the GraphQL errors in the response.
    pub fn codes(&self) -> BTreeSet<String> {
        self.answer().map(Answer::codes).unwrap_or_default()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(answer) => {
                write!(f, "{}", answer.status)?;
                answer.codes().iter().try_for_each(|code| write!(f, " {code}"))
            }
            Self::Closed(_) => f.write_str("closed"),
            Self::Silent(after) => write!(f, "nothing in {} s", after.as_secs()),
        }
    }
}

impl Answer {
    /// The body as JSON. It is null when the body is no JSON, or longer than [`KEPT`].
    pub fn json(&self) -> Value {
        if self.bytes > self.body.len() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The GraphQL errors in the body.
    pub fn errors(&self) -> Vec<Value> {
        self.json().get_mut("errors").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default()
    }

    fn codes(&self) -> BTreeSet<String> {
        let code = |error: &Value| error["extensions"]["code"].as_str().unwrap_or("no code").to_owned();
        self.errors().iter().map(code).collect()
    }
}

/// Connects to the server from the address `from` of this machine.
pub async fn connect(port: u16, from: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends one request on a new connection and reads the complete response, within the time `within`.
pub async fn exchange(port: u16, from: Ipv4Addr, request: Outgoing, within: Duration) -> Reply {
    let start = Instant::now();
    match timeout(within, attempt(port, from, request, start)).await {
        Ok(Ok(answer)) => Reply::Answered(answer),
        Ok(Err(_)) => Reply::Closed(start.elapsed()),
        Err(_) => Reply::Silent(within),
    }
}

async fn attempt(port: u16, from: Ipv4Addr, request: Outgoing, start: Instant) -> Result<Answer> {
    let stream = connect(port, from).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Dropping this at the end of the function closes the connection.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let mut response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let (mut bytes, mut body) = (0, Vec::new());
    while let Some(frame) = response.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        bytes += data.len();
        body.extend_from_slice(&data[..data.len().min(KEPT.saturating_sub(body.len()))]);
    }
    Ok(Answer { status, bytes, body, after: start.elapsed() })
}

pub fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Outgoing> {
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.body(Full::new(body.into()))?)
}

/// A POST to `/graphql` with this operation.
pub fn graphql(authorization: &str, query: &str, variables: &Value) -> Result<Outgoing> {
    json_post(authorization, json!({"query": query, "variables": variables}).to_string())
}

/// A POST to `/graphql` with any text as body. Its content type says JSON, even if the text is none.
pub fn json_post(authorization: &str, body: String) -> Result<Outgoing> {
    let headers = [
        ("authorization", authorization),
        ("content-type", "application/json"),
        ("accept", "application/graphql-response+json"),
    ];
    request("POST", "/graphql", &headers, body)
}
