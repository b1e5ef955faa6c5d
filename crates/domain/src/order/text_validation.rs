//! Checks of text in requests: its length, and the characters that are refused ([`is_unsafe`]).
//!
//! Short texts (names, references, SKUs, places, codes) are one line. Long texts (reasons and notes) may also have line
//! feeds and tabs. Every refusal names the field. The files of `order/` call this, `app` and `api` for reasons. A text
//! is refused or taken as it is: nothing is trimmed or cut.

use serde_json::Value;

use crate::{input_field::InputField, refusal::Refusal, text::is_unsafe};

/// The longest notes, reasons and other texts, in characters, and the largest attachment, in bytes of JSON.
const MAX_NOTES: usize = 4_000;
const MAX_REASON: usize = 500;
const MAX_TEXT: usize = 500;
const MAX_METADATA: usize = 16 * 1024;

/// Refuses notes that are too long or have unsafe characters, and attachments that are too large or have a NUL, which
/// PostgreSQL cannot store.
pub(super) fn check_notes(notes: Option<&str>, metadata: Option<&Value>) -> Result<(), Refusal> {
    if let Some(notes) = notes {
        check_long_text(InputField::Notes, notes, MAX_NOTES)?;
    }
    let too_much = |metadata: &Value| {
        let json = metadata.to_string();
        json.len() > MAX_METADATA || json.contains("\\u0000")
    };
    if metadata.is_some_and(too_much) {
        return Err(Refusal::invalid(
            InputField::Metadata,
            format!("at most {} KiB of JSON are taken, and no NUL", MAX_METADATA / 1024),
        ));
    }
    Ok(())
}

/// Refuses a reason that is blank, too long, or has unsafe characters.
///
/// # Errors
/// [`Refusal::InvalidInput`] for `reason`.
pub fn check_reason(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Refusal::invalid(
            InputField::Reason,
            format!("a reason of 1 to {MAX_REASON} characters is needed: somebody will ask"),
        ));
    }
    check_long_text(InputField::Reason, reason, MAX_REASON)
}

/// Refuses the reason of a cancellation that is blank, too long for the notes of an event, or has unsafe characters.
/// The API calls this, because the reason becomes the notes of a transition, and a refusal has to name the field
/// `reason`.
///
/// # Errors
/// [`Refusal::InvalidInput`] for `reason`.
pub fn check_cancellation_reason(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::invalid(InputField::Reason, "a reason is needed: somebody will ask"));
    }
    check_long_text(InputField::Reason, reason, MAX_NOTES)
}

/// Refuses a short text that is blank, too long, or has unsafe characters.
pub(super) fn check_text(field: InputField, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
        return Err(Refusal::invalid(field, format!("1 to {MAX_TEXT} printable characters are needed")));
    }
    refuse_characters(field, text, is_unsafe)
}

/// Refuses a long text of more than `most` characters, or with unsafe characters other than line feeds and tabs.
fn check_long_text(field: InputField, text: &str, most: usize) -> Result<(), Refusal> {
    if text.chars().count() > most {
        return Err(Refusal::invalid(field, format!("at most {most} characters are taken")));
    }
    refuse_characters(field, text, |c| is_unsafe(c) && !matches!(c, '\n' | '\t'))
}

fn refuse_characters(field: InputField, text: &str, refused: impl Fn(char) -> bool) -> Result<(), Refusal> {
    match text.chars().find(|&c| refused(c)) {
        Some(c) => {
            let code = u32::from(c);
            Err(Refusal::invalid(
                field,
                format!(
                    "the character U+{code:04X} is not taken: no control and no bidirectional characters"
                ),
            ))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input_field::ItemField;

    const NAME: InputField = InputField::Item(0, ItemField::Name);

    fn expect_refusal(result: Result<(), Refusal>) -> Option<(InputField, String)> {
        match result {
            Ok(()) => None,
            Err(Refusal::InvalidInput { field, message }) => Some((field, message)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn short_texts_are_one_line_of_visible_characters() {
        assert_eq!(expect_refusal(check_text(NAME, "Tea, 5 g, für Anna 👩‍👧")), None);
        for c in [
            '\n', '\r', '\t', '\0', '\u{1b}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}',
            '\u{200f}',
        ] {
            let (field, message) = expect_refusal(check_text(NAME, &format!("a{c}b"))).expect("a refusal");
            assert_eq!(field, NAME);
            assert!(message.starts_with(&format!("the character U+{:04X} ", u32::from(c))), "{message}");
        }
    }

    #[test]
    fn long_texts_may_have_lines() {
        assert_eq!(expect_refusal(check_reason("too small:\n\t- the left one")), None);
        assert_eq!(expect_refusal(check_notes(Some("one\ntwo"), None)), None);
        for c in ['\r', '\0', '\u{1b}', '\u{2028}', '\u{202e}', '\u{2067}'] {
            let text = format!("a{c}b");
            assert_eq!(
                expect_refusal(check_reason(&text)).expect("a refusal").0,
                InputField::Reason,
                "{c:?}"
            );
            assert_eq!(
                expect_refusal(check_notes(Some(&text), None)).expect("a refusal").0,
                InputField::Notes,
                "{c:?}"
            );
        }
        assert_eq!(
            expect_refusal(check_notes(Some(&"x".repeat(4_001)), None)).expect("a refusal").0,
            InputField::Notes
        );
    }
}
