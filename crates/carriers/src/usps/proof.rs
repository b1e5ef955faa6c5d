//! Whether a push is USPS's own: an HMAC-SHA256 in base64, over two texts of the envelope after unescaping.
//!
//! The rest of an envelope is not signed, and must not be believed. Two more readings are accepted because the
//! descriptions contradict each other; both are marked. Without the secret none of them can be met.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::CarrierTime;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::challenge;
use crate::{Refused, Request, Secrets, signature::hmac_sha256, time};

/// The signature.
const SIGNATURE: &str = "x-hmac";
/// Its older name.
const OLD_SIGNATURE: &str = "hmac-header";
/// When a push without envelope was signed.
const TIME: &str = "x-timestamp";

/// What USPS may have signed.
struct Signed<'a> {
    message: Vec<u8>,
    /// When, which is a part of the message; nothing only for a challenge.
    at: Option<&'a str>,
}

pub(super) fn verify(secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
    let sent = request.header(SIGNATURE).or_else(|missing| match request.header(OLD_SIGNATURE) {
        Ok(sent) => Ok(sent),
        Err(_missing_too) => Err(missing),
    })?;
    let sent = STANDARD.decode(sent).map_err(|_not_base64| Refused::MalformedHeader(SIGNATURE))?;
    let mut refused = Refused::Mismatch;
    for signed in readings(request, &body(request.body)) {
        let fits = secrets.check(|secret| hmac_sha256(secret, &signed.message).ct_eq(&sent));
        match fits.and_then(|()| fresh(request, &signed)) {
            Ok(()) => return Ok(()),
            Err(Refused::Mismatch) => {}
            Err(reason) => refused = reason,
        }
    }
    Err(refused)
}

pub(super) fn sign(secrets: &Secrets, bytes: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
    let body = body(bytes);
    let signature = |message: &[u8]| STANDARD.encode(hmac_sha256(secrets.first(), message));
    match (string(&body, "timestamp"), string(&body, "payload")) {
        (Some(timestamp), Some(payload)) => {
            vec![(SIGNATURE.to_owned(), signature(&concat(timestamp, payload.as_bytes())))]
        }
        (_, None) | (None, _) => {
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let signature = signature(&concat(&at, bytes));
            vec![(TIME.to_owned(), at), (SIGNATURE.to_owned(), signature)]
        }
    }
}

/// Everything that the request may be meant to have signed.
fn readings<'a>(request: &Request<'a>, body: &'a Value) -> Vec<Signed<'a>> {
    let mut readings = Vec::new();
    let (timestamp, payload) = (string(body, "timestamp"), string(body, "payload"));
    if let (Some(timestamp), Some(payload)) = (timestamp, payload) {
        readings.push(Signed { message: concat(timestamp, payload.as_bytes()), at: Some(timestamp) });
    }
    // Uncertain, from one description: the time in a header, and the whole body behind it.
    if let Some(at) = request.header(TIME).ok().and_then(|at| std::str::from_utf8(at).ok()) {
        readings.push(Signed { message: concat(at, request.body), at: Some(at) });
    }
    // Uncertain as the whole handshake: the texts as far as they are there, or the body alone. Such a signature
    // may be heard again; but all that can be done with it is to be asked again whether we listen.
    if challenge(body).is_some() {
        let payload = payload.unwrap_or_default().as_bytes();
        let at = timestamp.filter(|timestamp| !timestamp.is_empty());
        readings.push(Signed { message: concat(at.unwrap_or_default(), payload), at });
        readings.push(Signed { message: request.body.to_vec(), at });
    }
    readings
}

fn fresh(request: &Request<'_>, signed: &Signed<'_>) -> Result<(), Refused> {
    match signed.at.map(time::scanned) {
        None => Ok(()),
        Some(CarrierTime::Instant(at)) => request.fresh(at),
        Some(CarrierTime::Local(_) | CarrierTime::Untrusted) => Err(Refused::Undated),
    }
}

/// The body, where it is JSON. What is not has no texts inside, and may still be signed as a whole.
fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

fn string<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key)?.as_str()
}

fn concat(time: &str, rest: &[u8]) -> Vec<u8> {
    [time.as_bytes(), rest].concat()
}
