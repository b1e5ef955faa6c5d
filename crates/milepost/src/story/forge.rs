//! What a part of a story looks like on the wire: composed and signed by its sender, or by somebody who is not.

use std::{fmt, str::FromStr};

use carriers::{NoSecret, Request, Secrets, Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, TimeDelta, Utc};

use super::file::{Parcel, Tale};
use crate::webhook::Webhook;

/// How long ago a webhook was signed that is sent again.
const OLD: TimeDelta = TimeDelta::days(1);

/// How a webhook is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// Signed with a secret that is not the sender's.
    Signature,
    /// Signed by the sender; then somebody wrote another parcel's number into it.
    Body,
    /// Not signed at all.
    Missing,
    /// Signed by the sender, a day ago.
    Old,
}

impl Forgery {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Signature, Self::Body, Self::Missing, Self::Old];

    /// The name in a story.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Body => "body",
            Self::Missing => "missing",
            Self::Old => "old",
        }
    }
}

impl fmt::Display for Forgery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Forgery {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|forgery| forgery.as_str() == text).ok_or(())
    }
}

/// The webhooks that tell this, sent now. None where the sender has no way to say it.
pub fn webhooks(
    parcel: &Parcel,
    tale: &Tale,
    forgery: Option<Forgery>,
    secrets: &Secrets,
    now: DateTime<Utc>,
) -> Result<Vec<Webhook>, NoSecret> {
    let signed_at = if forgery == Some(Forgery::Old) { now - OLD } else { now };
    let scans: Vec<SimulatedScan<'_>> = tale
        .claims
        .iter()
        .map(|claim| SimulatedScan {
            meaning: claim.meaning,
            at: claim.at,
            location: claim.location.as_deref(),
        })
        .collect();
    let history = SimulatedHistory {
        carrier: parcel.carrier,
        tracking_number: &parcel.tracking,
        scans: &scans,
        estimated_delivery: tale.estimated_delivery,
        sent_at: signed_at,
    };
    let foreign = secrets.clone().with_shared(["not the secret of any sender".to_owned()])?;
    let sender = parcel.sender;
    let webhook = |mut body: Vec<u8>| {
        let headers = match forgery {
            Some(Forgery::Missing) => Vec::new(),
            Some(Forgery::Signature) => sender.sign(&foreign, &body, signed_at),
            Some(Forgery::Body | Forgery::Old) | None => sender.sign(secrets, &body, signed_at),
        };
        if forgery == Some(Forgery::Body) {
            change(&mut body, &parcel.tracking);
        }
        Webhook { sender, headers, body }
    };
    Ok(sender.simulate(&history).into_iter().map(webhook).collect())
}

/// Whether the sender's own check tells the forgery from the real thing. It cannot where the sender does not sign
/// what was changed: there is nothing to try then.
pub fn is_noticed(webhook: &Webhook, secrets: &Secrets, now: DateTime<Utc>) -> bool {
    let Webhook { sender, headers, body } = webhook;
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    sender.verify(secrets, &Request { at: now, query: "", headers: &headers, body }).is_err()
}

/// Why a forgery of that kind is not noticed.
pub fn unnoticed(forgery: Forgery, sender: Sender) -> String {
    match forgery {
        Forgery::Body => format!("{sender} does not sign the body, so that a changed one cannot be told"),
        Forgery::Old => {
            format!("{sender} signs no time, so that an old webhook cannot be told from a new one")
        }
        Forgery::Signature | Forgery::Missing => format!("{sender} takes it for its own"),
    }
}

/// Changes one byte: the last of the parcel's number, or one in the middle where it does not stand there as it is.
fn change(body: &mut [u8], number: &str) {
    let number = number.as_bytes();
    let found = body.windows(number.len().max(1)).position(|part| part == number);
    let at = found.map_or(body.len() / 2, |start| start + number.len() - 1);
    if let Some(byte) = body.get_mut(at) {
        *byte = if *byte == b'0' { b'1' } else { b'0' };
    }
}
