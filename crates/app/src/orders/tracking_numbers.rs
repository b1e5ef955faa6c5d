//! Commands that change the tracking numbers of a shipment. Webhooks that wait for a number are then processed by the
//! worker.

use domain::{Carrier, InputField, Refusal, Request, ShipmentId, TrackingNumber};
use persistence::read;

use super::{Command, CommandOutcome, IdempotencyKey, Orders};
use crate::{Caller, error::Result};

/// A tracking number for a shipment, as a person gave it.
#[derive(Clone, Debug)]
pub struct NewNumber {
    pub shipment_id: ShipmentId,
    /// The carrier of the number. `None`: the carrier of the shipment.
    pub carrier: Option<Carrier>,
    /// The number in any spelling.
    pub text: String,
    /// Whether shipments of other orders may have the number too.
    pub shared: bool,
}

impl Orders {
    /// Adds a tracking number to a shipment.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): not found, forbidden, not a number, number in use, shipment
    /// cancelled.
    pub async fn add_tracking_number(
        &self,
        caller: Caller,
        new: NewNumber,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        let to_request = |shipment, number, shared| Request::AddTrackingNumber { shipment, number, shared };
        self.change_numbers(caller, new, key, to_request).await
    }

    /// Replaces the primary tracking number of a shipment. The former one becomes void.
    ///
    /// # Errors
    /// As for [`Self::add_tracking_number`]; a reason that is not allowed, shipment delivered.
    pub async fn replace_tracking_number(
        &self,
        caller: Caller,
        new: NewNumber,
        reason: String,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        let to_request =
            |shipment, number, shared| Request::ReplaceTrackingNumber { shipment, number, shared, reason };
        self.change_numbers(caller, new, key, to_request).await
    }

    async fn change_numbers(
        &self,
        caller: Caller,
        new: NewNumber,
        key: Option<IdempotencyKey>,
        to_request: impl FnOnce(ShipmentId, TrackingNumber, bool) -> Request,
    ) -> Result<CommandOutcome> {
        caller.must_have_orders()?;
        let parse = |carrier| {
            TrackingNumber::parse(carrier, &new.text)
                .map_err(|error| Refusal::invalid(InputField::TrackingNumber, error.to_string()))
        };
        // A text that is no number is refused first, so that the refusal says nothing about the shipment. Whether it is
        // one does not depend on the carrier.
        parse(new.carrier.unwrap_or(Carrier::USPS))?;
        let id = new.shipment_id;
        // A shipment never moves to another order, so the order can be looked up before it is locked.
        let shipment = read::read_shipments(&self.store, &[id]).await?.remove(&id);
        let shipment = shipment.ok_or(Refusal::NotFound("shipment"))?;
        let carrier = new.carrier.unwrap_or(shipment.carrier());
        let request = to_request(id, parse(carrier)?, new.shared);
        self.execute(Command { caller, order_id: shipment.order_id, request, expected_version: None, key })
            .await
    }
}
