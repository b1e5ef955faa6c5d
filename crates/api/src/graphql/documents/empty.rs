//! Makes objects without fields `{}` in the answer, as the specification requires.
//!
//! An object has no fields if no fragment applies to it, or if `@skip` and `@include` leave none. async-graphql answers
//! `null` for such an object. So the plan selects a placeholder field in it, and the placeholder is removed from the
//! answer.

use async_graphql::{
    Name, Pos, Positioned, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
};

/// The key of the placeholder in an answer. No query can use it, because a key has at least one character.
const KEY: &str = "";

/// The selections of an operation, if they contain a placeholder.
#[derive(Debug)]
pub struct EmptyObjects(Option<SelectionSet>);

impl EmptyObjects {
    /// For an operation with these selections. Pass `None` if they contain no placeholder.
    pub fn new(selections: Option<&SelectionSet>) -> Self {
        Self(selections.cloned())
    }

    /// Removes the placeholders from an answer.
    pub fn restore(&self, data: &mut Value) {
        if let Some(selections) = &self.0 {
            restore(data, selections);
        }
    }
}

/// The placeholder: `__typename`, a field that every object has.
pub fn placeholder() -> Positioned<Selection> {
    let place = Pos::default();
    let field = Field {
        alias: Some(Positioned::new(Name::new(KEY), place)),
        name: Positioned::new(Name::new("__typename"), place),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    Positioned::new(Selection::Field(Positioned::new(field, place)), place)
}

/// Whether a field is the placeholder. The limit on aliases does not count it.
pub fn is_placeholder(field: &Field) -> bool {
    field.response_key().node == KEY
}

fn restore(value: &mut Value, selections: &SelectionSet) {
    match value {
        Value::List(values) => values.iter_mut().for_each(|value| restore(value, selections)),
        Value::Object(object) => restore_object(object, selections),
        Value::Null
        | Value::Number(_)
        | Value::String(_)
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_) => {}
    }
}

/// Removes the placeholders from an object. If the object is a member of an interface or union, `selections` can also
/// contain those of another member. That does no harm: the validation ensures that their keys are either not in the
/// object or have values of the same shape.
fn restore_object(object: &mut IndexMap<Name, Value>, selections: &SelectionSet) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) if is_placeholder(&field.node) => {
                object.shift_remove(KEY);
            }
            // A value of a custom scalar can be an object too. It has no selections, so it is not searched.
            Selection::Field(field) if !field.node.selection_set.node.items.is_empty() => {
                if let Some(value) = object.get_mut(&field.node.response_key().node) {
                    restore(value, &field.node.selection_set.node);
                }
            }
            Selection::InlineFragment(inline) => restore_object(object, &inline.node.selection_set.node),
            Selection::Field(_) | Selection::FragmentSpread(_) => {}
        }
    }
}
