//! Shipments: registered, called off, seen somewhere.

use app::{IdempotencyKey, shipments::ManualScan};
use async_graphql::{ID, InputObject};
use domain::{Meaning, NewShipment, OrderId, Refusal, ShipmentId};
use serde::Serialize;
use uuid::Uuid;

use super::{
    super::enums::{Carrier, ShipmentConditionKind, ShipmentStatus},
    OriginInput, QuantityInput, Time, id, invalid, key, lines, moment, time,
};

/// A shipment to be registered.
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
    /// What is in it. Left out: every unit that waits for a shipment and that the caller may ship, suppliers' items
    /// too; where these come from several places, `origin` is needed, or the items are.
    items: Option<Vec<QuantityInput>>,
    /// When it is expected.
    estimated_delivery: Option<Time>,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A shipment to be called off.
#[derive(InputObject, Serialize)]
pub struct CancelShipmentInput {
    /// The shipment.
    shipment_id: ID,
    /// Why.
    reason: String,
    /// The same key with the same input gets the same answer, and nothing happens twice.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// Where somebody saw a shipment, or what is wrong with it: exactly one of `status` and `condition`.
#[derive(InputObject, Serialize)]
pub struct RecordScanInput {
    /// The shipment.
    shipment_id: ID,
    /// How far it was. Not `CANCELLED`: that is `cancelShipment`.
    status: Option<ShipmentStatus>,
    /// What is wrong with it. Later progress clears it. One that is `LOST`, `DAMAGED` or `RETURNING` can be called off.
    // Left out as well where it was before there was such a field: then a key still has the same input.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<ShipmentConditionKind>,
    /// When: at most an hour ahead, which clocks may differ, and not more than a day before the order.
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
    pub(in crate::graphql) fn read(self) -> Result<(ManualScan, Option<IdempotencyKey>), Refusal> {
        let key = key(&self.idempotency_key, "recordScan", &self)?;
        let manual_scan = ManualScan {
            shipment_id: id("shipmentId", &self.shipment_id)?,
            meaning: meaning(self.status, self.condition)?,
            occurred_at: moment("occurredAt", &self.occurred_at)?,
            location: self.location,
            notes: self.notes,
        };
        Ok((manual_scan, key))
    }
}

fn meaning(
    status: Option<ShipmentStatus>,
    condition: Option<ShipmentConditionKind>,
) -> Result<Meaning, Refusal> {
    match (status, condition) {
        (Some(status), None) => Ok(Meaning::Status(status.into())),
        (None, Some(condition)) => Ok(Meaning::Condition(condition.into())),
        (None, None) => Err(invalid("status", "say how far it was, or its condition")),
        (Some(_), Some(_)) => {
            Err(invalid("condition", "say how far it was or its condition; both are two scans"))
        }
    }
}
