//! FedEx Advanced Integrated Visibility: webhooks in the form of answers of the Track API.
//!
//! No push that FedEx really sent has been published. This form, in one of two envelopes, comes from one integration
//! and is uncertain. Both envelopes are parsed: `output.completeTrackResults[].trackResults[]` and a flat
//! `trackResults[]`. A push carries any number of scans, newest first. Pushes can arrive in any sequence.

mod codes;
mod simulate;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use domain::{Carrier, Meaning};
use serde_json::Value;

use crate::{
    CodeMap, Head, HeadProof, Parcel, ParsedScan, Protocol, Push, Refused, Request, Secrets, Sender,
    SimulatedHistory, Unreadable,
    current_status::{self, CurrentStatus},
    json::{list, object, required, text},
    limits,
    parcel::{believed, display_code, identity, place, tracking_number},
    signature, time,
};

pub(crate) use codes::is_untimely;

/// The header with the signature: HMAC-SHA256 of the body in base64. The key is the project's security token.
const SIGNATURE: &str = "fdx-signature";

/// The [`Protocol`] of FedEx.
pub(crate) struct Fedex;

impl Protocol for Fedex {
    fn name(&self) -> &'static str {
        "fedex"
    }

    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::Fedex)
    }

    fn verify_head(&self, _secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        signature::mac_header(SIGNATURE, head).map(|_mac| HeadProof::SignsBody)
    }

    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        signature::verify_body(SIGNATURE, secrets, request)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        push(body, remap)
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], _at: DateTime<Utc>) -> Vec<(String, String)> {
        signature::sign_body(SIGNATURE, secrets, body)
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).into_iter().collect()
    }
}

fn push(body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
    let body = object(body)?;
    let nested = body.get("output").filter(|output| output.is_object());
    let said_nothing = body.as_object().is_some_and(serde_json::Map::is_empty);
    let known = ["completeTrackResults", "trackResults"].iter().any(|key| body.get(key).is_some());
    if nested.is_none() && !known && !said_nothing {
        return Err(Unreadable("neither `output.completeTrackResults` nor `trackResults` is there".into()));
    }

    let mut results = Vec::new();
    for root in nested.into_iter().chain([&body]) {
        for complete in list(root, "completeTrackResults") {
            results.extend(list(complete, "trackResults").iter().map(|result| (Some(complete), result)));
        }
        results.extend(list(root, "trackResults").iter().map(|result| (None, result)));
    }

    limits::collect_parcels(results.into_iter().enumerate(), |(index, (parent, result))| {
        parcel(result, parent, remap).map_err(|reason| reason.within("track result", index))
    })
}

/// Parses the parcel of one track result. `None` if it has no scan.
fn parcel(result: &Value, parent: Option<&Value>, remap: &CodeMap) -> Result<Option<Parcel>, Unreadable> {
    if !result.is_object() {
        return Err(Unreadable("it is no object".into()));
    }
    let number = required(
        "`trackingNumber`",
        &[
            (result, "/trackingNumberInfo/trackingNumber"),
            (result, "/trackingNumber"),
            (parent.unwrap_or(result), "/trackingNumber"),
        ],
    )?;
    let tracking_number = tracking_number(Carrier::Fedex, number)?;
    let unique_id = text(result, "/trackingNumberInfo/trackingNumberUniqueId");
    let key = unique_id.as_deref().unwrap_or(&tracking_number);

    let listed = limits::collect_scans(list(result, "scanEvents"), |event| scan_event(event, key, remap));
    let scans = current_status::merge_into_scans(listed, latest_status(result, key, remap));
    if scans.is_empty() {
        return Ok(None);
    }
    Ok(Some(Parcel {
        carrier: Carrier::Fedex,
        tracking_number,
        package: unique_id,
        other_numbers: vec![],
        scans,
        estimated_delivery: estimated_delivery(result),
        said_at: None,
    }))
}

/// Parses one of `scanEvents`. `None` if it has neither a code nor a time.
fn scan_event(event: &Value, parcel: &str, remap: &CodeMap) -> Option<ParsedScan> {
    let (code, date) = (text(event, "/eventType"), text(event, "/date"));
    if code.is_none() && date.is_none() {
        return None;
    }
    let (code, date) = (code.unwrap_or_default(), date.unwrap_or_default());
    let exception = text(event, "/exceptionCode").unwrap_or_default();
    let words = (text(event, "/eventDescription"), text(event, "/exceptionDescription"));
    Some(ParsedScan {
        identity: identity(
            Carrier::Fedex,
            parcel,
            &code.to_ascii_uppercase(),
            &exception.to_ascii_uppercase(),
            &[&date],
        ),
        meaning: meaning(&code, remap),
        code: display_code(&[&code]),
        description: match words {
            (Some(event), Some(exception)) if event != exception => Some(format!("{event}: {exception}")),
            (event, exception) => event.or(exception),
        },
        location: location(event),
        time: believed(Carrier::Fedex, &code, &date, time::scanned(&date)),
    })
}

/// The scan for `latestStatusDetail`. It has no time of its own, but one of `dateAndTimes` may belong to it. It has
/// the same package id as the `scanEvents` beside it. Its `derivedCode` is not read, because it is only a summary:
/// `IT` beside an `OD`.
fn latest_status(result: &Value, parcel: &str, remap: &CodeMap) -> Option<CurrentStatus> {
    let detail = result.get("latestStatusDetail")?;
    let code = text(detail, "/code")?;
    // Chosen by the code and not by its meaning: a mapping of the merchant must not change the identity of a scan.
    let listed = code.to_ascii_uppercase();
    let kind = match listed.as_str() {
        "PU" | "PX" => Some("ACTUAL_PICKUP"),
        "DE" => Some("ATTEMPTED_DELIVERY"),
        "DL" => Some("ACTUAL_DELIVERY"),
        _ => None,
    };
    let date = kind.and_then(|kind| date_of(result, kind)).unwrap_or_default();
    let scan = ParsedScan {
        identity: identity(Carrier::Fedex, parcel, &listed, "", &[&date]),
        meaning: meaning(&code, remap),
        code: display_code(&[&code]),
        description: text(detail, "/description").or_else(|| text(detail, "/statusByLocale")),
        location: location(detail),
        time: believed(Carrier::Fedex, &code, &date, time::scanned_unless_midnight(&date)),
    };
    Some(CurrentStatus { scan, is_dated: !date.is_empty() })
}

fn meaning(code: &str, remap: &CodeMap) -> Meaning {
    remap.get(Sender::Fedex, &display_code(&[code])).unwrap_or_else(|| codes::meaning(code))
}

fn location(value: &Value) -> Option<String> {
    place(
        ["city", "stateOrProvinceCode", "countryCode"]
            .map(|part| text(value, &format!("/scanLocation/{part}"))),
    )
}

fn date_of(result: &Value, kind: &str) -> Option<String> {
    let date =
        list(result, "dateAndTimes").iter().find(|date| text(date, "/type").as_deref() == Some(kind))?;
    text(date, "/dateTime")
}

fn estimated_delivery(result: &Value) -> Option<DateTime<Utc>> {
    let window = text(result, "/estimatedDeliveryTimeWindow/window/ends");
    let told = [window, date_of(result, "ESTIMATED_DELIVERY")];
    told.into_iter().flatten().find_map(|at| time::expected(&at))
}
