//! Registering a shipment: which units it gets, and whether these units and its tracking number are free.
//!
//! `Order::apply` calls `create_shipment`. To register the same shipment again is no error: the answer is the shipment
//! that there is. Numbers of other orders are checked by `app::orders::reservations`. The functions that begin with
//! `check_` change nothing. `check_status_takes_shipments` asks the status only: an order that is `closed` takes
//! shipments, and reopens. `cancel` and `scans` ask `may_ship` too.

use chrono::{DateTime, Utc};

use crate::{
    activity::ActivityKind,
    actor::{Actor, ActorKind},
    delivery_estimate::ExpectedDelivery,
    ids::ShipmentId,
    input_field::{InputField, ItemField},
    item::Item,
    order::{
        MAX_NUMBERS, Order, Outcome, numbers::number_in_use, quantities::has_same_quantities,
        text_validation::check_text,
    },
    refusal::{Refusal, ShipmentRefusal},
    shipment::{ItemQuantity, Origin, OriginKind, Shipment, Tracking, live_shipments},
    shipment_direction::ShipmentDirection,
    shipment_number::ShipmentNumber,
    supplier_commitment::SupplierAnswer,
    tracking_number::TrackingNumber,
    transition::Context,
};

/// A shipment to register.
#[derive(Clone, Debug)]
pub struct NewShipment {
    /// The id of the new shipment.
    pub id: ShipmentId,
    /// The carrier and its number of the shipment.
    pub tracking_number: TrackingNumber,
    /// Further numbers of the shipment. Repetitions do not count.
    pub further_numbers: Vec<TrackingNumber>,
    /// Whether shipments of other orders may have the numbers too: several orders in one box.
    pub shares_numbers: bool,
    /// Where it is sent from. `None`: the planned origin of its items, which must be the same for all of them.
    pub origin: Option<Origin>,
    /// The units in it. `None`: all units that wait for a shipment and that the caller may ship.
    pub lines: Option<Vec<ItemQuantity>>,
    /// When the delivery is expected.
    pub estimated_delivery: Option<ExpectedDelivery>,
}

impl NewShipment {
    /// The primary number and the further ones, each once.
    pub fn numbers(&self) -> Vec<&TrackingNumber> {
        let mut numbers = vec![&self.tracking_number];
        for number in &self.further_numbers {
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        numbers
    }

    /// The numbers as a new shipment of the order has them, added at `now`. Refuses more than [`MAX_NUMBERS`].
    pub(super) fn shipment_numbers(&self, now: DateTime<Utc>) -> Result<Vec<ShipmentNumber>, Refusal> {
        let numbers = self.numbers();
        if numbers.len() > MAX_NUMBERS {
            let message = format!("a shipment has at most {MAX_NUMBERS} tracking numbers");
            return Err(Refusal::invalid(InputField::FurtherNumbers, message));
        }
        let new = |number: &TrackingNumber| ShipmentNumber::new(number.clone(), now, self.shares_numbers);
        Ok(numbers.into_iter().map(new).collect())
    }
}

impl Order {
    pub(super) fn create_shipment(
        &mut self,
        new: NewShipment,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let numbers = new.shipment_numbers(context.now);
        let number = new.tracking_number;
        let asked =
            new.lines.as_deref().map(|lines| self.sum_quantities(lines, &context.actor)).transpose()?;
        if !self.items.iter().any(|item| item.may_be_shipped_by(&context.actor)) {
            return Err(Refusal::Forbidden("this role may not ship items of this order".to_owned()));
        }
        let in_use = |whose: &str| {
            let message = format!("{} {number} is {whose}", number.carrier());
            Refusal::shipment(ShipmentRefusal::NumberInUse, message)
        };
        let same = self.find_live_shipment(&number);
        if let Some(own) = same.filter(|same| self.may_ship(same, context)) {
            return match &asked {
                Some(lines) if !has_same_quantities(lines, &own.lines) => {
                    Err(in_use("a parcel of this order with other items"))
                }
                Some(_) | None => Ok(Outcome { shipment: Some(own.id), ..Default::default() }),
            };
        }
        self.check_status_takes_shipments()?;
        let numbers = numbers?;
        let lines = match asked {
            Some(lines) => lines,
            None => self.unallocated_lines(context),
        };
        if lines.is_empty() {
            let message = "no unit that this caller may ship waits for a parcel";
            return Err(Refusal::shipment(ShipmentRefusal::NothingToShip, message));
        }
        for line in &lines {
            self.check_allocation(line)?;
        }
        let origin = match new.origin {
            Some(origin) => {
                check_text(InputField::OriginCode, &origin.code)?;
                check_own_origin(&origin, &context.actor)?;
                origin
            }
            None => self.planned_origin(&lines)?,
        };
        self.check_not_declined(&lines, &origin, new.lines.as_deref())?;
        // This refusal comes last, like the one of a number that another order has: a caller that may not ship must
        // not learn which numbers exist.
        if self.find_number_holder(numbers.iter().map(|new| &new.number)).is_some() {
            return Err(number_in_use(&number));
        }
        self.accept_by_shipping(&lines, &origin, context);
        self.confirm_carrier_cancellations(&lines, context);
        for new in &numbers {
            self.cancel_former_holder(&new.number, context);
        }
        let promised = self.record_promise(new.id, new.estimated_delivery, context);
        self.shipments.push(Shipment {
            id: new.id,
            order_id: self.head.id,
            tracking_number: number,
            numbers,
            direction: ShipmentDirection::Outbound,
            origin,
            tracking: Tracking::labelled(new.estimated_delivery),
            promised_delivery: promised,
            created_at: context.now,
            cancelled_at: None,
            cancel_reason: None,
            lines,
        });
        self.changes.new_shipments.insert(new.id);
        self.record_shipment_activity(ActivityKind::ShipmentCreated, new.id, None, context);
        self.advance(None, context);
        Ok(Outcome { changed: true, shipment: Some(new.id), ..Default::default() })
    }

    /// A supplier does not ship an item that it declined, whoever registers the shipment.
    fn check_not_declined(
        &self,
        lines: &[ItemQuantity],
        origin: &Origin,
        asked: Option<&[ItemQuantity]>,
    ) -> Result<(), Refusal> {
        let declined = |item: &&Item| {
            is_shipped_by_its_supplier(item, lines, origin) && item.commitment.declined().is_some()
        };
        let Some(item) = self.items.iter().find(declined) else { return Ok(()) };
        let at = asked.and_then(|lines| lines.iter().position(|line| line.item_id == item.id));
        let field = at.map_or(InputField::Items, |at| InputField::Item(at, ItemField::Id));
        let (code, sku) = (&origin.code, &item.sku);
        let message = format!("{code} declined {sku}: it has to be reassigned before {code} ships it");
        Err(Refusal::invalid(field, message))
    }

    /// A supplier who ships an item has accepted it, whoever registers the shipment.
    fn accept_by_shipping(&mut self, lines: &[ItemQuantity], origin: &Origin, context: &Context) {
        let mut accepted = Vec::new();
        for item in &mut self.items {
            if is_shipped_by_its_supplier(item, lines, origin) && item.commitment.answer.is_none() {
                item.commitment.answer = Some(SupplierAnswer::Accepted { at: context.now });
                self.changes.items.insert(item.id);
                accepted.push(ItemQuantity { item_id: item.id, quantity: item.wanted() });
            }
        }
        if !accepted.is_empty() {
            self.record_item_activity(ActivityKind::ItemsAccepted, &accepted, None, context);
        }
    }

    /// Whether the actor may register or cancel this shipment. A supplier may if the shipment is sent by this
    /// supplier and contains only the supplier's items.
    pub(super) fn may_ship(&self, shipment: &Shipment, context: &Context) -> bool {
        if context.actor.kind == ActorKind::Supplier && !shipment.origin.is_supplier(&context.actor) {
            return false;
        }
        let mut items = shipment.lines.iter().filter_map(|line| self.find_item(line.item_id));
        items.all(|item| item.may_be_shipped_by(&context.actor))
    }

    fn check_status_takes_shipments(&self) -> Result<(), Refusal> {
        let status = self.head.status;
        if status.is_open() {
            return Ok(());
        }
        let message = format!(
            "the order is {status}: it takes no more parcels; a new order can replace it (placeOrder with replaces)"
        );
        Err(Refusal::shipment(ShipmentRefusal::OrderClosed, message))
    }

    fn check_allocation(&self, line: &ItemQuantity) -> Result<(), Refusal> {
        let item = self.find_item(line.item_id).ok_or(Refusal::NotFound("item"))?;
        if line.quantity > item.unallocated(&self.shipments) {
            return Err(Refusal::OverAllocated {
                item: item.id,
                ordered: item.wanted(),
                allocated: item.allocated(&self.shipments),
                asked: line.quantity,
            });
        }
        Ok(())
    }

    /// All units that wait for a shipment and that this caller may ship. A supplier may not ship an item that it
    /// declined.
    fn unallocated_lines(&self, context: &Context) -> Vec<ItemQuantity> {
        let declined =
            |item: &Item| item.is_supplied_by(&context.actor) && item.commitment.declined().is_some();
        let items =
            self.items.iter().filter(|item| item.may_be_shipped_by(&context.actor) && !declined(item));
        let lines =
            items.map(|item| ItemQuantity { item_id: item.id, quantity: item.unallocated(&self.shipments) });
        let mut lines: Vec<_> = lines.filter(|line| line.quantity > 0).collect();
        lines.sort_by_key(|line| line.item_id);
        lines
    }

    /// The planned origin of these items, which must be one. An item without a plan comes from the main warehouse.
    fn planned_origin(&self, lines: &[ItemQuantity]) -> Result<Origin, Refusal> {
        let main = Origin::main_warehouse();
        let items = lines.iter().filter_map(|line| self.find_item(line.item_id));
        let mut origins = items.map(|item| item.origin.as_ref().unwrap_or(&main));
        let first = origins.next().unwrap_or(&main);
        if origins.any(|origin| origin != first) {
            let message = "the items were planned to come from several places: say which of them are in this parcel, \
                           or where it comes from";
            return Err(Refusal::invalid(InputField::Origin, message));
        }
        Ok(first.clone())
    }

    fn find_live_shipment(&self, number: &TrackingNumber) -> Option<&Shipment> {
        live_shipments(&self.shipments).find(|shipment| shipment.has_number(number))
    }
}

/// Whether the item is among these units, and they come from the supplier it was planned to come from.
fn is_shipped_by_its_supplier(item: &Item, lines: &[ItemQuantity], origin: &Origin) -> bool {
    origin.kind == OriginKind::Supplier
        && item.origin.as_ref() == Some(origin)
        && lines.iter().any(|line| line.item_id == item.id)
}

/// Refuses a supplier's shipment with an origin other than this supplier.
fn check_own_origin(origin: &Origin, actor: &Actor) -> Result<(), Refusal> {
    match actor.kind {
        ActorKind::Supplier if !origin.is_supplier(actor) => Err(Refusal::invalid(
            InputField::Origin,
            "a supplier's parcel comes from that supplier: leave it out",
        )),
        ActorKind::System
        | ActorKind::Support
        | ActorKind::Carrier
        | ActorKind::Customer
        | ActorKind::Supplier => Ok(()),
    }
}
