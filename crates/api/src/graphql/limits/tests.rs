use std::{fmt::Write, time::Duration};

use async_graphql::{EmptyMutation, EmptySubscription, Object, Response, Schema};

use super::*;

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

/// Runs a query; a hostile one must be refused at once.
async fn run(query: &str) -> Response {
    let schema = limited(Schema::build(Tree, EmptyMutation, EmptySubscription)).finish();
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

/// The message of a query that asks for too much.
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
    assert_eq!(too_much(&directives(MAX_DIRECTIVES + 1)).await, "a field has more than 4 directives");
    let in_a_fragment = format!("{{ ...F }} fragment F on Tree {}", directives(MAX_DIRECTIVES + 1));
    assert_eq!(too_much(&in_a_fragment).await, "a field has more than 4 directives");
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
    const NESTED: &str = "the query nests deeper than 100 brackets";
    for open in ["{a", "{ leaf(text: [", "{ leaf(text: {a:"] {
        let query = open.repeat(MAX_QUERY_BYTES / open.len());
        assert_eq!(too_much(&query).await, NESTED);
    }
    // The stack ends somewhere between depths that are harmless and depths that the parser refuses by itself.
    for depth in [101, 500, 1_000, 2_000, 4_000, 8_000, 16_000] {
        let nest = |open: &str, close: &str| format!("{}{}", open.repeat(depth), close.repeat(depth));
        let (list, object) = (nest("[", "]"), nest("{a:", "}").replace(":}", ":1}"));
        assert_eq!(too_much(&nest("{a", "}")).await, NESTED);
        assert_eq!(too_much(&nest("{...", "}").replace("...}", "...{a}}")).await, NESTED);
        assert_eq!(too_much(&format!("{{ leaf(text: {list}) }}")).await, NESTED);
        assert_eq!(too_much(&format!("{{ leaf(text: {object}) }}")).await, NESTED);
        assert_eq!(too_much(&format!("{{ leaf @include(if: {list}) }}")).await, NESTED);
        assert_eq!(too_much(&format!("query($a: [Int] = {list}{list}) {{ leaf }}")).await, NESTED);
        let variable_type = nest("[", "]").replace("[]", "[Int]");
        assert_eq!(too_much(&format!("query($a: {variable_type}) {{ leaf }}")).await, NESTED);
    }

    let mut chain = "{ ...F0 }".to_owned();
    for n in 0..2000 {
        write!(chain, "fragment F{n} on Tree{{...F{}}}", n + 1).unwrap();
    }
    assert_eq!(too_much(&chain).await, "the query nests deeper than 32 selections");
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
