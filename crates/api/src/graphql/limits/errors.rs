//! The errors of exceeded limits, and the limits on the errors of one answer.
//!
//! Rules for the errors of one answer, whatever their cause:
//! 1. An answer has at most [`MAX_ERRORS`] errors. If there are more, the last error says how many were left out.
//! 2. Each message has at most [`MAX_MESSAGE_BYTES`] bytes, because a message can repeat a name of the query.
//! 3. Each error names at most [`MAX_LOCATIONS`] places of the query.

use std::time::Duration;

use async_graphql::ServerError;

use super::{super::error::with_code, admission::MAX_WAITING_OF_CALLER};

/// The maximum number of errors in one answer.
pub const MAX_ERRORS: usize = 50;
/// The maximum length of an error's message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 1024;
/// The maximum number of places in the query that an error names.
pub const MAX_LOCATIONS: usize = 10;

/// The error of an operation that asks for too much, or whose answer gets too large.
pub(crate) fn too_large(message: impl Into<String>) -> ServerError {
    coded("QUERY_TOO_LARGE", message)
}

/// The error of a query, or of an update of a subscription, that was stopped at its deadline.
pub(super) fn timed_out(timeout: Duration) -> ServerError {
    coded("QUERY_TIMEOUT", format!("the operation took longer than {timeout:?}"))
}

/// The error of a mutation whose deadline has passed. It says that the change can still be made.
pub(crate) fn mutation_timed_out(timeout: Duration) -> ServerError {
    let mut error = timed_out(timeout);
    error.message.push_str("; a mutation that had begun is still carried out");
    error
}

/// The error of a large operation while too many others wait for the permit of a large answer.
pub(super) fn too_many_large() -> ServerError {
    coded("UNAVAILABLE", "too many large queries at once: try again")
}

/// The error of a query whose caller already has too many waiting queries.
pub(super) fn too_many_of_caller() -> ServerError {
    coded("UNAVAILABLE", format!("more than {MAX_WAITING_OF_CALLER} of your queries wait already: try again"))
}

/// The error of introspection while it is switched off.
pub(super) fn introspection_disabled() -> ServerError {
    coded("INTROSPECTION_DISABLED", "introspection is switched off on this server")
}

/// The last error of an answer that has too many errors. `count` is the number of errors that were left out.
pub(crate) fn left_out_errors(count: usize) -> ServerError {
    coded("TOO_MANY_ERRORS", format!("{count} more errors were left out"))
}

fn coded(code: &str, message: impl Into<String>) -> ServerError {
    with_code(ServerError::new(message, None), code)
}

/// Cuts the errors of one answer to the limits of this module.
pub(crate) fn limit_errors(errors: &mut Vec<ServerError>) {
    if errors.len() > MAX_ERRORS {
        let left_out = errors.len() - (MAX_ERRORS - 1);
        errors.truncate(MAX_ERRORS - 1);
        errors.shrink_to_fit();
        errors.push(left_out_errors(left_out));
    }
    for error in errors {
        shorten_text(&mut error.message);
        error.locations.truncate(MAX_LOCATIONS);
    }
}

/// Cuts a text that is longer than [`MAX_MESSAGE_BYTES`], so that it ends with an ellipsis and is not longer than that.
fn shorten_text(text: &mut String) {
    if text.len() > MAX_MESSAGE_BYTES {
        let end = text.floor_char_boundary(MAX_MESSAGE_BYTES - '…'.len_utf8());
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_errors_stay_and_one_more_is_summed_up() {
        let many = |count: usize| (0..count).map(|n| ServerError::new(format!("{n}"), None)).collect();
        let mut errors: Vec<ServerError> = many(50);
        limit_errors(&mut errors);
        assert_eq!((errors.len(), errors[49].message.as_str()), (50, "49"));
        let mut errors: Vec<ServerError> = many(20_000);
        limit_errors(&mut errors);
        assert_eq!((errors.len(), errors[48].message.as_str()), (50, "48"));
        assert_eq!(errors[49].message, "19951 more errors were left out");
        let code = errors[49].extensions.as_ref().and_then(|extensions| extensions.get("code"));
        assert_eq!(code, Some(&"TOO_MANY_ERRORS".into()));
    }

    #[test]
    fn a_message_has_at_most_one_kibibyte_and_stays_text() {
        for text in ["x".repeat(5000), "é".repeat(5000), "€".repeat(5000)] {
            let mut errors = vec![ServerError::new(text, None)];
            errors[0].locations = vec![async_graphql::Pos { line: 1, column: 1 }; 1000];
            limit_errors(&mut errors);
            assert!((1020..=1024).contains(&errors[0].message.len()), "{}", errors[0].message.len());
            assert!(errors[0].message.ends_with('…'));
            assert_eq!(errors[0].locations.len(), MAX_LOCATIONS);
        }
        let mut exact = vec![ServerError::new("x".repeat(1024), None)];
        limit_errors(&mut exact);
        assert_eq!(exact[0].message, "x".repeat(1024));
    }
}
