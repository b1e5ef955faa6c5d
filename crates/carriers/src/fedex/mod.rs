//! FedEx Advanced Integrated Visibility: webhooks in the form of answers of the Track API.
//!
//! [`crate::Sender`] calls [`Fedex`] through [`Protocol`]: for `app`, which verifies and parses webhooks, and for
//! `simulator`, which writes and signs them. `verify_head` only reads the signature; `verify_body` compares it.
//!
//! `parse_push` finds the track results, `parse_parcel` parses one, `parse_scan_event` one scan of it,
//! `parse_current_status` its latest status. A result without scans gives no parcel; one that cannot be read is
//! counted, and the others are kept. `parcel` is the id that goes into the identity of scans. `remap` is the merchant's
//! code map, which takes precedence in `find_meaning`. `find_date` finds one of `dateAndTimes` by its type; `None`
//! means that it is not sent.
//!
//! No push that FedEx really sent has been published. This form, in one of two envelopes, comes from one integration
//! and is uncertain. Both envelopes are parsed: `output.completeTrackResults[].trackResults[]` and a flat
//! `trackResults[]`. A push carries any number of scans, newest first. Pushes can arrive in any sequence.

mod codes;
mod simulate;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use domain::{Carrier, ExpectedDelivery, Meaning};
use serde_json::Value;

use crate::{
    code_trust::replace_unreliable_time,
    codes::CodeMap,
    current_status::{self, CurrentStatus},
    estimate_scan::or_estimate_scan,
    json::{list_at, parse_object, plain_text_at, require_text, text_at, words_at},
    limits::{self, MAX_BODY_WITH_PICTURE},
    numbers::parse_tracking_number,
    parcel::{Parcel, ParsedScan, Push},
    place::join_place,
    protocol::Protocol,
    request::{Head, HeadProof, Refused, Request},
    scan_identity::{build_code_name, compute_identity},
    secrets::Secrets,
    sender::Sender,
    signature,
    simulate::SimulatedHistory,
    time,
    unreadable::Unreadable,
};

pub(crate) use codes::find_meaning as find_code_meaning;

/// The header with the signature: HMAC-SHA256 of the body in base64. The key is the project's security token.
const SIGNATURE: &str = "fdx-signature";

/// The [`Protocol`] of FedEx.
pub(crate) struct Fedex;

impl Protocol for Fedex {
    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::FEDEX)
    }

    /// Large enough for a picture of the delivery.
    fn max_body(&self) -> usize {
        MAX_BODY_WITH_PICTURE
    }

    fn verify_head(&self, _secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        signature::read_mac_header(SIGNATURE, head).map(|_mac| HeadProof::SignsBody)
    }

    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        signature::verify_body(SIGNATURE, secrets, request)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        parse_push(body, remap)
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], _at: DateTime<Utc>) -> Vec<(String, String)> {
        signature::sign_body(SIGNATURE, secrets, body)
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).into_iter().collect()
    }
}

fn parse_push(body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
    let body = parse_object(body)?;
    let nested = body.get("output").filter(|output| output.is_object());
    let said_nothing = body.as_object().is_some_and(serde_json::Map::is_empty);
    let known = ["completeTrackResults", "trackResults"].iter().any(|key| body.get(key).is_some());
    if nested.is_none() && !known && !said_nothing {
        return Err(Unreadable("neither `output.completeTrackResults` nor `trackResults` is there".into()));
    }

    let mut results = Vec::new();
    for root in nested.into_iter().chain([&body]) {
        for complete in list_at(root, "completeTrackResults") {
            results.extend(list_at(complete, "trackResults").iter().map(|result| (Some(complete), result)));
        }
        results.extend(list_at(root, "trackResults").iter().map(|result| (None, result)));
    }

    limits::collect_parcels(results.into_iter().enumerate(), |(index, (parent, result))| {
        parse_parcel(result, parent, remap).map_err(|reason| reason.with_position("track result", index))
    })
}

/// Parses the parcel of one track result. `None` if it has no scan.
fn parse_parcel(
    result: &Value,
    parent: Option<&Value>,
    remap: &CodeMap,
) -> Result<Option<Parcel>, Unreadable> {
    if !result.is_object() {
        return Err(Unreadable("it is no object".into()));
    }
    let number = require_text(
        "`trackingNumber`",
        &[
            (result, "/trackingNumberInfo/trackingNumber"),
            (result, "/trackingNumber"),
            (parent.unwrap_or(result), "/trackingNumber"),
        ],
    )?;
    let tracking_number = parse_tracking_number(Carrier::FEDEX, number)?;
    let unique_id = text_at(result, "/trackingNumberInfo/trackingNumberUniqueId");
    let key = unique_id.as_deref().unwrap_or(&tracking_number);

    let listed =
        limits::collect_scans(list_at(result, "scanEvents"), |event| parse_scan_event(event, key, remap));
    let scans = current_status::merge_into_scans(listed, parse_current_status(result, key, remap));
    let estimated_delivery = parse_estimated_delivery(result);
    let scans = or_estimate_scan(scans, estimated_delivery, Carrier::FEDEX, key);
    if scans.is_empty() {
        return Ok(None);
    }
    Ok(Some(Parcel {
        tracking_number,
        package: unique_id,
        other_numbers: vec![],
        scans,
        estimated_delivery,
        pushed_at: None,
    }))
}

/// Parses one of `scanEvents`. `None` if it has neither a code nor a time.
fn parse_scan_event(event: &Value, parcel: &str, remap: &CodeMap) -> Option<ParsedScan> {
    let (code, date) = (text_at(event, "/eventType"), text_at(event, "/date"));
    if code.is_none() && date.is_none() {
        return None;
    }
    let (code, date) = (code.unwrap_or_default(), date.unwrap_or_default());
    let exception = text_at(event, "/exceptionCode").unwrap_or_default();
    let words = (words_at(event, "/eventDescription"), words_at(event, "/exceptionDescription"));
    Some(ParsedScan {
        identity: compute_identity(
            Carrier::FEDEX,
            parcel,
            &code.to_ascii_uppercase(),
            &exception.to_ascii_uppercase(),
            &[&date],
        ),
        meaning: find_meaning(&code, remap),
        code: build_code_name(&[&code]),
        description: match words {
            (Some(event), Some(exception)) if event != exception => Some(format!("{event}: {exception}")),
            (event, exception) => event.or(exception),
        },
        location: parse_location(event),
        time: replace_unreliable_time(Carrier::FEDEX, &code, &date, time::parse_scan_time(&date)),
    })
}

/// The scan for `latestStatusDetail`. It has no time of its own, but one of `dateAndTimes` may belong to it. It has
/// the same package id as the `scanEvents` beside it. Its `derivedCode` is not read, because it is only a summary:
/// `IT` beside an `OD`.
fn parse_current_status(result: &Value, parcel: &str, remap: &CodeMap) -> Option<CurrentStatus> {
    let detail = result.get("latestStatusDetail")?;
    let code = text_at(detail, "/code")?;
    // Chosen by the code and not by its meaning: a mapping of the merchant must not change the identity of a scan.
    let listed = code.to_ascii_uppercase();
    let kind = match listed.as_str() {
        "PU" | "PX" => Some("ACTUAL_PICKUP"),
        "DE" => Some("ATTEMPTED_DELIVERY"),
        "DL" => Some("ACTUAL_DELIVERY"),
        _ => None,
    };
    let date = kind.and_then(|kind| find_date(result, kind)).unwrap_or_default();
    let scan = ParsedScan {
        identity: compute_identity(Carrier::FEDEX, parcel, &listed, "", &[&date]),
        meaning: find_meaning(&code, remap),
        code: build_code_name(&[&code]),
        description: words_at(detail, "/description").or_else(|| words_at(detail, "/statusByLocale")),
        location: parse_location(detail),
        time: replace_unreliable_time(
            Carrier::FEDEX,
            &code,
            &date,
            time::parse_scan_time_unless_midnight(&date),
        ),
    };
    Some(CurrentStatus { scan, is_dated: !date.is_empty() })
}

fn find_meaning(code: &str, remap: &CodeMap) -> Meaning {
    remap.get(Sender::Fedex, &build_code_name(&[code])).unwrap_or_else(|| codes::find_meaning(code))
}

fn parse_location(value: &Value) -> Option<String> {
    join_place(
        ["city", "stateOrProvinceCode", "countryCode"]
            .map(|part| plain_text_at(value, &format!("/scanLocation/{part}"))),
    )
}

fn find_date(result: &Value, kind: &str) -> Option<String> {
    let date = list_at(result, "dateAndTimes")
        .iter()
        .find(|date| text_at(date, "/type").as_deref() == Some(kind))?;
    text_at(date, "/dateTime")
}

/// The expected delivery: the window if it is sent, otherwise the date.
fn parse_estimated_delivery(result: &Value) -> Option<ExpectedDelivery> {
    let end = |end: &str| text_at(result, &format!("/estimatedDeliveryTimeWindow/window/{end}"));
    let window = || time::parse_expected_window(end("begins").as_deref(), &end("ends")?);
    window().or_else(|| time::parse_expected_delivery(&find_date(result, "ESTIMATED_DELIVERY")?))
}
