//! Tests that the GraphQL server accepts and refuses the same documents as graphql-js.
//!
//! 1. `judge.js` validates each document of `tests/clients/conformance` against `schema.graphql` and coerces its
//!    variables. For some documents it also computes the keys of the answer.
//! 2. The test sends the same request through the HTTP server and compares.
//! 3. An intended difference is listed in `differences.json` with its reason. A listed difference that no longer exists
//!    fails the test.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tests::{database::Database, front::Front, node, shop::Shop, wait::within};

/// The minimum number of documents, so that the test notices if `documents.js` is not read completely.
const DOCUMENTS: usize = 150;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    name: String,
    query: String,
    variables: Option<Value>,
    operation_name: Option<Value>,
    verdict: Verdict,
    /// An example of the answer, whose keys the real answer must have.
    data: Option<Value>,
    /// The reasons why graphql-js refuses the document.
    #[serde(default)]
    messages: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Accepted,
    Refused,
}

/// An intended difference from graphql-js.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    #[allow(dead_code, reason = "for those who read the file")]
    reason: String,
}

#[tokio::test]
async fn verdicts_and_answers_are_those_of_graphql_js() {
    let Some(documents) = judged().await else { return };
    assert!(documents.len() >= DOCUMENTS, "{} documents", documents.len());
    let differences = include_str!("../../clients/conformance/differences.json");
    let mut differences: BTreeMap<String, Difference> = serde_json::from_str(differences).unwrap();
    let database = Database::sqlite().await;
    let shop = Shop::new(database.store.clone());
    let order = shop.place(&[2]).await.to_string();
    let front = Front::new(&shop);

    let mut wrong = Vec::new();
    for document in documents {
        let found = compare(&document, &front, &order).await;
        match (found, differences.remove(&document.name)) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{}: no difference any more", document.name)),
            (Err(found), None) => {
                wrong.push(format!(
                    "{}: {found}\n  {}\n  {:?}",
                    document.name, document.query, document.messages
                ));
            }
        }
    }
    wrong.extend(differences.into_keys().map(|name| format!("{name}: no such document")));
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

async fn judged() -> Option<Vec<Document>> {
    let mut judge = node::command("conformance/judge.js")?;
    judge.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql"));
    let output = within("the judge", judge.output()).await.expect("Node.js starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("a list of documents"))
}

/// Sends the document to the server and compares the answer with the verdict of graphql-js.
///
/// # Errors
/// A description of the difference.
async fn compare(document: &Document, front: &Front, order: &str) -> Result<(), String> {
    let mut request = Map::new();
    request.insert("query".to_owned(), json!(document.query));
    request.extend(document.variables.clone().map(|variables| ("variables".to_owned(), variables)));
    request.extend(document.operation_name.clone().map(|name| ("operationName".to_owned(), name)));
    let request = Value::Object(request).to_string().replace("ORDER", order);
    let request: Value = serde_json::from_str(&request).unwrap();
    let (status, answer) = front.ask(&request).await;

    let error = &answer["errors"][0];
    let code = error["extensions"]["code"].as_str().unwrap_or_default();
    let text = answer.to_string();
    if text.contains("\"INTERNAL\"") {
        return Err(format!("a failure of ours: {text}"));
    }
    // A subscription is validated before it is refused here, so this error means that it is valid. It would need a
    // WebSocket to run.
    let is_subscription = code == "BAD_REQUEST" && text.contains("a subscription needs a WebSocket");
    let verdict = if answer.get("data").is_some() || is_subscription {
        Verdict::Accepted
    } else if status == 400 && ["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"].contains(&code) {
        Verdict::Refused
    } else {
        return Err(format!("neither accepted nor refused as invalid: {status} {text}"));
    };
    if verdict != document.verdict {
        return Err(format!("{verdict:?}: {text:.500}"));
    }
    match &document.data {
        Some(expected) if !has_shape(&answer["data"], expected) => {
            Err(format!("the answer is {text}, its keys should be those of {expected}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns whether an answer has the same keys as the expected one. A scalar of the answer matches any expected scalar
/// that is not null.
fn has_shape(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => {
            answer.len() == expected.len()
                && expected
                    .iter()
                    .all(|(key, expected)| answer.get(key).is_some_and(|answer| has_shape(answer, expected)))
        }
        (Value::Array(answer), Value::Array(expected)) => {
            !answer.is_empty() && answer.iter().all(|answer| has_shape(answer, &expected[0]))
        }
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_) | Value::Null) => {
            answer == expected
        }
        _ => true,
    }
}
