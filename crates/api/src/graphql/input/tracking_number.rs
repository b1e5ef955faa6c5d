//! The inputs of the mutations `addTrackingNumber` and `replaceTrackingNumber`, and the further numbers of
//! `createShipment`.
//!
//! Each conversion refuses what cannot be read. The key that it returns is `None` if the client sent none.

use app::{IdempotencyKey, orders::NewNumber};
use async_graphql::{ID, InputObject};
use domain::{CarrierDirectory, InputField, MAX_NUMBERS, Refusal, ShipmentId, TrackingNumber};
use serde::Serialize;

use super::{super::carrier::CarrierInput, parse_id, parse_key};

/// A tracking number of a carrier.
#[derive(InputObject, Serialize)]
pub struct TrackingNumberInput {
    /// The carrier that gave the number.
    carrier: CarrierInput,
    /// The number. Blanks in it and the case of letters do not matter.
    tracking_number: String,
}

/// A tracking number to add to a shipment.
#[derive(InputObject, Serialize)]
pub struct AddTrackingNumberInput {
    /// The id of the shipment.
    shipment_id: ID,
    /// The carrier that gave the number.
    carrier: CarrierInput,
    /// The number. Blanks in it and the case of letters do not matter.
    tracking_number: String,
    /// Whether shipments of other orders may have the number at the same time: several orders in one box. The
    /// default is false.
    shared_number: Option<bool>,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

/// A tracking number that replaces the primary one of a shipment.
#[derive(InputObject, Serialize)]
pub struct ReplaceTrackingNumberInput {
    /// The id of the shipment.
    shipment_id: ID,
    /// The carrier that gave the number. By default, the carrier of the shipment.
    carrier: Option<CarrierInput>,
    /// The number. Blanks in it and the case of letters do not matter.
    tracking_number: String,
    /// Whether shipments of other orders may have the number at the same time: several orders in one box. The
    /// default is false.
    shared_number: Option<bool>,
    /// The reason. Customers and suppliers do not see it.
    reason: String,
    /// A repeated request with the same key and the same input changes nothing and gets the first answer again.
    #[serde(skip)]
    idempotency_key: Option<String>,
}

impl AddTrackingNumberInput {
    pub(in crate::graphql) fn into_new_number(
        self,
        carriers: &CarrierDirectory,
    ) -> Result<(NewNumber, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "addTrackingNumber", &self)?;
        let new = NewNumber {
            shipment_id: parse_shipment_id(&self.shipment_id)?,
            carrier: Some(self.carrier.parse_for_mutation(carriers)?),
            text: self.tracking_number,
            shared: self.shared_number.unwrap_or_default(),
        };
        Ok((new, key))
    }
}

impl ReplaceTrackingNumberInput {
    /// The new number, and the reason.
    pub(in crate::graphql) fn into_replacement(
        self,
        carriers: &CarrierDirectory,
    ) -> Result<(NewNumber, String, Option<IdempotencyKey>), Refusal> {
        let key = parse_key(&self.idempotency_key, "replaceTrackingNumber", &self)?;
        let new = NewNumber {
            shipment_id: parse_shipment_id(&self.shipment_id)?,
            carrier: self.carrier.map(|carrier| carrier.parse_for_mutation(carriers)).transpose()?,
            text: self.tracking_number,
            shared: self.shared_number.unwrap_or_default(),
        };
        Ok((new, self.reason, key))
    }
}

fn parse_shipment_id(text: &ID) -> Result<ShipmentId, Refusal> {
    parse_id(InputField::ShipmentId, text)
}

/// Parses the further numbers of a new shipment. A refusal names the place in the list.
pub(super) fn parse_further_numbers(
    inputs: Vec<TrackingNumberInput>,
    carriers: &CarrierDirectory,
) -> Result<Vec<TrackingNumber>, Refusal> {
    if inputs.len() >= MAX_NUMBERS {
        let message = format!("a shipment has at most {MAX_NUMBERS} tracking numbers");
        return Err(Refusal::invalid(InputField::FurtherNumbers, message));
    }
    let parse = |(at, input): (usize, TrackingNumberInput)| {
        let carrier = input.carrier.parse_for_mutation(carriers).map_err(|refusal| match refusal {
            Refusal::InvalidInput { message, .. } => {
                Refusal::invalid(InputField::FurtherCarrier(at), message)
            }
            other => other,
        })?;
        TrackingNumber::parse(carrier, &input.tracking_number)
            .map_err(|error| Refusal::invalid(InputField::FurtherNumber(at), error.to_string()))
    };
    inputs.into_iter().enumerate().map(parse).collect()
}
