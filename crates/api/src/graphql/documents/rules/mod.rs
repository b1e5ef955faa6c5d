//! Rules of validation that apollo-compiler 1.33 does not check, or checks differently than the specification.

mod merged_arguments;
mod subscription_root;
mod values;

use apollo_compiler::ExecutableDocument;
use async_graphql::ServerError;

pub use subscription_root::{NOT_ONE_ROOT_FIELD, REPLACED_RULES};

use super::{positions::Positions, types::Types};

/// Checks a document that apollo-compiler found valid.
///
/// # Errors
/// One for each place that breaks a rule.
pub fn check_rules(
    types: &Types,
    source: &ExecutableDocument,
    positions: &Positions,
) -> Result<(), Vec<ServerError>> {
    let mut errors = values::check_values(types, source, positions);
    errors.extend(subscription_root::check_subscription_root(types, source, positions));
    errors.extend(merged_arguments::check_merged_arguments(types, source, positions));
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
