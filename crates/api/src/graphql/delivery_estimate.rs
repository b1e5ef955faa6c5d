//! The GraphQL types of delivery estimates: when a shipment is expected, as its carrier or the merchant said it.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Enum, InputObject, OutputType, Positioned, ServerResult, SimpleObject, Value,
    parser::types::Field, registry::Registry,
};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use domain::{DeliveryWindow, ExpectedDelivery, InputField, Refusal};
use serde::Serialize;

use super::time::check_plausible;

/// When the delivery of a shipment is expected, as its carrier or the merchant said it: a day, or a window of time.
#[derive(SimpleObject)]
pub struct DeliveryEstimate {
    /// The day, as `2026-12-04`, at the place of the delivery. It is the day that the carrier wrote: do not convert it to
    /// the time zone of a reader.
    date: String,
    /// The beginning of the window, with the offset of the place. Null if only a day was said. The same as `latest` if
    /// one time was said.
    earliest: Option<LocalTime>,
    /// The end of the window, with the offset of the place. Null if only a day was said.
    latest: Option<LocalTime>,
    /// When it was first said, by the sender's clock; if the sender tells no time, when Milepost received it.
    said_at: DateTime<Utc>,
    /// Who said it.
    source: EstimateSource,
}

/// A time with the offset of its place. In the schema its type is `DateTime`, which the library has for UTC as well, but
/// does not allow twice.
struct LocalTime(DateTime<FixedOffset>);

#[async_graphql::async_trait::async_trait]
impl OutputType for LocalTime {
    fn type_name() -> Cow<'static, str> {
        <DateTime<Utc> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <DateTime<Utc> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.0.to_rfc3339()))
    }
}

/// Who said when a delivery is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::EstimateSource")]
pub enum EstimateSource {
    /// The carrier, or an aggregator that reports for it.
    Carrier,
    /// Staff of the merchant, or the supplier who ships.
    Merchant,
}

impl From<&domain::DeliveryEstimate> for DeliveryEstimate {
    fn from(estimate: &domain::DeliveryEstimate) -> Self {
        let window = estimate.expected.window();
        Self {
            date: estimate.expected.date().to_string(),
            earliest: window.map(|window| LocalTime(window.earliest())),
            latest: window.map(|window| LocalTime(window.latest())),
            said_at: estimate.said_at,
            source: estimate.source.into(),
        }
    }
}

/// When a delivery is expected: either `date`, or `earliest` and `latest`.
#[derive(InputObject, Serialize)]
pub struct DeliveryEstimateInput {
    /// The day at the place of the delivery, as `2026-12-04`.
    date: Option<String>,
    /// The beginning of the window, with the offset of the place: `2026-12-04T14:15:00-06:00`.
    earliest: Option<String>,
    /// The end of the window, with the offset of the place. Its day is shown to people.
    latest: Option<String>,
}

impl DeliveryEstimateInput {
    pub(super) fn parse(&self) -> Result<ExpectedDelivery, Refusal> {
        let expected = match (&self.date, &self.earliest, &self.latest) {
            (Some(date), None, None) => parse_date(date).map(ExpectedDelivery::Date),
            (None, Some(earliest), Some(latest)) => parse_window(earliest, latest),
            _ => Err("either a date, or the earliest and the latest time are needed"),
        };
        expected.map_err(|needed| Refusal::invalid(InputField::DeliveryEstimate, needed))
    }
}

fn parse_date(text: &str) -> Result<NaiveDate, &'static str> {
    let date: NaiveDate = text.parse().map_err(|_| "a date is needed, as in 2026-12-04")?;
    check_plausible(date.and_time(chrono::NaiveTime::MIN).and_utc()).map(|_| date)
}

fn parse_window(earliest: &str, latest: &str) -> Result<ExpectedDelivery, &'static str> {
    let parse = |text: &str| {
        let at = DateTime::parse_from_rfc3339(text)
            .map_err(|_| "a time with an offset is needed, as in 2026-12-04T14:15:00-06:00")?;
        check_plausible(at.to_utc()).map(|_| at)
    };
    DeliveryWindow::new(parse(earliest)?, parse(latest)?)
        .map(ExpectedDelivery::Window)
        .ok_or("the window has to end after it begins")
}
