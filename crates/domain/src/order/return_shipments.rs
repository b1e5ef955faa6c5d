//! Registering a return shipment: the parcel in which a customer sends units back. `return_shipment.rs` says how it
//! differs from a shipment to the customer.
//!
//! 1. It is registered for an order that is delivered, or further. No request for a return is needed before.
//! 2. A unit comes back once: the live return shipments never have more units than were delivered.

use crate::{
    activity::ActivityKind,
    input_field::InputField,
    item::Item,
    order::{
        NewShipment, Order, Outcome,
        quantities::has_same_quantities,
        returns::{asked_back, count_outstanding},
        text_validation::check_text,
    },
    refusal::{Refusal, ShipmentRefusal},
    shipment::{ItemQuantity, Origin, Shipment, Tracking},
    shipment_direction::ShipmentDirection,
    shipment_status::{Rank, rank_without_shipments},
    transition::Context,
};

impl Order {
    /// Registers a return shipment. Of `new`, `origin` is the place to which it goes; by default, the main warehouse.
    /// Without `lines` it has all units that are expected back and are in no return shipment yet.
    pub(super) fn create_return_shipment(
        &mut self,
        new: NewShipment,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("register return shipments")?;
        if rank_without_shipments(self.head.status) < Rank::Delivered {
            let message =
                format!("the order is {}: units are sent back once it is delivered", self.head.status);
            return Err(Refusal::invalid(InputField::Direction, message));
        }
        let numbers = new.shipment_numbers(context.now)?;
        let number = new.tracking_number;
        let same_number = self.shipments.iter().filter(|shipment| shipment.has_number(&number));
        let mut own = same_number.filter(|same| !same.is_outbound() && same.is_live());
        let asked =
            new.lines.as_deref().map(|lines| self.sum_quantities(lines, &context.actor)).transpose()?;
        if let Some(own) = own.next() {
            return match &asked {
                Some(lines) if !has_same_quantities(lines, &own.lines) => {
                    Err(refuse_number(own, "a return shipment of this order with other items"))
                }
                Some(_) | None => Ok(Outcome { shipment: Some(own.id), ..Default::default() }),
            };
        }
        let is_on_its_way = |one: &&Shipment| {
            one.status().is_on_its_way() && numbers.iter().any(|new| one.has_number(&new.number))
        };
        if let Some(other) = self.shipments.iter().find(is_on_its_way) {
            return Err(refuse_number(other, "on its way already"));
        }
        let lines = match new.lines.as_deref() {
            Some(lines) => self.sum_units_to_send(lines, context)?,
            None => self.units_expected_back(),
        };
        if lines.is_empty() {
            let message = "no unit that is to come back waits for a parcel: say which items are in it";
            return Err(Refusal::shipment(ShipmentRefusal::NothingToShip, message));
        }
        let origin = new.origin.unwrap_or_else(Origin::main_warehouse);
        check_text(InputField::OriginCode, &origin.code)?;
        for new in &numbers {
            self.cancel_former_holder(&new.number, context);
        }
        let promised = self.record_promise(new.id, new.estimated_delivery, context);
        self.shipments.push(Shipment {
            id: new.id,
            order_id: self.head.id,
            tracking_number: number,
            numbers,
            direction: ShipmentDirection::Return,
            origin,
            tracking: Tracking::labelled(new.estimated_delivery),
            promised_delivery: promised,
            created_at: context.now,
            cancelled_at: None,
            cancel_reason: None,
            lines,
        });
        self.changes.new_shipments.insert(new.id);
        self.record_shipment_activity(ActivityKind::ReturnShipmentCreated, new.id, None, context);
        Ok(Outcome { changed: true, shipment: Some(new.id), ..Default::default() })
    }

    /// The units that these lines name. Refuses more units of an item than were delivered and are in no return shipment
    /// yet.
    fn sum_units_to_send(
        &self,
        lines: &[ItemQuantity],
        context: &Context,
    ) -> Result<Vec<ItemQuantity>, Refusal> {
        let free = |item: &Item| self.count_delivered(item).saturating_sub(self.in_return_shipments(item));
        self.sum_free_units(lines, &context.actor, free, |item, sent| {
            format!(
                "{sent} units of {} are sent back, but of {} delivered {} are in return shipments already",
                item.sku,
                self.count_delivered(item),
                self.in_return_shipments(item)
            )
        })
    }

    /// The units that are asked back, have not come, and are in no return shipment yet. If no unit is asked back, all
    /// delivered units count as asked back.
    fn units_expected_back(&self) -> Vec<ItemQuantity> {
        let is_named = self.names_returned_units();
        let units = self.items.iter().map(|item| {
            let travelling = self.in_return_shipments(item);
            let quantity = match is_named {
                true => count_outstanding(item).min(asked_back(item).saturating_sub(travelling)),
                false => self.count_delivered(item).saturating_sub(travelling),
            };
            ItemQuantity { item_id: item.id, quantity }
        });
        let mut units: Vec<_> = units.filter(|line| line.quantity > 0).collect();
        units.sort_by_key(|line| line.item_id);
        units
    }

    /// Units of an item in return shipments that are not cancelled, also in those that have arrived.
    fn in_return_shipments(&self, item: &Item) -> u32 {
        item.units_in(self.shipments.iter().filter(|shipment| !shipment.is_outbound() && shipment.is_live()))
    }
}

/// The refusal of a number that this shipment has.
fn refuse_number(holder: &Shipment, whose: &str) -> Refusal {
    let message = format!("{} {} is {whose}", holder.carrier(), holder.tracking_number);
    Refusal::shipment(ShipmentRefusal::NumberInUse, message)
}
