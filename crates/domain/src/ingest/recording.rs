//! Recording: tells new scans of a shipment from those that are stored, applies them to the order, and notes what has
//! to be written.
//!
//! `app` loads a [`ScanRecorder`] through `persistence::scans`. `app::orders::commands` calls `record` and `retract`
//! for people, [`RoutedScans`](super::RoutedScans) calls `record` for webhooks. `persistence::scans` then writes what
//! the functions for new, revised, retracted and repeated scans return.
//!
//! 1. A scan is stored once for each shipment. `seen` counts how often it was delivered; rule 3 names the deliveries
//!    that do not count.
//! 2. A stored scan names the webhook that brought it, or a later one that gave it another meaning.
//! 3. The same scan from the webhook that the stored scan names, or from a webhook that was settled before, is not
//!    counted again.
//! 4. In a replay, today's meaning of a code replaces the stored one, if the scan comes from the webhook that the
//!    stored scan names. Other webhooks only complete its texts, its times and an unknown meaning.
//! 5. A scan that was retracted counts for nothing. A repeat of it is counted as seen again, and changes nothing.
//! 6. A person who repeats a stored scan does not change its text: description and place stay as they are
//!    stored. Who recorded it first stays too; if staff repeats the scan of a supplier, only the evidence changes.
//! 7. A shipment whose number another shipment has by now is not on its way again: a number belongs to one live
//!    shipment. A person's request or a replay that would have this effect is refused. A carrier's scans are stored,
//!    are `Stale`, and leave the shipment as it is; they count with the next scan after the number is free.
//! 8. An estimate whose sender tells no time is left out of a scan that is stored already, if it repeats the estimate
//!    that counts. So is one of a webhook that is processed again, if a later scan of the carrier is stored by now.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::{
    actor::Actor,
    delivery_estimate::{DeliveryEstimate, ExpectedDelivery},
    ids::{ScanId, ShipmentId, WebhookId},
    order::{Order, Outcome, Request},
    refusal::Refusal,
    scan::{Scan, ScanEffect, ScanIdentity, ScanOutcome},
    transition::Context,
};

/// What identifies a stored scan.
pub type ScanKey = (ShipmentId, ScanIdentity);

/// A stored scan.
#[derive(Clone, Debug)]
pub struct StoredScan {
    /// The id of the stored scan.
    pub id: ScanId,
    /// The shipment with which it is stored.
    pub shipment_id: ShipmentId,
    /// The webhook that brought the scan, or a later one that gave it its meaning. `None` for a manual scan.
    pub webhook_id: Option<WebhookId>,
    /// What the scan did when it came.
    pub effect: ScanEffect,
    /// When it was first recorded, by our clock.
    pub recorded_at: DateTime<Utc>,
    /// The person who recorded a manual scan. `None` if a webhook brought the scan.
    pub recorded_by: Option<Actor>,
    /// Whether its shipment was cancelled in Milepost when the scan came.
    pub shipment_was_cancelled: bool,
    /// How often it came.
    pub seen: i32,
    /// Set if staff retracted it.
    pub retraction: Option<Retraction>,
    /// The scan.
    pub scan: Scan,
}

/// Who retracted a scan, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// When, by our clock.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// The reason, for people. `None` for a reader who must not see it.
    pub reason: Option<String>,
}

impl StoredScan {
    /// What identifies it.
    pub const fn key(&self) -> ScanKey {
        (self.shipment_id, self.scan.identity)
    }

    /// Whether it counts for its shipment.
    pub const fn counts(&self) -> bool {
        self.retraction.is_none()
    }

    /// Whether it names this webhook.
    pub(super) fn is_from(&self, webhook: Option<WebhookId>) -> bool {
        webhook.is_some() && self.webhook_id == webhook
    }
}

/// The stored scans of the shipments of a transaction, and what has to be written.
#[derive(Debug)]
pub struct ScanRecorder {
    stored: HashMap<ShipmentId, Vec<StoredScan>>,
    number_taken: HashSet<ShipmentId>,
    is_replay: bool,
    create_id: fn() -> ScanId,
    new: BTreeSet<ScanKey>,
    revised: BTreeSet<ScanKey>,
    retracted: BTreeSet<ScanKey>,
    seen_again: HashMap<ScanKey, u32>,
}

impl ScanRecorder {
    /// Creates the recorder with the stored scans of the shipments. The caller has locked their orders. `number_taken`
    /// are those of them that are not on their way, and whose number a shipment on its way has. `create_id` gives each
    /// new scan its id.
    pub fn new(
        stored: HashMap<ShipmentId, Vec<StoredScan>>,
        number_taken: HashSet<ShipmentId>,
        is_replay: bool,
        create_id: fn() -> ScanId,
    ) -> Self {
        let (new, revised, retracted, seen_again) = Default::default();
        Self { stored, number_taken, is_replay, create_id, new, revised, retracted, seen_again }
    }

    /// Applies scans of a shipment to its order, and notes what has to be written. `context` names the webhook of the
    /// scans, or else the person who records them. `is_repeated` says whether the webhook recorded these scans before.
    ///
    /// # Errors
    /// The refusal of [`Order::apply`]. Nothing is noted then.
    pub fn record(
        &mut self,
        order: &mut Order,
        shipment: ShipmentId,
        incoming: &[Scan],
        is_repeated: bool,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let webhook_id = context.webhook_id;
        let stored = self.stored.entry(shipment).or_default();
        let mut places: HashMap<ScanIdentity, usize> =
            stored.iter().enumerate().map(|(place, old)| (old.scan.identity, place)).collect();
        let mut incoming = incoming.to_vec();
        if webhook_id.is_none() {
            for scan in incoming.iter_mut().filter(|scan| places.contains_key(&scan.identity)) {
                (scan.description, scan.location) = (None, None);
            }
        }
        let current = order.shipments().iter().find(|one| one.id == shipment);
        let expected = current.and_then(|shipment| shipment.tracking.estimated_delivery);
        for scan in &mut incoming {
            if places.contains_key(&scan.identity)
                && is_estimate_repeated(scan, stored, expected, is_repeated)
            {
                scan.estimate = None;
            }
        }
        let restated = stored.iter().filter(|old| self.is_replay && old.is_from(webhook_id));
        let is_retracted =
            |scan: &Scan| places.get(&scan.identity).is_some_and(|place| !stored[*place].counts());
        let retracted: Vec<bool> = incoming.iter().map(is_retracted).collect();
        let request = Request::Scans {
            shipment,
            known: stored.iter().filter(|old| old.counts()).map(|old| old.scan.clone()).collect(),
            incoming: incoming.iter().filter(|scan| !is_retracted(scan)).cloned().collect(),
            restated: restated.map(|old| old.scan.identity).collect(),
        };
        let shipment_was_cancelled =
            order.shipments().iter().any(|one| one.id == shipment && one.cancelled_at.is_some());
        let is_refused_if_taken = webhook_id.is_none() || self.is_replay;
        let mut outcome =
            apply_to_number(order, shipment, request, &self.number_taken, is_refused_if_taken, context)?;
        let mut recorded = std::mem::take(&mut outcome.scan_outcomes).into_iter();
        outcome.scan_outcomes = (retracted.into_iter())
            .filter_map(
                |is_retracted| if is_retracted { Some(ScanOutcome::Repeated) } else { recorded.next() },
            )
            .collect();
        for (scan, answer) in incoming.into_iter().zip(&outcome.scan_outcomes) {
            let key = (shipment, scan.identity);
            let old = places.get(&scan.identity).and_then(|place| stored.get_mut(*place));
            match (answer, old) {
                (ScanOutcome::New(effect), _) => {
                    places.insert(scan.identity, stored.len());
                    self.new.insert(key);
                    stored.push(StoredScan {
                        id: (self.create_id)(),
                        shipment_id: shipment,
                        webhook_id,
                        effect: *effect,
                        recorded_at: context.now,
                        recorded_by: webhook_id.is_none().then(|| context.actor.clone()),
                        shipment_was_cancelled,
                        seen: 1,
                        retraction: None,
                        scan,
                    });
                }
                (ScanOutcome::Repeated | ScanOutcome::Revised(..), Some(old)) => {
                    if !is_repeated && !old.is_from(webhook_id) {
                        *self.seen_again.entry(key).or_default() += 1;
                    }
                    if let ScanOutcome::Revised(merged, effect) = answer {
                        old.scan = merged.as_ref().clone();
                        if let Some(effect) = effect {
                            old.effect = *effect;
                            old.webhook_id = webhook_id.or(old.webhook_id);
                        }
                        self.revised.insert(key);
                    }
                }
                (ScanOutcome::Repeated | ScanOutcome::Revised(..), None) => {}
            }
        }
        Ok(outcome)
    }

    /// Retracts a stored scan of a shipment, and notes it. `context` names the person.
    ///
    /// # Errors
    /// The refusal of [`Order::apply`]. Nothing is noted then.
    pub fn retract(
        &mut self,
        order: &mut Order,
        shipment: ShipmentId,
        scan: ScanId,
        reason: String,
        context: &Context,
    ) -> Result<Outcome, Refusal> {
        let stored = self.stored.entry(shipment).or_default();
        let request = Request::RetractScan { shipment, scan, known: stored.clone(), reason: reason.clone() };
        let outcome = apply_to_number(order, shipment, request, &self.number_taken, true, context)?;
        if outcome.changed
            && let Some(old) = stored.iter_mut().find(|old| old.id == scan)
        {
            old.effect = ScanEffect::Retracted;
            old.retraction =
                Some(Retraction { at: context.now, actor: context.actor.clone(), reason: Some(reason) });
            self.retracted.insert(old.key());
        }
        Ok(outcome)
    }

    /// The stored scans that were retracted.
    pub fn retracted_scans(&self) -> impl Iterator<Item = &StoredScan> {
        self.stored.values().flatten().filter(|stored| self.retracted.contains(&stored.key()))
    }

    /// The scans to insert.
    pub fn new_scans(&self) -> impl Iterator<Item = &StoredScan> {
        self.stored.values().flatten().filter(|stored| self.new.contains(&stored.key()))
    }

    /// The stored scans that repeats have revised.
    pub fn revised_scans(&self) -> impl Iterator<Item = &StoredScan> {
        let is_revised = |key: &ScanKey| self.revised.contains(key) && !self.new.contains(key);
        self.stored.values().flatten().filter(move |stored| is_revised(&stored.key()))
    }

    /// How often scans came again, beside the first time.
    pub const fn seen_again(&self) -> &HashMap<ScanKey, u32> {
        &self.seen_again
    }
}

/// Whether the estimate of a stored scan that comes again is left out, by rule 8. `expected` is what counts for the
/// shipment.
fn is_estimate_repeated(
    scan: &Scan,
    stored: &[StoredScan],
    expected: Option<ExpectedDelivery>,
    is_repeated: bool,
) -> bool {
    let Some(estimate) = scan.estimate.filter(DeliveryEstimate::counts_from_receipt) else { return false };
    let is_later = |other: &StoredScan| {
        other.recorded_by.is_none() && other.scan.has_clock() && other.scan.clock() > scan.clock()
    };
    let says_so = |old: &StoredScan| {
        let told = old.scan.estimate.map(|told| (told.expected, told.source));
        old.scan.identity == scan.identity && told == Some((estimate.expected, estimate.source))
    };
    let is_current = expected == Some(estimate.expected) && stored.iter().any(says_so);
    is_current || (is_repeated && stored.iter().any(is_later))
}

/// Applies a request about the scans of a shipment, within rule 7.
fn apply_to_number(
    order: &mut Order,
    id: ShipmentId,
    request: Request,
    number_taken: &HashSet<ShipmentId>,
    is_refused_if_taken: bool,
    context: &Context,
) -> Result<Outcome, Refusal> {
    let Some(before) = number_taken.contains(&id).then(|| order.clone()) else {
        return order.apply(request, None, context);
    };
    let mut outcome = order.apply(request, None, context)?;
    let revived = order.shipments().iter().find(|one| one.id == id && one.status().is_on_its_way());
    if let Some(shipment) = revived {
        let refusal = Refusal::number_in_use(&shipment.tracking_number, &context.actor);
        *order = before;
        if is_refused_if_taken {
            return Err(refusal);
        }
        outcome.changed = false;
        outcome.scan_outcomes.iter_mut().for_each(as_not_moving);
    }
    Ok(outcome)
}

/// Makes the effect of a scan that one of a scan that moved nothing.
fn as_not_moving(outcome: &mut ScanOutcome) {
    match outcome {
        ScanOutcome::New(effect) | ScanOutcome::Revised(_, Some(effect)) => {
            *effect = effect.as_not_moving();
        }
        ScanOutcome::Repeated | ScanOutcome::Revised(_, None) => {}
    }
}
