//! Tests that the limits on a subscription are for each of its updates, not for the whole stream.

use std::time::Duration;

use async_graphql::{EmptyMutation, Object, Response, Schema, Subscription, Value};
use futures::{Stream, StreamExt, stream};

use super::super::{Limits, meter::MAX_VALUES};
use crate::graphql::extension::extend_schema;

struct Root;

#[Object]
impl Root {
    async fn value(&self) -> i32 {
        1
    }
}

/// One update of the subscription.
struct Update(usize);

#[Object]
impl Update {
    #[graphql(complexity = 1)]
    async fn values(&self) -> Vec<usize> {
        (0..self.0).collect()
    }

    /// In every second update, takes longer than the deadline of the test.
    async fn slow(&self) -> usize {
        if self.0 % 2 == 1 {
            std::future::pending::<()>().await;
        }
        self.0
    }
}

struct Updates;

#[Subscription]
impl Updates {
    /// Sends updates with lists of these lengths.
    async fn updates(&self, lengths: Vec<usize>) -> impl Stream<Item = Update> {
        stream::iter(lengths.into_iter().map(Update))
    }
}

async fn collect(query: &str, limits: Limits) -> Vec<Response> {
    let schema = extend_schema(Schema::build(Root, EmptyMutation, Updates), limits).finish();
    let responses = schema.execute_stream(query).collect();
    tokio::time::timeout(Duration::from_secs(60), responses).await.unwrap()
}

fn codes(responses: &[Response]) -> Vec<Option<Value>> {
    let code = |response: &Response| {
        response.errors.first().and_then(|error| error.extensions.as_ref()?.get("code").cloned())
    };
    responses.iter().map(code).collect()
}

#[tokio::test]
async fn every_update_may_be_as_large_as_an_answer() {
    let half = MAX_VALUES / 2;
    let query =
        format!("subscription {{ updates(lengths: [{half}, {half}, {MAX_VALUES}, 3]) {{ values }} }}");
    let responses = collect(&query, Limits::default()).await;
    assert_eq!(codes(&responses), [None, None, Some("QUERY_TOO_LARGE".into()), None]);
}

#[tokio::test]
async fn every_update_has_the_whole_time() {
    let limits = Limits { timeout: Duration::from_millis(100), ..Limits::default() };
    // A late update takes all of the time. The update after it would have none left, if the time were for the stream.
    let query = "subscription { updates(lengths: [0, 1, 2, 3, 4]) { slow } }";
    let responses = collect(query, limits).await;
    let late = || Some("QUERY_TIMEOUT".into());
    assert_eq!(codes(&responses), [None, late(), None, late(), None]);
}
