//! Searches an answer: for secrets in its texts, and for fields that have a value.

use std::collections::BTreeSet;

use serde_json::Value;

use super::AnsweredOperation;

/// The secrets that an answer contains. Texts of the query itself are removed first, because they may come back.
pub(in super::super) fn find_leaks<'a>(answer: &AnsweredOperation, tales: &'a [String]) -> Vec<&'a String> {
    let written: Vec<&str> =
        answer.query.split('"').skip(1).step_by(2).filter(|text| !text.is_empty()).collect();
    let without = |text: String| written.iter().fold(text, |text, own| text.replace(own, "")).to_lowercase();
    let texts: Vec<String> = texts(&answer.response).into_iter().map(without).collect();
    tales.iter().filter(|tale| texts.iter().any(|text| text.contains(&tale.to_lowercase()))).collect()
}

/// Every text in an answer, including the decoded content of cursors.
fn texts(value: &Value) -> Vec<String> {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    match value {
        Value::Null => vec![],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::String(text) => {
            let inside = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
            let inside = inside.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            std::iter::once(text.clone()).chain(inside).collect()
        }
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| [vec![name.clone()], texts(value)].concat()).collect()
        }
    }
}

/// The fields of an answer that are neither null nor an empty list, as `Type.field`.
pub(in super::super) fn filled(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
        Value::Array(values) => values.iter().flat_map(filled).collect(),
        Value::Object(fields) => {
            let kind = fields.get("__typename").and_then(Value::as_str).unwrap_or("Query");
            let has =
                |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
            let own = fields.iter().filter(|(_, value)| has(value)).map(|(name, _)| format!("{kind}.{name}"));
            own.chain(fields.values().flat_map(filled)).collect()
        }
    }
}
