//! Dropship: a supplier accepts or declines its items, and staff give items to somebody else.
//!
//! None of this changes a status, so none of it writes an event. A supplier who ships an item accepts it thereby:
//! see `ship.rs`.

use std::collections::BTreeMap;

use crate::{
    actor::{Actor, ActorKind},
    ids::ItemId,
    order::{
        Order, Outcome,
        text_validation::{check_reason, check_text},
    },
    refusal::Refusal,
    shipment::{Line, Origin, OriginKind},
    supplier_commitment::{Deadlines, SupplierAnswer, SupplierCommitment},
    transition::Context,
};

impl Order {
    /// A supplier will ship these items. What is accepted already stays as it is.
    pub(super) fn accept_items(&mut self, ids: &[ItemId], context: &Context) -> Result<Outcome, Refusal> {
        check_may_answer(&context.actor)?;
        let named = self.find_supplied_items(ids, &context.actor)?;
        for Named { at, place } in &named {
            let item = &self.items[*place];
            if item.commitment.declined().is_some() {
                let message = format!("{} was declined: it has to be reassigned", item.sku);
                return Err(Refusal::invalid(format!("itemIds[{at}]"), message));
            }
        }
        let open = named.into_iter().filter(|named| self.items[named.place].commitment.answer.is_none());
        let open: Vec<Named> = open.collect();
        if open.is_empty() {
            return Ok(Outcome::default());
        }
        self.check_answerable()?;
        self.answer(&open, &SupplierAnswer::Accepted { at: context.now });
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// A supplier will not ship these items, whatever it said before. What is declined already stays as it is.
    pub(super) fn decline_items(
        &mut self,
        ids: &[ItemId],
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        check_may_answer(&context.actor)?;
        let named = self.find_supplied_items(ids, &context.actor)?;
        check_reason(&reason)?;
        let open = named.into_iter().filter(|named| self.items[named.place].commitment.declined().is_none());
        let open: Vec<Named> = open.collect();
        if open.is_empty() {
            return Ok(Outcome::default());
        }
        self.check_answerable()?;
        self.take_from_supplier(&open, context)?;
        self.answer(&open, &SupplierAnswer::Declined { at: context.now, reason });
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// Staff let somebody else ship these items: another supplier, who is asked anew, or a warehouse.
    pub(super) fn reassign_items(
        &mut self,
        ids: &[ItemId],
        origin: &Origin,
        deadlines: Deadlines,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("reassign items")?;
        let named = self.find_items(ids, &context.actor)?;
        check_text("origin.code", &origin.code)?;
        deadlines.check(Some(origin), "")?;
        let is_so = |named: &Named| {
            let item = &self.items[named.place];
            item.origin.as_ref() == Some(origin)
                && item.commitment.deadlines == deadlines
                && item.commitment.declined().is_none()
        };
        let open: Vec<Named> = named.into_iter().filter(|named| !is_so(named)).collect();
        if open.is_empty() {
            return Ok(Outcome::default());
        }
        self.check_answerable()?;
        deadlines.check_ahead("", context.now)?;
        self.take_from_supplier(&open, context)?;
        for Named { place, .. } in &open {
            let item = &mut self.items[*place];
            item.origin = Some(origin.clone());
            item.commitment = SupplierCommitment::unanswered(deadlines);
            self.changes.items.insert(item.id);
        }
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// Makes sure that nothing of these items travels from where they were to come from, now or later.
    fn take_from_supplier(&mut self, named: &[Named], context: &Context) -> Result<(), Refusal> {
        for Named { at, place } in named {
            let item = &self.items[*place];
            let units = item.allocated(&self.shipments);
            if units > 0 {
                let (sku, are) = (&item.sku, if units == 1 { "unit is" } else { "units are" });
                let message =
                    format!("{units} {are} in a parcel already, of {sku}: cancel the shipment first");
                return Err(Refusal::invalid(format!("itemIds[{at}]"), message));
            }
        }
        let units = |named: &Named| {
            let item = &self.items[named.place];
            Line { item_id: item.id, quantity: item.wanted() }
        };
        let taken: Vec<Line> = named.iter().map(units).collect();
        self.confirm_carrier_cancellations(&taken, context);
        Ok(())
    }

    fn answer(&mut self, named: &[Named], answer: &SupplierAnswer) {
        for Named { place, .. } in named {
            let item = &mut self.items[*place];
            item.commitment.answer = Some(answer.clone());
            self.changes.items.insert(item.id);
        }
    }

    /// The items with these ids, each of which a supplier ships.
    fn find_supplied_items(&self, ids: &[ItemId], actor: &Actor) -> Result<Vec<Named>, Refusal> {
        let named = self.find_items(ids, actor)?;
        for Named { at, place } in &named {
            let item = &self.items[*place];
            if item.origin.as_ref().is_none_or(|origin| origin.kind != OriginKind::Supplier) {
                let message = format!("no supplier ships {}: there is nobody to answer", item.sku);
                return Err(Refusal::invalid(format!("itemIds[{at}]"), message));
            }
        }
        Ok(named)
    }

    /// The items with these ids, each once, however often it is named. To a supplier there are no items but its own.
    fn find_items(&self, ids: &[ItemId], actor: &Actor) -> Result<Vec<Named>, Refusal> {
        if ids.is_empty() {
            return Err(Refusal::invalid("itemIds", "at least one item is needed"));
        }
        let mut named = BTreeMap::new();
        for (at, id) in ids.iter().enumerate() {
            let place = self.items.iter().position(|item| item.id == *id && item.may_be_named_by(actor));
            let place = place.ok_or_else(|| Refusal::no_item(format!("itemIds[{at}]"), *id))?;
            named.entry(place).or_insert(at);
        }
        Ok(named.into_iter().map(|(place, at)| Named { at, place }).collect())
    }

    fn check_answerable(&self) -> Result<(), Refusal> {
        let status = self.head.status;
        if status.is_open() {
            return Ok(());
        }
        Err(Refusal::invalid("orderId", format!("the order is {status}: nothing of it is left to ship")))
    }
}

/// An item that a request names.
struct Named {
    /// Where in the request.
    at: usize,
    /// Where in the order.
    place: usize,
}

/// Refuses who is neither staff nor a supplier; which supplier, the items say.
fn check_may_answer(actor: &Actor) -> Result<(), Refusal> {
    match actor.kind {
        ActorKind::System | ActorKind::Support | ActorKind::Supplier => Ok(()),
        ActorKind::Carrier | ActorKind::Customer => {
            let message = "only the supplier, support and systems may accept or decline items";
            Err(Refusal::Forbidden(message.to_owned()))
        }
    }
}
