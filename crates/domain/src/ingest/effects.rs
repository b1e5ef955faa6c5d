//! Effects: adds incoming scans to the stored ones of a shipment, one by one, and says what each of them did.
//! `order/scans.rs` calls `fold_incoming`. It changes no order: the caller takes the new state from the result.
//!
//! 1. The scans are added in the sequence of their clocks, so the effects do not depend on the sequence in the request.
//! 2. The effect of a scan is determined once, when the scan comes, and is stored. So it depends on all that is known
//!    then: which scans are the shipment's is judged with all scans of the batch, also with those that are added later.
//! 3. A scan of a shipment that was cancelled in Milepost changes the computed state, but neither the stored status nor
//!    the order. Its effect is `Stale` instead of `Applied` or `Early` (`as_not_moving`).

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use super::fold::{Attribution, FoldState, Journey, is_return_news};
use crate::{
    delivery_estimate::DeliveryEstimate,
    order::OrderHead,
    scan::{Evidence, Meaning, Scan, ScanEffect, ScanIdentity, ScanOutcome},
    shipment::{Shipment, Tracking},
    status::OrderStatus,
};

/// The result of adding incoming scans to the stored scans of a shipment.
pub(crate) struct FoldedScans<'a> {
    /// What became of each incoming scan, in the sequence of the request.
    pub outcomes: Vec<ScanOutcome>,
    /// The state of the shipment before and after.
    pub before: Tracking,
    pub after: Tracking,
    /// The last scan that changed the status, else the first that said anything new.
    pub cause: Option<&'a Scan>,
    /// The fold of all scans.
    pub state: FoldState<'a>,
    /// The estimates that the incoming scans bring for the way to the customer.
    pub estimates: Vec<DeliveryEstimate>,
}

/// Adds incoming scans to the stored scans of a shipment. For the scans in `restated`, the meaning of the incoming scan
/// replaces the stored one.
pub(crate) fn fold_incoming<'a>(
    order: &OrderHead,
    shipment: &Shipment,
    stored: Vec<Scan>,
    incoming: &'a [Scan],
    restated: &BTreeSet<ScanIdentity>,
) -> FoldedScans<'a> {
    let attribution = Attribution::from_scans(stored.iter().chain(incoming), order.placed_at);
    let mut places = stored.iter().enumerate().map(|(place, scan)| (scan.identity, place)).collect();
    let scans = stored.into_iter().map(Cow::Owned);
    let mut state = FoldState::new(scans, order.placed_at, shipment.promised_delivery);
    let mut journey = Journey::new(attribution, state.scans());
    // A shipment that was cancelled in Milepost is stored as cancelled, whatever its scans say. So its state is
    // computed.
    let before = match shipment.cancelled_at {
        Some(_) => state.tracking(),
        None => shipment.tracking.clone(),
    };
    let mut after = before.clone();
    // A return shipment goes on when its order is returned already.
    let order_status = if shipment.is_outbound() { order.status } else { OrderStatus::Delivered };
    let mut outcomes = vec![ScanOutcome::Repeated; incoming.len()];
    let (mut cause, mut estimates): (Option<&Scan>, Vec<DeliveryEstimate>) = (None, vec![]);
    let mut by_clock: Vec<(&Scan, &mut ScanOutcome)> = incoming.iter().zip(&mut outcomes).collect();
    by_clock.sort_by_key(|(scan, _)| (scan.clock(), scan.identity));
    for (scan, outcome) in by_clock {
        let is_restated = restated.contains(&scan.identity);
        let added = add_scan(&mut state, &mut journey, &mut places, scan, is_restated);
        if journey.includes(scan) && !journey.is_on_way_back(scan) {
            estimates.extend(scan.estimate);
        }
        let Some((place, replaced)) = added else { continue };
        let tracking = state.tracking();
        let merged: &Scan = &state.scans()[place];
        let effect = classify_effect(merged, &journey, order_status, &after, &tracking);
        let effect = if shipment.cancelled_at.is_some() { effect.as_not_moving() } else { effect };
        *outcome = match replaced {
            None => ScanOutcome::New(effect),
            Some(told) => {
                let new_effect = ((merged.meaning, merged.evidence) != told).then_some(effect);
                ScanOutcome::Revised(Box::new(merged.clone()), new_effect)
            }
        };
        if tracking.status != after.status || cause.is_none() {
            cause = Some(scan);
        }
        after = tracking;
    }
    FoldedScans { outcomes, before, after, cause, state, estimates }
}

/// Adds an incoming scan. Returns its place in the fold and, if the scan is stored already, its stored meaning and
/// evidence. Returns `None` if it says nothing new.
fn add_scan<'a>(
    state: &mut FoldState<'a>,
    journey: &mut Journey,
    places: &mut HashMap<ScanIdentity, usize>,
    incoming: &'a Scan,
    is_restated: bool,
) -> Option<(usize, Option<(Meaning, Evidence)>)> {
    let Some(&place) = places.get(&incoming.identity) else {
        let place = state.scans().len();
        places.insert(incoming.identity, place);
        journey.update(place, None, incoming);
        state.push(Cow::Borrowed(incoming));
        return Some((place, None));
    };
    let old = &state.scans()[place];
    let merged = old.merge_repeated(incoming, is_restated)?;
    let old_told = (old.meaning, old.evidence);
    journey.update(place, Some(old), &merged);
    state.replace(place, merged);
    Some((place, Some(old_told)))
}

/// What a scan did when it came. `journey` has the scans of the shipment, this one included. The shipment had the state
/// `before` without the scan, and has the state `after` with it.
fn classify_effect(
    scan: &Scan,
    journey: &Journey,
    order: OrderStatus,
    before: &Tracking,
    after: &Tracking,
) -> ScanEffect {
    if !journey.includes(scan) {
        return ScanEffect::NotOurs;
    }
    match scan.meaning {
        Meaning::Unknown => return ScanEffect::UnknownCode,
        Meaning::Informational => return ScanEffect::Informational,
        Meaning::Status(_) | Meaning::Condition(_) | Meaning::ReturnCancelled => {}
    }
    // The scan with which a return begins before the delivery changes the shipment. The others only belong to it.
    let changes_return = is_return_news(scan.meaning) && before != after;
    if journey.is_on_way_back(scan) && !changes_return {
        return ScanEffect::ReturnLeg;
    }
    match order {
        OrderStatus::Cancelled | OrderStatus::Returned => ScanEffect::OrderClosed,
        _ if before == after => ScanEffect::Stale,
        OrderStatus::Placed | OrderStatus::PaymentConfirmed => ScanEffect::Early,
        OrderStatus::Processing
        | OrderStatus::AwaitingPickup
        | OrderStatus::Shipped
        | OrderStatus::OutForDelivery
        | OrderStatus::Delivered
        | OrderStatus::ReturnInitiated => ScanEffect::Applied,
    }
}
