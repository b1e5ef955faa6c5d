//! Makes the errors, with their codes, for requests that are refused before they are executed.

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

/// The error of a text that is not a GraphQL document.
pub fn syntax_errors(faults: &DiagnosticList, positions: &Positions) -> Vec<ServerError> {
    // Only the first fault, because the parser also reports faults that follow from it.
    errors(faults.iter(), positions, "GRAPHQL_PARSE_FAILED").take(1).collect()
}

/// The errors of a document that does not fit the schema. Errors of rules that `replaced` names are ignored. A long
/// document can have thousands of errors, so errors beyond [`MAX_ERRORS`] are only counted.
pub fn validation_errors(
    faults: &DiagnosticList,
    positions: &Positions,
    replaced: &[&str],
) -> Vec<ServerError> {
    let is_replaced = |name: Option<&str>| name.is_some_and(|name| replaced.contains(&name));
    let counted = || faults.iter().filter(|fault| !is_replaced(fault.error.unstable_error_name()));
    let count = counted().count();
    let shown = if count > MAX_ERRORS { MAX_ERRORS - 1 } else { count };
    let shown_errors = errors(counted().take(shown), positions, "GRAPHQL_VALIDATION_FAILED");
    shown_errors.chain((count > shown).then(|| left_out_errors(count - shown))).collect()
}

/// The error of a request that does not fit the schema.
pub fn invalid(message: String, pos: Option<Pos>) -> ServerError {
    shortened(ServerError::new(message, pos), "GRAPHQL_VALIDATION_FAILED")
}

fn errors<'a>(
    faults: impl Iterator<Item = Diagnostic<'a, DiagnosticData>>,
    positions: &Positions,
    code: &str,
) -> impl Iterator<Item = ServerError> {
    faults.map(move |fault| {
        let pos = fault.error.location().map(|span| positions.find_position(span.offset()));
        shortened(ServerError::new(fault.error.to_string(), pos), code)
    })
}

fn shortened(mut error: ServerError, code: &str) -> ServerError {
    if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE_CHARS) {
        error.message.truncate(end);
        error.message.push('…');
    }
    with_code(error, code)
}
