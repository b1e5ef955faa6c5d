//! Taking what was said into the orders, committed or taken back.

use std::collections::{BTreeSet, HashSet};

use domain::{Heard, Order, OrderId, OrderStatus, ScanIdentity, ShipmentId, WebhookId, notice};
use persistence::{Error, orders, webhooks};

use super::{Finding, NotReplayed, ReplayChange, Replayed, said::Said};
use crate::{
    App,
    error::Result,
    retry::{members_may_do_better, retrying},
    scans::{Ledger, Source},
    webhooks::process::carrier_context,
};

impl App {
    /// Takes what is said into the orders. Where they fail together, each is tried alone.
    pub(super) async fn take_up(
        &self,
        said: &Said,
        replayed: &mut Replayed,
        tell: &mut impl FnMut(Finding),
    ) -> Result<()> {
        let apply = replayed.applied;
        let mut note = |settled: Settled, tell: &mut dyn FnMut(Finding)| {
            replayed.scans += settled.scans;
            settled.changes.into_iter().for_each(|change| tell(Finding::Changes(Box::new(change))));
        };
        match retrying(|| self.settle(said, apply)).await {
            Ok(settled) => note(settled, tell),
            Err(error) if !members_may_do_better(&error) => return Err(error.into()),
            Err(_) => {
                let orders: BTreeSet<OrderId> = said.keys().map(|(order, _)| *order).collect();
                for order_id in orders {
                    let alone = said.iter().filter(|((of, _), _)| *of == order_id);
                    let alone: Said = alone.map(|(parcel, words)| (*parcel, words.clone())).collect();
                    match retrying(|| self.settle(&alone, apply)).await {
                        Ok(settled) => note(settled, tell),
                        Err(error) if !members_may_do_better(&error) => return Err(error.into()),
                        Err(error) => {
                            let cause = &error as &dyn std::error::Error;
                            tracing::warn!(order = %order_id, error = cause, "an order could not be replayed");
                            tell(Finding::Fails(NotReplayed { order_id, error: in_words(&error) }));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// One transaction over some orders, committed or taken back: it goes as far as it can either way.
    async fn settle(&self, said: &Said, apply: bool) -> persistence::Result<Settled> {
        let tx = self.store.begin().await?;
        let webhooks: BTreeSet<WebhookId> = said.values().flatten().map(|(webhook, ..)| *webhook).collect();
        webhooks::lock(&tx, &webhooks.into_iter().collect::<Vec<_>>()).await?;
        let ids: BTreeSet<OrderId> = said.keys().map(|(order, _)| *order).collect();
        let mut loaded = orders::lock(&tx, &ids.into_iter().collect::<Vec<_>>()).await?;
        let before = loaded.clone();
        let shipments: Vec<ShipmentId> = said.keys().map(|(_, shipment)| *shipment).collect();
        let mut ledger = Ledger::open(&tx, &shipments, true).await?;
        let mut differing: HashSet<(ShipmentId, ScanIdentity)> = HashSet::new();
        for ((order, shipment), words) in said {
            let Some(order) = loaded.get_mut(order) else { continue };
            for (webhook, request_id, claims) in words {
                let context = carrier_context(claims.carrier, *webhook, request_id.clone(), self.clock.now());
                let source = Source::Webhook { id: *webhook, tells_again: true };
                let done = ledger.hear(order, *shipment, source, claims.scans.clone(), &context);
                let done = done.map_err(|refusal| Error::Corrupt {
                    table: "shipments",
                    row: shipment.to_string(),
                    what: refusal.to_string(),
                })?;
                for (scan, heard) in claims.scans.iter().zip(done.heard) {
                    match heard {
                        Heard::New(_) | Heard::Revised(..) => {
                            differing.insert((*shipment, scan.identity));
                        }
                        Heard::Again => {}
                    }
                }
            }
        }
        orders::record(&tx, &loaded.values().collect::<Vec<_>>()).await?;
        ledger.write(&tx).await?;
        let mut settled = Settled { changes: vec![], scans: differing.len() as u64 };
        for (id, before) in &before {
            if let Some(after) = loaded.get(id) {
                settled.changes.extend(changes_between(before, after, apply));
            }
        }
        match apply {
            true => self.store.commit(tx).await?,
            false => tx.rollback().await?,
        }
        Ok(settled)
    }
}

/// What one transaction changed, or would have.
struct Settled {
    changes: Vec<ReplayChange>,
    scans: u64,
}

/// Why an order could not be changed, for whoever asked for the replay.
fn in_words(error: &Error) -> String {
    match error {
        error if error.unique_violation().is_some() => {
            "a parcel's number is on its way with another order".to_owned()
        }
        error if error.is_lock_timeout() => "somebody else is changing it: try again".to_owned(),
        error => error.to_string(),
    }
}

/// The parcels of an order that are no longer what they were.
fn changes_between(before: &Order, after: &Order, applied: bool) -> Vec<ReplayChange> {
    let now = if applied { after } else { before };
    let reached = after.changes().transitions.iter().map(|step| step.to());
    let is_told = |status: &OrderStatus| notice::is_owed(*status) && after.head().customer_email.is_some();
    // A walk is told of by its newest milestone.
    let mut notices: Vec<OrderStatus> = reached.filter(is_told).collect();
    notices.drain(..notices.len().saturating_sub(1));
    let mut changes = Vec::new();
    for ((old, new), shown) in before.shipments().iter().zip(after.shipments()).zip(now.shipments()) {
        if old.tracking != new.tracking {
            changes.push(ReplayChange {
                order: now.head().clone(),
                shipment: shown.clone(),
                from: old.status(),
                to: new.status(),
                order_to: after.head().status,
                notices: std::mem::take(&mut notices),
            });
        }
    }
    changes
}
