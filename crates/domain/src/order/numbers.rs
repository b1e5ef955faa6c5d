//! Adding and replacing tracking numbers of a shipment, and which numbers of the order are taken.
//!
//! `Order::apply` calls `add_number` and `replace_number`. Both refuse a number that another live shipment of the order
//! has. To add a number that the shipment has, or to replace its primary number by itself, changes nothing.
//! `find_number_holder` is `None` if no live shipment of the order has one of the numbers; `ship` asks it too.

use serde_json::json;

use crate::{
    activity::ActivityKind,
    ids::ShipmentId,
    input_field::InputField,
    order::{Order, Outcome, activities::ActivityDetail, text_validation::check_reason},
    refusal::{Refusal, ShipmentRefusal},
    shipment::Shipment,
    shipment_number::{ShipmentNumber, VoidNumber},
    shipment_status::ShipmentStatus,
    tracking_number::TrackingNumber,
    transition::Context,
};

/// The most tracking numbers of one shipment, void ones included.
pub const MAX_NUMBERS: usize = 50;

impl Order {
    /// Adds a number to a shipment, also to a delivered one. A number that the shipment has already changes nothing.
    pub(super) fn add_number(
        &mut self,
        id: ShipmentId,
        number: TrackingNumber,
        is_shared: bool,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let shipment = self.check_number_change(id, context)?;
        let unchanged = Outcome { shipment: Some(id), ..Outcome::default() };
        if shipment.has_number(&number) {
            return Ok(unchanged);
        }
        self.check_new_number(shipment, &number)?;
        self.cancel_former_holder(&number, context);
        self.put_number(id, ShipmentNumber::new(number.clone(), context.now, is_shared))?;
        self.record_number_activity(ActivityKind::TrackingNumberAdded, id, &number, None, None, context);
        Ok(Outcome { changed: true, ..unchanged })
    }

    /// Makes a number the primary one of a shipment, and the former primary number void.
    pub(super) fn replace_number(
        &mut self,
        id: ShipmentId,
        number: TrackingNumber,
        is_shared: bool,
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let shipment = self.check_number_change(id, context)?;
        let unchanged = Outcome { shipment: Some(id), ..Outcome::default() };
        let former = shipment.tracking_number.clone();
        if former == number {
            return Ok(unchanged);
        }
        if shipment.status() == ShipmentStatus::Delivered {
            let message = format!("parcel {former} was delivered; retract the scan first if that is wrong");
            return Err(Refusal::shipment(ShipmentRefusal::AlreadyDelivered, message));
        }
        check_reason(&reason)?;
        let is_outbound = shipment.is_outbound();
        let is_new = !shipment.has_number(&number);
        if is_new {
            self.check_new_number(shipment, &number)?;
            self.cancel_former_holder(&number, context);
            self.put_number(id, ShipmentNumber::new(number.clone(), context.now, is_shared))?;
        }
        let shipment = self.find_shipment_mut(id)?;
        if let Some(old) = shipment.numbers.iter_mut().find(|one| one.number == former) {
            let (actor, reason) = (context.actor.clone(), Some(reason.clone()));
            old.void = Some(VoidNumber { at: context.now, actor, reason });
        }
        shipment.tracking_number = number.clone();
        self.mark_changed(id);
        let kind = ActivityKind::TrackingNumberReplaced;
        self.record_number_activity(kind, id, &number, Some(&former), Some(reason), context);
        if is_outbound {
            self.note_told_number_change(id, former);
        }
        Ok(Outcome { changed: true, ..unchanged })
    }

    /// The live shipment of this order that has one of these numbers, with whatever carrier: one parcel is registered
    /// once.
    pub(super) fn find_number_holder<'a>(
        &self,
        numbers: impl Iterator<Item = &'a TrackingNumber> + Clone,
    ) -> Option<&Shipment> {
        let is_held = |own: &TrackingNumber| numbers.clone().any(|number| **number == **own);
        self.shipments.iter().find(|shipment| shipment.is_live() && shipment.live_numbers().any(is_held))
    }

    /// Whether the actor may change the numbers of this shipment now.
    fn check_number_change(&self, id: ShipmentId, context: &Context) -> Result<&Shipment, Refusal> {
        let shipment = self.find_shipment(id)?;
        if !self.may_ship(shipment, context) {
            return Err(Refusal::Forbidden("this role may not change that shipment".to_owned()));
        }
        if !shipment.is_live() {
            let message =
                format!("parcel {} is cancelled: register a new shipment", shipment.tracking_number);
            return Err(Refusal::shipment(ShipmentRefusal::AlreadyCancelled, message));
        }
        Ok(shipment)
    }

    /// Refuses a number that another live shipment of this order has, and one too many.
    fn check_new_number(&self, shipment: &Shipment, number: &TrackingNumber) -> Result<(), Refusal> {
        let is_known = shipment.numbers.iter().any(|one| one.number == *number);
        if !is_known && shipment.numbers.len() >= MAX_NUMBERS {
            let message = format!("a shipment has at most {MAX_NUMBERS} tracking numbers");
            return Err(Refusal::invalid(InputField::TrackingNumber, message));
        }
        match self.find_number_holder([number].into_iter()) {
            Some(holder) if holder.id != shipment.id => Err(number_in_use(number)),
            Some(_) | None => Ok(()),
        }
    }

    /// Gives the shipment a live number. A void number becomes live again.
    fn put_number(&mut self, id: ShipmentId, new: ShipmentNumber) -> Result<(), Refusal> {
        let numbers = &mut self.find_shipment_mut(id)?.numbers;
        match numbers.iter_mut().find(|one| one.number == new.number) {
            Some(old) => *old = new,
            None => numbers.push(new),
        }
        self.mark_changed(id);
        Ok(())
    }

    fn record_number_activity(
        &mut self,
        kind: ActivityKind,
        id: ShipmentId,
        number: &TrackingNumber,
        former: Option<&TrackingNumber>,
        notes: Option<String>,
        context: &Context,
    ) {
        let mut facts = json!({ "carrier": number.carrier().as_str(), "tracking_number": &**number });
        if let Some(former) = former {
            facts["former_carrier"] = former.carrier().as_str().into();
            facts["former_tracking_number"] = (**former).into();
        }
        self.record_activity(kind, ActivityDetail { facts, notes, shipment_id: Some(id) }, context);
    }
}

/// The refusal of a number that a live shipment of this order has. A supplier gets the same text for a shipment of
/// another order, so that it cannot tell the two cases apart.
pub(super) fn number_in_use(number: &TrackingNumber) -> Refusal {
    let message = format!("{} {number} is on its way already", number.carrier());
    Refusal::shipment(ShipmentRefusal::NumberInUse, message)
}
