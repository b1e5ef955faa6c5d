//! Rules of the validation that the library which validates (apollo-compiler 1.33) leaves out or knows in part.

mod merged_arguments;
mod variable_positions;

use apollo_compiler::ExecutableDocument;
use async_graphql::ServerError;

use super::{positions::Positions, types::Types};

/// Checks a document that the library found valid.
///
/// # Errors
/// One for each place that breaks a rule.
pub fn check(
    types: &Types,
    source: &ExecutableDocument,
    positions: &Positions,
) -> Result<(), Vec<ServerError>> {
    let mut errors = variable_positions::check(types, source, positions);
    errors.extend(merged_arguments::check(types, source, positions));
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
