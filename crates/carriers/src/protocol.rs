//! What every sender's module implements.

use chrono::{DateTime, Utc};
use domain::Carrier;

use crate::{
    codes::CodeMap,
    parcel::Push,
    request::{Head, HeadProof, Refused, Request},
    secrets::Secrets,
    simulate::SimulatedHistory,
    unreadable::Unreadable,
};

/// Signature check, parsing and simulation of one sender. Each sender's module implements it. Other crates use
/// [`crate::Sender`], which delegates to it (`protocols`).
pub(crate) trait Protocol {
    /// See [`crate::Sender::carrier`].
    fn carrier(&self) -> Option<Carrier>;

    /// See [`crate::Sender::verify_head`].
    fn verify_head(&self, secrets: &Secrets, head: &Head<'_>) -> Result<HeadProof, Refused>;

    /// Checks the signature over the body. It is called only if [`Self::verify_head`] returned
    /// [`HeadProof::SignsBody`].
    fn verify_body(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused>;

    /// See [`crate::Sender::verify`].
    fn verify(&self, secrets: &Secrets, request: &Request<'_>) -> Result<(), Refused> {
        match self.verify_head(secrets, &request.head())? {
            HeadProof::Complete => Ok(()),
            HeadProof::SignsBody => self.verify_body(secrets, request),
        }
    }

    /// See [`crate::Sender::parse`].
    fn parse(&self, body: &[u8], remap: &CodeMap) -> Result<Push, Unreadable>;

    /// See [`crate::Sender::check_code`]. The default accepts every code: most senders' codes have no fixed form.
    fn check_code(&self, _code: &str) -> Result<(), String> {
        Ok(())
    }

    /// See [`crate::Sender::max_body`].
    fn max_body(&self) -> usize {
        1024 * 1024
    }

    /// See [`crate::Sender::push_id`]. The default is `None`: most senders send no id.
    fn push_id(&self, _body: &[u8]) -> Option<String> {
        None
    }

    /// See [`crate::Sender::challenge`]. The default is `None`: most senders send no challenge.
    fn challenge(&self, _body: &[u8]) -> Option<String> {
        None
    }

    /// See [`crate::Sender::sign`].
    fn sign(&self, secrets: &Secrets, body: &[u8], at: DateTime<Utc>) -> Vec<(String, String)>;

    /// See [`crate::Sender::simulate`].
    fn simulate(&self, history: &SimulatedHistory<'_>) -> Vec<Vec<u8>>;
}
