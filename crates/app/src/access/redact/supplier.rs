//! Redaction for suppliers, field by field: after a field is added to a record, this does not compile until somebody
//! has decided whether suppliers see it.

use domain::{
    Actor, Condition, Item, Scan, Shipment, StoredScan, SupplierAnswer, SupplierCommitment, Tracking,
};
use persistence::Event;

use super::redact_actor;

pub fn redact_item(item: &Item) -> Item {
    // The same reason may have been given for items of several suppliers.
    let Item {
        id,
        sku,
        name,
        quantity,
        cancelled,
        cancel_reason: _,
        origin,
        commitment: SupplierCommitment { deadlines, answer },
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
        commitment: SupplierCommitment { deadlines, answer: answer.map(without_reason) },
        return_requested,
        return_reason: None,
        returned,
    }
}

/// Removes the reason: staff may have declined for several suppliers with one reason.
fn without_reason(answer: SupplierAnswer) -> SupplierAnswer {
    match answer {
        SupplierAnswer::Accepted { at } => SupplierAnswer::Accepted { at },
        SupplierAnswer::Declined { at, reason: _ } => SupplierAnswer::Declined { at, reason: String::new() },
    }
}

pub fn redact_shipment(shipment: &Shipment) -> Shipment {
    let Shipment {
        id,
        order_id,
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
        tracking_number,
        origin,
        tracking: in_our_words(tracking),
        promised_delivery,
        created_at,
        cancelled_at,
        cancel_reason: None,
        lines,
    }
}

/// Replaces the text of the condition by Milepost's own text, because a person may have written the text with a manual
/// scan.
fn in_our_words(tracking: Tracking) -> Tracking {
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
    let named = |Condition { kind, message: _, since }| Condition {
        kind,
        message: kind.describe().to_owned(),
        since,
    };
    Tracking {
        status,
        condition: condition.map(named),
        estimated_delivery,
        shipped_at,
        shipped_inferred,
        out_for_delivery_at,
        out_for_delivery_inferred,
        delivered_at,
    }
}

/// Shows scans of the carrier and of the supplier completely, except the webhook. Removes description and place of
/// scans that others recorded by hand, and the id of the person.
pub fn redact_scan(scan: StoredScan, supplier: &Actor) -> StoredScan {
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
    let recorded_by = recorded_by.map(|by| redact_actor(by, supplier));
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

/// Shows that an event happened, when, and by which kind of actor. The id of the actor stays only if it is the supplier
/// itself.
pub fn redact_event(event: Event, supplier: &Actor) -> Event {
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
        actor: redact_actor(actor, supplier),
        notes: None,
        metadata: None,
        inferred,
        occurred_at,
        recorded_at,
        request_id: None,
        webhook_id: None,
    }
}
