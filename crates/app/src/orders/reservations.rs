//! Carriers' numbers in a batch of requests: locked before any order, so that a registration and a webhook
//! for the same number cannot miss each other.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{NewShipment, Order, OrderId, Refusal, Request, ShipmentRefusal};
use persistence::{
    Tx,
    shipments::{self, Number, NumberUse},
};

use super::{Command, context};
use crate::Caller;

/// The carriers' numbers that a batch registers, locked, with the orders that have them already.
pub(super) struct TrackingNumberReservations {
    active: HashMap<Number, OrderId>,
    /// Those whose shipment with the number was cancelled by its carrier only.
    cancelled_by_carrier: Vec<(Number, OrderId)>,
    /// Those that the batch has registered.
    pub registered: Vec<Number>,
}

impl TrackingNumberReservations {
    /// Locks the numbers and looks who has them.
    pub async fn lock(tx: &Tx, commands: &[Command]) -> persistence::Result<Self> {
        let numbers: Vec<Number> =
            commands.iter().filter_map(|command| requested_number(&command.request)).collect();
        shipments::lock_numbers(tx, &numbers).await?;
        let uses = shipments::find_number_uses(tx, &numbers).await?;
        let (on_their_way, cancelled): (Vec<_>, Vec<_>) =
            uses.into_iter().partition(|number_use| number_use.is_on_its_way);
        let pair = |number_use: NumberUse| (number_use.number, number_use.order_id);
        Ok(Self {
            active: on_their_way.into_iter().map(pair).collect(),
            cancelled_by_carrier: cancelled.into_iter().map(pair).collect(),
            registered: Vec::new(),
        })
    }

    /// Other orders that give a number up when it is registered: they are locked together with those of the batch.
    pub fn former_orders(&self) -> impl Iterator<Item = OrderId> {
        self.cancelled_by_carrier.iter().map(|(_, order)| *order)
    }

    /// Takes the numbers that were registered from the shipments which only their carrier had cancelled. What is said
    /// of them from now on is said of the new ones, and the old ones cannot come to life again beside them.
    pub fn release_former(
        &self,
        loaded: &mut HashMap<OrderId, Order>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        for (number, order_id) in &self.cancelled_by_carrier {
            let elsewhere = self.active.get(number).is_some_and(|new| new != order_id);
            if let Some(order) =
                loaded.get_mut(order_id).filter(|_| elsewhere && self.registered.contains(number))
            {
                let (carrier, number) = number.clone();
                let request = Request::GiveUpNumber { carrier, number };
                order.apply(request, None, &context(&Caller::system(), now))?;
            }
        }
        Ok(())
    }

    /// Refuses a number that is on its way with another order. To a supplier that is the same as one with a shipment of
    /// this order that it may not know of, which the order refuses itself. Asked last, of what is granted otherwise:
    /// whoever may not ship cannot find out about numbers.
    pub fn check(&self, new: &NewShipment, order: OrderId, caller: &Caller) -> Result<(), Refusal> {
        let Some(number) = shipment_number(new) else { return Ok(()) };
        if self.active.get(&number).is_some_and(|other| *other != order) {
            let where_to = if caller.may_see_customers() { "with another order" } else { "already" };
            let message = format!("{} {} is on its way {where_to}", number.0, number.1);
            return Err(Refusal::Shipment { code: ShipmentRefusal::NumberInUse, message });
        }
        Ok(())
    }

    /// Notes that a shipment got its number.
    pub fn register(&mut self, new: &NewShipment, order: OrderId) {
        if let Some(number) = shipment_number(new) {
            self.active.insert(number.clone(), order);
            self.registered.push(number);
        }
    }
}

fn requested_number(request: &Request) -> Option<Number> {
    match request {
        Request::CreateShipment(new) => shipment_number(new),
        Request::Transition { .. }
        | Request::CancelItems { .. }
        | Request::AcceptItems { .. }
        | Request::DeclineItems { .. }
        | Request::ReassignItems { .. }
        | Request::InitiateReturn { .. }
        | Request::ReceiveReturn { .. }
        | Request::CancelShipment { .. }
        | Request::GiveUpNumber { .. }
        | Request::Scans { .. } => None,
    }
}

fn shipment_number(new: &NewShipment) -> Option<Number> {
    Some((new.carrier, domain::normalize_tracking_number(new.carrier, &new.tracking_number)?))
}
