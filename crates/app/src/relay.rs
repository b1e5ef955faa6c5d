//! Leases due rows for the queues, and publishes the outbox to the live feed.
//!
//! `worker` calls these in its relay loop. Nothing else pushes to the queues or publishes to the feed. A row whose
//! lease has ended is due again. An empty lease means that nothing is due, and 0 published rows that the outbox was
//! empty. `postpone` is also for the webhook job of `worker`.
//!
//! `compute_pause` is the pause before failed webhooks and notifications are tried again: `webhooks` and
//! `notifications` call it with the number of failures, this one included.

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::OrderId;
use persistence::{
    Store,
    leases::{self, Leased, Work},
    outbox,
};

use crate::{
    Clock,
    error::Result,
    feed::{Feed, Pokes, Update},
};

/// How long a leased row may wait for its job, and how long a webhook's job may take. After that, another worker may
/// lease the row.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// Largest number of outbox rows that are published at once.
const MAX_OUTBOX_ENTRIES: u64 = 500;
/// The first and the longest pause after failures.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);
const MAX_PAUSE: TimeDelta = TimeDelta::minutes(5);

/// Moves work out of the database. For the relay loop of `worker`.
#[derive(Clone)]
pub struct Relay {
    store: Store,
    clock: Clock,
    feed: Feed,
}

impl Relay {
    pub(crate) fn new(store: Store, clock: Clock, feed: Feed) -> Self {
        Self { store, clock, feed }
    }

    /// Receives a poke after each commit that made work, from now on.
    pub fn pokes(&self) -> Pokes {
        self.feed.pokes()
    }

    /// Leases up to `limit` due rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease(&self, work: Work, limit: u64) -> Result<Vec<Leased>> {
        let now = self.clock.now();
        Ok(leases::lease(&self.store, work, limit, now, now + LEASE).await?)
    }

    /// Returns leased rows that could not be pushed to a queue. They are due again after a short pause.
    ///
    /// # Errors
    /// When the database fails. The rows are then due when their lease has expired.
    pub async fn postpone(&self, work: Work, leased: &[Leased]) -> Result<()> {
        let later = self.clock.now() + FIRST_PAUSE;
        Ok(leases::postpone(&self.store, work, leased, later).await?)
    }

    /// Publishes the oldest rows of the outbox, and returns how many. Rows are deleted after they were published. So an
    /// update may be published twice, but is never lost.
    ///
    /// # Errors
    /// When the database or the feed fails.
    pub async fn publish(&self) -> Result<usize, NotPublished> {
        let (tx, entries) = outbox::take_batch(&self.store, MAX_OUTBOX_ENTRIES).await?;
        let mut newest: HashMap<OrderId, Update> = HashMap::with_capacity(entries.len());
        for entry in &entries {
            let update = Update { order_id: entry.order_id, version: entry.version, user_id: entry.user_id };
            newest
                .entry(entry.order_id)
                .and_modify(|update| update.version = update.version.max(entry.version))
                .or_insert(update);
        }
        let updates: Vec<Update> = newest.into_values().collect();
        self.feed.publish(&updates).await?;
        self.store.commit_repeatable(tx).await?;
        Ok(entries.len())
    }
}

/// Why the outbox was not published. Its rows stay, and are published later.
#[derive(Debug, thiserror::Error)]
pub enum NotPublished {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] persistence::Error),
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] crate::feed::FeedError),
}

/// The pause after a number of failures. It doubles with each failure up to a maximum, and has a random part, so that
/// rows that failed together are not retried together.
pub(crate) fn compute_pause(failures: i32) -> TimeDelta {
    let doublings = failures.saturating_sub(1).clamp(0, 16);
    let pause = (FIRST_PAUSE * (1 << doublings)).min(MAX_PAUSE);
    let jitter = rand::random_range(0.8..1.2);
    TimeDelta::milliseconds((pause.num_milliseconds() as f64 * jitter) as i64)
}
