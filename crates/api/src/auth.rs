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

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use domain::{Actor, ActorKind, UserId, text::is_unsafe};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use serde_json::Value;

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

/// Why a token was refused. The messages are sent to the caller and contain nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no `Authorization` header, or it is empty.
    #[error("a token is needed: `Authorization: Bearer …`")]
    Missing,
    /// The `Authorization` header has another scheme than `Bearer`.
    #[error("the authorization must have the form `Bearer …`")]
    NotBearer,
    /// The token is longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is larger than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
    /// The text is no JSON Web Token, or a claim has the wrong type. The field says what is wrong.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// The token names another algorithm than HS256.
    #[error("the token must be signed with HS256")]
    WrongAlgorithm,
    /// The header of the token requires an extension.
    #[error("the token's header has `crit`: no extension is supported")]
    CriticalHeader,
    /// The `typ` of the token is that of another kind of token.
    #[error("the token's `typ` must be JWT or at+jwt, or left out")]
    WrongType,
    /// The token was signed with another secret, or changed after it was signed.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// The claim `exp` is missing, or it is no time.
    #[error("the token has no expiry: `exp` is mandatory, a number of seconds since 1970")]
    NoExpiry,
    /// The token expired at this time.
    #[error("the token expired at {0}")]
    Expired(DateTime<Utc>),
    /// The token is not valid before this time.
    #[error("the token is not valid before {0}")]
    NotYetValid(DateTime<Utc>),
    /// The token was issued for another audience, or it has no `aud` although the server has an audience.
    #[error("the token's `aud` does not name this server")]
    WrongAudience,
    /// The role does not exist, or nobody can authenticate with it, such as `carrier`.
    #[error("the token's role is unknown; known are customer, support, system, supplier")]
    UnknownRole,
    /// The token of a customer has no user id in `sub`.
    #[error("a customer's token needs a UUID in `sub`")]
    NoCustomerId,
    /// The token of a supplier has no code in `supplier`.
    #[error("a supplier's token needs the supplier's code in `supplier`")]
    NoSupplierCode,
}

/// The secret is shorter than the 32 bytes that HS256 requires (RFC 7518, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret for tokens must have at least {MIN_SECRET_BYTES} bytes")]
pub struct SecretTooShort;

/// The minimum length of a secret, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;
/// The maximum length of a token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The maximum length of an actor's id, in characters. The id is stored with every event.
const MAX_ID: usize = 200;

impl Tokens {
    /// Tokens that are signed with this secret and have no audience. Fails when the secret has fewer bytes than
    /// [`MIN_SECRET_BYTES`].
    pub fn new(secret: &[u8]) -> Result<Self, SecretTooShort> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretTooShort);
        }
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
            .map_err(|error| AuthError::from_jwt_error(&error))?
            .claims;
        self.check_audience(claims.aud.as_ref())?;
        let bearer = claims.bearer()?;
        if let Some(not_before) = claims.not_before()?
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
pub fn authorization(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(AUTHORIZATION).iter().map(|value| value.to_str().unwrap_or("?"));
    values.map(str::to_owned).reduce(|all, next| format!("{all}, {next}"))
}

/// The fields of a token's header that can be a reason to refuse the token.
#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    typ: Option<String>,
    /// Whether `crit` is present. Its value does not matter, not even `null`.
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

/// Checks rule 3. The signature, which covers the header, is checked afterwards.
fn check_header(token: &str) -> Result<(), AuthError> {
    let malformed = || AuthError::Malformed("it is no JSON Web Token".to_owned());
    let (header, _) = token.split_once('.').ok_or_else(malformed)?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed())?;
    let header: TokenHeader = serde_json::from_slice(&header)
        .map_err(|error| AuthError::Malformed(format!("its header: {error}")))?;
    if header.crit {
        return Err(AuthError::CriticalHeader);
    }
    if header.alg != "HS256" {
        return Err(AuthError::WrongAlgorithm);
    }
    let is_access_token = |typ: &str| {
        let typ = typ.to_ascii_lowercase();
        matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
    };
    if header.typ.as_deref().is_none_or(is_access_token) { Ok(()) } else { Err(AuthError::WrongType) }
}

fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Reads a claim as `Some` even if it is `null`, so that `null` differs from a missing claim.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The claims of a received token, not yet checked. serde refuses a name that occurs twice.
#[derive(Deserialize)]
struct ReceivedClaims {
    sub: Option<String>,
    role: String,
    supplier: Option<String>,
    email: Option<String>,
    /// A flag. Some identity providers write it as a text: `"true"` or `"false"`.
    email_verified: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    exp: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    aud: Option<Value>,
}

impl ReceivedClaims {
    /// The bearer in these claims. This does not compare the token's times with the current time.
    fn bearer(&self) -> Result<Bearer, AuthError> {
        let actor = read_actor(&self.role, self.sub.as_deref(), self.supplier.as_deref())?;
        let expires_at = self.exp.as_ref().and_then(numeric_date).ok_or(AuthError::NoExpiry)?;
        let unverified = match &self.email_verified {
            Some(Value::Bool(verified)) => !verified,
            Some(Value::String(verified)) => verified != "true",
            Some(Value::Null) | None => false,
            Some(Value::Number(_) | Value::Array(_) | Value::Object(_)) => true,
        };
        let email = self.email.clone().filter(|_| !unverified);
        Ok(Bearer { actor, email, expires_at })
    }

    fn not_before(&self) -> Result<Option<DateTime<Utc>>, AuthError> {
        let read = |value| {
            numeric_date(value).ok_or_else(|| {
                AuthError::Malformed("`nbf` must be a number of seconds since 1970".to_owned())
            })
        };
        self.nbf.as_ref().map(read).transpose()
    }
}

/// Reads a NumericDate (RFC 7519, section 2): seconds since 1970, with or without a fraction.
fn numeric_date(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(seconds) = value.as_i64() {
        return DateTime::from_timestamp(seconds, 0);
    }
    let seconds = value.as_f64().filter(|_| !value.is_u64())?;
    // Microseconds, because an f64 is exact up to 2^53, and 2^53 microseconds after 1970 is the year 2255.
    let micros = (seconds * 1e6).floor();
    if micros.abs() > 9e18 {
        return None;
    }
    DateTime::from_timestamp_micros(micros as i64)
}

/// The actor for a role and its ids. Fails when the role is unknown, its id is missing, or the id is not printable or
/// longer than [`MAX_ID`].
fn read_actor(role: &str, sub: Option<&str>, supplier: Option<&str>) -> Result<Actor, AuthError> {
    let kind = role.parse().map_err(|_| AuthError::UnknownRole)?;
    let present = |id: Option<&str>| id.filter(|id| !id.trim().is_empty()).map(str::to_owned);
    let id = match kind {
        ActorKind::Customer => {
            let user = present(sub).and_then(|sub| sub.parse::<UserId>().ok());
            Some(user.ok_or(AuthError::NoCustomerId)?.to_string())
        }
        ActorKind::Supplier => Some(present(supplier).ok_or(AuthError::NoSupplierCode)?),
        ActorKind::Support | ActorKind::System => present(sub),
        ActorKind::Carrier => return Err(AuthError::UnknownRole),
    };
    if id.as_deref().is_some_and(|id| id.contains(is_unsafe) || id.chars().count() > MAX_ID) {
        let problem = format!("`sub` and `supplier` have at most {MAX_ID} printable characters");
        return Err(AuthError::Malformed(problem));
    }
    Ok(Actor { kind, id })
}

impl AuthError {
    /// Maps the library's errors to the few that a caller can act on.
    fn from_jwt_error(error: &jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::BadSignature,
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => Self::WrongAlgorithm,
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
        Claims { sub: own(sub), role: role.to_owned(), supplier: own(supplier), email: None, exp: NOW + 60 }
    }

    /// Signs any claims, also invalid ones, with the right secret.
    fn signed(claims: &Value) -> String {
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
            assert_eq!(bearer, Bearer { actor, email: None, expires_at: at(NOW + 60) });
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
        assert_eq!(refusal(&format!("Bearer {unsigned}.{}.", parts[1])), AuthError::WrongAlgorithm);
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

    /// The claims of a system token, with these changes.
    fn system(changes: Value) -> Value {
        let mut claims = json!({"role": "system", "exp": NOW + 60});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    /// Signs this header and these claims, byte for byte, with the right secret.
    fn signed_text(header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let algorithm = Algorithm::HS256;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &tokens().signing, algorithm).unwrap();
        format!("Bearer {message}.{signature}")
    }

    #[test]
    fn a_token_counts_from_its_beginning() {
        let header = signed(&system(json!({"nbf": NOW})));
        assert!(tokens().authenticate(Some(&header), at(NOW)).is_ok());
        let early = tokens().authenticate(Some(&header), at(NOW - 1));
        assert_eq!(early, Err(AuthError::NotYetValid(at(NOW))));
        assert_eq!(refusal(&signed(&system(json!({"nbf": NOW + 1})))), AuthError::NotYetValid(at(NOW + 1)));
        for wrong in [json!(null), json!("1"), json!([1]), json!(1e300), json!(u64::MAX), json!(i64::MAX)] {
            let error = refusal(&signed(&system(json!({ "nbf": wrong }))));
            assert!(matches!(error, AuthError::Malformed(_)), "{wrong}: {error}");
        }
    }

    #[test]
    fn times_may_have_fractions() {
        let half = DateTime::from_timestamp_millis(NOW * 1000 + 500).unwrap();
        let header = signed(&system(json!({"nbf": NOW as f64 - 0.5, "exp": NOW as f64 + 0.5})));
        let bearer = tokens().authenticate(Some(&header), at(NOW)).unwrap();
        assert_eq!(bearer.expires_at, half);
        assert_eq!(tokens().authenticate(Some(&header), half), Err(AuthError::Expired(half)));
        let header = signed(&system(json!({"nbf": NOW as f64 + 0.5})));
        assert_eq!(tokens().authenticate(Some(&header), at(NOW)), Err(AuthError::NotYetValid(half)));
        assert!(tokens().authenticate(Some(&header), at(NOW + 1)).is_ok());
        let text = format!(r#"{{"role":"system","exp":{}e0}}"#, NOW + 60);
        assert!(tokens().authenticate(Some(&signed_text(r#"{"alg":"HS256"}"#, &text)), at(NOW)).is_ok());
        for wrong in [json!(null), json!("9999999999"), json!(1e300), json!(-1e300), json!([]), json!(true)] {
            assert_eq!(refusal(&signed(&system(json!({ "exp": wrong })))), AuthError::NoExpiry, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_for_us_or_for_nobody_in_particular() {
        let strict = tokens().with_audience(Some("milepost".to_owned()));
        let accepts =
            |tokens: &Tokens, claims| tokens.authenticate(Some(&signed(&claims)), at(NOW)).map(|_| ());
        for (aud, with_audience) in [
            (json!("milepost"), true),
            (json!(["else", "milepost"]), true),
            (json!("Milepost"), false),
            (json!("else"), false),
            (json!(["else"]), false),
            (json!([]), false),
            (json!(""), false),
            (json!(null), false),
            (json!(7), false),
            (json!([["milepost"]]), false),
        ] {
            let expected = if with_audience { Ok(()) } else { Err(AuthError::WrongAudience) };
            assert_eq!(accepts(&strict, system(json!({ "aud": aud }))), expected, "{aud}");
            assert_eq!(
                accepts(&tokens(), system(json!({ "aud": aud }))),
                Err(AuthError::WrongAudience),
                "{aud}"
            );
        }
        assert_eq!(accepts(&strict, system(json!({}))), Err(AuthError::WrongAudience));
        let issued = format!("Bearer {}", strict.issue(&claims("system", None, None)).unwrap());
        assert!(strict.authenticate(Some(&issued), at(NOW)).is_ok());
        assert_eq!(tokens().authenticate(Some(&issued), at(NOW)), Err(AuthError::WrongAudience));
    }

    #[test]
    fn headers_that_ask_for_something_else_are_refused() {
        let claims = system(json!({})).to_string();
        let header_is =
            |header: &str| tokens().authenticate(Some(&signed_text(header, &claims)), at(NOW)).map(|_| ());
        for good in [
            r#"{"alg":"HS256"}"#,
            r#"{"typ":"jwt","alg":"HS256","kid":"7"}"#,
            r#"{"typ":"at+jwt","alg":"HS256"}"#,
            r#"{"typ":"application/at+jwt","alg":"HS256"}"#,
        ] {
            assert_eq!(header_is(good), Ok(()), "{good}");
        }
        for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null", "7", r#"{"a":1}"#] {
            let header = format!(r#"{{"alg":"HS256","crit":{crit}}}"#);
            assert_eq!(header_is(&header), Err(AuthError::CriticalHeader), "{header}");
        }
        for alg in ["none", "None", "HS384", "HS512", "RS256", "ES256", "hs256", ""] {
            let header = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(header_is(&header), Err(AuthError::WrongAlgorithm), "{header}");
        }
        for typ in ["secevent+jwt", "logout+jwt", "dpop+jwt", "JWE", ""] {
            assert_eq!(
                header_is(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#)),
                Err(AuthError::WrongType),
                "{typ}"
            );
        }
        for malformed in ["", "7", "[]", "{}", r#"{"alg":7}"#, r#"{"alg":"none","alg":"HS256"}"#, "not json"]
        {
            assert!(matches!(header_is(malformed), Err(AuthError::Malformed(_))), "{malformed}");
        }
    }

    #[test]
    fn claims_that_stand_twice_or_are_too_many_are_refused() {
        let twice = format!(r#"{{"role":"customer","role":"system","exp":{}}}"#, NOW + 60);
        let error = refusal(&signed_text(r#"{"alg":"HS256"}"#, &twice));
        assert!(matches!(&error, AuthError::Malformed(_)), "{error}");
        let large = system(json!({"padding": "x".repeat(MAX_TOKEN_BYTES)}));
        assert_eq!(refusal(&signed(&large)), AuthError::TooLarge);
        for sub in ["a\nb", "a\u{202e}b", "\u{1b}[2J", &"x".repeat(201)] {
            let error = refusal(&signed(&system(json!({ "sub": sub }))));
            assert!(matches!(error, AuthError::Malformed(_)), "{sub:?}: {error}");
        }
    }

    #[test]
    fn an_address_counts_unless_it_is_not_verified() {
        let email = |changes| tokens().authenticate(Some(&signed(&system(changes))), at(NOW)).unwrap().email;
        let address = "ada@example.org";
        let known = Some(address.to_owned());
        assert_eq!(email(json!({})), None);
        assert_eq!(email(json!({ "email": address })), known);
        for (verified, expected) in [
            (json!(true), &known),
            (json!("true"), &known),
            (json!(null), &known),
            (json!(false), &None),
            (json!("false"), &None),
            (json!(1), &None),
        ] {
            assert_eq!(&email(json!({"email": address, "email_verified": verified})), expected, "{verified}");
        }
    }

    #[test]
    fn two_headers_are_no_token() {
        let mut headers = HeaderMap::new();
        assert_eq!(authorization(&headers), None);
        let good = signed(&system(json!({})));
        headers.append(AUTHORIZATION, good.parse().unwrap());
        assert!(tokens().authenticate(authorization(&headers).as_deref(), at(NOW)).is_ok());
        headers.append(AUTHORIZATION, good.parse().unwrap());
        let refused = tokens().authenticate(authorization(&headers).as_deref(), at(NOW));
        assert!(matches!(refused, Err(AuthError::Malformed(_))), "{refused:?}");
    }
}
