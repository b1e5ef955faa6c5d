//! The input for simulated webhooks, which are used to try an installation, in the demo and in tests.
//!
//! `simulator` builds a [`SimulatedHistory`] and gives it to `Sender::simulate`. The `simulate` module of each sender
//! calls `describe_all`, with its own table of codes and words, and `place_parts`. All of it is pure: nothing is sent.

use chrono::{DateTime, FixedOffset, Utc};
use domain::{Carrier, Meaning};

/// The history of a parcel, or a part of it. [`crate::Sender::simulate`] writes it as a sender would.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedHistory<'a> {
    /// The carrier of the parcel. A sender that is itself a carrier reports only its own parcels.
    pub carrier: Carrier,
    /// The tracking number of the parcel.
    pub tracking_number: &'a str,
    /// The scans, oldest first.
    pub scans: &'a [SimulatedScan<'a>],
    /// The expected delivery, if the webhook should report one.
    pub estimated_delivery: Option<DateTime<FixedOffset>>,
    /// When the webhook is sent, by the sender's clock.
    pub sent_at: DateTime<Utc>,
}

/// One scan of a simulated history.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedScan<'a> {
    /// The status or the condition that the scan reports.
    pub meaning: Meaning,
    /// When it was scanned, with the offset of the place, in whole seconds.
    pub at: DateTime<FixedOffset>,
    /// The place: `Holbrook, NY, US`, `Berlin, DE` or `Berlin`.
    pub location: Option<&'a str>,
}

impl SimulatedHistory<'_> {
    /// Returns every scan with the sender's code and words for it. `None` if the sender has none for one of the
    /// scans.
    pub(crate) fn describe_all<W>(
        &self,
        describe: impl Fn(Meaning) -> Option<W>,
    ) -> Option<Vec<(&SimulatedScan<'_>, W)>> {
        self.scans.iter().map(|scan| Some((scan, describe(scan.meaning)?))).collect()
    }
}

impl<'a> SimulatedScan<'a> {
    /// City, state and country of the location. A part that is not known is empty.
    pub(crate) fn place_parts(&self) -> [&'a str; 3] {
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
    use chrono::TimeDelta;
    use domain::{CarrierTime, ConditionKind, ShipmentStatus};

    use super::*;
    use crate::{CodeMap, Parcel, ParsedScan, Push, Sender};

    /// A scan with this meaning, `hours` after the start of a journey.
    pub(crate) fn simulated_scan(meaning: Meaning, hours: i64) -> SimulatedScan<'static> {
        let start = DateTime::parse_from_rfc3339("2026-01-12T07:02:09-05:00").unwrap();
        SimulatedScan { meaning, at: start + TimeDelta::hours(hours), location: Some("Holbrook, NY, US") }
    }

    /// The history of a parcel of the sender's carrier; of UPS for an aggregator.
    pub(crate) fn history<'a>(sender: Sender, scans: &'a [SimulatedScan<'a>]) -> SimulatedHistory<'a> {
        SimulatedHistory {
            carrier: sender.carrier().unwrap_or(Carrier::UPS),
            tracking_number: "794600000001",
            scans,
            estimated_delivery: None,
            sent_at: scans.last().unwrap().at.to_utc() + TimeDelta::minutes(3),
        }
    }

    /// Parses the simulated bodies. Each must report exactly one parcel.
    fn read_back(sender: Sender, history: &SimulatedHistory<'_>) -> Vec<Parcel> {
        let read = |body: &Vec<u8>| match sender.parse(body, &CodeMap::default()) {
            Ok(Push::Parcels(mut parcels, _)) if parcels.len() == 1 => parcels.remove(0),
            other => panic!("{sender}: {other:?}"),
        };
        let parcels: Vec<Parcel> = sender.simulate(history).iter().map(read).collect();
        for parcel in &parcels {
            assert_eq!(
                (parcel.tracking_number.carrier(), &*parcel.tracking_number),
                (history.carrier, history.tracking_number)
            );
        }
        parcels
    }

    fn meanings() -> Vec<Meaning> {
        let statuses = ShipmentStatus::ALL.map(Meaning::Status);
        statuses.into_iter().chain(ConditionKind::ALL.map(Meaning::Condition)).collect()
    }

    #[test]
    fn what_is_composed_reads_back() {
        for sender in Sender::ALL {
            let mut said = 0;
            for meaning in meanings() {
                let scans = [simulated_scan(meaning, 1)];
                let parcels = read_back(sender, &history(sender, &scans));
                let [Parcel { scans: read, estimated_delivery: None, .. }] = &parcels[..] else {
                    assert!(parcels.is_empty(), "{sender} {meaning:?}: {parcels:?}");
                    continue;
                };
                said += 1;
                let [ParsedScan { meaning: back, time, location, description, .. }] = &read[..] else {
                    panic!("{sender} {meaning:?}: {read:?}")
                };
                assert_eq!(*back, meaning, "{sender}");
                assert_eq!(*time, CarrierTime::Instant(scans[0].at.to_utc()), "{sender} {meaning:?}");
                assert_eq!(location.as_deref(), scans[0].location, "{sender} {meaning:?}");
                assert!(description.is_some(), "{sender} {meaning:?}");
            }
            assert!(said >= 6, "{sender} can say {said} of them");
        }
    }

    #[test]
    fn senders_for_many_carriers_name_each_carrier() {
        let scans = [simulated_scan(Meaning::Status(ShipmentStatus::InTransit), 1)];
        for sender in Sender::ALL.into_iter().filter(|sender| sender.carrier().is_none()) {
            for carrier in Carrier::known() {
                let parcels = read_back(sender, &SimulatedHistory { carrier, ..history(sender, &scans) });
                assert_eq!(parcels.len(), 1, "{sender} {carrier}");
            }
        }
    }

    #[test]
    fn every_sender_can_say_the_main_line() {
        use ShipmentStatus::{Delivered, InTransit, LabelCreated, OutForDelivery};
        for sender in Sender::ALL {
            let line = [LabelCreated, InTransit, OutForDelivery, Delivered].map(Meaning::Status);
            let scans: Vec<SimulatedScan<'_>> =
                line.into_iter().zip(0..).map(|(meaning, day)| simulated_scan(meaning, day * 24)).collect();
            let parcels = read_back(sender, &history(sender, &scans));
            let mut read: Vec<_> = parcels.into_iter().flat_map(|parcel| parcel.scans).collect();
            read.sort_by_key(|scan| match scan.time {
                CarrierTime::Instant(at) => at,
                CarrierTime::Local(_) | CarrierTime::Untrusted => {
                    panic!("{sender} writes times one can trust")
                }
            });
            assert_eq!(read.iter().map(|scan| scan.meaning).collect::<Vec<_>>(), line, "{sender}");
        }
    }

    #[test]
    fn scans_hours_apart_are_told_apart_and_are_the_same_alone_and_in_a_history() {
        use ShipmentStatus::{Delivered, InTransit, LabelCreated, OutForDelivery};
        let six = [LabelCreated, InTransit, InTransit, OutForDelivery, OutForDelivery, Delivered];
        let scans: Vec<SimulatedScan<'_>> = six
            .into_iter()
            .zip(0..)
            .map(|(status, hour)| simulated_scan(Meaning::Status(status), hour))
            .collect();
        for sender in Sender::ALL {
            let identities = |scans: &[SimulatedScan<'_>]| {
                let parcels = read_back(sender, &history(sender, scans));
                parcels.into_iter().flat_map(|parcel| parcel.scans).map(|scan| scan.identity).collect()
            };
            let together: std::collections::BTreeSet<_> = identities(&scans);
            assert_eq!(together.len(), six.len(), "{sender}");
            let alone = scans.iter().flat_map(|scan| identities(std::slice::from_ref(scan)));
            assert_eq!(alone.collect::<std::collections::BTreeSet<_>>(), together, "{sender}");
        }
    }

    #[test]
    fn an_estimate_reads_back_as_that_day() {
        for sender in Sender::ALL {
            let scans = [simulated_scan(Meaning::Status(ShipmentStatus::InTransit), 1)];
            let due = scans[0].at + TimeDelta::days(2);
            let simulated = SimulatedHistory { estimated_delivery: Some(due), ..history(sender, &scans) };
            let parcels = read_back(sender, &simulated);
            let read = parcels[0].estimated_delivery.expect("an estimate");
            assert_eq!(read.date(), due.date_naive(), "{sender}: {read}");
        }
    }

    #[test]
    fn a_place_may_be_short() {
        let place =
            |location| SimulatedScan { location, ..simulated_scan(Meaning::Unknown, 0) }.place_parts();
        assert_eq!(place(None), ["", "", ""]);
        assert_eq!(place(Some("Berlin")), ["Berlin", "", ""]);
        assert_eq!(place(Some("Berlin, DE")), ["Berlin", "", "DE"]);
        assert_eq!(place(Some("Holbrook, NY, US, North")), ["Holbrook", "NY", "US, North"]);
    }
}
