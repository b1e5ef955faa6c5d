//! USPS Subscriptions-Tracking, version 3: webhooks whose `payload` field is a string that contains JSON.
//!
//! [`crate::Sender`] calls [`Usps`] through [`Protocol`]: for `app`, which verifies and parses webhooks, and for
//! `simulator`, which writes and signs them. `verify_head` only reads the signature; `verify_body` compares it. The
//! steps of `parse`:
//!
//! 1. `parse_challenge`: a challenge gives a remark and no parcel. `None` means that the body is none.
//! 2. `parse_push` opens the envelope, `parse_answer` finds the events, `group_by_parcel` groups them. An event without
//!    a tracking number is counted as unread, and the others are kept.
//! 3. `parse_scan` parses one event. `parcel` is the id that goes into the identity: the piece id, or else the number.
//!    `remap` is the merchant's code map, which takes precedence.
//! 4. `parse_current_status` parses the status of the answer, as a scan.
//!
//! No push that USPS really sent has been published. Two descriptions agree on the envelope (`timestamp`, `payload`).
//! Two others describe the payload without an envelope, with one event or with a list of events. These forms are
//! uncertain, and are parsed too. A body with none of these forms is unreadable: it stays stored and is shown with the
//! reason.

mod challenge;
mod codes;
mod signature;
mod simulate;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use challenge::parse_challenge;
use chrono::{DateTime, Utc};
use domain::{Carrier, CarrierTime, ExpectedDelivery, Meaning, TrackingNumber};
use serde_json::Value;

use crate::{
    codes::CodeMap,
    current_status::{self, CurrentStatus},
    json::{list_at, parse_object, plain_text_at, require_text, text_at, words_at},
    limits,
    normalize::normalize_text,
    numbers::parse_tracking_number,
    parcel::{Parcel, ParsedScan, Push},
    place::join_place,
    protocol::Protocol,
    request::{Head, HeadProof, Refused, Request},
    scan_identity::{build_code_name, build_identity_code, compute_identity},
    secrets::Secrets,
    sender::Sender,
    simulate::SimulatedHistory,
    time,
    unreadable::Unreadable,
};

/// Keys of the list of events: in a tracking answer, and in a push without envelope.
const LISTS: [&str; 2] = ["trackingEvents", "events"];
/// The tracking number that customers know.
const NUMBER: &str = "/trackingNumber";
/// The id of the physical parcel, which tells apart parcels with one tracking number. Two spellings are in use.
const PIECE: [&str; 2] = ["/uniqueMailPieceID", "/uniqueMailPieceId"];
/// Fields that hold a status. Without a list of events, an answer that has one of them is itself an event.
const STATUSES: [&str; 4] = ["eventCode", "eventType", "statusCategory", "status"];

pub(crate) use codes::find_meaning as find_code_meaning;

/// The [`Protocol`] of USPS.
pub(crate) struct Usps;

impl Protocol for Usps {
    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::USPS)
    }

    fn verify_head(&self, _secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        signature::read_signature(head).map(|_mac| HeadProof::SignsBody)
    }

    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        signature::verify(secrets, request)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        let body = parse_object(body)?;
        if parse_challenge(&body).is_some() {
            // The rest of the body must not be used: the signature of a challenge may not cover it.
            return Ok(Push::Remark("USPS asks whether somebody listens here".into()));
        }
        parse_push(&body, remap)
    }

    /// A bare challenge can be signed without a time, so one captured signature is valid for every bare challenge.
    /// They all have one id, so that at most one of them is stored.
    fn push_id(&self, body: &[u8]) -> Option<String> {
        signature::is_bare_challenge(body, &parse_object(body).ok()?).then(|| "challenge".to_owned())
    }

    fn challenge(&self, body: &[u8]) -> Option<String> {
        parse_challenge(&parse_object(body).ok()?)
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
        signature::sign(secrets, body, at)
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).into_iter().collect()
    }
}

/// Parses a body that is no challenge. Of an envelope it reads only the signed fields, `payload` and `timestamp`.
fn parse_push(body: &Value, remap: &CodeMap) -> Result<Push, Unreadable> {
    let payload = match body.get("payload") {
        None | Some(Value::Null) => return parse_answer(body, None, remap),
        Some(payload) => payload,
    };
    let said_at = text_at(body, "/timestamp").and_then(|at| time::parse_instant(&at));
    let push = match payload {
        Value::String(json) => {
            parse_object(json.as_bytes()).and_then(|inner| parse_answer(&inner, said_at, remap))
        }
        // A proxy or converter has already parsed the string.
        unpacked => parse_answer(unpacked, said_at, remap),
    };
    push.map_err(|Unreadable(reason)| Unreadable(format!("in `payload`: {reason}")))
}

/// Parses one tracking answer, or one push without envelope. It can report several parcels.
fn parse_answer(answer: &Value, said_at: Option<DateTime<Utc>>, remap: &CodeMap) -> Result<Push, Unreadable> {
    let mut events: Vec<&Value> = LISTS.iter().flat_map(|key| list_at(answer, key)).collect();
    let has_status = STATUSES.iter().any(|key| answer.get(key).is_some());
    if events.is_empty() && has_status {
        events.push(answer);
    } else if LISTS.iter().all(|key| answer.get(key).is_none()) {
        return Err(Unreadable("none of `payload`, `trackingEvents`, `events`, `eventType` is there".into()));
    }

    let single = events.len() == 1;
    limits::collect_parcels(group_by_parcel(&events, answer), |piece| {
        let Piece { number, package, answer: above, events } = piece?;
        let key = package.as_deref().unwrap_or(&number);
        let current_status = if single { above.and_then(find_current_status_text) } else { None };
        let listed = limits::collect_scans(events.iter().copied(), |event| {
            parse_scan(event, key, current_status.as_deref(), remap)
        });
        let scans = current_status::merge_into_scans(
            listed,
            above.filter(|_| has_status).and_then(|answer| parse_current_status(answer, key, remap)),
        );
        if scans.is_empty() {
            return Ok(None);
        }
        Ok(Some(Parcel {
            scans,
            estimated_delivery: events.iter().copied().chain(above).find_map(parse_estimated_delivery),
            tracking_number: number,
            package,
            other_numbers: vec![],
            pushed_at: said_at,
        }))
    })
}

/// One parcel with its events, in the sequence of the push.
struct Piece<'a> {
    number: TrackingNumber,
    package: Option<String>,
    /// The answer, if its fields describe this parcel: same tracking number, and no other piece id.
    answer: Option<&'a Value>,
    events: Vec<&'a Value>,
}

/// Groups the events by parcel. An event without a number or piece id of its own has those of the answer. Events for
/// which no tracking number is found are returned as errors, after the parcels.
fn group_by_parcel<'a>(events: &[&'a Value], answer: &'a Value) -> Vec<Result<Piece<'a>, Unreadable>> {
    let (mut pieces, mut nameless) = (Vec::<Piece<'a>>::new(), Vec::new());
    let mut known = HashMap::new();
    let number = |places: &[(&Value, &str)]| {
        parse_tracking_number(Carrier::USPS, require_text("`trackingNumber`", places)?)
    };
    // The answer describes its own tracking number, and no other number that an event has.
    let whole = number(&[(answer, NUMBER)]).ok();
    for (index, event) in events.iter().enumerate() {
        let number = match number(&[(event, NUMBER), (answer, NUMBER)]) {
            Ok(number) => number,
            Err(reason) => {
                // If the answer is itself the event, there is no list and no position to report.
                let listed = !std::ptr::eq(*event, answer);
                nameless.push(Err(if listed { reason.with_position("event", index) } else { reason }));
                continue;
            }
        };
        let above = Some(answer).filter(|_| whole.as_ref() == Some(&number));
        let package = parse_piece_id(event).or_else(|| parse_piece_id(above?));
        let index = *known.entry((number, package)).or_insert_with_key(|(number, package)| {
            let above =
                above.filter(|answer| parse_piece_id(answer).is_none_or(|id| Some(&id) == package.as_ref()));
            pieces.push(Piece {
                number: number.clone(),
                package: package.clone(),
                answer: above,
                events: vec![],
            });
            pieces.len() - 1
        });
        pieces[index].events.push(event);
    }
    pieces.into_iter().map(Ok).chain(nameless).collect()
}

fn parse_piece_id(value: &Value) -> Option<String> {
    PIECE.iter().find_map(|pointer| text_at(value, pointer))
}

/// The answer's current status as a scan. It has no time of its own, unless the answer is itself the event.
fn parse_current_status(answer: &Value, parcel: &str, remap: &CodeMap) -> Option<CurrentStatus> {
    let is_dated = parse_event_time(answer).1.iter().any(|sent| !sent.is_empty());
    Some(CurrentStatus { scan: parse_scan(answer, parcel, None, remap)?, is_dated })
}

/// Parses one event. `None` if it has neither a code, a type, a status nor a time. `current_status` is
/// the one of the push. The caller passes it only if the push has exactly one event, because then it describes this
/// event.
fn parse_scan(
    event: &Value,
    parcel: &str,
    current_status: Option<&str>,
    remap: &CodeMap,
) -> Option<ParsedScan> {
    let (code, kind, (time, sent)) =
        (parse_event_code(event), text_at(event, "/eventType"), parse_event_time(event));
    let says = kind.clone().or_else(|| find_current_status_text(event));
    if code.is_none() && says.is_none() && sent.iter().all(String::is_empty) {
        return None;
    }
    // Without a code, the type replaces it, without the addition after the comma: `Delivered, Front Door`.
    let head = says.as_deref().map(|says| says.split(',').next().unwrap_or_default().trim());
    let display_code = build_code_name(&[code.as_deref().or(head).unwrap_or_default()]);
    // The spellings `Out for Delivery` and `OUT_FOR_DELIVERY` of a type must give one identity.
    let key = code.clone().unwrap_or_else(|| normalize_text(head.unwrap_or_default()));
    let by_words = || {
        let phrases = [says.as_deref(), current_status].into_iter().flatten();
        phrases.map(codes::find_meaning_of_words).find(|meaning| *meaning != Meaning::Unknown)
    };
    let (alone, read) = match &code {
        Some(code) => (codes::find_meaning(code), codes::find_meaning(code)),
        None => (codes::find_meaning_of_words(&key), by_words().unwrap_or(Meaning::Unknown)),
    };
    let description_code = build_identity_code("", alone, read);
    Some(ParsedScan {
        identity: compute_identity(
            Carrier::USPS,
            parcel,
            &key,
            &description_code,
            &sent.each_ref().map(String::as_str),
        ),
        meaning: remap.get(Sender::Usps, &display_code).unwrap_or(read),
        code: display_code,
        description: words_at(event, "/eventDescription").or_else(|| words_at(event, "/eventType")).or(says),
        location: parse_location(event),
        time,
    })
}

/// The event code, in capitals. A code sent as a JSON number has lost its leading zero: 7 becomes `07`.
fn parse_event_code(event: &Value) -> Option<String> {
    text_at(event, "/eventCode").map(|sent| match sent.as_bytes() {
        [b'0'..=b'9'] => format!("0{sent}"),
        _ => sent.to_ascii_uppercase(),
    })
}

/// The current status of the parcel, in USPS's words.
fn find_current_status_text(value: &Value) -> Option<String> {
    text_at(value, "/statusCategory").or_else(|| text_at(value, "/status"))
}

/// The time of an event, and the texts from which it was parsed. The texts are part of the identity, so that two
/// scans with one identity have one time. Rules, in order:
///
/// 1. `GMTTimestamp`, if it is an instant.
/// 2. `eventTimestamp` with `GMTOffset`. `eventTimestamp` is the local clock of the place, cut to the minute.
/// 3. If `GMTOffset` is missing or cannot be read: `eventTimestamp` as a local time. A `Z` at its end is ignored.
/// 4. If `eventTimestamp` has an offset of its own, other than `Z`: an instant if there is no `GMTOffset` beside it,
///    otherwise untrusted. A `Z` is what a converter writes after a clock without a zone.
fn parse_event_time(event: &Value) -> (CarrierTime, [String; 2]) {
    let part = |names: [&str; 2]| names.into_iter().find_map(|name| text_at(event, name)).unwrap_or_default();
    let gmt = part(["/GMTTimestamp", "/GMTTimeStamp"]);
    if let at @ CarrierTime::Instant(_) = time::parse_scan_time(&gmt) {
        return (at, [gmt, String::new()]);
    }
    let (local, offset) = (part(["/eventTimestamp", "/eventTimeStamp"]), part(["/GMTOffset"; 2]));
    let alone = || match time::parse_scan_time_ignoring_z(&local) {
        local @ CarrierTime::Local(_) => local,
        CarrierTime::Instant(_) | CarrierTime::Untrusted => CarrierTime::Untrusted,
    };
    let time = match offset.is_empty() {
        true => time::parse_scan_time_ignoring_z(&local),
        false => match time::parse_scan_time(&format!("{local}{}", pad_offset(&offset))) {
            at @ CarrierTime::Instant(_) => at,
            CarrierTime::Local(_) | CarrierTime::Untrusted => alone(),
        },
    };
    (time, [local, offset])
}

/// The offset with two digits for the hours and with minutes: `-7:00` (an example of USPS itself) and `-7` become
/// `-07:00`.
fn pad_offset(offset: &str) -> String {
    let Some(sign) = offset.chars().next().filter(|sign| matches!(sign, '+' | '-')) else {
        return offset.into();
    };
    let (hours, minutes) = match offset[1..].split_once(':') {
        Some(parts) => parts,
        None if offset.len() <= 3 => (&offset[1..], "00"),
        None => return offset.into(),
    };
    format!("{sign}{hours:0>2}:{minutes}")
}

/// The place, from the field names of a tracking answer, or else those of a push without envelope. The country is
/// absent for places in the United States.
fn parse_location(event: &Value) -> Option<String> {
    let read = |names: [&str; 3]| join_place(names.map(|name| plain_text_at(event, name)));
    read(["/eventCity", "/eventState", "/eventCountry"])
        .or_else(|| read(["/eventLocation/city", "/eventLocation/state", "/eventLocation/country"]))
}

/// The expected delivery. `expectedDeliveryTime` is not read: it has no zone, so it adds nothing reliable to the
/// date. A promised date (`expectedDeliveryDate`) takes precedence over a guessed one (`predictedDeliveryDate`).
fn parse_estimated_delivery(value: &Value) -> Option<ExpectedDelivery> {
    [
        "/expectedDeliveryTimeStamp",
        "/expectedDeliveryTimestamp",
        "/expectedDeliveryDate",
        "/deliveryDateExpectation/expectedDeliveryDate",
        "/deliveryDateExpectation/predictedDeliveryDate",
    ]
    .into_iter()
    .find_map(|field| time::parse_expected_delivery(&text_at(value, field)?))
}
