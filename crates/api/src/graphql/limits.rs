//! How much one operation may ask for. The schema is built through [`limited`]; the transports use [`parse`].
//!
//! The library's own limits come too late against one attack: its checks of depth walk every path through the
//! fragments, and fragments that use each other twice make those paths exponential in number. So selections and
//! aliases are counted first, each fragment once.

mod nesting;

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    ErrorExtensionValues, ObjectType, Pos, Request, SchemaBuilder, ServerError, ServerResult,
    SubscriptionType, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest, NextValidation},
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Fields inside fields. The introspection query of the usual tools needs 15.
pub const MAX_DEPTH: usize = 16;
/// The sum of all fields' complexity; lists multiply by what they may return.
pub const MAX_COMPLEXITY: usize = 30_000;
/// Nested selections, fragments counted in.
pub const MAX_RECURSION: usize = 32;
/// Directives on one field.
pub const MAX_DIRECTIVES: usize = 4;
/// Aliases in one document, each counted as often as its fragment is used.
pub const MAX_ALIASES: usize = 50;
/// Selections in one document, each counted as often as its fragment is used.
pub const MAX_SELECTIONS: usize = 5_000;
/// The length of a query, in bytes.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;

/// Puts every limit on a schema under construction. Suggestions are off: they help to guess hidden names.
pub fn limited<Q, M, S>(builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    // Its limits on depth, complexity and directives would do the same, but say neither a code nor the limit.
    builder.limit_recursive_depth(MAX_RECURSION).disable_suggestions().extension(Sizes)
}

/// Parses a request within the limits on its size, once: the schema then uses the same document.
pub fn parse(request: &mut Request) -> ServerResult<&ExecutableDocument> {
    if request.query.len() > MAX_QUERY_BYTES {
        return Err(too_large(format!("the query is longer than {MAX_QUERY_BYTES} bytes")));
    }
    nesting::check_nesting(&request.query)?;
    let document = request.parsed_query().map_err(syntax_error)?;
    check_size(document)?;
    Ok(document)
}

struct Sizes;

impl ExtensionFactory for Sizes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Sizes {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = next.run(ctx, request).await?;
        parse(&mut request)?;
        Ok(request)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        if result.complexity > MAX_COMPLEXITY {
            return Err(too_large(format!("the query's complexity is more than {MAX_COMPLEXITY}")).into());
        }
        if result.depth > MAX_DEPTH {
            return Err(
                too_large(format!("the query is deeper than {MAX_DEPTH} fields inside fields")).into()
            );
        }
        Ok(result)
    }
}

/// Refuses a document with too many selections or aliases once its fragments are unfolded.
fn check_size(document: &ExecutableDocument) -> ServerResult<()> {
    let mut count = Count { document, fragments: HashMap::new(), depth: 0 };
    let mut total = Size::default();
    for (_, operation) in document.operations.iter() {
        total.add(count.selections(&operation.node.selection_set.node)?);
    }
    if total.aliases > MAX_ALIASES {
        return Err(too_large(format!("the query has more than {MAX_ALIASES} aliases")));
    }
    if total.selections > MAX_SELECTIONS {
        return Err(too_large(format!("the query has more than {MAX_SELECTIONS} selections")));
    }
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    aliases: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
    }
}

/// Counts each fragment once and remembers the result; `None` while a fragment is being counted.
struct Count<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Option<Size>>,
    depth: usize,
}

impl<'a> Count<'a> {
    fn selections(&mut self, set: &'a SelectionSet) -> ServerResult<Size> {
        // A long chain of fragments must not use up the stack.
        if self.depth > MAX_RECURSION {
            return Err(too_large(format!("the query nests deeper than {MAX_RECURSION} selections")));
        }
        self.depth += 1;
        let mut size = Size { selections: set.items.len(), aliases: 0 };
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    if field.node.directives.len() > MAX_DIRECTIVES {
                        return Err(too_large(format!("a field has more than {MAX_DIRECTIVES} directives")));
                    }
                    size.add(Size { selections: 0, aliases: usize::from(field.node.alias.is_some()) });
                    size.add(self.selections(&field.node.selection_set.node)?);
                }
                Selection::InlineFragment(inline) => {
                    size.add(self.selections(&inline.node.selection_set.node)?);
                }
                Selection::FragmentSpread(spread) => {
                    size.add(self.fragment(&spread.node.fragment_name.node, spread.pos)?);
                }
            }
        }
        self.depth -= 1;
        Ok(size)
    }

    fn fragment(&mut self, name: &'a str, pos: Pos) -> ServerResult<Size> {
        if let Some(known) = self.fragments.get(name) {
            let cycle = || ServerError::new(format!("the fragment `{name}` contains itself"), Some(pos));
            return known.ok_or_else(cycle);
        }
        // An unknown fragment is the validation's business.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.fragments.insert(name, None);
        let size = self.selections(&fragment.node.selection_set.node)?;
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

fn too_large(message: String) -> ServerError {
    coded(ServerError::new(message, None), "QUERY_TOO_LARGE")
}

/// The parser's message draws the line of the query it stumbled over; only what it expected is passed on.
fn syntax_error(mut error: ServerError) -> ServerError {
    let expected = error.message.lines().last().unwrap_or_default().trim_start_matches([' ', '=']);
    error.message = format!("syntax error: {}", expected.chars().take(200).collect::<String>());
    coded(error, "GRAPHQL_PARSE_FAILED")
}

fn coded(mut error: ServerError, code: &str) -> ServerError {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
    error
}

#[cfg(test)]
mod tests;
