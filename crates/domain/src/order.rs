//! The order: its state, and [`Order::apply`], the only way to change it.
//!
//! `app` loads an order under its row lock, applies requests to it, and gives the [`Changes`] to `persistence`. A
//! refused request leaves the order as it was.
//!
//! 1. `apply` passes each kind of request to one function in the files below `order/`. These check everything, then
//!    change the order.
//! 2. They record a change of status with `record_step`, which is the only function that sets one; every other change
//!    with an activity (`activities.rs`). `mark_changed` notes a shipment that has to be written. `Changes::is_empty`
//!    does not count activities.
//! 3. `restore` and `into_parts` are for `persistence` and for readers: they change nothing.
//! 4. `recipients` is empty if no address is known.

mod activities;
mod advance;
mod cancel;
mod closing;
mod corrections;
mod decline;
mod delivery_estimate;
mod dropship;
mod guard;
mod numbers;
mod place;
mod quantities;
mod recipients;
mod replacement;
mod request;
mod retract;
mod return_shipments;
mod returns;
mod scans;
mod ship;
mod text_validation;
mod way_on;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use closing::Closed;
pub use corrections::Correction;
pub use decline::DeclinedUnits;
pub use numbers::MAX_NUMBERS;
pub use place::{NewItem, NewOrder};
pub use replacement::{Replacement, check_replaced_order};
pub use request::{Outcome, Request};
pub use ship::NewShipment;
pub use text_validation::{check_cancellation_reason, check_reason};

use crate::{
    activity::Activity,
    delivery_estimate::DeliveryEstimate,
    ids::{ItemId, OrderId, ShipmentId, UserId},
    item::{FulfillmentPath, Item},
    money::Money,
    refusal::Refusal,
    shipment::Shipment,
    status::OrderStatus,
    transition::{Context, Transition},
};

/// An order without its items and shipments.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderHead {
    /// The id of the order.
    pub id: OrderId,
    /// The merchant's own number for the order. Unique, where there is one.
    pub reference: Option<String>,
    /// The customer to whom the order belongs.
    pub user_id: UserId,
    /// The customer's e-mail address, the first recipient of notifications; without one, none is sent.
    pub customer_email: Option<String>,
    /// The further recipients of notifications. Empty if there is no first one. They never change.
    pub other_emails: Vec<String>,
    /// Whether all notifications of the order are suppressed.
    pub notifications_muted: bool,
    /// The present status.
    pub status: OrderStatus,
    /// The number of the order's events: 1 after the placement. Callers can use it as an optimistic lock.
    pub version: i32,
    /// The price of the whole order.
    pub total: Money,
    /// How the merchant planned to fulfil the order.
    pub fulfillment_path: FulfillmentPath,
    /// The fact that nothing more is expected of the order, if it is closed.
    pub closed: Option<Closed>,
    /// The order of the same customer that this order replaces.
    pub replaces: Option<OrderId>,
    /// When the customer placed it.
    pub placed_at: DateTime<Utc>,
    /// When the order, one of its items or one of its shipments last changed.
    pub updated_at: DateTime<Utc>,
    /// When the latest event happened. No later event has an earlier time.
    pub occurred_at: DateTime<Utc>,
}

impl OrderHead {
    /// The name of the order for people: the merchant's number, else the first eight characters of the id.
    pub fn name(&self) -> String {
        self.reference.clone().unwrap_or_else(|| self.id.to_string().chars().take(8).collect())
    }

    /// The addresses to which notifications are sent.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.customer_email.iter().chain(&self.other_emails).map(String::as_str)
    }
}

/// An order with its items and shipments, and the changes since it was loaded.
#[derive(Clone, Debug)]
pub struct Order {
    head: OrderHead,
    items: Vec<Item>,
    shipments: Vec<Shipment>,
    changes: Changes,
}

/// The changes that requests made since the order was loaded. `persistence` writes them.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The new events, oldest first.
    pub transitions: Vec<Transition>,
    /// Items whose quantities, origin or supplier commitment changed.
    pub items: BTreeSet<ItemId>,
    /// Items that were made of units of other items.
    pub new_items: BTreeSet<ItemId>,
    /// Shipments that were registered.
    pub new_shipments: BTreeSet<ShipmentId>,
    /// Shipments that changed after they were registered. A new shipment is here only if a later request changed it.
    pub shipments: BTreeSet<ShipmentId>,
    /// Estimates that were said for shipments. Some of them may be stored already.
    pub estimates: BTreeSet<(ShipmentId, DeliveryEstimate)>,
    /// The new activities, oldest first.
    pub activities: Vec<Activity>,
    /// Whether the order was closed or reopened.
    pub closing: bool,
    /// Whether the last wanted unit was cancelled, of an order that cannot become cancelled. The customer is told.
    pub called_off: bool,
    /// Whether a new order replaces this one.
    pub replaced: bool,
    /// What customers may have been told and what is not true any more.
    pub corrections: Vec<Correction>,
}

impl Changes {
    /// Whether the order, its items and its shipments are as they were loaded. There can be activities and estimates
    /// nevertheless: a scan by hand that changes nothing is an activity.
    pub fn is_empty(&self) -> bool {
        self.transitions.is_empty()
            && self.items.is_empty()
            && self.new_items.is_empty()
            && self.new_shipments.is_empty()
            && self.shipments.is_empty()
            && !self.closing
            && !self.called_off
            && !self.replaced
            && self.corrections.is_empty()
    }
}

impl Order {
    /// Creates the value from stored data, without changes.
    pub fn restore(head: OrderHead, items: Vec<Item>, shipments: Vec<Shipment>) -> Self {
        Self { head, items, shipments, changes: Changes::default() }
    }

    /// The head, the items and the shipments, as for [`Self::restore`].
    pub fn into_parts(self) -> (OrderHead, Vec<Item>, Vec<Shipment>) {
        (self.head, self.items, self.shipments)
    }

    /// Grants or refuses a request. The caller must have checked that `context.actor` may see this order.
    ///
    /// 1. Asking for the present status succeeds and changes nothing, also with an outdated `expected_version`.
    /// 2. `expected_version` must be the present version, if it is given.
    /// 3. Everything else depends on the request, the actor and the state of the order.
    /// 4. Each change that is no transition leaves an activity.
    ///
    /// Every request checks everything first and changes the order afterwards: behind its first change nothing refuses
    /// it any more. So there is nothing to undo, and no copy of the order to undo it with.
    ///
    /// # Errors
    /// A [`Refusal`] that says why. The order is then as it was before.
    pub fn apply(
        &mut self,
        request: Request,
        expected_version: Option<i32>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        if let Request::Transition { to, .. } = request
            && to == self.head.status
        {
            return Ok(Outcome::default());
        }
        if let Some(expected) = expected_version
            && expected != self.head.version
        {
            return Err(Refusal::VersionConflict { expected, current: self.head.version });
        }
        let mark = self.mark_records();
        let outcome = match request {
            Request::Transition { to, notes, metadata } => self.transition(to, notes, metadata, context),
            Request::CancelItems { lines, reason } => self.cancel_items(&lines, reason, context),
            Request::CreateShipment(new) => self.create_shipment(new, context),
            Request::AddTrackingNumber { shipment, number, shared } => {
                self.add_number(shipment, number, shared, context)
            }
            Request::ReplaceTrackingNumber { shipment, number, shared, reason } => {
                self.replace_number(shipment, number, shared, reason, context)
            }
            Request::CreateReturnShipment(new) => self.create_return_shipment(new, context),
            Request::CancelShipment { id, reason } => self.cancel_shipment(id, reason, context),
            Request::GiveUpNumber(number) => {
                Ok(Outcome { changed: self.cancel_former_holder(&number, context), ..Outcome::default() })
            }
            Request::AcceptItems { items } => self.accept_items(&items, context),
            Request::DeclineItems { items, reason } => self.decline_items(&items, reason, context),
            Request::DeclineUnits { units, reason } => self.decline_units(&units, reason, context),
            Request::Close { reason } => self.close(reason, context),
            Request::Reopen { reason } => self.reopen(reason, context),
            Request::RecordReplacement(new) => Ok(self.record_replacement(new, context)),
            Request::ReassignItems { items, origin, deadlines } => {
                self.reassign_items(&items, &origin, deadlines, context)
            }
            Request::InitiateReturn { lines, reason } => {
                self.initiate_return(lines.as_deref(), reason, context)
            }
            Request::ReceiveReturn { lines, notes } => self.receive_return(lines.as_deref(), notes, context),
            Request::SetDeliveryEstimate { shipment, expected } => {
                self.set_delivery_estimate(shipment, expected, context)
            }
            Request::WriteOffReturn { lines, reason } => {
                self.write_off_return(lines.as_deref(), reason, context)
            }
            Request::Scans { shipment, known, incoming, restated } => {
                self.record_scans(shipment, known, &incoming, &restated, context)
            }
            Request::RetractScan { shipment, scan, known, reason } => {
                self.retract_scan(shipment, scan, &known, reason, context)
            }
        }?;
        self.reopen_if_it_goes_on(&mark, context);
        if outcome.changed {
            self.head.updated_at = context.now;
        }
        Ok(outcome)
    }

    /// The order without its items and shipments.
    pub fn head(&self) -> &OrderHead {
        &self.head
    }

    /// The items of the order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The shipments of the order, cancelled ones too.
    pub fn shipments(&self) -> &[Shipment] {
        &self.shipments
    }

    /// The changes since the order was loaded.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Records one permitted transition and returns the new version. Every change of a status goes through this
    /// function. An event never gets an earlier time than the one before it.
    fn record_step(&mut self, to: OrderStatus, detail: StepDetail, context: &Context) -> i32 {
        debug_assert!(self.head.status.may_become(to), "{} to {to} is not in the table", self.head.status);
        let occurred_at = detail.occurred_at.max(self.head.occurred_at);
        let transition = Transition {
            order_id: self.head.id,
            version: self.head.version + 1,
            from: Some(self.head.status),
            to,
            actor: context.actor.clone(),
            notes: detail.notes,
            metadata: detail.metadata,
            inferred: detail.inferred,
            occurred_at,
            recorded_at: context.now,
            request_id: context.request_id.clone(),
            webhook_id: context.webhook_id,
            may_notify: true,
        };
        self.head.status = to;
        self.head.version = transition.version;
        self.head.occurred_at = occurred_at;
        self.changes.transitions.push(transition);
        self.head.version
    }

    fn find_shipment(&self, id: ShipmentId) -> Result<&Shipment, Refusal> {
        self.shipments.iter().find(|shipment| shipment.id == id).ok_or(Refusal::NotFound("shipment"))
    }

    fn find_shipment_mut(&mut self, id: ShipmentId) -> Result<&mut Shipment, Refusal> {
        self.shipments.iter_mut().find(|shipment| shipment.id == id).ok_or(Refusal::NotFound("shipment"))
    }

    fn mark_changed(&mut self, id: ShipmentId) {
        self.changes.shipments.insert(id);
    }
}

/// The data of a transition beside its statuses.
struct StepDetail {
    occurred_at: DateTime<Utc>,
    inferred: bool,
    notes: Option<String>,
    metadata: Option<Value>,
}
