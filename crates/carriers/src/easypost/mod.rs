//! EasyPost: webhooks about trackers, for parcels of many carriers. Every push carries the whole history.
//!
//! [`crate::Sender`] calls [`Easypost`] through [`Protocol`]: for `app`, which verifies and parses webhooks, and for
//! `simulator`, which writes and signs them. `verify_head` reads the signature, and checks its age if it has a time;
//! `verify_body` compares it.
//!
//! `parse_push` finds the tracker, `parse_tracker` parses it. A test, an event that is not about a tracker, and a
//! tracker without scans give a remark and no parcel. `said_at` is when EasyPost wrote the push. `parcel` is the
//! tracking number, for the identity of scans. `remap` is the merchant's code map.
//!
//! Two signatures are in use. The older covers the body alone. The newer also covers a time; if both are sent, only the
//! newer is checked. EasyPost itself documents that the headers of the newer exist. The sequence in which their
//! contents are signed comes from three integrations that agree, and from no document of EasyPost.

mod codes;
mod simulate;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use domain::{Carrier, CarrierTime, ExpectedDelivery, Meaning};
use serde_json::Value;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use crate::{
    carrier_code::limit_milestone,
    code_trust::replace_unreliable_time,
    codes::CodeMap,
    current_status::{self, CurrentStatus},
    estimate_scan::or_estimate_scan,
    json::{flag_at, list_at, parse_object, plain_text_at, require_text, text_at, words_at},
    limits,
    mac::{decode_hex_mac, encode_hex, hmac_sha256},
    numbers::{parse_carrier_name, parse_tracking_number},
    parcel::{Parcel, ParsedScan, Push},
    place::join_place,
    protocol::Protocol,
    request::{Head, HeadProof, Refused, Request},
    return_flag::apply_return_flag,
    scan_identity::{build_code_name, compute_identity},
    secrets::Secrets,
    sender::Sender,
    simulate::SimulatedHistory,
    time,
    unreadable::Unreadable,
};

/// The header of the older signature: HMAC-SHA256 of the body in hexadecimal, with or without [`PREFIX`].
const SIGNATURE: &str = "x-hmac-signature";
/// The header of the newer signature: HMAC-SHA256 of time, method, path and body in hexadecimal.
const SIGNATURE_V2: &str = "x-hmac-signature-v2";
/// The time of the newer signature, in the format of a mail's date (RFC 2822).
const TIMESTAMP: &str = "x-timestamp";
/// The path that the newer signature covers. It may differ from the path that we receive, because a proxy can shorten
/// it.
const PATH: &str = "x-path";
const METHOD: &[u8] = b"POST";
const PREFIX: &[u8] = b"hmac-sha256-hex=";

/// The [`Protocol`] of EasyPost.
pub(crate) struct Easypost;

impl Protocol for Easypost {
    fn carrier(&self) -> Option<Carrier> {
        None
    }

    fn verify_head(&self, _secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        match Signature::from_head(head)? {
            Signature::Older(_) => {}
            Signature::Newer { signed_at, .. } => head.check_age(signed_at)?,
        }
        Ok(HeadProof::SignsBody)
    }

    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        match Signature::from_head(&request.head())? {
            Signature::Older(sent) => {
                secrets.require_match(|secret| hmac_sha256(derive_key(secret), request.body).ct_eq(&sent))
            }
            Signature::Newer { sent, timestamp, path, signed_at } => {
                let message = [timestamp, METHOD, path, request.body].concat();
                secrets.require_match(|secret| hmac_sha256(derive_key(secret), &message).ct_eq(&sent))?;
                request.check_age(signed_at)
            }
        }
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        parse_push(&parse_object(body)?, remap)
    }

    /// The id of an event. A tracker without an event has an id too, but the same one in every push, so it is not
    /// used.
    fn push_id(&self, body: &[u8]) -> Option<String> {
        text_at(&parse_object(body).ok()?, "/id").filter(|id| id.starts_with("evt_"))
    }

    fn sign(&self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
        let key = derive_key(secrets.first_secret());
        let (timestamp, path) = (at.to_rfc2822(), "/webhooks/easypost");
        let message = [timestamp.as_bytes(), METHOD, path.as_bytes(), body].concat();
        let older = [PREFIX, encode_hex(&hmac_sha256(&key, body)).as_bytes()].concat();
        [
            (SIGNATURE, String::from_utf8_lossy(&older).into_owned()),
            (SIGNATURE_V2, encode_hex(&hmac_sha256(&key, &message))),
            (TIMESTAMP, timestamp),
            (PATH, path.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).into_iter().collect()
    }
}

/// A signature from the headers of a push.
enum Signature<'a> {
    /// Over the body alone.
    Older([u8; 32]),
    /// Over a time, the method, a path and the body.
    Newer { sent: [u8; 32], timestamp: &'a [u8], path: &'a [u8], signed_at: DateTime<Utc> },
}

impl<'a> Signature<'a> {
    /// Reads the newer signature if it is sent, otherwise the older.
    fn from_head(head: &Head<'a>) -> Result<Self, Refused> {
        let Ok(sent) = head.find_header(SIGNATURE_V2) else {
            let sent = decode_mac(head.find_header(SIGNATURE)?).ok_or(Refused::MalformedHeader(SIGNATURE))?;
            return Ok(Self::Older(sent));
        };
        let sent = decode_mac(sent).ok_or(Refused::MalformedHeader(SIGNATURE_V2))?;
        let (timestamp, path) = (head.find_header(TIMESTAMP)?, head.find_header(PATH)?);
        let signed_at = std::str::from_utf8(timestamp)
            .ok()
            .and_then(|text| DateTime::parse_from_rfc2822(text).ok())
            .ok_or(Refused::MalformedHeader(TIMESTAMP))?;
        Ok(Self::Newer { sent, timestamp, path, signed_at: signed_at.to_utc() })
    }
}

/// The key that EasyPost derives from a secret: the secret in Unicode NFKD. An `é` becomes two characters, however it
/// was typed.
fn derive_key(secret: &str) -> String {
    secret.nfkd().collect()
}

/// Decodes the HMAC in a header, with or without the prefix.
fn decode_mac(sent: &[u8]) -> Option<[u8; 32]> {
    let (start, rest) = sent.split_at_checked(PREFIX.len())?;
    decode_hex_mac(if start.eq_ignore_ascii_case(PREFIX) { rest } else { sent })
}

/// Parses an event about a tracker, or a tracker without an event. Data of EasyPost's test mode is invented, even if
/// it names a tracking number of ours, so it moves no parcel.
fn parse_push(body: &Value, remap: &CodeMap) -> Result<Push, Unreadable> {
    let tested = ["/mode", "/result/mode"].iter().any(|mode| text_at(body, mode).as_deref() == Some("test"));
    let tracker = |tracker: &Value, said_at: Option<String>| {
        let number = require_text("`tracking_code` of the tracker", &[(tracker, "/tracking_code")])?;
        if tested {
            Ok(Push::from_test_push("EasyPost", &number))
        } else {
            parse_tracker(tracker, number, said_at, remap)
        }
    };
    match text_at(body, "/object").as_deref() {
        Some("Tracker") => tracker(body, text_at(body, "/updated_at")),
        Some("Event") => {
            let what = text_at(body, "/description").unwrap_or_default();
            if !what.starts_with("tracker.") {
                return Ok(Push::Remark(format!("EasyPost tells of `{what}`, which is not about a tracker")));
            }
            let result = body.get("result").filter(|result| result.is_object());
            let result = result.ok_or_else(|| Unreadable("`result` is missing".into()))?;
            tracker(result, text_at(body, "/created_at"))
        }
        Some(other) => Err(Unreadable(format!("`object` is `{other}`, neither `Event` nor `Tracker`"))),
        None => Err(Unreadable("`object` is missing".into())),
    }
}

fn parse_tracker(
    tracker: &Value,
    number: String,
    said_at: Option<String>,
    remap: &CodeMap,
) -> Result<Push, Unreadable> {
    let name = require_text("`carrier` of the tracker", &[(tracker, "/carrier")])?;
    let carrier = parse_carrier_name(&name, &number)?;
    let tracking_number = parse_tracking_number(carrier, number)?;

    let details = list_at(tracker, "tracking_details");
    let listed =
        limits::collect_scans(details, |detail| parse_scan(detail, carrier, &tracking_number, remap));
    // What a detail claims too says nothing more, even if the carrier's code beside that detail says less.
    let is_claimed = |meaning: Meaning| {
        details.iter().any(|detail| {
            let status = text_at(detail, "/status").unwrap_or_default();
            Code::from_parts(&status, text_at(detail, "/status_detail"), remap).meaning == meaning
        })
    };
    let current = parse_current_status(tracker, carrier, &tracking_number, remap);
    let current = current.filter(|current| !is_claimed(current.scan.meaning));
    let mut scans = current_status::merge_into_scans(listed, current);
    // The tracker of a return label.
    if flag_at(tracker, "/is_return") {
        apply_return_flag(&mut scans);
    }
    let estimated_delivery = parse_estimated_delivery(tracker);
    scans = or_estimate_scan(scans, estimated_delivery, carrier, &tracking_number);
    if scans.is_empty() {
        return Ok(Push::Remark(format!("EasyPost knows nothing yet of {tracking_number}")));
    }
    Ok(Push::from_parcel(Parcel {
        tracking_number,
        package: None,
        other_numbers: vec![],
        scans,
        estimated_delivery,
        pushed_at: said_at.and_then(|at| time::parse_instant(&at)),
    }))
}

/// Parses one of `tracking_details`. `None` if it has neither a status nor a time.
fn parse_scan(detail: &Value, carrier: Carrier, parcel: &str, remap: &CodeMap) -> Option<ParsedScan> {
    let (status, datetime) = (text_at(detail, "/status"), text_at(detail, "/datetime"));
    if status.is_none() && datetime.is_none() {
        return None;
    }
    let (status, datetime) = (status.unwrap_or_default(), datetime.unwrap_or_default());
    let carrier_code = text_at(detail, "/carrier_code").unwrap_or_default().to_ascii_uppercase();
    let code = Code::from_parts(&status, text_at(detail, "/status_detail"), remap);
    let location = join_place(
        ["city", "state", "country"].map(|part| plain_text_at(detail, &format!("/tracking_location/{part}"))),
    );
    Some(ParsedScan {
        identity: compute_identity(carrier, parcel, &code.key, &carrier_code, &[&datetime]),
        meaning: if code.is_configured {
            code.meaning
        } else {
            limit_milestone(carrier, &carrier_code, code.meaning)
        },
        code: code.display_code,
        description: words_at(detail, "/message"),
        time: replace_unreliable_time(
            carrier,
            &carrier_code,
            &datetime,
            parse_time(&datetime, location.is_some()),
        ),
        location,
    })
}

/// The time of a scan. EasyPost adds a zone to a carrier's time if it knows the place, and writes `Z` otherwise. Two
/// things are uncertain: that the place in the push is the one EasyPost used, and that a state or a country is
/// enough.
fn parse_time(datetime: &str, placed: bool) -> CarrierTime {
    if placed {
        time::parse_scan_time_doubting_z(datetime)
    } else {
        time::parse_scan_time_ignoring_z(datetime)
    }
}

/// The status of a tracker as a scan. It has no time: `updated_at` changes with every push and says when EasyPost
/// wrote the tracker, not when something happened to the parcel.
fn parse_current_status(
    tracker: &Value,
    carrier: Carrier,
    parcel: &str,
    remap: &CodeMap,
) -> Option<CurrentStatus> {
    let status = text_at(tracker, "/status").filter(|status| !status.eq_ignore_ascii_case("unknown"))?;
    let code = Code::from_parts(&status, text_at(tracker, "/status_detail"), remap);
    let scan = ParsedScan {
        identity: compute_identity(carrier, parcel, &code.key, "", &[]),
        meaning: code.meaning,
        code: code.display_code,
        description: None,
        location: None,
        time: CarrierTime::Untrusted,
    };
    Some(CurrentStatus { scan, is_dated: false })
}

/// A status with its detail.
struct Code {
    /// The code as scans show it and as the setting names it: `in_transit/departed_facility`.
    display_code: String,
    /// The code as a part of the identity: uncut and in lower case.
    key: String,
    meaning: Meaning,
    /// Whether the meaning is the merchant's.
    is_configured: bool,
}

impl Code {
    /// Parses a code. The merchant's meaning for both parts takes precedence over the one for the status alone.
    fn from_parts(status: &str, detail: Option<String>, remap: &CodeMap) -> Self {
        let detail = detail.unwrap_or_default();
        let display_code = build_code_name(&[status, &detail]);
        let configured =
            remap.get(Sender::Easypost, &display_code).or_else(|| remap.get(Sender::Easypost, status));
        Self {
            display_code,
            key: format!("{status}/{detail}").to_ascii_lowercase(),
            is_configured: configured.is_some(),
            meaning: configured.unwrap_or_else(|| codes::find_meaning(status, &detail)),
        }
    }
}

/// The expected delivery: the carrier's local date if it is sent, otherwise EasyPost's time. That is the same date as
/// midnight, with a zone that the carrier did not send.
fn parse_estimated_delivery(tracker: &Value) -> Option<ExpectedDelivery> {
    ["/carrier_detail/est_delivery_date_local", "/est_delivery_date"]
        .iter()
        .find_map(|pointer| time::parse_expected_delivery(&text_at(tracker, pointer)?))
}
