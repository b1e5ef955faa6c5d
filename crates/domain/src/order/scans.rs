//! Taking in scans: what is said about a parcel, by its carrier or by hand, and what each claim does.
//!
//! What all scans of a parcel amount to is told in `fold.rs`; what follows for the order in `walk.rs`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    actor::ActorKind,
    fold::{Ours, effect, fold, is_too_old},
    ids::ShipmentId,
    order::{
        Order, Outcome,
        walk::Trigger,
        words::{check_text, check_words},
    },
    refusal::Refusal,
    scan::{Heard, MAX_AHEAD, Meaning, Scan, ScanEffect, ScanIdentity},
    shipment::{Shipment, ShipmentStatus},
    transition::Context,
};

impl Order {
    /// Takes what is said about a parcel into its state, then walks. Each claim counts once.
    pub(super) fn take_in(
        &mut self,
        id: ShipmentId,
        known: Vec<Scan>,
        heard: &[Scan],
        replay: bool,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let (status, placed_at) = (self.head.status, self.head.placed_at);
        let shipment = self.shipment_mut(id)?.clone();
        if !self.may_scan(&shipment, context) {
            return Err(Refusal::Forbidden("this role may not record scans of that shipment".to_owned()));
        }
        if context.actor.kind != ActorKind::Carrier {
            heard.iter().try_for_each(|scan| check_by_hand(scan, placed_at, context.now))?;
        }
        let shipment = self.shipment_mut(id)?;
        // One that was called off is kept as cancelled, whatever its carrier says.
        let before = match shipment.cancelled_at {
            Some(_) => fold(&known, placed_at, shipment.promised_delivery),
            None => shipment.tracking.clone(),
        };
        let mut tracking = before.clone();
        let mut places: HashMap<ScanIdentity, usize> =
            known.iter().enumerate().map(|(place, scan)| (scan.identity, place)).collect();
        let ours = Ours::among(known.iter().chain(heard), placed_at);
        let mut answers = vec![Heard::Again; heard.len()];
        let mut all = known.clone();
        let mut cause: Option<&Scan> = None;
        let mut by_time: Vec<usize> = (0..heard.len()).collect();
        by_time.sort_by_key(|&at| (heard[at].clock(), heard[at].identity));
        for at in by_time {
            let scan = &heard[at];
            let old = places.get(&scan.identity).copied();
            let place = match old {
                Some(place) => {
                    let Some(merged) = all[place].heard_again(scan, replay) else { continue };
                    answers[at] = Heard::Revised(Box::new(merged), None);
                    place
                }
                None => {
                    all.push(scan.clone());
                    places.insert(scan.identity, all.len() - 1);
                    all.len() - 1
                }
            };
            let mut has_new_meaning = true;
            if let Heard::Revised(merged, _) = &answers[at] {
                has_new_meaning = merged.meaning != all[place].meaning;
                all[place] = merged.as_ref().clone();
            }
            let after = fold(&all, placed_at, shipment.promised_delivery);
            let mut effect = effect(&all[place], &all, &ours, status, &tracking, &after);
            if shipment.cancelled_at.is_some() && matches!(effect, ScanEffect::Applied | ScanEffect::Early) {
                effect = ScanEffect::Stale;
            }
            match &mut answers[at] {
                Heard::Revised(_, revised) => *revised = has_new_meaning.then_some(effect),
                answer @ (Heard::New(_) | Heard::Again) => *answer = Heard::New(effect),
            }
            if after.status != tracking.status || cause.is_none() {
                cause = Some(scan);
            }
            tracking = after;
        }
        let changed = tracking != before;
        if changed {
            shipment.tracking = tracking;
            let trigger = cause.map(|scan| Trigger::of(scan, &all, shipment, placed_at));
            self.touch(id);
            self.walk(trigger, context);
        }
        Ok(Outcome { changed, event: None, shipment: Some(id), heard: answers })
    }

    /// Whether the actor may say where this parcel is: carriers do, and whoever may ship it.
    fn may_scan(&self, shipment: &Shipment, context: &Context) -> bool {
        match context.actor.kind {
            ActorKind::Carrier => true,
            ActorKind::System | ActorKind::Support | ActorKind::Supplier | ActorKind::Customer => {
                self.may_ship(shipment, context)
            }
        }
    }
}

/// What a carrier says wrongly is kept and counts for nothing; a person is told.
fn check_by_hand(scan: &Scan, placed_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refusal> {
    check_words(scan.description.as_deref(), None)?;
    if let Some(location) = &scan.location {
        check_text("location", location)?;
    }
    if scan.occurred_at > now + MAX_AHEAD {
        return Err(Refusal::invalid("occurredAt", "a parcel is not scanned in the future"));
    }
    if is_too_old(scan, placed_at) {
        let message = format!("the order was placed later, at {placed_at}: that was another parcel");
        return Err(Refusal::invalid("occurredAt", message));
    }
    if scan.meaning == Meaning::Status(ShipmentStatus::Cancelled) {
        return Err(Refusal::invalid("status", "a parcel is called off with cancelShipment"));
    }
    Ok(())
}
