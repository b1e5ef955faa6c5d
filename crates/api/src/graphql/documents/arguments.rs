//! Replaces the variables in the arguments of a plan by their values. `plans` calls it for each request.
//!
//! A variable can be absent: it was not sent and has no default. Then its argument, or its field of an input object, is
//! left out. In a list it becomes `null`. `Err` means only that the values are too large together: their types were
//! checked before.

use async_graphql::{
    ServerError, Value as ConstValue,
    parser::types::{Field, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::{super::limits::too_large, variables::Values};

/// The maximum memory of all values of variables in one plan, in bytes. A variable counts as often as it is used.
const MAX_VARIABLE_BYTES: usize = 4 * 1024 * 1024;

/// Replaces all variables in these selections by their values.
///
/// # Errors
/// `QUERY_TOO_LARGE` if the values of all used variables are too large together.
pub fn fill_variables(selections: &mut SelectionSet, values: &Values<'_>) -> Result<(), ServerError> {
    Filling { values, bytes_left: MAX_VARIABLE_BYTES }.fill_selections(selections)
}

struct Filling<'a> {
    values: &'a Values<'a>,
    bytes_left: usize,
}

impl Filling<'_> {
    fn fill_selections(&mut self, selections: &mut SelectionSet) -> Result<(), ServerError> {
        for selection in &mut selections.items {
            match &mut selection.node {
                Selection::Field(field) => self.fill_field(&mut field.node)?,
                Selection::InlineFragment(inline) => {
                    self.fill_selections(&mut inline.node.selection_set.node)?;
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    fn fill_field(&mut self, field: &mut Field) -> Result<(), ServerError> {
        try_retain(&mut field.arguments, |(name, value)| {
            Ok(self.fill_value(&mut value.node)? && !is_include_deprecated_null(&name.node, &value.node))
        })?;
        self.fill_selections(&mut field.selection_set.node)
    }

    /// Replaces the variables in a value. Returns false if the value itself is a variable that is absent.
    fn fill_value(&mut self, value: &mut Value) -> Result<bool, ServerError> {
        match value {
            Value::Variable(name) => {
                let Some(sent) = self.values.get(name.as_str()) else { return Ok(false) };
                let left = self.bytes_left.checked_sub(estimate_bytes(sent));
                self.bytes_left = left.ok_or_else(|| {
                    too_large(format!(
                        "the variables are larger than {MAX_VARIABLE_BYTES} bytes where they are used"
                    ))
                })?;
                *value = sent.clone().into_value();
            }
            Value::List(values) => {
                for value in values {
                    if !self.fill_value(value)? {
                        *value = Value::Null;
                    }
                }
            }
            Value::Object(fields) => {
                let mut absent = Vec::new();
                for (name, value) in fields.iter_mut() {
                    if !self.fill_value(value)? {
                        absent.push(name.clone());
                    }
                }
                absent.iter().for_each(|name| drop(fields.shift_remove(name)));
            }
            _ => {}
        }
        Ok(true)
    }
}

/// Whether this is the argument `includeDeprecated: null` of introspection. The specification treats it like `false`,
/// but async-graphql refuses `null`, so the argument is left out.
fn is_include_deprecated_null(argument: &str, value: &Value) -> bool {
    argument == "includeDeprecated" && *value == Value::Null
}

/// Keeps the elements for which `keep` returns true. At the first error of `keep` it removes the rest, and returns the
/// error.
fn try_retain<T>(
    list: &mut Vec<T>,
    mut keep: impl FnMut(&mut T) -> Result<bool, ServerError>,
) -> Result<(), ServerError> {
    let mut failed = Ok(());
    list.retain_mut(|element| {
        failed.is_ok()
            && keep(element).unwrap_or_else(|error| {
                failed = Err(error);
                false
            })
    });
    failed
}

/// The approximate memory of a value, in bytes.
fn estimate_bytes(value: &ConstValue) -> usize {
    let own = size_of::<ConstValue>();
    match value {
        ConstValue::Null | ConstValue::Number(_) | ConstValue::Boolean(_) => own,
        ConstValue::Enum(name) => own + name.len(),
        ConstValue::String(text) => own + text.len(),
        ConstValue::Binary(data) => own + data.len(),
        ConstValue::List(values) => own + values.iter().map(estimate_bytes).sum::<usize>(),
        ConstValue::Object(fields) => {
            own + fields.iter().map(|(name, value)| own + name.len() + estimate_bytes(value)).sum::<usize>()
        }
    }
}
