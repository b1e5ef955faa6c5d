//! Returns: which units are asked back, which have come back, and when the return is complete.
//!
//! `Order::apply` calls `initiate_return` and `receive_return`. The guard calls `return_blocker`, and
//! `receive_all_outstanding` for a transition to `returned`. `return_step` is the transition of both requests; the
//! other functions count units or check.
//!
//! A transition to `return_initiated` names no units. When units are received later, all delivered units then count
//! as asked back.

use crate::{
    activity::ActivityKind,
    actor::{Actor, ActorKind},
    input_field::InputField,
    item::Item,
    order::{
        Order, Outcome, StepDetail,
        text_validation::{check_notes, check_reason},
    },
    refusal::{Blocker, BlockerCode, Refusal},
    shipment::{ItemQuantity, Rank},
    status::OrderStatus,
    transition::Context,
};

impl Order {
    /// Asks for delivered units: the named ones, or all that were not asked back yet. The first request is a
    /// transition. Later requests add units.
    pub(super) fn initiate_return(
        &mut self,
        lines: Option<&[ItemQuantity]>,
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        check_may_ask_back(&context.actor)?;
        check_reason(&reason)?;
        let is_first = self.head.status != OrderStatus::ReturnInitiated;
        if is_first {
            self.check_transition(OrderStatus::ReturnInitiated, &context.actor)?;
        }
        let free = |item: &Item| self.delivered(item).saturating_sub(item.return_requested);
        let lines = self.named_or_all(lines, &context.actor, free, |item, asked| {
            format!(
                "{asked} units of {} are asked back, but of {} delivered {} are asked back already",
                item.sku,
                self.delivered(item),
                item.return_requested
            )
        })?;
        for item in self.items.iter_mut() {
            let Some(line) = lines.iter().find(|line| line.item_id == item.id) else { continue };
            item.return_requested += line.quantity;
            item.return_reason = Some(reason.clone());
            self.changes.items.insert(item.id);
        }
        if !lines.is_empty() {
            let notes = Some(reason.clone());
            self.record_item_activity(ActivityKind::ReturnRequested, &lines, notes, context);
        }
        let event = is_first.then(|| self.return_step(OrderStatus::ReturnInitiated, Some(reason), context));
        Ok(Outcome { changed: is_first || !lines.is_empty(), event, ..Default::default() })
    }

    /// Records units that came back: the named ones, or all outstanding ones. With the last one the order becomes
    /// returned.
    pub(super) fn receive_return(
        &mut self,
        lines: Option<&[ItemQuantity]>,
        notes: Option<String>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("receive returns")?;
        check_notes(notes.as_deref(), None)?;
        if self.head.status == OrderStatus::Returned {
            return match lines {
                None => Ok(Outcome::default()),
                Some(_) => Err(Refusal::invalid(
                    InputField::Items,
                    "the order is returned: nothing more is expected",
                )),
            };
        }
        if self.head.status != OrderStatus::ReturnInitiated {
            self.check_transition(OrderStatus::Returned, &context.actor)?;
        }
        let is_named = self.names_returned_units();
        let asked = |item: &Item| if is_named { item.return_requested } else { self.delivered(item) };
        let missing = |item: &Item| asked(item).saturating_sub(item.returned);
        let lines = self.named_or_all(lines, &context.actor, missing, |item, came| {
            format!(
                "{came} units of {} came in, but of {} asked back {} are in already",
                item.sku,
                asked(item),
                item.returned
            )
        })?;
        self.request_full_return_by_default();
        for item in self.items.iter_mut() {
            let Some(line) = lines.iter().find(|line| line.item_id == item.id) else { continue };
            item.returned += line.quantity;
            self.changes.items.insert(item.id);
        }
        if !lines.is_empty() {
            self.record_item_activity(ActivityKind::ReturnReceived, &lines, notes.clone(), context);
        }
        let complete = self.items.iter().all(|item| outstanding(item) == 0);
        let event = complete.then(|| self.return_step(OrderStatus::Returned, notes, context));
        Ok(Outcome { changed: true, event, ..Default::default() })
    }

    /// Records that everything came back, for an order that a transition makes returned, without quantities.
    pub(super) fn receive_all_outstanding(&mut self) {
        self.request_full_return_by_default();
        for item in self.items.iter_mut().filter(|item| outstanding(item) > 0) {
            item.returned = item.return_requested;
            self.changes.items.insert(item.id);
        }
    }

    /// The reason why the order cannot be returned yet: units that were asked back and have not come back.
    pub(super) fn return_blocker(&self) -> Option<Blocker> {
        let missing: u32 = self.items.iter().map(outstanding).sum();
        if missing == 0 {
            return None;
        }
        let asked: u32 = self.items.iter().map(|item| item.return_requested).sum();
        let message = format!("of {asked} units asked back {missing} are not in yet: receive them first");
        Some(Blocker { code: BlockerCode::ReturnIncomplete, message, shipments: vec![] })
    }

    /// Whether it is told which units are asked back.
    fn names_returned_units(&self) -> bool {
        self.items.iter().any(|item| item.return_requested > 0)
    }

    /// Asks for all delivered units, if no unit is asked back yet.
    fn request_full_return_by_default(&mut self) {
        if self.names_returned_units() {
            return;
        }
        let delivered: Vec<u32> = self.items.iter().map(|item| self.delivered(item)).collect();
        for (item, delivered) in self.items.iter_mut().zip(delivered).filter(|(_, units)| *units > 0) {
            item.return_requested = delivered;
            self.changes.items.insert(item.id);
        }
    }

    /// The named quantities, or else all units that are free.
    fn named_or_all(
        &self,
        lines: Option<&[ItemQuantity]>,
        actor: &Actor,
        free: impl Fn(&Item) -> u32,
        too_many: impl Fn(&Item, u32) -> String,
    ) -> Result<Vec<ItemQuantity>, Refusal> {
        if let Some(lines) = lines {
            return self.sum_free_units(lines, actor, free, too_many);
        }
        let all = self.items.iter().map(|item| ItemQuantity { item_id: item.id, quantity: free(item) });
        Ok(all.filter(|line| line.quantity > 0).collect())
    }

    fn delivered(&self, item: &Item) -> u32 {
        item.units_at(Rank::Delivered, self.head.status, &self.shipments)
    }

    fn return_step(&mut self, to: OrderStatus, notes: Option<String>, context: &Context) -> i32 {
        let detail = StepDetail { occurred_at: context.now, inferred: false, notes, metadata: None };
        self.record_step(to, detail, context)
    }
}

/// The units that were asked back and have not come back.
fn outstanding(item: &Item) -> u32 {
    item.return_requested.saturating_sub(item.returned)
}

fn check_may_ask_back(actor: &Actor) -> Result<(), Refusal> {
    match actor.kind {
        ActorKind::System | ActorKind::Support | ActorKind::Customer => Ok(()),
        ActorKind::Carrier | ActorKind::Supplier => {
            Err(Refusal::Forbidden(format!("the role {} may not ask for a return", actor.kind)))
        }
    }
}
