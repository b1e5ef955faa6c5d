//! Reading stored webhooks again, under the meanings that codes have today: what would change, and changing it.
//!
//! Two passes. The first reads the bodies and notes which orders they say something different of; it locks nothing.
//! The second takes what these webhooks say into those orders, some orders in one transaction, the oldest word
//! first, and commits or takes back. What is in memory is some webhooks or some orders, and the ids of the others.

mod apply;
mod collect;

use std::collections::{BTreeMap, BTreeSet};

use carriers::Sender;
use chrono::{DateTime, Utc};
use domain::{
    OrderHead, OrderId, OrderStatus, Refusal, Scan, Shipment, ShipmentStatus, WebhookId, WebhookState,
};
use persistence::{
    read::{self, Key, WebhookFilter},
    webhooks::{self, Webhook},
};

use super::{MAX_BYTES, misrouted::MAX_DUE, routed_scans::WebhookScans};
use crate::{App, Caller, error::Result, retry::retry_transaction, scans::is_kept_under};

/// Webhooks read at once: their bodies are in memory together.
const PAGE: u64 = 100;
/// Orders that share a transaction.
const MAX_ORDERS: usize = 50;

/// Which webhooks to read again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Received then or later.
    pub since: DateTime<Utc>,
    /// Received before.
    pub until: Option<DateTime<Utc>>,
    /// Of this sender.
    pub sender: Option<Sender>,
    /// Whether to change what reads differently, or only to say what would change.
    pub apply: bool,
    /// The most webhooks to read; more are refused.
    pub most: Option<u64>,
}

/// What a replay comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Webhooks that were read.
    pub examined: u64,
    /// Scans that read differently from what is stored.
    pub scans: u64,
    /// Whether the changes were made.
    pub applied: bool,
}

/// What a replay tells on its way.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A shipment changes by it, or would.
    Changes(Box<ReplayChange>),
    /// An order cannot be changed.
    Fails(NotReplayed),
}

/// What a replay changes, or would change.
#[derive(Clone, Debug)]
pub struct ReplayChange {
    /// The order, as it is now.
    pub order: OrderHead,
    /// The shipment, as it is now.
    pub shipment: Shipment,
    /// How far the shipment was.
    pub from: ShipmentStatus,
    /// How far it is by today's meanings. The same where only its condition or its times change.
    pub to: ShipmentStatus,
    /// Where the order stands after it. It never goes back.
    pub order_to: OrderStatus,
    /// What the customer is told because of it, noted with the first shipment of an order. Nothing where there is no
    /// address to tell it to.
    pub notifications: Vec<OrderStatus>,
}

/// An order that a replay could not change.
#[derive(Clone, Debug)]
pub struct NotReplayed {
    /// Which.
    pub order_id: OrderId,
    /// Why.
    pub error: String,
}

/// What the first pass found.
#[derive(Default)]
struct Differences {
    /// By order, the webhooks that have something to say of it, the oldest first: their ids are in the order in
    /// which they came.
    orders: BTreeMap<OrderId, BTreeSet<WebhookId>>,
    /// Webhooks that were closed unread, or in part, and can be read today.
    readable: Vec<WebhookId>,
}

impl App {
    /// Reads webhooks again and tells what changes by the meanings that codes have today; with `apply` it is
    /// changed. Webhooks that wait for their turn are left to it; those that could not be read when they came
    /// get their turn again. Doing it twice changes nothing the second time. For support and systems.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): forbidden, more webhooks than `most`. When the database fails:
    /// what was told until then is done, or would be.
    pub async fn replay(
        &self,
        caller: &Caller,
        replay: &Replay,
        mut tell: impl FnMut(Finding),
    ) -> Result<Replayed> {
        caller.must_be_staff()?;
        let filter = filter(replay);
        if let Some(most) = replay.most {
            let count = read::webhooks_count(&self.store, &filter).await?;
            if count > most {
                let message = format!("{count} webhooks are meant, at most {most} are read again at once");
                return Err(Refusal::InvalidInput { field: "since".to_owned(), message }.into());
            }
        }
        let mut replayed = Replayed { applied: replay.apply, ..Replayed::default() };
        let done = self.replay_all(&filter, &mut replayed, &mut tell).await;
        if replay.apply {
            self.feed.poke();
        }
        let Replayed { examined, scans, applied } = replayed;
        tracing::info!(actor = %caller.actor.kind, id = caller.actor.id, examined, scans, applied, "webhooks were replayed");
        done.map(|()| replayed)
    }

    async fn replay_all(
        &self,
        filter: &WebhookFilter,
        replayed: &mut Replayed,
        tell: &mut impl FnMut(Finding),
    ) -> Result<()> {
        let found = self.find_differences(filter, replayed).await?;
        let orders: Vec<_> = found.orders.into_iter().collect();
        for chunk in orders.chunks(MAX_ORDERS) {
            let ids: BTreeSet<OrderId> = chunk.iter().map(|(id, _)| *id).collect();
            let webhooks: BTreeSet<WebhookId> = chunk.iter().flat_map(|(_, ids)| ids).copied().collect();
            let routed = self.collect_for_orders(&ids, &webhooks).await?;
            self.apply_to_orders(&routed, replayed, tell).await?;
        }
        if replayed.applied {
            // Behind the changes: what is read twice is told once.
            for chunk in found.readable.chunks(MAX_DUE) {
                retry_transaction(|| self.requeue(chunk)).await?;
            }
        }
        Ok(())
    }

    /// Which orders the webhooks say something of that is not stored.
    async fn find_differences(&self, filter: &WebhookFilter, replayed: &mut Replayed) -> Result<Differences> {
        let mut found = Differences::default();
        let mut after = None;
        loop {
            let page = read::webhooks_after(&self.store, filter, after, PAGE, MAX_BYTES).await?;
            let Some(last) = page.last() else { break };
            after = Some(Key { at: last.head.received_at, id: last.head.id.0 });
            replayed.examined += page.len() as u64;
            self.compare_with_stored(page, &mut found).await?;
        }
        Ok(found)
    }

    async fn compare_with_stored(&self, webhooks: Vec<Webhook>, found: &mut Differences) -> Result<()> {
        let routed = self.collect_from(webhooks, |webhook, nobodys| match webhook.state {
            WebhookState::Ignored | WebhookState::Failed => found.readable.push(webhook.id),
            // It would be waiting, had that part of it been read.
            WebhookState::Processed if nobodys => found.readable.push(webhook.id),
            WebhookState::Pending | WebhookState::Processed | WebhookState::Unmatched => {}
        });
        let routed = routed.await?;
        let known = read::scans_of(&self.store, &routed.shipments()).await?;
        for ((order, shipment), scans_of_webhooks) in routed.0 {
            let known = known.get(&shipment).map(Vec::as_slice).unwrap_or_default();
            let is_known = |webhook: WebhookId, incoming: &Scan| {
                let old = known.iter().find(|stored| stored.scan.identity == incoming.identity);
                old.is_some_and(|old| {
                    old.scan.merge_repeated(incoming, is_kept_under(old, Some(webhook))).is_none()
                })
            };
            let differs = |webhook_scans: &&WebhookScans| {
                !webhook_scans.scans.iter().all(|incoming| is_known(webhook_scans.webhook, incoming))
            };
            let ids: Vec<WebhookId> =
                scans_of_webhooks.iter().filter(differs).map(|webhook_scans| webhook_scans.webhook).collect();
            if !ids.is_empty() {
                found.orders.entry(order).or_default().extend(ids);
            }
        }
        Ok(())
    }

    /// Gives webhooks their turn again, so that they are settled as those that come now.
    async fn requeue(&self, webhooks: &[WebhookId]) -> persistence::Result<()> {
        let tx = self.store.begin().await?;
        webhooks::requeue(&tx, webhooks, self.clock.now()).await?;
        self.store.commit(tx).await
    }
}

fn filter(replay: &Replay) -> WebhookFilter {
    let states = WebhookState::ALL.into_iter().filter(|state| *state != WebhookState::Pending);
    WebhookFilter {
        sender: replay.sender.map(|sender| sender.as_str().to_owned()),
        states: states.collect(),
        since: Some(replay.since),
        until: replay.until,
    }
}
