//! Parses a shipment of a Unified Push, which has the form of an answer of DHL's Unified Tracking.
//!
//! Only the envelope is uniform. Parcel DE sends event codes; Express sends other event codes or only descriptions;
//! the other services send descriptions with a status code. A push reports on the shipment as a whole, by its number.
//! The pieces in `details.pieceIds` have no events of their own, so they become other numbers of the parcel.

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
    json::{list_at, require_text, text_at},
    limits,
    normalize::normalize_text,
    parcel::{
        build_code_name, build_description_code, compute_identity, join_place, parse_other_numbers,
        parse_tracking_number,
    },
    time,
};

/// The longest text in `status`, in bytes, that counts as a code. A longer one is a description.
const MAX_STATUS_CODE: usize = 6;

/// Parses the parcel of a shipment. `None` if it has no scan.
pub(super) fn parse_parcel(shipment: &Value, remap: &CodeMap) -> Result<Option<Parcel>, Unreadable> {
    let tracking_number = parse_tracking_number(Carrier::Dhl, require_text("`id`", &[(shipment, "/id")])?)?;
    // The two letters of an Express code have other meanings at DHL's other services.
    let express = text_at(shipment, "/service").is_none_or(|s| s.to_ascii_lowercase().contains("express"));
    let key = ScanContext { parcel: &tracking_number, express, remap };

    // The latest event is in `events` and again in `status`. Sometimes only `status` has its status code.
    let latest = shipment.get("status").and_then(Event::from_value);
    let mut listed = false;
    let mut scans = limits::collect_scans(list_at(shipment, "events"), |event| {
        let event = Event::from_value(event)?;
        let same = latest.as_ref().filter(|latest| latest.is_same_event_as(&event));
        listed |= same.is_some();
        Some(event.into_scan(same.map(|latest| &*latest.status_code), key))
    });
    if let Some(latest) = latest.filter(|_| !listed) {
        let is_dated = !latest.timestamp.is_empty();
        let latest = latest.into_scan(None, key);
        let is_it = |scan: &ParsedScan| {
            scan.identity == latest.identity || (scan.time, scan.meaning) == (latest.time, latest.meaning)
        };
        // A `status` with a time is an event, even if it says no more than the list.
        if !is_dated {
            scans = current_status::merge_into_scans(scans, Some(CurrentStatus { scan: latest, is_dated }));
        } else if !scans.iter().any(is_it) {
            scans.push(latest);
        }
    }
    if scans.is_empty() {
        return Ok(None);
    }
    let pieces = list_at(shipment.get("details").unwrap_or(&Value::Null), "pieceIds");
    let pieces = pieces.iter().filter_map(|piece| text_at(piece, ""));
    Ok(Some(Parcel {
        carrier: Carrier::Dhl,
        other_numbers: parse_other_numbers(Carrier::Dhl, &tracking_number, pieces),
        tracking_number,
        package: None,
        scans,
        estimated_delivery: parse_estimated_delivery(shipment),
        pushed_at: None,
    }))
}

/// The values that all scans of a shipment share.
#[derive(Clone, Copy)]
struct ScanContext<'a> {
    parcel: &'a str,
    express: bool,
    remap: &'a CodeMap,
}

/// One of `events`, or the shipment's `status`.
struct Event<'a> {
    value: &'a Value,
    status_code: String,
    /// The event code of the service.
    code: String,
    timestamp: String,
    /// The field `status`: a code or a description.
    named: Option<String>,
    words: Option<String>,
}

impl<'a> Event<'a> {
    /// `None` if the value has neither a code nor a time.
    fn from_value(value: &'a Value) -> Option<Self> {
        let [status_code, timestamp, named] =
            ["/statusCode", "/timestamp", "/status"].map(|pointer| text_at(value, pointer));
        let code = named.clone().filter(|code| is_code(code));
        let code = code.or_else(|| text_at(value, "/typeCode").filter(|code| is_code(code)));
        if status_code.is_none() && code.is_none() && timestamp.is_none() {
            return None;
        }
        Some(Self {
            value,
            status_code: status_code.unwrap_or_default(),
            code: code.unwrap_or_default(),
            timestamp: timestamp.unwrap_or_default(),
            named,
            words: text_at(value, "/description"),
        })
    }

    /// Whether `event` is the same event as this one: same time and same words.
    fn is_same_event_as(&self, event: &Self) -> bool {
        let words = |event: &Self| {
            normalize_text(event.words.as_ref().or(event.named.as_ref()).map_or("", |words| words))
        };
        self.timestamp == event.timestamp && words(self) == words(event)
    }

    /// Converts to a scan. `lent` is the status code of the same event in the shipment's `status`.
    fn into_scan(self, lent: Option<&str>, key: ScanContext<'_>) -> ParsedScan {
        let interpreted = match self.status_code.is_empty() && self.code.is_empty() {
            true => self.interpret_words(lent, key),
            false => self.interpret_codes(key),
        };
        ParsedScan {
            identity: compute_identity(
                Carrier::Dhl,
                key.parcel,
                &interpreted.code,
                &interpreted.description_code,
                &[&self.timestamp],
            ),
            meaning: interpreted.meaning,
            code: interpreted.display_code,
            location: join_place([
                text_at(self.value, "/location/address/addressLocality"),
                None,
                text_at(self.value, "/location/address/countryCode"),
            ]),
            // DHL's own samples have `Z`, but one consumer of its tracking reads the same times as local times. It is
            // not known which service writes which, so only midnight with `Z` is doubted.
            time: time::parse_scan_time_doubting_z(&self.timestamp),
            description: self.words.or_else(|| self.named.filter(|words| !is_code(words))),
        }
    }

    /// The claim of an event with a status code or an event code. The words can refine the meaning, but are no part
    /// of the identity.
    fn interpret_codes(&self, key: ScanContext<'_>) -> InterpretedEvent {
        let display_code = build_code_name(&[&self.status_code, &self.code]);
        let read = self.find_meaning(&self.status_code, key);
        let alone = codes::find_meaning(self.codes_with(&self.status_code, key), "");
        InterpretedEvent {
            code: self.status_code.to_ascii_lowercase(),
            description_code: build_description_code(&self.code.to_ascii_uppercase(), alone, read),
            meaning: find_merchant_meaning(key.remap, &display_code, &self.status_code).unwrap_or(read),
            display_code,
        }
    }

    /// The claim of an event without codes. Its listed text is its code, even if `status` lends it a status code:
    /// only the push in which the event is the latest has that code, so it must not change the identity. The lent
    /// code gives the meaning only if the words are unknown.
    fn interpret_words(&self, lent: Option<&str>, key: ScanContext<'_>) -> InterpretedEvent {
        let said =
            [&self.words, &self.named].into_iter().flatten().map(|words| event_texts::find_meaning(words));
        let said: Vec<EventText> = said.collect();
        let known = said.iter().find(|event_text| event_text.meaning != Meaning::Unknown);
        let (code, read) = match known.or(said.first()) {
            Some(event_text) => (event_text.code.clone(), event_text.meaning),
            None => (String::new(), Meaning::Unknown),
        };
        let by_lent =
            |lent: &str| key.remap.get(Sender::Dhl, lent).unwrap_or_else(|| self.find_meaning(lent, key));
        let display_code = build_code_name(&[&code]);
        let meaning = key.remap.get(Sender::Dhl, &display_code).unwrap_or_else(|| match (read, lent) {
            (Meaning::Unknown, Some(lent)) => by_lent(lent),
            (read, _) => read,
        });
        // In lower case, so that it differs from every event code: these are in capitals.
        let description_code = if code.is_empty() { "" } else { "words" }.to_owned();
        InterpretedEvent { code, description_code, display_code, meaning }
    }

    /// The meaning with this status code. `status` is read as words too, because a short word such as `Return` looks
    /// like a code.
    fn find_meaning(&self, status_code: &str, key: ScanContext<'_>) -> Meaning {
        let said = [self.named.as_deref(), self.words.as_deref()].map(Option::unwrap_or_default).join(". ");
        codes::find_meaning(self.codes_with(status_code, key), &said)
    }

    fn codes_with<'b>(&'b self, status: &'b str, key: ScanContext<'_>) -> Code<'b> {
        Code { status, event: &self.code, express: key.express }
    }
}

/// The meaning of an event, and the parts of its identity.
struct InterpretedEvent {
    code: String,
    description_code: String,
    display_code: String,
    meaning: Meaning,
}

/// Whether the text of `status` is a code: `WC`, `dlvrd`. Other services write a description there.
fn is_code(status: &str) -> bool {
    status.len() <= MAX_STATUS_CODE && status.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The merchant's meaning for the whole code, or else for the status code with any event code.
fn find_merchant_meaning(remap: &CodeMap, display_code: &str, status: &str) -> Option<Meaning> {
    remap.get(Sender::Dhl, display_code).or_else(|| remap.get(Sender::Dhl, status))
}

/// The expected delivery: the end of the promised time frame, or else the single time.
fn parse_estimated_delivery(shipment: &Value) -> Option<DateTime<Utc>> {
    text_at(shipment, "/estimatedDeliveryTimeFrame/estimatedThrough")
        .and_then(|at| time::parse_expected_date(&at))
        .or_else(|| time::parse_expected_date(&text_at(shipment, "/estimatedTimeOfDelivery")?))
}
