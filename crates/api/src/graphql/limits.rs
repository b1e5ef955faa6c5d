//! Limits on the work of one GraphQL operation, before it runs and while it runs.
//!
//! [`apply_limits`] adds the limits to a schema. `documents` calls [`check_text`], [`check_size`] and [`read_apart`] before
//! it validates a request. The transports call [`bound_errors`] for every answer. Each file has its limits:
//!
//! | file | limit |
//! |---|---|
//! | `parsing` | the length of a query and its tokens, before it is parsed |
//! | `document` | the size of the document: selections, aliases, names, directives, arguments, variables |
//! | `introspection` | complexity and nesting of introspection |
//! | `weights` | how much a list counts towards the complexity |
//! | `variables` | how many values the JSON of a request holds |
//! | `running` | values, bytes and rows while an operation is resolved |
//! | `admission` | how many operations, and how many large ones, are resolved at once in the process |
//! | `errors` | number and size of the errors of one answer |
//! | `extension` | complexity, depth and time of an operation; whether introspection is allowed |

mod admission;
mod document;
mod errors;
mod extension;
mod introspection;
mod parsing;
mod running;
mod variables;
pub(crate) mod weights;

use std::time::Duration;

use async_graphql::{
    ObjectType, SchemaBuilder, ServerResult, SubscriptionType, parser::types::ExecutableDocument,
};

pub(crate) use self::{
    admission::{LargeResponsePermit, PermitSlot},
    errors::{MAX_ERRORS, bound_errors, errors_left_out, timed_out, too_large},
    parsing::{check_text, read_apart},
    running::{MAX_ROWS, Running},
    variables::{TooManyValues, check_json},
};

#[cfg(test)]
pub(crate) use self::parsing::MAX_QUERY_BYTES;

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

/// Adds all limits to a schema under construction. Suggestions in error messages are switched off, because they help to
/// guess hidden names.
pub fn apply_limits<Q, M, S>(builder: SchemaBuilder<Q, M, S>, limits: Limits) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    // The library has limits on depth, complexity and directives too. They are not used, because their errors have no
    // code and do not name the limit.
    builder
        .limit_recursive_depth(MAX_RECURSION)
        .disable_suggestions()
        .extension(extension::BoundsFactory::new(limits))
}

/// Refuses a document that is too large to be validated. The cost of its introspection is checked later, because it
/// needs the lengths of the schema's lists.
pub(super) fn check_size(document: &ExecutableDocument) -> ServerResult<()> {
    document::check_document(document, &introspection::Weights::default()).map(drop)
}

#[cfg(test)]
mod tests;
