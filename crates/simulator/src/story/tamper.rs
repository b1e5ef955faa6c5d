//! Composes and signs the webhooks of a story. A step can forge them, to show that the server rejects forgeries.
//!
//! All functions are pure. `story::play` posts what `compose_webhooks` returns; an empty list means that the sender's
//! format cannot express the update. `Story::check_webhooks` calls all of them before the play. It refuses a story with
//! an empty list, or with a forgery that the sender's own check accepts (`is_rejected` is false);
//! `explain_accepted_forgery` writes the problem for such a forgery.
//!
//! `Err` of `compose_webhooks` is for secrets that cannot be used. `change_one_byte` forges a signed body.

use std::{fmt, str::FromStr};

use carriers::{NoSecret, Request, Secrets, Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, TimeDelta, Utc};

use super::file::{ParcelUpdate, StoryParcel};
use crate::webhook::Webhook;

/// The age of the signature of an [`Tampering::Old`] webhook.
const OLD: TimeDelta = TimeDelta::days(1);

/// How a webhook is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// It is signed with a secret that is not the sender's.
    Signature,
    /// The sender signed it, and afterwards a digit of the tracking number was changed.
    Body,
    /// It has no signature.
    Missing,
    /// The sender signed it a day ago, as in a replay attack.
    Old,
}

impl Tampering {
    pub const ALL: [Self; 4] = [Self::Signature, Self::Body, Self::Missing, Self::Old];

    /// The name in a story file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Body => "body",
            Self::Missing => "missing",
            Self::Old => "old",
        }
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Tampering {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|tampering| tampering.as_str() == text).ok_or(())
    }
}

/// Composes the webhooks that report `update`, sent at `now`. The list is empty if the format of the sender cannot
/// express the update.
pub fn compose_webhooks(
    parcel: &StoryParcel,
    update: &ParcelUpdate,
    tampering: Option<Tampering>,
    secrets: &Secrets,
    now: DateTime<Utc>,
) -> Result<Vec<Webhook>, NoSecret> {
    let signed_at = if tampering == Some(Tampering::Old) { now - OLD } else { now };
    let scans: Vec<SimulatedScan<'_>> = update
        .scans
        .iter()
        .map(|scan| SimulatedScan { meaning: scan.meaning, at: scan.at, location: scan.location.as_deref() })
        .collect();
    let history = SimulatedHistory {
        carrier: parcel.carrier,
        tracking_number: &parcel.tracking,
        scans: &scans,
        estimated_delivery: update.estimated_delivery,
        sent_at: signed_at,
    };
    let foreign = secrets.clone().with_shared(["not the secret of any sender".to_owned()])?;
    let sender = parcel.sender;
    let webhook = |mut body: Vec<u8>| {
        let headers = match tampering {
            Some(Tampering::Missing) => Vec::new(),
            Some(Tampering::Signature) => sender.sign(&foreign, &body, signed_at),
            Some(Tampering::Body | Tampering::Old) | None => sender.sign(secrets, &body, signed_at),
        };
        if tampering == Some(Tampering::Body) {
            change_one_byte(&mut body, &parcel.tracking);
        }
        Webhook { sender, headers, body }
    };
    Ok(sender.simulate(&history).into_iter().map(webhook).collect())
}

/// Returns whether the sender's own signature check rejects the webhook. Some forgeries pass, because the sender does
/// not sign the part that was changed. A story cannot use these.
pub fn is_rejected(webhook: &Webhook, secrets: &Secrets, now: DateTime<Utc>) -> bool {
    let Webhook { sender, headers, body } = webhook;
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    sender.verify(secrets, &Request { at: now, query: "", headers: &headers, body }).is_err()
}

/// Explains why the signature check accepts this kind of forgery.
pub fn explain_accepted_forgery(tampering: Tampering, sender: Sender) -> String {
    match tampering {
        Tampering::Body => format!("{sender} does not sign the body, so that a changed one cannot be told"),
        Tampering::Old => {
            format!("{sender} signs no time, so that an old webhook cannot be told from a new one")
        }
        Tampering::Signature | Tampering::Missing => format!("{sender} takes it for its own"),
    }
}

/// Changes one byte: the last one of the tracking number, or the middle one if the body does not contain the number as
/// written.
fn change_one_byte(body: &mut [u8], tracking_number: &str) {
    let number = tracking_number.as_bytes();
    let found = body.windows(number.len().max(1)).position(|part| part == number);
    let at = found.map_or(body.len() / 2, |start| start + number.len() - 1);
    if let Some(byte) = body.get_mut(at) {
        *byte = if *byte == b'0' { b'1' } else { b'0' };
    }
}
