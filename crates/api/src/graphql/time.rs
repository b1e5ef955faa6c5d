//! Times that both databases can hold.

use chrono::{DateTime, Datelike, Utc};

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
