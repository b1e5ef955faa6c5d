//! The phases of a connection, the rank in which each is closed for another connection, and the reasons to end it.
//!
//! `eviction_rank` is `None` for a connection that is never closed for another one.

/// What a connection is doing or waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// The server waits for the rest of a request's head: since the connection was accepted, or since the first byte of
    /// a later request.
    Head,
    /// The server has received the head of a request and waits for its body.
    Body,
    /// The server works on a request or sends its response.
    Responding,
    /// The last request is answered, and the client has not begun another one.
    Idle,
    /// The connection is a WebSocket whose client has not authenticated yet.
    Opening,
    /// The connection is a WebSocket whose client has authenticated.
    Socket,
    /// The server has sent everything. It reads and discards the bytes that the client still sends.
    Lingering,
}

impl Phase {
    pub(super) const ALL: [Self; 7] =
        [Self::Head, Self::Body, Self::Responding, Self::Idle, Self::Opening, Self::Socket, Self::Lingering];

    /// The rank in which connections are closed to make room for a new one; the lowest is closed first. `None`: a
    /// connection in this phase is never closed for that reason.
    pub(super) fn eviction_rank(self) -> Option<u8> {
        match self {
            Self::Lingering => Some(0),
            Self::Head | Self::Opening => Some(1),
            Self::Idle => Some(2),
            Self::Body => Some(3),
            Self::Responding | Self::Socket => None,
        }
    }
}

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub(super) enum End {
    #[error("the head of a request did not come in time")]
    HeaderTimeout = 1,
    #[error("no further request came in time")]
    IdleTimeout,
    #[error("the client does not read")]
    WriteTimeout,
    /// The server has read on after its response for [`LINGER`](super::limits::LINGER).
    #[error("the client did not close in time")]
    Lingered,
    /// Another connection needs its slot or its memory.
    #[error("its place was needed")]
    Evicted,
    #[error("the server stops")]
    Stopped,
}

impl End {
    pub(super) const ALL: [Self; 6] = [
        Self::HeaderTimeout,
        Self::IdleTimeout,
        Self::WriteTimeout,
        Self::Lingered,
        Self::Evicted,
        Self::Stopped,
    ];
}
