//! Cancellations: of an order's shipments, of one shipment, and of units that cannot be shipped.
//!
//! 1. `Order::apply` calls `cancel_shipment`, `cancel_items` and `cancel_former_holder`. `ship` calls the last one too.
//! 2. `guard` and `cancel_items` call `cancel_all_shipments` when the order is cancelled. It cancels every shipment.
//! 3. Where units go elsewhere, `cancel_items`, `decline`, `dropship` and `ship` call `confirm_carrier_cancellations`:
//!    it makes final what only the carrier has cancelled.
//! 4. To cancel a shipment again succeeds and changes nothing. `mark_cancelled` makes the change and its activity.
//! 5. `cancel_former_holder` answers whether there was such a shipment: one that only its carrier has cancelled.

use crate::{
    activity::ActivityKind,
    ids::ShipmentId,
    input_field::InputField,
    item::Item,
    order::{Order, Outcome, StepDetail, text_validation::check_reason},
    refusal::{Refusal, ShipmentRefusal},
    shipment::{ItemQuantity, Shipment},
    shipment_status::{ConditionKind, ShipmentStatus},
    status::OrderStatus,
    tracking_number::TrackingNumber,
    transition::Context,
};

impl Order {
    /// Cancels all shipments of an order that is being cancelled. They have only labels: the guard refuses to cancel
    /// an order with a shipment that moves.
    pub(super) fn cancel_all_shipments(&mut self, context: &Context) {
        let live: Vec<_> = self.shipments.iter().filter(|s| s.cancelled_at.is_none()).map(|s| s.id).collect();
        for id in live {
            self.mark_cancelled(id, "the order was cancelled", context);
        }
    }

    pub(super) fn cancel_shipment(
        &mut self,
        id: ShipmentId,
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let shipment = self.find_shipment(id)?;
        if !self.may_ship(shipment, context) {
            return Err(Refusal::Forbidden("this role may not call off that shipment".to_owned()));
        }
        if shipment.cancelled_at.is_some() {
            return Ok(Outcome { shipment: Some(id), ..Default::default() });
        }
        check_cancellable(shipment)?;
        check_reason(&reason)?;
        self.mark_cancelled(id, &reason, context);
        self.advance(None, context);
        Ok(Outcome { changed: true, shipment: Some(id), ..Default::default() })
    }

    pub(super) fn cancel_items(
        &mut self,
        lines: &[ItemQuantity],
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("cancel items")?;
        check_reason(&reason)?;
        let status = self.head.status;
        if !status.is_open() {
            let way_on = match status {
                OrderStatus::Delivered | OrderStatus::ReturnInitiated => {
                    "; ask units back with initiateReturn"
                }
                OrderStatus::Placed
                | OrderStatus::PaymentConfirmed
                | OrderStatus::Processing
                | OrderStatus::AwaitingPickup
                | OrderStatus::Shipped
                | OrderStatus::OutForDelivery
                | OrderStatus::Cancelled
                | OrderStatus::Returned => "",
            };
            let message = format!("the order is {status}: no unit is left to cancel{way_on}");
            return Err(Refusal::invalid(InputField::Items, message));
        }
        // What only its carrier has cancelled holds no unit, so these are free before that is made final below.
        let free = |item: &Item| item.unallocated(&self.shipments);
        let taken = self.sum_free_units(lines, &context.actor, free, |item, asked| {
            let (free, sku) = (free(item), &item.sku);
            format!("{free} units of {sku} are in no parcel, {asked} were asked to be cancelled: cancel their shipment first")
        })?;
        let taken_of = |item: &Item| taken.iter().find(|line| line.item_id == item.id);
        let left = |item: &Item| item.wanted() - taken_of(item).map_or(0, |line| line.quantity);
        let is_all = self.items.iter().all(|item| left(item) == 0);
        let may_become_cancelled = status.may_become(OrderStatus::Cancelled);
        if is_all && may_become_cancelled {
            self.check_transition(OrderStatus::Cancelled, &context.actor)?;
        }
        self.confirm_carrier_cancellations(&taken, context);
        for item in self.items.iter_mut() {
            let Some(line) = taken.iter().find(|line| line.item_id == item.id) else { continue };
            item.cancelled += line.quantity;
            item.cancel_reason = Some(reason.clone());
            self.changes.items.insert(item.id);
        }
        self.record_item_activity(ActivityKind::ItemsCancelled, &taken, Some(reason.clone()), context);
        let before = self.head.version;
        if is_all && !may_become_cancelled {
            self.close_called_off(reason, context);
        } else if is_all {
            self.cancel_all_shipments(context);
            let detail =
                StepDetail { occurred_at: context.now, inferred: false, notes: Some(reason), metadata: None };
            self.record_step(OrderStatus::Cancelled, detail, context);
        } else {
            self.advance(None, context);
        }
        let event = (self.head.version > before).then_some(self.head.version);
        Ok(Outcome { changed: true, event, ..Default::default() })
    }

    /// Cancels shipments that only their carrier has cancelled, if their units are among `taken` and are needed
    /// there.
    ///
    /// As long as its units are free, such a shipment can still move. When its units go elsewhere, the cancellation
    /// must be final, or the units could be sent twice.
    pub(super) fn confirm_carrier_cancellations(&mut self, taken: &[ItemQuantity], context: &Context) {
        while let Some(id) = self.find_given_away(taken) {
            self.mark_cancelled(id, "cancelled by the carrier, its units went elsewhere", context);
        }
    }

    /// Cancels the shipment that only its carrier has cancelled and that has this number, because the number is
    /// registered again: from now on its scans belong to the new shipment. Returns whether there was such a shipment.
    pub(super) fn cancel_former_holder(&mut self, number: &TrackingNumber, context: &Context) -> bool {
        let mut cancelled = self.shipments.iter().filter(|shipment| is_carrier_cancelled(shipment));
        let old = cancelled.find(|shipment| shipment.has_number(number));
        let Some(id) = old.map(|shipment| shipment.id) else { return false };
        self.mark_cancelled(id, "cancelled by the carrier, its number was registered anew", context);
        true
    }

    /// A shipment that only its carrier has cancelled and that lacks units if `taken` go elsewhere.
    fn find_given_away(&self, taken: &[ItemQuantity]) -> Option<ShipmentId> {
        let short = |line: &ItemQuantity| {
            let claims = self.shipments.iter().filter(|shipment| shipment.cancelled_at.is_none());
            let others: u32 =
                taken.iter().filter(|other| other.item_id == line.item_id).map(|other| other.quantity).sum();
            let item = self.items.iter().find(|item| item.id == line.item_id);
            others > 0
                && item.is_some_and(|item| item.units_in(claims).saturating_add(others) > item.wanted())
        };
        let mut cancelled = self.shipments.iter().filter(|shipment| is_carrier_cancelled(shipment));
        cancelled.find(|shipment| shipment.lines.iter().any(short)).map(|shipment| shipment.id)
    }

    fn mark_cancelled(&mut self, id: ShipmentId, reason: &str, context: &Context) {
        if let Ok(shipment) = self.find_shipment_mut(id) {
            shipment.cancelled_at = Some(context.now);
            shipment.cancel_reason = Some(reason.to_owned());
        }
        self.mark_changed(id);
        self.record_shipment_activity(ActivityKind::ShipmentCancelled, id, Some(reason.to_owned()), context);
    }
}

/// Whether only the carrier has cancelled the shipment.
fn is_carrier_cancelled(shipment: &Shipment) -> bool {
    shipment.cancelled_at.is_none() && !shipment.is_live()
}

/// Refuses to cancel a shipment that was delivered. Refuses also one that the carrier has shown to have, unless it is
/// lost, damaged, on its way back, or back. Data about the label show nothing.
fn check_cancellable(shipment: &Shipment) -> Result<(), Refusal> {
    let status = shipment.status();
    let number = &shipment.tracking_number;
    if status == ShipmentStatus::Delivered {
        return Err(Refusal::shipment(
            ShipmentRefusal::AlreadyDelivered,
            format!("parcel {number} was delivered"),
        ));
    }
    let will_not_arrive = status == ShipmentStatus::ReturnedToSender
        || shipment.tracking.condition.as_ref().is_some_and(|condition| match condition.kind {
            ConditionKind::Lost
            | ConditionKind::Damaged
            | ConditionKind::Returning
            | ConditionKind::Returned => true,
            ConditionKind::DeliveryAttemptFailed
            | ConditionKind::Delayed
            | ConditionKind::Held
            | ConditionKind::AddressIssue
            | ConditionKind::Other => false,
        });
    if !shipment.tracking.in_possession || will_not_arrive {
        return Ok(());
    }
    Err(Refusal::shipment(
        ShipmentRefusal::AlreadyMoving,
        format!(
            "parcel {number} is {status}: it can be called off only when lost, damaged or returning; where its carrier \
             does not say so, record the condition LOST or DAMAGED first with recordScan"
        ),
    ))
}
