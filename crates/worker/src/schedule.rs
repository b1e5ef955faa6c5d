//! What is done now and then, without anybody asking. Each of these may run in several processes at once: it
//! does nothing the second time.

use std::time::Duration;

use app::App;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often waiting webhooks and old keys are looked at.
const EVERY: Duration = Duration::from_secs(60);

/// Keeps the schedule until `stop` is cancelled.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut remapped_taken_up = false;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        // Settings change with a start, so once is enough.
        if !remapped_taken_up {
            match app.take_up_remapped().await {
                Ok(_) => remapped_taken_up = true,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "codes that have got a meaning were not looked for");
                }
            }
        }
        if let Err(error) = app.wake_matched().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "waiting webhooks were not looked at");
        }
        if let Err(error) = app.forget_old_keys().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "old idempotency keys were not forgotten"
            );
        }
    }
}
