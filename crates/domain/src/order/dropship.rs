//! Dropship: a supplier accepts or declines its items, and staff reassign items to another origin.
//!
//! Nothing here changes a status, so nothing here writes an event. A supplier that ships an item has accepted it by
//! that: see `ship.rs`.
//!
//! `Order::apply` calls `accept_items`, `decline_items` and `reassign_items`. Each finds the named items ([`Named`]),
//! leaves out those for which nothing changes, checks, changes the rest, and records one activity. If nothing is left,
//! the answer is an outcome without a change. `decline.rs` uses `record_answer` and the checks too.
//! `check_status_open` is for answers and for reassignments. It asks only the status: a closed order passes.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    activity::ActivityKind,
    actor::{Actor, ActorKind},
    ids::ItemId,
    input_field::InputField,
    order::{
        Order, Outcome,
        activities::{ActivityDetail, origin_fact},
        text_validation::{check_reason, check_text},
    },
    refusal::Refusal,
    shipment::{ItemQuantity, Origin, OriginKind},
    supplier_commitment::{Deadlines, SupplierAnswer, SupplierCommitment},
    transition::Context,
};

impl Order {
    /// Records that the supplier will ship these items. An item that is accepted already stays as it is.
    pub(super) fn accept_items(&mut self, ids: &[ItemId], context: &Context) -> Result<Outcome, Refusal> {
        check_may_answer(&context.actor)?;
        let named = self.find_supplied_items(ids, &context.actor)?;
        for Named { at, place } in &named {
            let item = &self.items[*place];
            if item.commitment.declined().is_some() {
                let message = format!("{} was declined: it has to be reassigned", item.sku);
                return Err(Refusal::invalid(InputField::ItemId(*at), message));
            }
        }
        let open = named.into_iter().filter(|named| self.items[named.place].commitment.answer.is_none());
        let open: Vec<Named> = open.collect();
        if open.is_empty() {
            return Ok(Outcome::default());
        }
        self.check_status_open()?;
        self.record_answer(&open, &SupplierAnswer::Accepted { at: context.now });
        self.record_item_activity(ActivityKind::ItemsAccepted, &self.wanted_lines(&open), None, context);
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// Records that the supplier will not ship these items, also if it accepted them before. An item that is declined
    /// already stays as it is.
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
        self.check_status_open()?;
        self.take_from_supplier(&open, context)?;
        let notes = Some(reason.clone());
        self.record_answer(&open, &SupplierAnswer::Declined { at: context.now, reason: Some(reason) });
        self.record_item_activity(ActivityKind::ItemsDeclined, &self.wanted_lines(&open), notes, context);
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// Gives items to another origin: a supplier, whose answer is then open, or a warehouse. Only staff may do this.
    pub(super) fn reassign_items(
        &mut self,
        ids: &[ItemId],
        origin: &Origin,
        deadlines: Deadlines,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("reassign items")?;
        let named = self.find_items(ids, &context.actor)?;
        check_text(InputField::OriginCode, &origin.code)?;
        deadlines.check_deadlines(Some(origin), InputField::Deadline)?;
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
        self.check_status_open()?;
        deadlines.check_ahead(InputField::Deadline, context.now)?;
        self.take_from_supplier(&open, context)?;
        let mut former = Vec::with_capacity(open.len());
        for Named { place, .. } in &open {
            let item = &mut self.items[*place];
            former.push(item.origin.replace(origin.clone()));
            item.commitment = SupplierCommitment::unanswered(deadlines);
            self.changes.items.insert(item.id);
        }
        self.record_reassignment(&self.wanted_lines(&open), &former, origin, deadlines, context);
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// Makes sure that no unit of these items is sent by the present origin, now or later. Refuses if units are in
    /// live shipments. Makes carriers' cancellations of their shipments final.
    fn take_from_supplier(&mut self, named: &[Named], context: &Context) -> Result<(), Refusal> {
        for Named { at, place } in named {
            let item = &self.items[*place];
            let units = item.allocated(&self.shipments);
            if units > 0 {
                let (sku, are) = (&item.sku, if units == 1 { "unit is" } else { "units are" });
                let message = format!(
                    "{units} {are} in a parcel already, of {sku}: cancel the shipment first; or decline only the other units (declineItems with items), which become an item of their own"
                );
                return Err(Refusal::invalid(InputField::ItemId(*at), message));
            }
        }
        self.confirm_carrier_cancellations(&self.wanted_lines(named), context);
        Ok(())
    }

    /// The activity of a reassignment. `former` has the origin that each of the items had before.
    fn record_reassignment(
        &mut self,
        lines: &[ItemQuantity],
        former: &[Option<Origin>],
        origin: &Origin,
        deadlines: Deadlines,
        context: &Context,
    ) {
        let mut facts = json!({ "origin": origin_fact(origin), "items": self.line_facts(lines) });
        for (at, former) in former.iter().enumerate() {
            if let Some(former) = former {
                facts["items"][at]["former_origin"] = origin_fact(former);
            }
        }
        for (key, at) in [("accept_by", deadlines.accept_by), ("ship_by", deadlines.ship_by)] {
            if let Some(at) = at {
                facts[key] = at.to_rfc3339().into();
            }
        }
        let detail = ActivityDetail { facts, ..ActivityDetail::default() };
        self.record_activity(ActivityKind::ItemsReassigned, detail, context);
    }

    /// All wanted units of these items.
    fn wanted_lines(&self, named: &[Named]) -> Vec<ItemQuantity> {
        let items = named.iter().map(|named| &self.items[named.place]);
        items.map(|item| ItemQuantity { item_id: item.id, quantity: item.wanted() }).collect()
    }

    pub(super) fn record_answer(&mut self, named: &[Named], answer: &SupplierAnswer) {
        for Named { place, .. } in named {
            let item = &mut self.items[*place];
            item.commitment.answer = Some(answer.clone());
            self.changes.items.insert(item.id);
        }
    }

    /// The items with these ids. Refuses an item that no supplier ships.
    fn find_supplied_items(&self, ids: &[ItemId], actor: &Actor) -> Result<Vec<Named>, Refusal> {
        let named = self.find_items(ids, actor)?;
        for Named { at, place } in &named {
            let item = &self.items[*place];
            if item.origin.as_ref().is_none_or(|origin| origin.kind != OriginKind::Supplier) {
                let message = format!("no supplier ships {}: there is nobody to answer", item.sku);
                return Err(Refusal::invalid(InputField::ItemId(*at), message));
            }
        }
        Ok(named)
    }

    /// The items with these ids, each once, even if the request names it several times. For a supplier, items of
    /// others do not exist.
    fn find_items(&self, ids: &[ItemId], actor: &Actor) -> Result<Vec<Named>, Refusal> {
        if ids.is_empty() {
            return Err(Refusal::invalid(InputField::ItemIds, "at least one item is needed"));
        }
        let mut named = BTreeMap::new();
        for (at, id) in ids.iter().enumerate() {
            let place = self.items.iter().position(|item| item.id == *id && item.may_be_named_by(actor));
            let place = place.ok_or_else(|| Refusal::no_item(InputField::ItemId(at), *id))?;
            named.entry(place).or_insert(at);
        }
        Ok(named.into_iter().map(|(place, at)| Named { at, place }).collect())
    }

    pub(super) fn check_status_open(&self) -> Result<(), Refusal> {
        let status = self.head.status;
        if status.is_open() {
            return Ok(());
        }
        Err(Refusal::invalid(
            InputField::OrderId,
            format!("the order is {status}: nothing of it is left to ship"),
        ))
    }
}

/// An item that a request names.
pub(super) struct Named {
    /// The index in the request.
    pub at: usize,
    /// The index in the order.
    pub place: usize,
}

/// Refuses an actor that is neither staff nor a supplier. [`Order::find_items`] checks that it is the right supplier.
pub(super) fn check_may_answer(actor: &Actor) -> Result<(), Refusal> {
    match actor.kind {
        ActorKind::System | ActorKind::Support | ActorKind::Supplier => Ok(()),
        ActorKind::Carrier | ActorKind::Customer => {
            let message = "only the supplier, support and systems may accept or decline items";
            Err(Refusal::Forbidden(message.to_owned()))
        }
    }
}
