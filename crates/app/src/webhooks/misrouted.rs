//! Finds webhooks that should have been processed again when a shipment was registered, and makes them due.
//! `worker::schedule` calls `requeue_missed` every minute, as a safeguard: normally the registration itself does it,
//! but it skips webhooks that another transaction holds.
//!
//! - `find_misrouted` only reads. A number that cannot be checked is logged and left out; a database that is down ends
//!   the search.
//! - `requeue_processed` is also for `reprocess_unknown`. All functions that requeue answer how many webhooks became
//!   due.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::{TrackingNumber, WebhookId};
use persistence::{shipments, webhooks};

use super::{Inbox, load_router::load_router};
use crate::{
    error::{Error, Result},
    isolate::isolate,
    retry::retry_transaction,
};

/// For how long after its registration a shipment is checked. The check is repeated every minute; a day covers the
/// times in which no worker runs.
const LOOK_BACK: TimeDelta = TimeDelta::days(1);
/// Number of tracking numbers whose shipments and scans are loaded into memory together.
const MAX_NUMBERS: usize = 100;
/// Number of webhooks that one transaction makes due.
pub(super) const MAX_REQUEUED_AT_ONCE: usize = 1000;

impl Inbox {
    /// Makes two kinds of webhooks due again, in case a registration has missed them. Returns how many.
    ///
    /// 1. Webhooks that wait for a number which a shipment has by now.
    /// 2. Webhooks with a scan that stayed with an earlier shipment of a number although it belongs to a later one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requeue_missed(&self) -> Result<u64> {
        let waited = webhooks::requeue_missed_waits(&self.store, self.clock.now()).await?;
        let requeued = waited + self.requeue_misrouted().await?;
        if requeued > 0 {
            tracing::warn!(requeued, "webhooks that a registration had missed are due again");
            self.feed.poke();
        }
        Ok(requeued)
    }

    /// Makes the webhooks due again whose scans belong to another shipment with the same number. Returns how many.
    async fn requeue_misrouted(&self) -> Result<u64> {
        let now = self.clock.now();
        let mut requeued = 0;
        for numbers in shipments::find_reused_numbers(&self.store, now - LOOK_BACK).await?.chunks(MAX_NUMBERS)
        {
            let misrouted: Vec<WebhookId> = self.find_misrouted(numbers).await?.into_iter().collect();
            for chunk in misrouted.chunks(MAX_REQUEUED_AT_ONCE) {
                requeued += retry_transaction(|| self.requeue_processed(chunk)).await?;
            }
        }
        Ok(requeued)
    }

    /// The webhooks with misrouted scans of these numbers. A row that cannot be read affects only its own number.
    async fn find_misrouted(&self, numbers: &[TrackingNumber]) -> Result<BTreeSet<WebhookId>> {
        let mut misrouted = BTreeSet::new();
        let attempts = isolate(numbers, Error::may_succeed_alone, async |numbers| {
            let router = load_router(&self.store, numbers).await?;
            Ok::<_, Error>(router.find_misrouted())
        });
        for (numbers, found) in attempts.await {
            match found {
                Ok(found) => misrouted.extend(found),
                Err(error) if error.may_succeed_alone() => {
                    let error = &error as &dyn std::error::Error;
                    for number in numbers {
                        tracing::error!(carrier = %number.carrier(), %number, error, "a tracking number could not be checked for misrouted scans");
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(misrouted)
    }

    /// Makes these webhooks due again, in one transaction, if they are processed or unmatched. Skips those that
    /// another transaction holds. Returns how many became due.
    pub(super) async fn requeue_processed(&self, webhooks: &[WebhookId]) -> persistence::Result<u64> {
        let tx = self.store.begin().await?;
        let requeued = webhooks::requeue_processed(&tx, webhooks, self.clock.now()).await?;
        self.store.commit(tx).await?;
        Ok(requeued)
    }
}
