//! Processes due webhooks: locks and loads, calls the rules of `domain::ingest`, and writes what they decided. The
//! webhook job of `worker` calls `process_webhooks`.
//!
//! 1. Leased webhooks share one transaction, the oldest first, up to [`MAX_BYTES`] bytes and [`MAX_NUMBERS_TOGETHER`]
//!    tracking numbers. The rest follows in further transactions.
//! 2. A webhook with more than [`MAX_PARCELS`] parcels is processed in several transactions, after the others, or
//!    earlier when the bodies of such webhooks exceed [`MAX_BYTES`]. The last transaction settles it.
//! 3. A webhook whose sender has to be called first is not settled here but returned, see `callback`.
//! 4. A webhook that another worker has leased or settled is skipped. A webhook that cannot be parsed is settled as
//!    ignored, with the reason.
//! 5. A transaction fails as a whole, for all its webhooks; `worker` then processes each webhook alone.
//! 6. `process_first_batch` is one transaction: `lock_and_parse_batch` locks and writes nothing, `ingest_scans` writes
//!    orders and scans, then the results of `build_result` are stored. `process_portion` is one for a part of a large
//!    webhook; its `None` means that another worker has the webhook.

use std::collections::BTreeMap;

use carriers::Push;
use domain::{
    WebhookId, WebhookState,
    ingest::{IngestSummary, ParsedWebhook, RoutedScans, SettledWebhook},
};
use persistence::{Tx, leases::Leased, orders, scans, webhooks};
use uuid::Uuid;

use super::{
    Callback, Inbox, MAX_BYTES, load_router::load_router_locking_numbers, parse::build_parsed_webhook,
};
use crate::{error::Result, retry::retry_transaction};

/// Largest number of parcels of one webhook that one transaction processes: each of them needs locks until the commit.
const MAX_PARCELS: usize = 200;
/// Largest number of tracking numbers of all webhooks that one transaction processes. PostgreSQL has only some thousand
/// locks for all transactions together.
const MAX_NUMBERS_TOGETHER: usize = 500;

/// The webhooks of a batch, by what is to be done with them.
#[derive(Default)]
struct Batch {
    /// Webhooks with scans, in the sequence in which they were received.
    with_scans: Vec<ParsedWebhook>,
    /// Webhooks without scans.
    ignored: Vec<SettledWebhook>,
    callbacks: Vec<Callback>,
    /// Webhooks with too many parcels for one transaction.
    large: Vec<LargeWebhook>,
    /// Webhooks that did not fit into this transaction.
    later: Vec<Leased>,
}

/// A webhook with more parcels than one transaction takes.
struct LargeWebhook {
    leased: Leased,
    /// The size of the body that was parsed.
    body_bytes: usize,
    parsed: ParsedWebhook,
}

impl Inbox {
    /// Processes leased webhooks. Skips those that another worker has settled. Does not settle webhooks whose sender
    /// has to be called first: returns them.
    ///
    /// # Errors
    /// When the database fails, or stored data contradict each other. The transactions committed until then stay; their
    /// webhooks are settled and not processed twice. A large webhook whose last portion was not committed is processed
    /// again from the beginning.
    pub async fn process_webhooks(&self, leased: &[Leased]) -> Result<Vec<Callback>> {
        let mut waiting = leased.to_vec();
        // The ids are UUIDv7: sorted by id, the webhooks are sorted by the time of receipt.
        waiting.sort_by_key(|one| one.id);
        let (mut callbacks, mut large) = (Vec::new(), Vec::<LargeWebhook>::new());
        while !waiting.is_empty() {
            let batch = retry_transaction(|| self.process_first_batch(&waiting)).await?;
            callbacks.extend(batch.callbacks);
            large.extend(batch.large);
            waiting = batch.later;
            // Large webhooks are processed after the others, or as soon as the bodies of those that wait exceed
            // MAX_BYTES together, because they are in memory.
            let bytes: usize = large.iter().map(|large| large.body_bytes).sum();
            if waiting.is_empty() || bytes > MAX_BYTES {
                for large in std::mem::take(&mut large) {
                    self.process_large_webhook(large).await?;
                }
            }
        }
        self.feed.poke();
        Ok(callbacks)
    }

    /// Processes as many of these webhooks as one transaction can hold, the oldest first.
    async fn process_first_batch(&self, leased: &[Leased]) -> persistence::Result<Batch> {
        let tx = self.store.begin().await?;
        let mut batch = self.lock_and_parse_batch(&tx, leased).await?;
        let summaries = self.ingest_scans(&tx, std::mem::take(&mut batch.with_scans)).await?;
        let mut settled = std::mem::take(&mut batch.ignored);
        settled.extend(summaries.iter().map(build_result));
        webhooks::settle(&tx, &settled).await?;
        self.store.commit_repeatable(tx).await?;
        Ok(batch)
    }

    /// Locks and parses the webhooks that fit into one transaction.
    async fn lock_and_parse_batch(&self, tx: &Tx, leased: &[Leased]) -> persistence::Result<Batch> {
        let ids: Vec<Uuid> = leased.iter().map(|one| one.id).collect();
        let (these, rest) = leased.split_at(webhooks::count_within_bytes(tx, &ids, MAX_BYTES).await?);
        let mut opened = webhooks::lock_and_load_leased(tx, these).await?;
        opened.sort_by_key(|webhook| (webhook.head.received_at, webhook.head.id));
        let (mut batch, mut numbers_together) = (Batch::default(), 0);
        for webhook in opened {
            let leased = Leased { id: webhook.head.id.0, attempt: webhook.head.attempt };
            if !batch.later.is_empty() {
                batch.later.push(leased);
                continue;
            }
            let (id, sender, body_bytes) = (webhook.head.id, &webhook.head.sender, webhook.body.len());
            match self.parse_webhook(&webhook) {
                Push::Activation(activation) => batch.callbacks.push(Callback { leased, activation }),
                Push::Remark(reason) => {
                    tracing::warn!(webhook = %id, sender, reason, "a webhook could not be parsed");
                    let state = WebhookState::Ignored;
                    batch.ignored.push(SettledWebhook {
                        id,
                        state,
                        reason,
                        waits_for: vec![],
                        says_estimate: false,
                    });
                }
                Push::Parcels(parcels, unread) => {
                    let is_large = parcels.len() > MAX_PARCELS;
                    let numbers: usize = parcels.iter().map(|parcel| 1 + parcel.other_numbers.len()).sum();
                    let is_full = numbers_together > 0 && numbers_together + numbers > MAX_NUMBERS_TOGETHER;
                    if !is_large && is_full {
                        batch.later.push(leased);
                        continue;
                    }
                    if let Some(unread) = &unread {
                        tracing::warn!(webhook = %id, sender, reason = %unread, "a webhook was parsed in part");
                    }
                    let parsed = build_parsed_webhook(webhook.head, parcels, unread);
                    if is_large {
                        batch.large.push(LargeWebhook { leased, body_bytes, parsed });
                    } else {
                        numbers_together += numbers;
                        batch.with_scans.push(parsed);
                    }
                }
            }
        }
        batch.later.extend(rest);
        Ok(batch)
    }

    /// Processes a webhook with more than [`MAX_PARCELS`] parcels, one portion per transaction. The last portion
    /// settles it. After a crash all portions are processed again: the scans that are already stored change nothing.
    async fn process_large_webhook(&self, large: LargeWebhook) -> Result<()> {
        let LargeWebhook { leased, mut parsed, body_bytes: _ } = large;
        let parcels = std::mem::take(&mut parsed.parcels);
        let mut portions = parcels.chunks(MAX_PARCELS).peekable();
        while let Some(portion) = portions.next() {
            let is_last = portions.peek().is_none();
            let portion = ParsedWebhook { parcels: portion.to_vec(), ..parsed.clone() };
            match retry_transaction(|| self.process_portion(leased, &portion, is_last)).await? {
                Some(summary) => parsed.summary = summary,
                None => break,
            }
        }
        Ok(())
    }

    /// Processes one portion of a webhook's parcels. Returns the summary so far, or `None` when another worker has
    /// leased or settled the webhook.
    async fn process_portion(
        &self,
        leased: Leased,
        portion: &ParsedWebhook,
        is_last: bool,
    ) -> persistence::Result<Option<IngestSummary>> {
        let tx = self.store.begin().await?;
        if !webhooks::lock_leased(&tx, leased).await? {
            return Ok(None);
        }
        let mut summaries = self.ingest_scans(&tx, vec![portion.clone()]).await?;
        if is_last {
            webhooks::settle(&tx, &summaries.iter().map(build_result).collect::<Vec<_>>()).await?;
        }
        self.store.commit_repeatable(tx).await?;
        Ok(summaries.remove(&portion.id))
    }

    /// Takes the scans of these webhooks into the orders: locks the numbers and the orders, loads the stored scans,
    /// lets `domain` decide, and writes. The caller has locked the webhooks, and settles them by their summaries.
    async fn ingest_scans(
        &self,
        tx: &Tx,
        parsed: Vec<ParsedWebhook>,
    ) -> persistence::Result<BTreeMap<WebhookId, IngestSummary>> {
        let settled_before = parsed.iter().filter(|webhook| webhook.was_settled).map(|webhook| webhook.id);
        let waited = webhooks::find_waits(tx, &settled_before.collect::<Vec<_>>()).await?;
        let router = load_router_locking_numbers(tx, &parsed).await?;
        let mut routed = RoutedScans::default();
        for webhook in parsed {
            routed.add(webhook, &router, &waited);
        }
        let mut orders = orders::lock_and_load(tx, &routed.orders()).await?;
        let mut recorder = scans::load_recorder(tx, &orders, &routed.shipments(), false).await?;
        let summaries = routed.record(&mut orders, &mut recorder, self.clock.now())?;
        orders::record(tx, &orders.values().collect::<Vec<_>>()).await?;
        scans::record(tx, &recorder).await?;
        Ok(summaries)
    }
}

/// Builds the result with which a webhook is settled, and logs its scans with an unexpected effect.
fn build_result((webhook, summary): (&WebhookId, &IngestSummary)) -> SettledWebhook {
    for (code, effect) in summary.odd_scans() {
        tracing::warn!(%webhook, code, %effect, "a scan has an unexpected effect");
    }
    summary.settle(*webhook)
}
