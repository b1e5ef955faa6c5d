//! What is said about parcels, on its way into their orders: from carriers' webhooks, by hand, from a replay.
//!
//! Within a transaction every claim goes through [`Ledger::hear`]; what then has to be kept of the scans
//! themselves is written once, at the end, by [`Ledger::write`].

use std::collections::{HashMap, HashSet};

use domain::{
    Actor, Context, Heard, Meaning, Order, Outcome, Refusal, Request, Scan, ScanId, ScanIdentity, Shipment,
    ShipmentId, WebhookId,
};
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
    Webhook {
        /// Which.
        id: WebhookId,
        /// Whether it was heard before: then it says nothing once more than it did.
        tells_again: bool,
    },
    /// Somebody who saw it.
    Hand(&'a Actor),
}

impl Ledger {
    /// Reads what is known of these parcels. Their orders are locked.
    pub async fn open(tx: &Tx, shipments: &[ShipmentId], replay: bool) -> persistence::Result<Self> {
        let known = scans::of(tx, shipments).await?;
        Ok(Self { known, new: vec![], revised: vec![], again: HashMap::new(), replay })
    }

    /// Takes claims about a parcel into its order. In a replay the request that a scan is kept under says what it means
    /// today; others only add to it.
    pub fn hear(
        &mut self,
        order: &mut Order,
        shipment: ShipmentId,
        source: Source<'_>,
        mut heard: Vec<Scan>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let (webhook_id, recorded_by, tells_again) = match source {
            Source::Webhook { id, tells_again } => (Some(id), None, tells_again),
            Source::Hand(actor) => (None, Some(actor.clone()), false),
        };
        let kept = self.known.entry(shipment).or_default();
        let mut places: HashMap<ScanIdentity, usize> =
            kept.iter().enumerate().map(|(at, stored)| (stored.scan.identity, at)).collect();
        if self.replay {
            for scan in &mut heard {
                let old = places.get(&scan.identity).and_then(|at| kept.get(*at));
                if let Some(old) = old.filter(|old| old.webhook_id != webhook_id)
                    && old.scan.meaning != Meaning::Unknown
                {
                    scan.meaning = old.scan.meaning;
                }
            }
        }
        let known = kept.iter().map(|stored| stored.scan.clone()).collect();
        let is_called_off = |parcel: &Shipment| parcel.id == shipment && parcel.cancelled_at.is_some();
        let called_off = order.shipments().iter().any(is_called_off);
        let request = Request::Scans { shipment, known, heard: heard.clone(), replay: self.replay };
        let outcome = order.apply(request, None, context)?;
        for (scan, answer) in heard.into_iter().zip(&outcome.heard) {
            let old = places.get(&scan.identity).and_then(|at| kept.get_mut(*at));
            match answer {
                Heard::New(effect) => {
                    let stored = StoredScan {
                        id: ScanId(Uuid::now_v7()),
                        shipment_id: shipment,
                        webhook_id,
                        effect: *effect,
                        recorded_at: context.now,
                        recorded_by: recorded_by.clone(),
                        called_off,
                        seen: 1,
                        scan,
                    };
                    places.insert(stored.scan.identity, kept.len());
                    kept.push(stored.clone());
                    self.new.push(stored);
                }
                Heard::Again | Heard::Revised(..) => {
                    let retold =
                        webhook_id.is_some() && old.as_ref().is_some_and(|old| old.webhook_id == webhook_id);
                    if !tells_again && !retold {
                        *self.again.entry((shipment, scan.identity.0)).or_default() += 1;
                    }
                    if let (Heard::Revised(merged, effect), Some(old)) = (answer, old) {
                        old.scan = merged.as_ref().clone();
                        if effect.is_some() {
                            old.webhook_id = webhook_id.or(old.webhook_id);
                        }
                        let (scan, webhook_id, effect) = (old.scan.clone(), old.webhook_id, *effect);
                        self.revised.push(Revised { shipment_id: shipment, scan, webhook_id, effect });
                    }
                }
            }
        }
        Ok(outcome)
    }

    /// Writes what was heard, behind the orders it changed.
    pub async fn write(mut self, tx: &Tx) -> persistence::Result<()> {
        // Of several revisions of one scan the last holds them all.
        let mut seen = HashSet::new();
        self.revised.reverse();
        self.revised.retain(|one| seen.insert((one.shipment_id, one.scan.identity)));
        // One that was new in this transaction and revised in it is written as it is now.
        let revised: HashMap<_, _> =
            self.revised.iter().map(|one| ((one.shipment_id, one.scan.identity), one)).collect();
        for stored in &mut self.new {
            if let Some(last) = revised.get(&(stored.shipment_id, stored.scan.identity)) {
                stored.scan = last.scan.clone();
                stored.webhook_id = last.webhook_id;
            }
        }
        scans::insert(tx, &self.new).await?;
        scans::revise(tx, &self.revised).await?;
        scans::count_again(tx, &self.again).await
    }
}
