//! How deep a document nests, counted in its text before it is parsed.
//!
//! The parser and the checks after it call themselves for each level of a value, a type or a selection. A value that
//! is a few thousand levels deep uses up the stack of the thread, which ends the process. So brackets are counted
//! here. Brackets in strings and comments do not count.

use async_graphql::ServerResult;

/// Brackets inside brackets, of all three kinds: selections, arguments, lists and objects.
pub const MAX_NESTING: usize = 100;

/// Refuses a document that nests deeper than [`MAX_NESTING`]. It need not be valid: the parser comes afterwards.
///
/// # Errors
/// `QUERY_TOO_LARGE`.
pub(super) fn check_nesting(document: &str) -> ServerResult<()> {
    let mut depth = 0_usize;
    let mut rest = document.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match first {
            b'"' => after_string(rest),
            b'#' => after_comment(after),
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > MAX_NESTING {
                    let message = format!("the query nests deeper than {MAX_NESTING} brackets");
                    return Err(super::too_large(message));
                }
                after
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                after
            }
            _ => after,
        };
    }
    Ok(())
}

/// What follows the string that begins here.
fn after_string(text: &[u8]) -> &[u8] {
    if let Some(mut block) = text.strip_prefix(b"\"\"\"") {
        while !block.is_empty() {
            match block {
                [b'\\', b'"', b'"', b'"', after @ ..] => block = after,
                [b'"', b'"', b'"', after @ ..] => return after,
                [_, after @ ..] => block = after,
                [] => {}
            }
        }
        return block;
    }
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        rest = match rest {
            // A string ends with its line: the parser refuses one that does not end before.
            [] | [b'\n' | b'\r', ..] => return rest,
            [b'"', after @ ..] => return after,
            [b'\\', _, after @ ..] | [_, after @ ..] => after,
        };
    }
}

fn after_comment(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(text.len());
    &text[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(open: &str, close: &str, depth: usize) -> String {
        format!("{}{}", open.repeat(depth), close.repeat(depth))
    }

    #[test]
    fn the_bound_is_exact_for_all_kinds_of_brackets() {
        for (open, close) in [("{", "}"), ("[", "]"), ("(", ")")] {
            assert!(check_nesting(&nested(open, close, MAX_NESTING)).is_ok(), "{open}");
            let error = check_nesting(&nested(open, close, MAX_NESTING + 1)).unwrap_err();
            assert_eq!(error.extensions.unwrap().get("code"), Some(&"QUERY_TOO_LARGE".into()), "{open}");
        }
        assert!(check_nesting(&"{([".repeat(40)).is_err());
        assert!(check_nesting(&"{}[]()".repeat(1_000)).is_ok());
        // Brackets that close nothing give no room for others.
        assert!(check_nesting(&format!("{}{}", "}".repeat(500), "{".repeat(MAX_NESTING + 1))).is_err());
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let many = "{[(".repeat(100);
        let texts = [
            format!(r#"{{a(b: "{many}")}}"#),
            format!(r#"{{a(b: "\"{many}")}}"#),
            format!(r#"{{a(b: """x "y" \""" {many}""")}}"#),
            format!("# {many}\n{{a}}"),
            format!("{{a}} # {many}"),
        ];
        for text in texts {
            assert!(check_nesting(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_follows_a_string_or_a_comment_counts() {
        let many = "[".repeat(MAX_NESTING + 1);
        for before in [
            "\"\"",
            "\"x\\\\\"",
            "\"\"\"\"\"\"",
            "\"\"\"x\\\"\"\"y\"\"\"",
            "#\n",
            "#\r",
            "\"x\n",
            "\"\"\"\"x\"\"\"",
        ] {
            assert!(check_nesting(&format!("{before}{many}")).is_err(), "{before}");
        }
    }
}
