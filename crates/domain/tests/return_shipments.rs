//! Return shipments: they are followed by their scans, and never change the order.

mod support;

use domain::{
    ActivityKind, ConditionKind, InputField, ItemField, Meaning, OrderStatus::*, Refusal, Scan, ScanEffect,
    ShipmentDirection, ShipmentRefusal, ShipmentStatus, progress,
};
use proptest::{collection::vec, prelude::*, sample::select};
use support::{Story, actors, invalid, lines, milestone, scan};

/// An order of two units, delivered in shipment 1.
fn delivered() -> Story {
    let mut story = Story::new(Processing, &[2]);
    story.ship(1, &[(1, 2)]).expect("free");
    story.scanned(1, ShipmentStatus::Delivered);
    assert_eq!(story.status(), Delivered);
    story
}

fn refused_with(answer: Result<domain::Outcome, Refusal>) -> ShipmentRefusal {
    match answer {
        Err(Refusal::Shipment { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_return_shipment_has_the_units_that_are_expected_back() {
    let mut story = delivered();
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    let before = story.activities().len();
    let sent = story.send_back(2, None).expect("one unit is expected");
    assert_eq!((sent.changed, sent.event, story.status()), (true, None, ReturnInitiated));
    let shipment = story.shipment(2);
    assert_eq!((shipment.direction, &shipment.lines), (ShipmentDirection::Return, &lines(&[(1, 1)])));
    assert_eq!(story.activities()[before..], [ActivityKind::ReturnShipmentCreated]);
    assert!(!story.send_back(2, Some(&[(1, 1)])).expect("the same again").changed);
    assert_eq!(refused_with(story.send_back(2, Some(&[(1, 2)]))), ShipmentRefusal::NumberInUse);
    assert_eq!(refused_with(story.send_back(3, None)), ShipmentRefusal::NothingToShip);
    let (field, message) = invalid(story.send_back(3, Some(&[(1, 2)])));
    assert_eq!(field, InputField::Item(0, ItemField::Quantity));
    assert_eq!(
        message,
        "2 units of SKU-1 are sent back, but of 2 delivered 1 are in return shipments already"
    );
    story.send_back(3, Some(&[(1, 1)])).expect("more than was asked back can be on its way");
    story.cancel_shipment(3).expect("it has a label only");
    story.send_back(4, Some(&[(1, 1)])).expect("its unit is free again");
}

#[test]
fn a_return_shipment_is_registered_from_the_delivery_on_by_staff() {
    for status in [Placed, PaymentConfirmed, Processing, AwaitingPickup, Shipped, OutForDelivery, Cancelled] {
        let refused = Story::new(status, &[1]).send_back(1, Some(&[(1, 1)]));
        assert_eq!(invalid(refused).0, InputField::Direction, "{status}");
    }
    for status in [Delivered, ReturnInitiated, Returned] {
        Story::new(status, &[1])
            .send_back(1, Some(&[(1, 1)]))
            .unwrap_or_else(|refusal| panic!("{status}: {refusal}"));
    }
    for actor in actors() {
        let is_staff = actor.is_staff();
        let mut story = Story::new(Delivered, &[1]);
        story.actor = actor;
        let answer = story.send_back(1, None);
        assert_eq!(answer.is_ok(), is_staff, "{answer:?}");
    }
}

#[test]
fn its_number_must_not_be_on_its_way_already() {
    let mut story = Story::new(Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::Cancelled);
    for status in [Shipped, Delivered] {
        story.go(status).expect("no parcel speaks against it");
    }
    story.scanned(1, ShipmentStatus::PickedUp);
    assert_eq!(refused_with(story.send_back(1, None)), ShipmentRefusal::NumberInUse);
}

#[test]
fn its_delivery_is_its_arrival_and_nothing_else() {
    let mut story = delivered();
    story.ask_back(None).expect("delivered");
    story.send_back(2, None).expect("expected");
    assert_eq!(story.shipment(2).arrived_at(), None);
    assert_eq!(story.scanned(2, ShipmentStatus::InTransit), ScanEffect::Applied);
    assert_eq!(story.shipment(2).describe(), "On its way back");
    let at = support::at(story.now);
    assert_eq!(story.scanned(2, ShipmentStatus::Delivered), ScanEffect::Applied);
    assert_eq!((story.shipment(2).arrived_at(), story.status()), (Some(at), ReturnInitiated));
    assert_eq!(story.shipment(2).describe(), "Back at the sender");
    assert_eq!(story.shipment(1).arrived_at(), None, "it went to the customer");
    assert_eq!(story.item(1).returned, 0, "staff receives it");
    story.receive(None).expect("it is here");
    assert_eq!(story.status(), Returned);
}

#[test]
fn after_the_order_is_returned_a_return_shipment_is_followed_all_the_same() {
    let mut story = delivered();
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    story.receive(None).expect("asked back");
    story.ask_back(Some(&[(1, 1)])).expect("kept");
    story.send_back(2, None).expect("expected");
    assert_eq!(story.scanned(2, ShipmentStatus::Delivered), ScanEffect::Applied);
    assert!(story.shipment(2).arrived_at().is_some());
}

#[test]
fn what_a_carrier_says_of_the_way_back_is_the_right_way_of_a_return_shipment() {
    let on_return = |meaning: Meaning| meaning.in_direction(ShipmentDirection::Return);
    use ShipmentStatus::{InTransit, ReturnedToSender};
    for (meaning, expected) in [
        (Meaning::Condition(ConditionKind::Returned), Meaning::Status(ShipmentStatus::Delivered)),
        (Meaning::Condition(ConditionKind::Returning), Meaning::Status(InTransit)),
        (Meaning::Status(ReturnedToSender), Meaning::Status(InTransit)),
        (Meaning::ReturnCancelled, Meaning::Informational),
        (Meaning::Condition(ConditionKind::Lost), Meaning::Condition(ConditionKind::Lost)),
    ] {
        assert_eq!(on_return(meaning), expected);
        assert_eq!(meaning.in_direction(ShipmentDirection::Outbound), meaning);
    }
}

fn any_meaning() -> impl Strategy<Value = Meaning> {
    prop_oneof![
        select(ShipmentStatus::ALL.to_vec()).prop_map(Meaning::Status),
        select(ConditionKind::ALL.to_vec()).prop_map(Meaning::Condition),
        select(vec![Meaning::ReturnCancelled, Meaning::Informational, Meaning::Unknown]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// In any sequence the scans give one state of the return shipment, and the order stays as it is: open or closed,
    /// under way or returned.
    #[test]
    fn scans_of_a_return_shipment_in_any_order_never_change_the_order(
        told in vec((any_meaning(), 0..20_000i64), 1..10),
        seed in vec(any::<u32>(), 10),
        is_returned in prop::bool::ANY,
        is_closed in prop::bool::ANY,
    ) {
        let mut story = delivered();
        story.ask_back(Some(&[(1, 1)])).expect("delivered");
        if is_returned {
            story.receive(None).expect("asked back");
            story.ask_back(None).expect("kept");
        }
        story.send_back(2, None).expect("expected");
        if is_closed && !is_returned {
            story.close().expect("not final");
        }
        let scans: Vec<Scan> = (0..).zip(&told).map(|(number, (meaning, at))| {
            scan(number, meaning.in_direction(ShipmentDirection::Return), *at)
        }).collect();
        let mut shuffled: Vec<(u32, Scan)> = seed.into_iter().zip(scans.clone()).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let (before, activities) = (story.order.clone(), story.activities());
        for (_, scan) in &shuffled {
            story.scans(2, std::slice::from_ref(scan));
        }
        let (then, now) = (before.head(), story.order.head());
        prop_assert_eq!((now.status, now.version, &now.closed), (then.status, then.version, &then.closed));
        prop_assert_eq!(story.order.items(), before.items());
        prop_assert_eq!(&story.order.shipments()[0], &before.shipments()[0]);
        prop_assert_eq!(story.activities(), activities);
        let count = |order: &domain::Order| progress(order.head().status, order.items(), order.shipments());
        prop_assert_eq!(count(&story.order), count(&before));
        let folded = domain::fold(&scans, now.placed_at, None);
        prop_assert_eq!(story.tracking(2), &folded);
        prop_assert_eq!(story.shipment(2).arrived_at(), folded.delivered_at);
        prop_assert!(folded.status != ShipmentStatus::ReturnedToSender);
    }
}

#[test]
fn a_return_shipment_counts_in_no_progress_and_holds_no_unit() {
    let mut story = delivered();
    let before = progress(story.status(), story.order.items(), story.order.shipments());
    story.send_back(2, None).expect("no unit is asked back, so all delivered ones are meant");
    assert_eq!(story.shipment(2).lines, lines(&[(1, 2)]));
    story.scans(2, &[milestone(9, ShipmentStatus::InTransit, 5)]);
    assert_eq!(progress(story.status(), story.order.items(), story.order.shipments()), before);
    assert_eq!(story.item(1).allocated(story.order.shipments()), 2, "those in the shipment to the customer");
}
