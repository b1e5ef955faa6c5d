//! Reads the claims of a token: its bearer and its times.

use chrono::{DateTime, Utc};
use domain::{Actor, ActorKind, UserId, text::is_unsafe};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{AuthError, Bearer};

/// The maximum length of an actor's id, in characters. The id is stored with every event.
const MAX_ID: usize = 200;

/// Reads a claim as `Some` even if it is `null`, so that `null` differs from a missing claim.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The claims of a received token, not yet checked. serde refuses a name that occurs twice.
#[derive(Deserialize)]
pub(super) struct ReceivedClaims {
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
    pub(super) aud: Option<Value>,
}

impl ReceivedClaims {
    /// The bearer in these claims. This does not compare the token's times with the current time.
    pub(super) fn bearer(&self) -> Result<Bearer, AuthError> {
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

    pub(super) fn not_before(&self) -> Result<Option<DateTime<Utc>>, AuthError> {
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
pub(super) fn read_actor(role: &str, sub: Option<&str>, supplier: Option<&str>) -> Result<Actor, AuthError> {
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
