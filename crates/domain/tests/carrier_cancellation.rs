//! Cancellations by a carrier: they free the units, later movement undoes them, and no unit is sent twice.

mod support;

use domain::{OrderStatus::*, ScanEffect, ShipmentStatus};
use support::{Story, lines};

/// An order whose only shipment, with `in_shipment` units, was cancelled by its carrier.
fn cancelled(quantity: u32, in_shipment: u32) -> Story {
    let mut story = Story::new(Processing, &[quantity]);
    story.ship(1, &[(1, in_shipment)]).expect("the units are free");
    story.scanned(1, ShipmentStatus::Cancelled);
    assert_eq!(story.shipment(1).status(), ShipmentStatus::Cancelled);
    assert_eq!(story.order.items()[0].unallocated(story.order.shipments()), quantity);
    story
}

#[test]
fn later_movement_takes_the_units_back() {
    let mut story = cancelled(2, 2);
    assert_eq!(story.scanned(1, ShipmentStatus::PickedUp), ScanEffect::Applied);
    assert_eq!(story.status(), Shipped);
    assert_eq!(story.order.items()[0].allocated(story.order.shipments()), 2);
}

#[test]
fn once_its_units_went_elsewhere_later_movement_is_kept_and_changes_nothing() {
    let mut story = cancelled(2, 2);
    story.ship(2, &[(1, 2)]).expect("its units are free");
    assert!(story.shipment(1).cancelled_at.is_some());
    assert_eq!(story.scanned(1, ShipmentStatus::Delivered), ScanEffect::Stale);
    assert_eq!(story.status(), AwaitingPickup);
    assert_eq!(story.order.items()[0].allocated(story.order.shipments()), 2);
    story.scanned(2, ShipmentStatus::PickedUp);
    assert_eq!(story.status(), Shipped);
}

#[test]
fn once_its_units_were_cancelled_later_movement_changes_nothing() {
    let mut story = cancelled(3, 2);
    story.cancel_items(&[(1, 2)]).expect("its units are free");
    story.scanned(1, ShipmentStatus::PickedUp);
    assert_eq!(story.shipment(1).status(), ShipmentStatus::Cancelled);
}

#[test]
fn as_long_as_its_units_are_free_it_may_still_move_whatever_else_is_shipped_or_cancelled() {
    let mut story = cancelled(5, 2);
    story.ship(2, &[(1, 2)]).expect("five are free");
    story.cancel_items(&[(1, 1)]).expect("three are free");
    assert_eq!(story.scanned(1, ShipmentStatus::PickedUp), ScanEffect::Applied);
    assert_eq!(story.order.items()[0].allocated(story.order.shipments()), 4);
    assert_eq!(story.status(), AwaitingPickup);
}

#[test]
fn its_number_registered_anew_is_the_new_shipments() {
    let mut story = cancelled(5, 2);
    let outcome = story.ship_as(2, "N1", Some(lines(&[(1, 2)]))).expect("the number is free");
    assert!(outcome.changed);
    assert!(story.shipment(1).cancelled_at.is_some(), "one number never moves two parcels");
}

#[test]
fn an_order_whose_shipment_its_carrier_cancelled_can_be_cancelled_for_good() {
    let mut story = cancelled(1, 1);
    story.go(Cancelled).expect("nothing moves");
    assert!(story.shipment(1).cancelled_at.is_some());
    assert_eq!(story.scanned(1, ShipmentStatus::PickedUp), ScanEffect::OrderClosed);
    assert_eq!(story.status(), Cancelled);
}

#[test]
fn a_shipment_that_moves_is_not_cancelled_by_its_carrier() {
    let mut story = Story::new(Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::PickedUp);
    assert_eq!(story.scanned(1, ShipmentStatus::Cancelled), ScanEffect::Stale);
    assert_eq!(story.shipment(1).status(), ShipmentStatus::PickedUp);
}
