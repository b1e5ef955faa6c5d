//! Tolerant reading of carriers' JSON: numbers where texts are expected, empty texts for absent ones, one
//! object where a list is expected.

use serde_json::Value;

use crate::parcel::Unreadable;

/// The longest text taken from a body; what is longer is cut.
const MAX_TEXT: usize = 500;
/// From here on a number that was read as a float may have lost digits.
const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The object a body consists of.
pub(crate) fn object(body: &[u8]) -> Result<Value, Unreadable> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Unreadable(format!("not JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(Unreadable("the body is JSON, but no object".into())) }
}

/// The text at a JSON pointer (RFC 6901), without blanks around it. Empty, null and whatever is no text and
/// no exact number is absent. Control characters become blanks: PostgreSQL takes no NUL in a text.
pub(crate) fn text(value: &Value, pointer: &str) -> Option<String> {
    let raw = match value.pointer(pointer)? {
        Value::String(text) => text.clone(),
        Value::Number(number)
            if number.as_f64().is_some_and(|n| !number.is_f64() || n.abs() < EXACT_FLOAT) =>
        {
            number.to_string()
        }
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let clean: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text: String = clean.trim().chars().take(MAX_TEXT).collect();
    if text.is_empty() { None } else { Some(text) }
}

/// The elements under a key. A single value is a list of one, as converters from XML write it.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    match value.get(key) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(elements)) => elements,
        Some(single) => std::slice::from_ref(single),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_read_tolerantly() {
        let value = json!({"a": " x\u{0}y ", "n": 794600000001u64, "f": -5.0, "big": 1e30, "e": " ", "o": {"i": "z"}});
        assert_eq!(text(&value, "/a").as_deref(), Some("x y"));
        assert_eq!(text(&value, "/n").as_deref(), Some("794600000001"));
        assert_eq!(text(&value, "/f").as_deref(), Some("-5.0"));
        assert_eq!(text(&value, "/o/i").as_deref(), Some("z"));
        for absent in ["/big", "/e", "/o", "/none", "/a/b"] {
            assert_eq!(text(&value, absent), None, "{absent}");
        }
    }

    #[test]
    fn what_is_no_object_is_named() {
        assert!(object(b"\xff").unwrap_err().to_string().starts_with("not JSON: "));
        assert_eq!(object(b"[]").unwrap_err().to_string(), "the body is JSON, but no object");
        assert!(object("[".repeat(100_000).as_bytes()).is_err());
    }
}
