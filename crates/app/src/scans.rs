//! What is said about parcels, on its way into their orders: from carriers' webhooks, by hand, from a replay.
//!
//! Within a transaction every claim goes through [`Ledger::hear`]; what then has to be kept of the scans
//! themselves is written once, at the end, by [`Ledger::write`].

use std::collections::HashMap;

use domain::{Actor, Context, Heard, Order, Outcome, Refusal, Request, Scan, ScanId, ShipmentId, WebhookId};
use persistence::{
    Tx,
    scans::{self, Revised, StoredScan},
};
use uuid::Uuid;

/// The scans of the parcels that a transaction is about, and what it has to write of them.
pub(crate) struct Ledger {
    known: HashMap<ShipmentId, Vec<StoredScan>>,
    new: Vec<StoredScan>,
    revised: Vec<Revised>,
    again: HashMap<(ShipmentId, [u8; 32]), u32>,
    replay: bool,
}

/// Who says it.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A carrier, in this request.
    Webhook(WebhookId),
    /// Somebody who saw it.
    Hand(&'a Actor),
}

impl Ledger {
    /// Reads what is known of these parcels. Their orders are locked.
    pub async fn open(tx: &Tx, shipments: &[ShipmentId], replay: bool) -> persistence::Result<Self> {
        let known = scans::of(tx, shipments).await?;
        Ok(Self { known, new: vec![], revised: vec![], again: HashMap::new(), replay })
    }

    /// Takes claims about a parcel into its order.
    pub fn hear(
        &mut self,
        order: &mut Order,
        shipment: ShipmentId,
        source: Source<'_>,
        heard: Vec<Scan>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let kept = self.known.entry(shipment).or_default();
        let known = kept.iter().map(|stored| stored.scan.clone()).collect();
        let request = Request::Scans { shipment, known, heard: heard.clone(), replay: self.replay };
        let outcome = order.apply(request, None, context)?;
        let (webhook_id, recorded_by) = match source {
            Source::Webhook(id) => (Some(id), None),
            Source::Hand(actor) => (None, Some(actor.clone())),
        };
        for (scan, answer) in heard.into_iter().zip(&outcome.heard) {
            let old = kept.iter_mut().find(|stored| stored.scan.identity == scan.identity);
            match answer {
                Heard::New(effect) => {
                    let stored = StoredScan {
                        id: ScanId(Uuid::now_v7()),
                        shipment_id: shipment,
                        webhook_id,
                        effect: *effect,
                        recorded_at: context.now,
                        recorded_by: recorded_by.clone(),
                        seen: 1,
                        scan,
                    };
                    kept.push(stored.clone());
                    self.new.push(stored);
                }
                Heard::Again | Heard::Revised(..) => {
                    // A webhook that is read again tells nothing twice.
                    let retold =
                        webhook_id.is_some() && old.as_ref().is_some_and(|old| old.webhook_id == webhook_id);
                    if !self.replay && !retold {
                        *self.again.entry((shipment, scan.identity.0)).or_default() += 1;
                    }
                    if let (Heard::Revised(merged, effect), Some(old)) = (answer, old) {
                        old.scan = merged.as_ref().clone();
                        let (scan, effect) = (old.scan.clone(), *effect);
                        self.revised.push(Revised { shipment_id: shipment, scan, effect });
                    }
                }
            }
        }
        Ok(outcome)
    }

    /// Writes what was heard, behind the orders it changed.
    pub async fn write(mut self, tx: &Tx) -> persistence::Result<()> {
        // One that was new in this transaction and revised in it is written as it is now.
        for stored in &mut self.new {
            let same = |one: &&Revised| {
                one.shipment_id == stored.shipment_id && one.scan.identity == stored.scan.identity
            };
            if let Some(last) = self.revised.iter().rev().find(same) {
                stored.scan = last.scan.clone();
            }
        }
        scans::insert(tx, &self.new).await?;
        // Of several revisions of one scan the last holds them all.
        let mut seen = std::collections::HashSet::new();
        self.revised.reverse();
        self.revised.retain(|one| seen.insert((one.shipment_id, one.scan.identity)));
        scans::revise(tx, &self.revised).await?;
        scans::count_again(tx, &self.again).await
    }
}
