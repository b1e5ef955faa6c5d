//! The relay: leases due rows and pushes their ids to the queues, and publishes the outbox to the live feed. `lib.rs`
//! starts `run` as a task.
//!
//! A poke after each commit wakes the relay. If a poke is lost, the relay finds the work at its next tick. While a
//! queue is long, rows stay in the database, where the backlog is visible. A batch that a queue does not take is
//! postponed. A failed turn is logged; the next turn begins after a pause.
//!
//! One turn is `run_once`. It publishes first, then calls `enqueue_work` for all queues at the same time, also if
//! publishing failed. `run_due_work` does the work without queues, for tests.

use std::{sync::Arc, time::Duration};

use app::{
    App,
    relay::{NotPublished, Relay},
};
use futures::future::join_all;
use persistence::leases::Work;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Activator, Queues,
    jobs::{self, Jobs},
    mail::Mailer,
    queue::{Batch, QueueError},
};

/// How often the relay looks for work when it was not poked.
const TICK: Duration = Duration::from_secs(1);
/// Pause between two turns, so that rows which become due in the meantime share a batch. The first poke after a quiet
/// time does not wait.
const BREATH: Duration = Duration::from_millis(20);
/// Pause after a failed turn.
const PAUSE: Duration = Duration::from_millis(500);
/// Number of batches that may wait in a queue. It is small enough that they are taken before their leases expire, and
/// far below the 8,000 with which apalis-redis does not start.
const MAX_WAITING: usize = 30;

/// Runs the relay until `stop` is cancelled.
pub(crate) async fn run(relay: Relay, queues: Queues, stop: CancellationToken) {
    let work = async {
        let mut pokes = relay.pokes();
        loop {
            match run_once(&relay, &queues).await {
                Ok(more) => {
                    sleep(BREATH).await;
                    if !more {
                        // Ends early if a poke comes, or has come during the pause.
                        timeout(TICK, pokes.wait_for_poke()).await.ok();
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the relay pauses");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(work).await;
}

/// Why a turn of the relay failed. No work is lost: the next turn finds it.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("announcements could not be published")]
    Publish(#[from] NotPublished),
    #[error("due rows could not be leased")]
    Lease(#[from] app::Error),
    #[error("a queue could not be used")]
    Queue(#[from] QueueError),
}

/// Publishes the outbox and fills the queues once. Returns whether the outbox may contain more.
async fn run_once(relay: &Relay, queues: &Queues) -> Result<bool, RelayError> {
    // A failure of the feed must not keep work from the queues, and the queues must not wait for each other.
    let published = relay.publish().await;
    let enqueued = join_all(Work::ALL.map(|work| enqueue_work(relay, queues, work))).await;
    let more = published? > 0;
    enqueued.into_iter().collect::<Result<(), _>>()?;
    Ok(more)
}

async fn enqueue_work(relay: &Relay, queues: &Queues, work: Work) -> Result<(), RelayError> {
    let queue = queues.queue_of(work);
    let most = jobs::batch_size(work);
    while queue.count_waiting_batches().await? < MAX_WAITING {
        let leased = relay.lease(work, most as u64).await?;
        if leased.is_empty() {
            break;
        }
        let full = leased.len() == most;
        if let Err(error) = queue.push(Batch { work: leased.clone() }).await {
            relay.postpone(work, &leased).await?;
            return Err(error.into());
        }
        if !full {
            break;
        }
    }
    Ok(())
}

/// Runs all due work directly, without queues, and returns when nothing is due. For tests, which have to know when the
/// work is done.
///
/// # Errors
/// When the database or the feed fails.
pub async fn run_due_work(
    app: &App,
    mailer: &Arc<Mailer>,
    activator: &Activator,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (relay, jobs) = (app.relay(), Jobs::new(app, mailer.clone(), activator.clone()));
    loop {
        let mut idle = relay.publish().await? == 0;
        for work in Work::ALL {
            let leased = relay.lease(work, jobs::batch_size(work) as u64).await?;
            if !leased.is_empty() {
                idle = false;
                jobs.clone().handle_batch(work, Batch { work: leased }).await;
            }
        }
        if idle {
            return Ok(());
        }
    }
}
