//! Makes operations from the schema that select every reachable field of every type. Tests search the answers for
//! values that a caller must not read. A new field of the schema is selected automatically.
//!
//! `making` writes the operations, `reading` searches the answers.

mod making;
mod reading;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use app::Caller;
use async_graphql::Request;
use futures::StreamExt;
use serde_json::{Value, json};

pub(super) use reading::{filled, find_leaks};

use super::world::World;
use crate::graphql::{Schema, bodies::BodyBudget, builder, extension::OperationExtensions};

/// How long a subscription may be silent before the crawler leaves it.
const SILENCE: Duration = Duration::from_millis(500);

const INTROSPECTION: &str = "{ __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { name kind possibleTypes { name } enumValues { name } inputFields { name type { ...T } }
        fields(includeDeprecated: true) { name args { name type { ...T } } type { ...T } } }
} }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The values from which arguments are made.
#[derive(Default)]
pub(super) struct Pool {
    pub orders: Vec<String>,
    pub shipments: Vec<String>,
    pub items: Vec<String>,
    /// The values for arguments of the type `ID`.
    pub ids: Vec<String>,
    /// The values for arguments that are texts: references and tracking numbers.
    pub texts: Vec<String>,
    /// The cursors for the argument `after` of subscriptions.
    pub cursors: Vec<String>,
}

/// One operation and its response.
pub(super) struct AnsweredOperation {
    pub query: String,
    pub response: Value,
}

/// Makes and runs operations for one caller.
pub(super) struct Crawler<'a> {
    world: &'a World,
    schema: Schema,
    types: BTreeMap<String, Value>,
    roots: [String; 3],
    pool: Pool,
    /// The fields that the caller may not read, as `Type.field`. They are left out of later queries, because a refused
    /// non-null field makes the object around it null and so hides its other fields.
    pub refused: BTreeSet<String>,
    caller: Caller,
}

impl<'a> Crawler<'a> {
    pub async fn new(world: &'a World, caller: Caller, pool: Pool) -> Self {
        // Without the limits: a caller could split an operation that is too large into several.
        let schema = builder()
            .extension(OperationExtensions::without_limits())
            .data(world.app.clone())
            .data(world.clock.clone())
            .data(world.feed.clone())
            .finish();
        let answer = schema.execute(INTROSPECTION).await;
        assert_eq!(answer.errors, []);
        let mut found = answer.data.into_json().unwrap()["__schema"].take();
        let root = |name: &str| text(&found[name]["name"]).to_owned();
        let roots = [root("queryType"), root("mutationType"), root("subscriptionType")];
        let types = found["types"].take();
        let types = list(&types).iter().map(|one| (text(&one["name"]).to_owned(), one.clone())).collect();
        Self { world, schema, types, roots, pool, refused: BTreeSet::new(), caller }
    }

    /// Runs all queries with these names, with all values of the pool that fit their arguments.
    pub async fn queries(&mut self, wanted: impl Fn(&str) -> bool) -> Vec<AnsweredOperation> {
        let mut answers = Vec::new();
        let fields = self.fields(&self.roots[0]);
        for field in fields.iter().filter(|field| wanted(text(&field["name"]))) {
            for arguments in self.arguments(field) {
                answers.extend(self.ask(field, &arguments).await);
            }
        }
        answers
    }

    /// Runs all subscriptions, from the present state and from each cursor, until an update without an event or until
    /// silence.
    pub async fn subscriptions(&self) -> Vec<AnsweredOperation> {
        let mut answers = Vec::new();
        for field in self.fields(&self.roots[2]) {
            let name = text(&field["name"]).to_owned();
            let resumes = list(&field["args"]).iter().any(|one| one["name"] == "after");
            for arguments in self.arguments(&field) {
                let cursors = self.pool.cursors.iter().filter(|_| resumes);
                let after = cursors.map(|cursor| format!(", after: {}", json!(cursor)));
                for after in std::iter::once(String::new()).chain(after) {
                    let arguments = arguments.replacen(')', &format!("{after})"), 1);
                    let operation = format!("subscription {{ {name}{arguments}{} }}", self.below(&field));
                    let request = self.request(&operation);
                    let mut responses = self.schema.execute_stream(request).boxed();
                    while let Ok(Some(response)) = tokio::time::timeout(SILENCE, responses.next()).await {
                        let response = serde_json::to_value(response).unwrap();
                        assert_whole(&response, &operation);
                        let told_all = response["data"][&name]["event"].is_null();
                        answers.push(AnsweredOperation { query: operation.clone(), response });
                        if told_all {
                            break;
                        }
                    }
                }
            }
        }
        answers
    }

    /// Runs all mutations repeatedly, with other values of the pool each time: once with only the required fields of
    /// the input, and once with all fields.
    pub async fn mutations(&self) -> Vec<AnsweredOperation> {
        let mut answers = Vec::new();
        let rounds = self.pool.orders.len() * self.pool.shipments.len().max(self.pool.items.len());
        for field in self.fields(&self.roots[1]) {
            let (name, below) = (text(&field["name"]).to_owned(), self.below(&field));
            for round in 0..rounds {
                for whole in [false, true] {
                    let values = list(&field["args"]).iter().map(|argument| {
                        let value = self.input(text(&argument["name"]), &argument["type"], round, whole);
                        format!("{}: {value}", text(&argument["name"]))
                    });
                    let values: Vec<String> = values.collect();
                    let operation = format!("mutation {{ {name}({}){below} }}", values.join(", "));
                    let answer = self.run(&operation).await;
                    assert_whole(&answer.response, &answer.query);
                    answers.push(answer);
                }
            }
        }
        answers
    }

    /// Repeats a query without its refused fields until no further field is refused. Then it shows what refused fields
    /// hid.
    async fn ask(&mut self, field: &Value, arguments: &str) -> Vec<AnsweredOperation> {
        let mut answers = Vec::new();
        loop {
            let query = format!("{{ {}{arguments}{} }}", text(&field["name"]), self.below(field));
            let answer = self.run(&query).await;
            let refused = self.refused.len();
            for error in list(&answer.response["errors"]) {
                let code = text(&error["extensions"]["code"]);
                assert!(["FORBIDDEN", "BAD_INPUT"].contains(&code), "{error} of {query}");
                self.note(error);
            }
            answers.push(answer);
            if self.refused.len() == refused {
                return answers;
            }
        }
    }

    /// Adds the field of an error to the refused fields, unless the error is about the query as a whole.
    fn note(&mut self, error: &Value) {
        let path: Vec<&str> = list(&error["path"]).iter().filter_map(Value::as_str).collect();
        let Some((last, parents)) = path.split_last().filter(|(_, parents)| !parents.is_empty()) else {
            return;
        };
        let mut kinds = vec![self.roots[0].clone()];
        for name in parents {
            kinds = self.owners(&kinds, name).map(|(_, field)| named(&field["type"]).to_owned()).collect();
        }
        let refused: Vec<_> = self.owners(&kinds, last).map(|(kind, _)| format!("{kind}.{last}")).collect();
        self.refused.extend(refused);
    }

    /// The types with a field of this name, among these types and their members, each with the field.
    fn owners(&self, kinds: &[String], name: &str) -> impl Iterator<Item = (String, Value)> {
        let members = kinds.iter().flat_map(|kind| self.members(kind));
        let with = members.flat_map(|kind| {
            let fields = self.fields(&kind).into_iter().filter(|field| field["name"] == name);
            fields.map(move |field| (kind.clone(), field)).collect::<Vec<_>>()
        });
        with.collect::<Vec<_>>().into_iter()
    }

    fn request(&self, query: &str) -> Request {
        Request::new(query).data(self.caller.clone()).data(BodyBudget::default())
    }

    async fn run(&self, query: &str) -> AnsweredOperation {
        let response = self.schema.execute(self.request(query)).await;
        AnsweredOperation { query: query.to_owned(), response: serde_json::to_value(response).unwrap() }
    }
}

/// Checks that no field below the operation failed, because it would hide others. Queries can be repeated without such
/// a field; mutations and subscriptions cannot.
fn assert_whole(response: &Value, operation: &str) {
    for error in list(&response["errors"]) {
        assert!(list(&error["path"]).len() <= 1, "{error} of {operation}");
    }
}

/// The name of a type without its wrappers `[]` and `!`.
fn named(declared: &Value) -> &str {
    match &declared["ofType"] {
        Value::Null => text(&declared["name"]),
        inner => named(inner),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
