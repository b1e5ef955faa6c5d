//! Coerces the values of variables to their types, as the specification says.
//!
//! <https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values>
//! 1. If a value does not fit its type, the request is refused before anything runs.
//! 2. JSON has only one kind of number, so `1.0` is a valid `Int`.
//! 3. A value of a custom scalar is not checked here. The field that uses it reads it, and refuses it if necessary.
//! 4. A variable that was not sent gets its default. Without a default it is absent, or an error if its type is
//!    non-null.
//! 5. Values for variables that the operation does not declare are ignored.

use std::collections::HashMap;

use apollo_compiler::{
    Node,
    executable::{Operation, Type, VariableDefinition},
    schema::ExtendedType,
};
use async_graphql::{Name, Number, ServerError, Value, Variables};

use super::{literals::convert_literal, positions::Positions, refusals::validation_error, types::Types};

/// The coerced values by the names of their variables. A variable that was not sent and has no default is absent.
pub type Values<'a> = HashMap<&'a str, Value>;

/// Coerces the values that a client sent to the types of the operation's variables.
///
/// # Errors
/// One for each variable that is missing or does not fit its type.
pub fn coerce_variables<'a>(
    types: &Types,
    operation: &'a Operation,
    positions: &Positions,
    mut sent: Variables,
) -> Result<Values<'a>, Vec<ServerError>> {
    let (mut values, mut errors) = (Values::new(), Vec::new());
    for variable in &operation.variables {
        match coerce_variable(types, variable, sent.remove(variable.name.as_str())) {
            Ok(Some(value)) => drop(values.insert(variable.name.as_str(), value)),
            Ok(None) => {}
            Err(misfit) => {
                let message = format!("the variable ${}{misfit}", variable.name);
                errors.push(validation_error(message, Some(positions.find_node_start(variable.location()))));
            }
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

fn coerce_variable(
    types: &Types,
    variable: &Node<VariableDefinition>,
    sent: Option<Value>,
) -> Result<Option<Value>, Misfit> {
    match (sent, &variable.default_value) {
        (Some(value), _) => coerce_value(types, &variable.ty, value).map(Some),
        (None, Some(default)) => {
            // A default contains no variables.
            Ok(convert_literal(types, &variable.ty, default).into_const())
        }
        (None, None) if variable.ty.is_non_null() => {
            Err(Misfit::new(format!(": a value of the type {} is required", variable.ty)))
        }
        (None, None) => Ok(None),
    }
}

/// Why a value does not fit its type: the path to the wrong part of the value, and what is needed there.
#[derive(Debug)]
struct Misfit {
    /// The steps of the path, the innermost first.
    path: Vec<String>,
    needed: String,
}

impl Misfit {
    fn new(needed: String) -> Self {
        Self { path: Vec::new(), needed }
    }

    fn with_path_segment(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.iter().rev().try_for_each(|step| f.write_str(step))?;
        f.write_str(&self.needed)
    }
}

/// Coerces a value that was sent to this type, with everything in it.
///
/// # Errors
/// The first part of the value that does not fit.
fn coerce_value(types: &Types, ty: &Type, value: Value) -> Result<Value, Misfit> {
    if value == Value::Null {
        let refused = || Misfit::new(format!(": null does not fit the type {ty}"));
        return if ty.is_non_null() { Err(refused()) } else { Ok(value) };
    }
    match (ty, value) {
        (Type::List(inner) | Type::NonNullList(inner), Value::List(values)) => {
            let fitted = values.into_iter().enumerate().map(|(index, value)| {
                coerce_value(types, inner, value)
                    .map_err(|misfit| misfit.with_path_segment(format!("[{index}]")))
            });
            fitted.collect::<Result<_, _>>().map(Value::List)
        }
        // The specification reads a single value as a list of one element.
        (Type::List(inner) | Type::NonNullList(inner), value) => {
            Ok(Value::List(vec![coerce_value(types, inner, value)?]))
        }
        (Type::Named(name) | Type::NonNullNamed(name), value) => coerce_to_named_type(types, name, value),
    }
}

fn coerce_to_named_type(types: &Types, name: &str, value: Value) -> Result<Value, Misfit> {
    let needed = || Misfit::new(format!(": a value of the type {name} is needed"));
    match (types.get(name), value) {
        (Some(ExtendedType::Scalar(_)), value) => coerce_to_scalar(name, value).ok_or_else(needed),
        (Some(ExtendedType::Enum(definition)), Value::String(text)) => {
            let is_member = definition.values.contains_key(text.as_str());
            if is_member { Ok(Value::Enum(Name::new(text))) } else { Err(needed()) }
        }
        (Some(ExtendedType::InputObject(definition)), Value::Object(mut fields)) => {
            if let Some(unknown) = fields.keys().find(|key| !definition.fields.contains_key(key.as_str())) {
                let unknown: String = unknown.chars().take(100).collect();
                return Err(Misfit::new(format!(": the type {name} has no field `{unknown}`")));
            }
            for (field, definition) in &definition.fields {
                let step = || format!(".{field}");
                match fields.get_mut(field.as_str()) {
                    Some(value) => {
                        let fitted = coerce_value(types, &definition.ty, std::mem::take(value));
                        *value = fitted.map_err(|misfit| misfit.with_path_segment(step()))?;
                    }
                    None if definition.is_required() => {
                        let needed = format!(": a value of the type {} is required", definition.ty);
                        return Err(Misfit::new(needed).with_path_segment(step()));
                    }
                    None => {}
                }
            }
            Ok(Value::Object(fields))
        }
        _ => Err(needed()),
    }
}

fn coerce_to_scalar(name: &str, value: Value) -> Option<Value> {
    match (name, value) {
        ("Int", Value::Number(number)) => {
            let whole = to_exact_integer(&number).filter(|whole| i32::try_from(*whole).is_ok())?;
            Some(Value::Number(whole.into()))
        }
        ("ID", Value::Number(number)) => {
            let text = to_exact_integer(&number).map(|whole| whole.to_string());
            text.or_else(|| number.as_u64().map(|whole| whole.to_string())).map(Value::String)
        }
        ("Float", value @ Value::Number(_))
        | ("String" | "ID", value @ Value::String(_))
        | ("Boolean", value @ Value::Boolean(_)) => Some(value),
        ("Int" | "Float" | "String" | "ID" | "Boolean", _) => None,
        // A custom scalar: see rule 3 of this module.
        (_, value) => Some(value),
    }
}

/// The number as an integer: any `i64`, or a whole float up to 2^53. `None` for other numbers.
fn to_exact_integer(number: &Number) -> Option<i64> {
    /// 2^53: a float represents every whole number up to here exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)?;
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
        Some(float as i64)
    })
}
