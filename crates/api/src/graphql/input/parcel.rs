//! Parcels: registered, called off, seen somewhere.

use app::{IdempotencyKey, shipments::Sighting};
use async_graphql::{ID, InputObject};
use domain::{NewShipment, OrderId, Refusal, ShipmentId};
use serde::Serialize;
use uuid::Uuid;

use super::{
    super::enums::{Carrier, ShipmentStatus},
    OriginInput, QuantityInput, Time, id, key, lines, plausible, time,
};

/// A parcel to be registered.
#[derive(InputObject, Serialize)]
pub struct CreateShipmentInput {
    /// The order whose units it carries.
    order_id: ID,
    /// Who carries it.
    carrier: Carrier,
    /// The carrier's number for it. Blanks do not count.
    tracking_number: String,
    /// Where it comes from. Left out: where its items were planned to come from, the main warehouse (`main`) for those
    /// without a plan. Items of several places are refused then, so that nobody ships a supplier's items by mistake.
    origin: Option<OriginInput>,
    /// What is in it. Left out: every unit that waits for a parcel and that the caller may ship, suppliers' items too;
    /// where these come from several places, `origin` is needed, or the items are.
    items: Option<Vec<QuantityInput>>,
    /// When it is expected.
    estimated_delivery: Option<Time>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A parcel to be called off.
#[derive(InputObject, Serialize)]
pub struct CancelShipmentInput {
    /// The parcel.
    shipment_id: ID,
    /// Why.
    reason: String,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Where somebody saw a parcel.
#[derive(InputObject, Serialize)]
pub struct RecordScanInput {
    /// The parcel.
    shipment_id: ID,
    /// How far it was. Not `CANCELLED`: that is `cancelShipment`.
    status: ShipmentStatus,
    /// When: not in the future, and not more than a day before the order.
    occurred_at: Time,
    /// Where.
    location: Option<String>,
    /// What to say about it. Shown as the description of the scan, to the customer too.
    notes: Option<String>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

impl CreateShipmentInput {
    pub(in crate::graphql) fn read(self) -> Result<(OrderId, NewShipment, Option<IdempotencyKey>), Refusal> {
        let key = key(&self.idempotency_key, "createShipment", &self)?;
        let new = NewShipment {
            id: ShipmentId(Uuid::now_v7()),
            carrier: self.carrier.into(),
            tracking_number: self.tracking_number,
            origin: self.origin.map(OriginInput::read),
            lines: self.items.as_deref().map(lines).transpose()?,
            estimated_delivery: time("estimatedDelivery", self.estimated_delivery)?,
        };
        Ok((id("orderId", &self.order_id)?, new, key))
    }
}

impl CancelShipmentInput {
    pub(in crate::graphql) fn read(self) -> Result<(ShipmentId, String, Option<IdempotencyKey>), Refusal> {
        let key = key(&self.idempotency_key, "cancelShipment", &self)?;
        Ok((id("shipmentId", &self.shipment_id)?, self.reason, key))
    }
}

impl RecordScanInput {
    pub(in crate::graphql) fn read(self) -> Result<(Sighting, Option<IdempotencyKey>), Refusal> {
        let key = key(&self.idempotency_key, "recordScan", &self)?;
        let sighting = Sighting {
            shipment_id: id("shipmentId", &self.shipment_id)?,
            status: self.status.into(),
            occurred_at: plausible("occurredAt", &self.occurred_at)?,
            location: self.location,
            notes: self.notes,
        };
        Ok((sighting, key))
    }
}
