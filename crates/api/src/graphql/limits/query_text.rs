//! Limits on the text of a query: its length and its number of tokens.
//!
//! The parser takes some microseconds for each token. So the tokens are counted first, which takes a hundredth of that
//! time.

use async_graphql::ServerResult;

use super::errors::too_large;

/// The maximum length of a query, in bytes.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// The maximum number of tokens of a query: names, numbers, texts and punctuators.
pub const MAX_TOKENS: usize = 15_000;
/// Refuses a query that is too long, or has too many tokens, to be parsed.
///
/// # Errors
/// `QUERY_TOO_LARGE`.
pub(crate) fn check_query_text(query: &str) -> ServerResult<()> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(too_large(format!("the query is longer than {MAX_QUERY_BYTES} bytes")));
    }
    if query.len() > MAX_TOKENS && count_tokens(query) > MAX_TOKENS {
        return Err(too_large(format!("the query has more than {MAX_TOKENS} tokens")));
    }
    Ok(())
}

/// Counts the tokens of a query. For a text that is not GraphQL the result is some number, which is good enough.
fn count_tokens(query: &str) -> usize {
    let mut rest = query.as_bytes();
    let mut count = 0;
    while let Some(&byte) = rest.first() {
        let length = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                rest = &rest[1..];
                continue;
            }
            b'#' => {
                let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                rest = &rest[end.unwrap_or(rest.len())..];
                continue;
            }
            b'"' => text_length(rest),
            b'.' if rest.starts_with(b"...") => 3,
            _ if is_word(byte) => rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len()),
            _ => 1,
        };
        rest = &rest[length..];
        count += 1;
    }
    count
}

/// Whether a byte can be part of a name or a number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'+')
}

/// The length of the string that begins here, with its quotes. A string without an end goes up to the end of `rest`.
fn text_length(rest: &[u8]) -> usize {
    let quote: &[u8] = if rest.starts_with(b"\"\"\"") { b"\"\"\"" } else { b"\"" };
    let mut at = quote.len();
    while at < rest.len() {
        if rest[at] == b'\\' {
            at += 2;
        } else if rest[at..].starts_with(quote) {
            return at + quote.len();
        } else {
            at += 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_graphql() {
        for (query, expected) in [
            ("", 0),
            (" ,\n\t# a comment, with words\n", 0),
            ("{ a }", 3),
            ("{a,b c}", 5),
            ("query Q($a: [Int!]! = [1, -2.5e+3]) { b(c: $a) @skip(if: true) ...F }", 35),
            ("{ a(b: \"one \\\" text\", c: \"\"\"two\n \"quoted\" \\\"\"\" texts\"\"\") }", 11),
            ("{ a(b: \"\") }", 8),
            ("{ a(b: \"no end", 6),
            ("{ a(b: \"no end\\", 6),
            ("# no end", 0),
            ("\u{e9}", 2),
        ] {
            assert_eq!(count_tokens(query), expected, "{query}");
        }
    }

    #[test]
    fn too_many_tokens_are_refused_before_they_are_parsed() {
        for one in ["0,", "[0]", "{", "a ", "@a", "$", "\"\" "] {
            let error = check_query_text(&one.repeat(MAX_QUERY_BYTES / one.len())).unwrap_err();
            assert_eq!(error.message, "the query has more than 15000 tokens", "{one}");
        }
        assert!(check_query_text(&format!("{{ a(b: \"{}\") }}", "[0]".repeat(20_000))).is_ok());
    }
}
