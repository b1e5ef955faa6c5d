//! Makes the errors, with their codes, for requests that are refused before they are executed. Each message is cut to
//! [`MAX_MESSAGE_CHARS`].
//! 1. Of syntax errors only the first one is answered, because the parser also reports faults that follow from it.
//! 2. Of validation errors at most [`MAX_ERRORS`] are answered. If there are more, the last one says how many were left
//!    out. Errors of rules that [`rules`](super::rules) replaces are ignored, so there may be none.

use apollo_compiler::{
    diagnostic::{Diagnostic, ToCliReport},
    validation::{DiagnosticData, DiagnosticList},
};
use async_graphql::{Pos, ServerError};

use super::{
    super::{
        error::with_code,
        limits::{MAX_ERRORS, left_out_errors},
    },
    positions::Positions,
};

/// The maximum length of a message, in characters. A message can repeat a name that is as long as the query.
const MAX_MESSAGE_CHARS: usize = 300;

/// The first error of a text that is not a GraphQL document, as a list of one.
pub fn first_syntax_error(faults: &DiagnosticList, positions: &Positions) -> Vec<ServerError> {
    convert_faults(faults.iter(), positions, "GRAPHQL_PARSE_FAILED").take(1).collect()
}

/// The errors of a document that does not fit the schema, by rule 2. `replaced` names the rules whose errors are
/// ignored. Empty if there are no others.
pub fn validation_errors(
    faults: &DiagnosticList,
    positions: &Positions,
    replaced: &[&str],
) -> Vec<ServerError> {
    let is_replaced = |name: Option<&str>| name.is_some_and(|name| replaced.contains(&name));
    let counted = || faults.iter().filter(|fault| !is_replaced(fault.error.unstable_error_name()));
    let count = counted().count();
    let shown = if count > MAX_ERRORS { MAX_ERRORS - 1 } else { count };
    let shown_errors = convert_faults(counted().take(shown), positions, "GRAPHQL_VALIDATION_FAILED");
    shown_errors.chain((count > shown).then(|| left_out_errors(count - shown))).collect()
}

/// The error of a request that does not fit the schema.
pub fn validation_error(message: impl Into<String>, pos: Option<Pos>) -> ServerError {
    with_code_and_short_message(ServerError::new(message, pos), "GRAPHQL_VALIDATION_FAILED")
}

fn convert_faults<'a>(
    faults: impl Iterator<Item = Diagnostic<'a, DiagnosticData>>,
    positions: &Positions,
    code: &str,
) -> impl Iterator<Item = ServerError> {
    faults.map(move |fault| {
        let pos = fault.error.location().map(|span| positions.find_position(span.offset()));
        with_code_and_short_message(ServerError::new(fault.error.to_string(), pos), code)
    })
}

fn with_code_and_short_message(mut error: ServerError, code: &str) -> ServerError {
    if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE_CHARS) {
        error.message.truncate(end);
        error.message.push('…');
    }
    with_code(error, code)
}
