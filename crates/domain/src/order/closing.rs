//! Closing: an order of which nothing more is expected, although its status is not final.
//!
//! 1. `closed` is a fact beside the status, not a status: a lost shipment is refunded, a buyer gives up, and the table
//!    has no way to `cancelled`.
//! 2. An order closes by itself when its last wanted unit is cancelled and the table forbids to cancel the order:
//!    `cancel.rs` calls [`Order::close_called_off`]. Staff close an order in any status that is not final.
//! 3. Whatever happens afterwards is recorded as always and reopens the order: an event, a new shipment, units that are
//!    asked back or come back, a scan that moves a shipment, also one of a cancelled shipment. What only ends something
//!    does not reopen it.
//! 4. Scans of a return shipment do not reopen the order: staff receives its units, or asks for them.
//! 5. A reopened order closes by itself again only after another cancellation of units. So scans that arrive one after
//!    the other do not close and reopen it each time.
//! 6. `Order::apply` calls `close` and `reopen` for requests of staff; `returns.rs` calls `close` too, when staff
//!    writes off units. Around every request it calls `mark_records` and then `reopen_if_it_goes_on`; `scans.rs` calls
//!    `reopen_by_movement`. `set_closed` and `clear_closed` make the change and its activity.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    activity::ActivityKind,
    actor::Actor,
    input_field::InputField,
    order::{Order, Outcome, activities::ActivityDetail, text_validation::check_reason},
    refusal::Refusal,
    shipment::Tracking,
    shipment_status::ShipmentStatus,
    transition::Context,
};

/// The fact that nothing more is expected of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// When it was closed, by our clock.
    pub at: DateTime<Utc>,
    /// Who closed it, or who cancelled the last unit.
    pub actor: Actor,
    /// The reason, for people.
    pub reason: String,
}

/// How much was recorded of an order at a moment. Later records are those that a request added.
pub(super) struct RecordMark {
    was_closed: bool,
    transitions: usize,
    activities: usize,
}

impl Order {
    /// Closes the order. A closed order stays as it is.
    pub(super) fn close(&mut self, reason: String, context: &Context) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("close orders")?;
        check_reason(&reason)?;
        if self.head.closed.is_some() {
            return Ok(Outcome::default());
        }
        let status = self.head.status;
        if status.is_terminal() {
            let message = format!("the order is {status}, which is final: there is nothing to close");
            return Err(Refusal::invalid(InputField::OrderId, message));
        }
        self.set_closed(reason, false, context);
        Ok(Outcome { changed: true, ..Default::default() })
    }

    /// Reopens the order. An order that is not closed stays as it is.
    pub(super) fn reopen(&mut self, reason: String, context: &Context) -> Result<Outcome, Refusal> {
        context.actor.must_be_staff("reopen orders")?;
        check_reason(&reason)?;
        let changed = self.clear_closed(Some(reason), context);
        Ok(Outcome { changed, ..Default::default() })
    }

    /// Closes the order because its last wanted unit was cancelled, unless it is closed already. The customer is told.
    pub(super) fn close_called_off(&mut self, reason: String, context: &Context) {
        self.changes.called_off = true;
        if self.head.closed.is_none() {
            self.set_closed(reason, true, context);
        }
    }

    /// What is recorded before a request.
    pub(super) fn mark_records(&self) -> RecordMark {
        RecordMark {
            was_closed: self.head.closed.is_some(),
            transitions: self.changes.transitions.len(),
            activities: self.changes.activities.len(),
        }
    }

    /// Reopens the order if the request that began at the mark shows that it goes on.
    pub(super) fn reopen_if_it_goes_on(&mut self, mark: &RecordMark, context: &Context) {
        let new = &self.changes.activities[mark.activities..];
        let goes_on = self.changes.transitions.len() > mark.transitions
            || new.iter().any(|activity| shows_that_order_goes_on(activity.kind));
        if mark.was_closed && goes_on {
            self.clear_closed(None, context);
        }
    }

    /// Reopens the order if it is closed and the state of a shipment changed by a movement.
    pub(super) fn reopen_by_movement(&mut self, before: &Tracking, after: &Tracking, context: &Context) {
        if is_movement(before, after) {
            self.clear_closed(None, context);
        }
    }

    fn set_closed(&mut self, reason: String, automatic: bool, context: &Context) {
        let facts = json!({ "automatic": automatic, "status": self.head.status.as_str() });
        self.head.closed =
            Some(Closed { at: context.now, actor: context.actor.clone(), reason: reason.clone() });
        self.changes.closing = true;
        let detail = ActivityDetail { facts, notes: Some(reason), shipment_id: None };
        self.record_activity(ActivityKind::OrderClosed, detail, context);
    }

    /// Removes the fact. Without a reason, something that happened reopens the order. Returns whether it was closed.
    fn clear_closed(&mut self, reason: Option<String>, context: &Context) -> bool {
        let Some(closed) = self.head.closed.take() else { return false };
        let facts = json!({ "automatic": reason.is_none(), "closed_at": closed.at.to_rfc3339() });
        self.changes.closing = true;
        let detail = ActivityDetail { facts, notes: reason, shipment_id: None };
        self.record_activity(ActivityKind::OrderReopened, detail, context);
        true
    }
}

/// Whether the scans moved the shipment: it has another status, or a trouble ended. A cancellation by the carrier is no
/// movement, and neither is new trouble.
fn is_movement(before: &Tracking, after: &Tracking) -> bool {
    let has_new_status = after.status != before.status && after.status != ShipmentStatus::Cancelled;
    has_new_status || (before.condition.is_some() && after.condition.is_none())
}

/// Whether something more is expected of an order after such an activity.
const fn shows_that_order_goes_on(kind: ActivityKind) -> bool {
    match kind {
        ActivityKind::ShipmentCreated
        | ActivityKind::ItemsAccepted
        | ActivityKind::ItemsReassigned
        | ActivityKind::ReturnRequested
        | ActivityKind::ReturnReceived
        | ActivityKind::ReturnShipmentCreated => true,
        // Of scans, only movements count: see `Order::reopen_by_movement`.
        ActivityKind::ItemsCancelled
        | ActivityKind::ShipmentCancelled
        | ActivityKind::TrackingNumberAdded
        | ActivityKind::TrackingNumberReplaced
        | ActivityKind::ItemsDeclined
        | ActivityKind::ScanRecorded
        | ActivityKind::NotificationResent
        | ActivityKind::ScanRetracted
        | ActivityKind::DeliveryEstimateSet
        | ActivityKind::OrderClosed
        | ActivityKind::OrderReopened
        | ActivityKind::OrderReplaced
        | ActivityKind::ReturnWrittenOff => false,
    }
}
