//! A subscription has one root field.
//!
//! <https://spec.graphql.org/October2021/#sec-Single-root-field>. The library counts selections: it refuses a field
//! that is selected twice under one response key, which is one field. And it refuses every `@skip` and `@include` there,
//! as later editions of the specification do; a condition that is written out is known, so it counts here.

use std::convert::Infallible;

use apollo_compiler::{
    ExecutableDocument,
    executable::{DirectiveList, Value},
};
use async_graphql::ServerError;

use super::super::{fields::collect, positions::Positions, refusals::invalid, types::Types};

/// The rules of the library that this one takes the place of.
pub const REPLACED: [&str; 2] = ["SubscriptionUsesMultipleFields", "SubscriptionUsesConditionalSelection"];

/// The errors of all subscriptions.
pub fn check(types: &Types, source: &ExecutableDocument, positions: &Positions) -> Vec<ServerError> {
    let subscriptions = source.operations.iter().filter(|operation| operation.is_subscription());
    let wrong = subscriptions.filter(|operation| {
        let root = &operation.selection_set;
        let Ok(fields) = collect(types, source, &root.ty, &[root], |directives| {
            Ok::<_, Infallible>(may_be_included(directives))
        });
        fields.len() != 1
    });
    let message = "a subscription must have exactly one root field";
    wrong.map(|operation| invalid(message.to_owned(), Some(positions.of(operation.location())))).collect()
}

/// Whether no condition that is written out leaves the selection out.
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
