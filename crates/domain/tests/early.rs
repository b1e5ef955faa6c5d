//! Scans before the payment: they count for the shipment, and for the order once it reaches processing.

mod support;

use domain::{FULFILMENT_SEQUENCE, OrderStatus::*, ScanEffect, ShipmentStatus};
use support::{Story, VERSION, at};

#[test]
fn the_walk_is_taken_up_when_the_order_reaches_processing() {
    let mut story = Story::new(Placed, &[1]);
    story.ship(1, &[(1, 1)]).expect("parcels are registered from the placement on");
    assert_eq!(story.scanned(1, ShipmentStatus::PickedUp), ScanEffect::Early);
    assert_eq!(story.scanned(1, ShipmentStatus::Delivered), ScanEffect::Early);
    assert_eq!(story.shipment(1).status(), ShipmentStatus::Delivered);
    story.go(PaymentConfirmed).expect("paid");
    assert_eq!(story.path(), [PaymentConfirmed], "a scan never skips the payment");
    let outcome = story.go(Processing).expect("packed");
    assert_eq!(outcome.event, Some(VERSION + 2), "the event asked for, not the last of the advance");
    assert_eq!(story.path()[1..], FULFILMENT_SEQUENCE);
    let packed = story.order.changes().transitions[1].occurred_at();
    for step in &story.order.changes().transitions[2..] {
        assert_eq!(step.occurred_at(), packed, "none happens before processing did");
    }
    let shipped = &story.order.changes().transitions[3];
    assert_eq!((shipped.to(), shipped.inferred()), (Shipped, false), "the carrier did report the pick-up");
    let metadata = shipped.metadata().expect("it names the parcel");
    assert_eq!((&metadata["carrier"], &metadata["tracking_number"]), (&"fedex".into(), &"N1".into()));
}

#[test]
fn a_shipment_that_moves_early_keeps_the_order_from_being_cancelled() {
    let mut story = Story::new(Placed, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::PickedUp);
    story.go(Cancelled).expect_err("the parcel is under way");
}

#[test]
fn labels_made_early_bring_the_order_to_awaiting_pickup_with_processing() {
    let mut story = Story::new(PaymentConfirmed, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.go(Processing).expect("packed");
    assert_eq!(story.path(), [Processing, AwaitingPickup]);
    let step = &story.order.changes().transitions[1];
    assert_eq!((step.inferred(), step.occurred_at()), (false, at(2)));
}
