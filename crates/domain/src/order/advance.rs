//! The advance: takes the order through the fulfilment sequence, as far as its slowest unit allows. It runs after each
//! change of the order, its shipments or its quantities.
//!
//! `guard`, `cancel` and `ship` call `advance` without a [`Trigger`]. `scans` and `retract` call it with one, which
//! holds the metadata and the time for the events. An order that may not go further, or is not in the sequence, stays
//! as it is; nothing is refused. The other functions here compute metadata.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    ingest::FoldState,
    order::{Order, StepDetail},
    rollup::{find_slowest_rank, status_of_rank, time_of_rank},
    scan::Scan,
    shipment::{Shipment, Tracking, live_shipments},
    shipment_status::{Rank, ShipmentStatus, rank_without_shipments},
    status::FULFILMENT_SEQUENCE,
    transition::Context,
};

/// The scans of one shipment that cause an advance.
pub(super) struct Trigger {
    /// The metadata for each status of the sequence, with the code of the scan that first shows this status.
    metadata: [Value; FULFILMENT_SEQUENCE.len()],
    /// When the scan that moved the shipment happened.
    occurred_at: DateTime<Utc>,
    /// Whether the shipment is on its way back after these scans.
    is_returning: bool,
}

impl Trigger {
    /// Creates the trigger from the scan that moved a shipment, from all scans of this shipment, and from the state
    /// that they give.
    pub(super) fn from_scan(scan: &Scan, all: &FoldState<'_>, shipment: &Shipment, after: &Tracking) -> Self {
        let fallback = Some(&*scan.code);
        Self::from_state(all, shipment, after, fallback, scan.occurred_at)
    }

    /// Creates the trigger from the scans that are left after one was retracted.
    pub(super) fn from_retraction(
        left: &FoldState<'_>,
        shipment: &Shipment,
        after: &Tracking,
        now: DateTime<Utc>,
    ) -> Self {
        Self::from_state(left, shipment, after, None, now)
    }

    fn from_state(
        all: &FoldState<'_>,
        shipment: &Shipment,
        after: &Tracking,
        fallback: Option<&str>,
        occurred_at: DateTime<Utc>,
    ) -> Self {
        let metadata = FULFILMENT_SEQUENCE.map(|status| {
            let scan = all.first_scan_reaching(rank_without_shipments(status));
            carrier_metadata(shipment, scan.map(|scan| &*scan.code).or(fallback))
        });
        Self { metadata, occurred_at, is_returning: after.status == ShipmentStatus::ReturnedToSender }
    }
}

impl Order {
    /// Records every status from the present one to the one that the slowest unit allows, one event for each.
    ///
    /// 1. It goes only forward, and only from `processing` on: a scan never skips the payment.
    /// 2. An event has the time at which the last shipment reached the status. If that is not known, it has the time
    ///    of the trigger, or else the present time.
    /// 3. An event is inferred if, for some shipment, no scan reported exactly this rank, or if its time is not known.
    /// 4. No notification is owed for a step of a shipment that is on its way back by now: the customer would wait for
    ///    it. Without a trigger, this holds if all live shipments are on their way back.
    pub(super) fn advance(&mut self, trigger: Option<Trigger>, context: &Context) {
        let target = find_slowest_rank(&self.items, &self.shipments).and_then(status_of_rank);
        let Some(goal) = target.and_then(|status| status.position_in_sequence()) else {
            return;
        };
        let Some(here) = self.head.status.position_in_sequence() else {
            return;
        };
        let is_back = |shipment: &Shipment| shipment.status() == ShipmentStatus::ReturnedToSender;
        let is_returning = match &trigger {
            Some(trigger) => trigger.is_returning,
            None => live_shipments(&self.shipments).all(is_back),
        };
        for (at, status) in FULFILMENT_SEQUENCE.into_iter().enumerate().take(goal + 1).skip(here + 1) {
            let rank = rank_without_shipments(status);
            let reached = time_of_rank(&self.shipments, rank);
            let metadata = match &trigger {
                Some(trigger) => Some(trigger.metadata[at].clone()),
                None => (rank >= Rank::Shipped).then(|| self.metadata_of_slowest_shipment()),
            };
            let caused_at = trigger.as_ref().map_or(context.now, |trigger| trigger.occurred_at);
            let detail = StepDetail {
                occurred_at: reached.map_or(caused_at, |reached| reached.at),
                inferred: reached.is_none_or(|reached| reached.inferred),
                notes: None,
                metadata,
            };
            self.record_step(status, detail, context);
            if let Some(step) = self.changes.transitions.last_mut() {
                step.may_notify = !is_returning;
            }
        }
    }

    fn metadata_of_slowest_shipment(&self) -> Value {
        let slowest = live_shipments(&self.shipments).min_by_key(|shipment| shipment.outbound_rank());
        slowest.map_or(Value::Null, |shipment| carrier_metadata(shipment, None))
    }
}

fn carrier_metadata(shipment: &Shipment, code: Option<&str>) -> Value {
    let number = &shipment.tracking_number;
    let mut metadata = json!({ "carrier": number.carrier().as_str(), "tracking_number": **number });
    if let Some(code) = code {
        metadata["carrier_status"] = code.into();
    }
    metadata
}
