//! Verification of USPS pushes: an HMAC-SHA256 in base64 over two texts of the envelope, `timestamp` and `payload`,
//! after JSON unescaping. All functions are pure. Called by `usps`.
//!
//! `verify` tries each message of `list_signed_messages`, and is `Ok` if one was signed with a secret of ours at most
//! five minutes before or after the arrival. Only a challenge may have no time. `sign` is for simulated pushes: it
//! returns the headers to send, made with the first secret, and adds a header with the time for a body without
//! `timestamp` and `payload`. `is_bare_challenge` is for `Usps::push_id` too.
//!
//! The other fields of an envelope are not signed, so they must not be used. The descriptions of USPS contradict each
//! other, so two more forms are accepted; both are marked as uncertain in [`list_signed_messages`]. Nobody can produce
//! any of the forms without the secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::challenge::parse_challenge;
use crate::{
    json,
    mac::{decode_base64_mac, hmac_sha256},
    request::{Head, Refused, Request},
    secrets::Secrets,
    time,
};

/// The header with the signature.
const SIGNATURE: &str = "x-hmac";
/// The older name of this header.
const OLD_SIGNATURE: &str = "hmac-header";
/// Headers with the time of signing of a push without envelope. Uncertain: the only description of this form does not
/// name the header.
const TIMES: [&str; 2] = ["x-timestamp", "timestamp"];
/// The largest body, in bytes, that counts as a bare challenge, which may be signed without a time.
const MAX_CHALLENGE: usize = 1024;

/// One message that USPS may have signed.
struct Signed<'a> {
    message: Vec<u8>,
    /// The time of signing, which is part of the message. `None` for a challenge without a time.
    at: Option<&'a str>,
}

/// Reads the signature from the headers, under either name.
pub(super) fn read_signature(head: &Head<'_>) -> Result<[u8; 32], Refused> {
    let sent = head.find_header(SIGNATURE).or_else(|missing| match head.find_header(OLD_SIGNATURE) {
        Ok(sent) => Ok(sent),
        Err(_missing_too) => Err(missing),
    })?;
    decode_base64_mac(sent).ok_or(Refused::MalformedHeader(SIGNATURE))
}

pub(super) fn verify(secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
    let sent = read_signature(&request.head())?;
    let mut refused = Refused::Mismatch;
    for signed in list_signed_messages(request, &parse_body(request.body)) {
        let fits = secrets.require_match(|secret| hmac_sha256(secret, &signed.message).ct_eq(&sent));
        match fits.and_then(|()| check_age(request, &signed)) {
            Ok(()) => return Ok(()),
            Err(Refused::Mismatch) => {}
            Err(reason) => refused = reason,
        }
    }
    Err(refused)
}

pub(super) fn sign(secrets: &Secrets, bytes: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
    let body = parse_body(bytes);
    let signature = |message: &[u8]| STANDARD.encode(hmac_sha256(secrets.first_secret(), message));
    match (find_string_field(&body, "timestamp"), find_string_field(&body, "payload")) {
        (Some(timestamp), Some(payload)) => {
            vec![(SIGNATURE.to_owned(), signature(&concat_message(timestamp, payload.as_bytes())))]
        }
        (_, None) | (None, _) => {
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let signature = signature(&concat_message(&at, bytes));
            vec![(TIMES[0].to_owned(), at), (SIGNATURE.to_owned(), signature)]
        }
    }
}

/// All messages that the signature of this request may cover.
fn list_signed_messages<'a>(request: &Request<'a>, body: &'a Value) -> Vec<Signed<'a>> {
    let mut messages = Vec::new();
    let (timestamp, payload) = (find_string_field(body, "timestamp"), find_string_field(body, "payload"));
    if let (Some(timestamp), Some(payload)) = (timestamp, payload) {
        messages.push(Signed { message: concat_message(timestamp, payload.as_bytes()), at: Some(timestamp) });
    }
    // Uncertain, from one description: the time in a header, followed by the whole body.
    for at in TIMES.iter().filter_map(|time| std::str::from_utf8(request.find_header(time).ok()?).ok()) {
        messages.push(Signed { message: concat_message(at, request.body), at: Some(at) });
    }
    // Uncertain, like the whole handshake: `timestamp` and `payload` as far as they are present, or the whole body. A
    // challenge signed without a time can be replayed for ever. So without a time only two messages are accepted:
    //
    // 1. The whole body. Each content is stored only once, so a replay adds nothing.
    // 2. The empty message, for a bare challenge, which has nothing to sign.
    //
    // If the signature had to cover only a part of the body, somebody who has seen one signed push could make many
    // different bodies from it.
    if parse_challenge(body).is_some() {
        let at = timestamp.filter(|timestamp| !timestamp.is_empty());
        if let Some(at) = at {
            let payload = payload.unwrap_or_default().as_bytes();
            messages.push(Signed { message: concat_message(at, payload), at: Some(at) });
        } else if is_bare_challenge(request.body, body) {
            messages.push(Signed { message: Vec::new(), at: None });
        }
        messages.push(Signed { message: request.body.to_vec(), at });
    }
    messages
}

/// Whether a body consists of nothing but a challenge and has at most [`MAX_CHALLENGE`] bytes.
pub(super) fn is_bare_challenge(bytes: &[u8], body: &Value) -> bool {
    let alone = body.as_object().is_some_and(|fields| fields.len() == 1);
    alone && bytes.len() <= MAX_CHALLENGE && parse_challenge(body).is_some()
}

fn check_age(request: &Request<'_>, signed: &Signed<'_>) -> Result<(), Refused> {
    match signed.at {
        None => Ok(()),
        Some(at) => request.check_age(time::parse_instant(at).ok_or(Refused::Undated)?),
    }
}

/// Parses the body before it is verified; [`json::parse_value`] limits its size. A body that is not JSON has no texts
/// inside, but may still be signed as a whole, so it becomes `null`.
fn parse_body(bytes: &[u8]) -> Value {
    json::parse_value(bytes).unwrap_or(Value::Null)
}

fn find_string_field<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key)?.as_str()
}

fn concat_message(time: &str, rest: &[u8]) -> Vec<u8> {
    [time.as_bytes(), rest].concat()
}
