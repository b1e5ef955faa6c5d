//! Parses and validates GraphQL requests as the specification says, and plans what async-graphql will execute.
//!
//! async-graphql, the library that executes, accepts requests that the specification refuses, and refuses some that the
//! specification allows. So the transports give every request to [`Documents::prepare`] before it is executed:
//! 1. The limits on the size of the text and of the document are checked ([`limits`]).
//! 2. Another library, apollo-compiler, parses and validates the document. `rules` has the rules that it lacks.
//! 3. The values of variables are coerced to their types, in `variables`.
//! 4. The operation becomes a plan of plain fields ([`plan`]). For such a plan both libraries agree, so async-graphql
//!    does not validate it again.
//! 5. Valid documents and their plans are kept (`cache`, `plans`), because clients send few different texts.
//!
//! `tests/tests/it/conformance.rs` compares the results of validation with those of graphql-js.

mod arguments;
mod cache;
mod convert;
mod fields;
mod literals;
mod parsing;
mod plan;
mod plans;
mod positions;
mod refusals;
mod rules;
mod shape;
#[cfg(test)]
mod tests;
mod types;
mod variables;

use std::sync::Arc;

use apollo_compiler::{
    ExecutableDocument, Node, ast,
    executable::Operation,
    parser::Parser,
    validation::{Valid, WithErrors},
};
use async_graphql::{Request, ServerError, parser::types::OperationType};

use self::{
    cache::DocumentCache, plans::Plans, positions::Positions, refusals::validation_error, types::Types,
};
use super::limits;

pub use self::{
    parsing::check_and_parse,
    shape::{Shape, is_placeholder},
};

/// How deep a document may nest, so that parsing it does not overflow the stack. The limits on selections are lower.
const MAX_NESTING: usize = 64;

/// Prepares requests for one schema. Clones share the schema and the cache of documents.
#[derive(Clone, Debug)]
pub struct Documents(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    types: Types,
    cache: DocumentCache,
}

/// A document that was parsed and found valid.
#[derive(Debug)]
struct Document {
    source: Valid<ExecutableDocument>,
    positions: Positions,
    plans: Plans,
}

/// A valid request that is ready to be executed.
#[derive(Debug)]
pub struct Prepared {
    /// The request, with a copy of the plan in place of the document that was sent. The values of its variables are
    /// already in the plan.
    pub request: Request,
    /// The kind of the operation.
    pub operation_type: OperationType,
    shape: Arc<Shape>,
}

impl Prepared {
    /// Splits it into the request and the shape that completes each of its responses.
    pub fn split(self) -> (Request, Arc<Shape>) {
        (self.request, self.shape)
    }
}

impl Documents {
    /// Reads a schema from its text in the schema definition language.
    ///
    /// # Errors
    /// The faults of the text, if it describes no valid schema.
    pub fn new(sdl: &str) -> Result<Self, String> {
        Ok(Self(Arc::new(Shared { types: Types::from_sdl(sdl)?, cache: DocumentCache::new() })))
    }

    /// Does the same as [`prepare`](Self::prepare): for a short query on this thread, for a long one on a thread for
    /// blocking work.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare).
    pub async fn prepare_off_thread_if_long(&self, request: Request) -> Result<Prepared, Vec<ServerError>> {
        let documents = self.clone();
        parsing::run_off_thread_if_long(request.query.len(), move || documents.prepare(request)).await
    }

    /// Parses, validates and plans a request.
    ///
    /// # Errors
    /// The reasons why the request is refused, each with its code.
    pub fn prepare(&self, mut request: Request) -> Result<Prepared, Vec<ServerError>> {
        let document = self.load_or_parse_document(&request.query)?;
        let operation = document.find_operation(request.operation_name.take().as_deref())?;
        let variables = std::mem::take(&mut request.variables);
        let values = variables::coerce_variables(&self.0.types, operation, &document.positions, variables)?;
        let Document { source, positions, plans } = &*document;
        let (planned, shape) =
            plans.plan_with_values(&self.0.types, source, positions, operation, &values)?;
        request.set_parsed_query(planned);
        let operation_type = convert::convert_operation_type(operation.operation_type);
        Ok(Prepared { request, operation_type, shape })
    }

    /// The valid document with this text: from the cache, or parsed and then put into the cache.
    fn load_or_parse_document(&self, text: &str) -> Result<Arc<Document>, Vec<ServerError>> {
        if let Some(document) = self.0.cache.get(text) {
            return Ok(document);
        }
        let document = Arc::new(self.parse_and_validate(text)?);
        self.0.cache.insert_if_short(text, &document);
        Ok(document)
    }

    fn parse_and_validate(&self, text: &str) -> Result<Document, Vec<ServerError>> {
        limits::check_query_text(text)?;
        let positions = Positions::new(text);
        let parsed = Parser::new().recursion_limit(MAX_NESTING).parse_ast(text, "query");
        let ast: ast::Document =
            parsed.map_err(|faults| refusals::first_syntax_error(&faults.errors, &positions))?;
        limits::check_document_size(&convert::convert_document(&ast, &positions))?;
        let source = match ast.to_executable_validate(self.0.types.schema()) {
            Ok(source) => source,
            Err(WithErrors { partial, errors }) => {
                let errors = refusals::validation_errors(&errors, &positions, &rules::REPLACED_RULES);
                if !errors.is_empty() {
                    return Err(errors);
                }
                Valid::assume_valid(partial)
            }
        };
        rules::check_rules(&self.0.types, &source, &positions)?;
        let plans = Plans::new(&source, text.len());
        Ok(Document { source, positions, plans })
    }
}

impl Document {
    /// The operation with this name. Without a name, the only operation.
    fn find_operation(&self, name: Option<&str>) -> Result<&Node<Operation>, ServerError> {
        self.source.operations.get(name).map_err(|_| {
            let message = match name {
                Some(name) => format!("the document has no operation named `{name}`"),
                None => "the document has several operations: the request must name one".to_owned(),
            };
            validation_error(message, None)
        })
    }
}
