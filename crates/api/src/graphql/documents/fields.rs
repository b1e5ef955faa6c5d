//! Collects the fields of one object from all selections that apply to it, also those in fragments. Fields with the
//! same response key come together. `plan` and `rules` call it.
//!
//! <https://spec.graphql.org/October2021/#CollectFields()>

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Node,
    executable::{DirectiveList, Field, Selection, SelectionSet},
};
use async_graphql::indexmap::{IndexMap, map::Entry};

use super::types::Types;

/// The fields by response key, in the sequence in which they appear: the first field with the key, and all others with
/// it.
pub type Collected<'a> = IndexMap<&'a str, (&'a Node<Field>, Vec<&'a Node<Field>>)>;

/// Collects the fields of an object from these selection sets. `is_included` decides by the directives of a selection
/// whether it counts.
///
/// # Errors
/// The first error of `is_included`.
pub fn collect_fields<'a, E>(
    types: &Types,
    source: &'a ExecutableDocument,
    object: &str,
    sets: &[&'a SelectionSet],
    is_included: impl Fn(&'a DirectiveList) -> Result<bool, E>,
) -> Result<Collected<'a>, E> {
    let (collected, spread) = (Collected::new(), HashSet::new());
    let mut collection = Collection { types, source, object, is_included, collected, spread };
    sets.iter().try_for_each(|set| collection.add_selections(set))?;
    Ok(collection.collected)
}

struct Collection<'a, 'b, F> {
    types: &'b Types,
    source: &'a ExecutableDocument,
    object: &'b str,
    is_included: F,
    collected: Collected<'a>,
    /// The fragments that were added. To add one again would change nothing.
    spread: HashSet<&'a str>,
}

impl<'a, E, F: Fn(&'a DirectiveList) -> Result<bool, E>> Collection<'a, '_, F> {
    fn add_selections(&mut self, set: &'a SelectionSet) -> Result<(), E> {
        for selection in &set.selections {
            if !(self.is_included)(selection.directives())? {
                continue;
            }
            match selection {
                Selection::Field(field) => match self.collected.entry(field.response_key().as_str()) {
                    Entry::Vacant(entry) => drop(entry.insert((field, Vec::new()))),
                    Entry::Occupied(mut entry) => entry.get_mut().1.push(field),
                },
                Selection::InlineFragment(inline) => {
                    let condition = inline.type_condition.as_ref();
                    if condition.is_none_or(|condition| self.types.condition_applies(condition, self.object))
                    {
                        self.add_selections(&inline.selection_set)?;
                    }
                }
                Selection::FragmentSpread(node) => {
                    // The validation refuses unknown fragments.
                    let Some(fragment) = node.fragment_def(self.source) else { continue };
                    if self.spread.insert(fragment.name.as_str())
                        && self.types.condition_applies(fragment.type_condition(), self.object)
                    {
                        self.add_selections(&fragment.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }
}
