//! Runs the periodic maintenance tasks. Several processes may run them at the same time: a repeated run finds nothing
//! to do. `lib.rs` starts it as a task. A task that fails is logged, and runs again at the next tick.

use std::{collections::HashSet, error::Error, time::Duration};

use app::App;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often webhooks that wait and old idempotency keys are checked.
const EVERY: Duration = Duration::from_secs(60);

/// Unknown codes are checked at every fifth tick. Settings change only when a process starts. But when several workers
/// are restarted one by one, those with the old settings still process webhooks for a while.
const REPROCESS_EVERY: u32 = 5;

/// Runs the schedule until `stop` is cancelled.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut meaningless = HashSet::new();
    for tick in 0_u32.. {
        if stop.run_until_cancelled(ticks.tick()).await.is_none() {
            return;
        }
        if tick.is_multiple_of(REPROCESS_EVERY)
            && let Err(error) = app.inbox().reprocess_unknown(&mut meaningless).await
        {
            let error = &error as &dyn Error;
            tracing::warn!(error, "codes that have got a meaning were not looked for");
        }
        if let Err(error) = app.inbox().requeue_missed().await {
            tracing::warn!(error = &error as &dyn Error, "waiting webhooks were not looked at");
        }
        if let Err(error) = app.orders().delete_old_keys().await {
            tracing::warn!(error = &error as &dyn Error, "old idempotency keys were not forgotten");
        }
    }
}
