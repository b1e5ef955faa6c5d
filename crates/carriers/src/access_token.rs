//! Access tokens for UPS, version 2. UPS requests a token from us as an OAuth 2.0 client with client credentials (RFC
//! 6749, section 4.4) and sends it with every push.
//!
//! - `milepost::settings` creates the [`Client`]. `app::webhooks` answers a request for a token with `issue_token`;
//!   `None` means that id or secret is wrong.
//! - [`crate::ups::Ups`] calls `verify` for the token of a push, and `build_headers` to sign a simulated push.
//!
//! A token consists of the time of its end and a proof that we issued it. So nothing is stored, and every process of an
//! installation can check it. A token is valid for an hour.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    mac::{NoSecret, hmac_sha256, is_blank, texts_are_equal},
    request::{Head, Refused},
};

/// The header with the token. The reference documents the scheme (client credentials) and [`CLIENT_ID`]. It does not
/// say that the token is sent as a bearer token in this header; that follows from the scheme.
const TOKEN: &str = "authorization";
/// The header that repeats the client's id. The simulation sends it; the check ignores it, because the token proves
/// which client it is.
const CLIENT_ID: &str = "x-api-key";
/// How long a token is valid.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// Derives the key for tokens from the secret, so that the two differ.
const KEY: &[u8] = b"milepost/ups-access-token/1";

/// The OAuth client that requests tokens: its id, and one or several secrets (several while they are rotated). The
/// secrets are never printed.
#[derive(Clone)]
pub struct Client {
    id: String,
    secrets: Vec<String>,
}

/// A token with a limited lifetime.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token as the client sends it: only letters, digits, `-`, `_` and a dot.
    pub text: String,
    /// How long it is valid.
    pub lifetime: TimeDelta,
}

impl Client {
    /// Creates a client.
    ///
    /// # Errors
    /// [`NoSecret`] if the id or a secret is blank, or if there is no secret.
    pub fn new(id: String, secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        if is_blank(&id) || secrets.is_empty() || secrets.iter().any(|secret| is_blank(secret)) {
            return Err(NoSecret);
        }
        Ok(Self { id, secrets })
    }

    /// Issues a token if the id and one of the secrets match. The token is signed with the secret that was sent, so
    /// it is valid until its end or until that secret is removed.
    pub fn issue_token(&self, id: &str, secret: &str, now: DateTime<Utc>) -> Option<AccessToken> {
        let same_id = texts_are_equal(self.id.as_bytes(), id.as_bytes());
        let fits = |own: &String| bool::from(same_id & texts_are_equal(own.as_bytes(), secret.as_bytes()));
        // All secrets are tried, also after a match, so that the duration reveals nothing.
        let fitted = self.secrets.iter().fold(None, |found, own| if fits(own) { Some(own) } else { found });
        fitted.map(|own| self.build_token(own, now))
    }

    /// The headers with which the client would send a push now.
    pub(crate) fn build_headers(&self, now: DateTime<Utc>) -> Vec<(String, String)> {
        let token = self.secrets.first().map(|secret| self.build_token(secret, now).text).unwrap_or_default();
        vec![(TOKEN.to_owned(), format!("Bearer {token}")), (CLIENT_ID.to_owned(), self.id.clone())]
    }

    /// Checks that a push carries a token that we issued for this client and that has not expired.
    pub(crate) fn verify(&self, head: &Head<'_>) -> Result<(), Refused> {
        let malformed = || Refused::MalformedHeader(TOKEN);
        let sent = str::from_utf8(head.find_header(TOKEN)?).map_err(|_| malformed())?;
        let (scheme, token) = sent.split_once(' ').ok_or_else(malformed)?;
        let (end, proof) = token.trim_start().split_once('.').ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(malformed());
        }
        let proof = BASE64_URL_SAFE_NO_PAD.decode(proof).map_err(|_| malformed())?;
        let fits = |secret: &String| self.sign_token(secret, end).as_slice().ct_eq(&proof);
        let ours = self.secrets.iter().fold(Choice::from(0), |fitted, secret| fitted | fits(secret));
        if !bool::from(ours) {
            return Err(Refused::Mismatch);
        }
        // We signed it, so it is a time that we wrote.
        let end = end.parse().ok().and_then(|end| DateTime::from_timestamp(end, 0)).ok_or_else(malformed)?;
        if head.at < end { Ok(()) } else { Err(Refused::Ended(end)) }
    }

    fn build_token(&self, secret: &str, now: DateTime<Utc>) -> AccessToken {
        let end = (now.timestamp() + LIFETIME.num_seconds()).to_string();
        let proof = BASE64_URL_SAFE_NO_PAD.encode(self.sign_token(secret, &end));
        AccessToken { text: format!("{end}.{proof}"), lifetime: LIFETIME }
    }

    /// The signature of a token for this client with this end.
    fn sign_token(&self, secret: &str, end: &str) -> [u8; 32] {
        let key = hmac_sha256(secret, KEY);
        // The end is a number that we wrote, so it contains no dot.
        hmac_sha256(key, format!("{end}.{}", self.id).as_bytes())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} and {} hidden)", self.id, self.secrets.len())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
