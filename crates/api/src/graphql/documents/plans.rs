//! The plans of one document, kept for the next requests with the same text.
//!
//! 1. A plan is kept for each operation, without the values of variables. A request gets a copy, in which `arguments`
//!    puts its values.
//! 2. A plan whose fields depend on a variable (`@skip`, `@include`) is made anew for each request.
//! 3. All kept plans of a document have at most one field for each [`BYTES_A_FIELD`] bytes of its text. A field takes
//!    about 350 bytes, and a short text can have many fields: below an interface, each possible object has its own.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use apollo_compiler::{ExecutableDocument as Source, Name, Node, executable::Operation};
use async_graphql::{
    Positioned, ServerError,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition},
};

use super::{
    arguments::fill_variables,
    plan::{Plan, plan_operation},
    positions::Positions,
    shape::Shape,
    types::Types,
    variables::Values,
};

/// How many bytes of text a document must have for each field of its kept plans.
const BYTES_A_FIELD: usize = 4;

/// The kept plans of one document.
#[derive(Debug)]
pub struct Plans {
    /// By the names of the operations.
    kept: HashMap<Option<Name>, OnceLock<Plan>>,
    /// How many more fields may be kept.
    fields_left: AtomicUsize,
}

impl Plans {
    /// Makes an empty place for the plan of each operation of a document. Operations are planned when they are
    /// requested. `text_bytes` is the length of the document's text, for rule 3.
    pub fn new(source: &Source, text_bytes: usize) -> Self {
        let names = source.operations.iter().map(|operation| operation.name.clone());
        Self {
            kept: names.map(|name| (name, OnceLock::new())).collect(),
            fields_left: AtomicUsize::new(text_bytes / BYTES_A_FIELD),
        }
    }

    /// The document to execute for an operation with these values of its variables, and the shape of its answers.
    ///
    /// # Errors
    /// Those of [`plan_operation`] and [`fill_variables`].
    pub fn plan_with_values(
        &self,
        types: &Types,
        source: &Source,
        positions: &Positions,
        operation: &Node<Operation>,
        values: &Values<'_>,
    ) -> Result<(ExecutableDocument, Arc<Shape>), ServerError> {
        let kept = self.kept.get(&operation.name);
        if let Some(plan) = kept.and_then(OnceLock::get) {
            return fill_and_wrap_plan(plan.operation.clone(), &plan.shape, values);
        }
        let plan = plan_operation(types, source, positions, operation, values)?;
        match kept {
            Some(kept) if !plan.is_conditional && self.reserve_fields(plan.fields) => {
                let plan = kept.get_or_init(|| plan);
                fill_and_wrap_plan(plan.operation.clone(), &plan.shape, values)
            }
            Some(_) | None => fill_and_wrap_plan(plan.operation, &plan.shape, values),
        }
    }

    /// Counts the fields of a plan that is to be kept. Returns false, and counts nothing, if rule 3 does not allow it.
    fn reserve_fields(&self, fields: usize) -> bool {
        self.fields_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(fields)).is_ok()
    }
}

fn fill_and_wrap_plan(
    mut operation: Positioned<OperationDefinition>,
    shape: &Arc<Shape>,
    values: &Values<'_>,
) -> Result<(ExecutableDocument, Arc<Shape>), ServerError> {
    fill_variables(&mut operation.node.selection_set.node, values)?;
    let operations = DocumentOperations::Single(operation);
    Ok((ExecutableDocument { operations, fragments: HashMap::new() }, shape.clone()))
}
