//! A TCP client that can break every rule of HTTP: it sends any bytes, at any speed, and records how the connection
//! ends.

use std::{
    fmt, io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant as TokioInstant, sleep_until, timeout},
};

use super::client::connect;
use crate::http::find;

/// One connection to the server.
pub struct Wire {
    pub stream: TcpStream,
    opened: Instant,
    heard: Vec<u8>,
}

/// How a connection ended, or what was received when the client stopped waiting.
#[derive(Debug)]
pub struct ConnectionEnd {
    /// The status code of the first response.
    pub status: Option<u16>,
    /// Whether the server closed the connection.
    pub closed: bool,
    /// The time from the opening to the end.
    pub after: Duration,
}

/// The most bytes that are stored of what the server sends.
const KEPT: usize = 64 * 1024;

impl Wire {
    /// Opens a connection from the address `from`, within 5 s.
    pub async fn open(port: u16, from: Ipv4Addr) -> io::Result<Self> {
        let opened = Instant::now();
        let stream = timeout(Duration::from_secs(5), connect(port, from))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        Ok(Self { stream, opened, heard: Vec::new() })
    }

    /// Sends bytes. `false`: the server has not taken all of them within 5 s, or it has closed the connection. Then
    /// [`Wire::read_to_end`] returns how it ended.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        matches!(timeout(Duration::from_secs(5), self.stream.write_all(bytes)).await, Ok(Ok(())))
    }

    /// Closes the sending side of the connection. Does nothing if the server has closed the connection already.
    pub async fn finish(&mut self) {
        self.stream.shutdown().await.ok();
    }

    /// Reads until the server closes the connection, or until `patience` has passed since the opening.
    pub async fn read_to_end(self, patience: Duration) -> ConnectionEnd {
        self.drip(b"", Duration::from_secs(3600), patience).await
    }

    /// Sends the same bytes again and again, with a pause of `every`, and reads, until the server closes the connection
    /// or until `patience` has passed since the opening.
    pub async fn drip(mut self, drop: &[u8], every: Duration, patience: Duration) -> ConnectionEnd {
        let until = TokioInstant::from_std(self.opened + patience);
        let mut buffer = vec![0; 16 * 1024];
        let mut next = TokioInstant::now() + every;
        let (mut reader, mut writer) = self.stream.split();
        let closed = loop {
            tokio::select! {
                read = reader.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => break true,
                    Ok(count) => {
                        let room = KEPT.saturating_sub(self.heard.len()).min(count);
                        self.heard.extend_from_slice(&buffer[..room]);
                    }
                },
                () = sleep_until(next) => {
                    next += every;
                    if writer.write_all(drop).await.is_err() {
                        break true;
                    }
                }
                () = sleep_until(until) => break false,
            }
        };
        let after = self.opened.elapsed();
        ConnectionEnd { status: status(&self.heard), closed, after }
    }

    /// Reads until `needle` was received, within 5 s. The received bytes also stay in the buffer for
    /// [`Wire::read_to_end`].
    pub async fn read_until(&mut self, needle: &[u8]) -> io::Result<Vec<u8>> {
        let read = async {
            while find(&self.heard, needle).is_none() {
                if self.stream.read_buf(&mut self.heard).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(self.heard.clone())
        };
        timeout(Duration::from_secs(5), read).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Opens a connection, sends bytes, and waits for the end as [`Wire::read_to_end`] does.
pub async fn send_and_read(port: u16, from: Ipv4Addr, bytes: &[u8], patience: Duration) -> ConnectionEnd {
    match Wire::open(port, from).await {
        Ok(mut wire) => {
            wire.send(bytes).await;
            wire.read_to_end(patience).await
        }
        Err(_) => ConnectionEnd::refused(),
    }
}

impl ConnectionEnd {
    /// The result for a connection that could not be opened.
    pub fn refused() -> Self {
        Self { status: None, closed: true, after: Duration::ZERO }
    }
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(status) = self.status {
            write!(f, "{status}, ")?;
        }
        if self.closed { f.write_str("closed") } else { f.write_str("still open") }
    }
}

fn status(heard: &[u8]) -> Option<u16> {
    let rest = heard.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(rest).ok()?.parse().ok()
}
