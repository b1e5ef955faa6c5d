//! Carriers' numbers in a batch of requests: locked before any order, so that a registration and a webhook
//! for the same number cannot miss each other.

use std::collections::HashMap;

use domain::{NewShipment, Order, OrderId, Refusal, Request, ShipmentRefusal};
use persistence::{
    Tx,
    shipments::{self, Number},
};

use super::Ask;
use crate::{Caller, error::Result};

/// The carriers' numbers that a batch registers, locked, with the orders that have them already.
pub(super) struct NumbersTaken {
    by: HashMap<Number, OrderId>,
    /// Those that the batch has registered.
    pub registered: Vec<Number>,
}

impl NumbersTaken {
    /// Locks the numbers and looks who has them.
    pub async fn look(tx: &Tx, asks: &[Ask]) -> persistence::Result<Self> {
        let numbers: Vec<Number> = asks.iter().filter_map(|ask| number(&ask.request)).collect();
        shipments::lock_numbers(tx, &numbers).await?;
        Ok(Self { by: shipments::live_holders(tx, &numbers).await?, registered: Vec::new() })
    }

    /// Refuses a number that is on its way already, or with a parcel of this one that the caller may
    /// not know of: to them the two are the same.
    pub fn check(&self, new: &NewShipment, order: &Order, caller: &Caller) -> Result<()> {
        let Some(number) = shipment_number(new) else { return Ok(()) };
        let elsewhere = self.by.get(&number).is_some_and(|other| *other != order.head().id);
        let hidden = order.shipments().iter().any(|shipment| {
            shipment.is_live()
                && (shipment.carrier, shipment.tracking_number.as_str()) == (number.0, &*number.1)
                && caller.shown_shipment(order.items(), shipment).is_none()
        });
        if elsewhere || hidden {
            let where_to = if caller.may_see_customers() { "with another order" } else { "already" };
            let message = format!("{} {} is on its way {where_to}", number.0, number.1);
            return Err(Refusal::Shipment { code: ShipmentRefusal::NumberInUse, message }.into());
        }
        Ok(())
    }

    /// Notes that a parcel got its number.
    pub fn register(&mut self, new: &NewShipment, order: OrderId) {
        if let Some(number) = shipment_number(new) {
            self.by.insert(number.clone(), order);
            self.registered.push(number);
        }
    }
}

fn number(request: &Request) -> Option<Number> {
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
        | Request::Scans { .. } => None,
    }
}

fn shipment_number(new: &NewShipment) -> Option<Number> {
    Some((new.carrier, domain::normalize_tracking_number(&new.tracking_number)?))
}
