//! Retracting scans: staff takes back a scan that is wrong, for example one that was recorded for another shipment.
//! `Order::apply` calls `retract_scan`, for a request that `ingest::recording` makes.
//!
//! 1. The scan stays stored and is marked. The fold leaves it out, and repeats of it do not bring it back.
//! 2. Customers who were told of a delivery are told that it was none: `corrections.rs`.
//! 3. The order never goes back. Where it then stands further than its shipments, its status is disputed:
//!    [`is_status_disputed`](crate::is_status_disputed).

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::{
    activity::ActivityKind,
    ids::{ScanId, ShipmentId},
    ingest::{FoldState, StoredScan},
    order::{Order, Outcome, activities::ActivityDetail, advance::Trigger, text_validation::check_reason},
    refusal::Refusal,
    shipment::Shipment,
    transition::Context,
};

impl Order {
    /// Retracts a scan of a shipment. To retract it again changes nothing.
    pub(super) fn retract_scan(
        &mut self,
        id: ShipmentId,
        scan_id: ScanId,
        known: &[StoredScan],
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let shipment = self.find_shipment(id)?;
        context.actor.must_be_staff("retract scans")?;
        let retracted = known.iter().find(|stored| stored.id == scan_id).ok_or(Refusal::NotFound("scan"))?;
        if retracted.retraction.is_some() {
            return Ok(Outcome { shipment: Some(id), ..Outcome::default() });
        }
        check_reason(&reason)?;
        let remaining = known.iter().filter(|stored| stored.counts() && stored.id != scan_id);
        let scans = remaining.map(|stored| Cow::Borrowed(&stored.scan));
        let state = FoldState::new(scans, self.head.placed_at, shipment.promised_delivery);
        let after = state.tracking();
        let trigger = Trigger::from_retraction(&state, shipment, &after, context.now);
        let ends_delivery = shipment.is_outbound()
            && shipment.tracking.delivered_at.is_some()
            && after.delivered_at.is_none();
        let facts = retraction_facts(shipment, retracted, ends_delivery);
        let has_changed = shipment.tracking != after;
        let was_disputed = self.is_disputed();
        self.find_shipment_mut(id)?.tracking = after;
        self.mark_changed(id);
        let detail = ActivityDetail { facts, notes: Some(reason), shipment_id: Some(id) };
        self.record_activity(ActivityKind::ScanRetracted, detail, context);
        if has_changed {
            self.advance(Some(trigger), context);
            self.note_told_delivery_change(was_disputed, ends_delivery.then_some(scan_id), context);
        }
        Ok(Outcome { changed: true, shipment: Some(id), ..Outcome::default() })
    }
}

/// The facts of the activity. `delivery_retracted` says that the customer may have been told of a delivery that was
/// none.
fn retraction_facts(shipment: &Shipment, retracted: &StoredScan, ends_delivery: bool) -> Value {
    json!({
        "carrier": shipment.carrier().as_str(),
        "tracking_number": &*shipment.tracking_number,
        "scan_id": retracted.id.to_string(),
        "meaning": retracted.scan.meaning.as_str(),
        "occurred_at": retracted.scan.occurred_at.to_rfc3339(),
        "delivery_retracted": ends_delivery,
    })
}
