//! Records scans in their orders: from webhooks, by hand, and from a replay.
//!
//! 1. Every scan passes [`ScanRecorder::record`], which applies it to the order.
//! 2. At the end of the transaction, [`ScanRecorder::write`] writes all new and changed scans at once.

use std::collections::{BTreeSet, HashMap};

use domain::{
    Actor, Context, Order, Outcome, Refusal, Request, Scan, ScanId, ScanIdentity, ScanOutcome, Shipment,
    ShipmentId, WebhookId,
};
use persistence::{
    Tx,
    scans::{self, StoredScan},
};
use uuid::Uuid;

/// The stored scans of a transaction's shipments, and the changes to write.
pub(crate) struct ScanRecorder {
    known: HashMap<ShipmentId, Vec<StoredScan>>,
    new: BTreeSet<Key>,
    revised: BTreeSet<Key>,
    again: HashMap<Key, u32>,
    replay: bool,
}

/// Identifies a scan of a shipment.
type Key = (ShipmentId, ScanIdentity);

/// Where scans come from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A webhook.
    Webhook {
        id: WebhookId,
        /// Whether the webhook was processed before. Then scans that are stored already do not count as seen again.
        is_repeated: bool,
    },
    /// A person who records the scan by hand.
    Manual(&'a Actor),
}

/// Whether the stored scan came from that webhook. If so:
/// 1. The same scan from the webhook does not count as seen again.
/// 2. In a replay, today's meaning from the webhook replaces the stored one. Other webhooks only add to the scan.
pub(crate) fn is_kept_under(kept: &StoredScan, webhook: Option<WebhookId>) -> bool {
    webhook.is_some() && kept.webhook_id == webhook
}

impl ScanRecorder {
    /// Loads the stored scans of these shipments. The caller has locked their orders. `replay` says whether the
    /// transaction is a replay.
    pub async fn load(tx: &Tx, shipments: &[ShipmentId], replay: bool) -> persistence::Result<Self> {
        let known = scans::load_for_shipments(tx, shipments).await?;
        Ok(Self { known, new: BTreeSet::new(), revised: BTreeSet::new(), again: HashMap::new(), replay })
    }

    /// Applies scans of a shipment to its order, and notes what has to be written. Returns one outcome per scan.
    pub fn record(
        &mut self,
        order: &mut Order,
        shipment: ShipmentId,
        source: Source<'_>,
        incoming: &[Scan],
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let (webhook_id, recorded_by, is_repeated) = match source {
            Source::Webhook { id, is_repeated } => (Some(id), None, is_repeated),
            Source::Manual(actor) => (None, Some(actor.clone()), false),
        };
        let kept = self.known.entry(shipment).or_default();
        let restated = kept.iter().filter(|stored| self.replay && is_kept_under(stored, webhook_id));
        let restated = restated.map(|stored| stored.scan.identity).collect();
        let mut incoming = incoming.to_vec();
        if webhook_id.is_none() {
            // A person who repeats another person's scan does not change its text: description and place stay those of
            // the person who is stored with it.
            for scan in
                incoming.iter_mut().filter(|scan| kept.iter().any(|old| old.scan.identity == scan.identity))
            {
                (scan.description, scan.location) = (None, None);
            }
        }
        let known = kept.iter().map(|stored| stored.scan.clone()).collect();
        let is_cancelled = |one: &Shipment| one.id == shipment && one.cancelled_at.is_some();
        let shipment_was_cancelled = order.shipments().iter().any(is_cancelled);
        let request = Request::Scans { shipment, known, incoming: incoming.clone(), restated };
        let outcome = order.apply(request, None, context)?;
        let mut places: HashMap<ScanIdentity, usize> =
            kept.iter().enumerate().map(|(at, stored)| (stored.scan.identity, at)).collect();
        for (scan, answer) in incoming.into_iter().zip(&outcome.scan_outcomes) {
            let key = (shipment, scan.identity);
            let old = places.get(&scan.identity).and_then(|at| kept.get_mut(*at));
            match (answer, old) {
                (ScanOutcome::New(effect), _) => {
                    places.insert(scan.identity, kept.len());
                    self.new.insert(key);
                    kept.push(StoredScan {
                        id: ScanId(Uuid::now_v7()),
                        shipment_id: shipment,
                        webhook_id,
                        effect: *effect,
                        recorded_at: context.now,
                        recorded_by: recorded_by.clone(),
                        shipment_was_cancelled,
                        seen: 1,
                        scan,
                    });
                }
                (ScanOutcome::Repeated | ScanOutcome::Revised(..), Some(old)) => {
                    if !is_repeated && !is_kept_under(old, webhook_id) {
                        *self.again.entry(key).or_default() += 1;
                    }
                    if let ScanOutcome::Revised(merged, effect) = answer {
                        old.scan = merged.as_ref().clone();
                        if let Some(effect) = effect {
                            old.effect = *effect;
                            old.webhook_id = webhook_id.or(old.webhook_id);
                        }
                        self.revised.insert(key);
                    }
                }
                (ScanOutcome::Repeated | ScanOutcome::Revised(..), None) => {}
            }
        }
        Ok(outcome)
    }

    /// Writes the new and changed scans. Call it after the orders were written.
    pub async fn write(self, tx: &Tx) -> persistence::Result<()> {
        let key = |stored: &StoredScan| (stored.shipment_id, stored.scan.identity);
        let is_new = |stored: &&StoredScan| self.new.contains(&key(stored));
        let is_revised = |stored: &&StoredScan| !is_new(stored) && self.revised.contains(&key(stored));
        let all = || self.known.values().flatten();
        scans::insert(tx, all().filter(is_new)).await?;
        scans::revise(tx, all().filter(is_revised)).await?;
        scans::add_to_seen(tx, &self.again).await
    }
}
