//! Verification of webhook signatures: the parts that the checks of all senders share. All functions are pure.
//!
//! - `api` builds [`Head`] and [`Request`], `milepost` and `simulator` the [`Secrets`]. The sender modules call the
//!   crate's own functions, in `verify_head`, `verify_body` and `sign`.
//! - `verify_body`, `read_mac_header` and `sign_body` are for FedEx and AfterShip. The other senders have other forms.
//! - `require_match` takes a comparison, and is `Ok` if it holds for at least one shared secret.
//! - `decode_base64_mac` and `decode_hex_mac` are `None` unless the text is exactly 32 bytes.
//! - `check_age` accepts five minutes before and after the arrival.
//!
//! Most signatures cover the body byte for byte, so nothing here parses the body. USPS signs two texts inside the body;
//! its own module parses them.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::Client;

/// A request without its body.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// When the request was received.
    pub at: DateTime<Utc>,
    /// The query of the URL, without the `?`. Empty if there is none.
    pub query: &'a str,
    /// Names and values of the headers. Letter case of names does not matter. If a name occurs several times, the
    /// first one counts.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// How much the head of a request proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadProof {
    /// The head proves that the request is the sender's. The body is not signed.
    Complete,
    /// The head carries a well-formed signature over the body. It must still be compared with the body.
    SignsBody,
}

impl<'a> Head<'a> {
    /// Adds the body.
    pub fn with_body(self, body: &'a [u8]) -> Request<'a> {
        Request { at: self.at, query: self.query, headers: self.headers, body }
    }

    /// The value of a header, without blanks around it. An empty header counts as missing.
    pub(crate) fn find_header(&self, name: &str) -> Result<&'a [u8], Refused> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refused::MissingHeader(name.to_owned()))
    }

    /// Refuses a time of signing that is more than [`FRESH_FOR`] before or after the arrival of the request.
    pub(crate) fn check_age(&self, signed_at: DateTime<Utc>) -> Result<(), Refused> {
        // A subtraction, because an addition to a time at the end of the calendar would overflow.
        if (self.at - signed_at).abs() <= FRESH_FOR { Ok(()) } else { Err(Refused::Stale(signed_at)) }
    }
}

/// A complete request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// When the request was received.
    pub at: DateTime<Utc>,
    /// The query of the URL, without the `?`. Empty if there is none.
    pub query: &'a str,
    /// Names and values of the headers. Letter case of names does not matter. If a name occurs several times, the
    /// first one counts.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The request without its body.
    pub fn head(&self) -> Head<'a> {
        Head { at: self.at, query: self.query, headers: self.headers }
    }

    /// See [`Head::find_header`].
    pub(crate) fn find_header(&self, name: &str) -> Result<&'a [u8], Refused> {
        self.head().find_header(name)
    }

    /// See [`Head::check_age`].
    pub(crate) fn check_age(&self, signed_at: DateTime<Utc>) -> Result<(), Refused> {
        self.head().check_age(signed_at)
    }
}

/// The greatest difference between the time of a signature and our clock. A captured request cannot be sent again
/// after that.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(5);

/// Why a request failed verification. Answer it with 401 and without the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The header that carries the proof is missing or empty.
    #[error("header `{0}` is missing")]
    MissingHeader(String),
    /// The header is present, but its value cannot be a proof.
    #[error("header `{0}` is malformed")]
    MalformedHeader(&'static str),
    /// The request was not signed now: somebody sends a captured request again, or a clock is wrong.
    #[error("the signature is of {0}, too far from now")]
    Stale(DateTime<Utc>),
    /// The signed content has no readable time, so it may have been signed at any time.
    #[error("the time of the signature cannot be read")]
    Undated,
    /// We issued the token, but it has expired.
    #[error("the token ended at {0}")]
    Ended(DateTime<Utc>),
    /// The proof matches none of the secrets.
    #[error("the signature fits none of the configured secrets")]
    Mismatch,
}

/// The secrets that we share with one sender: one or several shared secrets (several while they are rotated), or a
/// [`Client`] that requests tokens, or both. Never empty, and never printed.
#[derive(Clone)]
pub struct Secrets {
    shared: Vec<String>,
    header: Option<String>,
    client: Option<Client>,
}

/// The header that carries the token, if the merchant has not chosen another one.
pub const DEFAULT_TOKEN_HEADER: &str = "x-milepost-token";

/// The error for an empty list of secrets, or for a blank secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is empty")]
pub struct NoSecret;

impl Secrets {
    /// Shared secrets of one sender.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let shared: Vec<_> = secrets.into_iter().collect();
        if shared.is_empty() || shared.iter().any(|secret| is_blank(secret)) {
            return Err(NoSecret);
        }
        Ok(Self { shared, header: None, client: None })
    }

    /// No shared secret: the sender authenticates only with the tokens that we issue to `client`.
    pub fn from_client(client: Client) -> Self {
        Self { shared: vec![], header: None, client: Some(client) }
    }

    /// Also accepts tokens that we issue to `client`.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Replaces the shared secrets and leaves everything else. Used to sign with a wrong secret.
    pub fn with_shared(self, secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let Self { shared, .. } = Self::new(secrets)?;
        Ok(Self { shared, ..self })
    }

    /// Sets the name of the header that carries the token, for a sender that lets the merchant choose it.
    #[must_use]
    pub fn with_header(self, name: impl Into<String>) -> Self {
        Self { header: Some(name.into()), ..self }
    }

    /// The header that the merchant has chosen, or else [`DEFAULT_TOKEN_HEADER`].
    pub(crate) fn header_name(&self) -> &str {
        self.header.as_deref().unwrap_or(DEFAULT_TOKEN_HEADER)
    }

    /// The client that may request tokens, if there is one.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Whether there is a shared secret.
    pub(crate) fn has_shared_secret(&self) -> bool {
        !self.shared.is_empty()
    }

    /// The secret to sign with: the first one, or an empty text if there is no shared secret.
    pub(crate) fn first_secret(&self) -> &str {
        self.shared.first().map_or("", String::as_str)
    }

    /// Refuses if `fits` is false for every secret. It tries all secrets, also after a match, so that its duration
    /// reveals nothing.
    pub(crate) fn require_match(&self, fits: impl Fn(&str) -> Choice) -> Result<(), Refused> {
        let fitted = self.shared.iter().fold(Choice::from(0), |fitted, secret| fitted | fits(secret));
        if bool::from(fitted) { Ok(()) } else { Err(Refused::Mismatch) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} hidden)", self.shared.len())
    }
}

/// Whether a secret is empty or only blanks, and so useless.
pub(crate) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Checks a header that holds the HMAC-SHA256 of the body in base64. FedEx and AfterShip sign this way.
pub(crate) fn verify_body(
    header: &'static str,
    secrets: &Secrets,
    request: &Request<'_>,
) -> Result<(), Refused> {
    let sent = read_mac_header(header, &request.head())?;
    secrets.require_match(|secret| hmac_sha256(secret, request.body).ct_eq(&sent))
}

/// Reads an HMAC-SHA256 in base64 from a header.
pub(crate) fn read_mac_header(header: &'static str, head: &Head<'_>) -> Result<[u8; 32], Refused> {
    decode_base64_mac(head.find_header(header)?).ok_or(Refused::MalformedHeader(header))
}

/// Decodes an HMAC-SHA256 from base64.
pub(crate) fn decode_base64_mac(text: &[u8]) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Writes the header that [`verify_body`] checks.
pub(crate) fn sign_body(header: &str, secrets: &Secrets, body: &[u8]) -> Vec<(String, String)> {
    vec![(header.to_owned(), STANDARD.encode(hmac_sha256(secrets.first_secret(), body)))]
}

/// HMAC-SHA256 (RFC 2104) of a message.
pub(crate) fn hmac_sha256(key: impl AsRef<[u8]>, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Encodes bytes in hexadecimal, in lower case.
pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes an HMAC-SHA256 from hexadecimal, in any letter case.
pub(crate) fn decode_hex_mac(text: &[u8]) -> Option<[u8; 32]> {
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

/// Compares two texts in constant time. It compares their digests: to compare the texts themselves would reveal
/// whether their lengths differ.
pub(crate) fn texts_are_equal(a: &[u8], b: &[u8]) -> Choice {
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
        assert_eq!(decode_hex_mac(encode_hex(&mac).as_bytes()), Some(mac));
        assert_eq!(decode_hex_mac(encode_hex(&mac).to_uppercase().as_bytes()), Some(mac));
        let long = "a".repeat(66);
        for wrong in [&long[..0], &long[..63], &long, &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(decode_hex_mac(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_signature_is_fresh_for_five_minutes() {
        let request =
            Request { at: DateTime::UNIX_EPOCH + TimeDelta::days(1), query: "", headers: &[], body: b"" };
        for (seconds, fresh) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let signed_at = request.at + TimeDelta::seconds(seconds);
            assert_eq!(request.check_age(signed_at).is_ok(), fresh, "{seconds}");
        }
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(request.check_age(at), Err(Refused::Stale(at)));
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_empty_ones_are_missing() {
        let headers: [(&str, &[u8]); 2] = [("CREDENTIAL", b" abc "), ("fdx-signature", b" ")];
        let request = Request { at: DateTime::UNIX_EPOCH, query: "", headers: &headers, body: b"" };
        assert_eq!(request.find_header("credential"), Ok(&b"abc"[..]));
        assert_eq!(
            request.find_header("fdx-signature"),
            Err(Refused::MissingHeader("fdx-signature".to_owned()))
        );
    }
}
