//! The complexity of introspection, and the limit on its nested lists.
//!
//! The library counts every field of introspection as 1, although `types` returns every type of the schema. Rules:
//! 1. The complexity of a list is its usual length in this schema times the complexity of the selection of one element.
//! 2. At most [`MAX_NESTED_LISTS`] lists are nested. The introspection query of graphql-js nests `types`, `fields` and
//!    `args`. A chain such as `possibleTypes { interfaces { possibleTypes …` returns the whole schema at every second
//!    step.
//! 3. `ofType` costs half of the selection below it. Most types are wrapped once or not at all, but clients ask for
//!    nine steps.
//! 4. `document` asks `is_introspection_type` for the type condition of each fragment, and `is_entry` for each field.

use async_graphql::registry::{MetaType, Registry};

use super::weights::list;

/// How deep lists of introspection may nest.
pub const MAX_NESTED_LISTS: usize = 3;

/// The usual lengths of the lists of introspection in one schema: averages over all its types, rounded up. The lists of
/// types and directives have their real lengths.
#[derive(Debug, Default)]
pub struct ListLengths {
    types: usize,
    fields: usize,
    arguments: usize,
    input_fields: usize,
    enum_values: usize,
    interfaces: usize,
    possible_types: usize,
    directives: usize,
}

/// The usual number of locations of one directive.
const LOCATIONS: usize = 5;

impl ListLengths {
    /// Computes the lengths for this schema.
    pub fn from_registry(registry: &Registry) -> Self {
        let mut sums = Self {
            types: registry.types.len(),
            interfaces: registry.implements.values().map(|interfaces| interfaces.len()).sum(),
            directives: registry.directives.len(),
            ..Self::default()
        };
        for meta in registry.types.values() {
            match meta {
                MetaType::Object { fields, .. } => {
                    sums.fields += fields.len();
                    sums.arguments += fields.values().map(|field| field.args.len()).sum::<usize>();
                }
                MetaType::Interface { fields, possible_types, .. } => {
                    sums.fields += fields.len();
                    sums.possible_types += possible_types.len();
                }
                MetaType::Union { possible_types, .. } => sums.possible_types += possible_types.len(),
                MetaType::Enum { enum_values, .. } => sums.enum_values += enum_values.len(),
                MetaType::InputObject { input_fields, .. } => sums.input_fields += input_fields.len(),
                MetaType::Scalar { .. } => {}
            }
        }
        let (types, fields) = (sums.types.max(1), sums.fields.max(1));
        Self {
            types,
            fields: sums.fields.div_ceil(types),
            arguments: sums.arguments.div_ceil(fields),
            input_fields: sums.input_fields.div_ceil(types),
            enum_values: sums.enum_values.div_ceil(types),
            interfaces: sums.interfaces.div_ceil(types),
            possible_types: sums.possible_types.div_ceil(types),
            directives: sums.directives,
        }
    }

    /// The usual length of a list of introspection. `None` for a field that is no list.
    fn find_list_length(&self, field: &str) -> Option<usize> {
        let length = match field {
            "types" => self.types,
            "directives" => self.directives,
            "fields" => self.fields,
            "args" => self.arguments,
            "inputFields" => self.input_fields,
            "enumValues" => self.enum_values,
            "interfaces" => self.interfaces,
            "possibleTypes" => self.possible_types,
            "locations" => LOCATIONS,
            _ => return None,
        };
        Some(length.max(1))
    }
}

/// Whether introspection begins with this field.
pub fn is_entry(field: &str) -> bool {
    matches!(field, "__schema" | "__type")
}

/// Whether this is a type of introspection. The specification reserves names that begin with two underscores for them.
pub fn is_introspection_type(name: &str) -> bool {
    name.starts_with("__")
}

/// The cost of the introspection in a selection set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Introspection {
    /// The complexity of its introspection.
    pub complexity: usize,
    /// How deep its lists of introspection nest.
    pub nested_lists: usize,
    /// Whether it contains `__schema` or `__type`.
    pub entered: bool,
}

impl Introspection {
    /// Adds the cost of another selection of the same set.
    pub fn add(&mut self, other: Self) {
        self.complexity = self.complexity.saturating_add(other.complexity);
        self.nested_lists = self.nested_lists.max(other.nested_lists);
        self.entered |= other.entered;
    }

    /// The cost of a field whose selection set has this cost.
    pub fn of_field(self, field: &str, lengths: &ListLengths) -> Self {
        let entered = self.entered || is_entry(field);
        match lengths.find_list_length(field) {
            Some(length) => Self {
                complexity: list(length, self.complexity),
                nested_lists: self.nested_lists.saturating_add(1),
                entered,
            },
            None if field == "ofType" => {
                Self { complexity: self.complexity.div_ceil(2).saturating_add(1), entered, ..self }
            }
            None => Self { complexity: self.complexity.saturating_add(1), entered, ..self },
        }
    }
}
