//! Scans: the claims of carriers about a shipment, and what each did when it came.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::{
    shipment::{ConditionKind, ShipmentStatus},
    string_enum::{UnknownName, string_enum},
};

/// What makes two claims the same claim: a hash over carrier, shipment, code, description code and the
/// carrier's time as sent. Never the free text, the place, or an id of the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanIdentity(pub [u8; 32]);

/// What a carrier's code means in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The shipment got this far.
    Status(ShipmentStatus),
    /// Trouble beside the milestone.
    Condition(ConditionKind),
    /// A listed code that says nothing about where the shipment is.
    Informational,
    /// A code nobody has listed. Kept, shown, counted; never guessed at.
    Unknown,
}

impl Meaning {
    /// Every meaning: statuses, conditions, and the two others.
    pub fn all() -> impl Iterator<Item = Self> {
        let statuses = ShipmentStatus::ALL.map(Self::Status);
        let conditions = ConditionKind::ALL.map(Self::Condition);
        statuses.into_iter().chain(conditions).chain([Self::Informational, Self::Unknown])
    }

    /// The stable spelling, as in the database, in settings and in stories: one word, another one for each.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Condition(condition) => condition.as_str(),
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

/// One claim by a carrier about a shipment.
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
    /// What the clock of the place showed, where the carrier told no zone. Midnight may stand for a date.
    pub local_time: Option<NaiveDateTime>,
    /// What the carrier tells parcels of one number apart by, where it does: numbers are used again.
    pub package: Option<String>,
    /// When the carrier expects to deliver, as it last said with this scan.
    pub estimate: Option<Estimate>,
}

impl Scan {
    /// What this scan amounts to when it is heard again: nothing where that says nothing new. A later estimate
    /// counts, a better time (the carrier's own before the arrival, and of two arrivals the earlier), more words, and a
    /// meaning where there was none; of one that is `restated` the meaning it has today counts in any case.
    pub fn merge_repeated(&self, incoming: &Self, restated: bool) -> Option<Self> {
        let is_listed = self.meaning == Meaning::Unknown || restated;
        let meaning = if is_listed { incoming.meaning } else { self.meaning };
        let when = |scan: &Self| (scan.time_estimated, scan.occurred_at);
        let better = if when(incoming) < when(self) { incoming } else { self };
        let merged = Self {
            meaning,
            description: fuller(&self.description, &incoming.description),
            location: fuller(&self.location, &incoming.location),
            occurred_at: better.occurred_at,
            time_estimated: better.time_estimated,
            local_time: better.local_time,
            estimate: self.estimate.max(incoming.estimate),
            ..self.clone()
        };
        (merged != *self).then_some(merged)
    }

    /// By what scans are put in order: what the clock of the place showed where no time can be trusted, as if it were
    /// of UTC. It is half a day off at most. Sorted by arrival, the same pushes would give a different shipment for
    /// each sequence in which they arrive.
    pub fn clock(&self) -> NaiveDateTime {
        self.local_time.unwrap_or(self.occurred_at.naive_utc())
    }

    /// Whether its carrier told any time at all that can be. Else [`clock`](Self::clock) is the arrival.
    pub fn has_clock(&self) -> bool {
        !self.time_estimated || self.local_time.is_some()
    }
}

/// Of two wordings the longer one: carriers add what was missing, and whichever came first, it is the same.
fn fuller(one: &Option<String>, other: &Option<String>) -> Option<String> {
    one.iter().chain(other).max_by_key(|words| (words.len(), words.as_str())).cloned()
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

/// How far ahead of our clock a time may be: clocks differ.
pub const MAX_AHEAD: TimeDelta = TimeDelta::hours(1);
/// How far ahead of UTC a clock of the Earth may be: Kiribati's, by the time zone database.
const EASTERNMOST: TimeDelta = TimeDelta::hours(14);

impl CarrierTime {
    /// The time a scan counts with, and whether it is the arrival in place of the carrier's own.
    pub fn or_arrival(self, arrival: DateTime<Utc>) -> (DateTime<Utc>, bool) {
        match self {
            Self::Instant(at) if at <= arrival + MAX_AHEAD => (at, false),
            Self::Instant(_) | Self::Local(_) | Self::Untrusted => (arrival, true),
        }
    }

    /// What the clock of the place showed, where nothing better is known. One that in no zone could have shown that
    /// when it arrived is wrong, and worth nothing.
    pub fn local(self, arrival: DateTime<Utc>) -> Option<NaiveDateTime> {
        match self {
            Self::Local(at) if at <= arrival.naive_utc() + EASTERNMOST + MAX_AHEAD => Some(at),
            Self::Instant(_) | Self::Local(_) | Self::Untrusted => None,
        }
    }
}

/// What became of one claim that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanOutcome {
    /// It is new, and did this.
    New(ScanEffect),
    /// We had it.
    Repeated,
    /// We had it, and it says more now: the scan as it is now, and its effect where the meaning changed.
    Revised(Box<Scan>, Option<ScanEffect>),
}

string_enum! {
    /// What a scan did when it came.
    pub enum ScanEffect ("scan effect") {
        /// It changed what we say about the shipment.
        Applied => "applied",
        /// It said nothing new.
        Stale => "stale",
        /// Its code is not listed.
        UnknownCode => "unknown_code",
        /// Its code says nothing about where the shipment is.
        Informational => "informational",
        /// It moved the shipment before the order was in processing; the order takes it up when it gets there.
        Early => "early",
        /// It is about another parcel with the same number: more than a day older than the order, or of another package.
        NotOurs => "not_ours",
        /// It belongs to the way back of a delivered shipment.
        ReturnLeg => "return_leg",
        /// It came for an order that is closed.
        OrderClosed => "order_closed",
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
