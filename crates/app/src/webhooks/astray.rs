//! What a registration has missed of a number that was used before: looked for now and then.

use chrono::TimeDelta;
use domain::WebhookId;
use persistence::{shipments, webhooks};

use super::matching;
use crate::{App, error::Result, retry::retrying};

/// How long after its registration a parcel is looked after: longer than no worker runs.
const LOOK_BACK: TimeDelta = TimeDelta::days(1);
/// Numbers whose parcels and scans are in memory together.
const MOST_NUMBERS: usize = 100;
/// Webhooks that are made due in one transaction.
pub(super) const MOST_DUE: usize = 1000;

impl App {
    /// Has the webhooks read again whose scans stayed with a parcel, although the next one with its number was there to
    /// get them. Returns how many.
    pub(crate) async fn wake_astray(&self) -> Result<u64> {
        let now = self.clock.now();
        let mut woken = 0;
        for numbers in shipments::used_again(&self.store, now - LOOK_BACK).await?.chunks(MOST_NUMBERS) {
            let astray = matching::astray(&self.store, numbers).await?;
            let astray: Vec<WebhookId> = astray.into_iter().collect();
            for chunk in astray.chunks(MOST_DUE) {
                woken += retrying(|| self.wake_read(chunk)).await?;
            }
        }
        Ok(woken)
    }

    /// Has these webhooks read again, in one transaction. Returns how many.
    pub(super) async fn wake_read(&self, webhooks: &[WebhookId]) -> persistence::Result<u64> {
        let tx = self.store.begin().await?;
        let woken = webhooks::wake_read(&tx, webhooks, self.clock.now()).await?;
        self.store.commit(tx).await?;
        Ok(woken)
    }
}
