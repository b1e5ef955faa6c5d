//! Corrections: what customers may have been told and what is not true any more. The requests note them in the changes
//! of the order, and `persistence` notifies the recipients who were told.
//!
//! 1. A delivery: the order was delivered, and a retracted scan leaves a unit that is not delivered. The order keeps
//!    its status, so no event follows; the true delivery is told with a correction of its own.
//! 2. A number: a shipment takes the place of a cancelled one. This is told when the carrier has the new parcel, not
//!    when it is registered: before that the carrier's page knows nothing of the new number, and the shop may void the
//!    label again. A parcel whose first news is its delivery has no number to follow.
//! 3. A number that is replaced on the same shipment is told at once: see [`Order::note_told_number_change`].
//!
//! `scans` and `retract` call the functions `note_…` after each change: mostly they note nothing.
//! `numbers` calls `note_told_number_change`, and so does a test.

use chrono::TimeDelta;

use crate::{
    ids::{ScanId, ShipmentId},
    order::Order,
    rollup::is_status_disputed,
    shipment::{Shipment, Tracking, live_shipments},
    shipment_status::ShipmentStatus,
    status::OrderStatus,
    tracking_number::TrackingNumber,
    transition::Context,
};

/// Something that customers may have been told and that is not true any more, or that they have to be told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    /// The order was not delivered. The fact of its key is `retracted-{scan}`.
    DeliveryRetracted {
        /// The scan that was retracted.
        scan: ScanId,
    },
    /// The order is delivered after a delivery was retracted. The fact of its key is `delivered-after-{scan}`, with the
    /// scan that was retracted.
    DeliveredAfterRetraction {
        /// The time from the delivery to its record.
        delay: TimeDelta,
    },
    /// Numbers are void, and the number of a shipment takes their place. The fact of its key is `replaced-{shipment}`;
    /// for a further number of one shipment, the void number follows.
    NumberReplaced {
        /// The shipment with the number that counts.
        shipment: ShipmentId,
        /// The numbers that do not count any more.
        void: Vec<TrackingNumber>,
        /// The time from the scan that shows the parcel under the new number to its record.
        delay: TimeDelta,
    },
}

impl Order {
    /// Notes that the number `old` of a shipment is void and that its present number takes its place. Recipients who
    /// were told `old` are notified when the changes of the order are written.
    pub fn note_told_number_change(&mut self, shipment: ShipmentId, old: TrackingNumber) {
        let delay = TimeDelta::zero();
        self.changes.corrections.push(Correction::NumberReplaced { shipment, void: vec![old], delay });
    }

    /// Whether the order stands further than its shipments.
    pub(super) fn is_disputed(&self) -> bool {
        is_status_disputed(self.head.status, &self.items, &self.shipments)
    }

    /// Notes what scans, or the retraction of a scan, mean for a delivery that was told. `was_disputed` is
    /// [`Self::is_disputed`] before the change.
    pub(super) fn note_told_delivery_change(
        &mut self,
        was_disputed: bool,
        retracted: Option<ScanId>,
        context: &Context,
    ) {
        let is_disputed = self.is_disputed();
        if is_disputed
            && !was_disputed
            && let Some(scan) = retracted
        {
            self.changes.corrections.push(Correction::DeliveryRetracted { scan });
        }
        if was_disputed && !is_disputed && self.head.status == OrderStatus::Delivered {
            let delivered_at = live_shipments(&self.shipments).filter_map(|one| one.tracking.delivered_at);
            let delay = delivered_at.max().map_or(TimeDelta::zero(), |at| context.now - at);
            self.changes.corrections.push(Correction::DeliveredAfterRetraction { delay });
        }
    }

    /// Notes that a shipment takes the place of cancelled ones, if its carrier has it since this change. `before` is
    /// its state before the change.
    pub(super) fn note_replaced_numbers(&mut self, id: ShipmentId, before: &Tracking, context: &Context) {
        let Ok(shipment) = self.find_shipment(id) else { return };
        let is_to_follow =
            shipment.status().is_on_its_way() && shipment.status() != ShipmentStatus::ReturnedToSender;
        if before.in_possession || !shipment.tracking.in_possession || !is_to_follow {
            return;
        }
        let replaced = self.shipments.iter().filter(|other| is_replaced(other, shipment));
        let void: Vec<TrackingNumber> = replaced.map(|other| other.tracking_number.clone()).collect();
        if void.is_empty() {
            return;
        }
        let shown_at = shipment.tracking.shipped_at().unwrap_or(context.now);
        let delay = context.now - shown_at;
        self.changes.corrections.push(Correction::NumberReplaced { shipment: id, void, delay });
    }
}

/// Whether the shipment `new` takes the place of the cancelled shipment `old`: it was registered later, for units of an
/// item that was in the old one.
fn is_replaced(old: &Shipment, new: &Shipment) -> bool {
    let shares_item = old.lines.iter().any(|line| new.lines.iter().any(|one| one.item_id == line.item_id));
    !old.is_live()
        && old.id != new.id
        && old.created_at <= new.created_at
        && old.tracking_number != new.tracking_number
        && shares_item
}
