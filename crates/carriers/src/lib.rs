//! What carriers send: is it theirs, and what does it say.
//!
//! Pure functions over bytes: no `async`, no IO, no clock, no panics on any input. `api` verifies a request
//! before it stores it, `app` parses what was stored, `milepost scan` and `milepost demo` compose and sign
//! requests as the carrier would. A new sender is one module and one member of [`Sender`]; the compiler
//! points at the places that must know it.

mod codes;
mod compose;
mod fedex;
mod json;
mod parcel;
mod signature;
mod time;
mod ups;

#[cfg(test)]
mod robustness;

use std::{fmt, str::FromStr};

use domain::UnknownName;

pub use codes::{BadCodeMap, CodeMap};
pub use compose::Compose;
pub use parcel::{Parcel, ParsedScan, Unreadable};
pub use signature::{NoSecret, Refused, Request, Secrets};

/// Who sends webhooks: the last part of the path `/webhooks/{carrier}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// FedEx, Advanced Integrated Visibility.
    Fedex,
    /// UPS, Track Alert with the `credential` header (version 1).
    Ups,
}

impl Sender {
    /// Every sender.
    pub const ALL: [Self; 2] = [Self::Fedex, Self::Ups];

    /// The short name, as in paths and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fedex => "fedex",
            Self::Ups => "ups",
        }
    }

    /// Checks that the request comes from the sender, before anything in its body is believed. Every secret
    /// is tried, and comparing takes the same time wherever the difference is.
    pub fn verify(self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        match self {
            Self::Fedex => fedex::verify(secrets, request),
            Self::Ups => ups::verify(secrets, request),
        }
    }

    /// The parcels a body speaks of, each with at least one scan. None where it is well formed and says
    /// nothing. `remap` goes before the meanings we give to codes.
    pub fn parse(self, body: &[u8], remap: &CodeMap) -> Result<Vec<Parcel>, Unreadable> {
        match self {
            Self::Fedex => fedex::parse(body, remap),
            Self::Ups => ups::parse(body, remap),
        }
    }

    /// The headers with which the sender would prove that the body is its own.
    pub fn sign(self, secret: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        match self {
            Self::Fedex => fedex::sign(secret, body),
            Self::Ups => ups::sign(secret),
        }
    }

    /// A body as the sender would write it, which [`Sender::parse`] reads back as that status; `None` where
    /// the sender has no way to say it.
    pub fn compose(self, scan: &Compose<'_>) -> Option<Vec<u8>> {
        match self {
            Self::Fedex => fedex::compose(scan),
            Self::Ups => ups::compose(scan),
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Sender {
    type Err = UnknownName;

    /// Reads a short name in any case; `FX` is FedEx.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let name = text.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|sender| sender.as_str() == name || (*sender == Self::Fedex && name == "fx"))
            .ok_or_else(|| UnknownName {
                what: "webhook sender",
                text: text.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_found_by_their_short_names() {
        for sender in Sender::ALL {
            assert_eq!(sender.as_str().parse(), Ok(sender));
            assert_eq!(sender.to_string().to_uppercase().parse(), Ok(sender));
        }
        assert_eq!("FX".parse(), Ok(Sender::Fedex));
        let error = "pigeon".parse::<Sender>().unwrap_err();
        assert_eq!(error.to_string(), "`pigeon` is no webhook sender; known are fedex, ups");
    }
}
