//! Attacks with single requests that are expensive to parse, to validate or to answer: deep nests, many errors,
//! fragments that multiply, large variables and bodies, and values that errors could repeat.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    attack::{Attack, Finding},
    client::{ATTACKER, Reply, exchange, json_post},
    target::Target,
};

/// The most errors that a response may contain.
const MAX_ERRORS: usize = 50;
/// The maximum length of an error message, in bytes.
const MAX_TEXT: usize = 1024;
/// The maximum length of a response, in bytes.
const MAX_REFUSAL: usize = 128 * 1024;
const AT_ONCE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn attacks() -> Vec<Attack> {
    let groups: [(&'static str, &'static str, Cases); 4] = [
        ("documents with many errors", "50 errors of 1 KiB", many_errors),
        ("documents that are bombs", "selections, aliases", bombs),
        ("variables and bodies that are a burden", "size and depth of a body", bodies),
        ("values that come back in errors", "50 errors of 1 KiB", echoes),
    ];
    let groups = groups.into_iter().map(|(name, bound, cases)| {
        Attack::new(name, move |target| async move {
            let mut lines = Vec::new();
            for (name, body) in cases() {
                lines.push(judge(Finding::new(name, bound), &send(&target, body).await?));
            }
            Ok(lines)
        })
    });
    [Attack::new("documents that are deep", nested)].into_iter().chain(groups).collect()
}

type Cases = fn() -> Vec<(&'static str, String)>;

async fn send(target: &Target, body: String) -> Result<Reply> {
    Ok(exchange(target.port, ATTACKER, json_post(&target.tokens.customer, body)?, PATIENCE).await)
}

async fn nested(target: Target) -> Result<Vec<Finding>> {
    let mut line =
        Finding::new("13 kinds of nests, 100 to 30,000 deep", "depth of a document, before it is parsed");
    for (name, body) in deep() {
        let reply = send(&target, body).await?;
        line = judge(line, &reply);
        if reply.answer().is_none() {
            line.expect(false, format!("no answer to {name}"));
            // The server has probably ended, so the next requests would fail too.
            break;
        }
    }
    Ok(vec![line])
}

/// Checks a reply: a refusal or a result, but at once, short, without an internal error, and with few and short errors.
fn judge(mut line: Finding, reply: &Reply) -> Finding {
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

/// Documents with each kind of nest, at many depths. A recursive parser may be correct at a small depth, refuse a large
/// one, and overflow its stack at a depth between.
fn deep() -> Vec<(String, String)> {
    let nest = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let mut cases = Vec::new();
    for depth in [100, 400, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 12_000, 30_000] {
        let (lists, objects) = (nest("[", "", "]", depth), nest("{a:", "1", "}", depth.min(15_000)));
        let mut add =
            |what: &str, query: String| cases.push((format!("{what}, {depth} deep"), document(&query)));
        add("lists in an argument", format!("{{orders(first:{lists}){{totalCount}}}}"));
        add("lists in an input", format!("{{orders(filter:{{statuses:{lists}}}){{totalCount}}}}"));
        add("objects in an argument", format!("{{orders(filter:{objects}){{totalCount}}}}"));
        add("objects in JSON", {
            format!(
                "mutation{{transitionOrder(input:{{orderId:\"x\",to:PLACED,metadata:{objects}}}){{__typename}}}}"
            )
        });
        add("lists in a directive", format!("{{__typename @include(if:{lists})}}"));
        add("lists in a default", format!("query($v:[Int]={lists}){{__typename}}"));
        add("objects in a default", format!("query($v:OrderFilter={objects}){{__typename}}"));
        add("a type of a variable", format!("query($v:{}){{__typename}}", nest("[", "Int", "]", depth)));
        add("selections", nest("{a", "", "}", depth));
        add("inline fragments", nest("{...", "{a}", "}", depth.min(12_000)));
        add("inline fragments on types", nest("{...on Query", "{a}", "}", depth.min(4_000)));
        add("brackets that stay open", format!("{{orders(first:{}", "[".repeat(depth)));
        add("braces that stay open", "{a".repeat(depth));
    }
    cases.push((
        "fragments in a chain of 1,000".to_owned(),
        document(&format!(
            "{{...f0}} {} fragment f1000 on Query{{__typename}}",
            repeated(1_000, |n| format!("fragment f{n} on Query{{...f{}}} ", n + 1))
        )),
    ));
    cases
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
            with("query($c:CarrierCode!){shipment(carrier:$c,trackingNumber:\"1\"){id}}", json!({"c": long})),
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
