//! Replay: parses stored webhooks again with the meanings that codes have today, reports what would change, and changes
//! it on request. A mutation of `api` and `milepost replay` call it.
//!
//! 1. The first pass (`find_differences`) parses the bodies and finds the orders for which they contain other scans
//!    than are stored. It takes no locks.
//! 2. The second pass (`collect`, then `apply`) records the scans of these webhooks in these orders, several orders in
//!    one transaction, oldest webhook first. It commits each transaction, or rolls it back when only a report was asked
//!    for.
//! 3. Memory holds the bodies of one page of webhooks, or the scans of one group of orders, and the ids of all others.
//! 4. Pending webhooks are skipped. A webhook that was not parsed completely, and can be parsed today, is made due
//!    again after the second pass, if changes were asked for.
//! 5. An order that cannot be changed is reported, and the others are changed. Other failures of the database end the
//!    replay; what was committed until then stays.

mod apply;
mod collect;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use carriers::Sender;
use chrono::{DateTime, Utc};
use domain::{
    InputField, NotificationKind, OrderHead, OrderId, OrderStatus, Refusal, Shipment, ShipmentStatus,
    WebhookId, WebhookState,
};
use persistence::{
    Store,
    read::{self, Key, WebhookFilter},
    webhooks::{self, Webhook},
};

use super::{Inbox, MAX_BYTES, misrouted::MAX_REQUEUED_AT_ONCE};
use crate::{Caller, Clock, error::Result, feed::Feed, retry::retry_transaction};

/// Number of webhooks that are read at once. Their bodies are in memory together.
const PAGE: u64 = 100;
/// Number of orders that share a transaction.
const MAX_ORDERS: usize = 50;

/// Selects the webhooks to replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Only webhooks received at this time or later.
    pub since: DateTime<Utc>,
    /// Only webhooks received before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only webhooks of this sender.
    pub sender: Option<Sender>,
    /// Whether to change the orders. If false, the replay only reports what would change.
    pub apply: bool,
    /// Largest number of webhooks. If more match, the replay is refused.
    pub most: Option<u64>,
}

/// The totals of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Number of webhooks that were examined, also those that could not be parsed.
    pub examined: u64,
    /// Number of scans that differ from what is stored.
    pub scans: u64,
    /// Whether the replay was asked to change the orders. Some of them may have failed.
    pub applied: bool,
}

/// A result that a replay reports while it runs.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A shipment changes, or would change.
    Changes(Box<ReplayChange>),
    /// An order cannot be changed.
    Fails(NotReplayed),
}

/// A shipment that a replay changes, or would change.
#[derive(Clone, Debug)]
pub struct ReplayChange {
    /// The order, as it is now.
    pub order: OrderHead,
    /// The shipment, as it is now.
    pub shipment: Shipment,
    /// The status of the shipment before the replay.
    pub from: ShipmentStatus,
    /// The status of the shipment with today's meanings. Equal to `from` if only its condition or its times change.
    pub to: ShipmentStatus,
    /// The status of the order after the replay. It never goes back.
    pub order_to: OrderStatus,
    /// The notification to the customer that the change causes, at most one: if the order passes several statuses, only
    /// the newest is sent. Listed only at the first changed shipment of an order. Empty if the order has no email
    /// address.
    pub notifications: Vec<NotificationKind>,
}

/// An order that a replay could not change.
#[derive(Clone, Debug)]
pub struct NotReplayed {
    pub order_id: OrderId,
    /// The error, for people.
    pub error: String,
}

/// The result of the first pass.
#[derive(Default)]
struct Differences {
    /// For each order, the webhooks with differing scans. Their ids are UUIDv7, so they are sorted by the time of
    /// receipt.
    orders: BTreeMap<OrderId, BTreeSet<WebhookId>>,
    /// Webhooks that were ignored, have failed or were parsed only in part, and can be parsed today.
    newly_readable: Vec<WebhookId>,
}

/// Replays stored webhooks. For `api` and the command `milepost replay`.
#[derive(Clone)]
pub struct Replays {
    store: Store,
    clock: Clock,
    feed: Feed,
    inbox: Inbox,
}

impl Replays {
    pub(crate) fn new(store: Store, clock: Clock, feed: Feed, inbox: Inbox) -> Self {
        Self { store, clock, feed, inbox }
    }

    /// Replays webhooks, and passes each result to `report`. With `apply`, also changes the orders. A second replay
    /// then finds no changes. For support and systems.
    ///
    /// Pending webhooks are skipped, because they are processed anyway. With `apply`, webhooks that were ignored, have
    /// failed or were parsed only in part, and can be parsed today, are made due again.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): forbidden, more webhooks than `most`. When the database fails: all
    /// that was reported until then is changed, or would change.
    pub async fn replay(
        &self,
        caller: &Caller,
        replay: &Replay,
        mut report: impl FnMut(Finding),
    ) -> Result<Replayed> {
        caller.must_be_staff()?;
        let filter = build_filter(replay);
        if let Some(most) = replay.most {
            let count = read::webhooks_count(&self.store, &filter).await?;
            if count > most {
                let message = format!("{count} webhooks match, at most {most} are replayed at once");
                return Err(Refusal::invalid(InputField::Since, message).into());
            }
        }
        let mut replayed = Replayed { applied: replay.apply, ..Replayed::default() };
        let done = self.replay_all(&filter, &mut replayed, &mut report).await;
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
        report: &mut impl FnMut(Finding),
    ) -> Result<()> {
        let found = self.find_differences(filter, replayed).await?;
        let orders: Vec<_> = found.orders.into_iter().collect();
        for chunk in orders.chunks(MAX_ORDERS) {
            let ids: BTreeSet<OrderId> = chunk.iter().map(|(id, _)| *id).collect();
            let webhooks: BTreeSet<WebhookId> = chunk.iter().flat_map(|(_, ids)| ids).copied().collect();
            let routed = self.collect_scans_of_orders(&ids, &webhooks).await?;
            self.apply_or_try_and_report(&routed, replayed, report).await?;
        }
        if replayed.applied {
            // After the orders were changed: these webhooks are processed again, and find that the replay has recorded
            // some of their scans already.
            for chunk in found.newly_readable.chunks(MAX_REQUEUED_AT_ONCE) {
                retry_transaction(|| self.requeue_webhooks(chunk)).await?;
            }
        }
        Ok(())
    }

    /// The first pass: finds the orders for which the webhooks contain scans that are not stored, or are stored
    /// differently.
    async fn find_differences(&self, filter: &WebhookFilter, replayed: &mut Replayed) -> Result<Differences> {
        let mut found = Differences::default();
        let mut after = None;
        loop {
            let page = read::webhooks_after(&self.store, filter, after, PAGE, MAX_BYTES).await?;
            let Some(last) = page.last() else { break };
            after = Some(Key { at: last.head.received_at, id: last.head.id.0 });
            replayed.examined += page.len() as u64;
            self.add_differences_of_page(page, &mut found).await?;
        }
        Ok(found)
    }

    async fn add_differences_of_page(&self, webhooks: Vec<Webhook>, found: &mut Differences) -> Result<()> {
        let states: HashMap<WebhookId, WebhookState> =
            webhooks.iter().map(|webhook| (webhook.head.id, webhook.head.state)).collect();
        let routed = self.parse_and_route(webhooks).await?;
        for (webhook, waits) in routed.list_webhooks_with_parcels() {
            match states.get(&webhook) {
                Some(WebhookState::Ignored | WebhookState::Failed) => found.newly_readable.push(webhook),
                // One of its numbers has no shipment, but its state is not unmatched. So the part with that number was
                // not parsed when the webhook was settled, and can be parsed today.
                Some(WebhookState::Processed) if waits => found.newly_readable.push(webhook),
                Some(WebhookState::Pending | WebhookState::Processed | WebhookState::Unmatched) | None => {}
            }
        }
        let stored = read::scans_of(&self.store, &routed.shipments()).await?;
        for (order, webhooks) in routed.find_differences(&stored) {
            found.orders.entry(order).or_default().extend(webhooks);
        }
        Ok(())
    }

    /// Makes webhooks due again, so that they are processed and settled like new ones.
    async fn requeue_webhooks(&self, webhooks: &[WebhookId]) -> persistence::Result<()> {
        let tx = self.store.begin().await?;
        webhooks::requeue_webhooks(&tx, webhooks, self.clock.now()).await?;
        self.store.commit(tx).await
    }
}

fn build_filter(replay: &Replay) -> WebhookFilter {
    let states = WebhookState::ALL.into_iter().filter(|state| *state != WebhookState::Pending);
    WebhookFilter {
        sender: replay.sender.map(|sender| sender.as_str().to_owned()),
        states: states.collect(),
        since: Some(replay.since),
        until: replay.until,
    }
}
