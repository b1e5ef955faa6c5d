//! Quantities in requests: sums the lines of a request by item. Refuses no lines, an unknown item and too many units.
//! The requests of `order/` that name units call this. The sums are sorted by the id of the item. `too_many` makes the
//! message of the refusal.
//! `find_item` is `None` for an id that no item of the order has.

use std::collections::BTreeMap;

use crate::{
    actor::Actor,
    ids::ItemId,
    input_field::{InputField, ItemField},
    item::Item,
    order::Order,
    refusal::Refusal,
    shipment::ItemQuantity,
};

/// The most units of one item in an order. A greater number is a mistake.
pub(super) const MAX_UNITS: u32 = 1_000_000;

/// The refusal of a quantity that is zero or more than [`MAX_UNITS`].
pub(super) fn build_quantity_refusal(field: InputField) -> Refusal {
    Refusal::invalid(field, format!("between 1 and {MAX_UNITS} units are needed"))
}

impl Order {
    pub(super) fn find_item(&self, id: ItemId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// The units that these lines name, with one entry for each item. Refuses more units of an item than `free`
    /// allows.
    pub(super) fn sum_free_units(
        &self,
        lines: &[ItemQuantity],
        actor: &Actor,
        free: impl Fn(&Item) -> u32,
        too_many: impl Fn(&Item, u32) -> String,
    ) -> Result<Vec<ItemQuantity>, Refusal> {
        let sums = self.sum_quantities(lines, actor)?;
        for line in &sums {
            let Some(item) = self.find_item(line.item_id) else { continue };
            if line.quantity > free(item) {
                let at = lines.iter().rposition(|one| one.item_id == item.id).unwrap_or_default();
                return Err(Refusal::invalid(
                    InputField::Item(at, ItemField::Quantity),
                    too_many(item, line.quantity),
                ));
            }
        }
        Ok(sums)
    }

    /// The sums of these lines, with one entry for each item. Refuses an item that does not exist for this actor, and
    /// a quantity that no item has.
    pub(super) fn sum_quantities(
        &self,
        lines: &[ItemQuantity],
        actor: &Actor,
    ) -> Result<Vec<ItemQuantity>, Refusal> {
        let mut sums: BTreeMap<ItemId, u32> = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            if self.find_item(line.item_id).is_none_or(|item| !item.may_be_named_by(actor)) {
                return Err(Refusal::no_item(InputField::Item(at, ItemField::Id), line.item_id));
            }
            let sum = sums.entry(line.item_id).or_default();
            *sum = sum.saturating_add(line.quantity);
            if line.quantity == 0 || *sum > MAX_UNITS {
                return Err(build_quantity_refusal(InputField::Item(at, ItemField::Quantity)));
            }
        }
        if sums.is_empty() {
            return Err(Refusal::invalid(InputField::Items, "at least one item is needed"));
        }
        Ok(sums.into_iter().map(|(item_id, quantity)| ItemQuantity { item_id, quantity }).collect())
    }
}

/// Whether both lists contain the same units of the same items.
pub(super) fn has_same_quantities(one: &[ItemQuantity], other: &[ItemQuantity]) -> bool {
    let sorted = |lines: &[ItemQuantity]| {
        lines.iter().map(|line| (line.item_id, line.quantity)).collect::<BTreeMap<_, _>>()
    };
    sorted(one) == sorted(other)
}
