//! Proof that a request comes from the sender it claims: the parts every sender's check is made of.
//!
//! Signatures cover the bytes as they arrived, so nothing here looks into the body.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::Client;

/// What arrives of a request before its body.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// What stood behind the `?` of its address; empty where nothing did.
    pub query: &'a str,
    /// Names and values. Names compare without regard to case; of several with one name the first counts.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// What the head of a request proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadProof {
    /// The request is the sender's: the proof does not cover the body.
    Complete,
    /// The head carries a well-formed signature. Only the body shows whether it is good.
    SignsBody,
}

impl<'a> Head<'a> {
    /// The whole request.
    pub fn with_body(self, body: &'a [u8]) -> Request<'a> {
        Request { at: self.at, query: self.query, headers: self.headers, body }
    }

    /// The value of a header, blanks around it removed; an empty one is as good as none.
    pub(crate) fn header(&self, name: &str) -> Result<&'a [u8], Refused> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refused::MissingHeader(name.to_owned()))
    }

    /// Refuses what was signed too long ago to be new, or is dated too far ahead.
    pub(crate) fn fresh(&self, signed_at: DateTime<Utc>) -> Result<(), Refused> {
        // Subtracted from each other: a time beyond all calendars cannot be added to.
        if (self.at - signed_at).abs() <= FRESH_FOR { Ok(()) } else { Err(Refused::Stale(signed_at)) }
    }
}

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// What stood behind the `?` of its address; empty where nothing did.
    pub query: &'a str,
    /// Names and values. Names compare without regard to case; of several with one name the first counts.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The request without its body.
    pub fn head(&self) -> Head<'a> {
        Head { at: self.at, query: self.query, headers: self.headers }
    }

    /// See [`Head::header`].
    pub(crate) fn header(&self, name: &str) -> Result<&'a [u8], Refused> {
        self.head().header(name)
    }

    /// See [`Head::fresh`].
    pub(crate) fn fresh(&self, signed_at: DateTime<Utc>) -> Result<(), Refused> {
        self.head().fresh(signed_at)
    }
}

/// How far from our clock the time of a signature may be. A captured request is of no use after that.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(5);

/// Why a request is not believed. To be answered with 401 and nothing more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The header that carries the proof is absent or empty.
    #[error("header `{0}` is missing")]
    MissingHeader(String),
    /// The header is there and cannot be a proof.
    #[error("header `{0}` is malformed")]
    MalformedHeader(&'static str),
    /// What was signed is from another time: a captured request that is sent again, or a clock that is wrong.
    #[error("the signature is of {0}, too far from now")]
    Stale(DateTime<Utc>),
    /// What was signed says no time that can be read, so that it may be from any.
    #[error("the time of the signature cannot be read")]
    Undated,
    /// The token is ours, and its time is over.
    #[error("the token ended at {0}")]
    Ended(DateTime<Utc>),
    /// The proof fits none of the secrets.
    #[error("the signature fits none of the configured secrets")]
    Mismatch,
}

/// What we share with one sender: one secret, or several while they change, or a client that comes for tokens, or
/// both. Never nothing, never printed.
#[derive(Clone)]
pub struct Secrets {
    shared: Vec<String>,
    header: Option<String>,
    client: Option<Client>,
}

/// The header in which a token is expected where the merchant named no other.
pub const DEFAULT_TOKEN_HEADER: &str = "x-milepost-token";

/// A list of secrets that would prove nothing: it is empty, or one of them is blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is empty")]
pub struct NoSecret;

impl Secrets {
    /// The secrets of one sender.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let shared: Vec<_> = secrets.into_iter().collect();
        if shared.is_empty() || shared.iter().any(|secret| blank(secret)) {
            return Err(NoSecret);
        }
        Ok(Self { shared, header: None, client: None })
    }

    /// No secret of its own: the sender proves itself by the tokens it gets.
    pub fn of_client(client: Client) -> Self {
        Self { shared: vec![], header: None, client: Some(client) }
    }

    /// The same, and tokens are good too.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client: Some(client), ..self }
    }

    /// The same, with other secrets in place of the shared ones: what somebody sends who knows everything but those.
    pub fn with_shared(self, secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let Self { shared, .. } = Self::new(secrets)?;
        Ok(Self { shared, ..self })
    }

    /// The same, in a header of that name: for a sender that lets the merchant choose it.
    #[must_use]
    pub fn with_header(self, name: impl Into<String>) -> Self {
        Self { header: Some(name.into()), ..self }
    }

    /// The header the merchant chose, else [`DEFAULT_TOKEN_HEADER`].
    pub(crate) fn header(&self) -> &str {
        self.header.as_deref().unwrap_or(DEFAULT_TOKEN_HEADER)
    }

    /// Who may come for tokens.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Whether there is a shared secret.
    pub(crate) fn is_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// The one to sign with.
    pub(crate) fn first(&self) -> &str {
        self.shared.first().map_or("", String::as_str)
    }

    /// Tries every secret, also after one has fitted, so that the time tells nothing.
    pub(crate) fn check(&self, fits: impl Fn(&str) -> Choice) -> Result<(), Refused> {
        let fitted = self.shared.iter().fold(Choice::from(0), |fitted, secret| fitted | fits(secret));
        if bool::from(fitted) { Ok(()) } else { Err(Refused::Mismatch) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} hidden)", self.shared.len())
    }
}

/// Whether a text is no secret.
pub(crate) fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Checks a header that holds the HMAC-SHA256 of the body in base64, the proof of FedEx and AfterShip.
pub(crate) fn verify_body(
    header: &'static str,
    secrets: &Secrets,
    request: &Request<'_>,
) -> Result<(), Refused> {
    let sent = mac_header(header, &request.head())?;
    secrets.check(|secret| hmac_sha256(secret, request.body).ct_eq(&sent))
}

/// The HMAC-SHA256 in base64 in a header.
pub(crate) fn mac_header(header: &'static str, head: &Head<'_>) -> Result<[u8; 32], Refused> {
    from_base64(head.header(header)?).ok_or(Refused::MalformedHeader(header))
}

/// The HMAC-SHA256 that is written there in base64.
pub(crate) fn from_base64(text: &[u8]) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// The header that [`verify_body`] checks.
pub(crate) fn sign_body(header: &str, secrets: &Secrets, body: &[u8]) -> Vec<(String, String)> {
    vec![(header.to_owned(), STANDARD.encode(hmac_sha256(secrets.first(), body)))]
}

/// HMAC-SHA256 (RFC 2104) of a message.
pub(crate) fn hmac_sha256(key: impl AsRef<[u8]>, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Bytes in hexadecimal, in small letters.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The HMAC that is written there in hexadecimal, in letters of any case.
pub(crate) fn from_hex(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |character: u8| char::from(character).to_digit(16);
    let mut mac = [0; 32];
    if text.len() != 2 * mac.len() {
        return None;
    }
    for (byte, pair) in mac.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(mac)
}

/// Whether two texts are equal, in a time that depends on neither: digests are compared, because comparing
/// the texts would give their lengths away.
pub(crate) fn same_text(a: &[u8], b: &[u8]) -> Choice {
    Sha256::digest(a).ct_eq(&Sha256::digest(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_secret_is_no_secret() {
        for secrets in [vec![], vec![""], vec!["good", " "]] {
            assert_eq!(Secrets::new(secrets.into_iter().map(str::to_owned)).unwrap_err(), NoSecret);
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let secrets = Secrets::new(["hush".to_owned(), "hush too".to_owned()]).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(2 hidden)");
    }

    #[test]
    fn hexadecimal_is_read_in_any_case_and_whole() {
        let mac = hmac_sha256("key", b"message");
        assert_eq!(from_hex(hex(&mac).as_bytes()), Some(mac));
        assert_eq!(from_hex(hex(&mac).to_uppercase().as_bytes()), Some(mac));
        let long = "a".repeat(66);
        for wrong in [&long[..0], &long[..63], &long, &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(from_hex(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_signature_is_fresh_for_five_minutes() {
        let request =
            Request { at: DateTime::UNIX_EPOCH + TimeDelta::days(1), query: "", headers: &[], body: b"" };
        for (seconds, fresh) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let signed_at = request.at + TimeDelta::seconds(seconds);
            assert_eq!(request.fresh(signed_at).is_ok(), fresh, "{seconds}");
        }
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(request.fresh(at), Err(Refused::Stale(at)));
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_empty_ones_are_missing() {
        let headers: [(&str, &[u8]); 2] = [("CREDENTIAL", b" abc "), ("fdx-signature", b" ")];
        let request = Request { at: DateTime::UNIX_EPOCH, query: "", headers: &headers, body: b"" };
        assert_eq!(request.header("credential"), Ok(&b"abc"[..]));
        assert_eq!(request.header("fdx-signature"), Err(Refused::MissingHeader("fdx-signature".to_owned())));
    }
}
