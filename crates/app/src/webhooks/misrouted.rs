//! What a registration has missed: looked for now and then.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::WebhookId;
use persistence::{
    shipments::{self, Number},
    webhooks,
};

use super::routing;
use crate::{
    App,
    error::Result,
    retry::{may_succeed_alone, retry_transaction},
};

/// How long after its registration a shipment is looked after: longer than no worker runs.
const LOOK_BACK: TimeDelta = TimeDelta::days(1);
/// Numbers whose shipments and scans are in memory together.
const MAX_NUMBERS: usize = 100;
/// Webhooks that are made due in one transaction.
pub(super) const MAX_DUE: usize = 1000;

impl App {
    /// Looks again for shipments with the numbers that webhooks wait for, and for what should have passed on to a
    /// shipment from another that had its number before, should a registration have been missed. Returns how many were
    /// found.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requeue_matched(&self) -> Result<u64> {
        let waited = webhooks::requeue_matched(&self.store, self.clock.now()).await?;
        let requeued = waited + self.requeue_misrouted().await?;
        if requeued > 0 {
            tracing::warn!(requeued, "webhooks waited although their shipments were registered");
            self.feed.poke();
        }
        Ok(requeued)
    }

    /// Has the webhooks read again whose scans stayed with a shipment, although the next one with its number was there
    /// to get them. Returns how many.
    async fn requeue_misrouted(&self) -> Result<u64> {
        let now = self.clock.now();
        let mut requeued = 0;
        for numbers in shipments::find_reused_numbers(&self.store, now - LOOK_BACK).await?.chunks(MAX_NUMBERS)
        {
            let misrouted: Vec<WebhookId> = self.find_misrouted(numbers).await?.into_iter().collect();
            for chunk in misrouted.chunks(MAX_DUE) {
                requeued += retry_transaction(|| self.requeue_processed(chunk)).await?;
            }
        }
        Ok(requeued)
    }

    /// The webhooks that are misrouted by these numbers. Where they cannot be looked at together, each is looked at
    /// alone, so that one with a row that cannot be read does not hold up the others.
    async fn find_misrouted(&self, numbers: &[Number]) -> persistence::Result<BTreeSet<WebhookId>> {
        match routing::find_misrouted(&self.store, numbers).await {
            Err(error) if may_succeed_alone(&error) => {}
            found => return found,
        }
        let mut misrouted = BTreeSet::new();
        for number in numbers {
            match routing::find_misrouted(&self.store, std::slice::from_ref(number)).await {
                Ok(found) => misrouted.extend(found),
                Err(error) if may_succeed_alone(&error) => {
                    let (carrier, number) = number;
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(%carrier, number, error, "a number was not looked at");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(misrouted)
    }

    /// Has these webhooks read again, in one transaction. Returns how many.
    pub(super) async fn requeue_processed(&self, webhooks: &[WebhookId]) -> persistence::Result<u64> {
        let tx = self.store.begin().await?;
        let requeued = webhooks::requeue_processed(&tx, webhooks, self.clock.now()).await?;
        self.store.commit(tx).await?;
        Ok(requeued)
    }
}
