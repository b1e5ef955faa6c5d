use std::{fmt::Write, time::Duration};

use async_graphql::{EmptyMutation, EmptySubscription, Object, Response, Schema, ServerError};

use super::{document::*, *};
use crate::graphql::extension::extend_schema;

mod introspection;
mod meter;
mod updates;

struct Tree;

#[Object]
impl Tree {
    async fn leaf(&self, #[graphql(default)] _text: String) -> i32 {
        1
    }

    async fn tree(&self) -> Tree {
        Tree
    }

    #[graphql(complexity = "first as usize * child_complexity")]
    async fn trees(&self, first: i32) -> Vec<Tree> {
        (0..first.min(2)).map(|_| Tree).collect()
    }
}

/// Runs a query. It must be answered within five seconds, also if it is hostile.
async fn run(query: &str) -> Response {
    let schema =
        extend_schema(Schema::build(Tree, EmptyMutation, EmptySubscription), Limits::default()).finish();
    tokio::time::timeout(Duration::from_secs(5), schema.execute(query)).await.unwrap()
}

async fn error(query: &str) -> ServerError {
    let mut response = run(query).await;
    assert_eq!(response.data, async_graphql::Value::Null);
    response.errors.remove(0)
}

async fn refusal(query: &str) -> String {
    error(query).await.message
}

/// The message for a query that must be refused as `QUERY_TOO_LARGE`.
async fn too_much(query: &str) -> String {
    let error = error(query).await;
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    assert_eq!(code, Some(&"QUERY_TOO_LARGE".into()), "{error}");
    error.message
}

#[tokio::test]
async fn ordinary_queries_pass() {
    let nested =
        "{ tree { tree { leaf } } a: leaf ...F } fragment F on Tree { b: leaf trees(first: 100) { leaf } }";
    assert!(run(nested).await.is_ok());
}

#[tokio::test]
async fn depth_complexity_and_directives_are_limited() {
    let deep = |fields: usize| {
        let open = "{ tree ".repeat(fields - 1);
        format!("{open}{{ leaf }}{}", "}".repeat(fields - 1))
    };
    assert!(run(&deep(MAX_DEPTH)).await.is_ok());
    assert_eq!(too_much(&deep(MAX_DEPTH + 1)).await, "the query is deeper than 16 fields inside fields");
    let costly = "{ trees(first: 1000) { trees(first: 1000) { leaf } } }";
    assert_eq!(too_much(costly).await, "the query's complexity is more than 30000");
    let directives = |many: usize| format!("{{ leaf {} }}", "@skip(if: false) ".repeat(many));
    assert_eq!(
        too_much(&directives(MAX_DIRECTIVES + 1)).await,
        "there are more than 4 directives in one place"
    );
    let in_a_fragment = format!("{{ ...F }} fragment F on Tree {}", directives(MAX_DIRECTIVES + 1));
    assert_eq!(too_much(&in_a_fragment).await, "there are more than 4 directives in one place");
}

#[tokio::test]
async fn aliases_are_counted_through_fragments() {
    let many: String = (0..=MAX_ALIASES).fold(String::new(), |mut text, n| {
        write!(text, "a{n}: leaf ").unwrap();
        text
    });
    assert_eq!(too_much(&format!("{{ {many} }}")).await, "the query has more than 50 aliases");
    let used_twice: String = (0..30).map(|n| format!("a{n}: leaf ")).collect();
    let query = format!("{{ x: tree {{ ...F }} y: tree {{ ...F }} }} fragment F on Tree {{ {used_twice} }}");
    assert_eq!(too_much(&query).await, "the query has more than 50 aliases");
}

#[tokio::test]
async fn a_bomb_of_fragments_is_refused_at_once() {
    let mut query = "{ ...F0 }".to_owned();
    for n in 0..28 {
        let next = n + 1;
        write!(query, " fragment F{n} on Tree {{ {} }}", format!("...F{next} ").repeat(8)).unwrap();
    }
    query.push_str(" fragment F28 on Tree { leaf }");
    assert_eq!(too_much(&query).await, "the query has more than 5000 selections");
}

#[tokio::test]
async fn a_fragment_that_contains_itself_is_refused_at_once() {
    let query = "{ ...F } fragment F on Tree { ...G ...G } fragment G on Tree { ...F ...F }";
    assert_eq!(refusal(query).await, "the fragment `F` contains itself");
}

#[tokio::test]
async fn deep_nesting_neither_overflows_the_stack_nor_takes_long() {
    for open in ["{a", "{ leaf(text: [", "{ leaf(text: {a:"] {
        let query = open.repeat(1_500);
        assert!(refusal(&query).await.starts_with("syntax error"));
    }
    let deep = 4_000;
    let closed = format!("{}{}", "{a".repeat(deep), "}".repeat(deep));
    assert!(refusal(&closed).await.starts_with("syntax error"));
    let list = format!("{{ leaf(text: {}{}) }}", "[".repeat(deep), "]".repeat(deep));
    assert!(refusal(&list).await.starts_with("syntax error"));

    let mut chain = "{ ...F0 }".to_owned();
    for n in 0..1_500 {
        write!(chain, "fragment F{n} on Tree{{...F{}}}", n + 1).unwrap();
    }
    assert_eq!(too_much(&chain).await, "the query nests deeper than 32 selections");
}

#[tokio::test]
async fn directives_are_counted_wherever_they_stand() {
    let many = "@a ".repeat(7_000);
    for query in [
        format!("query {many} {{ leaf }}"),
        format!("query($a: Int {many}) {{ leaf }}"),
        format!("{{ leaf {many} }}"),
        format!("{{ ... {many} {{ leaf }} }}"),
        format!("{{ ...F {many} }} fragment F on Tree {{ leaf }}"),
        format!("{{ ...F }} fragment F on Tree {many} {{ leaf }}"),
        format!("{{ leaf }} fragment Unused on Tree {many} {{ leaf }}"),
        format!("{{ leaf }} fragment Unused on Tree {{ leaf {many} }}"),
        format!("query A {{ leaf }} query B {many} {{ leaf }}"),
    ] {
        assert_eq!(too_much(&query).await, "there are more than 4 directives in one place");
    }
}

#[tokio::test]
async fn arguments_variables_operations_and_names_are_limited() {
    let many = |count: usize, one: fn(usize) -> String| (0..count).map(one).collect::<String>();
    let arguments = many(MAX_ARGUMENTS + 1, |n| format!("a{n}: 1 "));
    let message = "a field or directive has more than 50 arguments";
    assert_eq!(too_much(&format!("{{ leaf({arguments}) }}")).await, message);
    assert_eq!(too_much(&format!("{{ leaf @skip({arguments}) }}")).await, message);

    let variables = many(MAX_VARIABLES + 1, |n| format!("$a{n}: Int "));
    let message = "an operation has more than 100 variables";
    assert_eq!(too_much(&format!("query({variables}) {{ leaf }}")).await, message);

    let operations = many(MAX_OPERATIONS + 1, |n| format!("query Q{n} {{ leaf }} "));
    assert_eq!(too_much(&operations).await, "the query has more than 50 operations");

    let long = "x".repeat(MAX_NAME_BYTES + 1);
    for query in [
        format!("{{ {long} }}"),
        format!("{{ {long}: leaf }}"),
        format!("{{ leaf({long}: 1) }}"),
        format!("{{ leaf @{long} }}"),
        format!("{{ leaf @skip({long}: true) }}"),
        format!("query {long} {{ leaf }}"),
        format!("query(${long}: Int) {{ leaf }}"),
        format!("{{ ...{long} }}"),
        format!("{{ ... on {long} {{ leaf }} }}"),
        format!("{{ leaf }} fragment {long} on Tree {{ leaf }}"),
        format!("{{ leaf }} fragment F on {long} {{ leaf }}"),
    ] {
        assert_eq!(too_much(&query).await, "the query has a name longer than 200 bytes");
    }
    let longest = "x".repeat(MAX_NAME_BYTES);
    assert!(run(&format!("query {longest} {{ {longest}: leaf }}")).await.is_ok());
}

#[tokio::test]
async fn documents_of_the_largest_size_are_judged_soon() {
    let fill = |begin: &str, one: &str, end: &str| {
        format!("{begin}{}{end}", one.repeat((MAX_QUERY_BYTES - begin.len() - end.len()) / one.len()))
    };
    for query in [
        fill("{ leaf(text: [", "0,", "]) }"),
        fill("{ leaf(text: [", "{a:0},", "]) }"),
        fill("{ leaf(text: [", "[[[[[[[[[[0]]]]]]]]]]", "]) }"),
        fill("{ leaf(text: \"", "\\u0041", "\") }"),
        fill("{ leaf(text: \"\"\"", "a\n", "\"\"\") }"),
        fill("{", "leaf ", "}"),
        fill("{", "...{leaf}", "}"),
        fill("{", "x ", "}"),
        fill("query(", "$a:[Int]=[0,0,0,0] ", ") { leaf }"),
        fill("query(", "$a:Int! ", ") { leaf }"),
        fill("{ leaf }", "query Q{leaf}", ""),
        fill("{ ...F }", "fragment F on Tree{leaf}", ""),
        fill("{ leaf }", "#\n", ""),
        fill("{ leaf }", ",", ""),
        fill("", "{", ""),
        fill("", "\"", ""),
    ] {
        let started = std::time::Instant::now();
        let response = run(&query).await;
        let took = started.elapsed();
        assert!(took < Duration::from_secs(4), "{took:?}: {}", &query[..40]);
        drop(response);
    }
}

#[tokio::test]
async fn a_long_query_is_refused() {
    let query = format!("{{ leaf }} # {}", "x".repeat(MAX_QUERY_BYTES));
    assert_eq!(too_much(&query).await, "the query is longer than 65536 bytes");
}

#[tokio::test]
async fn a_syntax_error_says_where_and_what_but_repeats_nothing() {
    let response = run("{ leaf(text: \"my secret\" }").await;
    let error = &response.errors[0];
    assert!(error.message.starts_with("syntax error: expected"), "{}", error.message);
    assert!(!error.message.contains("secret"));
    assert_eq!(error.locations[0].line, 1);
    assert!(run("{ leaf(text: \"unfinished").await.is_err());
    assert!(run("{ leaf(text: \"\"\"unfinished").await.is_err());
}
