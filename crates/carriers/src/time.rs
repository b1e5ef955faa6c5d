//! Parses carriers' times with distrust: only a time with a reliable offset becomes an instant.
//!
//! The sender modules call these functions, each with what is known about the sender:
//!
//! - The time of a scan: `parse_scan_time`, or one of its variants. The result is an instant, a local time, or
//!   `Untrusted` if the text is no time. `Parcel::into_scans` later replaces what is untrusted by the arrival of the
//!   webhook.
//! - The time of the push: `parse_instant`. `None` without an offset.
//! - An expected delivery: `parse_expected_date`. A date alone counts as noon UTC.
//! - `keep_plausible` is `None` for years before 1900 and after 9999. All parsers apply it.
//!
//! Times of scans and pushes are cut to microseconds.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, Utc};
use domain::CarrierTime;

/// The years that a scan can have. Other years are zero dates of other programs, or times that the database cannot
/// store.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// Parses an ISO 8601 time. With an offset it is an instant, without one a local time.
pub(crate) fn parse_scan_time(text: &str) -> CarrierTime {
    let local = || parse_local_time(text).map_or(CarrierTime::Untrusted, CarrierTime::Local);
    parse_instant(text).map_or_else(local, CarrierTime::Instant)
}

/// Parses a time with an offset, for times of the push itself.
pub(crate) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    parse_time_with_offset(text).map(|at| at.to_utc())
}

/// Like [`parse_scan_time`], for senders that write `Z` after times whose zone they do not know. They write a date
/// without a time as midnight `Z`, so that is a local time. Any other time with `Z` is accepted as an instant, although
/// it may be local too.
pub(crate) fn parse_scan_time_doubting_z(text: &str) -> CarrierTime {
    if ends_in_z(text) { parse_scan_time_unless_midnight(text) } else { parse_scan_time(text) }
}

/// Like [`parse_scan_time`], for senders whose `Z` says nothing: it is ignored.
pub(crate) fn parse_scan_time_ignoring_z(text: &str) -> CarrierTime {
    parse_scan_time(if ends_in_z(text) { &text[..text.len() - 1] } else { text })
}

/// The clock time that a text shows, as a local time, whatever its offset. For times that are not reliable.
pub(crate) fn parse_clock_only(text: &str) -> CarrierTime {
    let shown = parse_time_with_offset(text).map(|at| at.naive_local()).or_else(|| parse_local_time(text));
    shown.map_or(CarrierTime::Untrusted, CarrierTime::Local)
}

fn ends_in_z(text: &str) -> bool {
    text.ends_with(['Z', 'z'])
}

/// Like [`parse_scan_time`], for fields in which a date is written as midnight in some zone. Midnight is a local time
/// there.
pub(crate) fn parse_scan_time_unless_midnight(text: &str) -> CarrierTime {
    match parse_time_with_offset(text) {
        Some(at) if at.time() == NaiveTime::MIN => CarrierTime::Local(at.naive_local()),
        Some(_) | None => parse_scan_time(text),
    }
}

/// Parses the time of an expected delivery. Midnight in any zone, or a time without a zone, counts only as a date.
/// See [`noon_utc`].
pub(crate) fn parse_expected_date(text: &str) -> Option<DateTime<Utc>> {
    match parse_time_with_offset(text) {
        Some(at) if at.time() != NaiveTime::MIN => Some(at.to_utc()),
        Some(midnight) => noon_utc(midnight.date_naive()),
        None => noon_utc(text.get(..10)?.parse().ok()?),
    }
}

/// Converts a date to an instant: noon UTC, which falls on that date in nearly all zones.
pub(crate) fn noon_utc(date: NaiveDate) -> Option<DateTime<Utc>> {
    keep_plausible(date.and_hms_opt(12, 0, 0)?.and_utc())
}

/// Returns the instant if its year is plausible.
pub(crate) fn keep_plausible(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(at).filter(|at| YEARS.contains(&at.year()))
}

/// Parses a time with an offset. It is cut to microseconds, the precision of the database.
fn parse_time_with_offset(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M%z"))
        .ok()
        .map(|at| at.trunc_subsecs(6))
        .filter(|at| keep_plausible(at.to_utc()).is_some())
}

/// Parses a time without an offset, cut to microseconds. A date becomes its midnight.
fn parse_local_time(text: &str) -> Option<NaiveDateTime> {
    let clock = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let read = clock.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let read = read.or_else(|| Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN)));
    read.map(|at| at.trunc_subsecs(6)).filter(|at| keep_plausible(at.and_utc()).is_some())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A local time.
    pub(crate) fn local(text: &str) -> CarrierTime {
        CarrierTime::Local(text.parse().unwrap())
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_time_with_an_offset_is_an_instant() {
        let seven = CarrierTime::Instant(at("2026-01-15T12:02:00Z"));
        for text in [
            "2026-01-15T07:02:00-05:00",
            "2026-01-15T07:02:00.000-0500",
            "2026-01-15T07:02-05:00",
            "2026-01-15 07:02:00-05:00",
            "2026-01-15 07:02:00.000-0500",
            "2026-01-15 07:02-05:00",
        ] {
            assert_eq!(parse_scan_time(text), seven, "{text}");
        }
        // As .NET writes them.
        for (text, kept) in [
            ("2026-01-15T12:02:00.1234567Z", CarrierTime::Instant(at("2026-01-15T12:02:00.123456Z"))),
            ("2026-01-15T12:02:00.1234567", local("2026-01-15T12:02:00.123456")),
        ] {
            assert_eq!(parse_scan_time(text), kept, "what the databases keep");
        }
        for text in ["", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "soon", "+99999-01-01T00:00:00Z"] {
            assert_eq!(parse_scan_time(text), CarrierTime::Untrusted, "{text}");
        }
        assert_eq!(parse_scan_time_unless_midnight("2026-01-15T07:02:00-05:00"), seven);
    }

    #[test]
    fn a_clock_without_a_zone_is_kept_and_not_trusted() {
        for text in ["2026-01-15T07:02:00", "2026-01-15 07:02:00.000", "2026-01-15T07:02", "2026-01-15 07:02"]
        {
            assert_eq!(parse_scan_time(text), local("2026-01-15T07:02:00"), "{text}");
        }
        assert_eq!(parse_scan_time("2026-01-15"), local("2026-01-15T00:00:00"));
        assert_eq!(
            parse_scan_time_unless_midnight("2026-01-15T00:00:00-06:00"),
            local("2026-01-15T00:00:00")
        );
        assert_eq!(parse_scan_time_unless_midnight("2026-01-15T07:02:00"), local("2026-01-15T07:02:00"));
    }

    #[test]
    fn of_a_time_that_is_not_trusted_the_clock_is_kept() {
        for text in ["2026-01-15T07:02:00-05:00", "2026-01-15T07:02:00Z", "2026-01-15T07:02:00"] {
            assert_eq!(parse_clock_only(text), local("2026-01-15T07:02:00"), "{text}");
        }
        assert_eq!(parse_clock_only(""), CarrierTime::Untrusted);
    }

    #[test]
    fn z_is_doubted_at_midnight_or_altogether() {
        let noon = CarrierTime::Instant(at("2026-01-15T12:00:00Z"));
        let midnight = CarrierTime::Instant(at("2026-01-15T00:00:00Z"));
        let date = local("2026-01-15T00:00:00");
        for (text, doubted, denied) in [
            ("2026-01-15T12:00:00Z", noon, local("2026-01-15T12:00:00")),
            ("2026-01-15T12:00:00+00:00", noon, noon),
            ("2026-01-15T00:00:00Z", date, date),
            ("2026-01-15T00:00:00.000z", date, date),
            ("2026-01-15T00:00:00+00:00", midnight, midnight),
            ("2026-01-14T18:00:00-06:00", midnight, midnight),
            ("2026-01-15T12:00:00", local("2026-01-15T12:00:00"), local("2026-01-15T12:00:00")),
        ] {
            assert_eq!(
                (parse_scan_time_doubting_z(text), parse_scan_time_ignoring_z(text)),
                (doubted, denied),
                "{text}"
            );
        }
    }

    #[test]
    fn an_expected_date_is_noon_of_that_date() {
        assert_eq!(parse_expected_date("2026-01-15T17:00:00-05:00"), Some(at("2026-01-15T22:00:00Z")));
        for date in ["2026-01-15T00:00:00-06:00", "2026-01-15", "2026-01-15T17:00:00"] {
            assert_eq!(parse_expected_date(date), Some(at("2026-01-15T12:00:00Z")), "{date}");
        }
        for none in ["", "tomorrow", "éééééééé", "0000-00-00"] {
            assert_eq!(parse_expected_date(none), None, "{none}");
        }
    }
}
