//! Limits on the work of one GraphQL operation, before it runs and while it runs.
//!
//! `extension` calls [`OperationLimits`] for every operation of a schema. `documents` calls [`check_query_text`] and
//! [`check_document_size`] before it validates a request. The transports call [`check_json_values`] for every request
//! and [`limit_errors`] for every answer. Each file has its limits:
//!
//! | file | limit |
//! |---|---|
//! | `query_text` | the length of a query and its tokens, before it is parsed |
//! | `document` | the size of the document: selections, aliases, names, directives, arguments, variables |
//! | `introspection` | complexity and nesting of introspection |
//! | `weights` | how much a list counts towards the complexity |
//! | `json_values` | how many values the JSON of a request holds |
//! | `meter` | values, bytes and rows while an operation is resolved |
//! | `admission` | how many operations, and how many large ones, are resolved at once in the process |
//! | `errors` | number and size of the errors of one answer |
//! | `operation` | complexity, depth and time of an operation; whether introspection is allowed |

mod admission;
mod document;
mod errors;
mod introspection;
mod json_values;
mod meter;
mod operation;
mod query_text;
pub(crate) mod weights;

use std::time::Duration;

use async_graphql::{ServerResult, parser::types::ExecutableDocument};

pub(crate) use self::{
    admission::{LargeResponsePermit, PermitSlot},
    errors::{MAX_ERRORS, left_out_errors, limit_errors, mutation_timed_out, too_large},
    json_values::{TooManyValues, check_json_values},
    meter::{MAX_ROWS, OperationMeter},
    operation::{MutationDeadline, OperationLimits, ProcessLimits},
    query_text::check_query_text,
};

#[cfg(test)]
pub(crate) use self::query_text::MAX_QUERY_BYTES;

/// How deep fields may nest. The introspection query of graphql-js needs 15.
pub const MAX_DEPTH: usize = 16;
/// The maximum complexity of an operation: the sum over all its fields. Lists multiply it, see [`weights`].
pub const MAX_COMPLEXITY: usize = 30_000;
/// How deep selections may nest, including the selections of fragments.
pub const MAX_RECURSION: usize = 32;

/// The limits that have a setting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Whether `__schema` and `__type` are answered.
    pub introspection: bool,
    /// How long an operation, or one update of a subscription, may take.
    pub timeout: Duration,
    /// The largest answer, in bytes of JSON.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { introspection: true, timeout: Duration::from_secs(10), answer_bytes: 16 * 1024 * 1024 }
    }
}

/// Refuses a document that is too large to be validated. The cost of its introspection is checked later, because it
/// needs the lengths of the schema's lists.
pub(super) fn check_document_size(document: &ExecutableDocument) -> ServerResult<()> {
    document::measure_document(document, &introspection::ListLengths::default()).map(drop)
}

#[cfg(test)]
mod tests;
