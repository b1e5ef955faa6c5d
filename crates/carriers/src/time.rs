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
use domain::{CarrierTime, DeliveryWindow, ExpectedDelivery};

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

/// Parses an expected delivery that is one date or one time. Midnight in any zone, or a time without a zone, is a date.
pub(crate) fn parse_expected_delivery(text: &str) -> Option<ExpectedDelivery> {
    match parse_time_with_offset(text) {
        Some(at) if at.time() != NaiveTime::MIN => Some(ExpectedDelivery::Window(DeliveryWindow::at(at))),
        Some(midnight) => expect_on(midnight.date_naive()),
        None => expect_on(text.get(..10)?.parse().ok()?),
    }
}

/// Parses an expected delivery whose window begins at `earliest`, if that is a time with an offset before the end.
pub(crate) fn parse_expected_window(earliest: Option<&str>, latest: &str) -> Option<ExpectedDelivery> {
    let expected = parse_expected_delivery(latest)?;
    let window = expected.window().zip(earliest.and_then(parse_time_with_offset));
    let window = window.and_then(|(end, begin)| DeliveryWindow::new(begin, end.latest()));
    Some(window.map_or(expected, ExpectedDelivery::Window))
}

/// An expected delivery on a date. `None` if the year is not plausible.
pub(crate) fn expect_on(date: NaiveDate) -> Option<ExpectedDelivery> {
    keep_plausible(date.and_time(NaiveTime::MIN).and_utc()).map(|_| ExpectedDelivery::Date(date))
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
    fn an_expected_delivery_is_a_date_or_a_window_as_the_carrier_wrote_it() {
        let read = |earliest: Option<&str>, latest: &str| {
            parse_expected_window(earliest, latest).map(|expected| expected.to_string())
        };
        for (earliest, latest, expected) in [
            (None, "2019-08-09T00:00:00Z", Some("2019-08-09")),
            (None, "2026-01-15T00:00:00-06:00", Some("2026-01-15")),
            (None, "2026-01-15", Some("2026-01-15")),
            (None, "2026-01-15T17:00:00", Some("2026-01-15")),
            (None, "2026-12-04T09:00:00+13:00", Some("2026-12-04T09:00:00+13:00/2026-12-04T09:00:00+13:00")),
            (
                Some("2026-12-04T14:15:00-06:00"),
                "2026-12-04T18:15:00-06:00",
                Some("2026-12-04T14:15:00-06:00/2026-12-04T18:15:00-06:00"),
            ),
            // A beginning that is none, or comes after the end, is left out.
            (
                Some("2026-12-05T14:15:00-06:00"),
                "2026-12-04T18:15:00-06:00",
                Some("2026-12-04T18:15:00-06:00/2026-12-04T18:15:00-06:00"),
            ),
            (Some("2026-12-04T14:15:00"), "2026-12-04T18:15:00", Some("2026-12-04")),
            (None, "", None),
            (None, "tomorrow", None),
            (None, "éééééééé", None),
            (None, "0000-00-00", None),
        ] {
            assert_eq!(read(earliest, latest).as_deref(), expected, "{earliest:?} {latest}");
        }
    }
}
