//! Whether a push is USPS's own: an HMAC-SHA256 in base64, over two texts of the envelope after unescaping.
//!
//! The rest of an envelope is not signed, and must not be believed. Two more readings are accepted because the
//! descriptions contradict each other; both are marked. Without the secret none of them can be met.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::challenge;
use crate::{
    Head, Refused, Request, Secrets, json,
    signature::{from_base64, hmac_sha256},
    time,
};

/// The signature.
const SIGNATURE: &str = "x-hmac";
/// Its older name.
const OLD_SIGNATURE: &str = "hmac-header";
/// When a push without envelope was signed. Uncertain: the one description that has it names no header.
const TIMES: [&str; 2] = ["x-timestamp", "timestamp"];
/// The longest challenge that may come without a time, with all around it, in bytes.
const MAX_CHALLENGE: usize = 1024;

/// What USPS may have signed.
struct Signed<'a> {
    message: Vec<u8>,
    /// When, which is a part of the message. Nothing where the whole body is signed, or has nothing to sign.
    at: Option<&'a str>,
}

/// The signature in the headers, under either name.
pub(super) fn signature(head: &Head<'_>) -> Result<[u8; 32], Refused> {
    let sent = head.header(SIGNATURE).or_else(|missing| match head.header(OLD_SIGNATURE) {
        Ok(sent) => Ok(sent),
        Err(_missing_too) => Err(missing),
    })?;
    from_base64(sent).ok_or(Refused::MalformedHeader(SIGNATURE))
}

pub(super) fn verify(secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
    let sent = signature(&request.head())?;
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
            vec![(TIMES[0].to_owned(), at), (SIGNATURE.to_owned(), signature)]
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
    for at in TIMES.iter().filter_map(|time| std::str::from_utf8(request.header(time).ok()?).ok()) {
        readings.push(Signed { message: concat(at, request.body), at: Some(at) });
    }
    // Uncertain as the whole handshake: the texts as far as they are there, or the body alone. What is signed without
    // a time may be heard again for ever. So that has to be the whole body, which is kept once and no other, or a body
    // in which there is nothing to sign: were any part of a push enough, one that was seen could be made into many.
    if challenge(body).is_some() {
        let at = timestamp.filter(|timestamp| !timestamp.is_empty());
        if let Some(at) = at {
            let payload = payload.unwrap_or_default().as_bytes();
            readings.push(Signed { message: concat(at, payload), at: Some(at) });
        } else if is_bare_challenge(request.body, body) {
            readings.push(Signed { message: Vec::new(), at: None });
        }
        readings.push(Signed { message: request.body.to_vec(), at });
    }
    readings
}

/// Whether a body is a challenge and nothing else, and short.
pub(super) fn is_bare_challenge(bytes: &[u8], body: &Value) -> bool {
    let alone = body.as_object().is_some_and(|fields| fields.len() == 1);
    alone && bytes.len() <= MAX_CHALLENGE && challenge(body).is_some()
}

fn fresh(request: &Request<'_>, signed: &Signed<'_>) -> Result<(), Refused> {
    match signed.at {
        None => Ok(()),
        Some(at) => request.fresh(time::instant(at).ok_or(Refused::Undated)?),
    }
}

/// The body, where it is JSON, and no more of it than anybody sends: it is read before it is proved. What is not has
/// no texts inside, and may still be signed as a whole.
fn body(bytes: &[u8]) -> Value {
    json::value(bytes).unwrap_or(Value::Null)
}

fn string<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key)?.as_str()
}

fn concat(time: &str, rest: &[u8]) -> Vec<u8> {
    [time.as_bytes(), rest].concat()
}
