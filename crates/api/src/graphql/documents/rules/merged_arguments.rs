//! Checks that fields which are merged into one have the same arguments.
//!
//! <https://spec.graphql.org/October2021/#sec-Field-Selection-Merging>. apollo-compiler checks this too, but compares
//! two lists only up to the end of the shorter one.

use std::convert::Infallible;

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{Argument, SelectionSet, Value},
};
use async_graphql::ServerError;

use super::super::{fields::collect_fields, positions::Positions, refusals::validation_error, types::Types};

/// Checks all operations and returns their errors.
pub fn check_merged_arguments(
    types: &Types,
    source: &ExecutableDocument,
    positions: &Positions,
) -> Vec<ServerError> {
    let mut merging = Merging { types, source, positions, errors: Vec::new() };
    for operation in source.operations.iter() {
        merging.check_selections(&operation.selection_set.ty, &[&operation.selection_set]);
    }
    merging.errors
}

struct Merging<'a> {
    types: &'a Types,
    source: &'a ExecutableDocument,
    positions: &'a Positions,
    errors: Vec<ServerError>,
}

impl<'a> Merging<'a> {
    fn check_selections(&mut self, ty: &str, sets: &[&'a SelectionSet]) {
        let types = self.types;
        match types.possible_objects_of(ty) {
            Some(objects) => objects.iter().for_each(|object| self.check_fields(object, sets)),
            None => self.check_fields(ty, sets),
        }
    }

    fn check_fields(&mut self, object: &str, sets: &[&'a SelectionSet]) {
        let Ok(collected) =
            collect_fields(self.types, self.source, object, sets, |_| Ok::<_, Infallible>(true));
        for (key, (first, others)) in collected {
            let other = others.iter().find(|other| !have_same_arguments(&first.arguments, &other.arguments));
            if let Some(other) = other {
                let message = format!("fields with the response key `{key}` have different arguments");
                self.errors
                    .push(validation_error(message, Some(self.positions.find_node_start(other.location()))));
            }
            if !first.selection_set.is_empty() {
                let others = others.iter().map(|field| &field.selection_set);
                let sets: Vec<_> = std::iter::once(&first.selection_set).chain(others).collect();
                self.check_selections(&first.selection_set.ty, &sets);
            }
        }
    }
}

fn have_same_arguments(these: &[Node<Argument>], those: &[Node<Argument>]) -> bool {
    these.len() == those.len()
        && these.iter().all(|this| {
            let that = those.iter().find(|that| that.name == this.name);
            that.is_some_and(|that| is_same_value(&this.value, &that.value))
        })
}

fn is_same_value(this: &Value, that: &Value) -> bool {
    match (this, that) {
        (Value::List(these), Value::List(those)) => {
            these.len() == those.len()
                && these.iter().zip(those).all(|(this, that)| is_same_value(this, that))
        }
        (Value::Object(these), Value::Object(those)) => {
            these.len() == those.len()
                && these.iter().all(|(name, this)| {
                    let that = those.iter().find(|(other, _)| other == name);
                    that.is_some_and(|(_, that)| is_same_value(this, that))
                })
        }
        (this, that) => this == that,
    }
}
