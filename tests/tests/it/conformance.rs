//! Tests that the GraphQL server accepts and refuses the same documents as graphql-js.
//!
//! 1. `judge.js` validates each document of `tests/clients/conformance` against `schema.graphql` and coerces its
//!    variables. For some documents it also computes the keys of the answer, in their order.
//! 2. The test sends the same request through the HTTP server and compares.
//! 3. An intended difference is listed in `differences.json` with its reason. A listed difference that no longer exists
//!    fails the test.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
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
    /// The keys that the answer must have.
    data: Option<Keys>,
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
    let (status, text) = front.ask(&request).await;
    let answer: Value = serde_json::from_str(&text).unwrap();

    let error = &answer["errors"][0];
    let code = error["extensions"]["code"].as_str().unwrap_or_default();
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
    let Some(expected) = &document.data else { return Ok(()) };
    let Answer { data } = serde_json::from_str(&text).unwrap();
    if data.fits(expected) {
        Ok(())
    } else {
        Err(format!("the answer is {text}, its keys should be, in this order, those of {expected:?}"))
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Keys,
}

/// A JSON value without its scalars: the keys of its objects, in the order in which they are written.
#[derive(Debug, PartialEq)]
enum Keys {
    Null,
    Scalar,
    List(Vec<Keys>),
    Object(Vec<(String, Keys)>),
}

impl Keys {
    /// Whether an answer has the same keys as the expected one, in the same order. The expected answer has one element
    /// in each list, as an example.
    fn fits(&self, expected: &Self) -> bool {
        match (self, expected) {
            (Self::Object(keys), Self::Object(expected)) => {
                keys.len() == expected.len()
                    && keys.iter().zip(expected).all(|((key, value), (expected_key, expected))| {
                        key == expected_key && value.fits(expected)
                    })
            }
            (Self::List(values), Self::List(expected)) => {
                !values.is_empty() && values.iter().all(|value| value.fits(&expected[0]))
            }
            // The resolvers of `judge.js` never return null for a scalar.
            (Self::Null | Self::Scalar, Self::Scalar) => true,
            (
                Self::Null | Self::Scalar | Self::List(_) | Self::Object(_),
                Self::Null | Self::Scalar | Self::List(_) | Self::Object(_),
            ) => self == expected,
        }
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Keys, E> {
        Ok(Keys::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Keys, E> {
        Ok(Keys::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Keys, E> {
        Ok(Keys::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Keys, E> {
        Ok(Keys::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Keys, E> {
        Ok(Keys::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Keys, E> {
        Ok(Keys::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Keys::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some(entry) = object.next_entry()? {
            keys.push(entry);
        }
        Ok(Keys::Object(keys))
    }
}
