//! The refusal of a tracking number that a shipment of another order has.

use crate::{
    actor::Actor,
    refusal::{Refusal, ShipmentRefusal},
    tracking_number::TrackingNumber,
};

impl Refusal {
    /// The refusal of a number under which a shipment of another order is on its way. Suppliers get the same message as
    /// for a shipment of this order that they may not see. So they cannot tell the two cases apart.
    pub fn number_in_use(number: &TrackingNumber, actor: &Actor) -> Self {
        let where_to = if actor.is_staff() { "with another order" } else { "already" };
        let message = format!("{} {number} is on its way {where_to}", number.carrier());
        Self::shipment(ShipmentRefusal::NumberInUse, message)
    }
}
