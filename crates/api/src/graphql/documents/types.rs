//! The schema as this module asks it: which objects an interface or union can be, and the kind of an input type.

use std::collections::HashMap;

use apollo_compiler::{Name, Schema, schema::ExtendedType, validation::Valid};

/// A field of introspection that the library does not know yet. A later edition of the specification has it.
const IS_ONE_OF: &str = "extend type __Type { isOneOf: Boolean }";

/// The types of the schema.
#[derive(Debug)]
pub struct Types {
    schema: Valid<Schema>,
    possible: HashMap<Name, Vec<Name>>,
}

impl Types {
    /// Reads the schema definition language.
    ///
    /// # Errors
    /// The first faults of the text. The library that executes writes it, so there are none.
    pub fn read(sdl: &str) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(format!("{sdl}\n{IS_ONE_OF}"), "schema.graphql")
            .map_err(|faults| faults.errors.to_string())?;
        let mut possible = HashMap::<Name, Vec<Name>>::new();
        for (name, definition) in &schema.types {
            match definition {
                ExtendedType::Object(object) => {
                    for interface in &object.implements_interfaces {
                        possible.entry(interface.name.clone()).or_default().push(name.clone());
                    }
                }
                ExtendedType::Union(union) => {
                    let members = union.members.iter().map(|member| member.name.clone());
                    possible.entry(name.clone()).or_default().extend(members);
                }
                ExtendedType::Interface(_)
                | ExtendedType::Scalar(_)
                | ExtendedType::Enum(_)
                | ExtendedType::InputObject(_) => {}
            }
        }
        Ok(Self { schema, possible })
    }

    /// The schema itself.
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// The definition of a type.
    pub fn get(&self, name: &str) -> Option<&ExtendedType> {
        self.schema.types.get(name)
    }

    /// The objects that an interface or a union can be; `None` for an object.
    pub fn objects_of(&self, name: &str) -> Option<&[Name]> {
        match self.get(name)? {
            ExtendedType::Interface(_) | ExtendedType::Union(_) => {
                Some(self.possible.get(name).map(Vec::as_slice).unwrap_or_default())
            }
            ExtendedType::Object(_)
            | ExtendedType::Scalar(_)
            | ExtendedType::Enum(_)
            | ExtendedType::InputObject(_) => None,
        }
    }

    /// Whether a fragment on `condition` selects fields of this object.
    pub fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object
            || self.possible.get(condition).is_some_and(|objects| objects.iter().any(|name| name == object))
    }
}
