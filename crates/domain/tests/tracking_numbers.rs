//! Tests the tracking numbers of a shipment: further ones, added ones, and the one that replaces the primary number.

use chrono::TimeDelta;
use domain::{
    ActivityKind, Actor, ActorKind, Carrier, Correction, InputField, MAX_NUMBERS, NewShipment, OrderStatus,
    Outcome, Refusal, Request, ShipmentRefusal, ShipmentStatus, TrackingNumber,
};
use serde_json::json;

mod support;
use support::{Story, fedex, lines, shipment_id};

fn usps(number: &str) -> TrackingNumber {
    TrackingNumber::parse(Carrier::USPS, number).expect("a tracking number")
}

fn add(story: &mut Story, shipment: u32, number: TrackingNumber) -> Result<Outcome, Refusal> {
    story.ask(Request::AddTrackingNumber { shipment: shipment_id(shipment), number, shared: false })
}

fn replace(story: &mut Story, shipment: u32, number: TrackingNumber) -> Result<Outcome, Refusal> {
    let (shipment, reason) = (shipment_id(shipment), "a new label".to_owned());
    story.ask(Request::ReplaceTrackingNumber { shipment, number, shared: false, reason })
}

fn code(answer: Result<Outcome, Refusal>) -> ShipmentRefusal {
    match answer {
        Err(Refusal::Shipment { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

fn shipped(quantities: &[u32]) -> Story {
    let mut story = Story::new(OrderStatus::Processing, quantities);
    story.ship(1, &[(1, 1)]).expect("free");
    story
}

/// The numbers of the first shipment, and whether each is live.
fn numbers(story: &Story) -> Vec<(String, bool)> {
    let shipment = &story.order.shipments()[0];
    shipment.numbers.iter().map(|one| (one.number.to_string(), one.void.is_none())).collect()
}

#[test]
fn a_shipment_is_registered_with_further_numbers_each_once() {
    let mut story = Story::new(OrderStatus::Processing, &[1]);
    let new = NewShipment {
        id: shipment_id(1),
        tracking_number: fedex("N1"),
        further_numbers: vec![usps("U1"), fedex("N1"), usps("U1"), fedex("N2")],
        shares_numbers: false,
        origin: None,
        lines: None,
        estimated_delivery: None,
    };
    assert!(story.ask(Request::CreateShipment(new.clone())).expect("free").changed);
    assert_eq!(numbers(&story), [("N1".into(), true), ("U1".into(), true), ("N2".into(), true)]);
    let facts = &story.order.changes().activities[0].facts;
    let further =
        json!([{"carrier": "usps", "tracking_number": "U1"}, {"carrier": "fedex", "tracking_number": "N2"}]);
    assert_eq!(facts["further_numbers"], further);
    let same =
        NewShipment { id: shipment_id(2), tracking_number: usps("U1"), further_numbers: vec![], ..new };
    assert!(!story.ask(Request::CreateShipment(same)).expect("the same parcel").changed);
}

#[test]
fn any_number_of_a_live_shipment_is_in_use_on_its_order() {
    let mut story = shipped(&[3]);
    add(&mut story, 1, usps("U1")).expect("free");
    for taken in ["N1", "U1"] {
        assert_eq!(code(story.ship_as(2, taken, Some(lines(&[(1, 2)])))), ShipmentRefusal::NumberInUse);
    }
    story.ship(2, &[(1, 1)]).expect("free");
    for taken in [fedex("N2"), usps("N2")] {
        assert_eq!(code(add(&mut story, 1, taken.clone())), ShipmentRefusal::NumberInUse);
        assert_eq!(code(replace(&mut story, 1, taken)), ShipmentRefusal::NumberInUse);
    }
}

#[test]
fn a_number_that_is_added_is_recorded_and_one_that_is_there_changes_nothing() {
    let mut story = shipped(&[1]);
    assert!(add(&mut story, 1, usps("U1")).expect("free").changed);
    assert!(!add(&mut story, 1, usps("U1")).expect("it has the number").changed);
    assert!(!add(&mut story, 1, fedex("N1")).expect("it has the number").changed);
    let activity = story.order.changes().activities.last().expect("an activity");
    assert_eq!(activity.kind, ActivityKind::TrackingNumberAdded);
    assert_eq!(activity.facts, json!({"carrier": "usps", "tracking_number": "U1"}));
    assert_eq!(*story.order.shipments()[0].tracking_number, *"N1", "the primary number stays");
}

#[test]
fn a_number_that_is_replaced_stays_on_record_as_void() {
    let mut story = shipped(&[1]);
    let outcome = replace(&mut story, 1, usps("U1")).expect("free");
    assert!(outcome.changed);
    let correction = Correction::NumberReplaced {
        shipment: shipment_id(1),
        void: vec![fedex("N1")],
        delay: TimeDelta::zero(),
    };
    assert_eq!(story.order.changes().corrections, [correction]);
    assert_eq!(numbers(&story), [("N1".into(), false), ("U1".into(), true)]);
    assert_eq!(story.order.shipments()[0].tracking_number, usps("U1"));
    let activity = story.order.changes().activities.last().expect("an activity");
    assert_eq!(activity.kind, ActivityKind::TrackingNumberReplaced);
    let facts = json!({"carrier": "usps", "tracking_number": "U1", "former_carrier": "fedex",
        "former_tracking_number": "N1"});
    assert_eq!((&activity.facts, activity.notes.as_deref()), (&facts, Some("a new label")));
    assert!(!replace(&mut story, 1, usps("U1")).expect("it is the number").changed);
    assert!(replace(&mut story, 1, fedex("N1")).expect("a void number can come back").changed);
    assert_eq!(numbers(&story), [("N1".into(), true), ("U1".into(), false)]);
}

#[test]
fn a_further_number_can_become_the_primary_one() {
    let mut story = shipped(&[1]);
    add(&mut story, 1, usps("U1")).expect("free");
    assert!(replace(&mut story, 1, usps("U1")).expect("its own number").changed);
    assert_eq!(numbers(&story), [("N1".into(), false), ("U1".into(), true)]);
}

#[test]
fn no_number_is_replaced_after_the_delivery_and_none_changes_after_the_cancellation() {
    let mut story = shipped(&[2]);
    story.cancel_shipment(1).expect("it has only a label");
    story.ship(2, &[(1, 2)]).expect("free");
    story.scanned(2, ShipmentStatus::Delivered);
    assert_eq!(code(add(&mut story, 1, fedex("N9"))), ShipmentRefusal::AlreadyCancelled);
    assert_eq!(code(replace(&mut story, 1, fedex("N9"))), ShipmentRefusal::AlreadyCancelled);
    assert_eq!(code(replace(&mut story, 2, fedex("N9"))), ShipmentRefusal::AlreadyDelivered);
    assert!(add(&mut story, 2, fedex("N9")).expect("scans of it can still come").changed);
}

#[test]
fn a_role_that_may_not_ship_does_not_change_numbers() {
    for kind in [ActorKind::Customer, ActorKind::Carrier, ActorKind::Supplier] {
        let mut story = shipped(&[1]);
        story.actor = Actor::new(kind, "someone");
        assert!(matches!(add(&mut story, 1, fedex("N9")), Err(Refusal::Forbidden(_))), "{kind}");
        assert!(matches!(replace(&mut story, 1, fedex("N9")), Err(Refusal::Forbidden(_))), "{kind}");
    }
}

#[test]
fn what_is_not_allowed_is_refused_by_the_name_of_the_field() {
    let mut story = shipped(&[1]);
    let reason = " ".to_owned();
    let number = fedex("N9");
    let blank =
        story.ask(Request::ReplaceTrackingNumber { shipment: shipment_id(1), number, shared: false, reason });
    assert!(matches!(blank, Err(Refusal::InvalidInput { field: InputField::Reason, .. })), "{blank:?}");
    for more in 1..MAX_NUMBERS {
        add(&mut story, 1, fedex(&format!("M{more}"))).expect("free");
    }
    let too_many = add(&mut story, 1, fedex("N9"));
    let is_refused = matches!(too_many, Err(Refusal::InvalidInput { field: InputField::TrackingNumber, .. }));
    assert!(is_refused, "{too_many:?}");
}
