//! The advance: takes the order through the fulfilment sequence, as far as its slowest unit allows. It runs after
//! each change of the order, its shipments or its quantities.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    ingest::FoldState,
    order::{Order, StepDetail},
    rollup::{find_slowest_rank, live_shipments, rank_without_shipments, status_of_rank, time_of_rank},
    scan::Scan,
    shipment::{Rank, Shipment},
    status::FULFILMENT_SEQUENCE,
    transition::Context,
};

/// The scans of one shipment that cause an advance.
pub(super) struct Trigger {
    /// The metadata for each status of the sequence, with the code of the scan that first shows this status.
    metadata: [Value; FULFILMENT_SEQUENCE.len()],
    /// When the scan that moved the shipment happened.
    occurred_at: DateTime<Utc>,
}

impl Trigger {
    /// Creates the trigger from the scan that moved a shipment, and from all scans of this shipment.
    pub(super) fn from_scan(scan: &Scan, all: &FoldState<'_>, shipment: &Shipment) -> Self {
        let metadata = FULFILMENT_SEQUENCE.map(|status| {
            let scan = all.first_scan_reaching(rank_without_shipments(status)).unwrap_or(scan);
            carrier_metadata(shipment, Some(&scan.code))
        });
        Self { metadata, occurred_at: scan.occurred_at }
    }
}

impl Order {
    /// Records every status from the present one to the one that the slowest unit allows, one event for each.
    ///
    /// 1. It goes only forward, and only from `processing` on: a scan never skips the payment.
    /// 2. An event has the time at which the last shipment reached the status. If that is not known, it has the time
    ///    of the trigger, or else the present time.
    /// 3. An event is inferred if, for some shipment, no scan reported exactly this rank, or if its time is not known.
    pub(super) fn advance(&mut self, trigger: Option<Trigger>, context: &Context) {
        let target = find_slowest_rank(&self.items, &self.shipments).and_then(status_of_rank);
        let Some(goal) = target.and_then(|status| status.position_in_sequence()) else {
            return;
        };
        let Some(here) = self.head.status.position_in_sequence() else {
            return;
        };
        for (at, status) in FULFILMENT_SEQUENCE.into_iter().enumerate().take(goal + 1).skip(here + 1) {
            let rank = rank_without_shipments(status);
            let reached = time_of_rank(&self.shipments, rank);
            let metadata = match &trigger {
                Some(trigger) => Some(trigger.metadata[at].clone()),
                None => (rank >= Rank::Shipped).then(|| self.slowest_shipment()),
            };
            let caused_at = trigger.as_ref().map_or(context.now, |trigger| trigger.occurred_at);
            let detail = StepDetail {
                occurred_at: reached.map_or(caused_at, |reached| reached.at),
                inferred: reached.is_none_or(|reached| reached.inferred),
                notes: None,
                metadata,
            };
            self.record_step(status, detail, context);
        }
    }

    fn slowest_shipment(&self) -> Value {
        let slowest = live_shipments(&self.shipments).min_by_key(|shipment| shipment.status().rank());
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
