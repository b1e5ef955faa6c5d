//! What of an order somebody is shown. Staff are shown all of an order they may see. A customer is shown all but what
//! is between the merchant and its suppliers, and what people of the shop wrote for themselves. A supplier is
//! shown its own side: the items it sends, the shipments with nothing else in them, and that something happened.
//! What people wrote about it is left out: whoever wrote it may have named anybody.
//!
//! Here: which records. What of each is said in `shown/customer.rs` and `shown/supplier.rs`.

mod customer;
mod supplier;

use std::sync::Arc;

use domain::{Actor, Item, ItemId, OrderStatus, OriginKind, Progress, Shipment, progress};
use persistence::{Event, scans::StoredScan};

use super::{Caller, Scope};

/// An order's shipments, for one caller.
#[derive(Clone, Debug, Default)]
pub struct VisibleShipments {
    /// Those that the caller is shown, oldest first.
    pub visible: Arc<[Shipment]>,
    /// All there are, to count the units of the items that the caller is shown: how many of its own units travel is
    /// a supplier's business, in whichever shipment they do. No more of these is to be shown.
    pub counted: Arc<[Shipment]>,
}

impl VisibleShipments {
    /// How far the order is: in units of the items the caller is shown, and in shipments the caller is shown.
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

impl Caller {
    /// Whether this caller may know of an order whose it is, what it costs and what the customer is told.
    pub fn may_see_customers(&self) -> bool {
        match self.scope() {
            Scope::All | Scope::Own(_) => true,
            Scope::Supplies(_) | Scope::None => false,
        }
    }

    /// What this caller is shown of an order's items.
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

    /// What this caller is shown of an order's shipments. `items` are all of the order's.
    pub(crate) fn visible_shipments(&self, items: &[Item], shipments: Arc<[Shipment]>) -> VisibleShipments {
        match self.scope() {
            Scope::All | Scope::Own(_) => VisibleShipments { visible: shipments.clone(), counted: shipments },
            Scope::Supplies(_) | Scope::None => VisibleShipments {
                visible: shipments.iter().filter_map(|one| self.redact_shipment(items, one)).collect(),
                counted: shipments.iter().map(|one| self.cut_to_own(items, one)).collect(),
            },
        }
    }

    /// The shipment with nothing in it but the caller's own items: for counting, not for showing.
    fn cut_to_own(&self, items: &[Item], shipment: &Shipment) -> Shipment {
        let mut shipment = shipment.clone();
        shipment.lines.retain(|line| self.sends(items, line.item_id));
        shipment
    }

    /// Whether the caller is the supplier who sends the item.
    fn sends(&self, items: &[Item], id: ItemId) -> bool {
        items.iter().any(|item| item.id == id && item.is_supplied_by(&self.actor))
    }

    /// What this caller is shown of a shipment of an order they may see. `items` are all of the order's.
    ///
    /// A supplier is shown the shipments that hold only what it sends. One that another supplier sent stays that
    /// supplier's, whoever its items were given to since.
    pub(crate) fn redact_shipment(&self, items: &[Item], shipment: &Shipment) -> Option<Shipment> {
        match self.scope() {
            Scope::All | Scope::Own(_) => Some(shipment.clone()),
            Scope::Supplies(_) => {
                let lines = &shipment.lines;
                let own = !lines.is_empty() && lines.iter().all(|line| self.sends(items, line.item_id));
                let from_own = match shipment.origin.kind {
                    OriginKind::Supplier => shipment.origin.is(&self.actor),
                    OriginKind::Warehouse => true,
                };
                (own && from_own).then(|| supplier::redact_shipment(shipment))
            }
            Scope::None => None,
        }
    }

    /// What this caller is shown of the scans of a shipment they are shown.
    pub(crate) fn redact_scans(&self, scans: Vec<StoredScan>) -> Vec<StoredScan> {
        match self.scope() {
            Scope::All => scans,
            Scope::Own(_) => scans.into_iter().map(|scan| customer::redact_scan(scan, &self.actor)).collect(),
            Scope::Supplies(_) | Scope::None => {
                scans.into_iter().map(|scan| supplier::redact_scan(scan, &self.actor)).collect()
            }
        }
    }

    /// What this caller is shown of an event of an order they may see.
    pub(crate) fn redact_event(&self, event: Event) -> Event {
        match self.scope() {
            Scope::All => event,
            Scope::Own(_) => customer::redact_event(event, &self.actor),
            Scope::Supplies(_) | Scope::None => supplier::redact_event(event, &self.actor),
        }
    }

    /// The same for many.
    pub(crate) fn redact_events(&self, events: Arc<[Event]>) -> Arc<[Event]> {
        match self.scope() {
            Scope::All => events,
            Scope::Own(_) | Scope::Supplies(_) | Scope::None => {
                events.iter().cloned().map(|event| self.redact_event(event)).collect()
            }
        }
    }
}

/// What kind of party it was; who, only where it was the caller.
fn redact_actor(actor: Actor, caller: &Actor) -> Actor {
    if actor == *caller { actor } else { Actor { kind: actor.kind, id: None } }
}
