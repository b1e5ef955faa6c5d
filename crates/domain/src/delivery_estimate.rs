//! Delivery estimates: when a shipment is expected, as its carrier or the merchant said it.
//!
//! 1. An estimate is a local date, or a window of two instants with the offset of the place. It is never a bare
//!    instant: its day would depend on the zone of the reader.
//! 2. The estimate that was said last counts, also if it is earlier. Of two that were said at the same time, the one
//!    that was received last counts.
//! 3. FedEx, UPS and DHL tell no time, so the time of receipt counts. Each of their pushes repeats the estimate. A push
//!    with the estimate that counts already is no new saying. So where a push is processed after a later one, a wrong
//!    estimate may count until the next push.
//! 4. A content that such a sender sends again, byte for byte, says its estimate again, unless a later scan was recorded
//!    since: then it is a late retry. A late retry without a later scan cannot be told from a new saying. It counts
//!    until the next push.

use std::{fmt, str::FromStr};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, Utc};

use crate::string_enum::string_enum;

/// When a delivery is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExpectedDelivery {
    /// On this day, at the place of the delivery.
    Date(NaiveDate),
    /// Within this window.
    Window(DeliveryWindow),
}

/// Two instants and the offset from UTC with which they were said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryWindow {
    latest: DateTime<Utc>,
    earliest: DateTime<Utc>,
    /// In seconds to the east.
    offset: i32,
}

impl DeliveryWindow {
    /// Creates a window. Both ends get the offset of `latest`. `None` if it ends before it begins.
    pub fn new(earliest: DateTime<FixedOffset>, latest: DateTime<FixedOffset>) -> Option<Self> {
        let offset = latest.offset().local_minus_utc();
        let window = Self { latest: latest.to_utc(), earliest: earliest.to_utc(), offset };
        (earliest <= latest).then_some(window)
    }

    /// The window of an estimate that is one time: both ends are this time.
    pub fn at(time: DateTime<FixedOffset>) -> Self {
        Self { latest: time.to_utc(), earliest: time.to_utc(), offset: time.offset().local_minus_utc() }
    }

    /// The first instant, with the offset of the place.
    pub fn earliest(&self) -> DateTime<FixedOffset> {
        self.at_the_place(self.earliest)
    }

    /// The last instant, with the offset of the place.
    pub fn latest(&self) -> DateTime<FixedOffset> {
        self.at_the_place(self.latest)
    }

    fn at_the_place(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        let utc = FixedOffset::east_opt(0).into_iter();
        let offset = FixedOffset::east_opt(self.offset).into_iter().chain(utc).next();
        offset.map_or_else(|| at.fixed_offset(), |offset| at.with_timezone(&offset))
    }
}

impl ExpectedDelivery {
    /// The day of the delivery, as the carrier or the merchant wrote it: of a window, the local day of its end.
    pub fn date(&self) -> NaiveDate {
        match self {
            Self::Date(date) => *date,
            Self::Window(window) => window.latest().date_naive(),
        }
    }

    /// The window. `None` for a date.
    pub const fn window(&self) -> Option<&DeliveryWindow> {
        match self {
            Self::Date(_) => None,
            Self::Window(window) => Some(window),
        }
    }

    /// The latest instant, for readers that need one. Of a date it is noon in UTC, which falls on this date in nearly
    /// all zones. Show people [`date`](Self::date).
    pub fn latest_instant(&self) -> DateTime<Utc> {
        match self {
            Self::Date(date) => date.and_time(NaiveTime::MIN).and_utc() + chrono::TimeDelta::hours(12),
            Self::Window(window) => window.latest,
        }
    }
}

impl fmt::Display for ExpectedDelivery {
    /// Writes the estimate as ISO 8601 does: `2026-12-04`, or
    /// `2026-12-04T14:15:00-06:00/2026-12-04T18:15:00-06:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = |at: DateTime<FixedOffset>| at.to_rfc3339_opts(SecondsFormat::AutoSi, false);
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Window(window) => write!(f, "{}/{}", write(window.earliest()), write(window.latest())),
        }
    }
}

/// A text that [`ExpectedDelivery`] did not write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a date nor a window of two times")]
pub struct InvalidExpectedDelivery(String);

impl FromStr for ExpectedDelivery {
    type Err = InvalidExpectedDelivery;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, InvalidExpectedDelivery> {
        let window = |(earliest, latest): (&str, &str)| {
            let [earliest, latest] = [earliest, latest].map(|at| DateTime::parse_from_rfc3339(at).ok());
            DeliveryWindow::new(earliest?, latest?).map(Self::Window)
        };
        let read = match text.split_once('/') {
            Some(ends) => window(ends),
            None => text.parse().ok().map(Self::Date),
        };
        read.ok_or_else(|| InvalidExpectedDelivery(text.to_owned()))
    }
}

string_enum! {
    /// Who said an estimate.
    pub enum EstimateSource ("source of an estimate") {
        /// The carrier, or an aggregator that reports for it.
        Carrier => "carrier",
        /// Staff of the merchant, or the supplier who ships.
        Merchant => "merchant",
    }
}

/// One saying of an estimate. The greatest counts (rule 2 of the module): the sequence of arrival does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryEstimate {
    /// When it was said: by the sender's clock if the sender tells it, else when it was received.
    pub said_at: DateTime<Utc>,
    /// When Milepost received it.
    pub received_at: DateTime<Utc>,
    /// When the delivery is expected.
    pub expected: ExpectedDelivery,
    /// Who said it.
    pub source: EstimateSource,
}

impl DeliveryEstimate {
    /// Whether its sender told no time, so that it counts from its receipt.
    pub fn counts_from_receipt(&self) -> bool {
        self.said_at == self.received_at
    }

    /// An estimate that the merchant or a supplier gives now.
    pub const fn from_merchant(expected: ExpectedDelivery, now: DateTime<Utc>) -> Self {
        Self { said_at: now, received_at: now, expected, source: EstimateSource::Merchant }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(earliest: &str, latest: &str) -> ExpectedDelivery {
        let [earliest, latest] = [earliest, latest].map(|at| DateTime::parse_from_rfc3339(at).unwrap());
        ExpectedDelivery::Window(DeliveryWindow::new(earliest, latest).unwrap())
    }

    #[test]
    fn the_day_is_the_one_that_the_carrier_wrote() {
        for (expected, day, latest) in [
            (
                window("2026-12-04T14:15:00-06:00", "2026-12-04T18:15:00-06:00"),
                "2026-12-04",
                "2026-12-05T00:15:00Z",
            ),
            (
                window("2026-12-04T09:00:00+13:00", "2026-12-04T09:00:00+13:00"),
                "2026-12-04",
                "2026-12-03T20:00:00Z",
            ),
            ("2019-08-09".parse().unwrap(), "2019-08-09", "2019-08-09T12:00:00Z"),
        ] {
            assert_eq!(expected.date().to_string(), day);
            assert_eq!(expected.latest_instant(), latest.parse::<DateTime<Utc>>().unwrap());
        }
    }

    #[test]
    fn a_window_does_not_end_before_it_begins() {
        let text = "2026-12-04T18:15:00-06:00/2026-12-04T14:15:00-06:00";
        assert!(text.parse::<ExpectedDelivery>().is_err());
        assert!("soon".parse::<ExpectedDelivery>().is_err());
    }

    proptest! {
        #[test]
        fn the_day_survives_every_offset_and_being_stored(
            quarters in -44..=56i32, minutes in 0..10_000_000i64, length in 0..2_000i64,
        ) {
            let offset = FixedOffset::east_opt(quarters * 15 * 60).unwrap();
            let begins = DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap().with_timezone(&offset);
            let ends = begins + chrono::TimeDelta::minutes(length);
            let expected = ExpectedDelivery::Window(DeliveryWindow::new(begins, ends).unwrap());
            prop_assert_eq!(expected.date(), ends.naive_local().date());
            prop_assert_eq!(expected.to_string().parse(), Ok(expected));
            let date = ExpectedDelivery::Date(ends.date_naive());
            prop_assert_eq!(date.to_string().parse(), Ok(date));
        }
    }
}
