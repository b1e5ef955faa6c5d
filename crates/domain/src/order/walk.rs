//! The walk: after every change of parcels or quantities the order goes as far as its slowest unit.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    fold::{effect, fold},
    ids::ShipmentId,
    order::{Order, Outcome, StepDetail},
    refusal::Refusal,
    rollup::{carrying, justification, slowest, status_for},
    scan::{Scan, ScanEffect},
    shipment::{Rank, Shipment},
    status::LINE,
    transition::Context,
};

/// The scan that set a walk in motion.
pub(super) struct Trigger {
    metadata: Value,
    occurred_at: DateTime<Utc>,
}

impl Order {
    /// Walks through every status between here and what the slowest unit allows, one event each. Only forward,
    /// and only from processing on: a scan never skips the payment.
    pub(super) fn walk(&mut self, trigger: Option<Trigger>, context: &Context) {
        let target = slowest(&self.items, &self.shipments).and_then(status_for);
        let Some(goal) = target.and_then(|status| status.on_line()) else {
            return;
        };
        let Some(here) = self.head.status.on_line() else {
            return;
        };
        for (&status, rank) in LINE.iter().zip(LINE_RANKS).take(goal + 1).skip(here + 1) {
            let reached = justification(&self.shipments, rank);
            let metadata = (rank >= Rank::Shipped).then(|| match &trigger {
                Some(trigger) => trigger.metadata.clone(),
                None => self.slowest_parcel(),
            });
            let caused_at = trigger.as_ref().map_or(context.now, |trigger| trigger.occurred_at);
            let detail = StepDetail {
                occurred_at: reached.map_or(caused_at, |reached| reached.at),
                inferred: reached.is_none_or(|reached| reached.inferred),
                notes: None,
                metadata,
            };
            self.step(status, detail, context);
        }
    }

    /// Takes new scans of a parcel into its state, then walks.
    pub(super) fn take_in(
        &mut self,
        id: ShipmentId,
        known: Vec<Scan>,
        new: Vec<Scan>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let (status, placed_at) = (self.head.status, self.head.placed_at);
        let shipment = self.shipment_mut(id)?;
        let before = shipment.tracking.clone();
        let mut all = known;
        let mut effects = vec![ScanEffect::Stale; new.len()];
        let mut cause: Option<&Scan> = None;
        let mut by_time: Vec<usize> = (0..new.len()).collect();
        by_time.sort_by_key(|&at| (new[at].occurred_at, new[at].identity));
        for at in by_time {
            all.push(new[at].clone());
            let after = fold(&all, placed_at, shipment.promised_delivery);
            effects[at] = effect(&new[at], placed_at, status, &shipment.tracking, &after);
            if shipment.cancelled_at.is_some() && effects[at] == ScanEffect::Applied {
                effects[at] = ScanEffect::Stale;
            }
            if after.status != shipment.tracking.status || cause.is_none() {
                cause = Some(&new[at]);
            }
            shipment.tracking = after;
        }
        let trigger = cause.map(|scan| Trigger {
            metadata: carrier_metadata(shipment, Some(&scan.code)),
            occurred_at: scan.occurred_at,
        });
        let changed = shipment.tracking != before;
        if changed {
            self.touch(id);
            self.walk(trigger, context);
        }
        Ok(Outcome { changed, event: None, shipment: Some(id), effects })
    }

    fn slowest_parcel(&self) -> Value {
        let slowest = carrying(&self.shipments).min_by_key(|shipment| shipment.status().rank());
        slowest.map_or(Value::Null, |shipment| carrier_metadata(shipment, None))
    }
}

/// The rank that each status of the line stands for.
const LINE_RANKS: [Rank; LINE.len()] =
    [Rank::None, Rank::Labelled, Rank::Shipped, Rank::OutForDelivery, Rank::Delivered];

fn carrier_metadata(shipment: &Shipment, code: Option<&str>) -> Value {
    let mut metadata =
        json!({ "carrier": shipment.carrier.as_str(), "tracking_number": shipment.tracking_number });
    if let Some(code) = code {
        metadata["carrier_status"] = code.into();
    }
    metadata
}
