//! The handshake with which USPS may start a subscription.

use serde_json::Value;

use crate::json::text_at;

/// The value that USPS may want to read in our answer when a subscription starts. Uncertain: one description has this
/// handshake, the other says that USPS is satisfied with a 200.
pub(super) fn parse_challenge(body: &Value) -> Option<String> {
    match body.get("challenge") {
        Some(Value::String(exact)) if !exact.trim().is_empty() => Some(exact.clone()),
        Some(_) | None => text_at(body, "/challenge"),
    }
}
