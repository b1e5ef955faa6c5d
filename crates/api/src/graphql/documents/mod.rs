//! From the text of a request to what will be executed, as the specification says.
//!
//! The library that executes (async-graphql) accepts requests that the specification refuses, and refuses some that it
//! allows. So the transports hand every request to [`Documents::prepare`] before it is executed: another library
//! (apollo-compiler) parses and validates the document, the variables are coerced, and the operation becomes a plan of
//! plain fields ([`plan`]), about which the two libraries agree. The checks of size come first ([`limits`]).
//! `tests/tests/it/conformance.rs` compares the verdicts with those of graphql-js.

mod cache;
mod fields;
mod literals;
mod plan;
mod positions;
mod refusals;
mod rules;
mod shape;
#[cfg(test)]
mod tests;
mod types;
mod variables;
mod written;

use std::sync::Arc;

use apollo_compiler::{
    ExecutableDocument, Node, ast,
    executable::Operation,
    parser::Parser,
    validation::{Valid, WithErrors},
};
use async_graphql::{Request, Response, ServerError, parser::types::OperationType};

use self::{cache::Cache, positions::Positions, refusals::invalid, shape::Shape, types::Types};
use super::limits;

pub use self::shape::is_placeholder;

/// How deep a text may nest, so that parsing it does not use up the stack. The limits on what is selected are lower.
const MAX_NESTING: usize = 64;

/// Reads requests for one schema. Clones share what they keep.
#[derive(Clone, Debug)]
pub struct Documents(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    types: Types,
    cache: Cache,
}

/// A valid document.
#[derive(Debug)]
struct Document {
    source: Valid<ExecutableDocument>,
    positions: Positions,
}

/// A request that can be executed.
#[derive(Debug)]
pub struct Prepared {
    /// The request, with its plan in place of what was sent.
    pub request: Request,
    /// What kind of operation it is.
    pub operation_type: OperationType,
    shape: Shape,
}

impl Prepared {
    /// Splits the request from what completes its responses.
    pub fn split(self) -> (Request, Completion) {
        (self.request, Completion(self.shape))
    }
}

/// What is left to do with each response of a request.
#[derive(Debug)]
pub struct Completion(Shape);

impl Completion {
    /// The response as the client gets it.
    pub fn complete(&self, mut response: Response) -> Response {
        self.0.restore(&mut response.data);
        response
    }
}

impl Documents {
    /// For the schema that this text in the schema definition language describes.
    ///
    /// # Errors
    /// The text describes no valid schema.
    pub fn new(sdl: &str) -> Result<Self, String> {
        Ok(Self(Arc::new(Shared { types: Types::read(sdl)?, cache: Cache::new() })))
    }

    /// Reads a request; a long one away from the threads that serve requests.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare).
    pub async fn prepare_apart(&self, request: Request) -> Result<Prepared, Vec<ServerError>> {
        let documents = self.clone();
        limits::read_apart(request.query.len(), move || documents.prepare(request)).await
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Why the request is refused, each with its code.
    pub fn prepare(&self, mut request: Request) -> Result<Prepared, Vec<ServerError>> {
        let document = self.document(&request.query)?;
        let operation = document.operation(request.operation_name.take().as_deref())?;
        let variables = std::mem::take(&mut request.variables);
        let values = variables::coerce(&self.0.types, operation, &document.positions, variables)?;
        let (plan, shape) =
            plan::plan(&self.0.types, &document.source, &document.positions, operation, &values)?;
        request.set_parsed_query(plan);
        let operation_type = written::operation_type(operation.operation_type);
        Ok(Prepared { request, operation_type, shape })
    }

    /// The valid document with this text.
    fn document(&self, text: &str) -> Result<Arc<Document>, Vec<ServerError>> {
        if let Some(document) = self.0.cache.get(text) {
            return Ok(document);
        }
        let document = Arc::new(self.read(text)?);
        self.0.cache.keep(text, &document);
        Ok(document)
    }

    fn read(&self, text: &str) -> Result<Document, Vec<ServerError>> {
        limits::check_text(text)?;
        let positions = Positions::new(text);
        let parsed = Parser::new().recursion_limit(MAX_NESTING).parse_ast(text, "query");
        let ast: ast::Document =
            parsed.map_err(|faults| refusals::syntax_errors(&faults.errors, &positions))?;
        limits::check_size(&written::written(&ast, &positions))?;
        let source = match ast.to_executable_validate(self.0.types.schema()) {
            Ok(source) => source,
            Err(WithErrors { partial, errors }) => {
                let errors = refusals::validation_errors(&errors, &positions, &rules::REPLACED);
                if !errors.is_empty() {
                    return Err(errors);
                }
                Valid::assume_valid(partial)
            }
        };
        rules::check(&self.0.types, &source, &positions)?;
        Ok(Document { source, positions })
    }
}

impl Document {
    /// The operation of that name, or the only one.
    fn operation(&self, name: Option<&str>) -> Result<&Node<Operation>, ServerError> {
        self.source.operations.get(name).map_err(|_| {
            let message = match name {
                Some(name) => format!("the document has no operation named `{name}`"),
                None => "the document has several operations: the request must name one".to_owned(),
            };
            invalid(message, None)
        })
    }
}
