//! The relay: due rows to the queues, announcements to the live feed.
//!
//! A poke after each commit wakes it; a tick finds what a poke missed. Rows stay in the database while a
//! queue is long: there the backlog can be seen.

use std::{sync::Arc, time::Duration};

use app::{App, relay::NotPublished};
use futures::future::join_all;
use persistence::leases::Work;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Dhl, Queues, jobs,
    mail::Mailer,
    queue::{Batch, QueueError},
};

/// How often the relay looks without having been poked.
const TICK: Duration = Duration::from_secs(1);
/// Between two looks, so that what comes in meanwhile travels together. The first poke after a pause does not wait.
const BREATH: Duration = Duration::from_millis(20);
/// After a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// Batches that may wait in a queue: few enough to be taken before their leases run out, and far below the 8,000 on
/// which apalis-redis does not start.
const MAX_WAITING: usize = 30;

/// Relays until `stop` is cancelled.
pub(crate) async fn run(app: App, queues: Queues, stop: CancellationToken) {
    let work = async {
        let mut pokes = app.feed.pokes();
        loop {
            match turn(&app, &queues).await {
                Ok(more) => {
                    sleep(BREATH).await;
                    if !more {
                        // Either it was poked, also during the breath, or it looks by itself.
                        timeout(TICK, pokes.poked()).await.ok();
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

/// Why a turn of the relay ended early. Nothing is lost by it.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("announcements could not be published")]
    Publish(#[from] NotPublished),
    #[error("due rows could not be leased")]
    Lease(#[from] app::Error),
    #[error("a queue could not be used")]
    Queue(#[from] QueueError),
}

/// Relays what there is now. Says whether there may be more announcements.
async fn turn(app: &App, queues: &Queues) -> Result<bool, RelayError> {
    // The feed failing must not keep work from the queues, and no queue waits for another.
    let published = app.publish().await;
    let enqueued = join_all(Work::ALL.map(|work| enqueue(app, queues, work))).await;
    let more = published? > 0;
    enqueued.into_iter().collect::<Result<(), _>>()?;
    Ok(more)
}

async fn enqueue(app: &App, queues: &Queues, work: Work) -> Result<(), RelayError> {
    let queue = queues.queue_of(work);
    let most = jobs::batch_size(work);
    while queue.len().await? < MAX_WAITING {
        let leased = app.lease(work, most as u64).await?;
        if leased.is_empty() {
            break;
        }
        let full = leased.len() == most;
        if let Err(error) = queue.push(Batch { work: leased.clone() }).await {
            app.postpone(work, &leased).await?;
            return Err(error.into());
        }
        if !full {
            break;
        }
    }
    Ok(())
}

/// Does by itself, without a queue, all that is due now, and ends when nothing is left: for tests, which want to know
/// when the work is done.
///
/// # Errors
/// When the database or the feed fails.
pub async fn drain(
    app: &App,
    mailer: &Arc<Mailer>,
    dhl: &Dhl,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    loop {
        let mut idle = app.publish().await? == 0;
        for work in Work::ALL {
            let leased = app.lease(work, jobs::batch_size(work) as u64).await?;
            if !leased.is_empty() {
                idle = false;
                jobs::handler(work, app.clone(), mailer.clone(), dhl.clone(), Batch { work: leased }).await;
            }
        }
        if idle {
            return Ok(());
        }
    }
}
