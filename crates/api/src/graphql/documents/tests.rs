mod library;
mod plans;
mod shape;

use std::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_graphql::{
    ComplexObject, Context, Error, ID, InputObject, Interface, Object, Response, Result, Schema,
    SimpleObject, Subscription, Variables,
};
use futures::{Stream, StreamExt, stream};
use serde_json::json;

use super::*;
use crate::graphql::extension::extend_schema;

#[derive(SimpleObject)]
#[graphql(complex)]
struct Dog {
    name: String,
    /// A custom scalar with the keys `""` and `__typename`. They are no placeholders and must stay in the answer.
    data: async_graphql::Json<serde_json::Value>,
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct Cat {
    name: String,
    lives: i32,
}

#[ComplexObject]
impl Dog {
    async fn late(&self) -> i32 {
        resolve_late(3).await
    }
}

#[ComplexObject]
impl Cat {
    async fn late(&self) -> i32 {
        resolve_late(4).await
    }
}

/// A value that is resolved after its neighbours.
async fn resolve_late(value: i32) -> i32 {
    tokio::task::yield_now().await;
    value
}

#[derive(Interface)]
#[graphql(field(name = "name", ty = "&String"))]
enum Pet {
    Dog(Dog),
    Cat(Cat),
}

fn dog() -> Dog {
    Dog { name: "Rex".to_owned(), data: async_graphql::Json(json!({"": 1, "__typename": "mine"})) }
}

#[derive(InputObject)]
struct Sum {
    numbers: Vec<i32>,
    text: Option<String>,
}

struct Query;

#[Object]
impl Query {
    async fn dog(&self) -> Pet {
        Pet::Dog(dog())
    }

    async fn no_pet(&self) -> Option<Pet> {
        None
    }

    async fn pets(&self) -> Vec<Option<Pet>> {
        let cat = Cat { name: "Tom".to_owned(), lives: 9 };
        vec![Some(Pet::Dog(dog())), None, Some(Pet::Cat(cat))]
    }

    async fn failing(&self) -> Result<Option<Failing>> {
        Ok(Some(Failing))
    }

    async fn late(&self) -> i32 {
        resolve_late(1).await
    }

    async fn sum(&self, #[graphql(default)] of: Vec<i32>, #[graphql(default = 7)] plus: i32) -> i32 {
        of.iter().sum::<i32>() + plus
    }

    async fn total(&self, sums: Vec<Sum>) -> usize {
        sums.iter().map(|sum| sum.numbers.len() + sum.text.as_ref().map_or(0, String::len)).sum()
    }

    async fn echo(&self, id: ID) -> ID {
        id
    }
}

struct Failing;

#[Object]
impl Failing {
    async fn needed(&self) -> Result<i32> {
        Err(Error::new("failed"))
    }

    async fn empty(&self) -> Pet {
        Pet::Dog(dog())
    }

    async fn late(&self) -> i32 {
        resolve_late(2).await
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn count(&self, ctx: &Context<'_>) -> Counted {
        let count = ctx.data_unchecked::<AtomicUsize>().fetch_add(1, Ordering::SeqCst);
        Counted { count, again: count }
    }
}

#[derive(SimpleObject)]
struct Counted {
    count: usize,
    again: usize,
}

struct Events;

#[Subscription]
impl Events {
    async fn pets(&self) -> impl Stream<Item = Pet> {
        stream::iter([Pet::Dog(dog()), Pet::Cat(Cat { name: "Tom".to_owned(), lives: 9 })])
    }
}

fn schema() -> Schema<Query, Mutation, Events> {
    let builder = Schema::build(Query, Mutation, Events);
    extend_schema(builder, limits::Limits::default()).data(AtomicUsize::new(1)).finish()
}

fn documents() -> Documents {
    Documents::new(&schema().sdl()).unwrap()
}

/// Prepares and executes a request that must be accepted. Returns its data and the number of its errors.
async fn run(request: impl Into<Request>) -> serde_json::Value {
    let (request, completion) = documents().prepare(request.into()).unwrap().split();
    let response = completion.complete_response(schema().execute(request).await);
    json!({"data": response.data.into_json().unwrap(), "errors": response.errors.len()})
}

fn variables(values: serde_json::Value) -> Variables {
    Variables::from_json(values)
}

/// The code and the message of the only error of a request that must be refused.
fn refusal(request: impl Into<Request>) -> (String, String) {
    let mut errors = documents().prepare(request.into()).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.remove(0);
    let code = error.extensions.unwrap().get("code").unwrap().to_string().trim_matches('"').to_owned();
    (code, error.message)
}

#[tokio::test]
async fn a_failed_field_still_nulls_its_parent() {
    let query = "{ failing { needed empty { ... on Cat { lives } } } dog { ... on Cat { lives } } }";
    assert_eq!(run(query).await, json!({"data": {"failing": null, "dog": {}}, "errors": 1}));
    let query = "{ failing { empty { ... on Cat { lives } } } }";
    assert_eq!(run(query).await, json!({"data": {"failing": {"empty": {}}}, "errors": 0}));
}

#[tokio::test]
async fn fields_with_one_key_are_resolved_once() {
    let query = "mutation { count { count } ... on Mutation { count { again } } ...F } fragment F on Mutation { count { c: count } }";
    let once = json!({"count": {"count": 1, "again": 1, "c": 1}});
    assert_eq!(run(query).await["data"], once);
}

#[tokio::test]
async fn a_subscription_is_followed_through_fragments() {
    let query =
        "subscription { ...F ... { pets { name } } } fragment F on Events { pets { ... on Cat { lives } } }";
    assert_eq!(
        follow(query).await,
        [json!({"pets": {"name": "Rex"}}), json!({"pets": {"name": "Tom", "lives": 9}})]
    );
    let query = "subscription { pets { ... on Cat { lives } } }";
    assert_eq!(follow(query).await, [json!({"pets": {}}), json!({"pets": {"lives": 9}})]);
}

/// Prepares and follows a subscription that must be accepted. Returns the data of its updates.
async fn follow(query: &str) -> Vec<serde_json::Value> {
    let (request, completion) = documents().prepare(query.into()).unwrap().split();
    let responses = schema().execute_stream(request);
    let complete = |response| completion.complete_response(response).data.into_json().unwrap();
    responses.map(complete).collect().await
}

#[tokio::test]
async fn an_absent_variable_leaves_its_argument_out() {
    let sum = "query($of: [Int!] = 3, $plus: Int) { sum(of: $of, plus: $plus) }";
    assert_eq!(run(sum.replace("$plus: Int", "$plus: Int! = 1")).await["data"], json!({"sum": 4}));
    let listed = "query($a: Int! = 1, $b: [Int!]! = [2]) { a: sum(of: [$a, 5]) b: sum(of: $b) }";
    assert_eq!(run(listed).await["data"], json!({"a": 13, "b": 9}));
    let object = "query($text: String) { total(sums: {numbers: 1, text: $text}) }";
    assert_eq!(run(object).await["data"], json!({"total": 1}));
    let sent = Request::new(object).variables(variables(json!({"text": "four"})));
    assert_eq!(run(sent).await["data"], json!({"total": 5}));
}

#[tokio::test]
async fn numbers_and_ids_are_coerced() {
    let echo = |id| Request::new("query($id: ID!) { echo(id: $id) }").variables(variables(json!({"id": id})));
    assert_eq!(run(echo(json!(17))).await["data"], json!({"echo": "17"}));
    assert_eq!(run(echo(json!(17.0))).await["data"], json!({"echo": "17"}));
    let digits = "99999999999999999999999999";
    assert_eq!(run(format!("{{ echo(id: {digits}) }}")).await["data"], json!({"echo": digits}));
    let sum = Request::new("query($a: Int!) { sum(of: [$a], plus: -0) }");
    assert_eq!(run(sum.variables(variables(json!({"a": 3.0})))).await["data"], json!({"sum": 3}));
}

#[test]
fn a_misfit_is_named_by_its_path() {
    let query = "query($sums: [Sum!]!) { total(sums: $sums) }";
    let refused = |sums: serde_json::Value| {
        let (code, message) = refusal(Request::new(query).variables(variables(json!({"sums": sums}))));
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
        message
    };
    let misfit = refused(json!([{"numbers": [1]}, {"numbers": [1, "2"]}]));
    assert_eq!(misfit, "the variable $sums[1].numbers[1]: a value of the type Int is needed");
    let missing = refused(json!([{"text": "x"}]));
    assert_eq!(missing, "the variable $sums[0].numbers: a value of the type [Int!]! is required");
    let unknown = refused(json!([{"numbers": 1, "other": 1}]));
    assert_eq!(unknown, "the variable $sums[0]: the type Sum has no field `other`");
    assert_eq!(refusal(query).1, "the variable $sums: a value of the type [Sum!]! is required");
}

#[test]
fn a_variable_that_is_used_often_is_bounded() {
    let uses = "{numbers: 1, text: $text} ".repeat(50);
    let query = format!("query($text: String) {{ total(sums: [{uses}]) }}");
    let sent = |bytes| Request::new(&*query).variables(variables(json!({"text": "x".repeat(bytes)})));
    assert!(documents().prepare(sent(50_000)).is_ok());
    let (code, message) = refusal(sent(100_000));
    assert_eq!(code, "QUERY_TOO_LARGE");
    assert_eq!(message, "the variables are larger than 4194304 bytes where they are used");
}

#[test]
fn errors_are_few_and_short() {
    let many = format!("{{ {} }}", "x ".repeat(4_000));
    assert_eq!(documents().prepare(many.into()).unwrap_err().len(), 50);
    let long = format!("{{ {} }}", "x".repeat(10_000));
    assert!(refusal(long).1.chars().count() <= 301);
    let (code, message) = refusal("{ dog { name(text: \"my secret\" } }");
    assert_eq!(code, "GRAPHQL_PARSE_FAILED");
    assert!(message.starts_with("syntax error: ") && !message.contains("secret"), "{message}");
}

/// Checks only the time: each document is answered at once, whatever the answer is.
#[tokio::test]
async fn hostile_documents_take_little_time() {
    let deep = |open: &str| open.repeat(limits::MAX_QUERY_BYTES / open.len());
    let mut bomb = "{ ...F0 }".to_owned();
    for n in 0..28 {
        write!(bomb, " fragment F{n} on Query {{ {} }}", format!("...F{} ", n + 1).repeat(8)).unwrap();
    }
    let wide = |text: &str| text.repeat((limits::MAX_QUERY_BYTES - 200) / text.len());
    let documents_ = [
        deep("{a"),
        deep("{sum(of:["),
        deep("{sum(of:{a:"),
        format!("query($a: {}) {{ __typename }}", "[".repeat(60_000)),
        bomb,
        format!("{{ dog {{ {} }} }}", wide("name ").get(..20_000).unwrap()),
        format!("{{ dog {{ {} }} }}", "...on Pet{...on Dog{name}}".repeat(1_500)),
        format!("{{ sum(of: [{}]) }}", wide("1 ")),
        format!("{{ sum(of: [{}]) }}", wide("$a ")),
        format!("{{ total(sums: {{{}}}) }}", wide("a:1 ")),
        format!("query({}) {{ __typename }}", wide("$a:Int ")),
        format!("{{ __typename }} {}", wide("fragment F on Dog{a} ")),
        wide("query A{__typename} "),
        format!("{{ __typename {} }}", wide("@a ")),
        format!("{{ __typename }} # {}", wide("ä").get(..30_000).unwrap()),
        wide("\""),
        wide("\\u"),
    ];
    for document in documents_ {
        let start = document.chars().take(40).collect::<String>();
        let answered = tokio::task::spawn_blocking(move || documents().prepare(document.into()).is_ok());
        let answered = tokio::time::timeout(Duration::from_secs(5), answered).await;
        assert!(answered.is_ok(), "{start} takes too long");
    }
}

#[test]
fn documents_are_kept_within_bounds() {
    let documents = documents();
    let query = |n: usize| format!("{{ echo(id: {n}) }} # {}", "x".repeat(10_000));
    let first = documents.load_or_parse_document(&query(0)).unwrap();
    assert!(Arc::ptr_eq(&first, &documents.load_or_parse_document(&query(0)).unwrap()));
    for n in 1..100 {
        documents.load_or_parse_document(&query(n)).unwrap();
    }
    assert!(
        !Arc::ptr_eq(&first, &documents.load_or_parse_document(&query(0)).unwrap()),
        "it was dropped for others"
    );
    let long = format!("{{ __typename }} # {}", "x".repeat(20_000));
    let first = documents.load_or_parse_document(&long).unwrap();
    assert!(
        !Arc::ptr_eq(&first, &documents.load_or_parse_document(&long).unwrap()),
        "it is too long to be kept"
    );
}

#[test]
fn an_operation_is_chosen_by_its_name() {
    let two = |name: Option<&str>| {
        let mut request = Request::new("query A { __typename } mutation B { __typename }");
        request.operation_name = name.map(str::to_owned);
        request
    };
    assert_eq!(documents().prepare(two(Some("B"))).unwrap().operation_type, OperationType::Mutation);
    assert_eq!(refusal(two(Some("C"))).1, "the document has no operation named `C`");
    assert_eq!(refusal(two(None)).1, "the document has several operations: the request must name one");
}
