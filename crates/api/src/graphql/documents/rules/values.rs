//! Checks two rules for the values of arguments, at every depth.
//!
//! 1. A variable is used only where its type is allowed
//!    (<https://spec.graphql.org/October2021/#sec-All-Variable-Usages-are-Allowed>). apollo-compiler compares the whole
//!    type only if the variable is the argument itself. Inside of lists and objects it compares only the name of the
//!    type. And it treats the default `null` like a default that is a value.
//! 2. An input object has each field at most once
//!    (<https://spec.graphql.org/October2021/#sec-Input-Object-Field-Uniqueness>). apollo-compiler does not check this.

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    executable::{
        Argument, DirectiveList, Operation, Selection, SelectionSet, Type, Value, VariableDefinition,
    },
    schema::{ExtendedType, InputValueDefinition},
};
use async_graphql::ServerError;

use super::super::{positions::Positions, refusals::validation_error, types::Types};

/// Checks all operations and returns their errors.
pub fn check_values(types: &Types, source: &ExecutableDocument, positions: &Positions) -> Vec<ServerError> {
    let mut errors = Vec::new();
    for operation in source.operations.iter() {
        let mut values = Values { types, source, positions, operation, spread: HashSet::new(), errors };
        values.check_directives(&operation.directives);
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                values.check_value(&variable.ty, false, default);
            }
        }
        values.check_selections(&operation.selection_set);
        errors = values.errors;
    }
    errors
}

struct Values<'a> {
    types: &'a Types,
    source: &'a ExecutableDocument,
    positions: &'a Positions,
    operation: &'a Operation,
    /// The fragments that were already checked for this operation.
    spread: HashSet<&'a str>,
    errors: Vec<ServerError>,
}

impl<'a> Values<'a> {
    fn check_selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.check_directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.check_arguments(&field.definition.arguments, &field.arguments);
                    self.check_selections(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.check_selections(&inline.selection_set),
                Selection::FragmentSpread(node) => {
                    if let Some(fragment) = node.fragment_def(self.source)
                        && self.spread.insert(fragment.name.as_str())
                    {
                        self.check_directives(&fragment.directives);
                        self.check_selections(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn check_directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives.iter() {
            if let Some(definition) = self.types.schema().directive_definitions.get(&directive.name) {
                self.check_arguments(&definition.arguments, &directive.arguments);
            }
        }
    }

    fn check_arguments(
        &mut self,
        definitions: &'a [Node<InputValueDefinition>],
        arguments: &'a [Node<Argument>],
    ) {
        for argument in arguments {
            if let Some(definition) = definitions.iter().find(|definition| definition.name == argument.name) {
                self.check_value(&definition.ty, definition.default_value.is_some(), &argument.value);
            }
        }
    }

    fn check_value(&mut self, ty: &'a Type, has_default: bool, value: &'a Node<Value>) {
        match value.as_ref() {
            Value::Variable(name) => {
                let variable = self.operation.variables.iter().find(|variable| variable.name == *name);
                if let Some(variable) =
                    variable.filter(|variable| !is_usage_allowed(variable, ty, has_default))
                {
                    let used = variable.ty.as_ref();
                    let message = format!(
                        "the variable ${name} of the type {used} is used where the type {ty} is needed"
                    );
                    self.add_error(message, value);
                }
            }
            Value::List(values) => {
                let element = if ty.is_list() { ty.item_type() } else { ty };
                values.iter().for_each(|value| self.check_value(element, false, value));
            }
            Value::Object(fields) => {
                self.check_unique_fields(fields);
                let input = self.types.get(ty.inner_named_type()).and_then(ExtendedType::as_input_object);
                for (name, value) in fields {
                    match input.and_then(|input| input.fields.get(name)) {
                        Some(field) => self.check_value(&field.ty, field.default_value.is_some(), value),
                        // An object inside a custom scalar can contain variables of any type.
                        None => self.check_untyped_value(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn check_untyped_value(&mut self, value: &'a Node<Value>) {
        match value.as_ref() {
            Value::List(values) => values.iter().for_each(|value| self.check_untyped_value(value)),
            Value::Object(fields) => {
                self.check_unique_fields(fields);
                fields.iter().for_each(|(_, value)| self.check_untyped_value(value));
            }
            _ => {}
        }
    }

    fn check_unique_fields(&mut self, fields: &'a [(Name, Node<Value>)]) {
        let mut names = HashSet::new();
        for (name, value) in fields {
            if !names.insert(name.as_str()) {
                self.add_error(format!("the field `{name}` is given twice"), value);
            }
        }
    }

    fn add_error(&mut self, message: String, place: &Node<Value>) {
        self.errors.push(validation_error(message, Some(self.positions.find_node_start(place.location()))));
    }
}

/// Whether a variable may be used at a position of this type. A nullable variable may be used at a non-null position if
/// the variable has a default other than `null`, or if the position has a default.
fn is_usage_allowed(variable: &VariableDefinition, position: &Type, has_default: bool) -> bool {
    if !position.is_non_null() || variable.ty.is_non_null() {
        return variable.ty.is_assignable_to(position);
    }
    let has_value = variable.default_value.as_ref().is_some_and(|default| !default.is_null());
    (has_value || has_default) && variable.ty.is_assignable_to(&position.clone().nullable())
}
