//! Parses the time of a UPS event from a local date and time, a GMT date and time and an offset. Any of the three may
//! be missing or wrong.
//!
//! `ups::parse_parcels` creates one [`Clock`] for each event and asks it for three things: the time of the scan, the
//! parts of its identity, and the estimate. All functions are pure. `None` means: absent, unreadable, or implausible.
//! An event without any readable time gets `CarrierTime::Untrusted`.
//!
//! An offset is local time minus GMT. `sent` is the offset as UPS sent it; `is_west` says that it must be negative.
//! `read_text_with_zeros` pads only a JSON number, to six digits.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use domain::{CarrierTime, DeliveryWindow, ExpectedDelivery};
use serde_json::Value;

use crate::{json::text_at, time};

/// The offsets from GMT that exist: UTC-12 to UTC+14.
const OFFSETS: std::ops::RangeInclusive<TimeDelta> = TimeDelta::hours(-12)..=TimeDelta::hours(14);
/// Countries that lie completely west of Greenwich. Their local time is behind GMT, whatever sign UPS sends.
const WEST: [&str; 4] = ["US", "CA", "MX", "PR"];

/// The three clocks of one event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    local: Option<NaiveDateTime>,
    gmt: Option<NaiveDateTime>,
    /// Local time minus GMT, if the three clocks agree on it.
    offset: Option<TimeDelta>,
}

impl Clock {
    pub(super) fn from_event(event: &Value) -> Self {
        let country = text_at(event, "/activityLocation/country").unwrap_or_default().to_ascii_uppercase();
        let west = WEST.contains(&country.as_str());
        let local = parse_date_and_time(event, "/localActivityDate", "/localActivityTime");
        let gmt = parse_date_and_time(event, "/gmtActivityDate", "/gmtActivityTime");
        let sent = text_at(event, "/gmtOffset").and_then(|offset| parse_offset(&offset));
        Self { local, gmt, offset: find_offset(local, gmt, sent, west) }
    }

    /// The time of the event. If the clocks contradict each other or show no zone, it is only a local time.
    pub(super) fn to_carrier_time(self) -> CarrierTime {
        let instant = |at: NaiveDateTime| time::keep_plausible(at.and_utc()).map(CarrierTime::Instant);
        let at = match (self.local, self.offset) {
            (Some(local), Some(offset)) => instant(local - offset),
            (Some(local), None) => time::keep_plausible(local.and_utc()).map(|_| CarrierTime::Local(local)),
            (None, _) => self.gmt.and_then(instant),
        };
        at.unwrap_or(CarrierTime::Untrusted)
    }

    /// The parts of the identity that tell apart two events with one code: the instant if it is known, otherwise both
    /// dates and times as sent, with the leading zeros that JSON numbers have lost. The offset is no part of it:
    /// version 1 sends none for the same event.
    pub(super) fn identity_parts(self, event: &Value) -> [String; 4] {
        if let CarrierTime::Instant(at) = self.to_carrier_time() {
            return [at.to_rfc3339(), String::new(), String::new(), String::new()];
        }
        let date = |pointer| text_at(event, pointer).unwrap_or_default();
        let time = |pointer| read_text_with_zeros(event, pointer).unwrap_or_default();
        [
            date("/gmtActivityDate"),
            time("/gmtActivityTime"),
            date("/localActivityDate"),
            time("/localActivityTime"),
        ]
    }

    /// The expected delivery: a date, and perhaps a time, at the place of the event. A date before the event is
    /// ignored, because UPS leaves old dates in place.
    pub(super) fn parse_estimated_delivery(self, event: &Value) -> Option<ExpectedDelivery> {
        let date = parse_date(&text_at(event, "/scheduledDeliveryDate")?)?;
        if self.local.or(self.gmt).is_some_and(|at| date < at.date()) {
            return None;
        }
        let offset = self.offset.and_then(|offset| FixedOffset::east_opt(offset.num_seconds() as i32));
        let at = |field| {
            let local = date.and_time(parse_time(event, field)?).and_local_timezone(offset?).single()?;
            time::keep_plausible(local.to_utc()).map(|_| local)
        };
        let Some(end) = at("/deliveryEndTime") else { return time::expect_on(date) };
        let window = at("/deliveryStartTime").and_then(|begin| DeliveryWindow::new(begin, end));
        Some(ExpectedDelivery::Window(window.unwrap_or(DeliveryWindow::at(end))))
    }
}

/// The offset on which the clocks agree, or `None`.
///
/// - UPS's own example of version 1 applies the offset to GMT in the wrong direction: local 09:12, GMT 04:12, where
///   14:12 is meant. This mistake is corrected.
/// - In a country of [`WEST`] a missing or wrong sign is corrected too.
/// - Any other contradiction gives `None`.
fn find_offset(
    local: Option<NaiveDateTime>,
    gmt: Option<NaiveDateTime>,
    sent: Option<TimeDelta>,
    is_west: bool,
) -> Option<TimeDelta> {
    let (Some(local), Some(gmt)) = (local, gmt) else { return sent };
    let westward = |offset: TimeDelta| if is_west { -offset.abs() } else { offset };
    match sent {
        Some(sent) if local - sent == gmt => Some(sent),
        Some(sent) if local + sent == gmt => Some(westward(sent)),
        Some(_) => None,
        None => Some(westward(local - gmt)).filter(|offset| OFFSETS.contains(offset)),
    }
}

fn parse_date_and_time(event: &Value, date_pointer: &str, time_pointer: &str) -> Option<NaiveDateTime> {
    Some(parse_date(&text_at(event, date_pointer)?)?.and_time(parse_time(event, time_pointer)?))
}

/// Parses `YYYYMMDD`. It accepts only years of four digits, so that adding hours cannot leave the calendar.
fn parse_date(text: &str) -> Option<NaiveDate> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        NaiveDate::parse_from_str(text, "%Y%m%d").ok()
    } else {
        None
    }
}

/// The text at this pointer. A JSON number gets its leading zeros back.
fn read_text_with_zeros(event: &Value, pointer: &str) -> Option<String> {
    let text = text_at(event, pointer)?;
    Some(if event.pointer(pointer).is_some_and(Value::is_number) { format!("{text:0>6}") } else { text })
}

/// Parses `HHMMSS`.
fn parse_time(event: &Value, pointer: &str) -> Option<NaiveTime> {
    let text = read_text_with_zeros(event, pointer)?;
    if text.len() == 6 { NaiveTime::parse_from_str(&text, "%H%M%S").ok() } else { None }
}

/// Parses an offset in hours with a sign and a dot: `-05.00`. The digits after the dot are minutes (`05.30`) or a
/// fraction of an hour (`5.5`). No value is used in both ways, so both can be read.
fn parse_offset(text: &str) -> Option<TimeDelta> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, rest) = digits.split_once(['.', ':']).unwrap_or((digits, "0"));
    let minutes = match rest {
        "0" | "00" => 0,
        "15" | "25" => 15,
        "30" | "5" | "50" => 30,
        "45" | "75" => 45,
        _ => return None,
    };
    let hours: u8 = hours.parse().ok()?;
    let offset = TimeDelta::minutes(sign * (i64::from(hours) * 60 + minutes));
    Some(offset).filter(|offset| OFFSETS.contains(offset))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The time of an event with these local and GMT clocks on 15 January 2026, this offset and this country.
    fn clock(local: &str, gmt: &str, offset: &str, country: &str) -> CarrierTime {
        Clock::from_event(&json!({
            "localActivityDate": "20260115", "localActivityTime": local,
            "gmtActivityDate": "20260115", "gmtActivityTime": gmt,
            "gmtOffset": offset, "activityLocation": {"country": country},
        }))
        .to_carrier_time()
    }

    fn at(time: &str) -> CarrierTime {
        CarrierTime::Instant(format!("2026-01-15T{time}Z").parse().unwrap())
    }

    #[test]
    fn clocks_that_agree_are_believed() {
        assert_eq!(clock("081530", "131530", "-05.00", "US"), at("13:15:30"));
        assert_eq!(clock("081530", "131530", "", ""), at("13:15:30"));
        assert_eq!(clock("", "131530", "", ""), at("13:15:30"));
        assert_eq!(clock("081530", "", "-05.00", "US"), at("13:15:30"));
        assert_eq!(clock("184530", "131530", "+05.30", "IN"), at("13:15:30"));
        assert_eq!(clock("184530", "", "5.5", "IN"), at("13:15:30"));
    }

    #[test]
    fn a_gmt_with_the_wrong_sign_is_put_right() {
        assert_eq!(clock("091230", "041230", "-05.00", "US"), at("14:12:30"));
        assert_eq!(clock("091230", "041230", "", "US"), at("14:12:30"));
        assert_eq!(clock("091230", "101230", "+01.00", "DE"), at("08:12:30"));
        assert_eq!(clock("081530", "131530", "05.00", "US"), at("13:15:30"));
    }

    #[test]
    fn a_zone_far_from_the_country_is_believed_where_the_clocks_agree() {
        assert_eq!(clock("151530", "131530", "+02.00", "US"), at("13:15:30"));
    }

    #[test]
    fn clocks_that_contradict_each_other_or_lack_a_zone_are_not_trusted() {
        let local = |clock: &str| CarrierTime::Local(format!("2026-01-15T{clock}").parse().unwrap());
        for (sent, gmt, offset, expected) in [
            ("081530", "121530", "-05.00", local("08:15:30")),
            ("081530", "", "", local("08:15:30")),
            ("", "", "-05.00", CarrierTime::Untrusted),
            ("000000", "235959", "", local("00:00:00")),
            ("081530", "250000", "", local("08:15:30")),
            ("0815", "", "-05.00", CarrierTime::Untrusted),
        ] {
            assert_eq!(clock(sent, gmt, offset, ""), expected, "{sent} {gmt} {offset}");
        }
    }

    #[test]
    fn numbers_are_times_without_their_zeros() {
        let event = json!({
            "localActivityDate": 20260115, "localActivityTime": 81530, "gmtOffset": -5.0,
        });
        assert_eq!(Clock::from_event(&event).to_carrier_time(), at("13:15:30"));
    }

    #[test]
    fn offsets_are_hours_and_quarters() {
        let minutes = |text| parse_offset(text).map(|offset| offset.num_minutes());
        assert_eq!(minutes("-05.00"), Some(-300));
        assert_eq!(minutes("-03:30"), Some(-210));
        assert_eq!(minutes("+5.75"), Some(345));
        assert_eq!(minutes("14"), Some(840));
        for text in ["", "-", "x", "-13.00", "15", "1.2.3", "999", "--5", "+-5"] {
            assert_eq!(minutes(text), None, "{text}");
        }
    }

    #[test]
    fn an_expected_delivery_needs_a_date_that_is_not_past() {
        let expected = |date: &str, end: &str| {
            let event = json!({
                "localActivityDate": "20260115", "localActivityTime": "081530", "gmtOffset": "-05.00",
                "scheduledDeliveryDate": date, "deliveryEndTime": end,
            });
            Clock::from_event(&event).parse_estimated_delivery(&event).map(|at| at.to_string())
        };
        assert_eq!(
            expected("20260115", "170000").as_deref(),
            Some("2026-01-15T17:00:00-05:00/2026-01-15T17:00:00-05:00")
        );
        assert_eq!(expected("20260116", "").as_deref(), Some("2026-01-16"));
        assert_eq!(expected("20190806", "170000"), None);
        assert_eq!(expected("", "170000"), None);
    }
}
