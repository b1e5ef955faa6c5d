//! Attacks with nested introspection, which every customer can send. The server must refuse it before it executes it.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::time::sleep;

use super::{
    attack::{Attack, Finding},
    client::{ATTACKER, Outgoing, Reply, exchange, graphql, request},
    target::Target,
    wire::Wire,
};
use crate::usage;

const BOUND: &str = "depth, complexity, three nested lists";
/// How long a refusal may take.
const AT_ONCE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = vec![Attack::new("introspection of the usual tools", usual)];
    for (name, query) in documents() {
        attacks.push(Attack::new(name, move |target| refused(name, query.clone(), target)));
    }
    attacks.push(Attack::new("introspection by GET", by_get));
    attacks.push(Attack::new("introspection, sockets closed at once", abandoned));
    attacks
}

/// Nests `inner` this many times in the same selection.
fn nested(round: &str, times: usize, inner: &str) -> String {
    (0..times).fold(inner.to_owned(), |inner, _| format!("{round}{{{inner}}}"))
}

fn rounds(times: usize) -> String {
    let inner =
        (0..times).fold("name".to_owned(), |inner, _| format!("possibleTypes{{interfaces{{{inner}}}}}"));
    format!("{{__type(name:\"Problem\"){{{inner}}}}}")
}

fn aliases(count: usize, field: &str) -> String {
    let fields: Vec<_> = (0..count).map(|n| format!("a{n}:{field}")).collect();
    format!("{{{}}}", fields.join(" "))
}

fn documents() -> Vec<(&'static str, String)> {
    let types = |inner: &str| format!("{{__schema{{types{{{inner}}}}}}}");
    let through_types = (0..5).fold("name".to_owned(), |inner, _| format!("fields{{type{{{inner}}}}}"));
    let through_of_type =
        (0..5).fold("name".to_owned(), |inner, _| format!("fields{{type{{ofType{{{inner}}}}}}}"));
    let through_inputs =
        (0..4).fold("name".to_owned(), |inner, _| format!("inputFields{{type{{ofType{{{inner}}}}}}}"));
    let through_arguments =
        (0..4).fold("name".to_owned(), |inner, _| format!("fields{{args{{type{{ofType{{{inner}}}}}}}}}"));
    let inline = (0..6).fold("name".to_owned(), |inner, _| {
        format!("...on __Type{{possibleTypes{{...{{interfaces{{{inner}}}}}}}}}")
    });
    let conditional = (0..6).fold("name".to_owned(), |inner, _| {
        format!("...@include(if:true){{possibleTypes{{...@skip(if:false){{interfaces{{{inner}}}}}}}}}")
    });
    let fragments: String = (0..7)
        .map(|n| format!("fragment f{n} on __Type{{possibleTypes{{interfaces{{...f{}}}}}}} ", n + 1))
        .collect();
    let siblings = "possibleTypes{interfaces{possibleTypes{interfaces{name}}}}";
    let wide: Vec<_> = (0..45).map(|n| format!("a{n}:{siblings}")).collect();
    vec![
        ("introspection: possibleTypes and interfaces, 7 rounds", rounds(7)),
        ("introspection: possibleTypes and interfaces, 3 rounds", rounds(3)),
        ("introspection: possibleTypes of Node, 7 rounds", rounds(7).replace("Problem", "Node")),
        ("introspection: fields and their types, 5 rounds", types(&through_types)),
        ("introspection: fields through ofType", types(&through_of_type)),
        ("introspection: arguments and their types", types(&through_arguments)),
        ("introspection: input fields and their types", types(&through_inputs)),
        ("introspection: possible types of everything", types(&nested("possibleTypes", 1, &through_types))),
        ("introspection: query type", format!("{{__schema{{queryType{{{through_of_type}}}}}}}")),
        ("introspection: inline fragments", format!("{{__type(name:\"Problem\"){{{inline}}}}}")),
        ("introspection: directives on fragments", format!("{{__type(name:\"Problem\"){{{conditional}}}}}")),
        (
            "introspection: named fragments",
            format!("{{__type(name:\"Problem\"){{...f0}}}} {fragments} fragment f7 on __Type{{name}}"),
        ),
        (
            "introspection: 45 aliases of a nest",
            format!("{{__type(name:\"Problem\"){{{}}}}}", wide.join(" ")),
        ),
        (
            "introspection: 45 aliases of all types",
            aliases(45, "__schema{types{name description fields{name description args{name description}}}}"),
        ),
        ("introspection: beside a query", format!("{{orders(first:1){{nodes{{id}}}} {}", &rounds(6)[1..])),
        (
            "introspection: inside a mutation",
            format!("mutation{{retryWebhook(id:\"x\"){{__typename}} {}", &rounds(6)[1..]),
        ),
    ]
}

async fn refused(name: &'static str, query: String, target: Target) -> Result<Vec<Finding>> {
    let request = graphql(&target.tokens.customer, &query, &json!({}))?;
    let reply = exchange(target.port, ATTACKER, request, PATIENCE).await;
    let mut line = Finding::new(name, BOUND);
    judge(&mut line, &reply);
    Ok(vec![line])
}

fn judge(line: &mut Finding, reply: &Reply) {
    line.add_reply(reply);
    line.expect(!reply.codes().is_empty(), "it was not refused");
    line.expect(reply.after() < AT_ONCE, "it was not refused at once");
}

async fn by_get(target: Target) -> Result<Vec<Finding>> {
    let query: String = rounds(7).bytes().map(|byte| format!("%{byte:02x}")).collect();
    let headers =
        [("authorization", target.tokens.customer.as_str()), ("accept", "application/graphql-response+json")];
    let request: Outgoing = request("GET", &format!("/graphql?query={query}"), &headers, "")?;
    let mut line = Finding::new("introspection by GET", BOUND);
    judge(&mut line, &exchange(target.port, ATTACKER, request, PATIENCE).await);
    Ok(vec![line])
}

/// The introspection query of graphql-js and its tools, which the server must answer.
async fn usual(target: Target) -> Result<Vec<Finding>> {
    const QUERY: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } \
        subscriptionType { name } types { ...FullType } directives { name description locations \
        args { ...InputValue } } } } \
        fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description \
        args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
        inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name \
        description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } \
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue } \
        fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { \
        kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
    let request = graphql(&target.tokens.customer, QUERY, &json!({}))?;
    let reply = exchange(target.port, ATTACKER, request, PATIENCE).await;
    let mut line = Finding::new("introspection as graphql-js asks", "none: it is answered");
    line.add_reply(&reply);
    line.expect(reply.status() == Some(200) && reply.codes().is_empty(), "it was not answered");
    Ok(vec![line])
}

/// Four clients that send introspection and close the connection at once: the server must stop the work.
async fn abandoned(target: Target) -> Result<Vec<Finding>> {
    let body = json!({"query": rounds(7)}).to_string();
    let post = format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        target.tokens.customer,
        body.len()
    );
    for _ in 0..4 {
        let mut wire = Wire::open(target.port, ATTACKER).await?;
        wire.send(post.as_bytes()).await;
    }
    sleep(Duration::from_secs(1)).await;
    let cpu = || usage::own(target.pid).context("the server has ended");
    let before = cpu()?;
    sleep(Duration::from_secs(3)).await;
    let used = cpu()? - before;
    let mut line = Finding::new("introspection, four sockets closed at once", "depth; a caller who is gone");
    line.add(format!("{used:.2} s of CPU afterwards"), Duration::ZERO);
    line.expect(used < 0.5, "the server goes on working");
    Ok(vec![line])
}
