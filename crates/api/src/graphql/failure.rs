//! The GraphQL type of a failed attempt to process a webhook or to send a notification.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use persistence::failures::Failure;

/// A failed attempt to process a webhook or to send a notification.
#[derive(SimpleObject)]
pub struct AttemptFailure {
    /// The number of the attempt, counted from 1.
    attempt: i32,
    /// When it failed, by Milepost's clock.
    failed_at: DateTime<Utc>,
    /// What went wrong, for people. For a notification these are usually the words of the mail server.
    error: String,
    /// Whether another attempt could succeed. If false, Milepost makes no further attempt by itself.
    retryable: bool,
}

impl From<Failure> for AttemptFailure {
    fn from(failure: Failure) -> Self {
        let Failure { attempt, at, error, retryable } = failure;
        Self { attempt, failed_at: at, error, retryable }
    }
}
