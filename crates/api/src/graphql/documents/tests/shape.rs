//! Tests of the keys of answers.

use super::*;

#[tokio::test]
async fn an_object_without_a_field_is_empty_and_a_null_is_null() {
    let data = async |query: &str| run(query).await["data"].take();
    assert_eq!(data("{ dog { ... on Cat { lives } } }").await, json!({"dog": {}}));
    assert_eq!(data("{ noPet { ... on Cat { lives } } }").await, json!({"noPet": null}));
    let pets = json!({"pets": [{}, null, {"lives": 9}]});
    assert_eq!(data("{ pets { ... on Cat { lives } } }").await, pets);
    assert_eq!(data("{ pets { name @skip(if: true) } }").await, json!({"pets": [{}, null, {}]}));
    assert_eq!(data("{ dog @skip(if: true) { name } }").await, json!({}));
    let both = "{ pets { ... on Dog { a: __typename } ... on Cat { name @skip(if: true) } } }";
    assert_eq!(data(both).await, json!({"pets": [{"a": "Dog"}, null, {}]}));
}

#[tokio::test]
async fn keys_stand_in_the_order_of_the_query() {
    let query = "{ late ... { failing { late empty { ... on Cat { lives } ... on Dog { b: name a: name } } again: late } } dog { name } late }";
    let (request, completion) = documents().prepare(query.into()).unwrap().split();
    let response = schema().execute(request).await;
    let first = |response: &Response| serde_json::to_string(&response.data).unwrap().find("dog") < Some(10);
    assert!(first(&response), "the library has put it first, as the test needs it");
    let expected =
        r#"{"late":1,"failing":{"late":2,"empty":{"b":"Rex","a":"Rex"},"again":2},"dog":{"name":"Rex"}}"#;
    assert_eq!(serde_json::to_string(&completion.complete_response(response).data).unwrap(), expected);
}

#[tokio::test]
async fn keys_stand_in_the_order_of_the_type_that_an_object_has() {
    let query = "{ pets { ... on Dog { late name } ... on Cat { name late } } }";
    let (request, completion) = documents().prepare(query.into()).unwrap().split();
    let response = completion.complete_response(schema().execute(request).await);
    let expected = r#"{"pets":[{"late":3,"name":"Rex"},null,{"name":"Tom","late":4}]}"#;
    assert_eq!(serde_json::to_string(&response.data).unwrap(), expected);
}

#[tokio::test]
async fn keys_inside_of_a_scalar_stay() {
    let query =
        "{ dog { ... on Dog { data } } pets { ... on Dog { data } ... on Cat { name @skip(if: true) } } }";
    let mine = json!({"data": {"": 1, "__typename": "mine"}});
    assert_eq!(run(query).await["data"], json!({"dog": mine, "pets": [mine, null, {}]}));
}
