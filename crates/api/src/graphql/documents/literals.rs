//! Converts literals of a document to values, and replaces variables by their values.

use apollo_compiler::{
    Node,
    executable::{Type, Value as Literal},
    schema::ExtendedType,
};
use async_graphql::{Name, Number, ServerError, Value, indexmap::IndexMap};

use super::{super::limits::too_large, types::Types, variables::Values};

/// The maximum memory of all values of variables in one plan, in bytes. A variable counts as often as it is used.
const MAX_VARIABLE_BYTES: usize = 4 * 1024 * 1024;

/// Converts literals to values. The document was validated, so literals fit their types.
pub struct Literals<'a> {
    types: &'a Types,
    variables: Option<&'a Values>,
    bytes_left: usize,
}

impl<'a> Literals<'a> {
    /// For literals that contain no variables.
    pub fn without_variables(types: &'a Types) -> Self {
        Self { types, variables: None, bytes_left: 0 }
    }

    /// For literals that can contain variables, such as the arguments of an operation.
    pub fn with_variables(types: &'a Types, variables: &'a Values) -> Self {
        Self { types, variables: Some(variables), bytes_left: MAX_VARIABLE_BYTES }
    }

    /// The value of a variable. `None` if it is absent.
    pub fn find_variable(&self, name: &str) -> Option<&'a Value> {
        self.variables?.get(name)
    }

    /// The value of a literal. `None` if it is a variable that is absent.
    ///
    /// # Errors
    /// `QUERY_TOO_LARGE` if the values of all used variables are too large together.
    pub fn coerce_literal(
        &mut self,
        ty: &Type,
        literal: &Node<Literal>,
    ) -> Result<Option<Value>, ServerError> {
        let value = match (ty, literal.as_ref()) {
            (_, Literal::Variable(name)) => return self.copy_variable(name),
            (_, Literal::Null) => Value::Null,
            (Type::List(inner) | Type::NonNullList(inner), Literal::List(literals)) => {
                Value::List(self.coerce_list(inner, literals)?)
            }
            // The specification reads a single value as a list of one element.
            (Type::List(inner) | Type::NonNullList(inner), _) => {
                Value::List(vec![self.coerce_literal(inner, literal)?.unwrap_or_default()])
            }
            (Type::Named(_) | Type::NonNullNamed(_), Literal::List(literals)) => {
                Value::List(self.coerce_list(ty, literals)?)
            }
            (Type::Named(name) | Type::NonNullNamed(name), Literal::Object(fields)) => {
                Value::Object(self.coerce_object(name, ty, fields)?)
            }
            (Type::Named(name) | Type::NonNullNamed(name), Literal::Int(int)) if *name == "ID" => {
                Value::String(int.as_str().to_owned())
            }
            (_, Literal::Int(int)) => parse_number(int.as_str()),
            (_, Literal::Float(float)) => parse_number(float.as_str()),
            (_, Literal::String(text)) => Value::String(text.clone()),
            (_, Literal::Boolean(flag)) => Value::Boolean(*flag),
            (_, Literal::Enum(name)) => Value::Enum(Name::new(name)),
        };
        Ok(Some(value))
    }

    fn coerce_list(&mut self, inner: &Type, literals: &[Node<Literal>]) -> Result<Vec<Value>, ServerError> {
        literals.iter().map(|literal| Ok(self.coerce_literal(inner, literal)?.unwrap_or_default())).collect()
    }

    /// Converts the fields of an input object, or of an object inside a custom scalar. Fields of the latter have no
    /// type.
    fn coerce_object(
        &mut self,
        name: &str,
        ty: &Type,
        fields: &[(apollo_compiler::Name, Node<Literal>)],
    ) -> Result<IndexMap<Name, Value>, ServerError> {
        let types = self.types;
        let definition = types.get(name).and_then(ExtendedType::as_input_object);
        let mut object = IndexMap::new();
        for (field, literal) in fields {
            let ty = definition.and_then(|input| input.fields.get(field)).map_or(ty, |field| &*field.ty);
            if let Some(value) = self.coerce_literal(ty, literal)? {
                object.insert(Name::new(field), value);
            }
        }
        Ok(object)
    }

    fn copy_variable(&mut self, name: &str) -> Result<Option<Value>, ServerError> {
        let Some(value) = self.find_variable(name) else { return Ok(None) };
        let left = self.bytes_left.checked_sub(count_bytes(value));
        self.bytes_left = left.ok_or_else(|| {
            too_large(format!("the variables are larger than {MAX_VARIABLE_BYTES} bytes where they are used"))
        })?;
        Ok(Some(value.clone()))
    }
}

/// Converts a number. A number that no float can hold becomes null; it can only be inside a custom scalar, because the
/// validation refuses it elsewhere.
fn parse_number(text: &str) -> Value {
    let integer = text.parse::<i64>().map(Number::from);
    integer.ok().or_else(|| text.parse().ok()).map_or(Value::Null, Value::Number)
}

/// The approximate memory of a value, in bytes.
fn count_bytes(value: &Value) -> usize {
    let own = size_of::<Value>();
    match value {
        Value::Null | Value::Number(_) | Value::Boolean(_) => own,
        Value::Enum(name) => own + name.len(),
        Value::String(text) => own + text.len(),
        Value::Binary(data) => own + data.len(),
        Value::List(values) => own + values.iter().map(count_bytes).sum::<usize>(),
        Value::Object(fields) => {
            own + fields.iter().map(|(name, value)| own + name.len() + count_bytes(value)).sum::<usize>()
        }
    }
}
