//! Due rows on their way to a queue, announcements on their way to the live feed.
//!
//! `worker` runs these in a loop. Only the relay pushes to queues and publishes to the feed.

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::OrderId;
use persistence::{
    leases::{self, Leased, Work},
    outbox,
};

use crate::{App, error::Result, feed::Update};

/// How long rows may be on their way to a job, and a webhook's job may take, before somebody else takes them.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// The most announcements published at once.
const MAX_ANNOUNCEMENTS: u64 = 500;
/// The first pause after a failure, and the longest.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);
const MAX_PAUSE: TimeDelta = TimeDelta::minutes(5);

impl App {
    /// Takes up to `limit` due rows for a job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease(&self, work: Work, limit: u64) -> Result<Vec<Leased>> {
        let now = self.clock.now();
        Ok(leases::lease(&self.store, work, limit, now, now + LEASE).await?)
    }

    /// Gives rows back that were leased and could not be handed to a queue.
    ///
    /// # Errors
    /// When the database fails: the lease then runs out by itself.
    pub async fn postpone(&self, work: Work, leased: &[Leased]) -> Result<()> {
        let later = self.clock.now() + FIRST_PAUSE;
        Ok(leases::postpone(&self.store, work, leased, later).await?)
    }

    /// Publishes what has been announced; returns how much. An announcement is taken away only after it was
    /// published, so it may be heard twice and is not lost.
    ///
    /// # Errors
    /// When the database or the feed fails.
    pub async fn publish(&self) -> Result<usize, NotPublished> {
        let (tx, announcements) = outbox::take_batch(&self.store, MAX_ANNOUNCEMENTS).await?;
        let mut newest: HashMap<OrderId, Update> = HashMap::with_capacity(announcements.len());
        for one in &announcements {
            let update = Update { order_id: one.order_id, version: one.version, user_id: one.user_id };
            newest
                .entry(one.order_id)
                .and_modify(|kept| kept.version = kept.version.max(one.version))
                .or_insert(update);
        }
        let updates: Vec<Update> = newest.into_values().collect();
        self.feed.publish(&updates).await?;
        self.store.commit_repeatable(tx).await?;
        Ok(announcements.len())
    }
}

/// Why announcements were not published. They are kept.
#[derive(Debug, thiserror::Error)]
pub enum NotPublished {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] persistence::Error),
    /// The feed failed.
    #[error(transparent)]
    Feed(#[from] crate::feed::FeedError),
}

/// The pause after so many failures: doubling, bounded, with a random part so that rows do not march in step.
pub(crate) fn backoff(failures: i32) -> TimeDelta {
    let doublings = failures.saturating_sub(1).clamp(0, 16);
    let pause = (FIRST_PAUSE * (1 << doublings)).min(MAX_PAUSE);
    let jitter = rand::random_range(0.8..1.2);
    TimeDelta::milliseconds((pause.num_milliseconds() as f64 * jitter) as i64)
}
