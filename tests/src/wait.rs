//! Waits for events in tests. A test never sleeps for a fixed time.

use std::time::Duration;

use tokio::time::{interval, timeout};

/// How long to wait for an expected event. It is long because a test machine may be slow, and because the job of a
/// killed worker returns only when its lease ends. Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The pause between two checks for something that sends no signal.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Waits for the future and returns its result. Panics after [`PATIENCE`], naming `what` it waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// Calls `look` until it finds something. Panics after [`PATIENCE`].
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
