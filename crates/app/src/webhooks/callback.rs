//! Settles webhooks whose sender asks to be called back before it sends scans.
//!
//! 1. `worker` makes the call, outside of every transaction.
//! 2. Until the webhook is settled here, or a failure is recorded, it is leased like any other webhook. When the lease
//!    has expired, the call is made again, which does no harm.
//! 3. Each call is counted before it is made. So the number of calls is bounded even if their outcomes are lost,
//!    because the process dies or the lease expires.

use carriers::Activation;
use domain::{WebhookState, ingest::SettledWebhook};
use persistence::{leases::Leased, webhooks};

use super::Inbox;
use crate::{error::Result, retry::retry_transaction};

/// Largest number of calls for one webhook, successful or not. Making the webhook due again resets the count.
pub const MAX_CALLS: i32 = 10;

/// A webhook that is settled after a call to its sender.
#[derive(Clone, Debug)]
pub struct CallBack {
    /// The webhook and the attempt for which it is leased.
    pub leased: Leased,
    /// The subscription to confirm in the call.
    pub activation: Activation,
}

impl Inbox {
    /// Counts a call before it is made. Returns false if the call must not be made: another job has the webhook, or the
    /// sender was already called [`MAX_CALLS`] times.
    ///
    /// # Errors
    /// When the database fails. The call is then made after the lease has expired.
    pub async fn begin_call_back(&self, leased: Leased) -> Result<bool> {
        Ok(retry_transaction(|| webhooks::begin_call(&self.store, leased, MAX_CALLS)).await?)
    }

    /// Settles a webhook whose sender was called, with the result `what` as its reason. Does nothing if another worker
    /// has leased or settled it meanwhile.
    ///
    /// # Errors
    /// When the database fails. The sender is then called again after the lease has expired.
    pub async fn record_callback(&self, leased: Leased, what: &str) -> Result<()> {
        retry_transaction(|| self.close_after_callback(leased, what)).await?;
        Ok(())
    }

    async fn close_after_callback(&self, leased: Leased, what: &str) -> persistence::Result<()> {
        let tx = self.store.begin().await?;
        let opened = webhooks::open(&tx, &[leased]).await?;
        let close = |webhook: webhooks::Webhook| SettledWebhook {
            id: webhook.head.id,
            state: WebhookState::Processed,
            reason: what.to_owned(),
            waits_for: vec![],
        };
        let settled: Vec<SettledWebhook> = opened.into_iter().map(close).collect();
        webhooks::settle(&tx, &settled).await?;
        self.store.commit_repeatable(tx).await
    }
}
