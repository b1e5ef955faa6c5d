//! The walk: after every change of parcels or quantities the order goes as far as its slowest unit.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    actor::ActorKind,
    fold::{Ours, effect, evidence, fold, is_too_old},
    ids::ShipmentId,
    order::{
        Order, Outcome, StepDetail,
        place::{check_text, check_words},
    },
    refusal::Refusal,
    rollup::{carrying, justification, slowest, status_for},
    scan::{Heard, Meaning, Scan, ScanEffect, ScanIdentity},
    shipment::{Rank, Shipment, ShipmentStatus},
    status::LINE,
    transition::Context,
};

/// The scans of one parcel that set a walk in motion.
pub(super) struct Trigger {
    /// What to say on each step of the line, with the code of the scan that the step stands on.
    metadata: [Value; LINE.len()],
    /// When the scan that moved the parcel happened.
    occurred_at: DateTime<Utc>,
}

impl Order {
    /// Walks through every status between here and what the slowest unit allows, one event each. Only forward,
    /// and only from processing on: a scan never skips the payment.
    pub(super) fn walk(&mut self, trigger: Option<Trigger>, context: &Context) {
        let target = slowest(&self.items, &self.shipments).and_then(status_for);
        let Some(goal) = target.and_then(|status| status.on_line()) else {
            return;
        };
        let Some(here) = self.head.status.on_line() else {
            return;
        };
        for at in here + 1..=goal {
            let (status, rank) = (LINE[at], LINE_RANKS[at]);
            let reached = justification(&self.shipments, rank);
            let metadata = match &trigger {
                Some(trigger) => Some(trigger.metadata[at].clone()),
                None => (rank >= Rank::Shipped).then(|| self.slowest_parcel()),
            };
            let caused_at = trigger.as_ref().map_or(context.now, |trigger| trigger.occurred_at);
            let detail = StepDetail {
                occurred_at: reached.map_or(caused_at, |reached| reached.at),
                inferred: reached.is_none_or(|reached| reached.inferred),
                notes: None,
                metadata,
            };
            self.step(status, detail, context);
        }
    }

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
        let before = shipment.tracking.clone();
        let mut places: HashMap<ScanIdentity, usize> =
            known.iter().enumerate().map(|(place, scan)| (scan.identity, place)).collect();
        let ours = Ours::among(known.iter().chain(heard), placed_at);
        let mut answers = vec![Heard::Again; heard.len()];
        let mut all = known.clone();
        let mut cause: Option<&Scan> = None;
        let mut by_time: Vec<usize> = (0..heard.len()).collect();
        by_time.sort_by_key(|&at| (heard[at].occurred_at, heard[at].identity));
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
            let mut effect = effect(&all[place], &ours, status, &shipment.tracking, &after);
            if shipment.cancelled_at.is_some() && matches!(effect, ScanEffect::Applied | ScanEffect::Early) {
                effect = ScanEffect::Stale;
            }
            match &mut answers[at] {
                Heard::Revised(_, revised) => *revised = has_new_meaning.then_some(effect),
                answer @ (Heard::New(_) | Heard::Again) => *answer = Heard::New(effect),
            }
            if after.status != shipment.tracking.status || cause.is_none() {
                cause = Some(scan);
            }
            shipment.tracking = after;
        }
        let trigger = cause.map(|scan| Trigger {
            metadata: LINE_RANKS.map(|rank| {
                let scan = evidence(&all, placed_at, rank).unwrap_or(scan);
                carrier_metadata(shipment, Some(&scan.code))
            }),
            occurred_at: scan.occurred_at,
        });
        let changed = shipment.tracking != before;
        if changed {
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

    fn slowest_parcel(&self) -> Value {
        let slowest = carrying(&self.shipments).min_by_key(|shipment| shipment.status().rank());
        slowest.map_or(Value::Null, |shipment| carrier_metadata(shipment, None))
    }
}

/// What a carrier says wrongly is kept and counts for nothing; a person is told.
fn check_by_hand(scan: &Scan, placed_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refusal> {
    check_words(scan.description.as_deref(), None)?;
    if let Some(location) = &scan.location {
        check_text("location", location)?;
    }
    if scan.occurred_at > now {
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

/// The rank that each status of the line stands for.
const LINE_RANKS: [Rank; LINE.len()] =
    [Rank::None, Rank::Labelled, Rank::Shipped, Rank::OutForDelivery, Rank::Delivered];

fn carrier_metadata(shipment: &Shipment, code: Option<&str>) -> Value {
    let mut metadata =
        json!({ "carrier": shipment.carrier.as_str(), "tracking_number": shipment.tracking_number });
    if let Some(code) = code {
        metadata["carrier_status"] = code.into();
    }
    metadata
}
