//! Redaction: which parts of an order a caller may see. `reads` and `orders` pass every record through this. `api` asks
//! `may_see_customers` and `redact_closed`, and counts with [`VisibleShipments`].
//!
//! 1. Staff see everything.
//! 2. A customer sees everything except what the merchant has agreed with suppliers, and what staff wrote for
//!    themselves.
//! 3. A supplier sees the items that it sends, the shipments that contain nothing else, and that events happened. It
//!    does not see texts that people wrote about the order, because such a text can name anybody.
//! 4. The callers have checked that the order may be seen, see `Caller::may_see`. A caller without orders gets nothing,
//!    or the supplier's view. `None` means that this caller does not see the record; lists leave it out.
//!
//! This file decides which records a caller sees. `redact/customer.rs` and `redact/supplier.rs` decide which fields of
//! them. `redact/activity.rs` decides both for activities. The `strip_` functions return what customers and suppliers
//! both see, and the two files add their own fields. `redact_actor` removes the id of anybody but the caller,
//! `redact_retraction` the reason too. Nothing here reads or writes the database.

mod activity;
mod customer;
mod supplier;

use std::sync::Arc;

pub(crate) use activity::OwnParts;
use chrono::{DateTime, Utc};
use domain::{
    Actor, Closed, Item, ItemId, OrderStatus, OriginKind, Progress, Shipment, ShipmentNumber, StoredScan,
    SupplierCommitment, VoidNumber, ingest::Retraction, is_status_disputed, progress,
};
use persistence::Event;

use super::{Caller, Scope};

/// An order's shipments, redacted for one caller.
#[derive(Clone, Debug, Default)]
pub struct VisibleShipments {
    /// The shipments that the caller sees, oldest first.
    pub visible: Arc<[Shipment]>,
    /// All shipments, each with only the units that the caller may count. Use them only for counting, do not show them:
    /// a supplier may know how many of its own units are sent, also those in a shipment that it does not see.
    pub counted: Arc<[Shipment]>,
}

impl VisibleShipments {
    /// Whether the order stands further than its shipments. Judged by all shipments, as the progress is.
    pub fn is_status_disputed(&self, status: OrderStatus, items: &[Item]) -> bool {
        is_status_disputed(status, items, &self.counted)
    }

    /// The progress of the order. Units are counted in all shipments, shipments only among the visible ones.
    pub fn progress(&self, status: OrderStatus, items: &[Item]) -> Progress {
        let of_visible = progress(status, items, &self.visible);
        Progress {
            shipments_total: of_visible.shipments_total,
            shipments_shipped: of_visible.shipments_shipped,
            shipments_delivered: of_visible.shipments_delivered,
            ..progress(status, items, &self.counted)
        }
    }
}

/// The fact that an order is closed, redacted for one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedClosed {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// `None` if the caller does not see it.
    pub reason: Option<String>,
}

impl Caller {
    /// Whether this caller may see the customer of an order, its price and its notifications.
    pub fn may_see_customers(&self) -> bool {
        match self.scope() {
            Scope::All | Scope::Own(_) => true,
            Scope::Supplies(_) | Scope::None => false,
        }
    }

    /// The items of an order that this caller sees, redacted.
    pub(crate) fn redact_items(&self, items: Arc<[Item]>) -> Arc<[Item]> {
        match self.scope() {
            Scope::All => items,
            Scope::Own(_) => items.iter().map(customer::redact_item).collect(),
            Scope::Supplies(_) => {
                let own = items.iter().filter(|item| item.is_supplied_by(&self.actor));
                own.map(supplier::redact_item).collect()
            }
            Scope::None => Arc::default(),
        }
    }

    /// The shipments of an order that this caller sees, redacted. `items` are all items of the order.
    pub(crate) fn visible_shipments(&self, items: &[Item], shipments: Arc<[Shipment]>) -> VisibleShipments {
        let visible = match self.scope() {
            Scope::All => shipments.clone(),
            Scope::Own(_) | Scope::Supplies(_) | Scope::None => {
                shipments.iter().filter_map(|one| self.redact_shipment(items, one)).collect()
            }
        };
        let counted = match self.scope() {
            Scope::All | Scope::Own(_) => shipments,
            Scope::Supplies(_) | Scope::None => {
                shipments.iter().map(|one| self.cut_to_own(items, one)).collect()
            }
        };
        VisibleShipments { visible, counted }
    }

    /// The shipment with only the units of the items that the caller sends. It is for counting, not for showing.
    fn cut_to_own(&self, items: &[Item], shipment: &Shipment) -> Shipment {
        let mut shipment = shipment.clone();
        shipment.lines.retain(|line| self.sends_item(items, line.item_id));
        shipment
    }

    fn sends_item(&self, items: &[Item], id: ItemId) -> bool {
        items.iter().any(|item| item.id == id && item.is_supplied_by(&self.actor))
    }

    /// A shipment of an order that this caller may see, redacted. `None` if the caller does not see the shipment.
    /// `items` are all items of the order.
    ///
    /// A supplier sees the shipments that contain only items that it sends. It does not see a shipment that another
    /// supplier sent, even if the items were reassigned to it later.
    pub(crate) fn redact_shipment(&self, items: &[Item], shipment: &Shipment) -> Option<Shipment> {
        match self.scope() {
            Scope::All => Some(shipment.clone()),
            Scope::Own(_) => Some(customer::redact_shipment(shipment, &self.actor)),
            Scope::Supplies(_) => {
                let lines = &shipment.lines;
                let own = !lines.is_empty() && lines.iter().all(|line| self.sends_item(items, line.item_id));
                let from_own = match shipment.origin.kind {
                    OriginKind::Supplier => shipment.origin.is_supplier(&self.actor),
                    OriginKind::Warehouse => true,
                };
                (own && from_own).then(|| supplier::redact_shipment(shipment, &self.actor))
            }
            Scope::None => None,
        }
    }

    /// The scans of a shipment that this caller sees, redacted.
    pub(crate) fn redact_scans(&self, scans: Vec<StoredScan>) -> Vec<StoredScan> {
        match self.scope() {
            Scope::All => scans,
            Scope::Own(_) => scans.into_iter().map(|scan| customer::redact_scan(scan, &self.actor)).collect(),
            Scope::Supplies(_) | Scope::None => {
                scans.into_iter().map(|scan| supplier::redact_scan(scan, &self.actor)).collect()
            }
        }
    }

    /// The closing of an order that this caller may see, redacted. Only staff see the reason and who closed it: staff
    /// wrote the reason for themselves.
    pub fn redact_closed(&self, closed: &Closed) -> RedactedClosed {
        match self.scope() {
            Scope::All => RedactedClosed {
                at: closed.at,
                actor: closed.actor.clone(),
                reason: Some(closed.reason.clone()),
            },
            Scope::Own(_) | Scope::Supplies(_) | Scope::None => RedactedClosed {
                at: closed.at,
                actor: redact_actor(closed.actor.clone(), &self.actor),
                reason: None,
            },
        }
    }

    /// An event of an order that this caller may see, redacted.
    pub(crate) fn redact_event(&self, event: Event) -> Event {
        match self.scope() {
            Scope::All => event,
            Scope::Own(_) => customer::redact_event(event, &self.actor),
            Scope::Supplies(_) | Scope::None => strip_event(event, &self.actor),
        }
    }

    /// Events of orders that this caller may see, redacted.
    pub(crate) fn redact_events(&self, events: Arc<[Event]>) -> Arc<[Event]> {
        match self.scope() {
            Scope::All => events,
            Scope::Own(_) | Scope::Supplies(_) | Scope::None => {
                events.iter().cloned().map(|event| self.redact_event(event)).collect()
            }
        }
    }
}

/// An item with only the fields that customers and suppliers both see: those that are `_` in the pattern. A new field
/// does not compile until somebody has decided whether both see it.
fn strip_item(item: &Item) -> Item {
    let mut item = item.clone();
    let Item {
        id: _,
        sku: _,
        name: _,
        quantity: _,
        cancelled: _,
        cancel_reason,
        origin: _,
        commitment,
        return_requested: _,
        return_reason,
        returned: _,
        return_written_off: _,
        split_from,
    } = &mut item;
    (*cancel_reason, *return_reason, *split_from) = (None, None, None);
    *commitment = SupplierCommitment::default();
    item
}

/// An event with only what customers and suppliers both see: that it happened, when, and by which kind of actor. The id
/// of the actor stays only if the actor is the caller. The pattern has the same meaning as in [`strip_item`].
fn strip_event(mut event: Event, caller: &Actor) -> Event {
    let Event {
        order_id: _,
        version: _,
        from: _,
        to: _,
        actor: _,
        notes,
        metadata,
        inferred: _,
        occurred_at: _,
        recorded_at: _,
        request_id,
        webhook_id,
    } = &mut event;
    (*notes, *metadata, *request_id, *webhook_id) = (None, None, None, None);
    Event { actor: redact_actor(event.actor, caller), ..event }
}

/// Removes the reason, and the id of the actor, unless the actor is the caller.
fn redact_retraction(retraction: Retraction, caller: &Actor) -> Retraction {
    Retraction { at: retraction.at, actor: redact_actor(retraction.actor, caller), reason: None }
}

/// Removes the reason, and the id of the person who made the number void, unless it is the caller.
fn redact_void_number(number: &mut ShipmentNumber, caller: &Actor) {
    if let Some(void) = number.void.take() {
        number.void = Some(VoidNumber { reason: None, actor: redact_actor(void.actor, caller), ..void });
    }
}

/// Removes the id of the actor, unless the actor is the caller. The kind of actor stays.
fn redact_actor(actor: Actor, caller: &Actor) -> Actor {
    if actor == *caller { actor } else { Actor { kind: actor.kind, id: None } }
}
