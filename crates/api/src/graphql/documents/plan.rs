//! Converts a valid operation to a plan for async-graphql: plain fields, without directives and named fragments.
//! `plans` calls it. It fails for a condition that is null, for a subscription without exactly one root field, and for
//! a plan that would be too large.
//!
//! The specification collects the fields of each object before it resolves them
//! (<https://spec.graphql.org/October2021/#sec-Field-Collection>). async-graphql differs in three points:
//! 1. It resolves several fields with one response key once each, even in a mutation. The specification merges them.
//! 2. It does not find fragments at the root of a subscription.
//! 3. It ignores defaults of variables in `@skip` and `@include`.
//!
//! So the fields are collected and merged here, and directives are applied. Variables stay in the arguments;
//! `arguments` replaces them by their values. Below an interface or union, the plan has one inline fragment for each
//! possible object.

use std::{cell::Cell, sync::Arc};

use apollo_compiler::{
    ExecutableDocument as Source, Node,
    executable::{self, Operation},
};
use async_graphql::{
    Name, Pos, Positioned, ServerError, Value,
    parser::types::{Field, InlineFragment, OperationDefinition, Selection, SelectionSet, TypeCondition},
};

use super::{
    super::limits::too_large,
    convert::convert_operation_type,
    fields::collect_fields,
    literals::convert_literal,
    positions::Positions,
    refusals::validation_error,
    rules::NOT_ONE_ROOT_FIELD,
    shape::{Shape, build_placeholder, is_placeholder},
    types::Types,
    variables::Values,
};

/// The maximum number of fields in a plan. Below an interface or union, a field counts once for each possible object.
const MAX_FIELDS: usize = 40_000;

/// The plan of one operation.
#[derive(Debug)]
pub struct Plan {
    /// The operation. Its arguments can contain variables.
    pub operation: Positioned<OperationDefinition>,
    /// The shape of its answers.
    pub shape: Arc<Shape>,
    /// How many fields it has. Below an interface or union, a field counts once for each possible object.
    pub fields: usize,
    /// Whether the plan is for these values of the variables only, because `@skip` or `@include` depends on a variable.
    pub is_conditional: bool,
}

/// Plans an operation with these values of its variables.
///
/// # Errors
/// - A condition of `@skip` or `@include` is null.
/// - `@skip` and `@include` do not leave exactly one root field of a subscription.
/// - The plan would be too large.
pub fn plan_operation(
    types: &Types,
    source: &Source,
    positions: &Positions,
    operation: &Node<Operation>,
    values: &Values<'_>,
) -> Result<Plan, ServerError> {
    let is_conditional = Cell::new(false);
    let mut planner = Planner { types, source, positions, values, is_conditional, fields_left: MAX_FIELDS };
    let root = &operation.selection_set;
    let place = positions.find_node_start(operation.location());
    let selection_set = Positioned::new(planner.plan_selections(&root.ty, &[root])?, place);
    if operation.is_subscription() && !has_one_field(&selection_set.node) {
        return Err(validation_error(NOT_ONE_ROOT_FIELD, Some(place)));
    }
    let shape = Arc::new(Shape::new(&selection_set.node));
    let definition = OperationDefinition {
        ty: convert_operation_type(operation.operation_type),
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set,
    };
    Ok(Plan {
        operation: Positioned::new(definition, place),
        shape,
        fields: MAX_FIELDS - planner.fields_left,
        is_conditional: planner.is_conditional.get(),
    })
}

struct Planner<'a> {
    types: &'a Types,
    source: &'a Source,
    positions: &'a Positions,
    values: &'a Values<'a>,
    is_conditional: Cell<bool>,
    fields_left: usize,
}

impl<'a> Planner<'a> {
    /// Plans the selections of a type from all these selection sets together.
    fn plan_selections(
        &mut self,
        ty: &str,
        sets: &[&'a executable::SelectionSet],
    ) -> Result<SelectionSet, ServerError> {
        let types = self.types;
        let Some(objects) = types.possible_objects_of(ty) else {
            let mut items = self.plan_fields(ty, sets)?;
            if items.is_empty() {
                items.push(build_placeholder());
            }
            return Ok(SelectionSet { items });
        };
        let (mut items, mut some_empty) = (Vec::new(), false);
        for object in objects {
            let fields = self.plan_fields(object, sets)?;
            if fields.is_empty() {
                some_empty = true;
                continue;
            }
            let condition = TypeCondition { on: without_position(Name::new(object)) };
            let fragment = InlineFragment {
                type_condition: Some(without_position(condition)),
                directives: Vec::new(),
                selection_set: without_position(SelectionSet { items: fields }),
            };
            items.push(without_position(Selection::InlineFragment(without_position(fragment))));
        }
        if some_empty {
            items.push(build_placeholder());
        }
        Ok(SelectionSet { items })
    }

    /// Plans the fields of an object.
    fn plan_fields(
        &mut self,
        object: &str,
        sets: &[&'a executable::SelectionSet],
    ) -> Result<Vec<Positioned<Selection>>, ServerError> {
        let collected =
            collect_fields(self.types, self.source, object, sets, |directives| self.is_included(directives))?;
        collected.into_values().map(|(first, others)| self.plan_field(first, &others)).collect()
    }

    /// Plans one field for all fields with the same response key. The validation ensures that they have the same name
    /// and arguments.
    fn plan_field(
        &mut self,
        first: &'a Node<executable::Field>,
        others: &[&'a Node<executable::Field>],
    ) -> Result<Positioned<Selection>, ServerError> {
        self.fields_left = self.fields_left.checked_sub(1).ok_or_else(|| {
            too_large(format!("the query selects more than {MAX_FIELDS} fields of its possible types"))
        })?;
        let place = self.positions.find_node_start(first.location());
        let mut arguments = Vec::new();
        for argument in &first.arguments {
            let definition = first.definition.argument_by_name(&argument.name);
            let Some(definition) = definition else { continue };
            let pos = self.positions.find_node_start(argument.value.location());
            let value = convert_literal(self.types, &definition.ty, &argument.value);
            arguments.push((Positioned::new(Name::new(&argument.name), pos), Positioned::new(value, pos)));
        }
        let selection_set = if first.selection_set.is_empty() {
            SelectionSet::default()
        } else {
            let others = others.iter().map(|field| &field.selection_set);
            let sets: Vec<_> = std::iter::once(&first.selection_set).chain(others).collect();
            self.plan_selections(&first.selection_set.ty, &sets)?
        };
        let field = Field {
            alias: first.alias.as_ref().map(|alias| Positioned::new(Name::new(alias), place)),
            name: Positioned::new(Name::new(&first.name), place),
            arguments,
            directives: Vec::new(),
            selection_set: Positioned::new(selection_set, place),
        };
        Ok(Positioned::new(Selection::Field(Positioned::new(field, place)), place))
    }

    /// Whether `@skip` and `@include` include a selection.
    fn is_included(&self, directives: &executable::DirectiveList) -> Result<bool, ServerError> {
        for directive in directives.iter() {
            let included = match directive.name.as_str() {
                "skip" => false,
                "include" => true,
                _ => continue,
            };
            let argument = directive.specified_argument_by_name("if");
            let condition = match argument.map(|argument| argument.as_ref()) {
                Some(executable::Value::Boolean(flag)) => Some(*flag),
                Some(executable::Value::Variable(name)) => {
                    self.is_conditional.set(true);
                    match self.values.get(name.as_str()) {
                        Some(Value::Boolean(flag)) => Some(*flag),
                        _ => None,
                    }
                }
                _ => None,
            };
            match condition {
                Some(condition) if condition == included => {}
                Some(_) => return Ok(false),
                None => {
                    let message = format!("the condition of @{} may not be null", directive.name);
                    let place = self.positions.find_node_start(directive.location());
                    return Err(validation_error(message, Some(place)));
                }
            }
        }
        Ok(true)
    }
}

/// Whether exactly one root field of a subscription is left. The validation checks this too, but it knows only
/// conditions that are literals, not those that are variables.
fn has_one_field(root: &SelectionSet) -> bool {
    match root.items.as_slice() {
        [Positioned { node: Selection::Field(field), .. }] => !is_placeholder(&field.node),
        _ => false,
    }
}

fn without_position<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}
