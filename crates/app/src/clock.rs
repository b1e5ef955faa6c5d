//! The source of the current time. All code asks it, so that tests can set the time. `milepost` passes the machine's
//! clock to all parts of a process. Only tests call `fixed` and `advance`.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// A clock: the machine's, or a test's.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A test's clock. It does not move by itself.
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A test's clock, set to `at`.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self::Fixed(Arc::new(Mutex::new(at)))
    }

    /// The current time, truncated to microseconds, the precision of both databases.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match self {
            Self::System => Utc::now(),
            Self::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    /// Moves a test's clock forward. Does nothing to the machine's clock.
    pub fn advance(&self, by: TimeDelta) {
        match self {
            Self::System => {}
            Self::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner) += by,
        }
    }
}
