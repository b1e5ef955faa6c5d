//! Converts the literals of a document to values of the type at their place. Variables stay in the result. The document
//! was validated, so the conversion never fails.

use apollo_compiler::{
    Node,
    executable::{Type, Value as Literal},
    schema::ExtendedType,
};
use async_graphql::{Name, Number, indexmap::IndexMap};
use async_graphql_value::Value;

use super::types::Types;

/// Converts a literal to the value of an argument or variable of this type. The document was validated, so the literal
/// fits the type.
pub fn convert_literal(types: &Types, ty: &Type, literal: &Node<Literal>) -> Value {
    match (ty, literal.as_ref()) {
        (_, Literal::Variable(name)) => Value::Variable(Name::new(name)),
        (_, Literal::Null) => Value::Null,
        (Type::List(inner) | Type::NonNullList(inner), Literal::List(literals)) => {
            Value::List(convert_list(types, inner, literals))
        }
        // The specification reads a single value as a list of one element.
        (Type::List(inner) | Type::NonNullList(inner), _) => {
            Value::List(vec![convert_literal(types, inner, literal)])
        }
        (Type::Named(_) | Type::NonNullNamed(_), Literal::List(literals)) => {
            Value::List(convert_list(types, ty, literals))
        }
        (Type::Named(name) | Type::NonNullNamed(name), Literal::Object(fields)) => {
            Value::Object(convert_object(types, name, ty, fields))
        }
        (Type::Named(name) | Type::NonNullNamed(name), Literal::Int(int)) if *name == "ID" => {
            Value::String(int.as_str().to_owned())
        }
        (_, Literal::Int(int)) => parse_number(int.as_str()),
        (_, Literal::Float(float)) => parse_number(float.as_str()),
        (_, Literal::String(text)) => Value::String(text.clone()),
        (_, Literal::Boolean(flag)) => Value::Boolean(*flag),
        (_, Literal::Enum(name)) => Value::Enum(Name::new(name)),
    }
}

fn convert_list(types: &Types, inner: &Type, literals: &[Node<Literal>]) -> Vec<Value> {
    literals.iter().map(|literal| convert_literal(types, inner, literal)).collect()
}

/// Converts the fields of an input object, or of an object inside a custom scalar. Fields of the latter have no type.
fn convert_object(
    types: &Types,
    name: &str,
    ty: &Type,
    fields: &[(apollo_compiler::Name, Node<Literal>)],
) -> IndexMap<Name, Value> {
    let definition = types.get(name).and_then(ExtendedType::as_input_object);
    let convert = |(field, literal): &(apollo_compiler::Name, Node<Literal>)| {
        let ty = definition.and_then(|input| input.fields.get(field)).map_or(ty, |field| &*field.ty);
        (Name::new(field), convert_literal(types, ty, literal))
    };
    fields.iter().map(convert).collect()
}

/// Converts a number. A number that no float can hold becomes null; it can only be inside a custom scalar, because the
/// validation refuses it elsewhere.
fn parse_number(text: &str) -> Value {
    let integer = text.parse::<i64>().map(Number::from);
    integer.ok().or_else(|| text.parse().ok()).map_or(Value::Null, Value::Number)
}
