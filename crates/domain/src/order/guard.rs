//! The guard: whether a caller may bring an order into a status, and if not, why. One function enforces and explains,
//! so that both give the same answer.
//!
//! That function is `find_blocker`; its `None` means that nothing blocks. `api` shows `allowed_transitions`.
//! `Order::apply` calls `transition`, which changes the order. `cancel` and `returns` call `check_transition` before
//! they change it themselves.

use crate::{
    actor::Actor,
    ids::ShipmentId,
    order::{Order, StepDetail, text_validation::check_notes, way_on::describe_way_on},
    refusal::{Blocker, BlockerCode, Refusal},
    rollup::{find_slowest_rank, rank_needed_for},
    shipment::{Shipment, live_shipments},
    shipment_status::Rank,
    status::OrderStatus,
    transition::Context,
};

/// What helps a shipment that is behind.
const BEHIND: &str = "its scans move it on, also by hand (recordScan); one that will not arrive is called off \
                      (cancelShipment)";

impl Order {
    /// For every status: the reason why this caller may not bring the order there now, or `None` if the caller may.
    /// The present status is always allowed, because asking for it changes nothing.
    pub fn allowed_transitions(&self, actor: &Actor) -> Vec<(OrderStatus, Option<Blocker>)> {
        let blocker = |to| if to == self.head.status { None } else { self.find_blocker(to, actor) };
        OrderStatus::ALL.into_iter().map(|to| (to, blocker(to))).collect()
    }

    pub(super) fn transition(
        &mut self,
        to: OrderStatus,
        notes: Option<String>,
        metadata: Option<serde_json::Value>,
        context: &Context,
    ) -> Result<super::Outcome, Refusal> {
        check_notes(notes.as_deref(), metadata.as_ref())?;
        self.check_transition(to, &context.actor)?;
        if to == OrderStatus::Cancelled {
            self.cancel_all_shipments(context);
        }
        if to == OrderStatus::Returned {
            self.receive_all_outstanding();
        }
        let detail = StepDetail { occurred_at: context.now, inferred: false, notes, metadata };
        let event = self.record_step(to, detail, context);
        self.advance(None, context);
        Ok(super::Outcome { changed: true, event: Some(event), ..Default::default() })
    }

    /// Refuses a transition that the table, the role or the shipments do not permit.
    pub(super) fn check_transition(&self, to: OrderStatus, actor: &Actor) -> Result<(), Refusal> {
        let Some(blocker) = self.find_blocker(to, actor) else {
            return Ok(());
        };
        let from = self.head.status;
        let others = self.allowed_transitions(actor).into_iter().filter(|(to, _)| *to != from);
        let allowed = others.filter(|(_, why)| why.is_none()).map(|(to, _)| to).collect();
        Err(Refusal::InvalidTransition { from, to, allowed, blocker })
    }

    fn find_blocker(&self, to: OrderStatus, actor: &Actor) -> Option<Blocker> {
        let from = self.head.status;
        let blocker = |code, message, shipments| Some(Blocker { code, message, shipments });
        if !from.may_become(to) {
            let next: Vec<_> = from.successors().map(OrderStatus::as_str).collect();
            let next = if next.is_empty() { "nothing".to_owned() } else { next.join(" or ") };
            let message = format!("an order that is {from} cannot become {to}: {next} follows {from}");
            let message = match describe_way_on(from, to) {
                Some(way_on) => format!("{message}; {way_on}"),
                None => message,
            };
            return blocker(BlockerCode::NotInTable, message, vec![]);
        }
        if !actor.may_ask_for(from, to) {
            let message = format!("the role {} may not bring an order from {from} to {to}", actor.kind);
            return blocker(BlockerCode::Role, message, vec![]);
        }
        if to == OrderStatus::Cancelled {
            let moving = self.live_shipments_where(|shipment| shipment.status().rank() >= Rank::Shipped);
            if !moving.is_empty() {
                let shipments = match moving.len() {
                    1 => "one of its parcels is moving".to_owned(),
                    n => format!("{n} of its parcels are moving"),
                };
                let advice = if self.travels_wholly(&moving) {
                    "no unit is left to cancel. What arrives can be sent back; a parcel that will not is called off (cancelShipment)"
                } else {
                    "cancel the remaining items (cancelItems)"
                };
                return blocker(BlockerCode::ParcelsMoving, format!("{shipments}: {advice}"), moving);
            }
        }
        if to == OrderStatus::Returned
            && let Some(incomplete) = self.return_blocker()
        {
            return Some(incomplete);
        }
        if let Some(needed) = rank_needed_for(to)
            && live_shipments(&self.shipments).next().is_some()
            && find_slowest_rank(&self.items, &self.shipments).is_some_and(|rank| rank < needed)
        {
            let behind = self.live_shipments_where(|shipment| shipment.outbound_rank() < needed);
            let message = match behind.len() {
                0 => format!(
                    "not every unit is in a parcel yet, so the order cannot be {to}: ship the rest (createShipment), or cancel it (cancelItems)"
                ),
                1 => format!("one of its parcels is not {to} yet: {BEHIND}"),
                n => format!("{n} of its parcels are not {to} yet: {BEHIND}"),
            };
            return blocker(BlockerCode::ShipmentsBehind, message, behind);
        }
        None
    }

    /// Whether every wanted unit is in one of these shipments.
    fn travels_wholly(&self, shipments: &[ShipmentId]) -> bool {
        self.items.iter().all(|item| {
            let those = self.shipments.iter().filter(|shipment| shipments.contains(&shipment.id));
            item.units_in(those) >= item.wanted()
        })
    }

    fn live_shipments_where(&self, condition: impl Fn(&Shipment) -> bool) -> Vec<ShipmentId> {
        let live = live_shipments(&self.shipments).filter(|shipment| condition(shipment));
        live.map(|shipment| shipment.id).collect()
    }
}
