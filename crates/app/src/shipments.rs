//! Parcels: registering one, calling one off.

use domain::{NewShipment, OrderId, Refusal, Request, ShipmentId};
use persistence::read;

use crate::{
    App, Caller,
    error::Result,
    idempotency::IdempotencyKey,
    orders::{Ask, Changed},
};

impl App {
    /// Registers a parcel. Scans that came before it was known are taken up by themselves.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): over-allocated, number in use, order closed.
    pub async fn create_shipment(
        &self,
        caller: Caller,
        order_id: OrderId,
        new: NewShipment,
        key: Option<IdempotencyKey>,
    ) -> Result<Changed> {
        let request = Request::CreateShipment(new);
        self.change(Ask { caller, order_id, request, expected_version: None, key }).await
    }

    /// Calls a parcel off; its units wait for another one.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): moving already, delivered.
    pub async fn cancel_shipment(
        &self,
        caller: Caller,
        id: ShipmentId,
        reason: String,
        key: Option<IdempotencyKey>,
    ) -> Result<Changed> {
        caller.must_have_orders()?;
        // A parcel never changes hands, so its order can be looked up before it is locked.
        let shipment = read::shipments(&self.store, &[id]).await?.remove(&id);
        let order_id = shipment.ok_or(Refusal::NotFound("shipment"))?.order_id;
        let request = Request::CancelShipment { id, reason };
        self.change(Ask { caller, order_id, request, expected_version: None, key }).await
    }
}
