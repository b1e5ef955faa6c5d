//! Limits on the size of a document. They are checked before the document is validated. `documents` checks the size
//! only; `operation` checks it again with the lengths of the schema's lists, and uses the cost of the introspection.
//!
//! The library's checks of depth and complexity follow every path through the fragments. If each fragment uses the next
//! one twice, the number of paths is exponential. So the document is counted here first: each fragment is counted once,
//! and its counts are added wherever it is used. Rules:
//! 1. All operations of the document count, not only the one that runs, because all of them are validated.
//! 2. Fragments that no operation uses are checked too, but are not part of the sums.

use std::collections::HashMap;

use async_graphql::{
    Pos, Positioned, ServerError, ServerResult,
    parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet},
};

use super::{
    super::documents::is_placeholder,
    MAX_RECURSION,
    errors::too_large,
    introspection::{self, Introspection, ListLengths, MAX_NESTED_LISTS},
};

/// The maximum number of selections in a document. A selection in a fragment counts wherever the fragment is used.
pub const MAX_SELECTIONS: usize = 5_000;
/// The maximum number of aliases in a document. An alias in a fragment counts wherever the fragment is used.
pub const MAX_ALIASES: usize = 50;
/// The maximum number of directives on one field, fragment, operation or variable.
pub const MAX_DIRECTIVES: usize = 4;
/// The maximum number of arguments of one field or directive.
pub const MAX_ARGUMENTS: usize = 50;
/// The maximum number of variables of one operation.
pub const MAX_VARIABLES: usize = 100;
/// The maximum number of operations in a document.
pub const MAX_OPERATIONS: usize = 50;
/// The maximum length in bytes of a name: of a field, alias, argument, variable, fragment, type, directive or
/// operation.
pub const MAX_NAME_BYTES: usize = 200;

/// Measures a document and checks its size. Returns the cost of its introspection.
///
/// # Errors
/// `QUERY_TOO_LARGE` with the limit that is exceeded; an error without a code for a fragment that contains itself.
pub fn measure_document(document: &ExecutableDocument, lengths: &ListLengths) -> ServerResult<Introspection> {
    if document.operations.iter().count() > MAX_OPERATIONS {
        return Err(too_large(format!("the query has more than {MAX_OPERATIONS} operations")));
    }
    let mut measurement = Measurement { document, lengths, fragments: HashMap::new(), depth: 0 };
    let mut total = Size::default();
    for (name, operation) in document.operations.iter() {
        check_name(name.map_or("", |name| name.as_str()))?;
        check_directives(&operation.node.directives)?;
        if operation.node.variable_definitions.len() > MAX_VARIABLES {
            return Err(too_large(format!("an operation has more than {MAX_VARIABLES} variables")));
        }
        for variable in &operation.node.variable_definitions {
            check_name(&variable.node.name.node)?;
            check_directives(&variable.node.directives)?;
        }
        total.add(measurement.measure_selections(&operation.node.selection_set.node, false)?);
    }
    for (name, fragment) in &document.fragments {
        measurement.measure_fragment(name, fragment.pos)?;
    }
    if total.aliases > MAX_ALIASES {
        return Err(too_large(format!("the query has more than {MAX_ALIASES} aliases")));
    }
    if total.selections > MAX_SELECTIONS {
        return Err(too_large(format!("the query has more than {MAX_SELECTIONS} selections")));
    }
    if total.introspection.nested_lists > MAX_NESTED_LISTS {
        let message = format!("the introspection nests more than {MAX_NESTED_LISTS} lists inside each other");
        return Err(too_large(message));
    }
    Ok(total.introspection)
}

#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    aliases: usize,
    introspection: Introspection,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.introspection.add(other.introspection);
    }
}

/// The state of counting one document. `fragments` has the result for each fragment that was counted, and `None` for a
/// fragment that is being counted now.
struct Measurement<'a> {
    document: &'a ExecutableDocument,
    lengths: &'a ListLengths,
    fragments: HashMap<&'a str, Option<Size>>,
    depth: usize,
}

impl<'a> Measurement<'a> {
    /// Counts a selection set. `of_schema` says whether it selects from a type of introspection.
    fn measure_selections(&mut self, set: &'a SelectionSet, of_schema: bool) -> ServerResult<Size> {
        // A long chain of fragments must not overflow the stack.
        if self.depth > MAX_RECURSION {
            return Err(too_large(format!("the query nests deeper than {MAX_RECURSION} selections")));
        }
        self.depth += 1;
        let mut size = Size { selections: set.items.len(), ..Size::default() };
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => size.add(self.measure_field(&field.node, of_schema)?),
                Selection::InlineFragment(inline) => {
                    check_directives(&inline.node.directives)?;
                    if let Some(condition) = &inline.node.type_condition {
                        check_name(&condition.node.on.node)?;
                    }
                    size.add(self.measure_selections(&inline.node.selection_set.node, of_schema)?);
                }
                Selection::FragmentSpread(spread) => {
                    check_directives(&spread.node.directives)?;
                    size.add(self.measure_fragment(&spread.node.fragment_name.node, spread.pos)?);
                }
            }
        }
        self.depth -= 1;
        Ok(size)
    }

    fn measure_field(&mut self, field: &'a Field, of_schema: bool) -> ServerResult<Size> {
        check_name(&field.name.node)?;
        check_directives(&field.directives)?;
        check_arguments(field.arguments.iter().map(|(name, _)| name.node.as_str()))?;
        if let Some(alias) = &field.alias {
            check_name(&alias.node)?;
        }
        let name = field.name.node.as_str();
        let of_schema = of_schema || introspection::is_entry(name);
        let mut size = self.measure_selections(&field.selection_set.node, of_schema)?;
        let has_alias = field.alias.is_some() && !is_placeholder(field);
        size.aliases = size.aliases.saturating_add(usize::from(has_alias));
        if of_schema {
            size.introspection = size.introspection.of_field(name, self.lengths);
        }
        Ok(size)
    }

    fn measure_fragment(&mut self, name: &'a str, pos: Pos) -> ServerResult<Size> {
        if let Some(known) = self.fragments.get(name) {
            let cycle = || ServerError::new(format!("the fragment `{name}` contains itself"), Some(pos));
            return known.ok_or_else(cycle);
        }
        check_name(name)?;
        // The validation refuses unknown fragments.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        check_directives(&fragment.node.directives)?;
        let on = fragment.node.type_condition.node.on.node.as_str();
        check_name(on)?;
        self.fragments.insert(name, None);
        let size = self.measure_selections(
            &fragment.node.selection_set.node,
            introspection::is_introspection_type(on),
        )?;
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

fn check_directives(directives: &[Positioned<Directive>]) -> ServerResult<()> {
    if directives.len() > MAX_DIRECTIVES {
        return Err(too_large(format!("there are more than {MAX_DIRECTIVES} directives in one place")));
    }
    for directive in directives {
        check_name(&directive.node.name.node)?;
        check_arguments(directive.node.arguments.iter().map(|(name, _)| name.node.as_str()))?;
    }
    Ok(())
}

fn check_arguments<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> ServerResult<()> {
    if names.len() > MAX_ARGUMENTS {
        return Err(too_large(format!("a field or directive has more than {MAX_ARGUMENTS} arguments")));
    }
    names.into_iter().try_for_each(check_name)
}

fn check_name(name: &str) -> ServerResult<()> {
    if name.len() > MAX_NAME_BYTES {
        return Err(too_large(format!("the query has a name longer than {MAX_NAME_BYTES} bytes")));
    }
    Ok(())
}
