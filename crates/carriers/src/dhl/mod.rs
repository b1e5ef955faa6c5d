//! DHL: Unified Push, and the webhooks of DHL eCommerce Americas.
//!
//! [`crate::Sender`] calls [`Dhl`] through [`Protocol`]: for `app`, which verifies and parses webhooks, and for
//! `simulator`, which writes and signs them. `verify_head` checks the whole proof. `carrier_code` calls
//! `find_code_meaning`; `Unknown` if not listed.
//!
//! `parse_push` chooses by the form of the body: `unified` or `americas` for parcels, `parse_activation` for a new
//! subscription, and a remark for other news of a subscription. An element that cannot be read is counted, and the
//! others are kept.
//!
//! - Proof: a token in a header that the merchant named in the subscription. It signs nothing and never changes, so
//!   somebody who has seen a request can send it again. A repeated scan changes nothing.
//! - Handshake: DHL sends a secret when a subscription starts, and `worker::activation` calls DHL back with it
//!   ([`Activation`]). It checks the id with [`is_subscription_id`] again.

mod americas;
mod codes;
mod event_names;
mod event_texts;
mod parcel_de;
mod simulate;
#[cfg(test)]
mod tests;
mod unified;

use chrono::{DateTime, Utc};
use domain::{Carrier, Meaning};
use serde_json::Value;

use crate::{
    codes::CodeMap,
    json::{list_at, parse_object, text_at},
    limits,
    mac::texts_are_equal,
    parcel::{Activation, Parcel, Push},
    protocol::Protocol,
    request::{Head, HeadProof, Refused, Request},
    secrets::Secrets,
    simulate::SimulatedHistory,
    unreadable::Unreadable,
};

/// The [`Protocol`] of DHL.
pub(crate) struct Dhl;

impl Protocol for Dhl {
    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::DHL)
    }

    fn verify_head(&self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        let sent = head.find_header(secrets.header_name())?;
        secrets
            .require_match(|secret| texts_are_equal(secret.trim().as_bytes(), sent))
            .map(|()| HeadProof::Complete)
    }

    /// Always refuses, because DHL signs no body. It is never called: [`Self::verify_head`] returns the whole proof.
    fn verify_body(&self, _secrets: &Secrets, _request: &Request<'_>) -> Result<(), Refused> {
        Err(Refused::Mismatch)
    }

    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        parse_push(&parse_object(body)?, remap)
    }

    fn sign(&self, secrets: &Secrets, _body: &[u8], _at: DateTime<Utc>) -> Vec<(String, String)> {
        vec![(secrets.header_name().to_owned(), secrets.first_secret().to_owned())]
    }

    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        simulate::simulate(history).into_iter().collect()
    }
}

/// The meaning of a code of DHL beside the milestone of an aggregator, in capitals.
pub(crate) fn find_code_meaning(code: &str) -> Meaning {
    codes::find_meaning_of_event(code).unwrap_or(Meaning::Unknown)
}

fn parse_push(body: &Value, remap: &CodeMap) -> Result<Push, Unreadable> {
    let scope = text_at(body, "/scope").unwrap_or_default().to_ascii_lowercase();
    let scope = scope.strip_prefix("subscription.");
    let what = match scope {
        Some("validate") => return parse_activation(body).map(Push::Activation),
        Some("ready") => Some("is live"),
        Some("failure") => Some("has failed"),
        Some("deleted") => Some("is deleted"),
        Some("cancelled") => Some("is cancelled"),
        Some("expired") => Some("has expired"),
        // The list of scopes is not published. With any other scope, a body that has shipments is parsed.
        Some(_) | None => None,
    };
    if let Some(what) = what {
        return Ok(Push::Remark(describe_subscription_event(body, what)));
    }
    if body.get("shipments").is_some() {
        return parse_parcels("shipment", list_at(body, "shipments"), |shipment| {
            unified::parse_parcel(shipment, remap)
        });
    }
    match scope {
        Some("push") => Ok(Push::Parcels(Vec::new(), None)),
        Some(other) => {
            Ok(Push::Remark(format!("DHL sent `subscription.{other}`, which is not about parcels")))
        }
        None if body.get("packages").is_some() => {
            parse_parcels("package", list_at(body, "packages"), |package| {
                americas::parse_parcel(package, remap)
            })
        }
        // A webhook of DHL eCommerce Americas is described as one package, so the list around it may be missing.
        None if body.get("package").is_some() => {
            parse_parcels("package", std::slice::from_ref(body), |package| {
                americas::parse_parcel(package, remap)
            })
        }
        None => Err(Unreadable("none of `scope`, `shipments`, `packages` and `package` is there".into())),
    }
}

/// Parses the parcels of a push. `what` is the word for an element in error messages.
fn parse_parcels(
    what: &str,
    elements: &[Value],
    read: impl Fn(&Value) -> Result<Option<Parcel>, Unreadable>,
) -> Result<Push, Unreadable> {
    limits::collect_parcels(elements.iter().enumerate(), |(index, element)| {
        let parcel =
            if element.is_object() { read(element) } else { Err(Unreadable("it is no object".into())) };
        parcel.map_err(|reason| reason.with_position(what, index))
    })
}

/// The longest accepted secret of an activation, in bytes. A longer secret is refused, because it must be sent back
/// unchanged.
const MAX_SECRET: usize = 1_000;
/// The longest id of a subscription, in bytes.
const MAX_SUBSCRIPTION: usize = 128;

fn parse_activation(body: &Value) -> Result<Activation, Unreadable> {
    let secret = body.get("secret").and_then(Value::as_str).unwrap_or_default();
    if secret.trim().is_empty() {
        return Err(Unreadable("`secret` is missing".into()));
    }
    if secret.len() > MAX_SECRET {
        return Err(Unreadable(format!("`secret` has more than {MAX_SECRET} bytes")));
    }
    if secret.chars().any(char::is_control) {
        return Err(Unreadable("`secret` has control characters".into()));
    }
    let subscription = parse_subscription_id(body)
        .ok_or_else(|| Unreadable("`self` does not end in the id of a subscription".into()))?;
    Ok(Activation { subscription: subscription.to_owned(), secret: secret.to_owned() })
}

/// The id of the subscription: the last segment of the path in `self`. The id becomes part of a URL that we call, so
/// only a text that [`is_subscription_id`] accepts is returned.
fn parse_subscription_id(body: &Value) -> Option<&str> {
    let address = body.get("self")?.as_str()?.trim();
    let address = address.split(['?', '#']).next()?;
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => address,
    };
    let id = path.trim_end_matches('/').rsplit('/').next()?;
    is_subscription_id(id).then_some(id)
}

/// Whether a text can be the id of a subscription at DHL and is safe as one segment of a URL path. DHL's ids are
/// UUIDs.
pub fn is_subscription_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    // A segment of dots alone would lead to another directory.
    let walks = text.bytes().all(|byte| byte == b'.');
    (1..=MAX_SUBSCRIPTION).contains(&text.len()) && text.bytes().all(plain) && !walks
}

/// What DHL reports about a subscription, as a sentence for people.
fn describe_subscription_event(body: &Value, what: &str) -> String {
    let id = parse_subscription_id(body).unwrap_or("(without an id)");
    let until = text_at(body, "/expires").map(|at| format!("until {at}"));
    let details: Vec<_> =
        [until, text_at(body, "/failure"), text_at(body, "/note")].into_iter().flatten().collect();
    let colon = if details.is_empty() { "" } else { ": " };
    format!("DHL says that subscription {id} {what}{colon}{}", details.join("; "))
}
