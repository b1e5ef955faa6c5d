//! The fold over random sets of scans: the set alone decides, in whatever order and however often it comes.

mod support;

use std::collections::BTreeSet;

use domain::{
    ConditionKind, Meaning, OrderStatus, Rank, Scan, ShipmentStatus, ShipmentStatus::*, Tracking, fold,
};
use proptest::{collection::vec, prelude::*, sample::select};
use support::{Story, at, milestone, promise, scan};

fn meaning() -> impl Strategy<Value = Meaning> {
    prop_oneof![
        6 => select(ShipmentStatus::ALL.to_vec()).prop_map(Meaning::Status),
        3 => select(ConditionKind::ALL.to_vec()).prop_map(Meaning::Condition),
        1 => select(vec![Meaning::Unknown, Meaning::Informational]),
    ]
}

/// Scans with identities of their own, some from before the order, many at one and the same time.
fn scans() -> impl Strategy<Value = Vec<Scan>> {
    let minutes = prop_oneof![-3_000..9_000i64, (0..4i64).prop_map(|hour| hour * 60)];
    let estimate = prop::option::weighted(0.3, 0..9_000i64);
    let package = prop::option::weighted(0.3, select(vec!["1~N1~FX", "2~N1~FX"]));
    let one = (meaning(), minutes, prop::bool::weighted(0.2), estimate, package);
    vec(one, 1..9).prop_map(|several| {
        let numbered = (0..).zip(several);
        let build = |(number, (meaning, minutes, time_estimated, expected, package)): (u8, _)| Scan {
            time_estimated,
            package: Option::<&str>::map(package, str::to_owned),
            estimate: Option::<i64>::map(expected, |expected| promise(minutes, expected)),
            ..scan(number, meaning, minutes)
        };
        numbered.map(build).collect()
    })
}

/// A set of scans, and the same with some of them twice, shuffled.
fn shuffled() -> impl Strategy<Value = (Vec<Scan>, Vec<Scan>)> {
    (scans(), any::<prop::sample::Selector>()).prop_flat_map(|(set, selector)| {
        let again = selector.try_select(&set).cloned();
        let all: Vec<_> = set.iter().cloned().chain(again).collect();
        (Just(set), Just(all).prop_shuffle())
    })
}

fn of_one_package(scans: Vec<Scan>) -> Vec<Scan> {
    scans.into_iter().map(|scan| Scan { package: None, ..scan }).collect()
}

fn folded(scans: &[Scan]) -> Tracking {
    fold(scans, at(0), Some(at(5_000)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn order_and_duplication_make_no_difference((set, shuffled) in shuffled()) {
        prop_assert_eq!(folded(&set), folded(&shuffled));
    }

    /// The order may come by its batches as it likes: the parcel is the same, and so are the statuses passed. Of one
    /// package: that a scan was another's may be learnt when the order has gone too far, and it never goes back.
    #[test]
    fn batches_of_any_size_in_any_order_bring_the_order_through_the_same_statuses(
        (set, shuffled) in shuffled(),
        size in 1..4usize,
        two_parcels in any::<bool>(),
    ) {
        let (set, shuffled) = (of_one_package(set), of_one_package(shuffled));
        let end = |batches: Vec<&[Scan]>| {
            let mut story = Story::new(OrderStatus::Processing, &[2]);
            story.ship(1, &[(1, if two_parcels { 1 } else { 2 })]).expect("the units are free");
            if two_parcels {
                story.ship(2, &[(1, 1)]).expect("the units are free");
                story.scanned(2, OutForDelivery);
            }
            for batch in batches {
                story.scans(1, batch);
            }
            (story.tracking(1).clone(), story.path().into_iter().collect::<BTreeSet<_>>())
        };
        prop_assert_eq!(end(vec![&set]), end(shuffled.chunks(size).collect()));
    }

    #[test]
    fn the_parcel_never_goes_back_as_scans_are_added(set in scans(), more in scans()) {
        let mut set: Vec<Scan> = of_one_package(set);
        set.truncate(6);
        let mut before = folded(&set);
        for (number, scan) in (100..).zip(of_one_package(more)) {
            set.push(Scan { identity: domain::ScanIdentity([number; 32]), ..scan });
            let after = folded(&set);
            let called_off = after.status == Cancelled && before.status == LabelCreated;
            prop_assert!(after.status >= before.status || before.status == Cancelled || called_off);
            prop_assert!(after.status != Cancelled || before.status.rank() <= Rank::Labelled);
            before = after;
        }
    }

    /// The status and the times by their definitions, one scan at a time.
    #[test]
    fn status_and_times_are_what_the_definition_says(set in scans()) {
        let set = of_one_package(set);
        let tracking = folded(&set);
        let ours = || set.iter().filter(|scan| scan.time_estimated || scan.occurred_at >= at(-1_440));
        let reached = |scan: &&Scan, rank: Rank| match scan.meaning {
            Meaning::Status(status) => status != Cancelled && status.rank() >= rank,
            Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => false,
        };
        let first = |rank: Rank, trusted: bool| {
            let of_rank = ours().filter(|scan| reached(scan, rank) && scan.time_estimated != trusted);
            of_rank.map(|scan| scan.occurred_at).min()
        };
        let delivered = first(Rank::Delivered, true).or(first(Rank::Delivered, false));
        prop_assert_eq!(tracking.delivered_at, delivered);
        prop_assert_eq!(tracking.status == Delivered, delivered.is_some());
        if delivered.is_none() {
            let furthest = ours().filter(|scan| reached(scan, Rank::Shipped)).filter_map(|scan| match scan.meaning {
                Meaning::Status(status) => Some(status),
                Meaning::Condition(_) | Meaning::Informational | Meaning::Unknown => None,
            });
            let cancelled = ours().any(|scan| scan.meaning == Meaning::Status(Cancelled));
            let label = if cancelled { Cancelled } else { LabelCreated };
            prop_assert_eq!(tracking.status, furthest.max().unwrap_or(label));
            prop_assert_eq!(tracking.shipped_at, first(Rank::Shipped, true).or(first(Rank::Shipped, false)));
        }
        prop_assert_eq!(tracking.shipped_at.is_some(), tracking.status.rank() >= Rank::Shipped);
        prop_assert_eq!(tracking.out_for_delivery_at.is_some(), tracking.status.rank() >= Rank::OutForDelivery);
    }
}

#[test]
fn all_720_orders_of_six_scans_with_duplicates_tell_one_story() {
    let six = [
        milestone(1, LabelCreated, 10),
        milestone(2, PickedUp, 100),
        milestone(3, InTransit, 200),
        scan(4, Meaning::Condition(ConditionKind::DeliveryAttemptFailed), 300),
        milestone(5, OutForDelivery, 400),
        milestone(6, Delivered, 500),
    ];
    let mut ends = Vec::new();
    permutations(&mut six.to_vec(), 0, &mut |scans| {
        let mut story = Story::new(OrderStatus::Processing, &[1]);
        story.ship(1, &[(1, 1)]).expect("the unit is free");
        for scan in scans {
            story.scans(1, std::slice::from_ref(scan));
            story.scans(1, &[scans[0].clone()]);
        }
        assert_eq!(*story.tracking(1), fold(&six, at(0), None));
        ends.push(story.path());
    });
    assert_eq!(ends.len(), 720);
    assert!(ends.iter().all(|path| path[..] == domain::LINE[1..]));
}

fn permutations(scans: &mut Vec<Scan>, from: usize, each: &mut impl FnMut(&[Scan])) {
    if from == scans.len() {
        return each(scans);
    }
    for at in from..scans.len() {
        scans.swap(from, at);
        permutations(scans, from + 1, each);
        scans.swap(from, at);
    }
}
