//! A variable is used only where its type is allowed, also inside lists and input objects.
//!
//! <https://spec.graphql.org/October2021/#sec-All-Variable-Usages-are-Allowed>. The library compares the whole type for a
//! variable that is an argument; inside of values it compares the name of the type alone. And it takes a default of
//! `null` for a value.

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{Argument, DirectiveList, Operation, Selection, SelectionSet, Type, Value, VariableDefinition},
    schema::{ExtendedType, InputValueDefinition},
};
use async_graphql::ServerError;

use super::super::{
    positions::Positions,
    refusals::{MAX_ERRORS, invalid},
    types::Types,
};

/// The errors of all operations.
pub fn check(types: &Types, source: &ExecutableDocument, positions: &Positions) -> Vec<ServerError> {
    let mut errors = Vec::new();
    for operation in source.operations.iter() {
        let mut usages = Usages { types, source, positions, operation, spread: HashSet::new(), errors };
        usages.directives(&operation.directives);
        usages.selections(&operation.selection_set);
        errors = usages.errors;
    }
    errors
}

struct Usages<'a> {
    types: &'a Types,
    source: &'a ExecutableDocument,
    positions: &'a Positions,
    operation: &'a Operation,
    /// The fragments that were looked at for this operation.
    spread: HashSet<&'a str>,
    errors: Vec<ServerError>,
}

impl<'a> Usages<'a> {
    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.definition.arguments, &field.arguments);
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(node) => {
                    if let Some(fragment) = node.fragment_def(self.source)
                        && self.spread.insert(fragment.name.as_str())
                    {
                        self.directives(&fragment.directives);
                        self.selections(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives.iter() {
            if let Some(definition) = self.types.schema().directive_definitions.get(&directive.name) {
                self.arguments(&definition.arguments, &directive.arguments);
            }
        }
    }

    fn arguments(&mut self, definitions: &'a [Node<InputValueDefinition>], arguments: &'a [Node<Argument>]) {
        for argument in arguments {
            if let Some(definition) =
                definitions.iter().find(|definition| definition.name == argument.name)
            {
                self.value(&definition.ty, definition.default_value.is_some(), &argument.value);
            }
        }
    }

    fn value(&mut self, ty: &'a Type, has_default: bool, value: &'a Node<Value>) {
        match value.as_ref() {
            Value::Variable(name) => {
                let variable = self.operation.variables.iter().find(|variable| variable.name == *name);
                if let Some(variable) = variable.filter(|variable| !is_allowed(variable, ty, has_default))
                    && self.errors.len() < MAX_ERRORS
                {
                    let message = format!(
                        "the variable ${name} of the type {} is used where the type {ty} is needed",
                        variable.ty
                    );
                    self.errors.push(invalid(message, Some(self.positions.of(value.location()))));
                }
            }
            Value::List(values) => {
                let element = if ty.is_list() { ty.item_type() } else { ty };
                values.iter().for_each(|value| self.value(element, false, value));
            }
            Value::Object(fields) => {
                let input = self.types.get(ty.inner_named_type()).and_then(ExtendedType::as_input_object);
                let Some(input) = input else { return };
                for (name, value) in fields {
                    if let Some(field) = input.fields.get(name) {
                        self.value(&field.ty, field.default_value.is_some(), value);
                    }
                }
            }
            Value::Null
            | Value::Enum(_)
            | Value::String(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::Boolean(_) => {}
        }
    }
}

/// A default takes the place of a null that the position does not allow.
fn is_allowed(variable: &VariableDefinition, position: &Type, has_default: bool) -> bool {
    if !position.is_non_null() || variable.ty.is_non_null() {
        return variable.ty.is_assignable_to(position);
    }
    let has_value = variable.default_value.as_ref().is_some_and(|default| !default.is_null());
    (has_value || has_default) && variable.ty.is_assignable_to(&position.clone().nullable())
}
