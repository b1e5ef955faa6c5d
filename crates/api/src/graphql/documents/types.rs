//! The types of the schema, and the objects that an interface or union can be. Made once, from the text of the schema;
//! then only read.
//!
//! `get` is `None` if there is no type of that name, `possible_objects_of` for a type that is neither an interface nor
//! a union.

use std::collections::HashMap;

use apollo_compiler::{Name, Schema, schema::ExtendedType, validation::Valid};

/// A field of introspection from a later edition of the specification, which apollo-compiler does not know yet.
const IS_ONE_OF: &str = "extend type __Type { isOneOf: Boolean }";

/// The schema, with the possible objects of its interfaces and unions.
#[derive(Debug)]
pub struct Types {
    schema: Valid<Schema>,
    possible: HashMap<Name, Vec<Name>>,
}

impl Types {
    /// Reads a schema from its text in the schema definition language.
    ///
    /// # Errors
    /// The faults of the text. There are none in a text that async-graphql has written.
    pub fn from_sdl(sdl: &str) -> Result<Self, String> {
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
                _ => {}
            }
        }
        Ok(Self { schema, possible })
    }

    /// The schema, as apollo-compiler reads it.
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// The definition of a type. `None` if there is no type of this name.
    pub fn get(&self, name: &str) -> Option<&ExtendedType> {
        self.schema.types.get(name)
    }

    /// The objects that an interface or a union can be. `None` for another type.
    pub fn possible_objects_of(&self, name: &str) -> Option<&[Name]> {
        match self.get(name)? {
            ExtendedType::Interface(_) | ExtendedType::Union(_) => {
                Some(self.possible.get(name).map(Vec::as_slice).unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Whether a fragment with the type condition `condition` applies to this object.
    pub fn condition_applies(&self, condition: &str, object: &str) -> bool {
        condition == object
            || self.possible.get(condition).is_some_and(|objects| objects.iter().any(|name| name == object))
    }
}
