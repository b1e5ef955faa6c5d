//! Closing: an order of which nothing more is expected, what closes it, and what reopens it.

mod support;

use domain::{
    ActivityKind, ConditionKind, InputField, Meaning, OrderStatus, OrderStatus::*, Refusal, Request,
    ShipmentStatus,
};
use support::{Story, VERSION, actors, at, by, invalid, milestone, scan};

/// An order of one unit that was shipped, lost and cancelled unit by unit.
fn lost() -> Story {
    let mut story = Story::new(Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scans(1, &[milestone(1, ShipmentStatus::InTransit, 10)]);
    story.scans(1, &[scan(2, Meaning::Condition(ConditionKind::Lost), 20)]);
    story.cancel_shipment(1).expect("it is lost");
    story.cancel_items(&[(1, 1)]).expect("it is in no parcel");
    story
}

#[test]
fn the_last_unit_of_a_shipped_order_closes_it_and_the_customer_is_told() {
    let story = lost();
    assert_eq!((story.status(), story.is_closed()), (Shipped, true));
    assert!(story.order.changes().called_off);
    assert_eq!(story.summary(), "the only item was called off");
    let closing = story.order.changes().activities.last().expect("an activity");
    assert_eq!((closing.kind, closing.notes.as_deref()), (ActivityKind::OrderClosed, Some("sold out")));
    assert_eq!(closing.facts, serde_json::json!({ "automatic": true, "status": "shipped" }));
}

#[test]
fn a_unit_that_is_left_keeps_the_order_open_and_delivered_ones_advance_it() {
    let mut story = Story::new(Processing, &[3]);
    for number in [1, 2] {
        story.ship(number, &[(1, 1)]).expect("free");
        story.scanned(number, ShipmentStatus::InTransit);
    }
    story.ship(3, &[(1, 1)]).expect("free");
    story.scanned(3, ShipmentStatus::Delivered);
    for number in [1, 2] {
        story.scans(number, &[scan(40 + number as u8, Meaning::Condition(ConditionKind::Lost), 600)]);
        story.cancel_shipment(number).expect("it is lost");
        story.cancel_items(&[(1, 1)]).expect("it is in no parcel");
    }
    assert_eq!((story.status(), story.is_closed()), (Delivered, false));
    assert!(!story.order.changes().called_off);
    assert_eq!(story.summary(), "1 of 3 items delivered; 2 called off");
}

#[test]
fn staff_close_an_order_in_any_status_that_is_not_final_once() {
    for status in OrderStatus::ALL {
        let mut story = Story::new(status, &[1]);
        let answer = story.close();
        if status.is_terminal() {
            let (field, message) = invalid(answer);
            assert_eq!(field, InputField::OrderId);
            assert_eq!(message, format!("the order is {status}, which is final: there is nothing to close"));
            continue;
        }
        assert!(answer.expect("staff may").changed);
        let head = story.order.head().clone();
        let closed = head.closed.expect("it is");
        assert_eq!((closed.at, closed.reason.as_str()), (at(1), "refunded"));
        assert_eq!((head.status, head.version, head.updated_at), (status, VERSION, at(1)), "no event");
        assert!(!story.close().expect("it is").changed);
        assert!(!story.order.changes().called_off, "nobody is told");
        assert!(story.reopen().expect("it is closed").changed);
        assert!(!story.is_closed());
        assert!(!story.reopen().expect("it is open").changed);
        assert_eq!(story.activities(), [ActivityKind::OrderClosed, ActivityKind::OrderReopened]);
    }
}

#[test]
fn only_staff_close_and_reopen_and_they_say_why() {
    for actor in actors() {
        for request in [
            Request::Close { reason: "refunded".to_owned() },
            Request::Reopen { reason: "it was found".to_owned() },
        ] {
            let mut order = Story::new(Shipped, &[1]).order;
            let answer = order.apply(request, None, &by(actor.clone(), 1));
            assert_eq!(matches!(answer, Err(Refusal::Forbidden(_))), !actor.is_staff(), "{actor:?}");
        }
    }
    for request in [Request::Close { reason: " ".to_owned() }, Request::Reopen { reason: String::new() }] {
        assert_eq!(invalid(Story::new(Shipped, &[1]).ask(request)).0, InputField::Reason);
    }
}

#[test]
fn what_moves_reopens_a_closed_order_once() {
    let mut story = lost();
    story.scans(1, &[milestone(3, ShipmentStatus::Delivered, 100)]);
    assert_eq!((story.status(), story.is_closed()), (Shipped, false), "its shipment is cancelled");
    assert_eq!(story.shipment(1).status(), ShipmentStatus::Cancelled);
    let last = story.order.changes().activities.last().expect("an activity").clone();
    assert_eq!((last.kind, last.notes), (ActivityKind::OrderReopened, None));
    assert_eq!(last.facts["automatic"], true);
    let before = story.activities().len();
    story.scans(1, &[scan(4, Meaning::Condition(ConditionKind::Damaged), 120)]);
    assert_eq!((story.is_closed(), story.activities().len()), (false, before), "it does not close again");
    story.close().expect("somebody has looked");
    story.scans(1, &[scan(5, Meaning::Informational, 130)]);
    assert!(story.is_closed(), "that says nothing");
}

#[test]
fn a_shipment_that_is_found_reopens_and_new_trouble_does_not() {
    let mut story = Story::new(Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scans(1, &[milestone(1, ShipmentStatus::InTransit, 10)]);
    story.close().expect("staff may");
    story.scans(1, &[scan(2, Meaning::Condition(ConditionKind::Lost), 20)]);
    assert!(story.is_closed());
    story.scans(1, &[milestone(3, ShipmentStatus::InTransit, 30)]);
    assert!(!story.is_closed(), "it goes on");
}

#[test]
fn a_carriers_cancellation_does_not_reopen() {
    let mut story = Story::new(Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.close().expect("staff may");
    story.scanned(1, ShipmentStatus::Cancelled);
    assert!(story.is_closed());
    story.cancel_shipment(1).expect("it is");
    assert!(story.is_closed());
}

#[test]
fn an_event_a_new_shipment_and_units_that_come_back_reopen() {
    let reopens = |mut story: Story, go_on: &dyn Fn(&mut Story)| {
        story.close().expect("staff may");
        go_on(&mut story);
        assert!(!story.is_closed());
        assert_eq!(story.activities().iter().filter(|kind| **kind == ActivityKind::OrderReopened).count(), 1);
    };
    reopens(Story::new(Placed, &[1]), &|story| {
        story.go(PaymentConfirmed).expect("paid");
    });
    reopens(Story::new(Placed, &[1]), &|story| {
        story.go(Cancelled).expect("nothing moves");
    });
    reopens(Story::new(Processing, &[2]), &|story| {
        story.ship(1, &[(1, 1)]).expect("free");
    });
    reopens(Story::new(Delivered, &[1]), &|story| {
        story.ask_back(None).expect("it was delivered");
    });
    let mut returning = Story::new(Delivered, &[2]);
    returning.ask_back(None).expect("it was delivered");
    reopens(returning, &|story| {
        story.receive(Some(&[(1, 1)])).expect("it came");
    });
    let mut kept = Story::new(Processing, &[2]);
    kept.close().expect("staff may");
    kept.cancel_items(&[(1, 1)]).expect("free");
    assert!(kept.is_closed(), "that ends something");
}

#[test]
fn closed_by_hand_with_units_outstanding_nobody_is_told_until_they_are_called_off() {
    let mut story = Story::new(Processing, &[2]);
    story.ship(1, &[(1, 2)]).expect("free");
    story.scanned(1, ShipmentStatus::InTransit);
    story.scanned(1, ShipmentStatus::ReturnedToSender);
    story.close().expect("staff may");
    story.cancel_shipment(1).expect("it comes back");
    story.cancel_items(&[(1, 1)]).expect("free");
    assert!(!story.order.changes().called_off);
    story.cancel_items(&[(1, 1)]).expect("free");
    assert!(story.order.changes().called_off);
    let closed = story.order.head().closed.clone().expect("it stays closed");
    assert_eq!(closed.reason, "refunded", "the first closing counts");
}

#[test]
fn the_progress_of_a_closed_order_says_so_where_units_are_outstanding() {
    let mut story = Story::new(Processing, &[2]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::Delivered);
    let summary = |story: &Story, closed| {
        let items = (story.order.items(), story.order.shipments());
        domain::progress(story.status(), items.0, items.1).of_closed(closed).summary
    };
    let open = "partial shipment: 1 of 2 items shipped, 1 delivered";
    assert_eq!(summary(&story, false), open);
    assert_eq!(summary(&story, true), format!("closed: {open}"));
    story.cancel_items(&[(1, 1)]).expect("free");
    assert_eq!(summary(&story, true), "1 of 2 items delivered; 1 called off", "nothing is outstanding");
    assert_eq!(summary(&lost(), true), "the only item was called off");
}

#[test]
fn refused_transitions_name_the_way_on() {
    let blocked = |status, to| match Story::new(status, &[1]).go(to) {
        Err(Refusal::InvalidTransition { blocker, .. }) => blocker.message,
        other => panic!("{other:?}"),
    };
    for (status, to, way_on) in [
        (Shipped, Cancelled, "closeOrder"),
        (OutForDelivery, Cancelled, "cancelItems"),
        (Delivered, Cancelled, "initiateReturn"),
        (ReturnInitiated, Cancelled, "receiveReturn"),
        (Shipped, ReturnInitiated, "cancelShipment"),
        (Cancelled, Shipped, "placeOrder with replaces"),
        (Returned, ReturnInitiated, "placeOrder with replaces"),
    ] {
        let message = blocked(status, to);
        assert!(message.contains(way_on), "{status} to {to}: {message}");
    }
}
