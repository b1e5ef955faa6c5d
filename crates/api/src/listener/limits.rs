//! The bounds of the HTTP listener, and how many files they need.

use std::time::Duration;

/// The bounds of one listener. The defaults are safe on the open internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// From the accepted connection, or from the first byte of a later request, to the end of its head.
    pub header_timeout: Duration,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// Between two requests on one connection.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub write_timeout: Duration,
    /// Connections in all, WebSockets included.
    pub connections: usize,
    /// Connections of one address on which no request is being answered.
    pub connections_per_address: usize,
    /// WebSockets in all.
    pub sockets: usize,
    /// Bytes of request bodies and WebSocket messages that are held at once, beyond [`FREE_BODY`] for each.
    pub body_memory: usize,
    /// Bytes of large answers that are held at once until their clients have read them, beyond [`FREE_ANSWER`] for
    /// each; as many again for results on WebSockets.
    pub answer_memory: usize,
}

/// The first bytes of each body, which are always accepted: the number of connections bounds their sum.
pub(super) const FREE_BODY: usize = 16 * 1024;
/// The first bytes of each answer, which are always accepted.
pub(super) const FREE_ANSWER: usize = 64 * 1024;
/// The first bytes of each result that waits for a WebSocket client, which are always accepted.
pub(super) const FREE_RESULT: usize = 4 * 1024;
/// The largest head of a request, in bytes.
pub(super) const MAX_HEAD: usize = 32 * 1024;
/// The read and write buffer of one connection, in bytes.
pub(super) const MAX_BUFFER: usize = 64 * 1024;
/// What the system buffers of a connection's output before the network takes it, in bytes. Without this bound 200 clients
/// that do not read make the process copy hundreds of MiB into the system's memory. Connections inherit it from the
/// listener.
#[cfg(target_os = "linux")]
pub(super) const MAX_UNSENT: u32 = 128 * 1024;
/// Connections beyond [`HttpLimits::connections`], on which only questions about health are answered.
pub(super) const RESERVED: usize = 64;
/// How long a connection is read to its end after an answer that did not wait for the whole request: closed at
/// once, the client's system could discard the answer.
pub(super) const LINGER: Duration = Duration::from_secs(2);
/// Files that the process needs besides those of HTTP connections: databases, Redis, mails, logs.
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
            answer_memory: 64 * 1024 * 1024,
        }
    }
}

impl HttpLimits {
    /// How many open files a process with these limits needs.
    pub fn files(&self) -> usize {
        self.connections + RESERVED + OTHER_FILES
    }

    /// The same limits with no more connections than so many open files allow.
    #[must_use]
    pub fn within_files(self, files: usize) -> Self {
        let most = files.saturating_sub(RESERVED + OTHER_FILES).max(1);
        Self { connections: self.connections.min(most), ..self }
    }

    /// How often the deadlines are looked at.
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
