//! Tolerant reading of carriers' JSON: a number where a text is expected, an empty text for an absent one, a single
//! value where a list is expected.
//!
//! The sender modules call these functions to read bodies and their fields. `pointer` is a JSON pointer (RFC 6901);
//! `key` is a plain key.
//!
//! - `parse_value` and `parse_object` parse a whole body. `Err` is also a body with too many values.
//! - `text_at`, `plain_text_at` (without HTML) and `words_at` (with at least one letter) return a text without blanks
//!   around it, cut after 500 characters. `None` means absent, empty, or of another type; that is no error.
//! - `flag_at` is false for an absent value too. `list_at` is empty only for an absent value and for null: any other
//!   value that is no list counts as a list of one.
//! - `require_text` is for a field without which the body is useless: `Err` if none of the places has it.

use serde_json::Value;

use crate::{html::strip_html, unreadable::Unreadable};

/// The longest text taken from a body, in characters. A longer text is cut.
const MAX_TEXT: usize = 500;
/// How many characters of a text that may contain HTML are read before it is cut: links are long.
const MAX_HTML: usize = 4 * MAX_TEXT;
/// From this value on (2^53) a float may have lost digits of the number that was sent.
const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The most brackets and commas in a body. Every value but the first needs one of them, so this limits the number of
/// values. It is enough for [`crate::MAX_SCANS`] scans with 38 fields each. A photo counts nothing: base64 contains
/// none of these characters.
pub(crate) const MAX_MARKS: usize = 200_000;

/// Parses a body as JSON. It counts brackets and commas first and refuses a body with more than [`MAX_MARKS`],
/// because small values take much more memory than their text: `{"a":0}` takes a hundred times its bytes.
pub(crate) fn parse_value(body: &[u8]) -> Result<Value, Unreadable> {
    if body.iter().filter(|byte| matches!(byte, b'{' | b'[' | b',')).nth(MAX_MARKS).is_some() {
        return Err(Unreadable(format!("more than {MAX_MARKS} brackets and commas in one body")));
    }
    serde_json::from_slice(body).map_err(|error| Unreadable(format!("not JSON: {error}")))
}

/// Parses a body that must be a JSON object.
pub(crate) fn parse_object(body: &[u8]) -> Result<Value, Unreadable> {
    let value = parse_value(body)?;
    if value.is_object() { Ok(value) } else { Err(Unreadable("the body is JSON, but no object".into())) }
}

/// The text at a JSON pointer (RFC 6901), without blanks around it. A number that is exact counts as a text. Any
/// other value, also an empty text or null, counts as absent. Control characters become blanks, because PostgreSQL
/// accepts no NUL in a text.
pub(crate) fn text_at(value: &Value, pointer: &str) -> Option<String> {
    read_text(value, pointer, MAX_TEXT)
}

/// The text at a JSON pointer without HTML, for texts that are shown to people.
pub(crate) fn plain_text_at(value: &Value, pointer: &str) -> Option<String> {
    let text = read_text(value, pointer, MAX_HTML)?;
    clean_text(strip_html(&text).chars(), MAX_TEXT)
}

/// The words at a JSON pointer, without HTML. `None` if the text has no letter: some senders write a number where the
/// description belongs.
pub(crate) fn words_at(value: &Value, pointer: &str) -> Option<String> {
    plain_text_at(value, pointer).filter(|text| text.contains(char::is_alphabetic))
}

fn read_text(value: &Value, pointer: &str, max_chars: usize) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) => clean_text(text.chars(), max_chars),
        Value::Number(number)
            if number.as_f64().is_some_and(|n| !number.is_f64() || n.abs() < EXACT_FLOAT) =>
        {
            clean_text(number.to_string().chars(), max_chars)
        }
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first text found at one of these pointers. It is an error if there is none. `name` names the field in the
/// error.
pub(crate) fn require_text(name: &str, places: &[(&Value, &str)]) -> Result<String, Unreadable> {
    let found = places.iter().find_map(|(value, pointer)| text_at(value, pointer));
    found.ok_or_else(|| {
        let is_number =
            |(value, pointer): &(&Value, &str)| value.pointer(pointer).is_some_and(Value::is_number);
        Unreadable(match places.iter().any(is_number) {
            true => format!("{name} is a number too long to be read exactly"),
            false => format!("{name} is missing"),
        })
    })
}

/// Reads at most so many characters, because one long text beside a list may be read again for each of thousands of
/// events.
fn clean_text(raw: impl Iterator<Item = char>, max_chars: usize) -> Option<String> {
    let cut: String = raw.take(max_chars).map(|c| if c.is_control() { ' ' } else { c }).collect();
    match cut.trim() {
        "" => None,
        text => Some(text.to_owned()),
    }
}

/// Whether the value is true, as a boolean or as a text.
pub(crate) fn flag_at(value: &Value, pointer: &str) -> bool {
    match value.pointer(pointer) {
        Some(Value::Bool(so)) => *so,
        Some(Value::String(text)) => text.trim().eq_ignore_ascii_case("true"),
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

/// The elements of the list under a key. A single value counts as a list of one, because converters from XML write it
/// so.
pub(crate) fn list_at<'a>(value: &'a Value, key: &str) -> &'a [Value] {
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
        assert_eq!(text_at(&value, "/a").as_deref(), Some("x y"));
        assert_eq!(text_at(&value, "/n").as_deref(), Some("794600000001"));
        assert_eq!(text_at(&value, "/f").as_deref(), Some("-5.0"));
        assert_eq!(text_at(&value, "/o/i").as_deref(), Some("z"));
        for absent in ["/big", "/e", "/o", "/none", "/a/b"] {
            assert_eq!(text_at(&value, absent), None, "{absent}");
        }
    }

    #[test]
    fn words_are_read_without_html_and_are_no_numbers() {
        let link = "x".repeat(900);
        let value = json!({"html": format!("At <a href='{link}'>Packstation&nbsp;1</a>"), "n": 12345, "d": "48-7", "long": "é".repeat(900)});
        assert_eq!(words_at(&value, "/html").as_deref(), Some("At Packstation 1"));
        assert_eq!(words_at(&value, "/long"), Some("é".repeat(500)));
        for number in ["/n", "/d", "/none"] {
            assert_eq!(words_at(&value, number), None, "{number}");
        }
        assert_eq!(plain_text_at(&value, "/n").as_deref(), Some("12345"));
    }

    #[test]
    fn what_has_to_be_there_is_missing_or_too_long() {
        let value = json!({"long": 9_400_100_000_000_000_000_000_f64, "text": "9400100000000000000000"});
        let read = |pointers: &[&str]| {
            let places: Vec<_> = pointers.iter().map(|pointer| (&value, *pointer)).collect();
            require_text("`n`", &places).map_err(|error| error.to_string())
        };
        assert_eq!(read(&["/none", "/long", "/text"]).as_deref(), Ok("9400100000000000000000"));
        assert_eq!(read(&["/none"]).unwrap_err(), "`n` is missing");
        assert_eq!(read(&["/none", "/long"]).unwrap_err(), "`n` is a number too long to be read exactly");
    }

    #[test]
    fn no_more_of_a_text_is_looked_at_than_is_taken() {
        let looked = std::cell::Cell::new(0);
        for character in ['x', ' '] {
            looked.set(0);
            let raw = std::iter::repeat_n(character, 1 << 20).inspect(|_| looked.set(looked.get() + 1));
            assert_eq!(
                clean_text(raw, MAX_TEXT).map(|text| text.len()),
                Some(MAX_TEXT).filter(|_| character == 'x')
            );
            assert_eq!(looked.get(), MAX_TEXT);
        }
    }

    #[test]
    fn truth_is_read_tolerantly() {
        let value = json!({"a": true, "b": "True", "c": false, "d": "no", "e": 1, "f": null});
        let so: Vec<&str> =
            ["/a", "/b", "/c", "/d", "/e", "/f", "/g"].into_iter().filter(|at| flag_at(&value, at)).collect();
        assert_eq!(so, ["/a", "/b"]);
    }

    #[test]
    fn a_body_of_very_many_values_is_not_read() {
        let values = |marks: usize| format!("[{}0]", "0,".repeat(marks - 1));
        assert!(parse_value(values(MAX_MARKS).as_bytes()).is_ok());
        let refused = parse_value(values(MAX_MARKS + 1).as_bytes()).unwrap_err().to_string();
        assert_eq!(refused, "more than 200000 brackets and commas in one body");
    }

    #[test]
    fn what_is_no_object_is_named() {
        assert!(parse_object(b"\xff").unwrap_err().to_string().starts_with("not JSON: "));
        assert_eq!(parse_object(b"[]").unwrap_err().to_string(), "the body is JSON, but no object");
        assert!(parse_object("[".repeat(100_000).as_bytes()).is_err());
    }
}
