//! Recording scans: takes scans of a shipment, from its carrier or from a person, into the order. It is part of step 5
//! of the ingestion (`ingest/mod.rs`).
//!
//! `Order::apply` calls `record_scans`, for a request that `ingest::recording` makes. Scans of a carrier are never
//! refused for what they say; those of a person are checked. Only the latter leave an activity.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    actor::ActorKind,
    ids::ShipmentId,
    ingest::{fold_incoming, is_too_old},
    input_field::InputField,
    order::{
        Order, Outcome,
        advance::Trigger,
        text_validation::{check_notes, check_text},
    },
    refusal::Refusal,
    scan::{MAX_AHEAD, Meaning, Scan, ScanIdentity, ScanOutcome},
    shipment::Shipment,
    shipment_status::ShipmentStatus,
    transition::Context,
};

impl Order {
    /// Records scans of a shipment, gives the shipment its new state, and advances the order. Each scan counts once.
    pub(super) fn record_scans(
        &mut self,
        id: ShipmentId,
        known: Vec<Scan>,
        incoming: &[Scan],
        restated: &BTreeSet<ScanIdentity>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let shipment = self.find_shipment(id)?;
        if !self.may_scan(shipment, context) {
            return Err(Refusal::Forbidden("this role may not record scans of that shipment".to_owned()));
        }
        if context.actor.kind != ActorKind::Carrier {
            let placed_at = self.head.placed_at;
            incoming.iter().try_for_each(|scan| check_manual_scan(scan, placed_at, context.now))?;
        }
        let folded = fold_incoming(&self.head, shipment, known, incoming, restated);
        let changed = folded.after != folded.before;
        let is_outbound = shipment.is_outbound();
        if changed {
            let (before, after) = (folded.before.clone(), folded.after.clone());
            let trigger =
                folded.cause.map(|scan| Trigger::from_scan(scan, &folded.state, shipment, &folded.after));
            let was_disputed = self.is_disputed();
            self.find_shipment_mut(id)?.tracking = folded.after;
            self.mark_changed(id);
            // A return shipment moves nothing but itself.
            if is_outbound {
                self.advance(trigger, context);
                self.reopen_by_movement(&before, &after, context);
                self.note_told_delivery_change(was_disputed, None, context);
                self.note_replaced_numbers(id, &before, context);
            }
        }
        self.changes.estimates.extend(folded.estimates.iter().map(|estimate| (id, *estimate)));
        if context.actor.kind != ActorKind::Carrier {
            // A repeat by a person says something new only where staff confirms the scan of a supplier.
            let says_more = |answer: &ScanOutcome| *answer != ScanOutcome::Repeated;
            for (scan, _) in incoming.iter().zip(&folded.outcomes).filter(|(_, answer)| says_more(answer)) {
                self.record_scan_activity(id, scan, context);
            }
        }
        Ok(Outcome { changed, shipment: Some(id), scan_outcomes: folded.outcomes, ..Outcome::default() })
    }

    /// Whether the actor may record scans of this shipment. Carriers may, and every actor that may ship it.
    fn may_scan(&self, shipment: &Shipment, context: &Context) -> bool {
        match context.actor.kind {
            ActorKind::Carrier => true,
            ActorKind::System | ActorKind::Support | ActorKind::Supplier | ActorKind::Customer => {
                self.may_ship(shipment, context)
            }
        }
    }
}

/// Refuses a manual scan that cannot be right, because a person can correct it. A carrier's wrong scan is stored
/// instead, and counts for nothing.
fn check_manual_scan(scan: &Scan, placed_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refusal> {
    check_notes(scan.description.as_deref(), None)?;
    if let Some(location) = &scan.location {
        check_text(InputField::Location, location)?;
    }
    if scan.occurred_at > now + MAX_AHEAD {
        return Err(Refusal::invalid(InputField::OccurredAt, "a parcel is not scanned in the future"));
    }
    if is_too_old(scan, placed_at) {
        let message = format!("the order was placed later, at {placed_at}: that was another parcel");
        return Err(Refusal::invalid(InputField::OccurredAt, message));
    }
    if scan.meaning == Meaning::Status(ShipmentStatus::Cancelled) {
        return Err(Refusal::invalid(InputField::Status, "a parcel is called off with cancelShipment"));
    }
    Ok(())
}
