//! The errors of sending a mail, by what they mean for a retry. `smtp` and `mailer` make them, the notification job
//! turns the variant into an outcome for `app::notifications`, and stores the text. `mailer` masks the recipient's
//! address in each. `milepost check` prints the `reason`; only tests ask `retryable`.

use super::mask_address;

/// Why a mail was not sent, or may not have been sent. The reason contains the step and the server's answer. The
/// recipient's address in it is masked, so it may be stored and logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not accepted now, a retry may succeed: the server is down, busy or greylisting, or our settings are wrong
    /// (login, TLS, sender). The mail waits.
    #[error("the mail could not leave yet: {reason}")]
    Transient {
        /// The step and the server's answer.
        reason: String,
    },
    /// Refused permanently: no such recipient, an invalid address, or content that the server refuses (5xx).
    #[error("the mail was refused for good: {reason}")]
    Permanent {
        /// The step and the server's answer.
        reason: String,
    },
    /// The content was sent and no answer was received: the mail may have been accepted.
    #[error("the mail may have been accepted: {reason}")]
    Unknown {
        /// A description of what happened instead of an answer.
        reason: String,
    },
}

impl SendError {
    /// Whether to send the mail again. An unknown outcome is retried, as mail servers do among themselves (RFC 5321,
    /// 4.5.4.1): a second copy with the same `Message-ID` is better than none. `app::notifications` limits how often.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Transient { .. } | Self::Unknown { .. } => true,
            Self::Permanent { .. } => false,
        }
    }

    /// The step and the server's answer.
    pub fn reason(&self) -> &str {
        match self {
            Self::Transient { reason } | Self::Permanent { reason } | Self::Unknown { reason } => reason,
        }
    }

    /// The same error with this address masked. Servers often repeat the address in their answer.
    pub(super) fn mask_address(mut self, address: &str) -> Self {
        let (Self::Transient { reason } | Self::Permanent { reason } | Self::Unknown { reason }) = &mut self;
        if !address.is_empty() {
            *reason = reason.replace(address, &mask_address(address));
        }
        self
    }
}
