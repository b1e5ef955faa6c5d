//! The shape of an answer: restores what the specification demands and async-graphql does differently.
//!
//! 1. The keys of an object stand in the order in which the query names them
//!    (<https://spec.graphql.org/October2021/#sec-Serialized-Map-Ordering>). The library puts them in the order in
//!    which their values were resolved.
//! 2. An object is `{}` if no fragment applies to it, or if `@skip` and `@include` leave none of its fields. The
//!    library answers `null`. So the plan asks such an object for a placeholder, which is removed here.

use async_graphql::{
    Name, Pos, Positioned, Response, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
};

/// The key of the placeholder, in a plan and in the answer. No query can ask for it, because a key of a query has at
/// least one character.
const PLACEHOLDER_KEY: &str = "";

/// What an operation, or one field of it, selects. Empty for a scalar. The value of a scalar may be a JSON object,
/// which stays as it is.
#[derive(Debug)]
pub struct Shape {
    /// The keys of the object; of an interface or union, for each object that it can be.
    objects: Vec<IndexMap<Name, Shape>>,
    has_placeholder: bool,
}

impl Shape {
    /// For an operation or field with these selections. Fragments are inline, as in a plan.
    pub fn new(selections: &SelectionSet) -> Self {
        let (mut objects, mut keys, mut has_placeholder) = (Vec::new(), IndexMap::new(), false);
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) if is_placeholder(&field.node) => has_placeholder = true,
                Selection::Field(field) => {
                    let key = field.node.response_key().node.clone();
                    keys.insert(key, Self::new(&field.node.selection_set.node));
                }
                Selection::InlineFragment(inline) => {
                    objects.extend(Self::new(&inline.node.selection_set.node).objects);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        if !keys.is_empty() {
            objects.push(keys);
        }
        Self { objects, has_placeholder }
    }

    /// Puts the keys of an answer into their order, and removes the placeholders. The result is what the client gets.
    pub fn complete_response(&self, mut response: Response) -> Response {
        self.restore_keys(&mut response.data);
        response
    }

    fn restore_keys(&self, value: &mut Value) {
        match value {
            Value::List(values) => values.iter_mut().for_each(|value| self.restore_keys(value)),
            Value::Object(object) => self.restore_keys_of_object(object),
            _ => {}
        }
    }

    fn restore_keys_of_object(&self, object: &mut IndexMap<Name, Value>) {
        if self.has_placeholder {
            object.shift_remove(PLACEHOLDER_KEY);
        }
        let Some(keys) = self.find_selected_keys(object) else { return };
        // Most resolvers do not wait for anything, so most objects are already in order.
        if object.keys().eq(keys.keys()) {
            object.values_mut().zip(keys.values()).for_each(|(value, selected)| selected.restore_keys(value));
            return;
        }
        for (key, value) in object.iter_mut() {
            if let Some(selected) = keys.get(key) {
                selected.restore_keys(value);
            }
        }
        object.sort_by_cached_key(|key, _| keys.get_index_of(key));
    }

    /// The selection that an object was made from. Of several it is found by the address of a key: the library makes
    /// the object with the plan's own names, and not with copies of their text.
    fn find_selected_keys(&self, object: &IndexMap<Name, Value>) -> Option<&IndexMap<Name, Self>> {
        match self.objects.as_slice() {
            [only] => Some(only),
            several => {
                let (key, _) = object.first()?;
                let is_same = |name: &Name| std::ptr::eq(name.as_str(), key.as_str());
                several.iter().find(|keys| keys.keys().any(is_same))
            }
        }
    }
}

/// The placeholder: `__typename`, which every object has, under the empty key.
pub fn build_placeholder() -> Positioned<Selection> {
    let place = Pos::default();
    let field = Field {
        alias: Some(Positioned::new(Name::new(PLACEHOLDER_KEY), place)),
        name: Positioned::new(Name::new("__typename"), place),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    Positioned::new(Selection::Field(Positioned::new(field, place)), place)
}

/// Whether a field is the placeholder: the limit on aliases does not count it.
pub fn is_placeholder(field: &Field) -> bool {
    field.response_key().node == PLACEHOLDER_KEY
}
