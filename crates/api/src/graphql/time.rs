//! Checks whether a time can be stored in both databases.

use chrono::{DateTime, Datelike, Utc};

/// Returns the time, if both databases can store it.
///
/// # Errors
/// A message that says what is needed instead.
pub(super) fn check_plausible(at: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    match (1..=9999).contains(&at.year()) {
        true => Ok(at),
        false => Err("a year from 1 to 9999 is needed"),
    }
}
