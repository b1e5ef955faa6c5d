//! Errors of the use cases. `api` turns them into answers, and tells a client by `retryable` whether to send the
//! request again. The webhook job of `worker` decides by `retryable` whether to try again later. `isolate` is told by
//! `may_succeed_alone` whether to split a batch. `is_too_many_rows` lets `api` answer that a query asks for too much.

use domain::Refusal;

use crate::retry::may_succeed_alone;

/// Why a use case was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The domain refused the request. This is an answer, not a failure.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The idempotency key was used before for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The customer has placed as many orders within a minute as the merchant allows.
    #[error("{per_minute} orders a minute are the most for one customer: try again in {retry_after} s")]
    TooManyOrders {
        /// The merchant's limit.
        per_minute: u32,
        /// Seconds until the customer may place the next order.
        retry_after: u32,
    },
    /// The database failed. The request may or may not have been carried out.
    #[error("the request could not be carried out")]
    Failed(#[source] std::sync::Arc<persistence::Error>),
    /// The batch of the request panicked. Its open transaction was rolled back.
    #[error("the request was broken off")]
    BrokenOff,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<persistence::Error> for Error {
    fn from(error: persistence::Error) -> Self {
        Self::Failed(std::sync::Arc::new(error))
    }
}

impl Error {
    /// Whether a read failed because it would return too many rows.
    pub fn is_too_many_rows(&self) -> bool {
        match self {
            Self::Failed(error) => matches!(**error, persistence::Error::TooManyRows { .. }),
            Self::Refused(_)
            | Self::KeyReused
            | Self::TooManyOrders { .. }
            | Self::BrokenOff
            | Self::Stopping => false,
        }
    }

    /// Whether the members of a failed batch should be tried alone, because one of them may be the cause.
    pub fn may_succeed_alone(&self) -> bool {
        match self {
            Self::Failed(error) => may_succeed_alone(error),
            Self::Refused(_) | Self::KeyReused | Self::TooManyOrders { .. } | Self::BrokenOff => true,
            Self::Stopping => false,
        }
    }

    /// Whether the same request may succeed when it is sent again.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Refused(_) | Self::KeyReused | Self::TooManyOrders { .. } => false,
            Self::Failed(error) => match &**error {
                persistence::Error::CommitUnknown(_) => true,
                error => error.retryable(),
            },
            Self::BrokenOff => false,
            Self::Stopping => true,
        }
    }
}
