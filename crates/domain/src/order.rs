//! The order: the one thing that changes, and `apply`, the one way it does.
//!
//! `app` loads it under its row lock, applies requests, and hands the [`Changes`] to `persistence`. A refused
//! request leaves the order as it was.

mod advance;
mod cancel;
mod dropship;
mod guard;
mod place;
mod quantities;
mod returns;
mod scans;
mod ship;
mod text_validation;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use place::{NewItem, NewOrder};
pub use ship::NewShipment;
pub use text_validation::check_cancellation_reason;

use crate::{
    carrier::Carrier,
    ids::{ItemId, OrderId, ShipmentId, UserId},
    item::{FulfillmentPath, Item},
    money::Money,
    refusal::Refusal,
    scan::{Scan, ScanIdentity, ScanOutcome},
    shipment::{Line, Origin, Shipment},
    status::OrderStatus,
    supplier_commitment::Deadlines,
    transition::{Context, Transition},
};

/// What is known of an order without its items and shipments.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderHead {
    /// Its id.
    pub id: OrderId,
    /// The merchant's own number, unique.
    pub reference: Option<String>,
    /// Whose it is.
    pub user_id: UserId,
    /// Where notifications go.
    pub customer_email: Option<String>,
    /// Where it stands.
    pub status: OrderStatus,
    /// How many events it has: the optimistic lock.
    pub version: i32,
    /// What it costs.
    pub total: Money,
    /// How it was planned to be fulfilled.
    pub fulfillment_path: FulfillmentPath,
    /// When the customer placed it.
    pub placed_at: DateTime<Utc>,
    /// When anything about it last changed.
    pub updated_at: DateTime<Utc>,
    /// When its latest event happened; no later event may be earlier.
    pub occurred_at: DateTime<Utc>,
}

impl OrderHead {
    /// What people call it: by the merchant's number, else by the beginning of the id.
    pub fn name(&self) -> String {
        self.reference.clone().unwrap_or_else(|| self.id.to_string().chars().take(8).collect())
    }
}

/// An order with its items and shipments, and what has changed since it was loaded.
#[derive(Clone, Debug)]
pub struct Order {
    head: OrderHead,
    items: Vec<Item>,
    shipments: Vec<Shipment>,
    changes: Changes,
}

/// What requests have changed since the order was loaded, for `persistence` to write.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The events, in order.
    pub transitions: Vec<Transition>,
    /// Items whose quantities, origin or supplier's answer changed.
    pub items: BTreeSet<ItemId>,
    /// Shipments that are new.
    pub new_shipments: BTreeSet<ShipmentId>,
    /// Shipments that changed, new ones too.
    pub shipments: BTreeSet<ShipmentId>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.transitions.is_empty()
            && self.items.is_empty()
            && self.new_shipments.is_empty()
            && self.shipments.is_empty()
    }
}

/// What somebody wants of an order.
#[derive(Clone, Debug)]
pub enum Request {
    /// Bring it into a status.
    Transition {
        /// The status.
        to: OrderStatus,
        /// What to say about it on the event.
        notes: Option<String>,
        /// What to attach to the event.
        metadata: Option<Value>,
    },
    /// Call off units that cannot be shipped.
    CancelItems {
        /// How many of which.
        lines: Vec<Line>,
        /// Why.
        reason: String,
    },
    /// Register a shipment.
    CreateShipment(NewShipment),
    /// Call a shipment off.
    CancelShipment {
        /// Which.
        id: ShipmentId,
        /// Why.
        reason: String,
    },
    /// Its shipment that only the carrier has cancelled gives its number to a shipment of another order.
    GiveUpNumber {
        /// Whose number.
        carrier: Carrier,
        /// The number.
        number: String,
    },
    /// A supplier will ship these items.
    AcceptItems {
        /// Which.
        items: Vec<ItemId>,
    },
    /// A supplier will not ship these items.
    DeclineItems {
        /// Which.
        items: Vec<ItemId>,
        /// Why.
        reason: String,
    },
    /// Let somebody else ship these items.
    ReassignItems {
        /// Which.
        items: Vec<ItemId>,
        /// Who.
        origin: Origin,
        /// Until when, where it is a supplier.
        deadlines: Deadlines,
    },
    /// Ask delivered units back.
    InitiateReturn {
        /// How many of which; left out, all that are not asked back yet.
        lines: Option<Vec<Line>>,
        /// Why.
        reason: String,
    },
    /// Book units that came back.
    ReceiveReturn {
        /// How many of which; left out, all that are outstanding.
        lines: Option<Vec<Line>>,
        /// What to say about it on the event, if this is the last of them.
        notes: Option<String>,
    },
    /// Take in what the carrier says about a shipment.
    Scans {
        /// Which shipment.
        shipment: ShipmentId,
        /// The scans we had, in any order.
        known: Vec<Scan>,
        /// What is said, in any order, whether we had it or not.
        incoming: Vec<Scan>,
        /// Those we had whose meaning is the one that is heard now, because old words are read again.
        restated: BTreeSet<ScanIdentity>,
    },
}

/// What a granted request did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether anything changed.
    pub changed: bool,
    /// The version of the event that was asked for. The advance may have gone further.
    pub event: Option<i32>,
    /// The shipment it was about.
    pub shipment: Option<ShipmentId>,
    /// What became of each scan that was heard, in the order given.
    pub scan_outcomes: Vec<ScanOutcome>,
}

impl Order {
    /// An order as it was stored.
    pub fn restore(head: OrderHead, items: Vec<Item>, shipments: Vec<Shipment>) -> Self {
        Self { head, items, shipments, changes: Changes::default() }
    }

    /// Grants or refuses a request. The caller has made sure that `context.actor` may see this order.
    ///
    /// Every request checks everything first and changes the order afterwards: behind its first change nothing refuses
    /// it any more. So there is nothing to undo, and no copy of the order to undo it with.
    ///
    /// # Errors
    /// A [`Refusal`] with the facts; the order is then as it was before.
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
        let outcome = match request {
            Request::Transition { to, notes, metadata } => self.transition(to, notes, metadata, context),
            Request::CancelItems { lines, reason } => self.cancel_items(&lines, reason, context),
            Request::CreateShipment(new) => self.create_shipment(new, context),
            Request::CancelShipment { id, reason } => self.cancel_shipment(id, reason, context),
            Request::GiveUpNumber { carrier, number } => {
                Ok(Outcome { changed: self.give_up_number(carrier, &number, context), ..Outcome::default() })
            }
            Request::AcceptItems { items } => self.accept_items(&items, context),
            Request::DeclineItems { items, reason } => self.decline_items(&items, reason, context),
            Request::ReassignItems { items, origin, deadlines } => {
                self.reassign_items(&items, &origin, deadlines, context)
            }
            Request::InitiateReturn { lines, reason } => {
                self.initiate_return(lines.as_deref(), reason, context)
            }
            Request::ReceiveReturn { lines, notes } => self.receive_return(lines.as_deref(), notes, context),
            Request::Scans { shipment, known, incoming, restated } => {
                self.record_scans(shipment, known, &incoming, &restated, context)
            }
        }?;
        if outcome.changed {
            self.head.updated_at = context.now;
        }
        Ok(outcome)
    }

    /// What is known of it without items and shipments.
    pub fn head(&self) -> &OrderHead {
        &self.head
    }

    /// Its lines.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Its shipments, cancelled ones too.
    pub fn shipments(&self) -> &[Shipment] {
        &self.shipments
    }

    /// What has changed since it was loaded.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// One permitted step, recorded. Everything that changes a status ends here.
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
        };
        self.head.status = to;
        self.head.version = transition.version;
        self.head.occurred_at = occurred_at;
        self.changes.transitions.push(transition);
        self.head.version
    }

    fn shipment(&self, id: ShipmentId) -> Result<&Shipment, Refusal> {
        self.shipments.iter().find(|shipment| shipment.id == id).ok_or(Refusal::NotFound("shipment"))
    }

    fn shipment_mut(&mut self, id: ShipmentId) -> Result<&mut Shipment, Refusal> {
        self.shipments.iter_mut().find(|shipment| shipment.id == id).ok_or(Refusal::NotFound("shipment"))
    }

    /// Marks a shipment as changed.
    fn mark_changed(&mut self, id: ShipmentId) {
        self.changes.shipments.insert(id);
    }
}

/// What is told about a step beside the statuses.
struct StepDetail {
    occurred_at: DateTime<Utc>,
    inferred: bool,
    notes: Option<String>,
    metadata: Option<Value>,
}
