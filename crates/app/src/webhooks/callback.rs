//! Callbacks: settles webhooks whose sender asks to be called before it sends scans.
//!
//! 1. The webhook job of `worker` makes the call, outside of every transaction. It counts the call here before, and
//!    settles the webhook here after a call that succeeded. A call that failed is recorded like any other failure of a
//!    webhook.
//! 2. Until the webhook is settled here, or a failure is recorded, it is leased like any other webhook. When the lease
//!    has expired, the call is made again, which does no harm.
//! 3. Each call is counted before it is made. So the number of calls is bounded even if their outcomes are lost,
//!    because the process dies or the lease expires.
//! 4. `count_callback_if_allowed` answers `false` if the call must not be made: another job has the webhook, or the
//!    sender was called too often.

use carriers::Activation;
use domain::{WebhookState, ingest::SettledWebhook};
use persistence::{leases::Leased, webhooks};

use super::Inbox;
use crate::{error::Result, retry::retry_transaction};

/// Largest number of calls for one webhook, successful or not. Making the webhook due again resets the count.
pub const MAX_CALLS: i32 = 10;

/// A webhook that is settled after a call to its sender.
#[derive(Clone, Debug)]
pub struct Callback {
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
    /// When the database fails. The call must not be made now; it may be counted nevertheless. After the lease has
    /// expired, the webhook is processed again.
    pub async fn count_callback_if_allowed(&self, leased: Leased) -> Result<bool> {
        Ok(retry_transaction(|| webhooks::count_call(&self.store, leased, MAX_CALLS)).await?)
    }

    /// Settles a webhook whose sender was called, with this reason. Does nothing if another worker
    /// has leased or settled it meanwhile.
    ///
    /// # Errors
    /// When the database fails. The sender is then called again after the lease has expired.
    pub async fn settle_after_callback(&self, leased: Leased, reason: &str) -> Result<()> {
        retry_transaction(|| self.settle_in_transaction(leased, reason)).await?;
        Ok(())
    }

    async fn settle_in_transaction(&self, leased: Leased, reason: &str) -> persistence::Result<()> {
        let tx = self.store.begin().await?;
        let opened = webhooks::lock_and_load_leased(&tx, &[leased]).await?;
        let close = |webhook: webhooks::Webhook| SettledWebhook {
            id: webhook.head.id,
            state: WebhookState::Processed,
            reason: reason.to_owned(),
            waits_for: vec![],
            says_estimate: false,
        };
        let settled: Vec<SettledWebhook> = opened.into_iter().map(close).collect();
        webhooks::settle(&tx, &settled).await?;
        self.store.commit_repeatable(tx).await
    }
}
