//! How many values the JSON of a request may hold.
//!
//! A list of zeros takes two bytes an element in JSON and about 80 in memory, so a body within its limit could take
//! forty times its size, several times over while variables are checked. The values are counted in the bytes, before
//! anything is built from them. The largest useful input is an order of 1,000 items with about 9,000 values.

/// Values in the JSON of one request: elements of lists and members of objects.
pub const MAX_JSON_VALUES: usize = 25_000;

/// Bodies up to this length cannot hold more.
const SHORT: usize = 2 * MAX_JSON_VALUES;

/// Refuses JSON with more values than a request may have. It need not be valid JSON: the parser comes afterwards.
///
/// # Errors
/// A message for the caller.
pub(crate) fn check_json(bytes: &[u8]) -> Result<(), TooManyValues> {
    if bytes.len() <= SHORT {
        return Ok(());
    }
    let (mut values, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (byte, in_text) {
            _ if escaped => escaped = false,
            (b'\\', true) => escaped = true,
            (b'"', _) => in_text = !in_text,
            (b',' | b'[' | b'{', false) => values += 1,
            _ => {}
        }
    }
    if values > MAX_JSON_VALUES { Err(TooManyValues) } else { Ok(()) }
}

/// A request holds too many values.
#[derive(Debug, thiserror::Error)]
#[error("the request holds more than {MAX_JSON_VALUES} values")]
pub(crate) struct TooManyValues;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_texts() {
        let list =
            |values: usize| format!(r#"{{"query":"{{a}}","variables":{{"a":[{}0]}}}}"#, "0,".repeat(values));
        assert!(check_json(list(MAX_JSON_VALUES - 10).as_bytes()).is_ok());
        assert!(check_json(list(MAX_JSON_VALUES + 1).as_bytes()).is_err());
        for open in ["[", "{", "[[],"] {
            assert!(check_json(open.repeat(60_000).as_bytes()).is_err(), "{open}");
        }
        let text = format!(r#"{{"query":"{}"}}"#, r#"a,\"[{,"#.repeat(20_000));
        assert!(check_json(text.as_bytes()).is_ok());
        let after_text = format!(r#"{{"query":"\\",{}"#, "0,".repeat(60_000));
        assert!(check_json(after_text.as_bytes()).is_err());
    }
}
