//! Waiting for what must come, and never for time to pass.

use std::time::Duration;

use tokio::time::{interval, timeout};

/// How long to wait for what must come. Long, because a test machine may be busy, and a job that died comes back
/// only with its lease; nobody waits it out but a test that fails.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at what does not report by itself.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What the future comes to. Panics, with the words for what was waited for, when it does not come.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// Looks until something is found. Panics when that does not happen.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    within(what, async {
        let mut looks = interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    })
    .await
}
