//! What carriers send: is it theirs, and what does it say.
//!
//! Pure functions over bytes: no `async`, no IO, no clock, no panics on any input. `api` verifies a request
//! before it stores it, `app` parses what was stored, `milepost scan` and `milepost demo` compose and sign
//! requests as the carrier would. A new sender is one module and one line in the list that makes [`Sender`].

#![warn(missing_docs)]

mod aftership;
mod codes;
mod current_status;
mod dhl;
mod easypost;
mod fedex;
mod json;
mod limits;
mod names;
mod normalize;
mod parcel;
mod shippo;
mod signature;
mod simulate;
mod time;
mod ups;
mod usps;

#[cfg(test)]
mod robustness;
#[cfg(test)]
mod signature_tests;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use domain::{Carrier, UnknownName};

pub use codes::{BadCodeMap, CodeMap};
pub use dhl::is_subscription_id;
pub use limits::MAX_SCANS;
pub use parcel::{Activation, Parcel, ParsedScan, Push, Unread, Unreadable, identity};
pub use signature::{DEFAULT_TOKEN_HEADER, Head, HeadProof, NoSecret, Refused, Request, Secrets};
pub use simulate::{SimulatedHistory, SimulatedScan};
pub use ups::{AccessToken, Client};

/// Declares the senders, [`Sender::ALL`] and whose module speaks for which, from one list.
macro_rules! senders {
    ($( $(#[$doc:meta])* $sender:ident => $protocol:expr, )+) => {
        /// Who sends webhooks: the last part of the path `/webhooks/{carrier}`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sender { $( $(#[$doc])* $sender, )+ }

        impl Sender {
            /// Every sender.
            pub const ALL: [Self; [$(stringify!($sender)),+].len()] = [$(Self::$sender),+];

            fn protocol(self) -> &'static dyn Protocol {
                match self { $(Self::$sender => &$protocol,)+ }
            }
        }
    };
}

senders! {
    /// FedEx, Advanced Integrated Visibility.
    Fedex => fedex::Fedex,
    /// UPS, Track Alert.
    Ups => ups::Ups,
    /// USPS, Subscriptions-Tracking.
    Usps => usps::Usps,
    /// DHL, Unified Push.
    Dhl => dhl::Dhl,
    /// EasyPost, which reports for many carriers.
    Easypost => easypost::Easypost,
    /// Shippo, which reports for many carriers.
    Shippo => shippo::Shippo,
    /// AfterShip Tracking, for many carriers.
    Aftership => aftership::Aftership,
}

/// How one sender proves, says and is imitated. A sender's module implements it; others ask [`Sender`].
trait Protocol {
    /// The short name, as in paths and settings.
    fn name(&self) -> &'static str;

    /// Whose parcels it reports; nothing for one that reports for many.
    fn carrier(&self) -> Option<Carrier>;

    /// See [`Sender::verify_head`].
    fn verify_head(&self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused>;

    /// Checks the signature over the body. Called only where the head proves [`HeadProof::SignsBody`].
    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused>;

    /// See [`Sender::verify`].
    fn verify(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        match self.verify_head(secrets, &request.head())? {
            HeadProof::Complete => Ok(()),
            HeadProof::SignsBody => self.verify_body(secrets, request),
        }
    }

    /// See [`Sender::parse`].
    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable>;

    /// See [`Sender::check_code`]. Most senders' codes have no form.
    fn check_code(&self, _code: &str) -> Result<(), String> {
        Ok(())
    }

    /// See [`Sender::max_body`].
    fn max_body(&self) -> usize {
        1024 * 1024
    }

    /// See [`Sender::push_id`]. Most senders have none.
    fn push_id(&self, _body: &[u8]) -> Option<String> {
        None
    }

    /// See [`Sender::challenge`]. Most senders have none.
    fn challenge(&self, _body: &[u8]) -> Option<String> {
        None
    }

    /// See [`Sender::sign`].
    fn sign(&self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)>;

    /// See [`Sender::simulate`].
    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>>;
}

impl Sender {
    /// The short name, as in paths and settings.
    pub fn as_str(self) -> &'static str {
        self.protocol().name()
    }

    /// Whose parcels it reports; nothing for one that reports for many carriers.
    pub fn carrier(self) -> Option<Carrier> {
        self.protocol().carrier()
    }

    /// Checks the proof as far as it stands before the body, so that a request without one is refused before its
    /// body is read.
    ///
    /// # Errors
    /// [`Refused`], to be answered with 401.
    pub fn verify_head(self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        self.protocol().verify_head(secrets, head)
    }

    /// Checks that the request comes from the sender, before anything in its body is believed. Every secret
    /// is tried, and comparing takes the same time wherever the difference is.
    ///
    /// # Errors
    /// [`Refused`], to be answered with 401.
    pub fn verify(self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        self.protocol().verify(secrets, request)
    }

    /// What a body says. `remap` goes before the meanings we give to codes.
    ///
    /// # Errors
    /// [`Unreadable`], with what is wrong, where it has none of the forms the sender is known to use, or more than
    /// [`MAX_SCANS`].
    pub fn parse(self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        self.protocol().parse(body, remap)?.check_limits()
    }

    /// Whether a scan can be shown with that code, in capitals, or with one that begins so; else what is expected.
    fn check_code(self, code: &str) -> Result<(), String> {
        self.protocol().check_code(code)
    }

    /// The largest body that is taken from it, in bytes.
    pub fn max_body(self) -> usize {
        self.protocol().max_body()
    }

    /// The sender's own id of a push, the same when it is sent again; nothing where it has none, and the body
    /// itself tells pushes apart.
    pub fn push_id(self, body: &[u8]) -> Option<String> {
        self.protocol().push_id(body)
    }

    /// What the sender wants to read in our answer, by which we show that we listen here. Most want nothing.
    pub fn challenge(self, body: &[u8]) -> Option<String> {
        self.protocol().challenge(body)
    }

    /// The headers with which the sender would prove, at that time, that the body is its own.
    pub fn sign(self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
        self.protocol().sign(secrets, body, at)
    }

    /// The history as the sender would write it, which [`Sender::parse`] reads back: one body, or one a scan
    /// where it tells them one by one. None where the sender has no way to say it.
    pub fn simulate(self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>> {
        self.protocol().simulate(history)
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
        assert_eq!(
            error.to_string(),
            "`pigeon` is no webhook sender; known are fedex, ups, usps, dhl, easypost, shippo, aftership"
        );
    }
}
