//! A WebSocket client that can break the rules: it writes frames by hand, so that it can send invalid and incomplete
//! ones.

use std::{
    fmt, io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, time::timeout};

use super::wire::Wire;
use crate::http::find;

/// The opcodes of frames (RFC 6455, section 5.2).
pub const TEXT: u8 = 0x1;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;

/// A WebSocket after the upgrade.
pub struct Socket {
    /// The connection, with which an attack can send bytes that are no complete frame.
    pub wire: Wire,
    opened: Instant,
    buffer: Vec<u8>,
}

/// How a WebSocket ended.
#[derive(Debug)]
pub struct Ended {
    /// The code of the server's close frame; 1005 when the frame has none.
    pub code: Option<u16>,
    /// Whether the server closed the connection.
    pub closed: bool,
    /// The time from the upgrade to the end.
    pub after: Duration,
    /// The complete text messages that were received, at most 1,000.
    pub texts: Vec<String>,
}

impl Socket {
    /// Opens a connection and upgrades it to a WebSocket with the subprotocol of GraphQL.
    pub async fn open(port: u16, from: Ipv4Addr) -> io::Result<Self> {
        Self::upgrade(port, from, "sec-websocket-protocol: graphql-transport-ws\r\n").await
    }

    /// The same as [`Socket::open`], with these headers instead of the subprotocol.
    pub async fn upgrade(port: u16, from: Ipv4Addr, headers: &str) -> io::Result<Self> {
        let mut wire = Wire::open(port, from).await?;
        let head = format!(
            "GET /graphql/ws HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        wire.send(head.as_bytes()).await;
        let heard = wire.read_until(b"\r\n\r\n").await?;
        if !heard.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other(String::from_utf8_lossy(&heard).into_owned()));
        }
        let end = find(&heard, b"\r\n\r\n").unwrap_or(0) + 4;
        Ok(Self { wire, opened: Instant::now(), buffer: heard[end..].to_vec() })
    }

    /// Opens a WebSocket and authenticates.
    pub async fn ready(port: u16, from: Ipv4Addr, authorization: &str) -> io::Result<Self> {
        let mut socket = Self::open(port, from).await?;
        socket.text(&json!({"type": "connection_init", "payload": {"authorization": authorization}})).await;
        match socket.read_text(Duration::from_secs(5)).await {
            Some(text) if text.contains("connection_ack") => Ok(socket),
            other => Err(io::Error::other(format!("no acknowledgement: {other:?}"))),
        }
    }

    /// Sends a text message. `false`: see [`Wire::send`].
    pub async fn text(&mut self, message: &Value) -> bool {
        self.wire.send(&frame(TEXT, true, message.to_string().as_bytes())).await
    }

    /// Starts an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str) -> bool {
        self.text(&json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await
    }

    /// Reads the next text message. `None`: the WebSocket was closed, or no message came within this time.
    pub async fn read_text(&mut self, within: Duration) -> Option<String> {
        timeout(within, async {
            loop {
                match self.next_frame().await? {
                    (TEXT, text) => return Some(String::from_utf8_lossy(&text).into_owned()),
                    (CLOSE, _) => return None,
                    _ => {}
                }
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Reads until the server closes the connection, or until `patience` has passed since the upgrade.
    pub async fn read_to_end(mut self, patience: Duration) -> Ended {
        let (mut code, mut texts) = (None, Vec::new());
        let left = patience.saturating_sub(self.opened.elapsed());
        let read = async {
            while let Some((kind, payload)) = self.next_frame().await {
                match (kind, payload.as_slice()) {
                    (CLOSE, [high, low, ..]) => code = Some(u16::from_be_bytes([*high, *low])),
                    (CLOSE, _) => code = Some(1005),
                    (TEXT, text) if texts.len() < 1_000 => {
                        texts.push(String::from_utf8_lossy(text).into_owned())
                    }
                    _ => {}
                }
            }
        };
        let closed = timeout(left, read).await.is_ok();
        Ended { code, closed, after: self.opened.elapsed(), texts }
    }

    /// Reads a complete frame: its opcode and its payload. `None`: the connection has ended.
    async fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((kind, from, to)) = parse(&self.buffer)
                && self.buffer.len() >= to
            {
                let payload = self.buffer[from..to].to_vec();
                self.buffer.drain(..to);
                return Some((kind, payload));
            }
            if self.wire.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}

/// The opcode of the frame at the start of `buffer`, and the begin and end of its payload. Frames of a server have no
/// mask.
fn parse(buffer: &[u8]) -> Option<(u8, usize, usize)> {
    let (kind, short) = (buffer.first()? & 0x0f, usize::from(buffer.get(1)? & 0x7f));
    let (from, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, short),
    };
    Some((kind, from, from + length))
}

/// The header of a frame of a client. Its mask is zero.
pub fn frame_head(kind: u8, last: bool, length: u64) -> Vec<u8> {
    let mut bytes = vec![if last { 0x80 | kind } else { kind }];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < 126 => bytes.push(0x80 | length),
        (_, Ok(length)) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes
}

/// A complete frame of a client.
pub fn frame(kind: u8, last: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame_head(kind, last, payload.len() as u64);
    bytes.extend(payload);
    bytes
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.closed) {
            (Some(code), true) => write!(f, "close {code}"),
            (Some(code), false) => write!(f, "close {code}, still open"),
            (None, true) => f.write_str("closed without a code"),
            (None, false) => f.write_str("still open"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_three_forms_of_length() {
        for (length, head) in [(5, 6), (300, 8), (70_000, 14)] {
            let written = frame(TEXT, true, &vec![b'x'; length]);
            assert_eq!(written.len(), head + length);
            // Remove the mask, as in a frame of a server.
            let mut served = written.clone();
            served[1] &= 0x7f;
            served.drain(head - 4..head);
            assert_eq!(parse(&served), Some((TEXT, head - 4, head - 4 + length)));
        }
        assert_eq!(parse(&[0x81]), None);
    }
}
