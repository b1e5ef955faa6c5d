//! Authentication with bearer tokens: JSON Web Tokens (RFC 7519) that are signed with HS256 and one shared secret.
//!
//! The transports authenticate every request with [`Tokens::authenticate`]. `milepost token` and the demo issue tokens
//! with [`Tokens::issue`]. Both check the role and its ids. This module does not authorize: other modules decide from
//! the [`Bearer`] what a caller may do.
//!
//! Rules, besides the signature:
//! 1. A token is valid from its `nbf` until its `exp`, which is mandatory. There is no leeway. Both times may have
//!    fractions of a second.
//! 2. When the server has an audience, `aud` must name it; a token without `aud` is refused. When the server has none,
//!    every token with `aud` is refused, because it was issued for another server (RFC 7519, 4.1.3).
//! 3. A header with `crit` is refused, because we support no extension (RFC 7515, 4.1.11). A header with the `typ` of
//!    another kind of token is refused too (RFC 8725, 3.11), and one with another algorithm than HS256. A token is
//!    malformed when one of the header fields or claims that we read occurs twice.
//! 4. A token is at most [`MAX_TOKEN_BYTES`] long.

mod claims;
mod error;
mod header;
mod signature;
#[cfg(test)]
mod tests;

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use chrono::{DateTime, Utc};
use domain::Actor;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde_json::Value;

use claims::{ReceivedClaims, read_actor};
pub use error::AuthError;
use header::check_header;
pub(crate) use signature::install_hs256;

/// Issues and checks tokens with one shared secret.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    audience: Option<String>,
}

/// The claims of a token to be issued. [`Tokens::issue`] adds the audience.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The user: a UUID for a customer; any text, and optional, for the other roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// `customer`, `support`, `system` or `supplier`.
    pub role: String,
    /// The supplier's code. It is mandatory for the role `supplier`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// A customer's email address. Orders of this customer can have no other address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// When the token expires, in seconds since 1970.
    pub exp: i64,
}

/// The identity that a valid token proves, and when the token expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The actor, as it is recorded on the events that it causes. The id of a supplier is its code.
    pub actor: Actor,
    /// The claim `email`, or `None` when the claim `email_verified` is present and neither true nor null. We do not
    /// check that the text is an address.
    pub email: Option<String>,
    /// The token is valid before this moment, and no longer at it.
    pub expires_at: DateTime<Utc>,
}

/// The secret is shorter than the 32 bytes that HS256 requires (RFC 7518, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret for tokens must have at least {MIN_SECRET_BYTES} bytes")]
pub struct SecretTooShort;

/// The minimum length of a secret, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;
/// The maximum length of a token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
impl Tokens {
    /// Tokens that are signed with this secret and have no audience. Fails when the secret has fewer bytes than
    /// [`MIN_SECRET_BYTES`].
    pub fn new(secret: &[u8]) -> Result<Self, SecretTooShort> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretTooShort);
        }
        install_hs256();
        // This module checks times and the audience itself, because the library uses the machine's clock and whole
        // seconds only.
        let mut validation = Validation {
            validate_exp: false,
            validate_nbf: false,
            validate_aud: false,
            ..Validation::new(Algorithm::HS256)
        };
        validation.required_spec_claims.clear();
        Ok(Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            audience: None,
        })
    }

    /// The same tokens, for this audience only: [`Tokens::issue`] adds it, [`Tokens::authenticate`] requires it.
    #[must_use]
    pub fn with_audience(mut self, audience: Option<String>) -> Self {
        self.audience = audience;
        self
    }

    /// Issues a signed token, without the word `Bearer`. Fails when the role or its ids would be refused, or when `exp`
    /// is no time.
    pub fn issue(&self, claims: &Claims) -> Result<String, AuthError> {
        #[derive(Serialize)]
        struct Issued<'a> {
            #[serde(flatten)]
            claims: &'a Claims,
            #[serde(skip_serializing_if = "Option::is_none")]
            aud: Option<&'a str>,
        }
        read_actor(&claims.role, claims.sub.as_deref(), claims.supplier.as_deref())?;
        DateTime::from_timestamp(claims.exp, 0).ok_or(AuthError::NoExpiry)?;
        let issued = Issued { claims, aud: self.audience.as_deref() };
        jsonwebtoken::encode(&Header::default(), &issued, &self.signing)
            .map_err(|error| AuthError::Malformed(error.to_string()))
    }

    /// Checks the token in an `Authorization` value (`Bearer …`) at the time `now`, and returns its bearer.
    pub fn authenticate(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Result<Bearer, AuthError> {
        let value =
            authorization.map(str::trim).filter(|value| !value.is_empty()).ok_or(AuthError::Missing)?;
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            Some(_) | None => return Err(AuthError::NotBearer),
        };
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::TooLarge);
        }
        check_header(token)?;
        let claims = jsonwebtoken::decode::<ReceivedClaims>(token, &self.checking, &self.validation)
            .map_err(|error| AuthError::from_signature_error(&error))?
            .claims;
        self.check_audience(claims.aud.as_ref())?;
        let bearer = claims.read_bearer()?;
        if let Some(not_before) = claims.read_not_before()?
            && now < not_before
        {
            return Err(AuthError::NotYetValid(not_before));
        }
        if bearer.expires_at <= now { Err(AuthError::Expired(bearer.expires_at)) } else { Ok(bearer) }
    }

    /// Checks rule 2. `aud` is one text or a list of texts.
    fn check_audience(&self, aud: Option<&Value>) -> Result<(), AuthError> {
        let is_ours = |value: &Value| value.as_str().is_some_and(|aud| Some(aud) == self.audience.as_deref());
        let accepted = match aud {
            None => self.audience.is_none(),
            Some(Value::Array(all)) => all.iter().any(is_ours),
            Some(one) => is_ours(one),
        };
        if accepted { Ok(()) } else { Err(AuthError::WrongAudience) }
    }
}

/// The value of the `Authorization` header.
///
/// 1. Several such headers are joined with commas, as HTTP defines it. The result is no valid token, so the request is
///    refused. If we chose one header, a proxy in front of us could choose another one.
/// 2. A value with other bytes than visible ASCII becomes `?`, which is refused as well.
pub fn authorization_header(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(AUTHORIZATION).iter().map(|value| value.to_str().unwrap_or("?"));
    values.map(str::to_owned).reduce(|all, next| format!("{all}, {next}"))
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(HS256)")
    }
}
