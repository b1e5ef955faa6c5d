//! Tests of the incremental fold: it equals the fold of all scans, and its work for a large batch is bounded.

use std::{borrow::Cow, cell::Cell, collections::BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{FoldState, fold};
use crate::{
    delivery_estimate::{DeliveryEstimate, DeliveryWindow, ExpectedDelivery},
    order::{Outcome, Request},
    scan::{Evidence, Meaning, Scan, ScanEffect, ScanIdentity, ScanOutcome},
    shipment_status::ShipmentStatus::*,
    shipment_status::{ConditionKind, Rank, ShipmentStatus},
    status::OrderStatus,
    test_support::{actors, at, by, order, scan, shipment, shipment_id},
};

thread_local! {
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Counts one scan that is put into the sorted sets or taken out of them.
pub(super) fn count_work() {
    WORK.set(WORK.get() + 1);
}

/// Scans of one webhook, as many as there may be.
const LARGE: usize = 5_000;

/// A scan with one of more numbers than a byte has.
fn numbered(number: usize, meaning: Meaning, minutes: i64) -> Scan {
    let mut identity = [0; 32];
    identity[24..].copy_from_slice(&number.to_be_bytes());
    Scan { identity: ScanIdentity(identity), code: format!("C{number}"), ..scan(0, meaning, minutes) }
}

/// Takes these scans in, and says how many times a scan was put into the sorted sets or taken out.
fn work_of(known: &[Scan], incoming: &[Scan], restated: bool) -> (Outcome, usize) {
    let there = vec![shipment(1, LabelCreated, &[])];
    let mut order = order(OrderStatus::Processing, vec![], there);
    let restated: BTreeSet<_> = incoming.iter().filter(|_| restated).map(|scan| scan.identity).collect();
    let request = Request::Scans {
        shipment: shipment_id(1),
        known: known.to_vec(),
        incoming: incoming.to_vec(),
        restated,
    };
    let [.., carrier, _] = actors();
    WORK.set(0);
    let outcome = order.apply(request, None, &by(carrier, 0)).expect("the carrier's word is taken in");
    (outcome, WORK.get())
}

/// A journey of so many scans: most of them on the way, then the delivery, and a return.
fn journey() -> Vec<Scan> {
    let status = |number: usize| match number {
        0 => Meaning::Status(PickedUp),
        4_000 => Meaning::Status(OutForDelivery),
        4_100 => Meaning::Status(Delivered),
        4_200 => Meaning::Status(ReturnedToSender),
        _ if number % 10 == 5 => Meaning::Condition(ConditionKind::Delayed),
        _ => Meaning::Status(InTransit),
    };
    (0..LARGE).zip(0..).map(|(number, minutes)| numbered(number, status(number), minutes)).collect()
}

/// Clocks without a zone, all of which arrived then.
fn arrived(scans: &[Scan], minutes: i64) -> Vec<Scan> {
    let arrived = |one: &Scan| Scan {
        time_estimated: true,
        local_time: Some(one.clock()),
        occurred_at: at(minutes),
        ..one.clone()
    };
    scans.iter().map(arrived).collect()
}

#[test]
fn the_work_for_a_webhook_grows_with_its_scans_and_not_with_their_square() {
    let journey = journey();
    let backwards: Vec<Scan> = journey.iter().rev().cloned().collect();
    let packed = |package: fn(usize) -> String| -> Vec<Scan> {
        let with = |(number, one): (usize, &Scan)| Scan { package: Some(package(number)), ..one.clone() };
        journey.iter().enumerate().map(with).collect()
    };
    let reread = |meaning: Meaning| -> Vec<Scan> {
        journey.iter().map(|one| Scan { meaning, ..one.clone() }).collect()
    };
    let unknown = reread(Meaning::Unknown);
    let with_meaning = |meaning: fn(usize) -> Meaning| -> Vec<Scan> {
        let with = |(number, one): (usize, &Scan)| Scan { meaning: meaning(number), ..one.clone() };
        journey.iter().enumerate().map(with).collect()
    };
    let returns = with_meaning(|number| match number % 4 {
        0 => Meaning::Status(ReturnedToSender),
        1 | 3 => Meaning::Status(InTransit),
        _ => Meaning::ReturnCancelled,
    });
    let cases: [(&str, &[Scan], &[Scan], bool); 11] = [
        ("returns that are called off", &[], &returns, false),
        (
            "a return of many scans",
            &[],
            &with_meaning(|_| Meaning::Condition(ConditionKind::Returning)),
            false,
        ),
        ("a history", &[], &journey, false),
        ("the same, told backwards", &[], &backwards, false),
        ("a history behind another", &journey[2_500..], &journey[..2_500], false),
        ("what is known", &journey, &journey, false),
        ("packages that follow each other", &[], &packed(|number| format!("{}", number / 1_000)), false),
        ("packages side by side", &[], &packed(|number| format!("{}", number % 2)), false),
        ("copies that arrived earlier", &arrived(&journey, 9_000), &arrived(&journey, 8_000), false),
        ("codes that have got a meaning", &unknown, &journey, false),
        ("meanings that are other ones today", &journey, &reread(Meaning::Status(LabelCreated)), true),
    ];
    for (case, known, incoming, restated) in cases {
        let (outcome, work) = work_of(known, incoming, restated);
        assert_eq!(outcome.scan_outcomes.len(), incoming.len());
        assert!(work <= 16 * LARGE, "{case}: {work} for {} scans", known.len() + incoming.len());
    }
}

#[test]
fn each_scan_of_a_large_webhook_has_its_own_effect() {
    let (outcome, _) = work_of(&[], &journey(), false);
    let effect = |number: usize| match &outcome.scan_outcomes[number] {
        ScanOutcome::New(effect) => *effect,
        other => panic!("{number} was new: {other:?}"),
    };
    // Of two in transit the second says nothing new, unless there was trouble between them.
    let expected = [
        (0, ScanEffect::Applied),
        (1, ScanEffect::Applied),
        (2, ScanEffect::Stale),
        (5, ScanEffect::Applied),
        (6, ScanEffect::Applied),
        (7, ScanEffect::Stale),
        (4_000, ScanEffect::Applied),
        (4_001, ScanEffect::Stale),
        (4_100, ScanEffect::Applied),
        (4_200, ScanEffect::ReturnLeg),
        (4_201, ScanEffect::ReturnLeg),
        (LARGE - 1, ScanEffect::ReturnLeg),
    ];
    for (number, expected) in expected {
        assert_eq!(effect(number), expected, "{number}");
    }
}

fn any_scan() -> impl Strategy<Value = Scan> {
    let meaning = prop_oneof![
        6 => select(ShipmentStatus::ALL.to_vec()).prop_map(Meaning::Status),
        3 => select(ConditionKind::ALL.to_vec()).prop_map(Meaning::Condition),
        2 => select(vec![Meaning::Unknown, Meaning::Informational, Meaning::ReturnCancelled]),
    ];
    let minutes = prop_oneof![-3_000..9_000i64, (0..4i64).prop_map(|hour| hour * 60)];
    let local = prop::option::weighted(0.3, prop::option::weighted(0.7, -6_000..9_000i64));
    let estimate = prop::option::weighted(0.3, 0..9_000i64);
    let package = prop::option::weighted(0.5, select(vec!["1~N1~FX", "2~N1~FX", "3~N1~FX"]));
    let evidence = select([vec![Evidence::Physical], Evidence::ALL.to_vec()].concat());
    (0..12usize, meaning, evidence, minutes, local, estimate, package).prop_map(
        |(number, meaning, evidence, minutes, local, estimate, package)| Scan {
            evidence,
            time_estimated: local.is_some(),
            local_time: local.flatten().map(|clock| at(clock).naive_utc()),
            estimate: estimate
                .map(|expected| DeliveryEstimate::from_merchant(expected_at(expected), at(minutes))),
            package: package.map(str::to_owned),
            ..numbered(number, meaning, minutes)
        },
    )
}

/// A delivery that is expected at this time.
fn expected_at(minutes: i64) -> ExpectedDelivery {
    ExpectedDelivery::Window(DeliveryWindow::at(at(minutes).fixed_offset()))
}

/// An estimate of the merchant, between those of the carrier.
fn promised() -> Option<DeliveryEstimate> {
    Some(DeliveryEstimate::from_merchant(expected_at(5_000), at(4_000)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn after_each_scan_the_state_is_the_fold_of_the_scans_there_are(
        known in vec(any_scan(), 0..6),
        changes in vec((any_scan(), prop::option::of(0..20usize)), 0..12),
    ) {
        let mut state = FoldState::new(known.iter().map(Cow::Borrowed), at(0), promised());
        for (scan, replaced) in &changes {
            match replaced.filter(|place| *place < state.scans().len()) {
                Some(place) => state.replace(place, scan.clone()),
                None => state.push(Cow::Borrowed(scan)),
            }
            let scans: Vec<Scan> = state.scans().iter().map(|scan| scan.as_ref().clone()).collect();
            prop_assert_eq!(state.tracking(), fold(&scans, at(0), promised()));
            let anew = FoldState::new(scans.iter().map(Cow::Borrowed), at(0), None);
            for rank in [Rank::None, Rank::Labelled, Rank::Shipped, Rank::OutForDelivery, Rank::Delivered] {
                prop_assert_eq!(state.first_scan_reaching(rank), anew.first_scan_reaching(rank));
            }
        }
    }
}
