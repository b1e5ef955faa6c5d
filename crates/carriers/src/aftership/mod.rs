//! AfterShip Tracking: webhooks with the whole history of a parcel of any carrier, whenever something changes.
//!
//! AfterShip retries for nearly three days, so very old pushes arrive. The versions of its API differ only in names
//! that we do not need or that we read in both spellings, so the header `as-webhook-version` is ignored.

mod codes;
mod simulate;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use domain::{Carrier, CarrierTime, Meaning};
use serde_json::Value;

use crate::{
    CodeMap, Head, HeadProof, Parcel, ParsedScan, Protocol, Push, Refused, Request, Secrets, Sender,
    SimulatedHistory, Unreadable,
    current_status::{self, CurrentStatus},
    json::{list_at, parse_object, require_text, text_at},
    limits,
    names::find_carrier,
    parcel::{
        build_code_name, build_description_code, compute_identity, join_place, parse_tracking_number,
        replace_unreliable_time,
    },
    signature, time,
};

/// The header with the signature: HMAC-SHA256 of the body in base64. The key is the secret as text, even if it looks
/// encoded.
const SIGNATURE: &str = "aftership-hmac-sha256";

/// The [`Protocol`] of AfterShip.
pub(crate) struct Aftership;

impl Protocol for Aftership {
    fn name(&self) -> &'static str {
        "aftership"
    }

    fn carrier(&self) -> Option<Carrier> {
        None
    }

    fn verify_head(&self, _secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        signature::read_mac_header(SIGNATURE, head).map(|_mac| HeadProof::SignsBody)
    }

    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        signature::verify_body(SIGNATURE, secrets, request)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        let body = parse_object(body)?;
        let tracking = body
            .get("msg")
            .filter(|msg| msg.is_object())
            .ok_or_else(|| Unreadable("`msg` is missing".into()))?;
        match require_text("`event`", &[(&body, "/event")])?.as_str() {
            "tracking_update" => {
                parse_parcel(&body, tracking, &ESTIMATES, |key| parse_scans(tracking, key, remap))
            }
            // These events are about the estimate or about missing information, not about the place. The merchant's
            // meanings do not apply to them.
            event @ "edd_revise" => {
                let [carriers, own] = ESTIMATES;
                parse_parcel(&body, tracking, &[own, carriers], |key| {
                    vec![informational_scan(&body, event, key)]
                })
            }
            event @ "tracking_pending_time" => {
                parse_parcel(&body, tracking, &ESTIMATES, |key| vec![informational_scan(&body, event, key)])
            }
            other => Ok(Push::Remark(format!("`{other}` says nothing about where a parcel is"))),
        }
    }

    fn push_id(&self, body: &[u8]) -> Option<String> {
        text_at(&parse_object(body).ok()?, "/event_id")
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], _at: DateTime<Utc>) -> Vec<(String, String)> {
        signature::sign_body(SIGNATURE, secrets, body)
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).into_iter().collect()
    }
}

/// Where the expected date is sent: the carrier's, and AfterShip's own. The carrier's takes precedence, except in a
/// push that reports a revision of AfterShip's own.
const ESTIMATES: [&str; 2] =
    ["/expected_delivery", "/aftership_estimated_delivery_date/estimated_delivery_date"];

/// The parcel in the identity of a scan: the carrier and its tracking number.
#[derive(Clone, Copy)]
struct ParcelKey<'a> {
    carrier: Carrier,
    number: &'a str,
}

/// Builds the parcel of a push. `estimates` are pointers to expected dates; the first one that is present counts.
fn parse_parcel(
    body: &Value,
    tracking: &Value,
    estimates: &[&str],
    scans: impl FnOnce(ParcelKey<'_>) -> Vec<ParsedScan>,
) -> Result<Push, Unreadable> {
    let slug = require_text("`msg.slug`", &[(tracking, "/slug")])?;
    let number = require_text("`msg.tracking_number`", &[(tracking, "/tracking_number")])?;
    let Some(carrier) = find_carrier(&slug) else {
        return Ok(Push::Remark(format!("`{slug}` is not a carrier Milepost follows")));
    };
    let tracking_number = parse_tracking_number(carrier, number)?;
    let scans = scans(ParcelKey { carrier, number: &tracking_number });
    if scans.is_empty() {
        return Ok(Push::Parcels(Vec::new(), None));
    }
    Ok(Push::from_parcel(Parcel {
        carrier,
        tracking_number,
        package: None,
        other_numbers: vec![],
        scans,
        estimated_delivery: estimates
            .iter()
            .find_map(|at| time::parse_expected_date(&text_at(tracking, at)?)),
        pushed_at: parse_push_time(body),
    }))
}

/// The checkpoints, and the current status of the parcel, which has no time.
fn parse_scans(tracking: &Value, key: ParcelKey<'_>, remap: &CodeMap) -> Vec<ParsedScan> {
    let listed = limits::collect_scans(list_at(tracking, "checkpoints"), |checkpoint| {
        parse_scan(checkpoint, key, remap)
    });
    let current = parse_scan(tracking, key, remap).map(|scan| CurrentStatus { scan, is_dated: false });
    current_status::merge_into_scans(listed, current)
}

/// Parses a checkpoint, or the current status, which has no time. `None` if there is neither a tag, a subtag nor a
/// time.
fn parse_scan(checkpoint: &Value, key: ParcelKey<'_>, remap: &CodeMap) -> Option<ParsedScan> {
    let part = |pointer| text_at(checkpoint, pointer);
    let (tag, subtag, date) = (part("/tag"), part("/subtag"), part("/checkpoint_time"));
    // The carrier's own code.
    let raw = part("/raw_tag").unwrap_or_default();
    if tag.is_none() && subtag.is_none() && date.is_none() {
        return None;
    }
    let code = subtag.as_deref().or(tag.as_deref()).unwrap_or_default();
    let (display_code, date) = (build_code_name(&[code]), date.unwrap_or_default());
    // A subtag begins with its tag. If the push has another tag beside it, that tag gives the meaning.
    let (alone, read) =
        (codes::find_meaning(None, Some(code)), codes::find_meaning(tag.as_deref(), subtag.as_deref()));
    Some(ParsedScan {
        identity: compute_identity(
            key.carrier,
            key.number,
            &code.to_ascii_lowercase(),
            &build_description_code(&raw.to_ascii_uppercase(), alone, read),
            &[&date],
        ),
        meaning: remap.get(Sender::Aftership, &display_code).unwrap_or(read),
        code: display_code,
        description: part("/message").or_else(|| part("/subtag_message")),
        location: join_place([
            part("/city"),
            part("/state"),
            part("/country_region").or_else(|| part("/country_iso3")),
        ]),
        // Most times have no zone. If `Z` is written, it is uncertain whether AfterShip knows the zone.
        time: replace_unreliable_time(key.carrier, &raw, &date, time::parse_scan_time_doubting_z(&date)),
    })
}

/// The scan of a push that changes only the estimate, or nothing.
fn informational_scan(body: &Value, event: &str, key: ParcelKey<'_>) -> ParsedScan {
    let date = text_at(body, "/ts").unwrap_or_default();
    ParsedScan {
        identity: compute_identity(key.carrier, key.number, event, "", &[&date]),
        code: event.to_owned(),
        meaning: Meaning::Informational,
        description: None,
        location: None,
        time: parse_push_time(body).map_or(CarrierTime::Untrusted, CarrierTime::Instant),
    }
}

/// When AfterShip wrote the push. `ts` is in seconds since 1970.
fn parse_push_time(body: &Value) -> Option<DateTime<Utc>> {
    time::keep_plausible(DateTime::from_timestamp(text_at(body, "/ts")?.parse().ok()?, 0)?)
}
