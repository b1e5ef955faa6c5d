//! Objects without a field are `{}`.
//!
//! An object has none when no fragment applies to it, or when `@skip` and `@include` leave nothing. The library
//! answers `null` for it. So the plan asks such an object for a placeholder, which is taken out of the answer.

use async_graphql::{
    Name, Pos, Positioned, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
};

/// The key of the placeholder in an answer. No query can ask for a key without a character.
const KEY: &str = "";

/// The selections of an operation, if it has a placeholder.
#[derive(Debug)]
pub struct EmptyObjects(Option<SelectionSet>);

impl EmptyObjects {
    /// For an operation with these selections; `None` if it has no placeholder.
    pub fn new(selections: Option<&SelectionSet>) -> Self {
        Self(selections.cloned())
    }

    /// Takes the placeholders out of an answer.
    pub fn restore(&self, data: &mut Value) {
        if let Some(selections) = &self.0 {
            restore(data, selections);
        }
    }
}

/// The field that every object has.
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

/// Whether a field is the placeholder: the limit on aliases does not count it.
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

/// An object below an interface or union may meet the selections of another type. Their keys either are not in it or
/// stand for the same shape: the validation ensures it.
fn restore_object(object: &mut IndexMap<Name, Value>, selections: &SelectionSet) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) if is_placeholder(&field.node) => {
                object.shift_remove(KEY);
            }
            // A scalar of ours may be an object too. It has no selections.
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
