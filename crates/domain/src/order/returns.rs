//! Returns: which units are asked back, which have come back, which are written off, and when the return is complete.
//!
//! `Order::apply` calls `initiate_return`, `receive_return` and `write_off_return`. The guard calls `return_blocker`, and
//! `receive_all_outstanding` for a transition to `returned`. `return_step` is the transition of these requests; the
//! other functions count units or check.
//!
//! 1. A transition to `return_initiated` names no units. When units are received or written off later, all delivered
//!    units then count as asked back.
//! 2. An order that is returned stays returned. Units that the customer kept can still be asked back and received.
//! 3. More units than were asked back can come, up to those that were delivered. They count as asked back by that.
//! 4. A written-off unit that is asked back again, or comes nevertheless, is not written off any more.
//! 5. The return ends when no unit is outstanding: the order becomes returned if any unit came, else it is closed.

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
    shipment::ItemQuantity,
    shipment_status::Rank,
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
        let is_first = !self.has_return();
        if is_first {
            self.check_transition(OrderStatus::ReturnInitiated, &context.actor)?;
        }
        let free = |item: &Item| self.count_delivered(item).saturating_sub(asked_back(item));
        let lines = self.named_or_all(lines, &context.actor, free, |item, asked| {
            format!(
                "{asked} units of {} are asked back, but of {} delivered {} are asked back already",
                item.sku,
                self.count_delivered(item),
                asked_back(item)
            )
        })?;
        self.change_items(&lines, |item, quantity| {
            expect_units(item, quantity);
            item.return_reason = Some(reason.clone());
        });
        if !lines.is_empty() {
            let notes = Some(reason.clone());
            self.record_item_activity(ActivityKind::ReturnRequested, &lines, notes, context);
        }
        let event = is_first.then(|| self.return_step(OrderStatus::ReturnInitiated, Some(reason), context));
        Ok(Outcome { changed: is_first || !lines.is_empty(), event, ..Default::default() })
    }

    /// Records units that came back: the named ones, or all outstanding ones. With the last outstanding one the order
    /// becomes returned.
    pub(super) fn receive_return(
        &mut self,
        lines: Option<&[ItemQuantity]>,
        notes: Option<String>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("receive returns")?;
        check_notes(notes.as_deref(), None)?;
        if !self.has_return() {
            self.check_transition(OrderStatus::Returned, &context.actor)?;
        }
        let is_named = self.names_returned_units();
        let free = |item: &Item| match (is_named, lines) {
            (true, None) => count_outstanding(item),
            (true, Some(_)) | (false, _) => self.count_delivered(item).saturating_sub(item.returned),
        };
        let lines = self.named_or_all(lines, &context.actor, free, |item, came| {
            format!(
                "{came} units of {} came in, but of {} delivered {} are in already",
                item.sku,
                self.count_delivered(item),
                item.returned
            )
        })?;
        self.request_full_return_by_default();
        self.change_items(&lines, |item, quantity| {
            expect_units(item, quantity.saturating_sub(count_outstanding(item)));
            item.returned += quantity;
        });
        if !lines.is_empty() {
            self.record_item_activity(ActivityKind::ReturnReceived, &lines, notes.clone(), context);
        }
        let ends = !lines.is_empty() && self.ends_return();
        let event = ends.then(|| self.return_step(OrderStatus::Returned, notes, context));
        Ok(Outcome { changed: !lines.is_empty(), event, ..Default::default() })
    }

    /// Writes off units that were asked back: the named ones, or all outstanding ones. They never come, or they are
    /// declined. If no unit is outstanding then, the return ends.
    pub(super) fn write_off_return(
        &mut self,
        lines: Option<&[ItemQuantity]>,
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("write off returns")?;
        check_reason(&reason)?;
        if !self.has_return() {
            let message = format!("the order is {}: no unit is asked back", self.head.status);
            return Err(Refusal::invalid(InputField::OrderId, message));
        }
        let is_named = self.names_returned_units();
        let expected =
            |item: &Item| if is_named { count_outstanding(item) } else { self.count_delivered(item) };
        let lines = self.named_or_all(lines, &context.actor, expected, |item, declined| {
            format!(
                "{declined} units of {} are written off, but {} are outstanding",
                item.sku,
                expected(item)
            )
        })?;
        if lines.is_empty() {
            return Ok(Outcome::default());
        }
        self.request_full_return_by_default();
        self.change_items(&lines, |item, quantity| item.return_written_off += quantity);
        self.record_item_activity(ActivityKind::ReturnWrittenOff, &lines, Some(reason.clone()), context);
        let event = match self.ends_return() {
            true if self.has_received_units() => {
                Some(self.return_step(OrderStatus::Returned, Some(reason), context))
            }
            true => self.close(reason, context)?.event,
            false => None,
        };
        Ok(Outcome { changed: true, event, ..Default::default() })
    }

    /// Records that everything came back, for an order that a transition makes returned, without quantities.
    pub(super) fn receive_all_outstanding(&mut self) {
        self.request_full_return_by_default();
        for item in self.items.iter_mut().filter(|item| count_outstanding(item) > 0) {
            item.returned += count_outstanding(item);
            self.changes.items.insert(item.id);
        }
    }

    /// The reason why the order cannot be returned yet: units that were asked back and have not come back, or that all
    /// of them are written off.
    pub(super) fn return_blocker(&self) -> Option<Blocker> {
        let sum = |units: fn(&Item) -> u32| self.items.iter().map(units).sum::<u32>();
        let (asked, missing) = (sum(asked_back), sum(count_outstanding));
        let message = if missing > 0 {
            format!(
                "of {asked} units asked back {missing} are not in yet: receive them first (receiveReturn), or write them \
                 off (writeOffReturn)"
            )
        } else if self.names_returned_units() && !self.has_received_units() {
            "all units that were asked back are written off, and none came in: receive one that comes (receiveReturn)"
                .to_owned()
        } else {
            return None;
        };
        Some(Blocker { code: BlockerCode::ReturnIncomplete, message, shipments: vec![] })
    }

    /// Whether units of the order were asked back, now or before: from then on, quantities can be added.
    fn has_return(&self) -> bool {
        matches!(self.head.status, OrderStatus::ReturnInitiated | OrderStatus::Returned)
    }

    /// Whether the return is under way and no unit is outstanding.
    fn ends_return(&self) -> bool {
        self.head.status == OrderStatus::ReturnInitiated
            && self.items.iter().all(|item| count_outstanding(item) == 0)
    }

    fn has_received_units(&self) -> bool {
        self.items.iter().any(|item| item.returned > 0)
    }

    /// Changes the items of these lines, and notes that they changed.
    fn change_items(&mut self, lines: &[ItemQuantity], change: impl Fn(&mut Item, u32)) {
        for item in self.items.iter_mut() {
            let Some(line) = lines.iter().find(|line| line.item_id == item.id) else { continue };
            change(item, line.quantity);
            self.changes.items.insert(item.id);
        }
    }

    /// Whether it is told which units are asked back. Of an order that is returned, it is.
    pub(super) fn names_returned_units(&self) -> bool {
        self.head.status == OrderStatus::Returned || self.items.iter().any(|item| item.return_requested > 0)
    }

    /// Asks for all delivered units, if no unit is asked back yet.
    fn request_full_return_by_default(&mut self) {
        if self.names_returned_units() {
            return;
        }
        let delivered: Vec<u32> = self.items.iter().map(|item| self.count_delivered(item)).collect();
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

    /// Units of an item that were delivered.
    pub(super) fn count_delivered(&self, item: &Item) -> u32 {
        item.units_at(Rank::Delivered, self.head.status, &self.shipments)
    }

    fn return_step(&mut self, to: OrderStatus, notes: Option<String>, context: &Context) -> i32 {
        let detail = StepDetail { occurred_at: context.now, inferred: false, notes, metadata: None };
        self.record_step(to, detail, context)
    }
}

/// The units that were asked back, without the written-off ones.
pub(super) fn asked_back(item: &Item) -> u32 {
    item.return_requested.saturating_sub(item.return_written_off)
}

/// The units that were asked back, have not come back and are not written off.
pub(super) fn count_outstanding(item: &Item) -> u32 {
    asked_back(item).saturating_sub(item.returned)
}

/// Counts more units of an item as asked back. Written-off ones come first.
fn expect_units(item: &mut Item, quantity: u32) {
    let again = quantity.min(item.return_written_off);
    item.return_written_off -= again;
    item.return_requested += quantity - again;
}

fn check_may_ask_back(actor: &Actor) -> Result<(), Refusal> {
    match actor.kind {
        ActorKind::System | ActorKind::Support | ActorKind::Customer => Ok(()),
        ActorKind::Carrier | ActorKind::Supplier => {
            Err(Refusal::Forbidden(format!("the role {} may not ask for a return", actor.kind)))
        }
    }
}
