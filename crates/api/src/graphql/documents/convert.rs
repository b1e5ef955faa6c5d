//! Converts a parsed document from the types of apollo-compiler to those of async-graphql, so that `limits` can check
//! its size before it is validated. The result is never executed: it has no values of arguments and no defaults of
//! variables, because `limits` does not need them. It never fails: what the validation will refuse is left out or made
//! unique.

use std::collections::HashMap;

use super::positions::Positions;
use apollo_compiler::{Node, ast};
use async_graphql::{
    Name, Positioned,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
        FragmentSpread, InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet, Type,
        TypeCondition, VariableDefinition,
    },
};

/// Converts a whole document. If several fragments have the same name, the first one counts, as in the validation.
pub fn convert_document(document: &ast::Document, positions: &Positions) -> ExecutableDocument {
    let convert = Converter { positions };
    let (mut operations, mut fragments) = (HashMap::new(), HashMap::new());
    for (index, definition) in document.definitions.iter().enumerate() {
        match definition {
            ast::Definition::OperationDefinition(operation) => {
                let name = operation.name.as_ref().map(Name::new);
                let name = name.filter(|name| !operations.contains_key(name));
                let key = name.unwrap_or_else(|| Name::new(index.to_string()));
                operations.insert(key, convert.convert_operation(operation));
            }
            ast::Definition::FragmentDefinition(fragment) => {
                fragments
                    .entry(Name::new(&fragment.name))
                    .or_insert_with(|| convert.convert_fragment(fragment));
            }
            // Definitions of types have no size here; the validation refuses them.
            _ => {}
        }
    }
    ExecutableDocument { operations: DocumentOperations::Multiple(operations), fragments }
}

struct Converter<'a> {
    positions: &'a Positions,
}

impl Converter<'_> {
    fn with_position_of<T, N>(&self, node: &Node<N>, value: T) -> Positioned<T> {
        Positioned::new(value, self.positions.find_node_start(node.location()))
    }

    fn convert_name(&self, name: &apollo_compiler::Name) -> Positioned<Name> {
        Positioned::new(Name::new(name), self.positions.find_node_start(name.location()))
    }

    fn convert_operation(&self, node: &Node<ast::OperationDefinition>) -> Positioned<OperationDefinition> {
        let operation = OperationDefinition {
            ty: convert_operation_type(node.operation_type),
            variable_definitions: node.variables.iter().map(|one| self.convert_variable(one)).collect(),
            directives: self.convert_directives(&node.directives),
            selection_set: self.with_position_of(node, self.convert_selections(&node.selection_set)),
        };
        self.with_position_of(node, operation)
    }

    fn convert_variable(&self, node: &Node<ast::VariableDefinition>) -> Positioned<VariableDefinition> {
        // The limits count variables and ignore their types. A type of the document can always be parsed again; the
        // other branch is never used.
        let ty = Type::new(&node.ty.to_string())
            .unwrap_or(Type { base: BaseType::Named(Name::new("")), nullable: true });
        let variable = VariableDefinition {
            name: self.convert_name(&node.name),
            var_type: self.with_position_of(&node.ty, ty),
            directives: self.convert_directives(&node.directives),
            default_value: None,
        };
        self.with_position_of(node, variable)
    }

    fn convert_fragment(&self, node: &Node<ast::FragmentDefinition>) -> Positioned<FragmentDefinition> {
        let condition = TypeCondition { on: self.convert_name(&node.type_condition) };
        let fragment = FragmentDefinition {
            type_condition: self.with_position_of(node, condition),
            directives: self.convert_directives(&node.directives),
            selection_set: self.with_position_of(node, self.convert_selections(&node.selection_set)),
        };
        self.with_position_of(node, fragment)
    }

    fn convert_selections(&self, selections: &[ast::Selection]) -> SelectionSet {
        SelectionSet { items: selections.iter().map(|selection| self.convert_selection(selection)).collect() }
    }

    fn convert_selection(&self, selection: &ast::Selection) -> Positioned<Selection> {
        match selection {
            ast::Selection::Field(node) => {
                let field = Field {
                    alias: node.alias.as_ref().map(|alias| self.convert_name(alias)),
                    name: self.convert_name(&node.name),
                    arguments: self.convert_arguments(&node.arguments),
                    directives: self.convert_directives(&node.directives),
                    selection_set: self.with_position_of(node, self.convert_selections(&node.selection_set)),
                };
                self.with_position_of(node, Selection::Field(self.with_position_of(node, field)))
            }
            ast::Selection::FragmentSpread(node) => {
                let spread = FragmentSpread {
                    fragment_name: self.convert_name(&node.fragment_name),
                    directives: self.convert_directives(&node.directives),
                };
                self.with_position_of(node, Selection::FragmentSpread(self.with_position_of(node, spread)))
            }
            ast::Selection::InlineFragment(node) => {
                let on = |on| self.with_position_of(node, TypeCondition { on: self.convert_name(on) });
                let inline = InlineFragment {
                    type_condition: node.type_condition.as_ref().map(on),
                    directives: self.convert_directives(&node.directives),
                    selection_set: self.with_position_of(node, self.convert_selections(&node.selection_set)),
                };
                self.with_position_of(node, Selection::InlineFragment(self.with_position_of(node, inline)))
            }
        }
    }

    /// Converts arguments without their values, because the checks of size do not need the values.
    fn convert_arguments<V: Default>(
        &self,
        all: &[Node<ast::Argument>],
    ) -> Vec<(Positioned<Name>, Positioned<V>)> {
        all.iter().map(|argument| (self.convert_name(&argument.name), Positioned::default())).collect()
    }

    fn convert_directives(&self, directives: &ast::DirectiveList) -> Vec<Positioned<Directive>> {
        let convert = |node: &Node<ast::Directive>| {
            let (name, arguments) = (self.convert_name(&node.name), self.convert_arguments(&node.arguments));
            self.with_position_of(node, Directive { name, arguments })
        };
        directives.iter().map(convert).collect()
    }
}

/// Converts the kind of an operation to the type of async-graphql.
pub fn convert_operation_type(ty: ast::OperationType) -> OperationType {
    match ty {
        ast::OperationType::Query => OperationType::Query,
        ast::OperationType::Mutation => OperationType::Mutation,
        ast::OperationType::Subscription => OperationType::Subscription,
    }
}
