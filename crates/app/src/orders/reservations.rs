//! Reserves the tracking numbers that a batch of commands registers.
//!
//! The numbers are locked before any order. A webhook that is processed for the same number takes the same lock, so
//! that the registration and the webhook cannot miss each other.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    NewShipment, Order, OrderId, Refusal, Request, ShipmentRefusal, ShipmentStatus, TrackingNumber,
    ingest::TrackedShipment,
};
use persistence::{Tx, shipments};

use super::{Command, build_context};
use crate::Caller;

/// The tracking numbers that a batch registers, locked, and the orders that use them.
pub(super) struct TrackingNumberReservations {
    active: HashMap<TrackingNumber, OrderId>,
    /// Orders with a shipment under the number that only its carrier has cancelled.
    cancelled_by_carrier: Vec<(TrackingNumber, OrderId)>,
    /// The numbers that the batch has registered so far.
    pub registered: Vec<TrackingNumber>,
}

impl TrackingNumberReservations {
    /// Locks the numbers of the commands and loads which orders use them.
    pub async fn lock_numbers(tx: &Tx, commands: &[Command]) -> persistence::Result<Self> {
        let numbers: Vec<TrackingNumber> =
            commands.iter().filter_map(|command| requested_number(&command.request)).collect();
        shipments::lock_numbers(tx, &numbers).await?;
        let found = shipments::find_tracked_shipments(tx, &numbers).await?;
        let mut reservations =
            Self { active: HashMap::new(), cancelled_by_carrier: Vec::new(), registered: Vec::new() };
        for (number, shipments) in found {
            for TrackedShipment { order_id, status, cancelled_at, .. } in shipments {
                if status.is_on_its_way() {
                    reservations.active.insert(number.clone(), order_id);
                } else if status == ShipmentStatus::Cancelled && cancelled_at.is_none() {
                    reservations.cancelled_by_carrier.push((number.clone(), order_id));
                }
            }
        }
        Ok(reservations)
    }

    /// The orders that lose a number when the batch registers it. They have to be locked together with the orders of
    /// the batch.
    pub fn former_orders(&self) -> impl Iterator<Item = OrderId> {
        self.cancelled_by_carrier.iter().map(|(_, order)| *order)
    }

    /// Cancels the shipments that only their carrier had cancelled, if the batch has registered their number for
    /// another order. Later scans of the number then belong to the new shipment, and the old shipment cannot become
    /// active again.
    pub fn release_former(
        &self,
        loaded: &mut HashMap<OrderId, Order>,
        now: DateTime<Utc>,
    ) -> persistence::Result<()> {
        for (number, order_id) in &self.cancelled_by_carrier {
            let elsewhere = self.active.get(number).is_some_and(|new| new != order_id);
            if let Some(order) =
                loaded.get_mut(order_id).filter(|_| elsewhere && self.registered.contains(number))
            {
                let request = Request::GiveUpNumber(number.clone());
                order.apply(request, None, &build_context(&Caller::system(), now)).map_err(|refusal| {
                    persistence::Error::Corrupt {
                        table: "orders",
                        row: order_id.to_string(),
                        what: refusal.to_string(),
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Refuses a number under which a shipment of another order is on its way.
    ///
    /// 1. Suppliers get the same message as for a shipment of this order that they may not see (the order itself
    ///    refuses that one). So they cannot tell the two cases apart.
    /// 2. Call this last, only for commands that are granted otherwise. So a caller who may not ship cannot find out
    ///    which numbers are in use.
    pub fn check_number(&self, new: &NewShipment, order: OrderId, caller: &Caller) -> Result<(), Refusal> {
        let number = &new.tracking_number;
        if self.active.get(number).is_some_and(|other| *other != order) {
            let where_to = if caller.may_see_customers() { "with another order" } else { "already" };
            let message = format!("{} {number} is on its way {where_to}", number.carrier());
            return Err(Refusal::Shipment { code: ShipmentRefusal::NumberInUse, message });
        }
        Ok(())
    }

    /// Notes that the batch has registered the number for the order.
    pub fn register_shipment(&mut self, new: &NewShipment, order: OrderId) {
        self.active.insert(new.tracking_number.clone(), order);
        self.registered.push(new.tracking_number.clone());
    }
}

fn requested_number(request: &Request) -> Option<TrackingNumber> {
    match request {
        Request::CreateShipment(new) | Request::CreateReturnShipment(new) => {
            Some(new.tracking_number.clone())
        }
        Request::Transition { .. }
        | Request::CancelItems { .. }
        | Request::AcceptItems { .. }
        | Request::DeclineItems { .. }
        | Request::DeclineUnits { .. }
        | Request::Close { .. }
        | Request::Reopen { .. }
        | Request::RecordReplacement(_)
        | Request::ReassignItems { .. }
        | Request::InitiateReturn { .. }
        | Request::ReceiveReturn { .. }
        | Request::WriteOffReturn { .. }
        | Request::CancelShipment { .. }
        | Request::GiveUpNumber { .. }
        | Request::Scans { .. }
        | Request::RetractScan { .. } => None,
    }
}
