//! Tests of the limits on an operation while it is resolved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Response, Schema, Value};
use futures::future::select_all;
use tokio::{sync::Notify, task::yield_now, time::timeout};

use super::super::{
    Limits, PermitSlot,
    admission::{MAX_LARGE, MAX_LARGE_WAITING},
    meter::{ELEMENTS_A_LEVEL, MAX_VALUES, ROOTS_AT_ONCE},
};
use crate::graphql::extension::extend_schema;

/// More time than any test needs, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The state that a test shares with the resolvers.
#[derive(Clone, Default)]
struct Shared {
    /// How many elements are being resolved now. `most` is the maximum so far.
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    done: Arc<AtomicUsize>,
    release: Arc<Notify>,
}

struct Node;

/// Lists whose complexity is given as 1, so that only the limits of `meter` stop them.
#[Object]
impl Node {
    async fn value(&self) -> i32 {
        1
    }

    async fn text(&self, bytes: usize) -> String {
        "x".repeat(bytes)
    }

    async fn json(&self, values: i32) -> async_graphql::Json<Vec<i32>> {
        async_graphql::Json((0..values).collect())
    }

    #[graphql(complexity = 1)]
    async fn numbers(&self, length: i32) -> Vec<i32> {
        (0..length).collect()
    }

    #[graphql(complexity = 1)]
    async fn nodes(&self, length: usize) -> Vec<Node> {
        (0..length).map(|_| Node).collect()
    }

    /// Counts the elements that are resolved at the same time, and lets others run meanwhile.
    async fn shared(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        let shared = ctx.data::<Shared>()?;
        let now = shared.now.fetch_add(1, SeqCst) + 1;
        shared.most.fetch_max(now, SeqCst);
        yield_now().await;
        shared.now.fetch_sub(1, SeqCst);
        shared.done.fetch_add(1, SeqCst);
        Ok(1)
    }

    /// Waits until the test continues it.
    async fn wait(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        ctx.data::<Shared>()?.release.notified().await;
        Ok(1)
    }

    async fn never(&self) -> i32 {
        std::future::pending().await
    }
}

type Bounded = Schema<Node, EmptyMutation, EmptySubscription>;

fn bounded(limits: Limits, shared: Shared) -> Bounded {
    extend_schema(Schema::build(Node, EmptyMutation, EmptySubscription), limits).data(shared).finish()
}

async fn run(query: &str, limits: Limits) -> Response {
    timeout(PATIENCE, bounded(limits, Shared::default()).execute(query)).await.unwrap()
}

fn code(response: &Response) -> String {
    assert_eq!(response.data, Value::Null);
    assert_eq!(response.errors.len(), 1, "{:?}", response.errors);
    match response.errors[0].extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => code.clone(),
        other => panic!("no code: {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_with_too_many_values_is_stopped_before_it_is_made() {
    for query in [
        "{ nodes(length: 1000) { nodes(length: 1000) { value } } }",
        "{ nodes(length: 120000) { value } }",
        "{ numbers(length: 120000) }",
        "{ nodes(length: 1000) { nodes(length: 1000) { __typename } } }",
        "{ json(values: 120000) }",
        "{ nodes(length: 9000) { a:__typename b:__typename c:__typename d:__typename e:__typename f:__typename
            g:__typename h:__typename i:__typename j:__typename k:__typename l:__typename } }",
        "{ nodes(length: 100) { a: nodes(length: 100) { nodes(length: 100) { value } } b: numbers(length: 1000) } }",
    ] {
        let started = Instant::now();
        let response = run(query, Limits::default()).await;
        assert_eq!(code(&response), "QUERY_TOO_LARGE", "{query}");
        assert!(response.errors[0].message.contains(&MAX_VALUES.to_string()), "{:?}", response.errors);
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}: {query}", started.elapsed());
    }
    // Just below the limit: a thousand elements with 48 values each, and the elements themselves.
    let fields: String = (0..48).map(|n| format!("a{n}: value ")).collect();
    assert!(run(&format!("{{ nodes(length: 1000) {{ {fields} }} }}"), Limits::default()).await.is_ok());
}

#[tokio::test]
async fn an_answer_with_too_many_bytes_is_stopped() {
    let limits = Limits { answer_bytes: 100_000, ..Limits::default() };
    for query in [
        "{ text(bytes: 100000) }",
        "{ nodes(length: 200) { text(bytes: 1000) } }",
        "{ json(values: 20000) }",
        "{ nodes(length: 3000) { a_name_of_some_length_that_is_repeated: value } }",
    ] {
        let response = run(query, limits).await;
        assert_eq!(code(&response), "QUERY_TOO_LARGE", "{query}");
        assert_eq!(response.errors[0].message, "the answer is larger than 100000 bytes");
    }
    for query in
        ["{ text(bytes: 99000) }", "{ nodes(length: 90) { text(bytes: 1000) } }", "{ json(values: 5000) }"]
    {
        let response = run(query, limits).await;
        assert!(response.is_ok(), "{query}");
        assert!(serde_json::to_vec(&response).unwrap().len() <= 100_000);
    }
}

#[tokio::test]
async fn elements_are_resolved_a_few_at_a_time_on_every_level() {
    let shared = Shared::default();
    let schema = bounded(Limits::default(), shared.clone());
    let response = timeout(PATIENCE, schema.execute("{ nodes(length: 1000) { shared } }")).await.unwrap();
    assert!(response.is_ok());
    assert_eq!(shared.done.load(SeqCst), 1000);
    assert_eq!(shared.most.load(SeqCst), ELEMENTS_A_LEVEL);
    let deep = "{ nodes(length: 40) { nodes(length: 40) { a: nodes(length: 3) { shared } b: nodes(length: 3) { shared } } } }";
    let response = timeout(PATIENCE, schema.execute(deep)).await.unwrap();
    assert!(response.is_ok(), "the deepest elements go on, whatever waits above them");
    assert_eq!(shared.done.load(SeqCst), 1000 + 40 * 40 * 6);
}

#[tokio::test]
async fn an_operation_resolves_a_few_of_its_own_fields_at_a_time() {
    let shared = Shared::default();
    let schema = bounded(Limits::default(), shared.clone());
    let aliases: String = (0..50).map(|n| format!("a{n}: shared ")).collect();
    let response = timeout(PATIENCE, schema.execute(format!("{{ {aliases} }}"))).await.unwrap();
    assert!(response.is_ok());
    assert_eq!((shared.done.load(SeqCst), shared.most.load(SeqCst)), (50, ROOTS_AT_ONCE));
}

#[tokio::test]
async fn an_operation_is_stopped_at_its_deadline() {
    let limits = Limits { timeout: Duration::from_millis(50), ..Limits::default() };
    let response = run("{ value never }", limits).await;
    assert_eq!(code(&response), "QUERY_TIMEOUT");
    assert_eq!(response.errors[0].message, "the operation took longer than 50ms");
    // Nothing in this query waits, so the deadline must be noticed in the middle of the work.
    let busy = "{ nodes(length: 300) { nodes(length: 300) { value } } }";
    let started = Instant::now();
    let limits = Limits { timeout: Duration::from_millis(5), ..Limits::default() };
    assert_eq!(code(&run(busy, limits).await), "QUERY_TIMEOUT");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// The runtime of this test has one thread, so an operation that keeps the thread would make all others wait.
#[tokio::test]
async fn a_large_operation_lets_others_run() {
    let schema = bounded(Limits::default(), Shared::default());
    let busy = tokio::spawn(async move {
        schema.execute("{ nodes(length: 300) { nodes(length: 300) { value } } }").await
    });
    let (mut turns, mut longest, mut before) = (0, Duration::ZERO, Instant::now());
    while !busy.is_finished() {
        yield_now().await;
        turns += 1;
        longest = longest.max(before.elapsed());
        before = Instant::now();
    }
    // 90,000 elements at 256 fields for each turn.
    assert!(turns > 300, "{turns}");
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    assert_eq!(code(&busy.await.unwrap()), "QUERY_TOO_LARGE");
}

#[tokio::test]
async fn an_operation_whose_caller_is_gone_stops_in_the_middle_of_its_work() {
    let shared = Shared::default();
    let schema = bounded(Limits::default(), shared.clone());
    let task = tokio::spawn(async move {
        schema.execute("{ nodes(length: 200) { nodes(length: 200) { shared } } }").await
    });
    while shared.done.load(SeqCst) == 0 {
        yield_now().await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let done = shared.done.load(SeqCst);
    assert!(done < 40_000, "{done}");
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(shared.done.load(SeqCst), done, "nothing goes on without the caller");
}

#[tokio::test]
async fn large_answers_take_turns_and_ordinary_ones_do_not_wait_for_them() {
    let shared = Shared::default();
    let schema = bounded(Limits { timeout: PATIENCE, ..Limits::default() }, shared.clone());
    let large = |slot: PermitSlot| {
        let schema = schema.clone();
        let request = async_graphql::Request::new("{ nodes(length: 6000) { value } }").data(slot);
        async move { timeout(PATIENCE, schema.execute(request)).await.unwrap() }
    };
    // The first answers are not written yet: their permits are still with the transport.
    let slots: Vec<PermitSlot> = (0..MAX_LARGE).map(|_| PermitSlot::default()).collect();
    let mut permits = Vec::new();
    for slot in &slots {
        assert!(large(slot.clone()).await.is_ok());
        permits.push(slot.take_permit().expect("the permit of a large answer"));
    }
    // As many operations wait as are allowed; one more is refused.
    let waiting: Vec<_> =
        (0..=MAX_LARGE_WAITING).map(|_| tokio::spawn(large(PermitSlot::default()))).collect();
    let (refused, _, waiting) = timeout(PATIENCE, select_all(waiting)).await.unwrap();
    assert_eq!(code(&refused.unwrap()), "UNAVAILABLE");
    let ordinary = timeout(PATIENCE, schema.execute("{ nodes(length: 1000) { value } }")).await.unwrap();
    assert!(ordinary.is_ok(), "an ordinary query needs no permit");
    assert!(waiting.iter().all(|task| !task.is_finished()));
    drop(permits);
    for task in waiting {
        assert!(timeout(PATIENCE, task).await.unwrap().unwrap().is_ok());
    }
}

#[tokio::test]
async fn an_ordinary_answer_leaves_no_permit() {
    let schema = bounded(Limits::default(), Shared::default());
    let slot = PermitSlot::default();
    let request = async_graphql::Request::new("{ nodes(length: 100) { value } }").data(slot.clone());
    assert!(schema.execute(request).await.is_ok());
    assert!(slot.take_permit().is_none());
}

#[tokio::test]
async fn a_stop_ends_what_still_waits() {
    let shared = Shared::default();
    let schema = bounded(Limits { answer_bytes: 1000, ..Limits::default() }, shared);
    let response = timeout(PATIENCE, schema.execute("{ never wait text(bytes: 2000) }")).await.unwrap();
    assert_eq!(code(&response), "QUERY_TOO_LARGE");
}
