//! Health checks: `GET /livez` says whether the process is up, `GET /readyz` whether it can do its work.
//!
//! A process is ready when its [`Checks`] find no problem, the database answers and accepts writes, and the live feed
//! answers. Writes are checked, because most of the work needs them.
//!
//! `find_database_problem` returns the problem as text, `None` if there is none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use app::feed::Feed;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use persistence::Store;
use tokio::time::timeout;

/// Checks the rest of the process, for example the worker's queues. Returns one line for each problem.
pub type Checks = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// The timeout of each check of the database and of the live feed (Redis).
const PATIENCE: Duration = Duration::from_secs(2);

/// The two routes. A process that is only a worker serves no others.
pub(crate) fn routes(store: Store, feed: Feed, checks: Checks) -> Router {
    let health = Health { store, feed, checks, answers: Arc::new(AtomicBool::new(true)) };
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(answer_readiness))
        .with_state(health)
}

#[derive(Clone)]
struct Health {
    store: Store,
    feed: Feed,
    checks: Checks,
    /// Whether the database answered the latest check. Only changes are logged.
    answers: Arc<AtomicBool>,
}

impl Health {
    /// Checks the database, and returns the problem if there is one.
    async fn find_database_problem(&self) -> Option<String> {
        let (cause, told) = match timeout(PATIENCE, self.store.ping()).await {
            Ok(Ok(())) => {
                if !self.answers.swap(true, SeqCst) {
                    tracing::info!("the database answers again");
                }
                let written = self.store.writable(PATIENCE).await;
                return written.err().map(|cause| format!("the database takes no writes: {cause}"));
            }
            Ok(Err(error)) => (error.root_message(), "the database does not answer"),
            Err(_) => (format!("nothing within {PATIENCE:?}"), "the database does not answer in time"),
        };
        if self.answers.swap(false, SeqCst) {
            tracing::warn!(cause, "the database does not answer; this process is not ready until it does");
        }
        Some(told.to_owned())
    }
}

async fn answer_readiness(State(health): State<Health>) -> Response {
    let mut wrong = (health.checks)();
    wrong.extend(health.find_database_problem().await);
    match timeout(PATIENCE, health.feed.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => wrong.push(format!("the live feed: {error}")),
        Err(_) => wrong.push("the live feed does not answer in time".to_owned()),
    }
    if wrong.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n") + "\n").into_response()
}
