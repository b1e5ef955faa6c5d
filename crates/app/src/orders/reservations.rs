//! Reserves the tracking numbers that a batch of commands registers. `commands` calls these methods in this sequence:
//!
//! 1. `lock_numbers` locks the numbers before any order. A webhook that is processed for the same number takes the same
//!    lock, so that the registration and the webhook cannot miss each other. It waits for others.
//! 2. `former_orders` are locked together with the orders of the batch. Empty, if no number was cancelled by its
//!    carrier.
//! 3. For each granted shipment: `check_number`, then `register_numbers`, which changes memory only.
//! 4. `release_former` changes the former orders in memory; `commands` writes them. Only numbers that the batch
//!    registered are released.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{
    Order, OrderId, Refusal, Request, ShipmentId, ShipmentStatus, TrackingNumber, ingest::TrackedShipment,
};
use persistence::{Tx, shipments};

use super::{Command, build_context};
use crate::Caller;

/// The tracking numbers that a batch registers, locked, and the orders that use them.
pub(super) struct TrackingNumberReservations {
    active: HashMap<TrackingNumber, HashSet<OrderId>>,
    /// Orders with a shipment under the number that only its carrier has cancelled.
    cancelled_by_carrier: Vec<(TrackingNumber, OrderId)>,
    /// The numbers that the batch has registered so far.
    pub registered: Vec<TrackingNumber>,
    /// Those of them that other orders may have too.
    pub shared: Vec<TrackingNumber>,
}

impl TrackingNumberReservations {
    /// Locks the numbers of the commands and loads which orders use them. Locks also the numbers of the shipments whose
    /// scans the commands change: such a shipment can be on its way again.
    pub async fn lock_numbers(
        tx: &Tx,
        commands: &[Command],
        scanned: &[ShipmentId],
    ) -> persistence::Result<Self> {
        let requested =
            commands.iter().filter_map(|command| RequestedNumbers::from_request(&command.request));
        let numbers: Vec<TrackingNumber> = requested.flat_map(|requested| requested.numbers).collect();
        let of_scanned = shipments::find_numbers(tx, scanned).await?;
        shipments::lock_numbers(tx, numbers.iter().chain(&of_scanned)).await?;
        let found = shipments::find_tracked_shipments(tx, &numbers).await?;
        let mut reservations = Self {
            active: HashMap::new(),
            cancelled_by_carrier: Vec::new(),
            registered: Vec::new(),
            shared: Vec::new(),
        };
        for (number, shipments) in found {
            let live = shipments.into_iter().filter(|shipment| !shipment.is_void);
            for TrackedShipment { order_id, status, cancelled_at, .. } in live {
                if status.is_on_its_way() {
                    reservations.active.entry(number.clone()).or_default().insert(order_id);
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
            let elsewhere = self.is_used_elsewhere(number, *order_id);
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

    fn is_used_elsewhere(&self, number: &TrackingNumber, order: OrderId) -> bool {
        self.active.get(number).is_some_and(|orders| orders.iter().any(|other| *other != order))
    }

    /// Refuses a number under which a shipment of another order is on its way, unless the number may be shared.
    ///
    /// Call this last, only for commands that are granted otherwise. So a caller who may not ship cannot find out which
    /// numbers are in use.
    pub fn check_numbers(
        &self,
        requested: &RequestedNumbers,
        order: OrderId,
        caller: &Caller,
    ) -> Result<(), Refusal> {
        let mut numbers = requested.numbers.iter().filter(|_| !requested.may_be_shared);
        if let Some(number) = numbers.find(|number| self.is_used_elsewhere(number, order)) {
            return Err(Refusal::number_in_use(number, &caller.actor));
        }
        Ok(())
    }

    /// Notes that the batch has registered the numbers for the order.
    pub fn register_numbers(&mut self, requested: RequestedNumbers, order: OrderId) {
        for number in &requested.numbers {
            self.active.entry(number.clone()).or_default().insert(order);
        }
        if requested.may_be_shared {
            self.shared.extend(requested.numbers.iter().cloned());
        }
        self.registered.extend(requested.numbers);
    }
}

/// The tracking numbers that a request gives to a shipment.
pub(super) struct RequestedNumbers {
    numbers: Vec<TrackingNumber>,
    /// Whether shipments of other orders may have them too.
    may_be_shared: bool,
}

impl RequestedNumbers {
    /// The numbers of a request. `None` if it gives none to a shipment.
    pub fn from_request(request: &Request) -> Option<Self> {
        match request {
            Request::CreateShipment(new) | Request::CreateReturnShipment(new) => {
                let numbers = new.numbers().into_iter().cloned().collect();
                Some(Self { numbers, may_be_shared: new.shares_numbers })
            }
            Request::AddTrackingNumber { number, shared, .. }
            | Request::ReplaceTrackingNumber { number, shared, .. } => {
                Some(Self { numbers: vec![number.clone()], may_be_shared: *shared })
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
            | Request::SetDeliveryEstimate { .. }
            | Request::Scans { .. }
            | Request::RetractScan { .. } => None,
        }
    }
}
