//! Redaction for customers. Items and events are redacted field by field. A customer sees all of their shipments and
//! scans, except who recorded a scan by hand.

use domain::{Actor, ActorKind, Item, OrderStatus, StoredScan, SupplierCommitment};
use persistence::Event;

use super::redact_actor;

/// Removes what the merchant has agreed with the supplier, and the supplier's answer.
pub fn redact_item(item: &Item) -> Item {
    let Item {
        id,
        sku,
        name,
        quantity,
        cancelled,
        cancel_reason,
        origin,
        commitment: _,
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
        commitment: SupplierCommitment::default(),
        return_requested,
        return_reason,
        returned,
    }
}

/// Removes the id of the person who recorded the scan, unless it is the customer. The kind of actor stays.
pub fn redact_scan(scan: StoredScan, customer: &Actor) -> StoredScan {
    let recorded_by = scan.recorded_by.map(|by| redact_actor(by, customer));
    StoredScan { recorded_by, ..scan }
}

/// Removes the id of any other actor, and notes written by staff, systems or suppliers. The notes of a cancellation
/// stay: they tell the customer the reason.
pub fn redact_event(event: Event, customer: &Actor) -> Event {
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
        actor: redact_actor(actor, customer),
        notes: notes.filter(|_| is_for_customers),
        metadata,
        inferred,
        occurred_at,
        recorded_at,
        request_id,
        webhook_id,
    }
}
