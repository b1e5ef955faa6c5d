//! Tests of plans that are kept for the next requests.

use super::*;

#[tokio::test]
async fn a_kept_plan_gets_the_values_of_each_request() {
    let documents = documents();
    let prepare =
        |query: &str, values| documents.prepare(Request::new(query).variables(variables(values))).unwrap();
    let answer = async |query: &str, values| {
        let (request, completion) = prepare(query, values).split();
        completion.complete_response(schema().execute(request).await).data.into_json().unwrap()
    };
    let sum = "query($a: Int!, $b: Int) { sum(of: [$a], plus: $b) dog { ... on Cat { lives } } }";
    assert_eq!(answer(sum, json!({"a": 1})).await, json!({"sum": 8, "dog": {}}));
    assert_eq!(answer(sum, json!({"a": 2, "b": 1})).await, json!({"sum": 3, "dog": {}}));
    assert_eq!(answer(sum, json!({"a": 1})).await, json!({"sum": 8, "dog": {}}));
    let is_kept = |query: &str, values: serde_json::Value| {
        Arc::ptr_eq(&prepare(query, values.clone()).shape, &prepare(query, values).shape)
    };
    assert!(is_kept(sum, json!({"a": 1})));

    let conditional = "query($c: Boolean = true) { late @include(if: $c) ...F } fragment F on Query { failing { late @skip(if: $c) } }";
    assert_eq!(answer(conditional, json!({})).await, json!({"late": 1, "failing": {}}));
    assert_eq!(answer(conditional, json!({"c": false})).await, json!({"failing": {"late": 2}}));
    assert_eq!(answer(conditional, json!({})).await, json!({"late": 1, "failing": {}}));
    assert!(!is_kept(conditional, json!({})));
}

#[test]
fn plans_are_kept_for_each_operation_as_far_as_the_text_is_long() {
    let documents = documents();
    let is_kept = |query: &str, name: &str| {
        let shape = || documents.prepare(Request::new(query).operation_name(name)).unwrap().shape;
        Arc::ptr_eq(&shape(), &shape())
    };
    let two = "query A { late } query B { late again: late }";
    assert!(is_kept(two, "A") && is_kept(two, "B"));
    let pets: String = ('a'..='k').map(|key| format!("{key}:pets{{...F}}")).collect();
    let wide = format!("query A{{{pets}}}fragment F on Pet{{a:name b:name c:name d:name}}");
    assert!(!is_kept(&wide, "A"));
}
