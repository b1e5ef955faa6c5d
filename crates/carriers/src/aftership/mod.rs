//! AfterShip Tracking: webhooks with the whole history of a parcel of any carrier, whenever something changes.
//!
//! [`crate::Sender`] calls [`Aftership`] through [`Protocol`]: for `app`, which verifies and parses webhooks, and for
//! `simulator`, which writes and signs them. `verify_head` only reads the signature; `verify_body` compares it.
//!
//! `parse_parcel` reads the parcel of a push; its scans come from `parse_scans` for an update, and from
//! `build_informational_scan` for an event about the estimate. A push without scans gives an empty list of parcels,
//! another event a remark. `key` is the parcel in the identity of a scan. `remap` is the merchant's code map.
//!
//! AfterShip retries for nearly three days, so very old pushes arrive. The versions of its API differ only in names
//! that we do not need or that we read in both spellings, so the header `as-webhook-version` is ignored.

mod codes;
mod simulate;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use domain::{Carrier, CarrierTime, ExpectedDelivery, Meaning};
use serde_json::Value;

use crate::{
    carrier_code::limit_milestone,
    code_trust::replace_unreliable_time,
    codes::CodeMap,
    current_status::{self, CurrentStatus},
    estimate_scan::or_estimate_scan,
    json::{flag_at, list_at, parse_object, plain_text_at, require_text, text_at, words_at},
    limits,
    numbers::{parse_carrier_name, parse_tracking_number},
    parcel::{Parcel, ParsedScan, Push},
    place::join_place,
    protocol::Protocol,
    request::{Head, HeadProof, Refused, Request},
    return_flag::apply_return_flag,
    scan_identity::{build_code_name, build_identity_code, compute_identity},
    secrets::Secrets,
    sender::Sender,
    signature,
    simulate::SimulatedHistory,
    time,
    unreadable::Unreadable,
};

/// The header with the signature: HMAC-SHA256 of the body in base64. The key is the secret as text, even if it looks
/// encoded.
const SIGNATURE: &str = "aftership-hmac-sha256";

/// The [`Protocol`] of AfterShip.
pub(crate) struct Aftership;

impl Protocol for Aftership {
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
            "tracking_update" => parse_parcel(&body, tracking, |key| parse_scans(tracking, key, remap)),
            // These events are about the estimate or about missing information, not about the place. The merchant's
            // meanings do not apply to them.
            event @ ("edd_revise" | "tracking_pending_time") => {
                parse_parcel(&body, tracking, |key| vec![build_informational_scan(&body, event, key)])
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

/// The latest expected date, from the carrier or from the merchant. `source` says from which.
const LATEST: &str = "/latest_estimated_delivery";
/// Where the carrier's expected date is sent: since version 2025-01, and before.
const OF_CARRIER: [&str; 4] = [
    "/courier_estimated_delivery_date/estimated_delivery_date",
    "/courier_estimated_delivery_date/estimated_delivery_date_max",
    "/courier_estimated_delivery_date",
    "/expected_delivery",
];
/// Where the dates that AfterShip or the merchant expects are sent.
const OF_OTHERS: [&str; 3] = [
    "/aftership_estimated_delivery_date/estimated_delivery_date",
    "/aftership_estimated_delivery_date/estimated_delivery_date_max",
    "/custom_estimated_delivery_date",
];

/// The parcel in the identity of a scan: the carrier and its tracking number.
#[derive(Clone, Copy)]
struct ParcelKey<'a> {
    carrier: Carrier,
    number: &'a str,
}

/// Builds the parcel of a push.
fn parse_parcel(
    body: &Value,
    tracking: &Value,
    parse_scans: impl FnOnce(ParcelKey<'_>) -> Vec<ParsedScan>,
) -> Result<Push, Unreadable> {
    let slug = require_text("`msg.slug`", &[(tracking, "/slug")])?;
    let number = require_text("`msg.tracking_number`", &[(tracking, "/tracking_number")])?;
    let carrier = parse_carrier_name(&slug, &number)?;
    let tracking_number = parse_tracking_number(carrier, number)?;
    let scans = parse_scans(ParcelKey { carrier, number: &tracking_number });
    let estimated_delivery = parse_estimated_delivery(tracking);
    let scans = or_estimate_scan(scans, estimated_delivery, carrier, &tracking_number);
    if scans.is_empty() {
        return Ok(Push::Parcels(Vec::new(), None));
    }
    Ok(Push::from_parcel(Parcel {
        tracking_number,
        package: None,
        other_numbers: vec![],
        scans,
        estimated_delivery,
        pushed_at: parse_push_time(body),
    }))
}

/// The expected delivery. The carrier's date takes precedence over a date that AfterShip guesses, also in a push that
/// reports a revision of the guess.
fn parse_estimated_delivery(tracking: &Value) -> Option<ExpectedDelivery> {
    let text = |pointer: &str| text_at(tracking, pointer);
    let one = |pointer: &str| time::parse_expected_delivery(&text(pointer)?);
    let latest = || {
        let [date, min, max] =
            ["datetime", "datetime_min", "datetime_max"].map(|end| format!("{LATEST}/{end}"));
        let range = || time::parse_expected_window(text(&min).as_deref(), &text(&max)?);
        one(&date).or_else(range).or_else(|| one(&min))
    };
    let source = text(&format!("{LATEST}/source")).unwrap_or_default().to_ascii_lowercase();
    let is_carriers = ["carrier", "courier"].iter().any(|word| source.contains(word));
    let of_carrier = if is_carriers { latest() } else { None };
    of_carrier
        .or_else(|| OF_CARRIER.into_iter().find_map(one))
        .or_else(latest)
        .or_else(|| OF_OTHERS.into_iter().find_map(one))
}

/// The checkpoints, and the current status of the parcel, which has no time.
fn parse_scans(tracking: &Value, key: ParcelKey<'_>, remap: &CodeMap) -> Vec<ParsedScan> {
    let checkpoints = list_at(tracking, "checkpoints");
    let listed = limits::collect_scans(checkpoints, |checkpoint| parse_scan(checkpoint, key, remap));
    // What a checkpoint claims too says nothing more, even if the carrier's code beside that checkpoint says less.
    let is_claimed = |meaning: Meaning| {
        checkpoints.iter().any(|checkpoint| {
            let [tag, subtag] = ["/tag", "/subtag"].map(|pointer| text_at(checkpoint, pointer));
            codes::find_meaning(tag.as_deref(), subtag.as_deref()) == meaning
        })
    };
    let current = parse_scan(tracking, key, remap).filter(|scan| !is_claimed(scan.meaning));
    let current = current.map(|scan| CurrentStatus { scan, is_dated: false });
    let mut scans = current_status::merge_into_scans(listed, current);
    if flag_at(tracking, "/return_to_sender") {
        apply_return_flag(&mut scans);
    }
    scans
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
            &build_identity_code(&raw.to_ascii_uppercase(), alone, read),
            &[&date],
        ),
        meaning: remap
            .get(Sender::Aftership, &display_code)
            .unwrap_or_else(|| limit_milestone(key.carrier, &raw, read)),
        code: display_code,
        description: words_at(checkpoint, "/message").or_else(|| words_at(checkpoint, "/subtag_message")),
        location: parse_location(checkpoint),
        // Most times have no zone. If `Z` is written, it is uncertain whether AfterShip knows the zone.
        time: replace_unreliable_time(key.carrier, &raw, &date, time::parse_scan_time_doubting_z(&date)),
    })
}

/// The place. Without a city, it is the text that the carrier sent.
fn parse_location(checkpoint: &Value) -> Option<String> {
    let part = |pointer| plain_text_at(checkpoint, pointer);
    let (city, whole) = (part("/city"), part("/location"));
    if city.is_none() && whole.is_some() {
        return whole;
    }
    join_place([city, part("/state"), part("/country_region").or_else(|| part("/country_iso3"))])
}

/// The scan of a push that changes only the estimate, or nothing.
fn build_informational_scan(body: &Value, event: &str, key: ParcelKey<'_>) -> ParsedScan {
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
