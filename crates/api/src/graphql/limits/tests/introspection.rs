//! Tests of the limits on introspection, with Milepost's own schema. They need no database.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_graphql::{
    Request, Response, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest},
};

use super::super::{
    Limits, MAX_COMPLEXITY, document,
    introspection::{Introspection, ListLengths, MAX_NESTED_LISTS},
};
use crate::graphql::extension::extend_schema;
use crate::graphql::{Schema, builder};

fn schema(limits: Limits) -> Schema {
    extend_schema(builder(), limits).finish()
}

/// Runs a query. It must be answered within five seconds, also if it is hostile.
async fn run(query: &str) -> Response {
    let schema = schema(Limits::default());
    tokio::time::timeout(Duration::from_secs(5), schema.execute(query)).await.unwrap()
}

fn code(response: &Response) -> Option<&Value> {
    response.errors.first()?.extensions.as_ref()?.get("code")
}

async fn assert_too_large(query: &str) {
    let response = run(query).await;
    assert_eq!(response.data, Value::Null);
    assert_eq!(code(&response), Some(&"QUERY_TOO_LARGE".into()), "{query}: {:?}", response.errors);
}

/// The introspection query that clients send, with all options and with `steps` levels of `ofType`.
fn usual(steps: usize) -> String {
    let mut reference = "kind name".to_owned();
    for _ in 0..steps {
        reference = format!("kind name ofType {{ {reference} }}");
    }
    let input = "name description type { ...TypeRef } defaultValue isDeprecated deprecationReason";
    format!(
        "query IntrospectionQuery {{ __schema {{
           description queryType {{ name kind }} mutationType {{ name kind }} subscriptionType {{ name kind }}
           types {{ ...FullType }}
           directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ ...InputValue }} }}
         }} }}
         fragment FullType on __Type {{
           kind name description specifiedByURL isOneOf
           fields(includeDeprecated: true) {{
             name description args(includeDeprecated: true) {{ ...InputValue }} type {{ ...TypeRef }}
             isDeprecated deprecationReason
           }}
           inputFields(includeDeprecated: true) {{ ...InputValue }}
           interfaces {{ ...TypeRef }}
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
           possibleTypes {{ ...TypeRef }}
         }}
         fragment InputValue on __InputValue {{ {input} }}
         fragment TypeRef on __Type {{ {reference} }}"
    )
}

#[tokio::test]
async fn the_usual_introspection_query_passes() {
    for steps in [7, 9] {
        let response = run(&usual(steps)).await;
        assert!(response.is_ok(), "{:?}", response.errors);
        let Value::Object(data) = response.data else { panic!("no data") };
        let Some(Value::Object(schema)) = data.get("__schema") else { panic!("no schema") };
        let Some(Value::List(types)) = schema.get("types") else { panic!("no types") };
        assert!(types.len() > 80, "{}", types.len());
    }
}

/// An extension that stores the cost of the introspection of each request.
struct Probe(Arc<Mutex<Option<Introspection>>>);

impl ExtensionFactory for Probe {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self(self.0.clone()))
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Probe {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let lengths = ListLengths::from_registry(&ctx.schema_env.registry);
        *self.0.lock().unwrap() = document::measure_document(request.parsed_query()?, &lengths).ok();
        next.run(ctx, request).await
    }
}

#[tokio::test]
async fn the_usual_introspection_query_leaves_room_for_a_larger_schema() {
    let counted = Arc::new(Mutex::new(None));
    let schema = extend_schema(builder(), Limits::default()).extension(Probe(counted.clone())).finish();
    assert!(schema.execute(usual(9)).await.is_ok());
    let counted = counted.lock().unwrap().unwrap();
    assert_eq!(counted.nested_lists, MAX_NESTED_LISTS);
    assert!(counted.entered);
    // There must be room for a schema that is larger by half. If this fails, raise the limit.
    assert!(counted.complexity * 3 / 2 < MAX_COMPLEXITY, "{counted:?}");
    assert!(counted.complexity > 5_000, "{counted:?}");
}

#[tokio::test]
async fn lists_nest_at_most_three_deep() {
    let round = "possibleTypes{interfaces{";
    let hostile = format!("{{__type(name:\"Problem\"){{{}name{}}}}}", round.repeat(7), "}}".repeat(7));
    assert_too_large(&hostile).await;
    assert!(run("{__type(name:\"Problem\"){possibleTypes{interfaces{possibleTypes{name}}}}}").await.is_ok());
    for chain in [
        "possibleTypes{interfaces{possibleTypes{interfaces{name}}}}",
        "fields{type{fields{type{fields{type{fields{name}}}}}}}",
        "fields{type{ofType{fields{type{ofType{ofType{fields{args{name}}}}}}}}}",
        "fields{args{type{inputFields{type{inputFields{name}}}}}}",
        "inputFields{type{ofType{inputFields{type{ofType{inputFields{type{inputFields{name}}}}}}}}}",
        "interfaces{fields{type{possibleTypes{enumValues{name}}}}}",
        "...on __Type{possibleTypes{...on __Type{interfaces{...{possibleTypes{interfaces{name}}}}}}}",
        "possibleTypes{a:interfaces{b:possibleTypes{c:interfaces{name}}}}",
    ] {
        assert_too_large(&format!("{{__type(name:\"Order\"){{{chain}}}}}")).await;
    }
    for chain in [
        "types{fields{args{type{inputFields{name}}}}}",
        "directives{args{type{inputFields{type{enumValues{name}}}}}}",
    ] {
        assert_too_large(&format!("{{__schema{{{chain}}}}}")).await;
    }
}

#[tokio::test]
async fn lists_nest_through_fragments_and_in_every_operation() {
    let fragments = "fragment A on __Type{possibleTypes{...B}} fragment B on __Type{interfaces{...C}}
                     fragment C on __Type{possibleTypes{...D}} fragment D on __Type{interfaces{name}}";
    assert_too_large(&format!("{{__type(name:\"Problem\"){{...A}}}} {fragments}")).await;
    assert_too_large(&format!(
        "{{...Root}} fragment Root on Query{{__type(name:\"Problem\"){{...A}}}} {fragments}"
    ))
    .await;
    let second =
        format!("query Good{{stateMachine{{to}}}} query Bad{{__type(name:\"Problem\"){{...A}}}} {fragments}");
    let response = schema(Limits::default()).execute(Request::new(second).operation_name("Good")).await;
    assert_eq!(code(&response), Some(&"QUERY_TOO_LARGE".into()));
}

#[tokio::test]
async fn many_aliases_of_introspection_are_refused() {
    let one = "__schema{types{name fields{name type{name kind ofType{name fields{name}}}}}}";
    let many: String = (0..40).map(|n| format!("a{n}:{one} ")).collect();
    assert_too_large(&format!("{{{many}}}")).await;
    let usual_twice: String = (0..3).map(|n| format!("a{n}:__schema{{types{{...FullType}}}} ")).collect();
    let fragments = usual(9);
    let fragments = &fragments[fragments.find("fragment").unwrap()..];
    assert_too_large(&format!("{{{usual_twice}}} {fragments}")).await;
}

#[tokio::test]
async fn introspection_can_be_switched_off() {
    let schema = schema(Limits { introspection: false, ..Limits::default() });
    for query in [
        "{ __schema { queryType { name } } }",
        "{ __type(name: \"Order\") { name } }",
        "{ a: __schema { queryType { name } } stateMachine { to } }",
        "{ ... on Query { ...F } } fragment F on Query { __type(name: \"Order\") { name } }",
        "query A { stateMachine { to } } query B { __schema { queryType { name } } }",
    ] {
        let response = schema.execute(Request::new(query)).await;
        assert_eq!(response.data, Value::Null);
        assert_eq!(response.errors[0].message, "introspection is switched off on this server");
        assert_eq!(code(&response), Some(&"INTROSPECTION_DISABLED".into()));
    }
    let response = schema.execute("{ __typename stateMachine { __typename } }").await;
    assert!(response.is_ok(), "{:?}", response.errors);
}
