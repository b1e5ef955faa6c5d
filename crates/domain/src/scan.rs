//! Scans: the tracking events of carriers, how repeats of a scan are merged, and what a scan did when it came.
//!
//! 1. `carriers` makes scans of webhooks, and their times with [`CarrierTime`]: `or_arrival` never fails, `local` is
//!    `None` for a time that cannot be right.
//! 2. `ingest::effects` merges repeats. `ingest::routed_scans` asks with the same function whether a repeat would
//!    change anything.
//! 3. `ingest` sorts scans by `clock`. A scan without `has_clock` has only the time at which it arrived.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::{
    actor::Actor,
    delivery_estimate::DeliveryEstimate,
    shipment_status::{ConditionKind, ShipmentStatus},
    string_enum::{UnknownName, string_enum},
};

/// What makes two scans the same scan: a hash over the carrier, the carrier's identity of the parcel (else the
/// tracking number), the code, the description code, and the carrier's time as sent. The free text, the place and the
/// id of the push are not hashed, because they can differ between repeats of one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanIdentity(pub [u8; 32]);

/// What a carrier's code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The shipment has reached this status.
    Status(ShipmentStatus),
    /// A condition: trouble beside the status.
    Condition(ConditionKind),
    /// The return of the parcel to its sender was called off: it goes to the customer again.
    ReturnCancelled,
    /// The code is known, and says nothing about where the shipment is.
    Informational,
    /// The code is not known. The scan is stored, shown and counted. Milepost does not guess its meaning.
    Unknown,
}

impl Meaning {
    /// Every meaning: the statuses, the conditions, and the others.
    pub fn all() -> impl Iterator<Item = Self> {
        let statuses = ShipmentStatus::ALL.map(Self::Status);
        let conditions = ConditionKind::ALL.map(Self::Condition);
        statuses.into_iter().chain(conditions).chain([
            Self::ReturnCancelled,
            Self::Informational,
            Self::Unknown,
        ])
    }

    /// The stable name, as in the database, in settings and in story files. No two meanings have the same name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Condition(condition) => condition.as_str(),
            Self::ReturnCancelled => "return_cancelled",
            Self::Informational => "informational",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Meaning {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::all().find(|meaning| meaning.as_str() == text).ok_or_else(|| UnknownName {
            what: "meaning of a code",
            text: text.to_owned(),
            known: Self::all().map(Self::as_str).collect::<Vec<_>>().join(", "),
        })
    }
}

string_enum! {
    /// What stands behind a scan.
    pub enum Evidence ("evidence of a scan") {
        /// The carrier reports what happened to the parcel.
        Physical => "physical",
        /// The carrier reports data, for example that a label was made. It does not show that the carrier has the
        /// parcel.
        Electronic => "electronic",
        /// Support or a system recorded it by hand.
        Staff => "staff",
        /// A supplier recorded it by hand. It does not end a return.
        Supplier => "supplier",
    }
}

impl Evidence {
    /// What stands behind a scan that this actor records by hand. Of the actors that are no staff, only suppliers may
    /// record one.
    pub fn of_manual_scan(actor: &Actor) -> Self {
        if actor.is_staff() { Self::Staff } else { Self::Supplier }
    }
}

/// One tracking event of a shipment, reported by a carrier or recorded by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// What distinguishes it from every other scan.
    pub identity: ScanIdentity,
    /// The carrier's code as sent: `OD`, or `I/OT/021` where a code of the carrier has three parts.
    pub code: String,
    /// The meaning of the code.
    pub meaning: Meaning,
    /// What stands behind it.
    pub evidence: Evidence,
    /// The carrier's description of the event.
    pub description: Option<String>,
    /// The place, as a person would write it: `Holbrook, NY, US`.
    pub location: Option<String>,
    /// When it happened, by the carrier's clock. If that time cannot be trusted: when the scan arrived.
    pub occurred_at: DateTime<Utc>,
    /// Whether `occurred_at` is the time of arrival.
    pub time_estimated: bool,
    /// The local time, if the carrier sent a time without a zone. Midnight may stand for a bare date.
    pub local_time: Option<NaiveDateTime>,
    /// The carrier's own identity of the parcel, if it has one beside the tracking number. Carriers use numbers
    /// again, and this tells the parcels of one number apart.
    pub package: Option<String>,
    /// When the carrier expects to deliver, as it last said with this scan.
    pub estimate: Option<DeliveryEstimate>,
}

impl Scan {
    /// Merges a repeat of this scan. Returns the merged scan, or `None` if the repeat says nothing new.
    ///
    /// 1. Meaning and evidence: this scan's own. If its meaning is unknown, or if `restated` is true, the repeat's. A
    ///    scan that staff repeats has their evidence.
    /// 2. Time: the carrier's own time rather than a time of arrival; of two times of the same kind, the earlier one.
    /// 3. Description and place: the longer text.
    /// 4. Estimate: the one that was said later (see [`DeliveryEstimate`]).
    ///
    /// Rules 2 to 4 give the same result whichever of the two came first.
    pub fn merge_repeated(&self, incoming: &Self, restated: bool) -> Option<Self> {
        let is_listed = self.meaning == Meaning::Unknown || restated;
        let told = if is_listed { incoming } else { self };
        let when = |scan: &Self| (scan.time_estimated, scan.occurred_at);
        let better = if when(incoming) < when(self) { incoming } else { self };
        let merged = Self {
            meaning: told.meaning,
            evidence: if incoming.evidence == Evidence::Staff { Evidence::Staff } else { told.evidence },
            description: longer_text(&self.description, &incoming.description),
            location: longer_text(&self.location, &incoming.location),
            occurred_at: better.occurred_at,
            time_estimated: better.time_estimated,
            local_time: better.local_time,
            estimate: self.estimate.max(incoming.estimate),
            ..self.clone()
        };
        (merged != *self).then_some(merged)
    }

    /// The time by which scans are sorted: the local time if the carrier sent no zone, else `occurred_at`.
    ///
    /// A local time is read as if it were UTC, so it is wrong by 14 hours at most. The time of arrival would be
    /// worse: the same scans would give another shipment when they arrive in another sequence.
    pub fn clock(&self) -> NaiveDateTime {
        self.local_time.unwrap_or(self.occurred_at.naive_utc())
    }

    /// Whether the carrier sent a usable time, with or without a zone. If not, [`clock`](Self::clock) is the time of
    /// arrival.
    pub fn has_clock(&self) -> bool {
        !self.time_estimated || self.local_time.is_some()
    }
}

/// Returns the longer of two texts, because carriers complete their texts in repeats. Of two texts of the same length
/// it returns the greater one, so that the result does not depend on which came first.
fn longer_text(one: &Option<String>, other: &Option<String>) -> Option<String> {
    one.iter().chain(other).max_by_key(|words| (words.len(), words.as_str())).cloned()
}

/// The time that a carrier sent with a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierTime {
    /// A time with an offset, which is an instant.
    Instant(DateTime<Utc>),
    /// A time without an offset. It is stored as the local time, and not trusted as an instant, because it may be
    /// wrong by half a day.
    Local(NaiveDateTime),
    /// No time, or a text that is not a time.
    Untrusted,
}

/// How far a carrier's time may be ahead of our clock, because clocks differ.
pub const MAX_AHEAD: TimeDelta = TimeDelta::hours(1);
/// How far ahead of UTC a local time can be: the offset of Kiribati in the time zone database.
const EASTERNMOST: TimeDelta = TimeDelta::hours(14);

impl CarrierTime {
    /// The time with which a scan counts, and whether that is the arrival. The arrival replaces a local time, a
    /// missing time, and a time that is more than [`MAX_AHEAD`] after it.
    pub fn or_arrival(self, arrival: DateTime<Utc>) -> (DateTime<Utc>, bool) {
        match self {
            Self::Instant(at) if at <= arrival + MAX_AHEAD => (at, false),
            Self::Instant(_) | Self::Local(_) | Self::Untrusted => (arrival, true),
        }
    }

    /// The local time, if the carrier sent one. `None` if no clock of any zone could have shown it when the scan
    /// arrived: then the time is wrong.
    pub fn local(self, arrival: DateTime<Utc>) -> Option<NaiveDateTime> {
        match self {
            Self::Local(at) if at <= arrival.naive_utc() + EASTERNMOST + MAX_AHEAD => Some(at),
            Self::Instant(_) | Self::Local(_) | Self::Untrusted => None,
        }
    }
}

/// What became of one incoming scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanOutcome {
    /// The scan is new and had this effect.
    New(ScanEffect),
    /// The scan is stored already, and the repeat says nothing new.
    Repeated,
    /// The scan is stored already, and the repeat says more. Holds the merged scan, and its effect if the meaning or
    /// the evidence changed.
    Revised(Box<Scan>, Option<ScanEffect>),
}

string_enum! {
    /// What a scan did when it came.
    pub enum ScanEffect ("scan effect") {
        /// It changed the state of the shipment.
        Applied => "applied",
        /// It changed nothing, because it says nothing new or because its shipment was cancelled in Milepost.
        Stale => "stale",
        /// Its code is not known.
        UnknownCode => "unknown_code",
        /// Its code says nothing about where the shipment is.
        Informational => "informational",
        /// It changed the shipment before the order was in processing. It counts for the order once the order gets
        /// there.
        Early => "early",
        /// It is about another parcel with the same number: it is more than a day older than the order, or of another
        /// package.
        NotOurs => "not_ours",
        /// It belongs to a way back: of a shipment that was delivered, or of one that goes back to its sender before.
        ReturnLeg => "return_leg",
        /// The order is cancelled or returned.
        OrderClosed => "order_closed",
        /// Staff has retracted it: it counts for nothing.
        Retracted => "retracted",
    }
}

impl ScanEffect {
    /// The effect instead of this one, of a scan that is kept from changing its shipment.
    pub(crate) const fn as_not_moving(self) -> Self {
        match self {
            Self::Applied | Self::Early => Self::Stale,
            Self::Stale
            | Self::UnknownCode
            | Self::Informational
            | Self::NotOurs
            | Self::ReturnLeg
            | Self::OrderClosed
            | Self::Retracted => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_comes_back_from_its_one_word() {
        for one in Meaning::all() {
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        let error = "lost in thought".parse::<Meaning>().unwrap_err().to_string();
        assert!(error.starts_with("`lost in thought` is no meaning of a code; known are label_created, "));
        assert!(error.ends_with(", informational, unknown"), "{error}");
    }
}
