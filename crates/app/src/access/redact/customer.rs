//! Redaction for customers, called by `redact.rs` alone. A customer sees all of their shipments and scans, except who
//! recorded a scan by hand. Of an item they see where it comes from (`origin`), but not what is agreed with the
//! supplier. Each function returns the record with the hidden fields empty.

use domain::{Actor, ActorKind, Item, OrderStatus, Shipment, StoredScan};
use persistence::Event;

use super::{redact_actor, redact_retraction, redact_void_number, strip_event, strip_item};

/// Removes what the merchant has agreed with the supplier, and the supplier's answer.
pub fn redact_item(item: &Item) -> Item {
    Item {
        cancel_reason: item.cancel_reason.clone(),
        return_reason: item.return_reason.clone(),
        ..strip_item(item)
    }
}

/// Removes the reasons for which numbers are void, and the ids of the persons who made them void.
pub fn redact_shipment(shipment: &Shipment, customer: &Actor) -> Shipment {
    let mut shipment = shipment.clone();
    shipment.numbers.iter_mut().for_each(|number| redact_void_number(number, customer));
    shipment
}

/// Removes the id of the person who recorded or retracted the scan, unless it is the customer, and the reason of a
/// retraction. The kind of actor stays.
pub fn redact_scan(scan: StoredScan, customer: &Actor) -> StoredScan {
    let recorded_by = scan.recorded_by.map(|by| redact_actor(by, customer));
    let retraction = scan.retraction.map(|retraction| redact_retraction(retraction, customer));
    StoredScan { recorded_by, retraction, ..scan }
}

/// Removes the id of any other actor, and notes written by staff, systems or suppliers. The notes of a cancellation
/// stay: they tell the customer the reason.
pub fn redact_event(mut event: Event, customer: &Actor) -> Event {
    let is_for_customers = match event.actor.kind {
        ActorKind::Customer | ActorKind::Carrier => true,
        ActorKind::System | ActorKind::Support | ActorKind::Supplier => event.to == OrderStatus::Cancelled,
    };
    Event {
        notes: event.notes.take().filter(|_| is_for_customers),
        metadata: event.metadata.take(),
        request_id: event.request_id.take(),
        webhook_id: event.webhook_id,
        ..strip_event(event, customer)
    }
}
