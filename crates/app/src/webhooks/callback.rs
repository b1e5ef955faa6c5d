//! Webhooks whose sender wants to be called back, before it tells us about shipments.
//!
//! The call is made by `worker`, outside every transaction. Until it is closed here, or its failure is written down,
//! such a webhook is leased like any other: it comes again when the lease runs out, and the call is made again,
//! which is harmless. Every call is counted before it is made, so that their number is bounded also when their outcomes
//! are lost, because the process dies or the lease runs out.

use carriers::Activation;
use domain::WebhookState;
use persistence::{
    leases::Leased,
    webhooks::{self, Settled},
};

use crate::{App, error::Result, retry::retry_transaction};

/// Calls for one webhook, whatever came of them, until somebody asks for it again.
pub const MAX_CALLS: i32 = 10;

/// A webhook that is settled by calling its sender.
#[derive(Clone, Debug)]
pub struct CallBack {
    /// The webhook, and the attempt that this is.
    pub leased: Leased,
    /// What to say to the sender.
    pub activation: Activation,
}

impl App {
    /// Counts a call that is about to be made. False if it must not be made: the webhook is no longer this job's, or its
    /// sender was called [`MAX_CALLS`] times.
    ///
    /// # Errors
    /// When the database fails: the lease then runs out, and the sender is called later.
    pub async fn begin_call_back(&self, leased: Leased) -> Result<bool> {
        Ok(retry_transaction(|| webhooks::begin_call(&self.store, leased, MAX_CALLS)).await?)
    }

    /// Closes a webhook whose sender was called, with what came of it. One that somebody else has taken up
    /// meanwhile is left to them.
    ///
    /// # Errors
    /// When the database fails: the lease then runs out, and the sender is called again.
    pub async fn record_callback(&self, leased: Leased, what: &str) -> Result<()> {
        retry_transaction(|| self.close_after_callback(leased, what)).await?;
        Ok(())
    }

    async fn close_after_callback(&self, leased: Leased, what: &str) -> persistence::Result<()> {
        let tx = self.store.begin().await?;
        let opened = webhooks::open(&tx, &[leased]).await?;
        let close = |webhook: webhooks::Webhook| Settled {
            id: webhook.head.id,
            state: WebhookState::Processed,
            reason: Some(what.to_owned()),
            waits_for: vec![],
        };
        let settled: Vec<Settled> = opened.into_iter().map(close).collect();
        webhooks::settle(&tx, &settled).await?;
        self.store.commit_repeatable(tx).await
    }
}
