//! The reasons for which the server closes a WebSocket, with their close codes.

use axum::extract::ws::CloseFrame;

use crate::auth::AuthError;

/// Why the server closes a connection. The messages are the reasons in close frames. Where the protocol's reference
/// server has a message for the case, it is the same.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Close {
    #[error("The server is stopping")]
    Stopping,
    #[error("{0}")]
    Violation(String),
    #[error("A text message is not UTF-8")]
    NotText,
    #[error("The message is too large")]
    TooLarge,
    #[error("Too many sockets or messages, try again later")]
    Busy,
    #[error("Invalid message: {0}")]
    InvalidMessage(String),
    #[error("Unauthorized")]
    Unauthorized,
    #[error("Forbidden: {0}")]
    Forbidden(AuthError),
    #[error("Subprotocol not acceptable")]
    Subprotocol,
    #[error("Connection initialisation timeout")]
    InitTimeout,
    #[error("Subscriber for {0} already exists")]
    IdInUse(String),
    #[error("Too many initialisation requests")]
    TooManyInit,
    #[error("A message did not come in time")]
    MessageTimeout,
    #[error("The client reads too slowly")]
    TooSlow,
    #[error("No sign of life")]
    Silent,
}

impl Close {
    /// The maximum length of the reason in a close frame, in bytes (RFC 6455, section 5.5).
    pub(super) const MAX_REASON_BYTES: usize = 123;

    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Stopping => 1001,
            Self::Violation(_) => 1002,
            Self::NotText => 1007,
            Self::TooLarge => 1009,
            Self::Busy => 1013,
            Self::InvalidMessage(_) => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden(_) => 4403,
            Self::Subprotocol => 4406,
            Self::InitTimeout => 4408,
            Self::IdInUse(_) => 4409,
            Self::TooManyInit => 4429,
            Self::MessageTimeout => 4497,
            Self::TooSlow => 4498,
            Self::Silent => 4499,
        }
    }

    /// The close frame, with the reason cut to [`Self::MAX_REASON_BYTES`].
    pub(in super::super) fn frame(&self) -> CloseFrame {
        let mut reason = self.to_string();
        reason.truncate(reason.floor_char_boundary(Self::MAX_REASON_BYTES));
        CloseFrame { code: self.code(), reason: reason.into() }
    }
}
