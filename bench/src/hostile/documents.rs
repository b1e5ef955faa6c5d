//! Documents, variables and bodies that are written to be a burden: many errors, deep nests, bombs.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    attack::{Attack, Line},
    client::{ATTACKER, Reply, exchange, json_post},
    target::Target,
};

/// The most errors of an answer, and the longest text of one.
const MAX_ERRORS: usize = 50;
const MAX_TEXT: usize = 1024;
/// The longest answer that only refuses.
const MAX_REFUSAL: usize = 128 * 1024;
const AT_ONCE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn attacks() -> Vec<Attack> {
    let groups: [(&'static str, &'static str, fn() -> Vec<(&'static str, String)>); 5] = [
        ("documents with many errors", "50 errors of 1 KiB", many_errors),
        ("documents that are deep", "depth, before it is parsed", deep),
        ("documents that are bombs", "selections, aliases", bombs),
        ("variables and bodies that are a burden", "size and depth of a body", bodies),
        ("values that come back in errors", "50 errors of 1 KiB", echoes),
    ];
    groups
        .into_iter()
        .map(|(name, bound, cases)| Attack::new(name, move |target| play(bound, cases(), target)))
        .collect()
}

async fn play(bound: &'static str, cases: Vec<(&'static str, String)>, target: Target) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (name, body) in cases {
        let reply =
            exchange(target.port, ATTACKER, json_post(&target.tokens.customer, body)?, PATIENCE).await;
        lines.push(judge(name, bound, &reply));
    }
    Ok(lines)
}

/// Refused or answered: at once, in few words.
fn judge(name: &str, bound: &'static str, reply: &Reply) -> Line {
    let mut line = Line::new(name, bound);
    line.add_reply(reply);
    line.expect(reply.after() < AT_ONCE, "it was not answered at once");
    let Reply::Answered(answer) = reply else {
        line.expect(false, "it was not answered");
        return line;
    };
    let errors = answer.errors();
    line.expect(answer.status < 500, format!("status {}", answer.status));
    line.expect(answer.bytes <= MAX_REFUSAL, format!("an answer of {} KiB", answer.bytes / 1024));
    line.expect(errors.len() <= MAX_ERRORS, format!("{} errors", errors.len()));
    let longest = errors.iter().filter_map(|error| Some(error["message"].as_str()?.len())).max().unwrap_or(0);
    line.expect(longest <= MAX_TEXT, format!("an error of {longest} bytes"));
    line.expect(!reply.codes().contains("INTERNAL"), "an internal error");
    line
}

fn document(query: &str) -> String {
    json!({"query": query}).to_string()
}

fn repeated(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

fn many_errors() -> Vec<(&'static str, String)> {
    let directives = "@a ".repeat(20_000);
    let spread = |text: &str, times: usize| repeated(times, |_| format!("__typename {text} "));
    vec![
        ("60 KB of @a on a field", document(&format!("{{__typename {directives}}}"))),
        ("60 KB of @a on a query", document(&format!("query {directives}{{__typename}}"))),
        ("60 KB of @a on a variable", document(&format!("query($a:Int {directives}){{__typename}}"))),
        (
            "60 KB of @a on a fragment",
            document(&format!("{{...f}} fragment f on Query {directives}{{__typename}}")),
        ),
        ("60 KB of @a on an inline fragment", document(&format!("{{...{directives}{{__typename}}}}"))),
        (
            "60 KB of @a on a spread",
            document(&format!("{{...f {directives}}} fragment f on Query{{__typename}}")),
        ),
        ("@a four times on each of 4,000 fields", document(&format!("{{{}}}", spread("@a@a@a", 4_000)))),
        ("@skip without an argument, 4,000 times", document(&format!("{{{}}}", spread("@skip", 4_000)))),
        ("4,500 unknown fields", document(&format!("{{{}}}", repeated(4_500, |n| format!("x{n} "))))),
        ("4,500 unknown fields of an order", {
            document(&format!("{{orders{{nodes{{{}}}}}}}", repeated(4_500, |n| format!("x{n} "))))
        }),
        ("6,000 unknown arguments", {
            document(&format!("{{orders({}){{totalCount}}}}", repeated(6_000, |n| format!("x{n}:1 "))))
        }),
        ("6,000 unknown fields of an input", {
            document(&format!(
                "{{orders(filter:{{{}}}){{totalCount}}}}",
                repeated(6_000, |n| format!("x{n}:1 "))
            ))
        }),
        ("9,000 wrong values in a list", {
            document(&format!("{{orders(filter:{{statuses:[{}]}}){{totalCount}}}}", "\"x\" ".repeat(9_000)))
        }),
        ("4,500 unknown fragments", document(&format!("{{{}}}", repeated(4_500, |n| format!("...f{n} "))))),
        ("2,000 unused fragments", {
            document(&format!(
                "{{__typename}} {}",
                repeated(2_000, |n| format!("fragment f{n} on Query{{a}} "))
            ))
        }),
        ("4,500 undefined variables", {
            document(&format!("{{{}}}", repeated(3_000, |n| format!("order(id:$v{n}){{id}} "))))
        }),
        ("5,000 unused variables", {
            document(&format!("query({}){{__typename}}", repeated(5_000, |n| format!("$v{n}:Int "))))
        }),
        ("5,000 variables of one name", {
            document(&format!("query({}){{__typename}}", "$v:Int ".repeat(5_000)))
        }),
        ("3,000 variables of unknown types", {
            document(&format!("query({}){{__typename}}", repeated(3_000, |n| format!("$v{n}:X{n}=1 "))))
        }),
        ("1,500 operations", { document(&repeated(1_500, |n| format!("query q{n}{{x{n}}} "))) }),
        ("2,000 operations of one name", document(&"query q{x} ".repeat(2_000))),
        ("4,000 conflicting aliases", {
            document(&format!("{{{}}}", repeated(4_000, |n| format!("order(id:\"{n}\"){{id}} "))))
        }),
        ("3,000 inline fragments on unknown types", {
            document(&format!("{{{}}}", repeated(3_000, |n| format!("...on X{n}{{a}} "))))
        }),
    ]
}

fn deep() -> Vec<(&'static str, String)> {
    let lists = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let half = "[".repeat(60_000);
    let objects = format!("{}1{}", "{a:".repeat(15_000), "}".repeat(15_000));
    let selections = format!("{}a{}", "{a".repeat(20_000), "}".repeat(20_000));
    let inline = format!("{}a{}", "{...".repeat(12_000), "}".repeat(12_000));
    let ty = format!("{}Int{}", "[".repeat(25_000), "]".repeat(25_000));
    let default = format!("query($v:[Int]={lists}){{__typename}}");
    let shallow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    vec![
        ("a list 30,000 deep as an argument", document(&format!("{{orders(first:{lists}){{totalCount}}}}"))),
        (
            "a list 400 deep as an argument",
            document(&format!("{{orders(first:{}){{totalCount}}}}", shallow(400))),
        ),
        ("60,000 opening brackets", document(&format!("{{orders(first:{half}"))),
        ("an object 15,000 deep", document(&format!("{{orders(filter:{objects}){{totalCount}}}}"))),
        ("20,000 opening braces", document(&"{".repeat(20_000))),
        ("selections 20,000 deep", document(&selections)),
        ("inline fragments 12,000 deep", document(&inline)),
        ("a type 25,000 deep", document(&format!("query($v:{ty}){{__typename}}"))),
        ("a default 30,000 deep", document(&default)),
        ("a list 30,000 deep in a directive", document(&format!("{{__typename @include(if:{lists})}}"))),
        ("fragments in a chain of 1,000", {
            document(&format!(
                "{{...f0}} {} fragment f1000 on Query{{__typename}}",
                repeated(1_000, |n| format!("fragment f{n} on Query{{...f{}}} ", n + 1))
            ))
        }),
    ]
}

fn bombs() -> Vec<(&'static str, String)> {
    let doubling = |levels: usize, leaf: &str| {
        let fragments =
            repeated(levels, |n| format!("fragment f{n} on Query{{...f{next} ...f{next}}} ", next = n + 1));
        format!("{{...f0}} {fragments} fragment f{levels} on Query{{{leaf}}}")
    };
    let cycle = "{...a} fragment a on Query{...b ...b} fragment b on Query{...a ...a}";
    let overlapping = |count: usize| repeated(count, |_| "orders{nodes{id}} ".to_owned());
    let nested_overlap = (0..9).fold("id".to_owned(), |inner, _| {
        format!("...on Order{{shipments{{order{{{inner}}}}}}} ...on Order{{shipments{{order{{{inner}}}}}}}")
    });
    vec![
        ("fragments that double, 25 levels", document(&doubling(25, "__typename"))),
        ("fragments that double, 11 levels", document(&doubling(11, "__typename"))),
        ("fragments that double and conflict", document(&doubling(11, "a:__typename"))),
        ("fragments in a cycle", document(cycle)),
        ("one field 4,900 times", document(&format!("{{{}}}", "__typename ".repeat(4_900)))),
        ("one page 1,500 times", document(&format!("{{{}}}", overlapping(1_500)))),
        ("one alias 3,000 times", document(&format!("{{{}}}", "a:__typename ".repeat(3_000)))),
        ("overlapping fragments in a nest", { document(&format!("{{node(id:\"x\"){{{nested_overlap}}}}}")) }),
        ("60 fragments, each spread in each before it", {
            let all: String = repeated(60, |n| format!("...f{n} "));
            let fragments = repeated(60, |n| {
                let later: String = (n + 1..60).map(|m| format!("...f{m} ")).collect();
                format!("fragment f{n} on Query{{__typename {later}}} ")
            });
            document(&format!("{{{all}}} {fragments}"))
        }),
        ("63 KB of commas", document(&format!("{{__typename{}}}", ",".repeat(63_000)))),
        ("63 KB of a comment", document(&format!("#{}\n{{__typename}}", "x".repeat(63_000)))),
        ("a string of 60 KB", document(&format!("{{order(id:\"{}\"){{id}}}}", "x".repeat(60_000)))),
        ("a block string of 15,000 lines", {
            document(&format!("{{order(id:\"\"\"{}\"\"\"){{id}}}}", " x\n".repeat(15_000)))
        }),
        (
            "a number of 60,000 digits",
            document(&format!("{{orders(first:{}){{totalCount}}}}", "9".repeat(60_000))),
        ),
        ("a name of 60,000 letters", document(&format!("{{{}}}", "x".repeat(60_000)))),
        ("a document of 900 KB", document(&"{__typename} ".repeat(70_000))),
    ]
}

fn bodies() -> Vec<(&'static str, String)> {
    let query = "query($f:OrderFilter){orders(filter:$f,first:1){totalCount}}";
    let with = |variables: &str| format!("{{\"query\":{},\"variables\":{variables}}}", json!(query));
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let keys = |count: usize| -> String {
        let keys: Vec<_> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let batch: Vec<_> = (0..10_000).map(|_| "{\"query\":\"{__typename}\"}").collect();
    vec![
        ("variables: a list 400,000 deep", with(&nested("[", "", "]", 400_000))),
        ("variables: a list 100 deep", with(&format!("{{\"f\":{}}}", nested("[", "", "]", 100)))),
        ("variables: an object 100,000 deep", with(&nested("{\"a\":", "1", "}", 100_000))),
        ("variables: a number of 1 MB", with(&format!("{{\"f\":{}}}", "9".repeat(1_000_000)))),
        ("variables: an exponent of 900 KB", with(&format!("{{\"f\":1e{}}}", "9".repeat(900_000)))),
        ("variables: a string of 1 MB", with(&format!("{{\"f\":\"{}\"}}", "x".repeat(1_000_000)))),
        ("variables: 80,000 names", with(&keys(80_000))),
        ("variables: 80,000 fields of an input", with(&format!("{{\"f\":{}}}", keys(80_000)))),
        (
            "variables: 150,000 wrong statuses",
            with(&format!("{{\"f\":{{\"statuses\":[{}\"x\"]}}}}", "\"x\",".repeat(150_000))),
        ),
        (
            "variables: 50,000 right statuses",
            with(&format!("{{\"f\":{{\"statuses\":[{}\"PLACED\"]}}}}", "\"PLACED\",".repeat(50_000))),
        ),
        ("a batch of 10,000 operations", format!("[{}]", batch.join(","))),
        ("a body of brackets", "[".repeat(1_000_000)),
        ("a body that is no JSON", "x".repeat(1_000_000)),
        ("a body of 1 MB and one byte", " ".repeat(1024 * 1024 + 1)),
        (
            "an operation name of 1 MB",
            json!({"query": "{__typename}", "operationName": "x".repeat(1_000_000)}).to_string(),
        ),
        (
            "extensions of 80,000 names",
            format!("{{\"query\":\"{{__typename}}\",\"extensions\":{}}}", keys(80_000)),
        ),
        ("a body with 80,000 names", keys(80_000)),
    ]
}

fn echoes() -> Vec<(&'static str, String)> {
    let long = "x".repeat(60_000);
    let with = |query: &str, variables: Value| json!({"query": query, "variables": variables}).to_string();
    let place = "mutation($input:PlaceOrderInput!){placeOrder(input:$input){...on Problem{message}}}";
    vec![
        ("a long id", with("query($i:ID!){node(id:$i){id}}", json!({"i": long}))),
        ("45 long ids that are none", {
            let asked = repeated(45, |n| format!("a{n}:node(id:$i){{id}} "));
            with(&format!("query($i:ID!){{{asked}}}"), json!({"i": long}))
        }),
        ("a long cursor, 45 times", {
            let asked = repeated(45, |n| format!("a{n}:orders(first:1,after:$c){{totalCount}} "));
            with(&format!("query($c:String){{{asked}}}"), json!({"c": long}))
        }),
        (
            "a long time",
            with(
                "query($t:DateTime){orders(first:1,filter:{placedSince:$t}){totalCount}}",
                json!({"t": long}),
            ),
        ),
        (
            "a long enum",
            with("query($c:Carrier!){shipment(carrier:$c,trackingNumber:\"1\"){id}}", json!({"c": long})),
        ),
        (
            "a long tracking number",
            with("query($n:String!){shipment(carrier:UPS,trackingNumber:$n){id}}", json!({"n": long})),
        ),
        (
            "a long reference",
            with("query($r:String!){orderByReference(reference:$r){id}}", json!({"r": long})),
        ),
        ("long values in an order", {
            let input = json!({"customerEmail": long, "currency": long, "totalCents": 1, "notes": long,
                "items": [{"sku": long, "name": long, "quantity": 1}]});
            with(place, json!({"input": input}))
        }),
        ("an unknown input field of 60 KB", with(place, json!({"input": {&long: 1}}))),
        (
            "an unknown operation of 60 KB",
            json!({"query": "{__typename}", "operationName": long}).to_string(),
        ),
        (
            "a variable of a wrong type, 60 KB",
            with("query($n:Int){orders(first:$n){totalCount}}", json!({"n": long})),
        ),
    ]
}
