//! Cancelling an order, a shipment, and units that cannot be shipped.

mod support;

use std::collections::BTreeSet;

use domain::{
    BlockerCode, ConditionKind, InputField, ItemField, Meaning, OrderStatus::*, Outcome, Refusal, Request,
    ShipmentRefusal, ShipmentStatus,
};
use support::{Story, invalid, scan, shipment_id};

fn shipped(quantities: &[u32], shipments: &[(u32, ShipmentStatus)]) -> Story {
    let mut story = Story::new(Processing, quantities);
    for (number, &(quantity, status)) in (1..).zip(shipments) {
        story.ship(number, &[(1, quantity)]).expect("the units are free");
        story.scanned(number, status);
    }
    story
}

fn code(answer: Result<Outcome, Refusal>) -> ShipmentRefusal {
    match answer {
        Err(Refusal::Shipment { code, .. }) => code,
        other => panic!("a refusal of the parcel was expected: {other:?}"),
    }
}

#[test]
fn of_three_shipments_the_slowest_counts_and_calling_it_off_frees_its_unit() {
    use ShipmentStatus::{Delivered as Handed, InTransit, OutForDelivery as OnVehicle};
    let mut story = shipped(&[3], &[(1, InTransit), (1, OnVehicle), (1, Handed)]);
    assert_eq!(story.status(), Shipped);
    assert_eq!(code(story.cancel_shipment(1)), ShipmentRefusal::AlreadyMoving);
    story.scans(1, &[scan(50, Meaning::Condition(ConditionKind::Lost), 600)]);
    story.cancel_shipment(1).expect("it is lost");
    assert_eq!(story.status(), Shipped, "its unit is in no parcel now");
    story.cancel_items(&[(1, 1)]).expect("it cannot be shipped");
    assert_eq!(story.status(), OutForDelivery, "the rest is that far");
    story.scanned(2, Handed);
    assert_eq!(story.path(), [AwaitingPickup, Shipped, OutForDelivery, Delivered]);
}

#[test]
fn with_every_shipment_cancelled_the_order_stays_where_it_is() {
    let mut story = shipped(&[2], &[(1, ShipmentStatus::InTransit), (1, ShipmentStatus::InTransit)]);
    story.scanned(1, ShipmentStatus::ReturnedToSender);
    story.scanned(2, ShipmentStatus::ReturnedToSender);
    assert_eq!(story.status(), Shipped);
    story.cancel_shipment(1).expect("it comes back");
    story.cancel_shipment(2).expect("it comes back");
    assert_eq!(story.status(), Shipped);
    assert_eq!(story.order.items()[0].unallocated(story.order.shipments()), 2);
}

#[test]
fn a_shipment_is_cancelled_before_it_moves_or_when_it_will_not_arrive_and_never_after_delivery() {
    let mut story = shipped(&[1], &[(1, ShipmentStatus::Delivered)]);
    assert_eq!(code(story.cancel_shipment(1)), ShipmentRefusal::AlreadyDelivered);
    story.scans(1, &[scan(50, Meaning::Condition(ConditionKind::Damaged), 900)]);
    assert_eq!(code(story.cancel_shipment(1)), ShipmentRefusal::AlreadyDelivered);
    for kind in ConditionKind::ALL {
        let mut story = shipped(&[1], &[(1, ShipmentStatus::OutForDelivery)]);
        story.scans(1, &[scan(50, Meaning::Condition(kind), 900)]);
        let answer = story.cancel_shipment(1);
        match kind {
            ConditionKind::Lost
            | ConditionKind::Damaged
            | ConditionKind::Returning
            | ConditionKind::Returned => {
                assert!(answer.expect("it will not arrive").changed);
            }
            ConditionKind::DeliveryAttemptFailed
            | ConditionKind::Delayed
            | ConditionKind::Held
            | ConditionKind::AddressIssue
            | ConditionKind::Other => assert_eq!(code(answer), ShipmentRefusal::AlreadyMoving, "{kind}"),
        }
    }
}

#[test]
fn calling_off_again_changes_nothing_and_an_unknown_shipment_is_not_found() {
    let mut story = shipped(&[1], &[(1, ShipmentStatus::LabelCreated)]);
    assert!(story.cancel_shipment(1).expect("it has only a label").changed);
    assert!(!story.cancel_shipment(1).expect("it is cancelled").changed);
    assert_eq!(story.cancel_shipment(7), Err(Refusal::NotFound("shipment")));
    let scans = Request::Scans {
        shipment: shipment_id(7),
        known: vec![],
        incoming: vec![],
        restated: BTreeSet::new(),
    };
    assert_eq!(story.ask(scans), Err(Refusal::NotFound("shipment")));
}

#[test]
fn cancelling_the_order_calls_off_its_labels() {
    for status in [Placed, PaymentConfirmed, Processing, AwaitingPickup] {
        let mut story = Story::new(status, &[2]);
        story.ship(1, &[(1, 1)]).expect("free");
        story.go(Cancelled).expect("nothing moves");
        let shipment = story.shipment(1);
        assert_eq!(shipment.status(), ShipmentStatus::Cancelled);
        assert_eq!(shipment.cancel_reason.as_deref(), Some("the order was cancelled"));
    }
}

#[test]
fn an_order_with_a_moving_shipment_is_not_cancelled_but_its_remaining_items_are() {
    let mut story = shipped(&[3], &[(1, ShipmentStatus::PickedUp), (1, ShipmentStatus::LabelCreated)]);
    let refusal = story.go(Cancelled);
    let Err(Refusal::InvalidTransition { from, blocker, .. }) = refusal else { panic!("{refusal:?}") };
    assert_eq!((from, blocker.code), (Processing, BlockerCode::ParcelsMoving));
    assert_eq!(blocker.shipments, [shipment_id(1)]);
    assert_eq!(blocker.message, "one of its parcels is moving: cancel the remaining items (cancelItems)");
    story.cancel_shipment(2).expect("it has only a label");
    story.cancel_items(&[(1, 2)]).expect("two are free");
    assert_eq!(story.status(), Shipped);
}

#[test]
fn where_every_unit_is_moving_nobody_is_told_to_cancel_the_rest() {
    let mut story = Story::new(Placed, &[1, 2]);
    story.cancel_items(&[(2, 1)]).expect("free");
    story.ship(1, &[(1, 1), (2, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::InTransit);
    assert_eq!(story.status(), Placed, "nobody has paid");
    let refusal = story.go(Cancelled);
    let Err(Refusal::InvalidTransition { blocker, .. }) = refusal else { panic!("{refusal:?}") };
    let expected = "one of its parcels is moving: no unit is left to cancel. What arrives can be sent back; a parcel \
                    that will not is called off (cancelShipment)";
    assert_eq!((blocker.code, blocker.message.as_str()), (BlockerCode::ParcelsMoving, expected));
    story.scans(1, &[scan(50, Meaning::Condition(ConditionKind::Lost), 600)]);
    story.cancel_shipment(1).expect("it is lost");
    story.go(Cancelled).expect("nothing moves any more");
}

#[test]
fn cancelling_the_last_unit_cancels_the_order_and_says_why() {
    let mut story = Story::new(Processing, &[2, 1]);
    story.cancel_items(&[(1, 1)]).expect("free");
    assert_eq!(story.path(), []);
    let outcome = story.cancel_items(&[(1, 1), (2, 1)]).expect("free");
    assert_eq!(story.path(), [Cancelled]);
    let step = &story.order.changes().transitions[0];
    assert_eq!((outcome.event, step.notes()), (Some(step.version()), Some("sold out")));
    assert!(story.order.items().iter().all(|item| item.cancel_reason.as_deref() == Some("sold out")));
}

#[test]
fn the_last_unit_of_an_order_that_was_shipped_closes_the_order_because_the_table_forbids_to_cancel_it() {
    let mut story = shipped(&[1], &[(1, ShipmentStatus::InTransit)]);
    story.scanned(1, ShipmentStatus::ReturnedToSender);
    story.cancel_shipment(1).expect("it comes back");
    let outcome = story.cancel_items(&[(1, 1)]).expect("it is in no parcel");
    assert_eq!((story.status(), outcome.changed, outcome.event), (Shipped, true, None));
    let closed = story.order.head().closed.clone().expect("nothing more is expected");
    assert_eq!((closed.actor, closed.reason.as_str()), (story.actor.clone(), "sold out"));
    assert!(story.order.changes().called_off, "the customer is told");
}

#[test]
fn units_in_a_shipment_or_of_a_closed_order_are_not_cancelled() {
    let mut story = shipped(&[2], &[(1, ShipmentStatus::LabelCreated)]);
    assert_eq!(invalid(story.cancel_items(&[(1, 1), (1, 1)])).0, InputField::Item(1, ItemField::Quantity));
    for status in [Delivered, Cancelled, ReturnInitiated, Returned] {
        let answer = Story::new(status, &[1]).cancel_items(&[(1, 1)]);
        assert!(matches!(answer, Err(Refusal::InvalidInput { .. })), "{status}");
    }
}

#[test]
fn whoever_calls_something_off_says_why() {
    let mut story = shipped(&[2], &[(1, ShipmentStatus::LabelCreated)]);
    let shipment = Request::CancelShipment { id: shipment_id(1), reason: " ".to_owned() };
    let items = Request::CancelItems { lines: support::lines(&[(1, 1)]), reason: String::new() };
    for request in [shipment, items] {
        let answer = story.ask(request);
        assert!(
            matches!(&answer, Err(Refusal::InvalidInput { field, .. }) if *field == InputField::Reason),
            "{answer:?}"
        );
    }
}

#[test]
fn by_hand_no_order_gets_ahead_of_its_shipments() {
    let mut story = shipped(&[3], &[(1, ShipmentStatus::PickedUp), (1, ShipmentStatus::LabelCreated)]);
    let blocked = |answer: Result<Outcome, Refusal>| match answer {
        Err(Refusal::InvalidTransition { blocker, .. }) => (blocker.code, blocker.shipments),
        other => panic!("{other:?}"),
    };
    assert_eq!(blocked(story.go(Shipped)), (BlockerCode::ShipmentsBehind, vec![shipment_id(2)]));
    story.scanned(2, ShipmentStatus::PickedUp);
    assert_eq!(blocked(story.go(Shipped)), (BlockerCode::ShipmentsBehind, vec![]), "a unit is in no parcel");
    story.ship(3, &[(1, 1)]).expect("free");
    assert_eq!(blocked(story.go(Shipped)), (BlockerCode::ShipmentsBehind, vec![shipment_id(3)]));
    story.scanned(3, ShipmentStatus::PickedUp);
    assert_eq!(story.status(), Shipped);
    assert_eq!(blocked(story.go(Delivered)).1.len(), 3);
}
