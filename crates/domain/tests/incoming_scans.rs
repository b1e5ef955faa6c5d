//! Repeated scans, and tracking numbers that are used more than once.

mod support;

use domain::{
    ConditionKind, Meaning, OrderStatus, Scan, ScanEffect::*, ShipmentStatus, ShipmentStatus::*, fold,
};
use support::{Story, at, expected_at, milestone, promise, scan};

fn shipped() -> Story {
    let mut story = Story::new(OrderStatus::Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("the unit is free");
    story
}

fn promising(said: i64, expected: i64) -> Scan {
    Scan { estimate: Some(promise(said, expected)), ..milestone(1, InTransit, 100) }
}

#[test]
fn a_scan_that_comes_again_with_a_new_estimate_revises_it() {
    let mut story = shipped();
    story.scans(1, &[promising(100, 7_000)]);
    story.scans(1, &[promising(300, 6_000)]);
    assert_eq!(story.tracking(1).estimated_delivery, Some(expected_at(6_000)));
    // An estimate that was said earlier and comes late changes nothing.
    story.scans(1, &[promising(200, 9_000)]);
    story.scans(1, &[Scan { estimate: None, ..promising(0, 0) }]);
    assert_eq!(story.tracking(1).estimated_delivery, Some(expected_at(6_000)));
    assert_eq!(story.status(), OrderStatus::Shipped);
}

#[test]
fn a_code_that_was_unknown_and_has_a_meaning_now_moves_the_order() {
    let mut story = shipped();
    assert_eq!(story.scans(1, &[scan(1, Meaning::Unknown, 100)]), [UnknownCode]);
    assert_eq!(story.status(), OrderStatus::AwaitingPickup);
    assert_eq!(story.scans(1, &[milestone(1, Delivered, 100)]), [Applied]);
    assert_eq!(story.status(), OrderStatus::Delivered);
}

#[test]
fn a_meaning_is_kept_unless_old_words_are_replayed() {
    let mut story = shipped();
    story.scans(1, &[milestone(1, InTransit, 100)]);
    assert_eq!(story.scans(1, &[milestone(1, LabelCreated, 100)]), [Stale]);
    assert_eq!(story.tracking(1).status, InTransit);
    story.replayed(1, &[milestone(1, LabelCreated, 100)]);
    assert_eq!(story.tracking(1).status, LabelCreated, "a parcel is what its scans mean today");
    assert_eq!(story.status(), OrderStatus::Shipped, "an order never goes back");
}

fn of(package: &str, number: u8, status: ShipmentStatus, minutes: i64) -> Scan {
    Scan { package: Some(package.to_owned()), ..milestone(number, status, minutes) }
}

#[test]
fn a_package_scanned_before_the_order_is_another_shipment_whatever_else_is_said_of_it() {
    let old = [of("1~N1~FX", 1, PickedUp, -3_000), of("1~N1~FX", 2, Delivered, 50)];
    let ours = of("2~N1~FX", 3, InTransit, 100);
    let mut story = shipped();
    assert_eq!(story.scans(1, &[old[1].clone(), ours.clone(), old[0].clone()]), [NotOurs, Applied, NotOurs]);
    assert_eq!(story.tracking(1).status, InTransit);
    assert_eq!(story.status(), OrderStatus::Shipped);
    let alone = fold(&old, at(0), None);
    assert_eq!(alone.status, Delivered, "one package alone is judged by the times of its scans");
}

#[test]
fn a_package_that_has_the_number_after_the_delivery_or_much_later_is_not_ours() {
    const MONTH: i64 = 30 * 24 * 60;
    let delivered = [of("1~N1~FX", 1, PickedUp, 100), of("1~N1~FX", 2, Delivered, 200)];
    let silent = [of("1~N1~FX", 1, PickedUp, 100), of("1~N1~FX", 2, InTransit, 200)];
    for (ours, next, status) in [(&delivered, 300, Delivered), (&silent, 201 + MONTH, InTransit)] {
        let later = [of("2~N1~FX", 3, OutForDelivery, next), of("2~N1~FX", 4, ReturnedToSender, next + 1)];
        for scans in [[&ours[0], &ours[1], &later[0], &later[1]], [&later[1], &later[0], &ours[1], &ours[0]]]
        {
            let tracking = fold(scans, at(0), None);
            assert_eq!((tracking.status, tracking.condition), (status, None));
        }
        let nameless = scan(5, Meaning::Condition(ConditionKind::Damaged), 250);
        let with_it = fold([&ours[0], &ours[1], &later[0], &nameless], at(0), None);
        assert_eq!(with_it.condition.expect("it is ours").kind, ConditionKind::Damaged);
    }
}

/// A label was used twice by mistake.
#[test]
fn of_two_packages_side_by_side_that_are_both_delivered_one_is_ours() {
    let ours = [(1, InTransit), (2, InTransit), (3, Delivered)]
        .map(|(number, status)| of("1~N1~FX", number, status, i64::from(number) * 200));
    let beside = [of("2~N1~FX", 4, InTransit, 250), of("2~N1~FX", 5, Delivered, 450)];
    for scans in [
        [&ours[0], &ours[1], &ours[2], &beside[0], &beside[1]],
        [&beside[1], &beside[0], &ours[2], &ours[1], &ours[0]],
    ] {
        assert_eq!(fold(scans, at(0), None).delivered_at, Some(at(600)));
        let undelivered = scans.into_iter().filter(|scan| **scan != ours[2]);
        let tracking = fold(undelivered, at(0), None);
        assert_eq!(tracking.delivered_at, Some(at(450)), "one parcel that is told of twice");
    }
}

/// FedEx did this with a shipment that was redirected and tendered again: its scans continued under another identity.
#[test]
fn a_shipment_that_goes_on_under_another_identity_is_one() {
    let parts = [
        of("2460425~N1~FX", 1, PickedUp, 100),
        of("2460425~N1~FX", 2, InTransit, 200),
        of("2460426~N1~FX", 3, OutForDelivery, 300),
        Scan {
            package: Some("2460426~N1~FX".to_owned()),
            ..scan(4, Meaning::Condition(ConditionKind::DeliveryAttemptFailed), 310)
        },
        of("2460427~N1~FX", 5, Delivered, 400),
        of("2460435~N1~FX", 6, PickedUp, 5_000),
    ];
    for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [4, 0, 2, 5, 1, 3]] {
        let mut story = shipped();
        for at in order {
            story.scans(1, std::slice::from_ref(&parts[at]));
        }
        let tracking = story.tracking(1);
        assert_eq!((tracking.status, &tracking.condition), (Delivered, &None), "{order:?}");
        assert_eq!(
            (tracking.shipped_at(), tracking.delivered_at),
            (Some(at(100)), Some(at(400))),
            "{order:?}"
        );
    }
}

/// A scan without a zone: its local time is `clock`, and it arrived at `arrival`.
fn local(scan: Scan, clock: i64, arrival: i64) -> Scan {
    Scan { time_estimated: true, local_time: Some(at(clock).naive_utc()), occurred_at: at(arrival), ..scan }
}

#[test]
fn of_two_packages_without_a_zone_the_one_scanned_first_is_ours_whichever_arrives_first() {
    for [first, second] in [[10, 20], [20, 10], [10, 10]] {
        let ours = local(of("1~N1~FX", 1, InTransit, 0), 100, first);
        let next = local(of("2~N1~FX", 2, Delivered, 0), 50_000, second);
        for scans in [[&ours, &next], [&next, &ours]] {
            assert_eq!(fold(scans, at(0), None).status, InTransit, "{first} {second}");
        }
    }
}

#[test]
fn of_copies_the_first_to_arrive_counts_whichever_is_read_first() {
    let arrived = |arrival| local(milestone(1, Delivered, 0), 100, arrival);
    for arrivals in [[300, 400], [400, 300]] {
        let mut story = shipped();
        for arrival in arrivals {
            story.scans(1, &[arrived(arrival)]);
        }
        assert_eq!(story.tracking(1).delivered_at, Some(at(300)), "{arrivals:?}");
    }
    // The carrier's time was in the future when the first copy arrived. It no longer is for the second, so it counts.
    let ahead = Scan { time_estimated: true, ..milestone(1, Delivered, 100) };
    let mut story = shipped();
    story.scans(1, &[ahead]);
    story.scans(1, &[milestone(1, Delivered, 200)]);
    assert_eq!(story.tracking(1).delivered_at, Some(at(200)));
}

#[test]
fn of_copies_the_fuller_words_count_whichever_comes_first() {
    let told = |words: Option<&str>, place: Option<&str>| Scan {
        description: words.map(str::to_owned),
        location: place.map(str::to_owned),
        ..scan(1, Meaning::Condition(ConditionKind::DeliveryAttemptFailed), 100)
    };
    let copies = [
        told(Some("Delivery exception"), None),
        told(Some("Customer not available or business closed"), Some("Clovis")),
        told(None, Some("Clovis, CA, US")),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut story = shipped();
        for at in order {
            story.scans(1, std::slice::from_ref(&copies[at]));
        }
        let condition = story.tracking(1).condition.clone().expect("the attempt");
        assert_eq!(condition.message, "Customer not available or business closed", "{order:?}");
    }
    let merged = copies[0].merge_repeated(&copies[2], false).expect("a place");
    assert_eq!(merged.location.as_deref(), Some("Clovis, CA, US"));
    assert_eq!(merged.description, copies[0].description);
    assert_eq!(merged.merge_repeated(&copies[0], false), None);
}
