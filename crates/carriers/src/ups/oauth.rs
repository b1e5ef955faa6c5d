//! UPS, version 2: UPS comes to us for a token, as an OAuth 2.0 client with credentials (RFC 6749, section 4.4),
//! and shows it with every push.
//!
//! `app` answers the call for a token, [`super::Ups`] checks what comes with a push. A token is its end and a
//! proof that we issued it: nothing is kept, and every process of an installation knows it.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use subtle::{Choice, ConstantTimeEq};

use crate::signature::{Head, NoSecret, Refused, blank, hmac_sha256, same_text};

/// Where the token stands. The reference is sure of the scheme (client credentials) and of [`CLIENT_ID`]; that the
/// token comes as a bearer token in this header is what the scheme implies, and is written nowhere.
const TOKEN: &str = "authorization";
/// Repeats the client's id. Sent along where we imitate UPS, and never asked for: the token proves whose it is.
const CLIENT_ID: &str = "x-api-key";
/// How long a token is good.
const LIFETIME: TimeDelta = TimeDelta::hours(1);
/// What makes the key of the tokens another one than the secret itself.
const KEY: &[u8] = b"milepost/ups-access-token/1";

/// Who comes for tokens: an id, and one secret, or several while they change. Never printed.
#[derive(Clone)]
pub struct Client {
    id: String,
    secrets: Vec<String>,
}

/// A token for a while.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// What the client sends along. Only letters, digits, `-`, `_` and a dot.
    pub text: String,
    /// How long it is good.
    pub lifetime: TimeDelta,
}

impl Client {
    /// A client with its secrets.
    ///
    /// # Errors
    /// [`NoSecret`] where the id or a secret is blank, or there is no secret.
    pub fn new(id: String, secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        if blank(&id) || secrets.is_empty() || secrets.iter().any(|secret| blank(secret)) {
            return Err(NoSecret);
        }
        Ok(Self { id, secrets })
    }

    /// A token for whoever says the id and one of the secrets. It is signed under the secret that was said, so it
    /// is good until its end or until that secret is given up.
    pub fn token(&self, id: &str, secret: &str, now: DateTime<Utc>) -> Option<AccessToken> {
        let same_id = same_text(self.id.as_bytes(), id.as_bytes());
        let fits = |own: &String| bool::from(same_id & same_text(own.as_bytes(), secret.as_bytes()));
        // Every secret is tried, also after one has fitted, so that the time tells nothing.
        let fitted = self.secrets.iter().fold(None, |found, own| if fits(own) { Some(own) } else { found });
        fitted.map(|own| self.issue(own, now))
    }

    /// The headers with which the client would push now.
    pub(super) fn headers(&self, now: DateTime<Utc>) -> Vec<(String, String)> {
        let token = self.secrets.first().map(|secret| self.issue(secret, now).text).unwrap_or_default();
        vec![(TOKEN.to_owned(), format!("Bearer {token}")), (CLIENT_ID.to_owned(), self.id.clone())]
    }

    /// Checks that a push comes with a token of ours, for this client, that has not ended.
    pub(super) fn verify(&self, head: &Head<'_>) -> Result<(), Refused> {
        let malformed = || Refused::MalformedHeader(TOKEN);
        let sent = str::from_utf8(head.header(TOKEN)?).map_err(|_| malformed())?;
        let (scheme, token) = sent.split_once(' ').ok_or_else(malformed)?;
        let (end, proof) = token.trim_start().split_once('.').ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(malformed());
        }
        let proof = BASE64_URL_SAFE_NO_PAD.decode(proof).map_err(|_| malformed())?;
        let fits = |secret: &String| self.token_signature(secret, end).as_slice().ct_eq(&proof);
        let ours = self.secrets.iter().fold(Choice::from(0), |fitted, secret| fitted | fits(secret));
        if !bool::from(ours) {
            return Err(Refused::Mismatch);
        }
        // Ours, so it is a time that we wrote.
        let end = end.parse().ok().and_then(|end| DateTime::from_timestamp(end, 0)).ok_or_else(malformed)?;
        if head.at < end { Ok(()) } else { Err(Refused::Ended(end)) }
    }

    fn issue(&self, secret: &str, now: DateTime<Utc>) -> AccessToken {
        let end = (now.timestamp() + LIFETIME.num_seconds()).to_string();
        let proof = BASE64_URL_SAFE_NO_PAD.encode(self.token_signature(secret, &end));
        AccessToken { text: format!("{end}.{proof}"), lifetime: LIFETIME }
    }

    /// That we issued a token for this client which ends then.
    fn token_signature(&self, secret: &str, end: &str) -> [u8; 32] {
        let key = hmac_sha256(secret, KEY);
        // The end holds no dot where we wrote it.
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
