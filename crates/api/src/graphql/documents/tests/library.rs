//! Tests the behaviour of async-graphql and apollo-compiler that the module `documents` replaces. The requests go to
//! the libraries directly. A test that fails shows that a library has changed: docs/decisions/async-graphql.md says
//! what can then be removed.

use super::*;

const CHANGED: &str = "the library does this now: see docs/decisions/async-graphql.md";

/// A schema without any extension of ours.
fn plain_schema() -> Schema<Query, Mutation, Events> {
    Schema::build(Query, Mutation, Events).data(AtomicUsize::new(1)).finish()
}

/// Executes a request that the library accepts. Returns the text of its data, and the number of errors.
async fn execute(request: impl Into<Request>) -> (String, usize) {
    let response = plain_schema().execute(request).await;
    (serde_json::to_string(&response.data).unwrap(), response.errors.len())
}

/// Whether a document is valid for apollo-compiler alone.
fn is_valid_for_apollo(query: &str) -> bool {
    let documents = documents();
    let ast = Parser::new().parse_ast(query, "query").unwrap();
    ast.to_executable_validate(documents.0.types.schema()).is_ok()
}

#[tokio::test]
async fn keys_stand_in_the_order_in_which_they_were_resolved() {
    let answer = execute("{ late dog { name } }").await;
    assert_eq!(answer, (r#"{"dog":{"name":"Rex"},"late":1}"#.to_owned(), 0), "{CHANGED}");
}

#[tokio::test]
async fn an_object_without_a_field_is_null() {
    for query in ["{ dog { ... on Cat { lives } } }", "{ dog { name @skip(if: true) } }"] {
        assert_eq!(execute(query).await, (r#"{"dog":null}"#.to_owned(), 0), "{query}: {CHANGED}");
    }
}

#[tokio::test]
async fn a_failed_field_is_left_out_and_its_parent_stays() {
    let answer = execute("{ failing { needed late } }").await;
    assert_eq!(answer, (r#"{"failing":{"late":2}}"#.to_owned(), 1), "{CHANGED}");
}

#[tokio::test]
async fn a_mutation_that_is_selected_twice_runs_twice() {
    let answer = execute("mutation { count { count } count { again } }").await;
    assert_eq!(answer, (r#"{"count":{"count":1,"again":2}}"#.to_owned(), 0), "{CHANGED}");
}

#[tokio::test]
async fn a_fragment_at_the_root_of_a_subscription_is_not_found() {
    let query = "subscription { ...F } fragment F on Events { pets { name } }";
    let schema = plain_schema();
    assert_eq!(schema.execute_stream(query).count().await, 0, "{CHANGED}");
}

#[tokio::test]
async fn a_default_does_not_count_as_a_condition() {
    let query = "query($a: Boolean = true) { dog @skip(if: $a) { name } }";
    assert_eq!(execute(query).await, (r#"{"dog":{"name":"Rex"}}"#.to_owned(), 0), "{CHANGED}");
}

#[tokio::test]
async fn null_is_refused_where_a_flag_may_be_null() {
    let query = r#"{ __type(name: "Dog") { fields(includeDeprecated: null) { name } } }"#;
    assert_eq!(execute(query).await.1, 1, "{CHANGED}");
}

#[tokio::test]
async fn the_error_of_a_limit_has_no_code() {
    let schema = Schema::build(Query, Mutation, Events).limit_complexity(1).finish();
    let errors = schema.execute("{ dog { name } }").await.errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].extensions.is_none(), "{CHANGED}");
}

/// Each of these documents is invalid, by the rule of the specification that is named beside it.
#[tokio::test]
async fn the_validation_accepts_what_the_specification_refuses() {
    let accepted = [
        ("Input Object Field Uniqueness", "{ total(sums: [{numbers: [1], numbers: [2]}]) }"),
        ("Field Selection Merging", "{ dog { ... on Dog { x: name } ... on Cat { x: lives } } }"),
        ("Single root field", "subscription { a: pets { name } b: pets { name } }"),
        ("All Variable Usages Are Allowed", "query($a: Boolean) { dog @skip(if: $a) { name } }"),
    ];
    for (rule, query) in accepted {
        assert!(documents().prepare(query.into()).is_err(), "{rule}: {query}");
        let errors = plain_schema().execute_stream(query).next().await.unwrap().errors;
        assert_eq!(errors.len(), 0, "{rule}: {query}: {CHANGED}");
    }
}

#[test]
fn apollo_compiler_lacks_the_rules_of_this_module() {
    let accepted = [
        "query($a: Int) { sum(of: [$a]) }",
        "{ total(sums: [{numbers: [1], numbers: [2]}]) }",
        "{ sum(of: [1]) sum(of: [1, 2]) }",
    ];
    for query in accepted {
        assert!(documents().prepare(query.into()).is_err(), "{query}");
        assert!(is_valid_for_apollo(query), "{query}: {CHANGED}");
    }
    let refused =
        ["subscription { pets { name } pets { name } }", "subscription { pets @include(if: true) { name } }"];
    for query in refused {
        assert!(documents().prepare(query.into()).is_ok(), "{query}");
        assert!(!is_valid_for_apollo(query), "{query}: {CHANGED}");
    }
}
