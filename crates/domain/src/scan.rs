//! Scans: the claims of carriers about a parcel, and what each did when it came.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::{
    name::names,
    shipment::{ConditionKind, ShipmentStatus},
};

/// What makes two claims the same claim: a hash over carrier, parcel, code, description code and the
/// carrier's time as sent. Never the free text, the place, or an id of the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanIdentity(pub [u8; 32]);

/// What a carrier's code means in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The parcel got this far.
    Status(ShipmentStatus),
    /// Trouble beside the milestone.
    Condition(ConditionKind),
    /// A listed code that says nothing about where the parcel is.
    Informational,
    /// A code nobody has listed. Kept, shown, counted; never guessed at.
    Unknown,
}

/// One claim by a carrier about a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// What tells it from every other claim.
    pub identity: ScanIdentity,
    /// The carrier's code as sent: `OD`, or `I/OT/021` where the carrier needs three parts.
    pub code: String,
    /// What the code means in our words.
    pub meaning: Meaning,
    /// The carrier's words.
    pub description: Option<String>,
    /// Where, as a person would write it: `Holbrook, NY, US`.
    pub location: Option<String>,
    /// The carrier's time, or the arrival where that cannot be trusted.
    pub occurred_at: DateTime<Utc>,
    /// Whether `occurred_at` is the arrival.
    pub time_estimated: bool,
    /// What the clock of the place showed, where the carrier told no more. Midnight may stand for a date.
    pub local_time: Option<NaiveDateTime>,
    /// What the carrier tells parcels of one number apart by, where it does: numbers are used again.
    pub package: Option<String>,
    /// When the carrier expects to deliver, as it last said with this scan.
    pub estimate: Option<Estimate>,
}

impl Scan {
    /// What this scan amounts to when it is heard again: nothing where that says nothing new. A later estimate
    /// counts, and a meaning where there was none; in a replay the meaning it has today counts in any case.
    pub fn heard_again(&self, heard: &Self, replay: bool) -> Option<Self> {
        let listed = self.meaning == Meaning::Unknown || replay;
        let meaning = if listed { heard.meaning } else { self.meaning };
        let merged = Self { meaning, estimate: self.estimate.max(heard.estimate), ..self.clone() };
        (merged != *self).then_some(merged)
    }
}

/// A promise of delivery. Of two the one that was said later counts; of two that were said at the same time the
/// later day, so that the order in which they came does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Estimate {
    /// When the carrier said so.
    pub said_at: DateTime<Utc>,
    /// When it expects to deliver.
    pub expected: DateTime<Utc>,
}

/// The time a carrier gave for a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierTime {
    /// With an offset: an instant.
    Instant(DateTime<Utc>),
    /// Without an offset: what the clock of the place showed. Kept, and not trusted: it may be half a day off.
    Local(NaiveDateTime),
    /// Missing, or not a time.
    Untrusted,
}

/// How far ahead of our clock a carrier's time may be.
const MAX_AHEAD: TimeDelta = TimeDelta::hours(1);

impl CarrierTime {
    /// The time a scan counts with, and whether it is the arrival in place of the carrier's own.
    pub fn or_arrival(self, arrival: DateTime<Utc>) -> (DateTime<Utc>, bool) {
        match self {
            Self::Instant(at) if at <= arrival + MAX_AHEAD => (at, false),
            Self::Instant(_) | Self::Local(_) | Self::Untrusted => (arrival, true),
        }
    }

    /// What the clock of the place showed, where nothing better is known.
    pub fn local(self) -> Option<NaiveDateTime> {
        match self {
            Self::Local(at) => Some(at),
            Self::Instant(_) | Self::Untrusted => None,
        }
    }
}

/// What became of one claim that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is new, and did this.
    New(ScanEffect),
    /// We had it.
    Again,
    /// We had it, and it says more now: this. A meaning that is new has an effect that is new.
    Revised(Box<Scan>, Option<ScanEffect>),
}

names! {
    /// What a scan did when it came.
    pub enum ScanEffect ("scan effect") {
        /// It changed what we say about the parcel.
        Applied => "applied",
        /// It said nothing new.
        Stale => "stale",
        /// Its code is not listed.
        UnknownCode => "unknown_code",
        /// Its code says nothing about where the parcel is.
        Informational => "informational",
        /// It moved the parcel before the order was in processing; the order takes it up when it gets there.
        Early => "early",
        /// It is about another parcel with the same number: more than a day older than the order, or of another package.
        NotOurs => "not_ours",
        /// It belongs to the way back of a delivered parcel.
        ReturnLeg => "return_leg",
        /// It came for an order that is closed.
        OrderClosed => "order_closed",
    }
}
