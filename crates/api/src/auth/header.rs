//! The header of a token: rule 3 of the module.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::AuthError;

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
pub(super) fn check_header(token: &str) -> Result<(), AuthError> {
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
