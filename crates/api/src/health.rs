//! `GET /livez` and `GET /readyz`: is the process up, and can it do its work. That the database takes writes is a part of
//! it: queries alone are not the work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use app::App;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::time::timeout;

/// Tells what is wrong with the rest of the process, one line each: the worker's queues, say.
pub type Checks = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// How long the database and Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The two routes. A process that is only a worker serves these alone.
pub(crate) fn routes(app: App, checks: Checks) -> Router {
    let health = Health { app, checks, answers: Arc::new(AtomicBool::new(true)) };
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(health)
}

#[derive(Clone)]
struct Health {
    app: App,
    checks: Checks,
    /// Whether the database answered when it was last asked.
    answers: Arc<AtomicBool>,
}

impl Health {
    /// What is wrong with the database.
    async fn database(&self) -> Option<String> {
        let store = &self.app.store;
        let (cause, told) = match timeout(PATIENCE, store.ping()).await {
            Ok(Ok(())) => {
                if !self.answers.swap(true, SeqCst) {
                    tracing::info!("the database answers again");
                }
                let written = store.writable(PATIENCE).await;
                return written.err().map(|cause| format!("the database takes no writes: {cause}"));
            }
            Ok(Err(error)) => (error.root(), "the database does not answer"),
            Err(_) => (format!("nothing within {PATIENCE:?}"), "the database does not answer in time"),
        };
        if self.answers.swap(false, SeqCst) {
            tracing::warn!(cause, "the database does not answer; this process is not ready until it does");
        }
        Some(told.to_owned())
    }
}

async fn ready(State(health): State<Health>) -> Response {
    let mut wrong = (health.checks)();
    wrong.extend(health.database().await);
    match timeout(PATIENCE, health.app.feed.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => wrong.push(format!("the live feed: {error}")),
        Err(_) => wrong.push("the live feed does not answer in time".to_owned()),
    }
    if wrong.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n") + "\n").into_response()
}
