//! The limit on the number of values in the JSON of a request.
//!
//! An element of a list of zeros takes two bytes in JSON and about 80 bytes in memory. So a body of permitted length
//! could take forty times its length in memory, and several times that while variables are checked. The values are
//! therefore counted in the bytes, before the JSON is parsed. The largest useful input is an order of 1,000 items with
//! about 9,000 values.

/// The maximum number of values in the JSON of one request: elements of lists and members of objects.
pub const MAX_JSON_VALUES: usize = 25_000;

/// Up to this length in bytes, a body cannot hold more values than that, and is not counted.
const SHORT: usize = 2 * MAX_JSON_VALUES;

/// Refuses JSON with more values than [`MAX_JSON_VALUES`]. It counts commas and opening brackets outside of strings.
/// The bytes need not be valid JSON, because they are parsed afterwards.
///
/// # Errors
/// [`TooManyValues`], whose message is for the caller.
pub(crate) fn check_json_values(bytes: &[u8]) -> Result<(), TooManyValues> {
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

/// The error of a request that holds too many values.
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
        assert!(check_json_values(list(MAX_JSON_VALUES - 10).as_bytes()).is_ok());
        assert!(check_json_values(list(MAX_JSON_VALUES + 1).as_bytes()).is_err());
        for open in ["[", "{", "[[],"] {
            assert!(check_json_values(open.repeat(60_000).as_bytes()).is_err(), "{open}");
        }
        let text = format!(r#"{{"query":"{}"}}"#, r#"a,\"[{,"#.repeat(20_000));
        assert!(check_json_values(text.as_bytes()).is_ok());
        let after_text = format!(r#"{{"query":"\\",{}"#, "0,".repeat(60_000));
        assert!(check_json_values(after_text.as_bytes()).is_err());
    }
}
