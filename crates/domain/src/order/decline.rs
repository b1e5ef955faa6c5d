//! Declines a part of an item: a supplier ships two of five units, and declines three. `Order::apply` calls
//! `decline_units`.
//!
//! 1. The declined units become an item of their own, with the same SKU, name and supplier, and with the supplier's
//!    refusal. Staff reassign or cancel it as any other item. The rest keeps its id and its answer.
//! 2. The sum of both quantities is the old quantity, and only units in no live shipment are declined. So a unit is
//!    still allocated once.
//! 3. Who declines all wanted units of an item declines the item itself: it is not split.

use crate::{
    activity::ActivityKind,
    ids::ItemId,
    input_field::{InputField, ItemField},
    item::Item,
    order::{
        Order, Outcome,
        dropship::{Named, check_may_answer},
        place::MAX_ITEMS,
        text_validation::check_reason,
    },
    refusal::Refusal,
    shipment::{ItemQuantity, OriginKind},
    supplier_commitment::SupplierAnswer,
    transition::Context,
};

/// Units of one item that its supplier declines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclinedUnits {
    /// The item, and how many units of it.
    pub line: ItemQuantity,
    /// The id of the item that is made of these units, if they are not all of the item.
    pub new_item: ItemId,
}

impl Order {
    /// Records that the supplier will not ship these units. An item that is declined already stays as it is.
    pub(super) fn decline_units(
        &mut self,
        units: &[DeclinedUnits],
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        check_may_answer(&context.actor)?;
        check_reason(&reason)?;
        let lines: Vec<ItemQuantity> = units.iter().map(|units| units.line).collect();
        let sums = self.sum_quantities(&lines, &context.actor)?;
        let at = |id| lines.iter().rposition(|line| line.item_id == id).unwrap_or_default();
        let mut taken = Vec::new();
        for line in sums {
            let Some(place) = self.items.iter().position(|item| item.id == line.item_id) else { continue };
            let item = &self.items[place];
            if item.origin.as_ref().is_none_or(|origin| origin.kind != OriginKind::Supplier) {
                let message = format!("no supplier ships {}: there is nobody to answer", item.sku);
                return Err(Refusal::invalid(InputField::Item(at(item.id), ItemField::Id), message));
            }
            if item.commitment.declined().is_some() {
                continue;
            }
            let (free, asked, sku) = (item.unallocated(&self.shipments), line.quantity, &item.sku);
            if asked > free {
                let message = format!(
                    "{free} units of {sku} are in no parcel, {asked} were declined: cancel their shipment first"
                );
                return Err(Refusal::invalid(InputField::Item(at(item.id), ItemField::Quantity), message));
            }
            let new_item = units.iter().find(|units| units.line.item_id == item.id);
            let new_item = new_item.filter(|_| asked < item.wanted()).map(|units| units.new_item);
            taken.push((Named { at: at(item.id), place }, line, new_item));
        }
        if taken.is_empty() {
            return Ok(Outcome::default());
        }
        self.check_status_open()?;
        let splits = taken.iter().filter(|(_, _, new_item)| new_item.is_some()).count();
        if self.items.len() + splits > MAX_ITEMS {
            let message = format!("an order has at most {MAX_ITEMS} items: decline whole items with itemIds");
            return Err(Refusal::invalid(InputField::Items, message));
        }
        let lines: Vec<ItemQuantity> = taken.iter().map(|(_, line, _)| *line).collect();
        self.confirm_carrier_cancellations(&lines, context);
        let mut declined = Vec::with_capacity(taken.len());
        let answer = SupplierAnswer::Declined { at: context.now, reason: Some(reason.clone()) };
        for (named, line, new_item) in taken {
            let item_id = match new_item {
                Some(new_item) => self.split_item(named.place, line.quantity, new_item, &answer),
                None => {
                    self.record_answer(std::slice::from_ref(&named), &answer);
                    line.item_id
                }
            };
            declined.push(ItemQuantity { item_id, quantity: line.quantity });
        }
        self.record_item_activity(ActivityKind::ItemsDeclined, &declined, Some(reason), context);
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// Takes wanted units out of an item and makes a new item of them, behind the others.
    fn split_item(&mut self, place: usize, quantity: u32, id: ItemId, answer: &SupplierAnswer) -> ItemId {
        let item = &mut self.items[place];
        item.quantity -= quantity;
        self.changes.items.insert(item.id);
        let mut new = Item {
            id,
            quantity,
            cancelled: 0,
            cancel_reason: None,
            return_requested: 0,
            return_reason: None,
            returned: 0,
            return_written_off: 0,
            split_from: Some(item.id),
            ..item.clone()
        };
        new.commitment.answer = Some(answer.clone());
        self.changes.new_items.insert(id);
        self.items.push(new);
        id
    }
}
