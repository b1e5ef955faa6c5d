//! The limits of the HTTP listener, and how many open files they need.

use std::time::Duration;

/// The limits of one listener. The defaults are safe on the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// How long the head of a request may take: from the accept, or from the first byte of a later request.
    pub header_timeout: Duration,
    /// How long the body of a request may take, from the end of the head.
    pub body_timeout: Duration,
    /// How long a connection may be idle between two requests.
    pub idle_timeout: Duration,
    /// How long a client that does not keep up may take to read the next 64 KiB.
    pub write_timeout: Duration,
    /// The most connections in total, WebSockets included.
    pub connections: usize,
    /// The most connections of one address on which no request is being answered.
    pub connections_per_address: usize,
    /// The most WebSockets in total.
    pub sockets: usize,
    /// The most bytes of request bodies and WebSocket messages at one time. The first [`FREE_BODY`] bytes of each body,
    /// or of a WebSocket's messages together, are not counted.
    pub body_memory: usize,
    /// The most bytes of responses that wait at one time for clients to read them. The first [`FREE_RESPONSE`] bytes of
    /// each are not counted. The results on WebSockets have a second budget of the same size.
    pub response_memory: usize,
}

/// The first bytes of each body. They are always accepted, because the number of connections limits their sum.
pub(super) const FREE_BODY: usize = 16 * 1024;
/// The first bytes of each response. They are always accepted.
pub(super) const FREE_RESPONSE: usize = 64 * 1024;
/// The first bytes of each result that waits for a WebSocket client. They are always accepted.
pub(super) const FREE_RESULT: usize = 4 * 1024;
/// The largest head of a request, in bytes.
pub(super) const MAX_HEAD: usize = 32 * 1024;
/// The size of the read buffer, and of the write buffer, of one connection, in bytes.
pub(super) const MAX_BUFFER: usize = 64 * 1024;
/// The most bytes of a connection's output that the system buffers before the network takes them. Without this limit,
/// 200 clients that do not read make the process copy hundreds of MiB into the system's memory. Connections inherit it
/// from the listener.
#[cfg(target_os = "linux")]
pub(super) const MAX_UNSENT: u32 = 128 * 1024;
/// Connections beyond [`HttpLimits::connections`], on which only health checks are answered.
pub(super) const RESERVED: usize = 64;
/// How long the server reads on after a response that it sent before it had read the whole request. If it closed at
/// once, the client's system could discard the response.
pub(super) const LINGER: Duration = Duration::from_secs(2);
/// Open files that the process needs besides its HTTP connections: databases, Redis, mails, logs.
const OTHER_FILES: usize = 256;

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(20),
            connections: 2_000,
            connections_per_address: 500,
            sockets: 1_000,
            body_memory: 32 * 1024 * 1024,
            response_memory: 64 * 1024 * 1024,
        }
    }
}

impl HttpLimits {
    /// The number of open files that a process with these limits needs.
    pub fn files(&self) -> usize {
        self.connections + RESERVED + OTHER_FILES
    }

    /// The same limits, with no more connections than this number of open files allows.
    #[must_use]
    pub fn within_files(self, files: usize) -> Self {
        let most = files.saturating_sub(RESERVED + OTHER_FILES).max(1);
        Self { connections: self.connections.min(most), ..self }
    }

    /// The time between two checks of the timeouts: a tenth of the shortest one, from 5 ms to 250 ms.
    pub(super) fn sweep_every(&self) -> Duration {
        let timeouts = [self.header_timeout, self.idle_timeout, self.write_timeout];
        let shortest = timeouts.into_iter().min().unwrap_or_default();
        (shortest / 10).clamp(Duration::from_millis(5), Duration::from_millis(250))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_mean_fewer_connections() {
        let limits = HttpLimits::default();
        assert_eq!(limits.within_files(limits.files()), limits);
        assert_eq!(limits.within_files(limits.files() - 1).connections, limits.connections - 1);
        assert_eq!(limits.within_files(1_024).connections, 704);
        assert_eq!(limits.within_files(0).connections, 1);
    }
}
