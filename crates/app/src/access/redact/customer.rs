//! What of an order's records its customer is shown: of items and events field by field. Of their shipments and scans
//! they are shown all, but not who of the shop recorded a scan.

use domain::{Actor, ActorKind, Item, OrderStatus, SupplierCommitment};
use persistence::{Event, scans::StoredScan};

use super::redact_actor;

/// Without what the merchant has agreed with the supplier, and what the supplier answered.
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

/// Who recorded it by hand, only as what kind of party.
pub fn redact_scan(scan: StoredScan, customer: &Actor) -> StoredScan {
    let recorded_by = scan.recorded_by.map(|by| redact_actor(by, customer));
    StoredScan { recorded_by, ..scan }
}

/// All but who of the shop or of a supplier it was, and what they wrote; except why the order was cancelled.
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
