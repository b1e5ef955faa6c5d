//! Verifies and parses the webhooks of carriers and aggregators: FedEx, UPS, USPS, DHL, EasyPost, Shippo, AfterShip.
//!
//! All functions are pure functions over bytes: no `async`, no IO, no clock, no panics on any input.
//!
//! - `app::webhooks` verifies the signature of a request before it stores the request.
//! - `app` parses the stored webhook.
//! - `milepost scan` and `milepost demo` write and sign requests as the sender would.
//!
//! To add a sender, add one module and one line to the `senders!` list, which generates [`Sender`].

#![warn(missing_docs)]

mod aftership;
mod carrier_code;
mod codes;
mod current_status;
mod dhl;
mod easypost;
mod fedex;
mod html;
mod json;
mod limits;
mod names;
mod normalize;
mod number_format;
mod parcel;
mod place;
mod return_flag;
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
pub use number_format::{likelier_carriers, likely_carriers};
pub use parcel::{Activation, Parcel, ParsedScan, Push, Unread, Unreadable, compute_identity};
pub use signature::{DEFAULT_TOKEN_HEADER, Head, HeadProof, NoSecret, Refused, Request, Secrets};
pub use simulate::{SimulatedHistory, SimulatedScan};
pub use ups::{AccessToken, Client};

/// Generates [`Sender`], [`Sender::ALL`] and the mapping from a sender to its [`Protocol`] from one list.
macro_rules! senders {
    ($( $(#[$doc:meta])* $sender:ident => $protocol:expr, )+) => {
        /// A service that sends webhooks. Its short name is the last part of the path `/webhooks/{carrier}`.
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
    /// FedEx: Advanced Integrated Visibility.
    Fedex => fedex::Fedex,
    /// UPS: Track Alert.
    Ups => ups::Ups,
    /// USPS: Subscriptions-Tracking.
    Usps => usps::Usps,
    /// DHL: Unified Push.
    Dhl => dhl::Dhl,
    /// EasyPost, an aggregator: it reports for many carriers.
    Easypost => easypost::Easypost,
    /// Shippo, an aggregator: it reports for many carriers.
    Shippo => shippo::Shippo,
    /// AfterShip Tracking, an aggregator: it reports for many carriers.
    Aftership => aftership::Aftership,
}

/// Signature check, parsing and simulation of one sender. Each sender's module implements it. Other crates use
/// [`Sender`], which delegates to it.
trait Protocol {
    /// See [`Sender::as_str`].
    fn name(&self) -> &'static str;

    /// See [`Sender::carrier`].
    fn carrier(&self) -> Option<Carrier>;

    /// See [`Sender::verify_head`].
    fn verify_head(&self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused>;

    /// Checks the signature over the body. It is called only if [`Self::verify_head`] returned
    /// [`HeadProof::SignsBody`].
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

    /// See [`Sender::check_code`]. The default accepts every code: most senders' codes have no fixed form.
    fn check_code(&self, _code: &str) -> Result<(), String> {
        Ok(())
    }

    /// See [`Sender::max_body`].
    fn max_body(&self) -> usize {
        1024 * 1024
    }

    /// See [`Sender::push_id`]. The default is `None`: most senders send no id.
    fn push_id(&self, _body: &[u8]) -> Option<String> {
        None
    }

    /// See [`Sender::challenge`]. The default is `None`: most senders send no challenge.
    fn challenge(&self, _body: &[u8]) -> Option<String> {
        None
    }

    /// See [`Sender::sign`].
    fn sign(&self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)>;

    /// See [`Sender::simulate`].
    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>>;
}

impl Sender {
    /// The short name, as in paths and settings: `fedex`.
    pub fn as_str(self) -> &'static str {
        self.protocol().name()
    }

    /// The carrier whose parcels this sender reports. `None` for an aggregator, which reports for many carriers.
    pub fn carrier(self) -> Option<Carrier> {
        self.protocol().carrier()
    }

    /// Checks as much of the proof as the head of the request carries. The API calls this before it reads the body,
    /// so that a request without any proof costs little.
    ///
    /// # Errors
    /// [`Refused`], to be answered with 401.
    pub fn verify_head(self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused> {
        self.protocol().verify_head(secrets, head)
    }

    /// Checks that the request comes from the sender. Call it before you use anything from the body. It tries every
    /// secret and compares in constant time, so that its duration reveals nothing about the secrets.
    ///
    /// # Errors
    /// [`Refused`], to be answered with 401.
    pub fn verify(self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        self.protocol().verify(secrets, request)
    }

    /// Parses a body. A meaning in `remap` takes precedence over our own meaning of a code.
    ///
    /// # Errors
    /// [`Unreadable`] with the reason, if the body has none of the forms that the sender is known to use, or more
    /// than [`MAX_SCANS`] scans.
    pub fn parse(self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        let push = self.protocol().parse(body, remap)?;
        limits::check_push(&push)?;
        Ok(push)
    }

    /// Checks that a scan of this sender can have this code, or a code that begins with it. `code` is in capitals.
    /// The error says which form is expected.
    fn check_code(self, code: &str) -> Result<(), String> {
        self.protocol().check_code(code)
    }

    /// The largest body that is accepted from the sender, in bytes.
    pub fn max_body(self) -> usize {
        self.protocol().max_body()
    }

    /// The sender's own id of a push, which stays the same when the push is sent again. `None` if the sender has no
    /// such id; then pushes are told apart by their bytes.
    pub fn push_id(self, body: &[u8]) -> Option<String> {
        self.protocol().push_id(body)
    }

    /// The value that the sender wants to read in our answer, as proof that we receive its webhooks. Most senders
    /// want none.
    pub fn challenge(self, body: &[u8]) -> Option<String> {
        self.protocol().challenge(body)
    }

    /// The headers with which the sender would sign this body at the time `at`.
    pub fn sign(self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)> {
        self.protocol().sign(secrets, body, at)
    }

    /// Writes the history as the sender would, so that [`Sender::parse`] can read it. Returns one body, or one body
    /// for each scan if the sender reports scans one by one. Returns nothing if the sender cannot express a scan of
    /// the history.
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

    /// Parses a short name. Letter case does not matter, and `FX` also means FedEx.
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
