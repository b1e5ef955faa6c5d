//! Estimates of the merchant's staff and of the supplier who ships. Those of carriers come with scans.

use serde_json::json;

use crate::{
    activity::ActivityKind,
    delivery_estimate::{DeliveryEstimate, ExpectedDelivery},
    ids::ShipmentId,
    input_field::InputField,
    order::{Order, Outcome, activities::ActivityDetail},
    refusal::Refusal,
    transition::Context,
};

impl Order {
    /// Makes the estimate with which a new shipment is registered a revision. Returns it.
    pub(super) fn record_promise(
        &mut self,
        id: ShipmentId,
        expected: Option<ExpectedDelivery>,
        context: &Context,
    ) -> Option<DeliveryEstimate> {
        let promised = expected.map(|expected| DeliveryEstimate::from_merchant(expected, context.now));
        self.changes.estimates.extend(promised.map(|estimate| (id, estimate)));
        promised
    }

    /// Says when the delivery of a shipment is expected. It counts until a carrier, or somebody else, says another
    /// estimate. To say again what counts already changes nothing.
    pub(super) fn set_delivery_estimate(
        &mut self,
        id: ShipmentId,
        expected: ExpectedDelivery,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let shipment = self.find_shipment(id)?;
        if !self.may_ship(shipment, context) {
            let message = "this role may not say when that shipment is expected";
            return Err(Refusal::Forbidden(message.to_owned()));
        }
        if shipment.tracking.estimated_delivery == Some(expected) {
            return Ok(Outcome { shipment: Some(id), ..Outcome::default() });
        }
        if !shipment.status().is_on_its_way() {
            let message = format!("the shipment is {}: nothing is expected of it", shipment.status());
            return Err(Refusal::invalid(InputField::ShipmentId, message));
        }
        let estimate = DeliveryEstimate::from_merchant(expected, context.now);
        let facts = json!({
            "carrier": shipment.carrier().as_str(),
            "tracking_number": &*shipment.tracking_number,
            "delivery_estimate": expected.to_string(),
        });
        let shipment = self.find_shipment_mut(id)?;
        shipment.promised_delivery = Some(estimate);
        shipment.tracking.estimated_delivery = Some(expected);
        self.changes.estimates.insert((id, estimate));
        self.mark_changed(id);
        let detail = ActivityDetail { facts, notes: None, shipment_id: Some(id) };
        self.record_activity(ActivityKind::DeliveryEstimateSet, detail, context);
        Ok(Outcome { changed: true, shipment: Some(id), ..Outcome::default() })
    }
}
