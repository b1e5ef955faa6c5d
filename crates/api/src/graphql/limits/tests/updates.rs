//! Tests that the limits on a subscription are for each of its updates, not for the whole stream.

use std::time::Duration;

use async_graphql::{EmptyMutation, Object, Response, Schema, Subscription, Value};
use futures::{Stream, StreamExt, stream};

use super::super::{Limits, apply_limits, running::MAX_VALUES};

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
    /// Sends updates with lists of these lengths, with a pause between them.
    async fn updates(&self, lengths: Vec<usize>, apart: u64) -> impl Stream<Item = Update> {
        stream::iter(lengths).then(move |length| async move {
            tokio::time::sleep(Duration::from_millis(apart)).await;
            Update(length)
        })
    }
}

async fn collect(query: &str, limits: Limits) -> Vec<Response> {
    let schema = apply_limits(Schema::build(Root, EmptyMutation, Updates), limits).finish();
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
    let query = format!(
        "subscription {{ updates(apart: 0, lengths: [{half}, {half}, {MAX_VALUES}, 3]) {{ values }} }}"
    );
    let responses = collect(&query, Limits::default()).await;
    assert_eq!(codes(&responses), [None, None, Some("QUERY_TOO_LARGE".into()), None]);
}

#[tokio::test]
async fn every_update_has_the_whole_time() {
    let limits = Limits { timeout: Duration::from_millis(100), ..Limits::default() };
    let query = "subscription { updates(apart: 150, lengths: [0, 1, 2, 3, 4]) { slow } }";
    let responses = collect(query, limits).await;
    let late = || Some("QUERY_TIMEOUT".into());
    assert_eq!(codes(&responses), [None, late(), None, late(), None]);
}
