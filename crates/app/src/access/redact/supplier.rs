//! Redaction for suppliers, field by field: after a field is added to a record, this does not compile until somebody
//! has decided whether suppliers see it. A field that is `_` in a pattern is shown. Called by `redact.rs` alone, which
//! has decided that the supplier sees the record.

use domain::{
    Actor, Condition, Item, Scan, Shipment, StoredScan, SupplierAnswer, SupplierCommitment, Tracking,
};

use super::{redact_actor, redact_retraction, redact_void_number, strip_item};

/// Removes the reasons: the same reason may have been given for items of several suppliers.
pub fn redact_item(item: &Item) -> Item {
    let SupplierCommitment { deadlines, answer } = item.commitment.clone();
    let answer = answer.map(|answer| match answer {
        SupplierAnswer::Accepted { at } => SupplierAnswer::Accepted { at },
        SupplierAnswer::Declined { at, reason: _ } => SupplierAnswer::Declined { at, reason: None },
    });
    Item { commitment: SupplierCommitment { deadlines, answer }, ..strip_item(item) }
}

/// Removes the reason of the cancellation. Replaces the text of the condition by Milepost's own text, because a person
/// may have written the text with a manual scan.
pub fn redact_shipment(shipment: &Shipment, supplier: &Actor) -> Shipment {
    let mut shipment = shipment.clone();
    let Shipment {
        id: _,
        order_id: _,
        tracking_number: _,
        numbers,
        direction: _,
        origin: _,
        tracking,
        promised_delivery: _,
        created_at: _,
        cancelled_at: _,
        cancel_reason,
        lines: _,
    } = &mut shipment;
    *cancel_reason = None;
    numbers.iter_mut().for_each(|number| redact_void_number(number, supplier));
    let Tracking {
        status: _,
        status_before_return: _,
        in_possession: _,
        condition,
        estimated_delivery: _,
        shipped: _,
        out_for_delivery: _,
        delivered_at: _,
    } = tracking;
    if let Some(Condition { kind, message, since: _ }) = condition {
        kind.describe().clone_into(message);
    }
    shipment
}

/// Shows scans of the carrier and of the supplier completely, except the webhook. Removes description and place of
/// scans that others recorded by hand, and the id of the person.
pub fn redact_scan(mut stored: StoredScan, supplier: &Actor) -> StoredScan {
    let StoredScan {
        id: _,
        shipment_id: _,
        webhook_id,
        effect: _,
        recorded_at: _,
        recorded_by,
        shipment_was_cancelled: _,
        seen: _,
        retraction,
        scan,
    } = &mut stored;
    let Scan {
        identity: _,
        code: _,
        meaning: _,
        evidence: _,
        description,
        location,
        occurred_at: _,
        time_estimated: _,
        local_time: _,
        package: _,
        estimate: _,
    } = scan;
    *webhook_id = None;
    if recorded_by.as_ref().is_some_and(|by| by != supplier) {
        (*description, *location) = (None, None);
    }
    *retraction = retraction.take().map(|retraction| redact_retraction(retraction, supplier));
    *recorded_by = recorded_by.take().map(|by| redact_actor(by, supplier));
    stored
}
