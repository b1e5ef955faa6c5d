//! What a use case may answer instead of what was asked for.

use domain::Refusal;

/// Why something was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It was understood and not granted: an answer, not a failure.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The idempotency key was used before, for something else.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// A customer has placed as many orders within a minute as the merchant allows.
    #[error("{per_minute} orders a minute are the most for one customer: try again in {retry_after} s")]
    TooManyOrders {
        /// The setting.
        per_minute: u32,
        /// Seconds until the next order may be placed.
        retry_after: u32,
    },
    /// The database failed; the request may have been carried out or not.
    #[error("the request could not be carried out")]
    Failed(#[source] std::sync::Arc<persistence::Error>),
    /// The work did not come to its end; what it wrote was taken back.
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
    /// Whether a read was refused because it would return too many rows.
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

    /// Whether the same request may succeed if it is made again.
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
