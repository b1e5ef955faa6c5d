//! Shippo: `track_updated` webhooks, for parcels of many carriers. Every push carries the whole history.
//!
//! [`crate::Sender`] calls [`Shippo`] through [`Protocol`]: for `app`, which verifies and parses webhooks, and for
//! `simulator`, which writes and signs them.
//!
//! - `verify_head` checks the age of a signature, and `verify_body` compares it. Without a signature, `verify_head`
//!   checks the token in the URL, which is the whole proof then.
//! - `parse_push` returns a remark, not a parcel, for a test, for another event, for a purchased label and for a parcel
//!   without scans. `parse_scan` is `None` for a state that reports nothing.
//! - `find_merchant_meaning` looks into the merchant's code map (`remap`). `None` leaves our meaning.
//!
//! Accounts that asked for it sign their pushes, including the time. The others can only put a token into the URL. A
//! token proves nothing about the body, and every log on the way contains it.

mod codes;
mod simulate;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, str};

use chrono::{DateTime, Utc};
use domain::{Carrier, Meaning};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use subtle::{Choice, ConstantTimeEq};

use crate::{
    codes::CodeMap,
    estimate_scan::or_estimate_scan,
    json::{flag_at, list_at, parse_object, plain_text_at, require_text, text_at, words_at},
    limits,
    mac::{decode_hex_mac, encode_hex, hmac_sha256, texts_are_equal},
    numbers::{parse_carrier_name, parse_tracking_number},
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

/// The header with the signature: `t=<unix>,v1=<hex>`, the HMAC-SHA256 of `<t>.` and the body.
const SIGNATURE: &str = "shippo-auth-signature";

/// The [`Protocol`] of Shippo.
pub(crate) struct Shippo;

impl Protocol for Shippo {
    fn carrier(&self) -> Option<Carrier> {
        None
    }

    fn verify_head(&self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        match head.find_header(SIGNATURE) {
            Ok(sent) => {
                head.check_age(Signature::from_header(sent)?.signed_at)?;
                Ok(HeadProof::SignsBody)
            }
            Err(missing) => {
                let token = parse_url_token(head.query).ok_or(missing)?;
                let proven = secrets.require_match(|secret| texts_are_equal(secret.as_bytes(), &token));
                proven.map(|()| HeadProof::Complete)
            }
        }
    }

    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        let sent = Signature::from_header(request.find_header(SIGNATURE)?)?;
        let message = build_message(sent.at, request.body);
        secrets.require_match(|secret| {
            let own = hmac_sha256(secret, &message);
            sent.macs.iter().fold(Choice::from(0), |fitted, mac| fitted | own.ct_eq(mac))
        })?;
        request.check_age(sent.signed_at)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        parse_push(&parse_object(body)?, remap)
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
        let at = at.timestamp().to_string();
        let mac = encode_hex(&hmac_sha256(secrets.first_secret(), &build_message(&at, body)));
        vec![(SIGNATURE.to_owned(), format!("t={at},v1={mac}"))]
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).into_iter().collect()
    }
}

/// The signature header: a time, and signatures of which one must match.
struct Signature<'a> {
    at: &'a str,
    signed_at: DateTime<Utc>,
    macs: Vec<[u8; 32]>,
}

impl<'a> Signature<'a> {
    /// Parts other than `t` and `v1` are ignored: they may belong to a later version.
    fn from_header(header_value: &'a [u8]) -> Result<Self, Refused> {
        let malformed = || Refused::MalformedHeader(SIGNATURE);
        let sent = str::from_utf8(header_value).map_err(|_not_text| malformed())?;
        let parts: Vec<(&str, &str)> = sent
            .split(',')
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim()))
            .collect();
        let values = |name| parts.iter().filter(move |part| part.0 == name).map(|part| part.1);
        let mut times = values("t");
        let (Some(at), None) = (times.next(), times.next()) else { return Err(malformed()) };
        let signed_at = at.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let signed_at = signed_at.ok_or_else(malformed)?;
        let macs: Vec<_> = values("v1").filter_map(|mac| decode_hex_mac(mac.as_bytes())).collect();
        if macs.is_empty() { Err(malformed()) } else { Ok(Self { at, signed_at, macs }) }
    }
}

fn build_message(at: &str, body: &[u8]) -> Vec<u8> {
    [at.as_bytes(), b".", body].concat()
}

/// The token in the query of the URL. A `+` is read as `+` and not as a blank, because tokens are more likely to
/// contain it.
fn parse_url_token(query: &str) -> Option<Vec<u8>> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    Some(percent_decode_str(value).collect()).filter(|token: &Vec<u8>| !token.is_empty())
}

fn parse_push(body: &Value, remap: &CodeMap) -> Result<Push, Unreadable> {
    let event = require_text("`event`", &[(body, "/event")])?;
    let data = body.get("data").filter(|data| data.is_object()).ok_or_else(|| missing_field_error("data"))?;
    if !event.eq_ignore_ascii_case("track_updated") {
        return Ok(Push::Remark(format!("Shippo tells of `{event}`, which is not about a track")));
    }
    let Some(name) = text_at(data, "/carrier") else {
        return if is_transaction(data) {
            Ok(Push::Remark(
                "Shippo tells of a label that was bought, not of a parcel: its API version is older than 2018-02-08".into(),
            ))
        } else {
            Err(missing_field_error("data.carrier"))
        };
    };
    let number = require_text("`data.tracking_number`", &[(data, "/tracking_number")])?;
    // Older pushes have the flag inside `data`.
    if flag_at(body, "/test") || flag_at(data, "/test") {
        return Ok(Push::from_test_push("Shippo", &number));
    }
    let carrier = parse_carrier_name(&name, &number)?;
    let tracking_number = parse_tracking_number(carrier, number)?;

    // The latest scan is sent twice, with another object id each time but with its own time. It must become one scan.
    let states = list_at(data, "tracking_history").iter().chain(data.get("tracking_status"));
    let mut seen = HashSet::new();
    let scans = limits::collect_scans(states, |state| {
        parse_scan(state, carrier, &tracking_number, remap).filter(|scan| seen.insert(scan.identity))
    });
    let estimated_delivery = text_at(data, "/eta").and_then(|eta| time::parse_expected_delivery(&eta));
    let scans = or_estimate_scan(scans, estimated_delivery, carrier, &tracking_number);
    if scans.is_empty() {
        return Ok(Push::Remark(format!("Shippo knows nothing yet of {tracking_number}")));
    }
    Ok(Push::from_parcel(Parcel {
        tracking_number,
        package: None,
        other_numbers: vec![],
        scans,
        estimated_delivery,
        pushed_at: parse_push_time(data),
    }))
}

fn missing_field_error(field: &str) -> Unreadable {
    Unreadable(format!("`{field}` is missing"))
}

/// Whether the data is a transaction, which older versions of the API sent in place of a track. A track has none of
/// these fields.
fn is_transaction(data: &Value) -> bool {
    ["rate", "label_url", "tracking_url_provider"].iter().any(|field| data.get(field).is_some())
}

/// Parses one state of the parcel. `None` if it has no time and its status is absent or `UNKNOWN`.
fn parse_scan(state: &Value, carrier: Carrier, parcel: &str, remap: &CodeMap) -> Option<ParsedScan> {
    let (status, date) = (text_at(state, "/status"), text_at(state, "/status_date"));
    let nothing = status.as_ref().is_none_or(|status| status.eq_ignore_ascii_case("UNKNOWN"));
    if nothing && date.is_none() {
        return None;
    }
    let (status, date) = (status.unwrap_or_default(), date.unwrap_or_default());
    let substatus = text_at(state, "/substatus/code").or_else(|| text_at(state, "/substatus"));
    let substatus = substatus.unwrap_or_default();
    let action_required = flag_at(state, "/substatus/action_required");
    let display_code = build_code_name(&[&status, &substatus]);
    let read = codes::find_meaning(&status, &substatus, action_required);
    Some(ParsedScan {
        identity: compute_identity(
            carrier,
            parcel,
            &status.to_ascii_uppercase(),
            &build_identity_code(
                &substatus.to_ascii_lowercase(),
                codes::find_meaning(&status, &substatus, false),
                read,
            ),
            &[&date],
        ),
        meaning: find_merchant_meaning(remap, &display_code, &status).unwrap_or(read),
        code: display_code,
        description: words_at(state, "/status_details").or_else(|| words_at(state, "/substatus/text")),
        location: join_place(
            ["city", "state", "country"].map(|part| plain_text_at(state, &format!("/location/{part}"))),
        ),
        // Shippo has written local times with `Z`. It is not known for which carriers, so only midnight with `Z` is
        // doubted.
        time: time::parse_scan_time_doubting_z(&date),
    })
}

/// The merchant's meaning for the whole code, or else for the status with any substatus.
fn find_merchant_meaning(remap: &CodeMap, display_code: &str, status: &str) -> Option<Meaning> {
    remap.get(Sender::Shippo, display_code).or_else(|| remap.get(Sender::Shippo, status))
}

/// When Shippo wrote the latest state.
fn parse_push_time(data: &Value) -> Option<DateTime<Utc>> {
    ["/tracking_status/object_updated", "/tracking_status/object_created"]
        .iter()
        .find_map(|pointer| time::parse_instant(&text_at(data, pointer)?))
}
