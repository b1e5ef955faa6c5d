//! The effect of a scan when it came: each effect in a situation that causes it.

mod support;

use domain::{ConditionKind, Meaning, OrderStatus, Scan, ScanEffect, ScanEffect::*, ShipmentStatus};
use support::{Story, at, items, milestone, order, scan, shipment};

fn shipped_from(status: OrderStatus) -> Story {
    let mut story = Story::new(status, &[1]);
    story.ship(1, &[(1, 1)]).expect("the unit is free");
    story
}

fn effect(story: &mut Story, meaning: Meaning, minutes: i64) -> ScanEffect {
    story.scans(1, &[scan(77, meaning, minutes)])[0]
}

#[test]
fn a_scan_that_moves_the_shipment_or_tells_of_trouble_is_applied() {
    let mut story = shipped_from(OrderStatus::Processing);
    assert_eq!(effect(&mut story, Meaning::Status(ShipmentStatus::PickedUp), 10), Applied);
    let mut story = shipped_from(OrderStatus::Processing);
    assert_eq!(effect(&mut story, Meaning::Condition(ConditionKind::Held), 10), Applied);
}

#[test]
fn a_scan_that_says_nothing_new_is_stale() {
    let mut story = shipped_from(OrderStatus::Processing);
    story.scans(1, &[milestone(1, ShipmentStatus::OutForDelivery, 100)]);
    assert_eq!(story.scans(1, &[milestone(1, ShipmentStatus::OutForDelivery, 100)]), [Stale]);
    assert_eq!(story.scans(1, &[milestone(2, ShipmentStatus::OutForDelivery, 200)]), [Stale]);
}

#[test]
fn codes_that_are_not_listed_or_say_nothing_change_nothing() {
    for (meaning, expected) in [(Meaning::Unknown, UnknownCode), (Meaning::Informational, Informational)] {
        let mut story = shipped_from(OrderStatus::Processing);
        let before = story.tracking(1).clone();
        assert_eq!(effect(&mut story, meaning, 10), expected);
        assert_eq!(*story.tracking(1), before);
        assert_eq!(story.status(), OrderStatus::AwaitingPickup);
    }
}

#[test]
fn a_scan_before_the_payment_is_early() {
    for status in [OrderStatus::Placed, OrderStatus::PaymentConfirmed] {
        let mut story = shipped_from(status);
        assert_eq!(effect(&mut story, Meaning::Status(ShipmentStatus::Delivered), 10), Early);
        assert_eq!(story.status(), status);
    }
}

#[test]
fn a_scan_long_before_the_order_is_not_ours() {
    let mut story = shipped_from(OrderStatus::Processing);
    assert_eq!(effect(&mut story, Meaning::Status(ShipmentStatus::Delivered), -3_000), NotOurs);
    assert_eq!(story.status(), OrderStatus::AwaitingPickup);
}

#[test]
fn the_way_back_of_a_delivered_shipment_is_a_return_leg() {
    let mut story = shipped_from(OrderStatus::Processing);
    story.scans(1, &[milestone(1, ShipmentStatus::Delivered, 100)]);
    assert_eq!(effect(&mut story, Meaning::Status(ShipmentStatus::PickedUp), 3_000), ReturnLeg);
    assert_eq!(story.scans(1, &[milestone(2, ShipmentStatus::ReturnedToSender, 101)]), [ReturnLeg]);
    assert_eq!(story.status(), OrderStatus::Delivered);
}

#[test]
fn everything_since_the_way_back_began_is_a_return_leg_whenever_it_comes() {
    let mut story = shipped_from(OrderStatus::Processing);
    story.scans(1, &[milestone(1, ShipmentStatus::Delivered, 100)]);
    assert_eq!(
        effect(&mut story, Meaning::Condition(ConditionKind::Damaged), 4_000),
        Applied,
        "nobody knows yet"
    );
    assert_eq!(story.scans(1, &[milestone(2, ShipmentStatus::PickedUp, 3_000)]), [ReturnLeg]);
    let after = story.tracking(1).clone();
    assert_eq!(after.condition, None, "it was on the way back");
    let later = [
        scan(3, Meaning::Condition(ConditionKind::Delayed), 4_100),
        milestone(4, ShipmentStatus::InTransit, 4_200),
        milestone(5, ShipmentStatus::Delivered, 4_300),
    ];
    assert_eq!(story.scans(1, &later), [ReturnLeg; 3]);
    assert_eq!(*story.tracking(1), after);
    let before = scan(6, Meaning::Condition(ConditionKind::Damaged), 2_000);
    assert_eq!(story.scans(1, &[before]), [Applied], "two hours after the delivery it was with the customer");
}

#[test]
fn a_pick_up_without_a_time_of_its_own_that_arrives_late_is_no_return_leg() {
    let mut story = shipped_from(OrderStatus::Processing);
    story.scans(
        1,
        &[milestone(1, ShipmentStatus::PickedUp, 50), milestone(2, ShipmentStatus::Delivered, 100)],
    );
    let zoneless = |number, status| Scan { time_estimated: true, ..milestone(number, status, 3_000) };
    assert_eq!(story.scans(1, &[zoneless(3, ShipmentStatus::PickedUp)]), [Stale]);
    assert_eq!(story.scans(1, &[zoneless(4, ShipmentStatus::ReturnedToSender)]), [ReturnLeg]);
}

#[test]
fn what_says_nothing_changes_no_shipment_that_was_cancelled() {
    let mut off = shipment(1, ShipmentStatus::LabelCreated, &[(1, 1)]);
    off.cancelled_at = Some(at(1));
    // As `persistence` loads it.
    off.tracking.status = ShipmentStatus::Cancelled;
    let mut story = Story::of(order(OrderStatus::Processing, items(&[1]), vec![off]));
    let said = [scan(1, Meaning::Informational, 10), scan(2, Meaning::Unknown, 10)];
    assert_eq!(story.scans(1, &said), [Informational, UnknownCode]);
    assert_eq!(story.order.head().updated_at, at(0));
    assert!(story.order.changes().shipments.is_empty());
}

#[test]
fn a_scan_for_a_cancelled_or_returned_order_is_kept_and_changes_no_order() {
    let mut story = shipped_from(OrderStatus::Processing);
    story.go(OrderStatus::Cancelled).expect("nothing moves yet");
    assert_eq!(effect(&mut story, Meaning::Status(ShipmentStatus::PickedUp), 10), OrderClosed);
    assert_eq!(story.status(), OrderStatus::Cancelled);
    assert_eq!(story.shipment(1).status(), ShipmentStatus::Cancelled);
}

#[test]
fn a_scan_for_a_shipment_we_cancelled_changes_nothing_also_before_the_payment() {
    for status in [OrderStatus::Placed, OrderStatus::Processing] {
        let mut story = shipped_from(status);
        story.cancel_shipment(1).expect("it has only a label");
        let before = story.path();
        assert_eq!(effect(&mut story, Meaning::Status(ShipmentStatus::PickedUp), 10), Stale);
        assert_eq!(story.shipment(1).status(), ShipmentStatus::Cancelled);
        assert!(story.shipment(1).moves_though_cancelled(), "which somebody has to be told");
        assert_eq!(story.path(), before);
    }
}

#[test]
fn each_scan_of_a_batch_is_told_its_own_effect_in_the_order_given() {
    let mut story = shipped_from(OrderStatus::Processing);
    let batch = [
        milestone(1, ShipmentStatus::Delivered, 300),
        scan(2, Meaning::Unknown, 250),
        milestone(3, ShipmentStatus::PickedUp, 100),
        milestone(3, ShipmentStatus::PickedUp, 100),
        milestone(4, ShipmentStatus::PickedUp, -3_000),
    ];
    assert_eq!(story.scans(1, &batch), [Applied, UnknownCode, Applied, Stale, NotOurs]);
}
