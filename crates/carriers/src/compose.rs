//! What to say when we write a body as a carrier would: for trying an installation, for the demo, for tests.

use chrono::{DateTime, FixedOffset};
use domain::ShipmentStatus;

/// One scan to be put into a carrier's own words by [`crate::Sender::compose`].
#[derive(Clone, Copy, Debug)]
pub struct Compose<'a> {
    /// The parcel.
    pub tracking_number: &'a str,
    /// How far it is.
    pub status: ShipmentStatus,
    /// When it was scanned, by the clock of the place; to the second.
    pub at: DateTime<FixedOffset>,
    /// Where: `Holbrook, NY, US`, `Berlin, DE` or `Berlin`.
    pub location: Option<&'a str>,
    /// When it is expected to be delivered, if the body is to say so.
    pub estimated_delivery: Option<DateTime<FixedOffset>>,
}

impl<'a> Compose<'a> {
    /// City, state and country of the location, empty where it does not say.
    pub(crate) fn place(&self) -> [&'a str; 3] {
        let mut parts = self.location.unwrap_or_default().splitn(3, ',').map(str::trim);
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        let city = first.unwrap_or_default();
        match (second, third) {
            (None, _) => [city, "", ""],
            (Some(country), None) => [city, "", country],
            (Some(state), Some(country)) => [city, state, country],
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{CodeMap, Parcel, Sender};
    use domain::{CarrierTime, Meaning};

    /// A scan of that status, somewhere, at some time.
    pub(crate) fn scan(status: ShipmentStatus) -> Compose<'static> {
        Compose {
            tracking_number: "794600000001",
            status,
            at: DateTime::parse_from_rfc3339("2026-01-15T07:02:09-05:00").unwrap(),
            location: Some("Holbrook, NY, US"),
            estimated_delivery: None,
        }
    }

    fn read_back(sender: Sender, scan: &Compose<'_>) -> Parcel {
        let body = sender.compose(scan).expect("the sender can say it");
        let mut parcels = sender.parse(&body, &CodeMap::default()).unwrap();
        assert_eq!(parcels.len(), 1);
        parcels.remove(0)
    }

    #[test]
    fn what_is_composed_reads_back() {
        for sender in Sender::ALL {
            for status in ShipmentStatus::ALL {
                let composed = scan(status);
                let parcel = read_back(sender, &composed);
                assert_eq!(parcel.tracking_number, composed.tracking_number);
                assert_eq!(parcel.scans.len(), 1);
                let read = &parcel.scans[0];
                assert_eq!(read.meaning, Meaning::Status(status), "{sender} {status}");
                assert_eq!(read.time, CarrierTime::Instant(composed.at.to_utc()), "{sender} {status}");
                assert_eq!(read.location.as_deref(), composed.location, "{sender} {status}");
                assert_eq!(read.estimated_delivery, None, "{sender} {status}");
                assert!(read.description.is_some());
            }
        }
    }

    #[test]
    fn an_estimate_reads_back() {
        for sender in Sender::ALL {
            let mut composed = scan(ShipmentStatus::InTransit);
            composed.estimated_delivery = Some(composed.at + chrono::TimeDelta::days(2));
            let read = read_back(sender, &composed);
            assert_eq!(
                read.scans[0].estimated_delivery,
                composed.estimated_delivery.map(|at| at.to_utc()),
                "{sender}"
            );
        }
    }

    #[test]
    fn a_place_may_be_short() {
        let place = |location| Compose { location, ..scan(ShipmentStatus::Delivered) }.place();
        assert_eq!(place(None), ["", "", ""]);
        assert_eq!(place(Some("Berlin")), ["Berlin", "", ""]);
        assert_eq!(place(Some("Berlin, DE")), ["Berlin", "", "DE"]);
        assert_eq!(place(Some("Holbrook, NY, US, North")), ["Holbrook", "NY", "US, North"]);
    }
}
