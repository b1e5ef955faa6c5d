//! Checks that a subscription has exactly one root field.
//!
//! <https://spec.graphql.org/October2021/#sec-Single-root-field>. apollo-compiler is stricter in two points:
//! 1. It counts selections, so it refuses a field that is selected twice with one response key. That is one field.
//! 2. It refuses every `@skip` and `@include` at the root, as later editions of the specification do. Here, a condition
//!    that is a literal is applied. A condition that is a variable is applied later, in the plan.

use std::convert::Infallible;

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{DirectiveList, Operation, Value},
};
use async_graphql::ServerError;

use super::super::{fields::collect_fields, positions::Positions, refusals::validation_error, types::Types};

/// The names of the rules of apollo-compiler that this rule replaces.
pub const REPLACED_RULES: [&str; 2] =
    ["SubscriptionUsesMultipleFields", "SubscriptionUsesConditionalSelection"];

/// The message of the error. The plan uses it too.
pub const NOT_ONE_ROOT_FIELD: &str = "a subscription must have exactly one root field";

/// Checks all subscriptions of a document and returns their errors.
pub fn check_subscription_root(
    types: &Types,
    source: &ExecutableDocument,
    positions: &Positions,
) -> Vec<ServerError> {
    let subscriptions = source.operations.iter().filter(|operation| operation.is_subscription());
    let wrong = subscriptions.filter(|operation| {
        let root = &operation.selection_set;
        let Ok(fields) = collect_fields(types, source, &root.ty, &[root], |directives| {
            Ok::<_, Infallible>(may_be_included(directives))
        });
        fields.len() != 1
    });
    let place = |operation: &Node<Operation>| Some(positions.find_node_start(operation.location()));
    wrong.map(|operation| validation_error(NOT_ONE_ROOT_FIELD, place(operation))).collect()
}

/// Whether the selection can be included: no condition that is a literal excludes it.
fn may_be_included(directives: &DirectiveList) -> bool {
    directives.iter().all(|directive| {
        let condition = directive.specified_argument_by_name("if").map(|value| value.as_ref());
        match directive.name.as_str() {
            "skip" => condition != Some(&Value::Boolean(true)),
            "include" => condition != Some(&Value::Boolean(false)),
            _ => true,
        }
    })
}
