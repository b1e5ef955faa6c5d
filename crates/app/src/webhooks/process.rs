//! Processes due webhooks: parses them, routes their scans to shipments, records the scans in their orders, settles the
//! webhooks.
//!
//! 1. Leased webhooks share one transaction, the oldest first, up to [`MAX_BYTES`] bytes and [`MAX_PARCELS_TOGETHER`]
//!    parcels. The rest follows in further transactions.
//! 2. A webhook with more than [`MAX_PARCELS`] parcels is processed in several transactions, after the others, or earlier
//!    when the bodies of such webhooks exceed [`MAX_BYTES`]. The last transaction settles it.
//! 3. A webhook whose sender has to be called first is not settled here, see `callback`.

use std::collections::HashMap;

use carriers::Unread;
use domain::WebhookId;
use persistence::{
    Tx,
    leases::Leased,
    orders,
    webhooks::{self, Settled, WebhookHead},
};
use uuid::Uuid;

use super::{
    CallBack, MAX_BYTES,
    ingest_summary::IngestSummary,
    parsed_webhook::{ParcelScans, ParsedWebhook, WebhookContent, tracking_numbers},
    routed_scans::RoutedScans,
    routing,
};
use crate::{App, error::Result, retry::retry_transaction, scans::ScanRecorder};

/// Largest number of parcels of one webhook that one transaction processes: each of them needs locks until the commit.
const MAX_PARCELS: usize = 200;
/// Largest number of parcels of all webhooks that one transaction processes. PostgreSQL has only some thousand locks
/// for all transactions together.
const MAX_PARCELS_TOGETHER: usize = 500;

impl App {
    /// Processes leased webhooks. Skips those that another worker has settled. Does not settle webhooks whose sender
    /// has to be called first: returns them.
    ///
    /// # Errors
    /// When the database fails. The transactions committed until then stay; their webhooks are settled and not
    /// processed twice.
    pub async fn process_webhooks(&self, leased: &[Leased]) -> Result<Vec<CallBack>> {
        let mut waiting = leased.to_vec();
        // The ids are UUIDv7: sorted by id, the webhooks are sorted by the time of receipt.
        waiting.sort_by_key(|one| one.id);
        let (mut call_back, mut large) = (Vec::new(), Vec::<LargeWebhook>::new());
        while !waiting.is_empty() {
            let batch = retry_transaction(|| self.process_batch(&waiting)).await?;
            call_back.extend(batch.call_back);
            large.extend(batch.large);
            waiting = batch.later;
            // Large webhooks come after the others, but no more of them are kept in memory than their bodies may fill.
            let bytes: usize = large.iter().map(|large| large.body_bytes).sum();
            if waiting.is_empty() || bytes > MAX_BYTES {
                for large in std::mem::take(&mut large) {
                    self.process_large(&large).await?;
                }
            }
        }
        self.feed.poke();
        Ok(call_back)
    }

    /// Processes as many of these webhooks as one transaction can hold, the oldest first.
    async fn process_batch(&self, leased: &[Leased]) -> persistence::Result<Batch> {
        let tx = self.store.begin().await?;
        let ids: Vec<Uuid> = leased.iter().map(|one| one.id).collect();
        let (these, rest) = leased.split_at(webhooks::count_within_bytes(&tx, &ids, MAX_BYTES).await?);
        let mut opened = webhooks::open(&tx, these).await?;
        opened.sort_by_key(|webhook| (webhook.head.received_at, webhook.head.id));
        let (mut batch, mut read) = (Batch::default(), Vec::new());
        let mut parcels = 0;
        for webhook in opened {
            let leased = Leased { id: webhook.head.id.0, attempt: webhook.head.attempt };
            if !batch.later.is_empty() {
                batch.later.push(leased);
                continue;
            }
            let body_bytes = webhook.body.len();
            let parsed = self.parse_webhook(webhook);
            match parsed.content {
                WebhookContent::Activation(activation) => {
                    batch.call_back.push(CallBack { leased, activation })
                }
                WebhookContent::Parcels(parcels, unread) if parcels.len() > MAX_PARCELS => {
                    batch.large.push(LargeWebhook { leased, body_bytes, parcels, unread });
                }
                WebhookContent::Parcels(ref of, _) if parcels + of.len() > MAX_PARCELS_TOGETHER => {
                    batch.later.push(leased)
                }
                WebhookContent::Parcels(..) | WebhookContent::Nothing(_) => {
                    parcels += parsed.count_parcels();
                    read.push(Ingestion::new(parsed));
                }
            }
        }
        batch.later.extend(rest);
        self.ingest(&tx, &mut read).await?;
        let settled: Vec<Settled> = read.into_iter().map(Ingestion::into_settled).collect();
        webhooks::settle(&tx, &settled).await?;
        self.store.commit_repeatable(tx).await?;
        Ok(batch)
    }

    /// Processes a webhook with more than [`MAX_PARCELS`] parcels, one portion per transaction. The last portion
    /// settles it. After a crash all portions are processed again: the scans that are already stored change nothing.
    async fn process_large(&self, large: &LargeWebhook) -> Result<()> {
        let mut summary = IngestSummary::default();
        let mut portions = large.parcels.chunks(MAX_PARCELS).peekable();
        while let Some(portion) = portions.next() {
            let is_last = portions.peek().is_none();
            let done = retry_transaction(|| self.process_portion(large, portion, is_last, summary.clone()));
            match done.await? {
                Some(so_far) => summary = so_far,
                None => break,
            }
        }
        Ok(())
    }

    /// Processes one portion of a webhook's parcels. Returns the summary so far, or `None` when this was the last
    /// portion or another worker has settled the webhook.
    async fn process_portion(
        &self,
        large: &LargeWebhook,
        portion: &[ParcelScans],
        is_last: bool,
        summary: IngestSummary,
    ) -> persistence::Result<Option<IngestSummary>> {
        let tx = self.store.begin().await?;
        let Some(webhook) = webhooks::open_without_body(&tx, large.leased).await? else { return Ok(None) };
        let content = WebhookContent::Parcels(portion.to_vec(), large.unread.clone());
        let mut one = Ingestion { summary, parsed: ParsedWebhook { webhook, content } };
        self.ingest(&tx, std::slice::from_mut(&mut one)).await?;
        let summary = one.summary.clone();
        if is_last {
            webhooks::settle(&tx, &[one.into_settled()]).await?;
        }
        self.store.commit_repeatable(tx).await?;
        Ok(Some(summary))
    }

    /// Routes the scans of these webhooks to shipments and records them in the orders. A number without a shipment goes
    /// into the summary as a number that the webhook waits for.
    async fn ingest(&self, tx: &Tx, ingestions: &mut [Ingestion]) -> persistence::Result<()> {
        let again =
            ingestions.iter().map(|one| &one.parsed.webhook).filter(|webhook| webhook.reason.is_some());
        let again: Vec<WebhookId> = again.map(|webhook| webhook.id).collect();
        let waited = webhooks::find_waits(tx, &again).await?;
        let router =
            routing::load_locking_numbers(tx, &tracking_numbers(ingestions.iter().map(|one| &one.parsed)))
                .await?;
        let mut routed = RoutedScans::default();
        for Ingestion { parsed, summary } in &mut *ingestions {
            for parcel in parsed.take_parcels() {
                let (number, webhook) = (parcel.number(), &parsed.webhook);
                if router.knows_number(&number) {
                    // A settled webhook has a reason. Its scans were recorded before, and do not count as seen again,
                    // unless the webhook waited for this number.
                    let is_repeated = webhook.reason.is_some() && !waited.contains(&(webhook.id, number));
                    routed.add(webhook, parcel, &router, is_repeated);
                } else {
                    summary.add_waiting_number(number, parcel.other_numbers);
                }
            }
        }

        let mut orders = orders::lock(tx, &routed.orders()).await?;
        let mut recorder = ScanRecorder::load(tx, &routed.shipments(), false).await?;
        let mut summaries: HashMap<WebhookId, &mut IngestSummary> =
            ingestions.iter_mut().map(|one| (one.parsed.webhook.id, &mut one.summary)).collect();
        routed.record_all(
            &mut orders,
            &mut recorder,
            self.clock.now(),
            |webhook_scans, shipment, outcomes| {
                let Some(summary) = summaries.get_mut(&webhook_scans.webhook) else { return };
                for (scan, outcome) in webhook_scans.scans.iter().zip(outcomes) {
                    summary.add_outcome(webhook_scans.webhook, &scan.code, outcome, shipment);
                }
            },
        )?;
        let max_age = self.policy().notification_max_age;
        orders::record(tx, &orders.values().collect::<Vec<_>>(), max_age).await?;
        recorder.write(tx).await
    }
}

/// The webhooks that a batch has not processed.
#[derive(Default)]
struct Batch {
    call_back: Vec<CallBack>,
    /// Webhooks with too many parcels for one transaction.
    large: Vec<LargeWebhook>,
    /// Webhooks that did not fit into this transaction.
    later: Vec<Leased>,
}

/// A parsed webhook with more parcels than one transaction takes.
struct LargeWebhook {
    leased: Leased,
    /// The size of the body that was parsed.
    body_bytes: usize,
    parcels: Vec<ParcelScans>,
    unread: Option<Unread>,
}

/// A webhook while it is processed, and the outcomes of its scans so far.
struct Ingestion {
    parsed: ParsedWebhook,
    summary: IngestSummary,
}

impl Ingestion {
    fn new(parsed: ParsedWebhook) -> Self {
        if let WebhookContent::Nothing(reason) = &parsed.content {
            let WebhookHead { id, sender, .. } = &parsed.webhook;
            tracing::warn!(webhook = %id, sender, reason, "a webhook is kept unread");
        }
        Self { parsed, summary: IngestSummary::default() }
    }

    fn into_settled(self) -> Settled {
        self.summary.into_settled(self.parsed)
    }
}
