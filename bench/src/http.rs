//! A minimal HTTP/1.1 client: one connection that stays open, and one request after the other.
//!
//! A general client would use too much of the processors, which the measured server needs.

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response. It is valid until the next request, because its body is in the connection's buffer.
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    /// Connects to a server on this machine.
    pub async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a complete request, as it goes over the wire, and reads the complete response.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            self.read_more().await?;
        };
        let (status, length) = read_head(&self.buffer[..head])?;
        let (from, to) = (head + 4, head + 4 + length);
        while self.buffer.len() < to {
            self.read_more().await?;
        }
        Ok(Answer { status, body: &self.buffer[from..to] })
    }

    async fn read_more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// Reads the status code and the length of the body from the head of a response.
pub fn read_head(head: &[u8]) -> Result<(u16, usize)> {
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).context("an answer without a status")?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without a content-length")?;
    Ok((status.parse()?, length.1.trim().parse()?))
}

/// Writes a `POST` of JSON with these further headers, as it goes over the wire.
pub fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    request
}

/// The position of `needle` in `haystack`. `needle` must not be empty.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_and_an_answer_read() {
        let request = post("/x", &[("a", "b")], b"{}");
        let text = String::from_utf8(request).unwrap();
        assert!(text.starts_with("POST /x HTTP/1.1\r\n"));
        assert!(text.ends_with("content-length: 2\r\na: b\r\n\r\n{}"));
        assert_eq!(read_head(b"HTTP/1.1 200 OK\r\nContent-Length: 17").unwrap(), (200, 17));
        assert!(read_head(b"HTTP/1.1 200 OK").is_err());
    }
}
