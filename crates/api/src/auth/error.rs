//! Why a token was refused. `authenticate` makes these errors, and all answers to a refused token show them.
//!
//! The library checks only the form and the signature of a token: `from_signature_error` converts its errors.
//! `authenticate` checks times, audience and claims itself.

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;

use super::MAX_TOKEN_BYTES;

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

impl AuthError {
    /// Maps the library's errors to the few that a caller can act on.
    pub(super) fn from_signature_error(error: &jsonwebtoken::errors::Error) -> Self {
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
