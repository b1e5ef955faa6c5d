//! FedEx Advanced Integrated Visibility: pushes shaped like answers of the Track API.
//!
//! Two envelopes are in use, `output.completeTrackResults[].trackResults[]` and a flat `trackResults[]`;
//! both are read. A push carries any number of scans, newest first, in any order of pushes.

mod codes;
mod compose;
#[cfg(test)]
mod tests;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use domain::{Carrier, Meaning};
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::{
    CodeMap, Compose, Parcel, ParsedScan, Protocol, Push, Refused, Request, Secrets, Sender, Unreadable,
    json::{list, object, text},
    parcel::{NO_CODE, identity, place, tracking_number},
    signature::hmac_sha256,
    time,
};

/// HMAC-SHA256 of the body under the project's security token, in base64.
const SIGNATURE: &str = "fdx-signature";

/// The sender.
pub(crate) struct Fedex;

impl Protocol for Fedex {
    fn name(&self) -> &'static str {
        "fedex"
    }

    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::Fedex)
    }

    fn verify(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        let sent = STANDARD
            .decode(request.header(SIGNATURE)?)
            .map_err(|_not_base64| Refused::MalformedHeader(SIGNATURE))?;
        secrets.check(|secret| hmac_sha256(secret, request.body).ct_eq(&sent))
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        parcels(body, remap).map(Push::Parcels)
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], _at: DateTime<Utc>) -> Vec<(String, String)> {
        vec![(SIGNATURE.to_owned(), STANDARD.encode(hmac_sha256(secrets.first(), body)))]
    }

    fn compose(&self, history: &Compose<'_>) -> Vec<Vec<u8>> {
        compose::compose(history).into_iter().collect()
    }
}

fn parcels(body: &[u8], remap: &CodeMap) -> Result<Vec<Parcel>, Unreadable> {
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

    // A result that cannot be read does not hold up its neighbours; a push of nothing else is reported.
    let (mut parcels, mut unreadable) = (Vec::new(), None);
    for (index, (parent, result)) in results.into_iter().enumerate() {
        match parcel(result, parent, remap) {
            Ok(parcel) => parcels.extend(parcel),
            Err(Unreadable(reason)) => {
                unreadable.get_or_insert(Unreadable(format!("track result {}: {reason}", index + 1)));
            }
        }
    }
    match unreadable {
        Some(unreadable) if parcels.is_empty() => Err(unreadable),
        Some(_) | None => Ok(parcels),
    }
}

/// The parcel of one track result; `None` where nothing is claimed about it.
fn parcel(result: &Value, parent: Option<&Value>, remap: &CodeMap) -> Result<Option<Parcel>, Unreadable> {
    if !result.is_object() {
        return Err(Unreadable("it is no object".into()));
    }
    let number = text(result, "/trackingNumberInfo/trackingNumber")
        .or_else(|| text(result, "/trackingNumber"))
        .or_else(|| text(parent?, "/trackingNumber"));
    let tracking_number = tracking_number(Carrier::Fedex, number)?;
    let unique_id = text(result, "/trackingNumberInfo/trackingNumberUniqueId");
    let key = unique_id.as_deref().unwrap_or(&tracking_number);

    let mut scans: Vec<_> =
        list(result, "scanEvents").iter().filter_map(|event| scan_event(event, key, remap)).collect();
    if scans.is_empty() {
        scans.extend(latest_status(result, key, remap));
    }
    if scans.is_empty() {
        return Ok(None);
    }
    Ok(Some(Parcel {
        carrier: Carrier::Fedex,
        tracking_number,
        package: unique_id,
        scans,
        estimated_delivery: estimated_delivery(result),
        said_at: None,
    }))
}

/// One of `scanEvents`; `None` where it has neither code nor time.
fn scan_event(event: &Value, parcel: &str, remap: &CodeMap) -> Option<ParsedScan> {
    let (code, date) = (text(event, "/eventType"), text(event, "/date"));
    if code.is_none() && date.is_none() {
        return None;
    }
    let code = code.unwrap_or_else(|| NO_CODE.to_owned());
    let date = date.unwrap_or_default();
    let exception = text(event, "/exceptionCode").unwrap_or_default();
    let words = (text(event, "/eventDescription"), text(event, "/exceptionDescription"));
    Some(ParsedScan {
        identity: identity(Carrier::Fedex, parcel, &code, &exception, &[&date]),
        meaning: meaning(&code, remap),
        code,
        description: match words {
            (Some(event), Some(exception)) if event != exception => Some(format!("{event}: {exception}")),
            (event, exception) => event.or(exception),
        },
        location: location(event),
        time: time::scanned(&date),
    })
}

/// The scan that `latestStatusDetail` stands for, in a push without `scanEvents`. It has no time of its own;
/// one of `dateAndTimes` may be meant for it.
fn latest_status(result: &Value, parcel: &str, remap: &CodeMap) -> Option<ParsedScan> {
    let detail = result.get("latestStatusDetail")?;
    let code = text(detail, "/code")?;
    // By the code, never by its meaning: a re-mapping must not change the identity of a scan.
    let kind = match code.as_str() {
        "PU" | "PX" => Some("ACTUAL_PICKUP"),
        "DE" => Some("ATTEMPTED_DELIVERY"),
        "DL" => Some("ACTUAL_DELIVERY"),
        _ => None,
    };
    let date = kind.and_then(|kind| date_of(result, kind)).unwrap_or_default();
    Some(ParsedScan {
        identity: identity(Carrier::Fedex, parcel, &code, "", &[&date]),
        meaning: meaning(&code, remap),
        code,
        description: text(detail, "/description").or_else(|| text(detail, "/statusByLocale")),
        location: location(detail),
        time: time::scanned_unless_midnight(&date),
    })
}

fn meaning(code: &str, remap: &CodeMap) -> Meaning {
    remap.get(Sender::Fedex, code).unwrap_or_else(|| codes::meaning(code))
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
    text(result, "/estimatedDeliveryTimeWindow/window/ends")
        .or_else(|| date_of(result, "ESTIMATED_DELIVERY"))
        .and_then(|at| time::expected(&at))
}
