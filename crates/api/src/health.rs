//! `GET /livez` and `GET /readyz`: is the process up, and can it do its work. That the database takes writes is a part of
//! it: queries alone are not the work.

use std::{sync::Arc, time::Duration};

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
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state((app, checks))
}

async fn ready(State((app, checks)): State<(App, Checks)>) -> Response {
    let mut wrong = checks();
    match timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => {
            if let Err(cause) = app.store.writable(PATIENCE).await {
                wrong.push(format!("the database takes no writes: {cause}"));
            }
        }
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database does not answer");
            wrong.push("the database does not answer".to_owned());
        }
        Err(_) => wrong.push("the database does not answer in time".to_owned()),
    }
    match timeout(PATIENCE, app.feed.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => wrong.push(format!("the live feed: {error}")),
        Err(_) => wrong.push("the live feed does not answer in time".to_owned()),
    }
    if wrong.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n") + "\n").into_response()
}
