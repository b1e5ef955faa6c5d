//! Bearer tokens: who is calling, proved by an HS256 signature over `sub`, `role`, `supplier` and `exp`.
//!
//! The transports authenticate every request with [`Tokens::authenticate`]; `milepost token` and the demo issue
//! tokens with [`Tokens::issue`], under the same rules. What a caller may then do is decided elsewhere, from the
//! [`Actor`]. There is no leeway: a token is over at its `exp`.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{Actor, ActorKind, UserId};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};

/// Issues and checks tokens with one shared secret.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
}

/// What a token says about its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user: a UUID for a customer, free and optional for everybody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// `customer`, `support`, `system` or `supplier`.
    pub role: String,
    /// The supplier's code; a supplier must have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// When the token ends, in seconds since 1970.
    pub exp: i64,
}

/// Who bears a token, and until when we may believe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The party, as it is recorded on the events it causes. A supplier's id is its code.
    pub actor: Actor,
    /// From this moment on the token counts no more.
    pub expires_at: DateTime<Utc>,
}

/// Why nobody was recognised. The messages are meant for the caller and repeat nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No `Authorization` header, or an empty one.
    #[error("a token is needed: `Authorization: Bearer …`")]
    Missing,
    /// Another scheme than `Bearer`.
    #[error("the authorization must have the form `Bearer …`")]
    NotBearer,
    /// No JSON Web Token, or claims of the wrong type.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Signed with another secret or another algorithm.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// No `exp`, or one that is no time.
    #[error("the token has no expiry: `exp` is mandatory")]
    NoExpiry,
    /// Past its `exp`.
    #[error("the token expired at {0}")]
    Expired(DateTime<Utc>),
    /// A role nobody can sign in with.
    #[error("the token's role is unknown; known are customer, support, system, supplier")]
    UnknownRole,
    /// A customer without a user id.
    #[error("a customer's token needs a UUID in `sub`")]
    NoCustomerId,
    /// A supplier without a code.
    #[error("a supplier's token needs the supplier's code in `supplier`")]
    NoSupplierCode,
}

/// The secret is shorter than the 32 bytes that HS256 asks for (RFC 7518, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret for tokens must have at least {MIN_SECRET_BYTES} bytes")]
pub struct SecretTooShort;

/// The least length of a secret, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;

impl Tokens {
    /// Tokens signed with this secret, which must have at least [`MIN_SECRET_BYTES`].
    pub fn new(secret: &[u8]) -> Result<Self, SecretTooShort> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretTooShort);
        }
        // The expiry is compared by hand: the library would ask the machine's clock.
        let validation = Validation { validate_exp: false, ..Validation::default() };
        Ok(Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
        })
    }

    /// A signed token, without the word `Bearer`. Claims that would not be accepted are not signed.
    pub fn issue(&self, claims: &Claims) -> Result<String, AuthError> {
        claims.bearer()?;
        jsonwebtoken::encode(&Header::default(), claims, &self.signing)
            .map_err(|error| AuthError::Malformed(error.to_string()))
    }

    /// The bearer of the token in an `Authorization` value, `Bearer …`, at this moment.
    pub fn authenticate(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Result<Bearer, AuthError> {
        let value =
            authorization.map(str::trim).filter(|value| !value.is_empty()).ok_or(AuthError::Missing)?;
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            Some(_) | None => return Err(AuthError::NotBearer),
        };
        let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|error| AuthError::from_decoding(&error))?
            .claims;
        let bearer = claims.bearer()?;
        if bearer.expires_at <= now { Err(AuthError::Expired(bearer.expires_at)) } else { Ok(bearer) }
    }
}

impl Claims {
    /// The bearer these claims stand for, whatever the time is.
    fn bearer(&self) -> Result<Bearer, AuthError> {
        let kind = self.role.parse().map_err(|_| AuthError::UnknownRole)?;
        let present = |id: &Option<String>| id.clone().filter(|id| !id.trim().is_empty());
        let id = match kind {
            ActorKind::Customer => {
                let user = present(&self.sub).and_then(|sub| sub.parse::<UserId>().ok());
                Some(user.ok_or(AuthError::NoCustomerId)?.to_string())
            }
            ActorKind::Supplier => Some(present(&self.supplier).ok_or(AuthError::NoSupplierCode)?),
            ActorKind::Support | ActorKind::System => present(&self.sub),
            ActorKind::Carrier => return Err(AuthError::UnknownRole),
        };
        let expires_at = DateTime::from_timestamp(self.exp, 0).ok_or(AuthError::NoExpiry)?;
        Ok(Bearer { actor: Actor { kind, id }, expires_at })
    }
}

impl AuthError {
    /// Tells the library's many reasons apart as far as a caller can act on them.
    fn from_decoding(error: &jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
                Self::BadSignature
            }
            ErrorKind::MissingRequiredClaim(claim) if claim == "exp" => Self::NoExpiry,
            ErrorKind::Json(error) if error.to_string().starts_with("missing field `exp`") => Self::NoExpiry,
            ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => {
                Self::Malformed("it is no JSON Web Token".to_owned())
            }
            _ => Self::Malformed(error.to_string()),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(HS256)")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;
    const USER: &str = "018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4a";

    fn tokens() -> Tokens {
        Tokens::new(&[7; 32]).unwrap()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn claims(role: &str, sub: Option<&str>, supplier: Option<&str>) -> Claims {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Claims { sub: own(sub), role: role.to_owned(), supplier: own(supplier), exp: NOW + 60 }
    }

    /// A token with any claims at all, signed with the right secret.
    fn signed(claims: &serde_json::Value) -> String {
        let token = jsonwebtoken::encode(&Header::default(), claims, &tokens().signing).unwrap();
        format!("Bearer {token}")
    }

    fn refusal(header: &str) -> AuthError {
        tokens().authenticate(Some(header), at(NOW)).unwrap_err()
    }

    #[test]
    fn every_role_comes_back_as_the_actor_it_was_issued_for() {
        let cases = [
            (claims("customer", Some(USER), None), Actor::new(ActorKind::Customer, USER)),
            (claims("support", Some("ada"), None), Actor::new(ActorKind::Support, "ada")),
            (claims("support", None, None), Actor { kind: ActorKind::Support, id: None }),
            (claims("system", None, None), Actor::SYSTEM),
            (claims("supplier", Some("bob"), Some("ACME")), Actor::new(ActorKind::Supplier, "ACME")),
        ];
        for (claims, actor) in cases {
            let header = format!("bearer {}", tokens().issue(&claims).unwrap());
            let bearer = tokens().authenticate(Some(&header), at(NOW)).unwrap();
            assert_eq!(bearer, Bearer { actor, expires_at: at(NOW + 60) });
        }
    }

    #[test]
    fn a_token_is_over_at_its_expiry() {
        let header = format!("Bearer {}", tokens().issue(&claims("system", None, None)).unwrap());
        assert!(tokens().authenticate(Some(&header), at(NOW + 59)).is_ok());
        let error = tokens().authenticate(Some(&header), at(NOW + 60)).unwrap_err();
        assert_eq!(error.to_string(), "the token expired at 2023-11-14 22:14:20 UTC");
    }

    #[test]
    fn each_defect_has_its_own_error() {
        assert_eq!(tokens().authenticate(None, at(NOW)), Err(AuthError::Missing));
        assert_eq!(refusal("  "), AuthError::Missing);
        assert_eq!(refusal("Basic YTpi"), AuthError::NotBearer);
        assert!(matches!(refusal("Bearer abc"), AuthError::Malformed(_)));
        assert!(matches!(refusal(&signed(&json!({"role": 7, "exp": NOW + 60}))), AuthError::Malformed(_)));
        assert_eq!(refusal(&signed(&json!({"role": "system"}))), AuthError::NoExpiry);
        assert_eq!(refusal(&signed(&json!({"role": "system", "exp": i64::MAX}))), AuthError::NoExpiry);
        assert_eq!(refusal(&signed(&json!({"role": "root", "exp": NOW + 60}))), AuthError::UnknownRole);
        assert_eq!(refusal(&signed(&json!({"role": "carrier", "exp": NOW + 60}))), AuthError::UnknownRole);
        assert_eq!(
            refusal(&signed(&json!({"role": "customer", "sub": "me", "exp": NOW + 60}))),
            AuthError::NoCustomerId
        );
        assert_eq!(
            refusal(&signed(&json!({"role": "supplier", "supplier": " ", "exp": NOW + 60}))),
            AuthError::NoSupplierCode
        );
    }

    #[test]
    fn another_secret_a_changed_payload_and_no_signature_are_refused() {
        let issued = tokens().issue(&claims("customer", Some(USER), None)).unwrap();
        let stranger = Tokens::new(&[8; 32]).unwrap();
        assert_eq!(
            stranger.authenticate(Some(&format!("Bearer {issued}")), at(NOW)),
            Err(AuthError::BadSignature)
        );

        let mut parts: Vec<_> = issued.split('.').map(str::to_owned).collect();
        parts[1] = URL_SAFE_NO_PAD.encode(json!({"role": "system", "exp": NOW + 60}).to_string());
        assert_eq!(refusal(&format!("Bearer {}", parts.join("."))), AuthError::BadSignature);

        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
        assert!(matches!(
            refusal(&format!("Bearer {unsigned}.{}.", parts[1])),
            AuthError::BadSignature | AuthError::Malformed(_)
        ));
    }

    #[test]
    fn nothing_is_issued_that_would_be_refused() {
        assert_eq!(tokens().issue(&claims("customer", None, None)), Err(AuthError::NoCustomerId));
        assert_eq!(tokens().issue(&claims("supplier", None, None)), Err(AuthError::NoSupplierCode));
        assert_eq!(tokens().issue(&claims("carrier", None, None)), Err(AuthError::UnknownRole));
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(Tokens::new(b"secret").unwrap_err(), SecretTooShort);
    }
}
