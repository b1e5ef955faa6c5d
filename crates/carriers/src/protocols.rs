//! What a [`Sender`] can do. Each call goes to the [`Protocol`] of the sender's module.

use chrono::{DateTime, Utc};
use domain::Carrier;

use crate::{
    aftership::Aftership,
    codes::CodeMap,
    dhl::Dhl,
    easypost::Easypost,
    fedex::Fedex,
    limits,
    parcel::Push,
    protocol::Protocol,
    request::{Head, HeadProof, Refused, Request},
    secrets::Secrets,
    sender::Sender,
    shippo::Shippo,
    simulate::SimulatedHistory,
    unreadable::Unreadable,
    ups::Ups,
    usps::Usps,
};

impl Sender {
    fn protocol(self) -> &'static dyn Protocol {
        match self {
            Self::Fedex => &Fedex,
            Self::Ups => &Ups,
            Self::Usps => &Usps,
            Self::Dhl => &Dhl,
            Self::Easypost => &Easypost,
            Self::Shippo => &Shippo,
            Self::Aftership => &Aftership,
        }
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
    /// than [`limits::MAX_SCANS`] scans.
    pub fn parse(self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable> {
        let push = self.protocol().parse(body, remap)?;
        limits::check_push(&push)?;
        Ok(push)
    }

    /// Checks that a scan of this sender can have this code, or a code that begins with it. `code` is in capitals.
    /// The error says which form is expected.
    pub(crate) fn check_code(self, code: &str) -> Result<(), String> {
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
