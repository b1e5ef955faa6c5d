//! Parses single values: of story files (`story::file`), of arguments of `milepost scan`, and of `scan::run`. All
//! functions are pure. `Err` is the problem as text, without a place: the caller adds the place in the file, or the
//! argument.
//!
//! - Names (a status, a sender …): the error suggests the nearest known name, or lists all names.
//! - `parse_meaning` accepts statuses and conditions only. Other meanings are an error, because a story does not report
//!   them.
//! - Times: `begin` is the beginning of the play. `-26h` and `+0s` count from it; RFC 3339 with an offset stands for
//!   itself.
//! - `require_non_blank` returns the text unchanged. `parse_tracking_number` returns it as Milepost stores it.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use console::{duration::parse_duration, suggest_name};
use domain::{Carrier, MAX_TRACKING_NUMBER, Meaning, OrderStatus, ShipmentStatus, TrackingNumber};

use crate::story::Tampering;

/// Parses a shipment status or a condition.
pub fn parse_meaning(text: &str) -> Result<Meaning, String> {
    let told = |meaning: &Meaning| match meaning {
        Meaning::Status(_) | Meaning::Condition(_) => true,
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => false,
    };
    let names: Vec<_> = Meaning::all().filter(told).map(Meaning::as_str).collect();
    let found = Meaning::all().filter(told).find(|meaning| meaning.as_str() == text);
    found.ok_or_else(|| {
        format!("`{text}` is no status or condition of a parcel; {}", suggest_name(text, &names))
    })
}

pub(crate) fn parse_shipment_status(text: &str) -> Result<ShipmentStatus, String> {
    parse_name(text, "status of a parcel", &ShipmentStatus::ALL.map(ShipmentStatus::as_str))
}

pub(crate) fn parse_order_status(text: &str) -> Result<OrderStatus, String> {
    parse_name(text, "status of an order", &OrderStatus::ALL.map(OrderStatus::as_str))
}

/// Parses the name of a sender.
pub fn parse_sender(text: &str) -> Result<carriers::Sender, String> {
    parse_name(text, "sender of webhooks", &carriers::Sender::ALL.map(carriers::Sender::as_str))
}

pub(crate) fn parse_carrier(text: &str) -> Result<Carrier, String> {
    Carrier::parse(text).map_err(|error| format!("`{text}`: {error}"))
}

pub(crate) fn parse_tampering(text: &str) -> Result<Tampering, String> {
    parse_name(text, "forgery", &Tampering::ALL.map(Tampering::as_str))
}

/// Accepts any text that is not blank.
pub(crate) fn require_non_blank(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// Parses a tracking number into the form that Milepost stores.
pub(crate) fn parse_tracking_number(carrier: Carrier, text: &str) -> Result<String, String> {
    TrackingNumber::parse(carrier, text).map(|number| number.to_string()).map_err(|_| {
        format!(
            "`{text}` cannot be a tracking number: up to {MAX_TRACKING_NUMBER} letters and digits, and hyphens"
        )
    })
}

/// Parses a duration: a whole number and one unit of `s`, `m`, `h` and `d`, as in `90s`. At most 3650 days.
pub(crate) fn parse_time_span(text: &str) -> Result<TimeDelta, String> {
    parse_duration(text).map_err(|bad| bad.to_string())
}

/// Parses a time: relative to the beginning of the play, as in `-26h` or `+0s`, or absolute in RFC 3339 with an offset.
pub(crate) fn parse_moment(text: &str, begin: DateTime<Utc>) -> Result<DateTime<FixedOffset>, String> {
    let wrong = || {
        format!(
            "`{text}` is no time: neither from the beginning of the play, as in -26h, nor like 2026-01-15T07:02:09-05:00"
        )
    };
    let far = |text: &str| parse_time_span(text).map_err(|_no_span| wrong());
    match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(before), _) => Ok((begin - far(before)?).fixed_offset()),
        (None, Some(after)) => Ok((begin + far(after)?).fixed_offset()),
        (None, None) => DateTime::parse_from_rfc3339(text).map_err(|_no_time| wrong()),
    }
}

/// Parses a time like [`parse_moment`] that is not after the beginning of the play.
pub(crate) fn parse_past_moment(text: &str, begin: DateTime<Utc>) -> Result<DateTime<FixedOffset>, String> {
    let at = parse_moment(text, begin)?;
    if at > begin { Err(format!("`{text}` is after the beginning of the play")) } else { Ok(at) }
}

/// Parses a name. The error suggests the nearest known name, or lists all names.
fn parse_name<T: FromStr>(text: &str, kind: &str, known_names: &[&str]) -> Result<T, String> {
    text.parse().map_err(|_unknown| format!("`{text}` is no {kind}; {}", suggest_name(text, known_names)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_and_a_condition_are_found_by_their_names() {
        for text in ["delivered", "delivery_attempt_failed"] {
            assert_eq!(parse_meaning(text).map(Meaning::as_str), Ok(text));
        }
        let error = parse_meaning("deliverd").unwrap_err();
        assert_eq!(error, "`deliverd` is no status or condition of a parcel; did you mean delivered?");
        assert!(parse_meaning("unknown").unwrap_err().contains("; known are label_created, picked_up, "));
    }

    #[test]
    fn times_count_from_the_beginning_or_stand_for_themselves() {
        let begin: DateTime<Utc> = "2026-01-15T12:00:00Z".parse().unwrap();
        let read = |text| parse_moment(text, begin).map(|at| at.to_rfc3339());
        assert_eq!(read("-26h").as_deref(), Ok("2026-01-14T10:00:00+00:00"));
        assert_eq!(read("+0s").as_deref(), Ok("2026-01-15T12:00:00+00:00"));
        assert_eq!(read("2026-01-15T07:02:09-05:00").as_deref(), Ok("2026-01-15T07:02:09-05:00"));
        for wrong in ["", "26h", "--1h", "yesterday", "2026-01-15T07:02:09"] {
            assert!(read(wrong).unwrap_err().starts_with(&format!("`{wrong}` is no time")), "{wrong}");
        }
    }
}
