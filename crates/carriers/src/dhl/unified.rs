//! Parses a shipment of a Unified Push, which has the form of an answer of DHL's Unified Tracking. Called by `dhl`.
//!
//! `parse_parcel` reads each event with `Event::from_value` and converts it with `into_scan`: `interpret_codes` if it
//! has a code, else `interpret_words`. `status` of the shipment is the latest event once more. Sometimes only it has
//! the status code, which it lends to that event (`lent_status_code`).
//!
//! Only the envelope is uniform. Parcel DE sends event codes; Express sends other event codes or only descriptions;
//! eCommerce sends event names; the other services send descriptions with a status code. A push reports on the shipment
//! as a whole, by its number. The pieces in `details.pieceIds` have no events of their own, so they become other
//! numbers of the parcel.

use domain::{Carrier, ExpectedDelivery, Meaning};
use serde_json::Value;

use super::{
    codes::{self, Code},
    event_names::{is_event_name, is_short_capital_word},
    event_texts::{self, EventText},
};
use crate::{
    codes::CodeMap,
    current_status::{self, CurrentStatus},
    estimate_scan::or_estimate_scan,
    json::{flag_at, list_at, plain_text_at, require_text, text_at, words_at},
    limits,
    normalize::normalize_text,
    numbers::{parse_other_numbers, parse_tracking_number},
    parcel::{Parcel, ParsedScan},
    place::join_place,
    return_flag::apply_return_flag,
    scan_identity::{build_code_name, build_identity_code, compute_identity},
    sender::Sender,
    time,
    unreadable::Unreadable,
};

/// The longest text in `status`, in bytes, that counts as a code. A longer one is a description.
const MAX_STATUS_CODE: usize = 6;

/// Parses the parcel of a shipment. `None` if it has no scan.
pub(super) fn parse_parcel(shipment: &Value, remap: &CodeMap) -> Result<Option<Parcel>, Unreadable> {
    let tracking_number = parse_tracking_number(Carrier::DHL, require_text("`id`", &[(shipment, "/id")])?)?;
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
    let estimated_delivery = parse_estimated_delivery(shipment);
    scans = or_estimate_scan(scans, estimated_delivery, Carrier::DHL, &tracking_number);
    if scans.is_empty() {
        return Ok(None);
    }
    if flag_at(shipment, "/returnFlag") {
        apply_return_flag(&mut scans);
    }
    let pieces = list_at(shipment.get("details").unwrap_or(&Value::Null), "pieceIds");
    let pieces = pieces.iter().filter_map(|piece| text_at(piece, ""));
    Ok(Some(Parcel {
        other_numbers: parse_other_numbers(Carrier::DHL, &tracking_number, pieces),
        tracking_number,
        package: None,
        scans,
        estimated_delivery,
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
    /// The event code of the service, or its event name.
    code: String,
    timestamp: String,
    /// The field `status`: a code, a name or a description.
    named: Option<String>,
    words: Option<String>,
}

impl<'a> Event<'a> {
    /// `None` if the value has neither a code nor a time.
    fn from_value(value: &'a Value) -> Option<Self> {
        let [status_code, timestamp] = ["/statusCode", "/timestamp"].map(|pointer| text_at(value, pointer));
        let named = plain_text_at(value, "/status");
        // One word in capitals is a name only beside a status code. Alone it is a description.
        let is_code_or_name = |text: &String| {
            is_code(text) || is_event_name(text) || (status_code.is_some() && is_short_capital_word(text))
        };
        // The detailed code of Parcel DE tells what the code beside it does not.
        let detailed = text_at(value, "/statusDetailed").filter(|code| is_event_name(code));
        let code = detailed
            .or_else(|| named.clone().filter(is_code_or_name))
            .or_else(|| text_at(value, "/typeCode").filter(is_code_or_name));
        if status_code.is_none() && code.is_none() && timestamp.is_none() {
            return None;
        }
        Some(Self {
            value,
            status_code: status_code.unwrap_or_default(),
            code: code.unwrap_or_default(),
            timestamp: timestamp.unwrap_or_default(),
            named,
            words: words_at(value, "/description"),
        })
    }

    /// Whether `event` is the same event as this one: same time, same words, and no other code.
    fn is_same_event_as(&self, event: &Self) -> bool {
        let words = |event: &Self| {
            normalize_text(event.words.as_ref().or(event.named.as_ref()).map_or("", |words| words))
        };
        let codes = [&self.code, &event.code];
        let has_other_code =
            codes.iter().all(|code| !code.is_empty()) && !self.code.eq_ignore_ascii_case(&event.code);
        self.timestamp == event.timestamp && words(self) == words(event) && !has_other_code
    }

    /// Converts to a scan. `lent_status_code` is the status code of the same event in the shipment's `status`.
    fn into_scan(self, lent_status_code: Option<&str>, key: ScanContext<'_>) -> ParsedScan {
        let interpreted = match self.status_code.is_empty() && self.code.is_empty() {
            true => self.interpret_words(lent_status_code, key),
            false => self.interpret_codes(key),
        };
        ParsedScan {
            identity: compute_identity(
                Carrier::DHL,
                key.parcel,
                &interpreted.code,
                &interpreted.description_code,
                &[&self.timestamp],
            ),
            meaning: interpreted.meaning,
            code: interpreted.display_code,
            location: join_place([
                plain_text_at(self.value, "/location/address/addressLocality"),
                None,
                plain_text_at(self.value, "/location/address/countryCode"),
            ]),
            // DHL's own samples have `Z`, but one consumer of its tracking reads the same times as local times. It is
            // not known which service writes which, so only midnight with `Z` is doubted.
            time: time::parse_scan_time_doubting_z(&self.timestamp),
            description: self.words.or_else(|| describe_status_text(&self.named?)),
        }
    }

    /// The claim of an event with a status code or an event code. The words can refine the meaning, but are no part
    /// of the identity.
    fn interpret_codes(&self, key: ScanContext<'_>) -> InterpretedEvent {
        let display_code = build_code_name(&[&self.status_code, &self.code]);
        let read = self.find_meaning(&self.status_code, key);
        let alone = codes::find_meaning(self.build_code(&self.status_code, key), ["", ""]);
        InterpretedEvent {
            code: self.status_code.to_ascii_lowercase(),
            description_code: build_identity_code(&self.code.to_ascii_uppercase(), alone, read),
            meaning: self.find_merchant_meaning(key.remap, &display_code).unwrap_or(read),
            display_code,
        }
    }

    /// The claim of an event without codes. Its listed text is its code, even if `status` lends it a status code:
    /// only the push in which the event is the latest has that code, so it must not change the identity. The lent
    /// code gives the meaning only if the words are unknown.
    fn interpret_words(&self, lent_status_code: Option<&str>, key: ScanContext<'_>) -> InterpretedEvent {
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
        let meaning =
            key.remap.get(Sender::Dhl, &display_code).unwrap_or_else(|| match (read, lent_status_code) {
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
        let said = [self.named.as_deref(), self.words.as_deref()].map(Option::unwrap_or_default);
        codes::find_meaning(self.build_code(status_code, key), said)
    }

    /// The merchant's meaning for the whole code, or else for the status code with what stands in `status`, or else
    /// for the status code with any event code.
    fn find_merchant_meaning(&self, remap: &CodeMap, display_code: &str) -> Option<Meaning> {
        let named = build_code_name(&[&self.status_code, self.named.as_deref().unwrap_or_default()]);
        [display_code, &named, &self.status_code].into_iter().find_map(|code| remap.get(Sender::Dhl, code))
    }

    fn build_code<'b>(&'b self, status: &'b str, key: ScanContext<'_>) -> Code<'b> {
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

/// The text of `status` as a description. A code is none; the words of an event name are.
fn describe_status_text(named: &str) -> Option<String> {
    match named {
        code if is_code(code) => None,
        name if is_event_name(name) => Some(name.replace('_', " ").to_lowercase()),
        words => Some(words.to_owned()),
    }
}

/// The expected delivery: the promised time frame, or else the single time.
fn parse_estimated_delivery(shipment: &Value) -> Option<ExpectedDelivery> {
    let end = |end: &str| text_at(shipment, &format!("/estimatedDeliveryTimeFrame/{end}"));
    let frame = || time::parse_expected_window(end("estimatedFrom").as_deref(), &end("estimatedThrough")?);
    frame().or_else(|| time::parse_expected_delivery(&text_at(shipment, "/estimatedTimeOfDelivery")?))
}
