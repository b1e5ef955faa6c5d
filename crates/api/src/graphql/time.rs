//! Times that both databases can hold.

use chrono::{DateTime, Datelike, Utc};

use super::input::Time;

/// What is said of a time that is none.
const NO_TIME: &str = "a time with an offset is needed, as in 2026-01-15T07:02:09-05:00";

/// The time that was sent.
///
/// # Errors
/// What is needed, in words, of what is no time or one that no record can have.
pub(super) fn read(sent: &Time) -> Result<DateTime<Utc>, &'static str> {
    sent.get().ok_or(NO_TIME).and_then(plausible)
}

/// The time itself.
///
/// # Errors
/// What is needed, in words, of a time that no record can have.
pub(super) fn plausible(at: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    match (1..=9999).contains(&at.year()) {
        true => Ok(at),
        false => Err("a year from 1 to 9999 is needed"),
    }
}
