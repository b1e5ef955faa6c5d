//! Tests of what is written for new, repeated and revised scans.

use std::collections::HashSet;

use uuid::Uuid;

use super::{ScanRecorder, StoredScan};
use crate::{
    actor::Actor,
    ids::{ScanId, WebhookId},
    order::Order,
    scan::{Meaning, Scan, ScanEffect},
    shipment_status::ShipmentStatus::{InTransit, LabelCreated, PickedUp},
    status::OrderStatus::Processing,
    test_support::{actors, at, by, items, milestone, order, scan, shipment, shipment_id},
    transition::Context,
};

fn webhook(number: u128) -> WebhookId {
    WebhookId(Uuid::from_u128(number))
}

/// The context of a webhook's scans.
fn from_webhook(number: u128) -> Context {
    let [.., carrier, _] = actors();
    Context { webhook_id: Some(webhook(number)), ..by(carrier, 60) }
}

fn labelled() -> Order {
    order(Processing, items(&[1]), vec![shipment(1, LabelCreated, &[(1, 1)])])
}

/// Records a batch of scans in a transaction of its own.
fn record(
    order: &mut Order,
    known: Vec<StoredScan>,
    is_replay: bool,
    incoming: &[Scan],
    is_repeated: bool,
    context: &Context,
) -> ScanRecorder {
    let stored = [(shipment_id(1), known)].into();
    let mut recorder = ScanRecorder::new(stored, HashSet::new(), is_replay, || ScanId(Uuid::nil()));
    let outcome = recorder.record(order, shipment_id(1), incoming, is_repeated, context);
    assert_eq!(outcome.expect("the scans are granted").scan_outcomes.len(), incoming.len());
    recorder
}

/// The scans that the webhook 1 has stored.
fn stored(scans: &[Scan]) -> Vec<StoredScan> {
    record(&mut labelled(), vec![], false, scans, false, &from_webhook(1)).new_scans().cloned().collect()
}

/// How many scans are inserted, revised, and seen again.
fn counts(recorder: &ScanRecorder) -> (usize, usize, u32) {
    let seen_again = recorder.seen_again().values().sum();
    (recorder.new_scans().count(), recorder.revised_scans().count(), seen_again)
}

#[test]
fn a_new_scan_is_inserted_with_its_webhook_and_its_effect() {
    let new = stored(&[milestone(1, PickedUp, 1)]).remove(0);
    assert_eq!((new.webhook_id, new.recorded_by, new.effect), (Some(webhook(1)), None, ScanEffect::Applied));
    assert_eq!((new.recorded_at, new.seen, new.shipment_was_cancelled), (at(60), 1, false));
}

#[test]
fn a_scan_of_a_cancelled_shipment_is_marked() {
    let mut cancelled = shipment(1, LabelCreated, &[(1, 1)]);
    cancelled.cancelled_at = Some(at(1));
    let mut order = order(Processing, items(&[1]), vec![cancelled]);
    let scans = [milestone(1, PickedUp, 2)];
    let recorder = record(&mut order, vec![], false, &scans, false, &from_webhook(1));
    let new = recorder.new_scans().next().expect("it is stored");
    assert_eq!((new.shipment_was_cancelled, new.effect), (true, ScanEffect::Stale));
}

#[test]
fn a_repeat_counts_unless_the_same_or_a_settled_webhook_brings_it() {
    let scans = [milestone(1, PickedUp, 1)];
    for (from, is_repeated, expected) in [(2, false, 1), (1, false, 0), (2, true, 0)] {
        let recorder =
            record(&mut labelled(), stored(&scans), false, &scans, is_repeated, &from_webhook(from));
        assert_eq!(counts(&recorder), (0, 0, expected), "webhook {from}, repeated: {is_repeated}");
    }
    let twice = [scans[0].clone(), scans[0].clone()];
    let recorder = record(&mut labelled(), stored(&scans), false, &twice, false, &from_webhook(2));
    assert_eq!(counts(&recorder), (0, 0, 2));
}

#[test]
fn a_scan_that_comes_with_more_in_its_own_transaction_is_only_inserted() {
    let first = milestone(1, PickedUp, 1);
    let fuller = Scan { location: Some("Holbrook".to_owned()), ..first.clone() };
    let mut order = labelled();
    let mut recorder = record(&mut order, vec![], false, &[first], false, &from_webhook(1));
    let outcome = recorder.record(&mut order, shipment_id(1), &[fuller], false, &from_webhook(2));
    outcome.expect("the scan is granted");
    assert_eq!(counts(&recorder), (1, 0, 1));
    let new = recorder.new_scans().next().expect("it is stored");
    assert_eq!((new.scan.location.as_deref(), new.webhook_id), (Some("Holbrook"), Some(webhook(1))));
}

#[test]
fn the_webhook_that_gives_a_scan_its_meaning_becomes_its_webhook() {
    let unknown = stored(&[scan(1, Meaning::Unknown, 1)]);
    let known = [milestone(1, PickedUp, 1)];
    let recorder = record(&mut labelled(), unknown, false, &known, false, &from_webhook(2));
    assert_eq!(counts(&recorder), (0, 1, 1));
    let revised = recorder.revised_scans().next().expect("it is revised");
    assert_eq!((revised.webhook_id, revised.effect), (Some(webhook(2)), ScanEffect::Applied));
}

#[test]
fn a_replay_replaces_a_meaning_only_for_the_webhook_of_the_scan() {
    let before = [milestone(1, PickedUp, 1)];
    let today = [milestone(1, InTransit, 1)];
    for (is_replay, from, revised) in [(true, 1, 1), (true, 2, 0), (false, 1, 0)] {
        let recorder = record(&mut labelled(), stored(&before), is_replay, &today, true, &from_webhook(from));
        assert_eq!(counts(&recorder), (0, revised, 0), "replay: {is_replay}, webhook {from}");
    }
}

#[test]
fn a_person_who_repeats_a_scan_does_not_change_its_text() {
    let with_place = |place: &str| Scan { location: Some(place.to_owned()), ..milestone(1, PickedUp, 1) };
    let by_sam = by(Actor::new(crate::actor::ActorKind::Support, "sam"), 60);
    let mut order = labelled();
    let recorder = record(&mut order, vec![], false, &[with_place("A")], false, &by_sam);
    let known: Vec<StoredScan> = recorder.new_scans().cloned().collect();
    assert_eq!((known[0].webhook_id, known[0].recorded_by.as_ref()), (None, Some(&by_sam.actor)));
    let recorder =
        record(&mut order, known, false, &[with_place("A longer place")], false, &by(Actor::SYSTEM, 61));
    assert_eq!(counts(&recorder), (0, 0, 1));
}
