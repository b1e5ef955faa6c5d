//! UPS Track Alert: webhooks with one event each, in the same form in versions 1 and 2.
//!
//! [`crate::Sender`] calls [`Ups`] through [`Protocol`]: for `app`, which verifies and parses webhooks, and for
//! `simulator`, which writes and signs them. `verify_head` checks the whole proof. `check_code` is for the merchant's
//! code map.
//!
//! - `parse_parcels` returns one parcel with one scan, or an empty list for the body `{}`. `Err` is a body that cannot
//!   be read.
//! - `find_merchant_meaning` returns the meaning that the merchant's code map (`remap`) gives. `None` leaves ours.
//! - `code` in a scan is the name for people and for the setting; the identity is computed from the parts.
//!
//! The proof of version 1 is a string that we choose in the subscription. The proof of version 2 is a token that UPS
//! has requested from us. UPS itself never sends an event twice and sends no history, so an event that is lost stays
//! lost.

mod clock;
mod codes;
mod lists;
mod simulate;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use domain::{Carrier, Meaning};
use serde_json::Value;

use crate::{
    codes::CodeMap,
    json::{parse_object, plain_text_at, require_text, text_at, words_at},
    limits::MAX_BODY_WITH_PICTURE,
    mac::texts_are_equal,
    numbers::{parse_other_numbers, parse_tracking_number},
    parcel::{Parcel, ParsedScan, Push},
    place::join_place,
    protocol::Protocol,
    request::{Head, HeadProof, Refused, Request},
    scan_identity::{self, build_identity_code, compute_identity},
    secrets::Secrets,
    sender::Sender,
    simulate::SimulatedHistory,
    unreadable::Unreadable,
};
use clock::Clock;
use codes::Code;

pub(crate) use codes::find_untyped_meaning;

/// The header of version 1. It carries the string that UPS got with the subscription, and signs nothing. Version 2
/// mentions a static credential for users without OAuth, but names no header; we assume that it is this one.
const CREDENTIAL: &str = "credential";
/// The first characters of the tracking numbers in pushes of UPS's test environment. They belong to no parcel, even
/// if somebody registers one.
const TEST_NUMBER: &str = "1ZCIETST";

/// The [`Protocol`] of UPS.
pub(crate) struct Ups;

impl Protocol for Ups {
    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::UPS)
    }

    fn check_code(&self, code: &str) -> Result<(), String> {
        if codes::begins_with_type(code) {
            return Ok(());
        }
        let types = codes::TYPES.join(", ");
        Err(format!("UPS's codes begin with their type ({types}, …), as in I/OT or I/OT/021"))
    }

    /// Large enough for a photo of the delivery (`deliveryPhoto`, base64). UPS does not send a refused push again.
    fn max_body(&self) -> usize {
        MAX_BODY_WITH_PICTURE
    }

    fn verify_head(&self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        let check = |sent| secrets.require_match(|secret| texts_are_equal(secret.trim().as_bytes(), sent));
        let proven = match (secrets.client(), head.find_header(CREDENTIAL)) {
            (None, sent) => check(sent?),
            (Some(client), Err(_)) => client.verify(head),
            // One valid proof is enough: subscriptions of both versions run side by side while a merchant migrates.
            (Some(client), Ok(sent)) => {
                check(sent).or_else(|refused| client.verify(head).map_err(|_| refused))
            }
        };
        proven.map(|()| HeadProof::Complete)
    }

    /// Always refuses, because UPS signs no body. It is never called: [`Self::verify_head`] returns the whole proof.
    fn verify_body(&self, _secrets: &Secrets, _request: &Request<'_>) -> Result<(), Refused> {
        Err(Refused::Mismatch)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        let parcels = parse_parcels(body, remap)?;
        match parcels.iter().find(|parcel| parcel.tracking_number.starts_with(TEST_NUMBER)) {
            Some(test) => Ok(Push::from_test_push("UPS", &test.tracking_number)),
            None => Ok(Push::Parcels(parcels, None)),
        }
    }

    fn sign(&self, secrets: &Secrets, _body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
        match secrets.client() {
            Some(client) if !secrets.has_shared_secret() => client.build_headers(at),
            Some(_) | None => vec![(CREDENTIAL.to_owned(), secrets.first_secret().to_owned())],
        }
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).unwrap_or_default()
    }
}

fn parse_parcels(body: &[u8], remap: &CodeMap) -> Result<Vec<Parcel>, Unreadable> {
    let event = parse_object(body)?;
    if event.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Vec::new());
    }
    let tracking_number = parse_tracking_number(
        Carrier::UPS,
        require_text("`trackingNumber`", &[(&event, "/trackingNumber")])?,
    )?;
    if !event.get("activityStatus").is_some_and(Value::is_object) {
        return Err(Unreadable("`activityStatus` is missing".into()));
    }
    let clock = Clock::from_event(&event);
    let scans = vec![parse_scan(&event, clock, &tracking_number, remap)];
    let others =
        parse_other_numbers(Carrier::UPS, &tracking_number, text_at(&event, "/alternateTrackingNumber"));
    Ok(vec![Parcel {
        tracking_number,
        package: None,
        other_numbers: others,
        scans,
        estimated_delivery: clock.parse_estimated_delivery(&event),
        pushed_at: None,
    }])
}

fn parse_scan(event: &Value, clock: Clock, parcel: &str, remap: &CodeMap) -> ParsedScan {
    let status = |part: &str| text_at(event, &format!("/activityStatus/{part}")).unwrap_or_default();
    let kind = status("type").to_ascii_uppercase();
    // A code sent as a JSON number has lost its leading zeros.
    let code = match status("code").to_ascii_uppercase() {
        short if short.len() == 1 && short.bytes().all(|byte| byte.is_ascii_digit()) => format!("0{short}"),
        code => code,
    };
    let description_code = match status("descriptionCode") {
        absent if absent.is_empty() => absent,
        sent => format!("{sent:0>3}").to_ascii_uppercase(),
    };
    let pair = format!("{kind}/{code}");
    let time = clock.identity_parts(event);
    let description = words_at(event, "/activityStatus/description");

    let code = Code { kind: &kind, code: &code, description_code: &description_code };
    let display_code = build_code_name(code);
    let read = codes::find_meaning(code, description.as_deref());
    ParsedScan {
        identity: compute_identity(
            Carrier::UPS,
            parcel,
            &pair,
            &build_identity_code(&description_code, codes::find_meaning(code, None), read),
            &time.each_ref().map(String::as_str),
        ),
        meaning: find_merchant_meaning(remap, &display_code, code).unwrap_or(read),
        code: display_code,
        description,
        location: join_place(
            ["city", "stateProvince", "country"]
                .map(|part| plain_text_at(event, &format!("/activityLocation/{part}"))),
        ),
        time: clock.to_carrier_time(),
    }
}

/// The code as scans show it and as the setting names it: `I/OT/021`, `D/FS`, `I`, `X//032`.
fn build_code_name(code: Code<'_>) -> String {
    let parts = [code.kind, code.code, code.description_code].join("/");
    scan_identity::build_code_name(&[parts.trim_end_matches('/')])
}

/// The merchant's meaning for the whole code, or else for its type and code with any description code.
fn find_merchant_meaning(remap: &CodeMap, display_code: &str, code: Code<'_>) -> Option<Meaning> {
    remap.get(Sender::Ups, display_code).or_else(|| {
        if code.code.is_empty() {
            None
        } else {
            remap.get(Sender::Ups, &format!("{}/{}", code.kind, code.code))
        }
    })
}
