//! What can come of a mail that did not surely leave.

use super::mask;

/// Why a mail did not, or not surely, leave. The reason holds the server's words and the step they answer;
/// the recipient's address in it is masked, so it may be kept and logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not accepted, and later it may be: the server is away, busy, greylisting, or our settings are wrong
    /// (login, TLS, sender). The mail waits.
    #[error("the mail could not leave yet: {reason}")]
    Transient {
        /// The step and the server's words.
        reason: String,
    },
    /// Refused for good: no such recipient, no valid address, content refused (5xx).
    #[error("the mail was refused for good: {reason}")]
    Permanent {
        /// The step and the server's words.
        reason: String,
    },
    /// The content was handed over and no answer came: the mail may have been accepted.
    #[error("the mail may have been accepted: {reason}")]
    Unknown {
        /// What happened instead of an answer.
        reason: String,
    },
}

impl SendError {
    /// Whether to send the mail again. An unknown outcome is retried, as mail servers do among themselves
    /// (RFC 5321, 4.5.4.1): a second copy with the same `Message-ID` is better than none. `app::notifications` bounds
    /// how often.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Transient { .. } | Self::Unknown { .. } => true,
            Self::Permanent { .. } => false,
        }
    }

    /// The step and the server's words, without a verdict.
    pub fn reason(&self) -> &str {
        match self {
            Self::Transient { reason } | Self::Permanent { reason } | Self::Unknown { reason } => reason,
        }
    }

    /// The same with this address masked: servers like to repeat it.
    pub(super) fn masking(mut self, address: &str) -> Self {
        let (Self::Transient { reason } | Self::Permanent { reason } | Self::Unknown { reason }) = &mut self;
        if !address.is_empty() {
            *reason = reason.replace(address, &mask(address));
        }
        self
    }
}
