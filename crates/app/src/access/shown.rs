//! What of an order somebody is shown. Staff are shown all of an order they may see. A customer is shown all but what
//! is between the merchant and its suppliers, and what people of the shop wrote for themselves. A supplier is
//! shown its own side: the items it sends, the parcels with nothing else in them, and that something happened.
//! What people wrote about it is left out: whoever wrote it may have named anybody.
//!
//! What a supplier is shown of any record, and a customer of an item and of an event, is written down field by field: a
//! new field does not compile until somebody has decided about it. Of their parcels and scans customers are shown all,
//! but not who of the shop recorded a scan.

use std::sync::Arc;

use domain::{
    Actor, ActorKind, Answer, Condition, Item, ItemId, OrderStatus, OriginKind, Progress, Scan, Shipment,
    Supply, Tracking, progress,
};
use persistence::{Event, scans::StoredScan};

use super::{Caller, Scope};

/// An order's parcels, for one caller.
#[derive(Clone, Debug, Default)]
pub struct Parcels {
    /// Those that the caller is shown, oldest first.
    pub shown: Arc<[Shipment]>,
    /// All there are, to count the units of the items that the caller is shown: how many of its own units travel is
    /// a supplier's business, in whichever parcel they do. No more of these is to be shown.
    pub counted: Arc<[Shipment]>,
}

impl Parcels {
    /// How far the order is: in units of the items the caller is shown, and in parcels the caller is shown.
    pub fn progress(&self, status: OrderStatus, items: &[Item]) -> Progress {
        let of_shown = progress(status, items, &self.shown);
        Progress {
            shipments_total: of_shown.shipments_total,
            shipments_shipped: of_shown.shipments_shipped,
            shipments_delivered: of_shown.shipments_delivered,
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
    pub(crate) fn shown_items(&self, items: Arc<[Item]>) -> Arc<[Item]> {
        match self.scope() {
            Scope::All => items,
            Scope::Own(_) => items.iter().map(item_for_customer).collect(),
            Scope::Supplies(_) => {
                let own = items.iter().filter(|item| item.is_supplied_by(&self.actor));
                own.map(item_for_supplier).collect()
            }
            Scope::None => Arc::default(),
        }
    }

    /// What this caller is shown of an order's parcels. `items` are all of the order's.
    pub(crate) fn shown_parcels(&self, items: &[Item], shipments: Arc<[Shipment]>) -> Parcels {
        match self.scope() {
            Scope::All | Scope::Own(_) => Parcels { shown: shipments.clone(), counted: shipments },
            Scope::Supplies(_) | Scope::None => Parcels {
                shown: shipments.iter().filter_map(|one| self.shown_shipment(items, one)).collect(),
                counted: shipments.iter().map(|one| self.cut_to_own(items, one)).collect(),
            },
        }
    }

    /// The parcel with nothing in it but the caller's own items: for counting, not for showing.
    fn cut_to_own(&self, items: &[Item], shipment: &Shipment) -> Shipment {
        let mut shipment = shipment.clone();
        shipment.lines.retain(|line| self.sends(items, line.item_id));
        shipment
    }

    /// Whether the caller is the supplier who sends the item.
    fn sends(&self, items: &[Item], id: ItemId) -> bool {
        items.iter().any(|item| item.id == id && item.is_supplied_by(&self.actor))
    }

    /// What this caller is shown of a parcel of an order they may see. `items` are all of the order's.
    ///
    /// A supplier is shown the parcels that hold only what it sends. One that another supplier sent stays that
    /// supplier's, whoever its items were given to since.
    pub(crate) fn shown_shipment(&self, items: &[Item], shipment: &Shipment) -> Option<Shipment> {
        match self.scope() {
            Scope::All | Scope::Own(_) => Some(shipment.clone()),
            Scope::Supplies(_) => {
                let lines = &shipment.lines;
                let own = !lines.is_empty() && lines.iter().all(|line| self.sends(items, line.item_id));
                let from_own = match shipment.origin.kind {
                    OriginKind::Supplier => shipment.origin.is(&self.actor),
                    OriginKind::Warehouse => true,
                };
                (own && from_own).then(|| shipment_for_supplier(shipment))
            }
            Scope::None => None,
        }
    }

    /// What this caller is shown of the scans of a parcel they are shown.
    pub(crate) fn shown_scans(&self, scans: Vec<StoredScan>) -> Vec<StoredScan> {
        match self.scope() {
            Scope::All => scans,
            Scope::Own(_) => scans.into_iter().map(|scan| scan_for_customer(scan, &self.actor)).collect(),
            Scope::Supplies(_) | Scope::None => {
                scans.into_iter().map(|scan| scan_for_supplier(scan, &self.actor)).collect()
            }
        }
    }

    /// What this caller is shown of an event of an order they may see.
    pub(crate) fn shown_event(&self, event: Event) -> Event {
        match self.scope() {
            Scope::All => event,
            Scope::Own(_) => event_for_customer(event, &self.actor),
            Scope::Supplies(_) | Scope::None => event_for_supplier(event, &self.actor),
        }
    }

    /// The same for many.
    pub(crate) fn shown_events(&self, events: Arc<[Event]>) -> Arc<[Event]> {
        match self.scope() {
            Scope::All => events,
            Scope::Own(_) | Scope::Supplies(_) | Scope::None => {
                events.iter().cloned().map(|event| self.shown_event(event)).collect()
            }
        }
    }
}

/// Without what the merchant has agreed with the supplier, and what the supplier answered.
fn item_for_customer(item: &Item) -> Item {
    let Item {
        id,
        sku,
        name,
        quantity,
        cancelled,
        cancel_reason,
        origin,
        supply: _,
        return_requested,
        return_reason,
        returned,
    } = item.clone();
    Item {
        id,
        sku,
        name,
        quantity,
        cancelled,
        cancel_reason,
        origin,
        supply: Supply::default(),
        return_requested,
        return_reason,
        returned,
    }
}

fn item_for_supplier(item: &Item) -> Item {
    // One reason may have been given for items of several suppliers at once.
    let Item {
        id,
        sku,
        name,
        quantity,
        cancelled,
        cancel_reason: _,
        origin,
        supply: Supply { deadlines, answer },
        return_requested,
        return_reason: _,
        returned,
    } = item.clone();
    Item {
        id,
        sku,
        name,
        quantity,
        cancelled,
        cancel_reason: None,
        origin,
        supply: Supply { deadlines, answer: answer.map(without_reason) },
        return_requested,
        return_reason: None,
        returned,
    }
}

/// Staff may have declined for several suppliers at once, too.
fn without_reason(answer: Answer) -> Answer {
    match answer {
        Answer::Accepted { at } => Answer::Accepted { at },
        Answer::Declined { at, reason: _ } => Answer::Declined { at, reason: String::new() },
    }
}

fn shipment_for_supplier(shipment: &Shipment) -> Shipment {
    let Shipment {
        id,
        order_id,
        carrier,
        tracking_number,
        origin,
        tracking,
        promised_delivery,
        created_at,
        cancelled_at,
        cancel_reason: _,
        lines,
    } = shipment.clone();
    Shipment {
        id,
        order_id,
        carrier,
        tracking_number,
        origin,
        tracking: tracking_for_supplier(tracking),
        promised_delivery,
        created_at,
        cancelled_at,
        cancel_reason: None,
        lines,
    }
}

/// Trouble in our words: they may be those of somebody who recorded it by hand.
fn tracking_for_supplier(tracking: Tracking) -> Tracking {
    let Tracking {
        status,
        condition,
        estimated_delivery,
        shipped_at,
        shipped_inferred,
        out_for_delivery_at,
        out_for_delivery_inferred,
        delivered_at,
    } = tracking;
    let in_our_words =
        |Condition { kind, message: _, since }| Condition { kind, message: kind.words().to_owned(), since };
    Tracking {
        status,
        condition: condition.map(in_our_words),
        estimated_delivery,
        shipped_at,
        shipped_inferred,
        out_for_delivery_at,
        out_for_delivery_inferred,
        delivered_at,
    }
}

/// What the carrier said, and what the supplier recorded itself. Where others recorded, that they did.
fn scan_for_supplier(scan: StoredScan, supplier: &Actor) -> StoredScan {
    let StoredScan {
        id,
        shipment_id,
        webhook_id: _,
        effect,
        recorded_at,
        recorded_by,
        called_off,
        seen,
        scan,
    } = scan;
    let Scan {
        identity,
        code,
        meaning,
        description,
        location,
        occurred_at,
        time_estimated,
        local_time,
        package,
        estimate,
    } = scan;
    let by_others = recorded_by.as_ref().is_some_and(|by| by != supplier);
    let (description, location) = if by_others { (None, None) } else { (description, location) };
    let recorded_by = recorded_by.map(|by| shown_actor(by, supplier));
    let scan = Scan {
        identity,
        code,
        meaning,
        description,
        location,
        occurred_at,
        time_estimated,
        local_time,
        package,
        estimate,
    };
    StoredScan { id, shipment_id, webhook_id: None, effect, recorded_at, recorded_by, called_off, seen, scan }
}

/// Who recorded it by hand, only as what kind of party.
fn scan_for_customer(scan: StoredScan, customer: &Actor) -> StoredScan {
    let recorded_by = scan.recorded_by.map(|by| shown_actor(by, customer));
    StoredScan { recorded_by, ..scan }
}

/// What kind of party it was; who, only where it was the caller.
fn shown_actor(actor: Actor, caller: &Actor) -> Actor {
    if actor == *caller { actor } else { Actor { kind: actor.kind, id: None } }
}

/// All but who of the shop or of a supplier it was, and what they wrote; except why the order was cancelled.
fn event_for_customer(event: Event, customer: &Actor) -> Event {
    let Event {
        order_id,
        version,
        from,
        to,
        actor,
        notes,
        metadata,
        inferred,
        occurred_at,
        recorded_at,
        request_id,
        webhook_id,
    } = event;
    let is_for_customers = match actor.kind {
        ActorKind::Customer | ActorKind::Carrier => true,
        ActorKind::System | ActorKind::Support | ActorKind::Supplier => to == OrderStatus::Cancelled,
    };
    Event {
        order_id,
        version,
        from,
        to,
        actor: shown_actor(actor, customer),
        notes: notes.filter(|_| is_for_customers),
        metadata,
        inferred,
        occurred_at,
        recorded_at,
        request_id,
        webhook_id,
    }
}

/// That it happened, when, and by what kind of party; by whom, only where it was the supplier itself.
fn event_for_supplier(event: Event, supplier: &Actor) -> Event {
    let Event {
        order_id,
        version,
        from,
        to,
        actor,
        notes: _,
        metadata: _,
        inferred,
        occurred_at,
        recorded_at,
        request_id: _,
        webhook_id: _,
    } = event;
    Event {
        order_id,
        version,
        from,
        to,
        actor: shown_actor(actor, supplier),
        notes: None,
        metadata: None,
        inferred,
        occurred_at,
        recorded_at,
        request_id: None,
        webhook_id: None,
    }
}
