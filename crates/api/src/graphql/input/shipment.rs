//! The inputs of the mutations `createShipment`, `cancelShipment`, `recordScan`, `retractScan` and `setDeliveryEstimate`.
//!
//! Each conversion refuses what cannot be read. The key that it returns is `None` if the client sent none.

use app::{IdempotencyKey, orders::ManualScan};
use async_graphql::{ID, InputObject};
use domain::{
    CarrierDirectory, DeliveryWindow, ExpectedDelivery, InputField, Meaning, NewShipment, OrderId, Refusal,
    ScanId, ShipmentId, TrackingNumber,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    super::{
        carrier::CarrierInput,
        delivery_estimate::DeliveryEstimateInput,
        enums::{ShipmentConditionKind, ShipmentDirection, ShipmentStatus},
    },
    OriginInput, QuantityInput, Time, parse_id, parse_key, parse_optional_time, parse_quantities, parse_time,
    tracking_number::{TrackingNumberInput, parse_further_numbers},
};

/// A shipment to register: what is in it, and under which number it travels.
#[derive(InputObject, Serialize)]
pub struct CreateShipmentInput {
    /// The id of the order whose units are in the shipment.
    order_id: ID,
    /// The company that carries the shipment.
    carrier: CarrierInput,
    /// The number that the carrier gave the shipment. Blanks in it and the case of letters do not matter.
    tracking_number: String,
    /// Further tracking numbers of the shipment: of the carrier of the last mile, of a piece, or another number of the
    /// same carrier. Scans of any of them are scans of the shipment.
    // Like `condition` of `RecordScanInput`: inputs that were hashed without it still match.
    #[serde(skip_serializing_if = "Option::is_none")]
    further_numbers: Option<Vec<TrackingNumberInput>>,
    /// Whether shipments of other orders may have the numbers at the same time: several orders in one box. Each order
    /// then follows the scans. The default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_number: Option<bool>,
    /// The place from which the shipment is sent. By default, the place from which its items are planned to be shipped;
    /// for items without a plan, the warehouse `main`. If the items are planned to come from several places, `origin`
    /// is required, so that nobody ships a supplier's items by mistake.
    origin: Option<OriginInput>,
    /// The items and quantities in the shipment. By default, every unit that is in no shipment yet and that the caller
    /// may ship, including suppliers' items. If these come from several places, send `items` or `origin`.
    items: Option<Vec<QuantityInput>>,
    /// Whether the shipment goes to the customer (the default) or comes back. A return shipment is registered from the
    /// status `DELIVERED` on, by support and systems. `origin` is then the place to which it goes, by default the
    /// warehouse `main`; `items` are by default all units that were asked back, have not arrived, and are in no return
    /// shipment yet.
    // Not serialized when it is `None`, so that an idempotency key matches its input from before this field existed.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<ShipmentDirection>,
    /// When the shipment is expected to be delivered, as an instant. It is used until the carrier sends an estimate. Its
    /// day is that of UTC: better use `deliveryEstimate`.
    estimated_delivery: Option<Time>,
    /// When the shipment is expected to be delivered, as a day or a window. It is used until the carrier sends an
    /// estimate. Not together with `estimatedDelivery`.
    // Not serialized when it is `None`: before this field existed, inputs were hashed without it, and an idempotency
    // key of that time must still match its input.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_estimate: Option<DeliveryEstimateInput>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A shipment to cancel.
#[derive(InputObject, Serialize)]
pub struct CancelShipmentInput {
    /// The id of the shipment.
    shipment_id: ID,
    /// Why it is cancelled. It becomes `Shipment.cancelReason`.
    reason: String,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// When the delivery of a shipment is expected.
#[derive(InputObject, Serialize)]
pub struct SetDeliveryEstimateInput {
    /// The id of the shipment.
    shipment_id: ID,
    /// When it is expected. It counts until the carrier, or somebody else, says another estimate.
    delivery_estimate: DeliveryEstimateInput,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A scan to retract.
#[derive(InputObject, Serialize)]
pub struct RetractScanInput {
    /// The id of the scan.
    scan_id: ID,
    /// Why the scan is wrong. It becomes `Scan.retractReason`.
    reason: String,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A scan to record by hand: how far a shipment is, or a problem with it. Send exactly one of `status` and
/// `condition`.
#[derive(InputObject, Serialize)]
pub struct RecordScanInput {
    /// The id of the shipment.
    shipment_id: ID,
    /// How far the shipment was. `CANCELLED` is refused; use `cancelShipment` for it.
    status: Option<ShipmentStatus>,
    /// The problem with the shipment. Later progress clears it. A shipment that is `LOST`, `DAMAGED`, `RETURNING` or
    /// `RETURNED` can be cancelled. With `RETURNING` the return begins: from then on only `recordScan` moves the order.
    // Not serialized when it is `None`: before this field existed, inputs were hashed without it, and an idempotency
    // key of that time must still match its input.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<ShipmentConditionKind>,
    /// When it happened. It may be at most one hour in the future, because clocks differ, and at most one day before
    /// the order was placed.
    occurred_at: Time,
    /// The place, for people, for example `Holbrook, NY, US`.
    location: Option<String>,
    /// Notes. They become the `description` of the scan, which the customer sees too.
    notes: Option<String>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

impl CreateShipmentInput {
    pub(in crate::graphql) fn direction(&self) -> ShipmentDirection {
        self.direction.unwrap_or(ShipmentDirection::Outbound)
    }

    pub(in crate::graphql) fn into_new_shipment(
        self,
        carriers: &CarrierDirectory,
    ) -> Result<(OrderId, NewShipment, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "createShipment", &self)?;
        let carrier = self.carrier.parse_for_mutation(carriers)?;
        let new = NewShipment {
            id: ShipmentId(Uuid::now_v7()),
            tracking_number: TrackingNumber::parse(carrier, &self.tracking_number)
                .map_err(|error| Refusal::invalid(InputField::TrackingNumber, error.to_string()))?,
            further_numbers: parse_further_numbers(self.further_numbers.unwrap_or_default(), carriers)?,
            shares_numbers: self.shared_number.unwrap_or_default(),
            origin: self.origin.map(OriginInput::into_origin),
            lines: self.items.as_deref().map(parse_quantities).transpose()?,
            estimated_delivery: parse_estimate(self.estimated_delivery, self.delivery_estimate)?,
        };
        Ok((parse_id(InputField::OrderId, &self.order_id)?, new, key))
    }
}

impl CancelShipmentInput {
    pub(in crate::graphql) fn into_cancellation(
        self,
    ) -> Result<(ShipmentId, String, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "cancelShipment", &self)?;
        Ok((parse_id(InputField::ShipmentId, &self.shipment_id)?, self.reason, key))
    }
}

impl SetDeliveryEstimateInput {
    pub(in crate::graphql) fn into_estimate(
        self,
    ) -> Result<(ShipmentId, ExpectedDelivery, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "setDeliveryEstimate", &self)?;
        Ok((parse_id(InputField::ShipmentId, &self.shipment_id)?, self.delivery_estimate.parse()?, key))
    }
}

impl RetractScanInput {
    pub(in crate::graphql) fn into_retraction(
        self,
    ) -> Result<(ScanId, String, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "retractScan", &self)?;
        Ok((parse_id(InputField::ScanId, &self.scan_id)?, self.reason, key))
    }
}

impl RecordScanInput {
    pub(in crate::graphql) fn into_manual_scan(
        self,
    ) -> Result<(ManualScan, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "recordScan", &self)?;
        let manual_scan = ManualScan {
            shipment_id: parse_id(InputField::ShipmentId, &self.shipment_id)?,
            meaning: parse_meaning(self.status, self.condition)?,
            occurred_at: parse_time(InputField::OccurredAt, &self.occurred_at)?,
            location: self.location,
            notes: self.notes,
        };
        Ok((manual_scan, key))
    }
}

/// The estimate of a registration, from either of its two fields.
fn parse_estimate(
    instant: Option<Time>,
    estimate: Option<DeliveryEstimateInput>,
) -> Result<Option<ExpectedDelivery>, Refusal> {
    let instant = parse_optional_time(InputField::EstimatedDelivery, instant)?;
    match (instant, estimate) {
        (Some(_), Some(_)) => Err(Refusal::invalid(
            InputField::DeliveryEstimate,
            "say it either here or as estimatedDelivery, not both",
        )),
        (None, Some(estimate)) => estimate.parse().map(Some),
        (instant, None) => {
            Ok(instant.map(|at| ExpectedDelivery::Window(DeliveryWindow::at(at.fixed_offset()))))
        }
    }
}

fn parse_meaning(
    status: Option<ShipmentStatus>,
    condition: Option<ShipmentConditionKind>,
) -> Result<Meaning, Refusal> {
    match (status, condition) {
        (Some(status), None) => Ok(Meaning::Status(status.into())),
        (None, Some(condition)) => Ok(Meaning::Condition(condition.into())),
        (None, None) => Err(Refusal::invalid(InputField::Status, "say how far it was, or its condition")),
        (Some(_), Some(_)) => Err(Refusal::invalid(
            InputField::Condition,
            "say how far it was or its condition; both are two scans",
        )),
    }
}
