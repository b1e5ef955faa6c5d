//! A shipment of a Unified Push, in the form of an answer of DHL's Unified Tracking.
//!
//! DHL unifies the envelope and not what stands in it: Express speaks in event codes, Parcel DE in others, the
//! rest in words. A push speaks of the shipment; the pieces it may list in `details.pieceIds` are not told apart.

use chrono::{DateTime, Utc};
use domain::{Carrier, Meaning};
use serde_json::Value;

use super::codes::{self, Code};
use crate::{
    CodeMap, Parcel, ParsedScan, Sender, Unreadable, gather,
    json::{list, required, text},
    parcel::{described, identity, place, shown, tracking_number},
    time,
};

/// The longest text in `status` that is a code, and not words.
const MAX_CODE: usize = 6;

/// The parcel of a shipment; `None` where nothing is claimed about it.
pub(super) fn parcel(shipment: &Value, remap: &CodeMap) -> Result<Option<Parcel>, Unreadable> {
    let tracking_number = tracking_number(Carrier::Dhl, required("`id`", &[(shipment, "/id")])?)?;
    // Two letters mean something else to DHL's other services.
    let express = text(shipment, "/service").is_none_or(|s| s.to_ascii_lowercase().contains("express"));
    let read = |event: &Value| scan(event, &tracking_number, express, remap);

    let mut scans = gather::scans(list(shipment, "events"), read);
    if scans.is_empty() {
        scans.extend(shipment.get("status").and_then(read));
    }
    if scans.is_empty() {
        return Ok(None);
    }
    Ok(Some(Parcel {
        carrier: Carrier::Dhl,
        tracking_number,
        package: None,
        scans,
        estimated_delivery: estimated_delivery(shipment),
        said_at: None,
    }))
}

/// One of `events`, or `status`; `None` where it has neither code nor time.
fn scan(event: &Value, parcel: &str, express: bool, remap: &CodeMap) -> Option<ParsedScan> {
    let (status, timestamp) = (text(event, "/statusCode"), text(event, "/timestamp"));
    let named = text(event, "/status");
    let code = named.clone().filter(|code| is_code(code));
    let code = code.or_else(|| text(event, "/typeCode").filter(|code| is_code(code)));
    if status.is_none() && code.is_none() && timestamp.is_none() {
        return None;
    }
    let timestamp = timestamp.unwrap_or_default();
    let (status, code) = (status.unwrap_or_default(), code.unwrap_or_default());
    let words = text(event, "/description");
    let shown = shown(&[&status, &code]);
    // A short word may be taken for a code: `Return`. It is said all the same.
    let said = [named.as_deref(), words.as_deref()].map(Option::unwrap_or_default).join(". ");
    let codes = Code { status: &status, event: &code, express };
    let read = codes::meaning(codes, &said);
    Some(ParsedScan {
        identity: identity(
            Carrier::Dhl,
            parcel,
            &status.to_ascii_lowercase(),
            &described(&code.to_ascii_uppercase(), codes::meaning(codes, ""), read),
            &[&timestamp],
        ),
        meaning: remapped(remap, &shown, &status).unwrap_or(read),
        code: shown,
        description: words.or_else(|| named.filter(|words| !is_code(words))),
        location: place([
            text(event, "/location/address/addressLocality"),
            None,
            text(event, "/location/address/countryCode"),
        ]),
        // DHL's own samples have `Z`, and one consumer of its tracking takes the same times for those of the place. Which
        // of its services write what is uncertain, so only midnight is doubted.
        time: time::scanned_doubting_z(&timestamp),
    })
}

/// Whether `status` holds a code: `WC`, `dlvrd`. Elsewhere words stand there.
fn is_code(status: &str) -> bool {
    status.len() <= MAX_CODE && status.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What the setting says of the code, else of its status code whatever the event.
fn remapped(remap: &CodeMap, shown: &str, status: &str) -> Option<Meaning> {
    remap.get(Sender::Dhl, shown).or_else(|| remap.get(Sender::Dhl, status))
}

/// The end of the time frame, which is the promise, else the one time given.
fn estimated_delivery(shipment: &Value) -> Option<DateTime<Utc>> {
    text(shipment, "/estimatedDeliveryTimeFrame/estimatedThrough")
        .and_then(|at| time::expected(&at))
        .or_else(|| time::expected(&text(shipment, "/estimatedTimeOfDelivery")?))
}
