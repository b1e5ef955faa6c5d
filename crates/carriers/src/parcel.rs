//! What every sender's body amounts to: parcels, and the scans of each.
//!
//! The senders' modules fill these in; `app` matches a [`Parcel`] with a shipment and folds its scans.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{
    Carrier, CarrierTime, Estimate, MAX_AHEAD, MAX_TRACKING_NUMBER, Meaning, Scan, ScanIdentity,
    normalize_tracking_number,
    text::{is_unsafe, single_line},
};
use sha2::{Digest, Sha256};

use crate::{fedex, limits, time};

/// What a body amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// Claims about parcels, and what beside them could not be read. None where the body is well formed and claims
    /// nothing.
    Parcels(Vec<Parcel>, Option<Unread>),
    /// The sender asks whether we want its pushes, and waits to be called back.
    Activation(Activation),
    /// It is well formed and not about a parcel we could follow: what it says, for people.
    Remark(String),
}

impl Push {
    /// Claims about one parcel, and nothing else.
    pub(crate) fn of(parcel: Parcel) -> Self {
        Self::Parcels(vec![parcel], None)
    }

    /// The push, where it claims no more than [`crate::MAX_SCANS`].
    pub(crate) fn check_limits(self) -> Result<Self, Unreadable> {
        let scans = match &self {
            Self::Parcels(parcels, _) => parcels.iter().map(|parcel| parcel.scans.len()).sum(),
            Self::Activation(_) | Self::Remark(_) => 0,
        };
        limits::check_scan_count(scans).map(|()| self)
    }

    /// What a sender's test of its own is: it moves no parcel, even where it names one of ours.
    pub(crate) fn test(sender: &str, tracking_number: &str) -> Self {
        Self::Remark(format!("{sender} sent a test, of {tracking_number}: tests move no parcel"))
    }
}

/// A subscription that begins when we call the sender back.
#[derive(Clone, PartialEq, Eq)]
pub struct Activation {
    /// The sender's id of the subscription.
    pub subscription: String,
    /// What we have to say. Never printed.
    pub secret: String,
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// One parcel, as one push speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Who carries it.
    pub carrier: Carrier,
    /// The carrier's number for it, without blanks, in capitals.
    pub tracking_number: String,
    /// What the carrier tells parcels of one number apart by, where it does: numbers are used again.
    pub package: Option<String>,
    /// What else the carrier calls it, for people: numbers under which it may have been registered by mistake.
    pub other_numbers: Vec<String>,
    /// What is claimed about it, in the order of the push. Never empty.
    pub scans: Vec<ParsedScan>,
    /// When the carrier expects to deliver.
    pub estimated_delivery: Option<DateTime<Utc>>,
    /// When it said all that, where the push has a time of its own.
    pub said_at: Option<DateTime<Utc>>,
}

impl Parcel {
    /// The scans as the fold wants them. `arrival` is when the webhook came: it stands in for times that cannot be
    /// trusted. The estimate goes with the newest scan.
    pub fn into_scans(self, arrival: DateTime<Utc>) -> Vec<Scan> {
        let package = self.package;
        let scans =
            self.scans.into_iter().map(|scan| Scan { package: package.clone(), ..scan.into_scan(arrival) });
        let mut scans: Vec<Scan> = scans.collect();
        let trusted_first = |scan: &&mut Scan| (!scan.time_estimated, scan.clock(), scan.identity);
        if let Some(expected) = self.estimated_delivery
            && let Some(newest) = scans.iter_mut().max_by_key(trusted_first)
        {
            // A push without a time of its own (FedEx, UPS, DHL) said it when its newest scan was made. So a revision
            // to an earlier day, without a new scan, loses. The arrival would not do: pushes overtake each other,
            // and the same pushes would give a different promise for each sequence in which they arrive.
            let push_time = self.said_at.filter(|at| *at <= arrival + MAX_AHEAD);
            newest.estimate =
                Some(Estimate { said_at: push_time.unwrap_or(newest.clock().and_utc()), expected });
        }
        scans
    }
}

/// The carrier's text as it may be stored for mails, pages and logs. The identity of a scan is made of the text as sent. A text
/// without unsafe characters stays as it is, whatever its blanks.
fn shown_safely(text: String) -> String {
    if text.contains(is_unsafe) { single_line(&text) } else { text }
}

/// One claim about a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedScan {
    /// What tells it from every other claim.
    pub identity: ScanIdentity,
    /// The carrier's code as sent, but for what the setting of codes could not name; `-` where there was none.
    pub code: String,
    /// What the code means in our words, after re-mapping.
    pub meaning: Meaning,
    /// The carrier's words.
    pub description: Option<String>,
    /// Where, as a person would write it.
    pub location: Option<String>,
    /// When, by the carrier's clock.
    pub time: CarrierTime,
}

impl ParsedScan {
    fn into_scan(self, arrival: DateTime<Utc>) -> Scan {
        let (occurred_at, time_estimated) = self.time.or_arrival(arrival);
        Scan {
            identity: self.identity,
            code: shown_safely(self.code),
            meaning: self.meaning,
            description: self.description.map(shown_safely).filter(|text| !text.is_empty()),
            location: self.location.map(shown_safely).filter(|text| !text.is_empty()),
            occurred_at,
            time_estimated,
            local_time: self.time.local(arrival),
            package: None,
            estimate: None,
        }
    }
}

/// Why a body cannot be read: what is wrong with it, for the person who looks at the stored webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(crate) String);

impl Unreadable {
    /// The same, of the element of that index in a list.
    pub(crate) fn within(self, what: &str, index: usize) -> Self {
        Self(format!("{what} {}: {self}", index + 1))
    }
}

/// What of a body could not be read, while the rest could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// How many elements.
    pub(crate) elements: usize,
    /// What is wrong with the first.
    pub(crate) first: Unreadable,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.elements {
            1 => write!(f, "1 element unread: {}", self.first),
            many => write!(f, "{many} elements unread, the first: {}", self.first),
        }
    }
}

/// What stands for the code of a scan that has none.
const NO_CODE: &str = "-";
/// The longest code shown, in characters: the database has an index over codes.
const MAX_CODE: usize = 200;
/// The most other numbers of a parcel that are told.
const MAX_OTHERS: usize = 5;

/// A tracking number in the spelling in which parcels are registered. One that nobody could register is none.
pub(crate) fn tracking_number(carrier: Carrier, sent: String) -> Result<String, Unreadable> {
    normalize_tracking_number(carrier, &sent).ok_or_else(|| {
        let length = sent.chars().filter(|c| !c.is_whitespace()).count();
        Unreadable(match length > MAX_TRACKING_NUMBER {
            true => format!("the tracking number has more than {MAX_TRACKING_NUMBER} characters"),
            false => "the tracking number has more in it than letters, digits and hyphens".into(),
        })
    })
}

/// Other numbers that a carrier gives for a parcel, as they would be registered: the first few, each once.
pub(crate) fn other_numbers(
    carrier: Carrier,
    number: &str,
    sent: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let mut others = Vec::new();
    for other in sent.into_iter().filter_map(|sent| tracking_number(carrier, sent).ok()) {
        if others.len() == MAX_OTHERS {
            break;
        }
        if other != number && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

/// A code as it is shown, and as the setting `MILEPOST_CARRIER_CODES` names it: its parts with slashes between, those
/// that are empty left out. `_` stands for what would end the name in the setting.
pub(crate) fn display_code(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    let nameable = |c: char| if matches!(c, ',' | '=') { '_' } else { c };
    let code: String = parts.join("/").chars().take(MAX_CODE).map(nameable).collect();
    match code.trim() {
        "" => NO_CODE.to_owned(),
        display_code => display_code.to_owned(),
    }
}

/// The time beside a carrier's own code, sent as `text` and read as `time`. Where it is worth little it is no more than
/// what a clock showed; whoever tells it, it is the carrier's clock.
pub(crate) fn believed(carrier: Carrier, code: &str, text: &str, time: CarrierTime) -> CarrierTime {
    let untimely = match carrier {
        Carrier::Fedex => fedex::is_untimely(code),
        Carrier::Ups | Carrier::Usps | Carrier::Dhl => false,
    };
    if untimely { time::clock_shown(text) } else { time }
}

/// A place as a person would write it, from its parts; `None` where all are absent.
pub(crate) fn place(parts: [Option<String>; 3]) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

/// The description code of a claim whose meaning may be read from more than its code: from words, as a rule. Where that
/// makes a difference the name of the meaning goes with it, as we read it and not as a setting has it. So two claims of
/// one code and one time that say different things are two, and one that is told again in other words stays one.
pub(crate) fn described(code: &str, alone: Meaning, read: Meaning) -> String {
    if alone == read { code.to_owned() } else { format!("{code}/{}", read.as_str()) }
}

/// The identity of a claim. `parcel` is the carrier's own identity for it, else its tracking number; `time`
/// is the carrier's time as sent, in as many parts as the carrier sends. Every part is hashed behind its
/// length, so that no two lists of parts run together into the same bytes.
pub fn identity(
    carrier: Carrier,
    parcel: &str,
    code: &str,
    description_code: &str,
    time: &[&str],
) -> ScanIdentity {
    let mut hash = Sha256::new();
    for part in [carrier.as_str(), parcel, code, description_code].iter().chain(time) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    ScanIdentity(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone};

    use super::*;
    use crate::{CodeMap, Sender};

    #[test]
    fn parts_do_not_run_together() {
        let of = |parcel, code, description| identity(Carrier::Ups, parcel, code, description, &["t"]);
        assert_eq!(of("1Z", "OT", "21"), of("1Z", "OT", "21"));
        assert_ne!(of("1Z", "OT", "21"), of("1ZO", "T", "21"));
        assert_ne!(of("1Z", "OT", "21"), of("1Z", "OT2", "1"));
        assert_ne!(of("1Z", "OT", ""), of("1Z", "", "OT"));
    }

    #[test]
    fn a_shown_code_is_short_and_can_be_named_in_the_setting() {
        assert_eq!(display_code(&["transit", "WC"]), "transit/WC");
        assert_eq!(display_code(&["transit", ""]), "transit");
        assert_eq!(display_code(&["", "WC"]), "WC");
        assert_eq!(display_code(&["", ""]), "-");
        let long = "é".repeat(500);
        assert_eq!(display_code(&[&long, &long]), "é".repeat(200));
        assert_eq!(display_code(&[&"a".repeat(199), " b"]), format!("{}/", "a".repeat(199)));

        let odd = display_code(&["Held, ask = pay"]);
        assert_eq!(odd, "Held_ ask _ pay");
        let map: CodeMap = format!("fedex.{odd}=held").parse().unwrap();
        assert!(map.get(Sender::Fedex, &odd).is_some());
    }

    #[test]
    fn of_estimates_without_a_zone_the_one_with_the_newest_clock_counts_whichever_arrives_last() {
        let told = |day: u32, expected: u32| {
            let local = |hour| NaiveDate::from_ymd_opt(2026, 3, day)?.and_hms_opt(hour, 0, 0);
            let scan = |number: u8, hour| ParsedScan {
                identity: ScanIdentity([number; 32]),
                code: "transit".to_owned(),
                meaning: Meaning::Unknown,
                description: None,
                location: None,
                time: CarrierTime::Local(local(hour).expect("a time")),
            };
            Parcel {
                carrier: Carrier::Dhl,
                tracking_number: "1".to_owned(),
                package: None,
                other_numbers: vec![],
                // The newest comes first, and its identity is the lowest.
                scans: vec![scan(1, 9), scan(2, 8)],
                estimated_delivery: Utc.with_ymd_and_hms(2026, 3, expected, 0, 0, 0).single(),
                said_at: None,
            }
        };
        let arrived = |parcel: Parcel, minute| {
            let arrival = Utc.with_ymd_and_hms(2026, 3, 4, 0, minute, 0).single().expect("a time");
            let scans = parcel.into_scans(arrival);
            assert_eq!(scans[1].estimate, None, "it goes with the newest");
            scans[0].estimate.expect("it was told")
        };
        for [first, second] in [[1, 2], [2, 1], [1, 1]] {
            let (earlier, later) = (arrived(told(1, 6), first), arrived(told(2, 5), second));
            assert!(later > earlier, "{later:?} {earlier:?}");
        }
    }

    #[test]
    fn other_numbers_are_told_once_and_no_more_than_some() {
        let told = |sent: &[&str]| other_numbers(Carrier::Dhl, "1", sent.iter().map(ToString::to_string));
        assert_eq!(told(&["jd 01", "JD01", "1", "JD/2", "JD02"]), ["JD01", "JD02"]);
        assert_eq!(told(&["2", "3", "4", "5", "6", "7", "8"]), ["2", "3", "4", "5", "6"]);
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn tracking_numbers_have_one_spelling() {
        let read = |sent: &str| tracking_number(Carrier::Ups, sent.to_owned());
        assert_eq!(read(" 1z999 aa1\t0"), Ok("1Z999AA10".into()));
        assert!(read(&"9".repeat(65)).is_err());
        for nobody_registers in ["1Z/999", "１Z999", "1Z_999"] {
            let Unreadable(reason) = read(nobody_registers).unwrap_err();
            assert_eq!(reason, "the tracking number has more in it than letters, digits and hyphens");
        }
    }

    #[test]
    fn texts_of_a_scan_are_stored_without_characters_that_forge_or_hide() {
        let identity = ScanIdentity([7; 32]);
        let scan = |code: &str, description: &str, location: &str| ParsedScan {
            identity,
            code: code.to_owned(),
            meaning: Meaning::Unknown,
            description: Some(description.to_owned()),
            location: Some(location.to_owned()),
            time: CarrierTime::Instant(DateTime::UNIX_EPOCH),
        };
        let hostile = scan("Q\n9", "held\r\nERROR \u{1b}[2Jforged\u{202e}", "\u{2066}\n")
            .into_scan(DateTime::UNIX_EPOCH);
        assert_eq!(
            (hostile.code.as_str(), hostile.description.as_deref()),
            ("Q 9", Some("held ERROR [2Jforged"))
        );
        assert_eq!((hostile.location, hostile.identity), (None, identity));
        let plain = scan("MOVED  BY BALLOON", "two  blanks", "Berlin, DE").into_scan(DateTime::UNIX_EPOCH);
        assert_eq!(
            (plain.code.as_str(), plain.description.as_deref()),
            ("MOVED  BY BALLOON", Some("two  blanks"))
        );
    }
}
