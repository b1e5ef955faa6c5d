//! Reading webhooks that are due: a batch in one transaction. One about more parcels than [`MAX_PARCELS`] comes
//! after the others, is taken in over several transactions, and is settled with the last.

use std::collections::HashMap;

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
    parsed_webhook::{ParsedWebhook, WebhookContent, tracking_numbers},
    routed_scans::RoutedScans,
    routing,
};
use crate::{App, error::Result, retry::retry_transaction, scans::ScanRecorder};

/// The most parcels of one webhook that are taken in within one transaction: each takes locks while it runs.
const MAX_PARCELS: usize = 200;
/// The most shipments that are taken in within one transaction. PostgreSQL has some thousand locks for everybody.
const MAX_PARCELS_TOGETHER: usize = 500;

impl App {
    /// Reads webhooks that were leased for this. Those that somebody else has settled are passed over. Those whose
    /// sender has to be called first are left as they are and handed back.
    ///
    /// # Errors
    /// When the database fails. What was done until then is done, and is not done twice.
    pub async fn process_webhooks(&self, leased: &[Leased]) -> Result<Vec<CallBack>> {
        let mut waiting = leased.to_vec();
        // Their ids are in the order in which they came.
        waiting.sort_by_key(|one| one.id);
        let (mut call_back, mut large) = (Vec::new(), Vec::new());
        while !waiting.is_empty() {
            let batch = retry_transaction(|| self.process_batch(&waiting)).await?;
            call_back.extend(batch.call_back);
            large.extend(batch.large);
            waiting = batch.later;
        }
        for large in large {
            self.process_large(large).await?;
        }
        self.feed.poke();
        Ok(call_back)
    }

    /// Reads as many of these webhooks as one transaction can take, the oldest first.
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
            let parsed = self.parse_webhook(webhook);
            match parsed.content {
                WebhookContent::Activation(activation) => {
                    batch.call_back.push(CallBack { leased, activation })
                }
                WebhookContent::Parcels(ref of, _) if of.len() > MAX_PARCELS => batch.large.push(leased),
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

    /// Reads a webhook about very many parcels, some at a time. It is settled with the last of them: whoever begins
    /// again after a crash hears some of it twice, which changes nothing.
    async fn process_large(&self, leased: Leased) -> Result<()> {
        let mut summary = IngestSummary::default();
        for portion in 0.. {
            match retry_transaction(|| self.process_portion(leased, portion, summary.clone())).await? {
                Some(so_far) => summary = so_far,
                None => break,
            }
        }
        Ok(())
    }

    /// Takes in some of a webhook's parcels. Nothing, where these were the last or somebody else has settled it.
    async fn process_portion(
        &self,
        leased: Leased,
        portion: usize,
        summary: IngestSummary,
    ) -> persistence::Result<Option<IngestSummary>> {
        let tx = self.store.begin().await?;
        let Some(webhook) = webhooks::open(&tx, &[leased]).await?.pop() else { return Ok(None) };
        let mut one = Ingestion { summary, ..Ingestion::new(self.parse_webhook(webhook)) };
        let is_last = one.parsed.count_parcels() <= (portion + 1) * MAX_PARCELS;
        one.parsed.keep_portion(portion * MAX_PARCELS, MAX_PARCELS);
        self.ingest(&tx, std::slice::from_mut(&mut one)).await?;
        let summary = one.summary.clone();
        if is_last {
            webhooks::settle(&tx, &[one.into_settled()]).await?;
        }
        self.store.commit_repeatable(tx).await?;
        Ok(Some(summary).filter(|_| !is_last))
    }

    /// Takes what these webhooks say into the orders of the parcels they speak of.
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
                    // What it says of a shipment that it has waited for, it says for the first time.
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
        orders::record(tx, &orders.values().collect::<Vec<_>>()).await?;
        recorder.write(tx).await
    }
}

/// What a transaction leaves to others.
#[derive(Default)]
struct Batch {
    /// Webhooks whose senders have to be called first.
    call_back: Vec<CallBack>,
    /// Webhooks about too many shipments for one transaction.
    large: Vec<Leased>,
    /// Webhooks that were too many together with those that were read.
    later: Vec<Leased>,
}

/// A webhook on its way through a batch.
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
