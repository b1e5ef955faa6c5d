//! Words in requests: how long they may be, and what no database would keep.

use serde_json::Value;

use crate::refusal::Refusal;

/// The longest notes, reasons and other texts, in characters, and the largest attachment, in bytes of JSON.
const MAX_NOTES: usize = 4_000;
const MAX_REASON: usize = 500;
const MAX_TEXT: usize = 500;
const MAX_METADATA: usize = 16 * 1024;

/// Refuses words that no database would keep as they are: too many, or with a NUL in them.
pub(super) fn check_words(notes: Option<&str>, metadata: Option<&Value>) -> Result<(), Refusal> {
    if notes.is_some_and(|notes| notes.contains('\0') || notes.chars().count() > MAX_NOTES) {
        return Err(Refusal::invalid(
            "notes",
            format!("at most {MAX_NOTES} characters are taken, and no NUL"),
        ));
    }
    let too_much = |metadata: &Value| {
        let json = metadata.to_string();
        json.len() > MAX_METADATA || json.contains("\\u0000")
    };
    if metadata.is_some_and(too_much) {
        return Err(Refusal::invalid(
            "metadata",
            format!("at most {} KiB of JSON are taken, and no NUL", MAX_METADATA / 1024),
        ));
    }
    Ok(())
}

/// Refuses a reason that tells nobody anything, or that no database would keep as it is.
pub(super) fn check_reason(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() || reason.contains('\0') || reason.chars().count() > MAX_REASON {
        return Err(Refusal::invalid(
            "reason",
            format!("a reason of 1 to {MAX_REASON} characters is needed: somebody will ask"),
        ));
    }
    Ok(())
}

/// Refuses a text that nobody could read: blank, endless, or with control characters in it.
pub(super) fn check_text(field: &str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(Refusal::invalid(field, format!("1 to {MAX_TEXT} printable characters are needed")));
    }
    Ok(())
}
