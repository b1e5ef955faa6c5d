//! A shipment of a Unified Push, in the form of an answer of DHL's Unified Tracking.
//!
//! DHL unifies the envelope and not what stands in it: Parcel DE speaks in event codes, Express in others or in words
//! alone, the rest in words beside a status code. A push speaks of the shipment, by its number; the pieces it may list in
//! `details.pieceIds` are not told apart, and are other numbers of it.

use chrono::{DateTime, Utc};
use domain::{Carrier, Meaning};
use serde_json::Value;

use super::{
    codes::{self, Code},
    event_texts::{self, EventText},
};
use crate::{
    CodeMap, Parcel, ParsedScan, Sender, Unreadable,
    current_status::{self, CurrentStatus},
    json::{list, required, text},
    limits,
    normalize::normalize_text,
    parcel::{described, display_code, identity, other_numbers, place, tracking_number},
    time,
};

/// The longest text in `status` that is a code, and not words.
const MAX_STATUS_CODE: usize = 6;

/// The parcel of a shipment; `None` where nothing is claimed about it.
pub(super) fn parcel(shipment: &Value, remap: &CodeMap) -> Result<Option<Parcel>, Unreadable> {
    let tracking_number = tracking_number(Carrier::Dhl, required("`id`", &[(shipment, "/id")])?)?;
    // Two letters mean something else to DHL's other services.
    let express = text(shipment, "/service").is_none_or(|s| s.to_ascii_lowercase().contains("express"));
    let key = Key { parcel: &tracking_number, express, remap };

    // The latest event stands in both places, and may have its status code in the one alone.
    let latest = shipment.get("status").and_then(Event::of);
    let mut listed = false;
    let mut scans = limits::collect_scans(list(shipment, "events"), |event| {
        let event = Event::of(event)?;
        let same = latest.as_ref().filter(|latest| latest.is_told_by(&event));
        listed |= same.is_some();
        Some(event.scan(same.map(|latest| &*latest.status_code), key))
    });
    if let Some(latest) = latest.filter(|_| !listed) {
        let is_dated = !latest.timestamp.is_empty();
        let latest = latest.scan(None, key);
        let is_it = |scan: &ParsedScan| {
            scan.identity == latest.identity || (scan.time, scan.meaning) == (latest.time, latest.meaning)
        };
        // In the form of an event and with its time it is one, whether it says more or not.
        if !is_dated {
            scans = current_status::merge_into_scans(scans, Some(CurrentStatus { scan: latest, is_dated }));
        } else if !scans.iter().any(is_it) {
            scans.push(latest);
        }
    }
    if scans.is_empty() {
        return Ok(None);
    }
    let pieces = list(shipment.get("details").unwrap_or(&Value::Null), "pieceIds");
    let pieces = pieces.iter().filter_map(|piece| text(piece, ""));
    Ok(Some(Parcel {
        carrier: Carrier::Dhl,
        other_numbers: other_numbers(Carrier::Dhl, &tracking_number, pieces),
        tracking_number,
        package: None,
        scans,
        estimated_delivery: estimated_delivery(shipment),
        said_at: None,
    }))
}

/// What a shipment's events have in common.
#[derive(Clone, Copy)]
struct Key<'a> {
    parcel: &'a str,
    express: bool,
    remap: &'a CodeMap,
}

/// One of `events`, or `status`.
struct Event<'a> {
    value: &'a Value,
    status_code: String,
    /// A code of the service's own.
    code: String,
    timestamp: String,
    /// What stands in `status`, a code or words.
    named: Option<String>,
    words: Option<String>,
}

impl<'a> Event<'a> {
    /// `None` where it has neither code nor time.
    fn of(value: &'a Value) -> Option<Self> {
        let [status_code, timestamp, named] =
            ["/statusCode", "/timestamp", "/status"].map(|pointer| text(value, pointer));
        let code = named.clone().filter(|code| is_code(code));
        let code = code.or_else(|| text(value, "/typeCode").filter(|code| is_code(code)));
        if status_code.is_none() && code.is_none() && timestamp.is_none() {
            return None;
        }
        Some(Self {
            value,
            status_code: status_code.unwrap_or_default(),
            code: code.unwrap_or_default(),
            timestamp: timestamp.unwrap_or_default(),
            named,
            words: text(value, "/description"),
        })
    }

    /// Whether that event is this one: of the same time and in the same words.
    fn is_told_by(&self, event: &Self) -> bool {
        let words = |event: &Self| {
            normalize_text(event.words.as_ref().or(event.named.as_ref()).map_or("", |words| words))
        };
        self.timestamp == event.timestamp && words(self) == words(event)
    }

    /// The claim. `lent` is the status code that the shipment's `status` has for the same event.
    fn scan(self, lent: Option<&str>, key: Key<'_>) -> ParsedScan {
        let claim = match self.status_code.is_empty() && self.code.is_empty() {
            true => self.in_words(lent, key),
            false => self.in_codes(key),
        };
        ParsedScan {
            identity: identity(Carrier::Dhl, key.parcel, &claim.code, &claim.described, &[&self.timestamp]),
            meaning: claim.meaning,
            code: claim.display_code,
            location: place([
                text(self.value, "/location/address/addressLocality"),
                None,
                text(self.value, "/location/address/countryCode"),
            ]),
            // DHL's own samples have `Z`, and one consumer of its tracking takes the same times for those of the place.
            // Which of its services write what is uncertain, so only midnight is doubted.
            time: time::scanned_doubting_z(&self.timestamp),
            description: self.words.or_else(|| self.named.filter(|words| !is_code(words))),
        }
    }

    /// A claim by its codes, or by one of them. The words say more, and are no part of what it is known by.
    fn in_codes(&self, key: Key<'_>) -> Claim {
        let display_code = display_code(&[&self.status_code, &self.code]);
        let read = self.read(&self.status_code, key);
        let alone = codes::meaning(self.codes(&self.status_code, key), "");
        Claim {
            code: self.status_code.to_ascii_lowercase(),
            described: described(&self.code.to_ascii_uppercase(), alone, read),
            meaning: remapped(key.remap, &display_code, &self.status_code).unwrap_or(read),
            display_code,
        }
    }

    /// A claim by its words alone: the wording is its code, also where `status` lends it another in the one push that
    /// has it for the latest. What is lent says only what the words do not.
    fn in_words(&self, lent: Option<&str>, key: Key<'_>) -> Claim {
        let said =
            [&self.words, &self.named].into_iter().flatten().map(|words| event_texts::find_meaning(words));
        let said: Vec<EventText> = said.collect();
        let known = said.iter().find(|event_text| event_text.meaning != Meaning::Unknown);
        let (code, read) = match known.or(said.first()) {
            Some(event_text) => (event_text.code.clone(), event_text.meaning),
            None => (String::new(), Meaning::Unknown),
        };
        let by_lent = |lent: &str| key.remap.get(Sender::Dhl, lent).unwrap_or_else(|| self.read(lent, key));
        let display_code = display_code(&[&code]);
        let meaning = key.remap.get(Sender::Dhl, &display_code).unwrap_or_else(|| match (read, lent) {
            (Meaning::Unknown, Some(lent)) => by_lent(lent),
            (read, _) => read,
        });
        // Never that of an event code, which is in capitals.
        let described = if code.is_empty() { "" } else { "words" }.to_owned();
        Claim { code, described, display_code, meaning }
    }

    /// What it means, with that status code. A short word may be taken for a code, `Return`: it is said all the same.
    fn read(&self, status_code: &str, key: Key<'_>) -> Meaning {
        let said = [self.named.as_deref(), self.words.as_deref()].map(Option::unwrap_or_default).join(". ");
        codes::meaning(self.codes(status_code, key), &said)
    }

    fn codes<'b>(&'b self, status: &'b str, key: Key<'_>) -> Code<'b> {
        Code { status, event: &self.code, express: key.express }
    }
}

/// What an event says, and by what it is known.
struct Claim {
    code: String,
    described: String,
    display_code: String,
    meaning: Meaning,
}

/// Whether `status` holds a code: `WC`, `dlvrd`. Elsewhere words stand there.
fn is_code(status: &str) -> bool {
    status.len() <= MAX_STATUS_CODE && status.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What the setting says of the code, else of its status code whatever the event.
fn remapped(remap: &CodeMap, display_code: &str, status: &str) -> Option<Meaning> {
    remap.get(Sender::Dhl, display_code).or_else(|| remap.get(Sender::Dhl, status))
}

/// The end of the time frame, which is the promise, else the one time given.
fn estimated_delivery(shipment: &Value) -> Option<DateTime<Utc>> {
    text(shipment, "/estimatedDeliveryTimeFrame/estimatedThrough")
        .and_then(|at| time::expected(&at))
        .or_else(|| time::expected(&text(shipment, "/estimatedTimeOfDelivery")?))
}
