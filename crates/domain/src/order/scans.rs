//! Recording scans: takes scans of a shipment, from its carrier or from a person, into the order.
//!
//! `fold.rs` computes the state of the shipment from its scans. `advance.rs` moves the order.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use chrono::{DateTime, Utc};

use crate::{
    actor::ActorKind,
    fold::{Attribution, FoldState, OwnScans, classify_effect, is_too_old},
    ids::ShipmentId,
    order::{
        Order, Outcome,
        advance::Trigger,
        text_validation::{check_notes, check_text},
    },
    refusal::Refusal,
    scan::{MAX_AHEAD, Meaning, Scan, ScanEffect, ScanIdentity, ScanOutcome},
    shipment::{Shipment, ShipmentStatus},
    transition::Context,
};

impl Order {
    /// Records scans of a shipment, computes the new state of the shipment, and advances the order. Each scan counts
    /// once. The scans are added in the sequence of their clocks, so the effects do not depend on the sequence in the
    /// request.
    pub(super) fn record_scans(
        &mut self,
        id: ShipmentId,
        known: Vec<Scan>,
        incoming: &[Scan],
        restated: &BTreeSet<ScanIdentity>,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let (status, placed_at) = (self.head.status, self.head.placed_at);
        let shipment = self.shipment(id)?;
        if !self.may_scan(shipment, context) {
            return Err(Refusal::Forbidden("this role may not record scans of that shipment".to_owned()));
        }
        if context.actor.kind != ActorKind::Carrier {
            incoming.iter().try_for_each(|scan| check_manual_scan(scan, placed_at, context.now))?;
        }
        let attribution = Attribution::from_scans(known.iter().chain(incoming), placed_at);
        let shipment = self.shipment_mut(id)?;
        let mut scans = Scans::new(known, attribution, placed_at, shipment.promised_delivery);
        // A shipment that was cancelled in Milepost is stored as cancelled, whatever its scans say. So its state is
        // computed.
        let before = match shipment.cancelled_at {
            Some(_) => scans.state.tracking(),
            None => shipment.tracking.clone(),
        };
        let mut tracking = before.clone();
        let mut answers = vec![ScanOutcome::Repeated; incoming.len()];
        let mut cause: Option<&Scan> = None;
        let mut by_time: Vec<(&Scan, &mut ScanOutcome)> = incoming.iter().zip(&mut answers).collect();
        by_time.sort_by_key(|(scan, _)| (scan.clock(), scan.identity));
        for (scan, answer) in by_time {
            let Some((place, added)) = scans.add(scan, restated.contains(&scan.identity)) else { continue };
            let after = scans.state.tracking();
            let now: &Scan = &scans.state.scans()[place];
            let effect = classify_effect(now, &scans.own, status, &tracking, &after);
            let effect = if shipment.cancelled_at.is_some() { without_movement(effect) } else { effect };
            *answer = match added {
                Added::New => ScanOutcome::New(effect),
                Added::More { new_meaning } => {
                    ScanOutcome::Revised(Box::new(now.clone()), new_meaning.then_some(effect))
                }
            };
            if after.status != tracking.status || cause.is_none() {
                cause = Some(scan);
            }
            tracking = after;
        }
        let changed = tracking != before;
        if changed {
            shipment.tracking = tracking;
            let trigger = cause.map(|scan| Trigger::from_scan(scan, &scans.state, shipment));
            self.mark_changed(id);
            self.advance(trigger, context);
        }
        if context.actor.kind != ActorKind::Carrier {
            let new = |answer: &ScanOutcome| matches!(answer, ScanOutcome::New(_));
            for (scan, _) in incoming.iter().zip(&answers).filter(|(_, answer)| new(answer)) {
                self.record_scan_activity(id, scan, context);
            }
        }
        Ok(Outcome { changed, event: None, shipment: Some(id), scan_outcomes: answers })
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

/// The scans of one shipment, while more are added.
struct Scans<'a> {
    state: FoldState<'a>,
    /// Those that are the shipment's by all scans of the batch, also those that come later in it. An effect is told
    /// once, so it is told by all that is known.
    own: OwnScans,
    places: HashMap<ScanIdentity, usize>,
}

/// What an incoming scan added.
enum Added {
    /// A new scan.
    New,
    /// More information for a known scan.
    More {
        /// Whether the known scan has another meaning now.
        new_meaning: bool,
    },
}

impl<'a> Scans<'a> {
    fn new(
        known: Vec<Scan>,
        attribution: Attribution,
        placed_at: DateTime<Utc>,
        promised_delivery: Option<DateTime<Utc>>,
    ) -> Self {
        let places = known.iter().enumerate().map(|(place, scan)| (scan.identity, place)).collect();
        let state = FoldState::new(known.into_iter().map(Cow::Owned), placed_at, promised_delivery);
        let own = OwnScans::new(attribution, state.scans());
        Self { state, own, places }
    }

    /// Adds an incoming scan. Returns its index in `all` and what it added, or `None` if it says nothing new.
    fn add(&mut self, incoming: &'a Scan, restated: bool) -> Option<(usize, Added)> {
        let Some(&place) = self.places.get(&incoming.identity) else {
            let place = self.state.scans().len();
            self.places.insert(incoming.identity, place);
            self.own.update(place, None, incoming);
            self.state.push(Cow::Borrowed(incoming));
            return Some((place, Added::New));
        };
        let old = &self.state.scans()[place];
        let merged = old.merge_repeated(incoming, restated)?;
        let new_meaning = merged.meaning != old.meaning;
        self.own.update(place, Some(old), &merged);
        self.state.replace(place, merged);
        Some((place, Added::More { new_meaning }))
    }
}

/// The effect of a scan on a shipment that was cancelled in Milepost: the scan moves nothing.
fn without_movement(effect: ScanEffect) -> ScanEffect {
    match effect {
        ScanEffect::Applied | ScanEffect::Early => ScanEffect::Stale,
        ScanEffect::Stale
        | ScanEffect::UnknownCode
        | ScanEffect::Informational
        | ScanEffect::NotOurs
        | ScanEffect::ReturnLeg
        | ScanEffect::OrderClosed => effect,
    }
}

/// Refuses a manual scan that cannot be right, because a person can correct it. A carrier's wrong scan is stored
/// instead, and counts for nothing.
fn check_manual_scan(scan: &Scan, placed_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refusal> {
    check_notes(scan.description.as_deref(), None)?;
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
