//! How returns end and begin again: units that never come, that are declined, and that the customer kept first.

mod support;

use domain::{ActivityKind, BlockerCode, InputField, ItemField, OrderStatus::*, Refusal};
use support::{Story, VERSION, actors, invalid};

#[test]
fn a_kept_unit_is_asked_back_after_the_order_is_returned_and_the_status_stays() {
    let mut story = Story::new(Delivered, &[2]);
    story.ask_back(Some(&[(1, 1)])).expect("two were delivered");
    story.receive(Some(&[(1, 1)])).expect("asked back");
    assert_eq!((story.status(), story.order.head().version), (Returned, VERSION + 2));
    let before = story.activities();
    let other = story.as_staff().ask_back(Some(&[(1, 1)])).expect("the customer has it still");
    assert_eq!((other.changed, other.event, story.status()), (true, None, Returned));
    assert_eq!(story.activities()[before.len()..], [ActivityKind::ReturnRequested]);
    assert_eq!(story.item(1).return_requested, 2);
    assert_eq!(story.summary(), "returned: 1 of 2 items");
    let received = story.receive(None).expect("asked back");
    assert_eq!((received.changed, received.event, story.item(1).returned), (true, None, 2));
    assert_eq!((story.status(), story.summary().as_str()), (Returned, "returned"));
    assert_eq!(story.path(), [ReturnInitiated, Returned]);
    assert!(!story.ask_back(None).expect("nothing is left").changed);
    assert!(!story.receive(None).expect("nothing is outstanding").changed);
}

#[test]
fn a_return_that_never_comes_is_written_off_and_closes_the_order() {
    let mut story = Story::new(Delivered, &[2]);
    story.ask_back(Some(&[(1, 1)])).expect("two were delivered");
    let ended = story.write_off(None).expect("one is outstanding");
    assert_eq!((ended.changed, ended.event, story.status()), (true, None, ReturnInitiated));
    assert_eq!(story.order.head().closed.as_ref().map(|closed| closed.reason.as_str()), Some("never sent"));
    let item = story.item(1);
    assert_eq!((item.return_requested, item.returned, item.return_written_off), (1, 0, 1));
    assert_eq!(
        story.activities()[1..],
        [ActivityKind::ReturnWrittenOff, ActivityKind::OrderClosed],
        "after the request"
    );
    assert_eq!(story.summary(), "return ended: 1 item not sent back");
    let by_hand = story.go(Returned).expect_err("nothing came in");
    assert!(
        matches!(&by_hand, Refusal::InvalidTransition { blocker, .. } if blocker.code == BlockerCode::ReturnIncomplete)
    );
    assert!(!story.write_off(None).expect("nothing is outstanding").changed);
    assert!(!story.receive(None).expect("nothing is outstanding").changed);

    story.receive(Some(&[(1, 1)])).expect("it came after all");
    let item = story.item(1);
    assert_eq!((item.return_requested, item.returned, item.return_written_off), (1, 1, 0));
    assert_eq!((story.status(), story.is_closed()), (Returned, false));
}

#[test]
fn a_written_off_rest_makes_the_order_returned_if_anything_came() {
    let mut story = Story::new(Delivered, &[3]);
    story.ask_back(None).expect("delivered");
    story.receive(Some(&[(1, 1)])).expect("asked back");
    assert_eq!(story.write_off(Some(&[(1, 1)])).expect("two are outstanding").event, None);
    assert_eq!(story.summary(), "return under way: 1 of 2 items back");
    let last = story.write_off(Some(&[(1, 1)])).expect("one is outstanding");
    assert_eq!((last.event, story.status()), (Some(VERSION + 2), Returned));
    assert!(!story.is_closed());
    let notes = story.order.changes().transitions.last().and_then(|step| step.notes().map(str::to_owned));
    assert_eq!(notes.as_deref(), Some("never sent"));
    story.ask_back(Some(&[(1, 1)])).expect("a written-off unit can be asked back again");
    let item = story.item(1);
    assert_eq!((item.return_requested, item.returned, item.return_written_off), (3, 1, 1));
    assert_eq!(story.write_off(None).expect("one is outstanding").event, None, "the status stays");
    assert!(!story.is_closed());
}

#[test]
fn a_return_begun_by_hand_is_written_off_as_a_whole() {
    let mut story = Story::new(Delivered, &[2, 1]);
    story.go(ReturnInitiated).expect("the table has it");
    story.write_off(Some(&[(1, 2)])).expect("all units count as asked back");
    assert!(!story.is_closed(), "one unit is outstanding");
    story.write_off(None).expect("the rest");
    assert!(story.is_closed());
}

#[test]
fn what_cannot_be_written_off_is_refused_by_name() {
    let mut story = Story::new(Delivered, &[2]);
    assert_eq!(invalid(story.write_off(None)).0, InputField::OrderId, "nothing is asked back");
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    let (field, message) = invalid(story.write_off(Some(&[(1, 2)])));
    assert_eq!(field, InputField::Item(0, ItemField::Quantity));
    assert_eq!(message, "2 units of SKU-1 are written off, but 1 are outstanding");
    for actor in actors() {
        let is_staff = actor.is_staff();
        let mut story = Story::new(ReturnInitiated, &[1]);
        story.actor = actor;
        match story.write_off(None) {
            Ok(_) => assert!(is_staff),
            Err(refusal) => assert!(!is_staff && matches!(refusal, Refusal::Forbidden(_)), "{refusal}"),
        }
    }
}

#[test]
fn who_asks_for_units_of_a_closed_return_reopens_the_order() {
    let mut story = Story::new(Delivered, &[2]);
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    story.write_off(None).expect("outstanding");
    assert!(story.is_closed());
    story.ask_back(Some(&[(1, 2)])).expect("one was written off, one was kept");
    assert!(!story.is_closed());
    let item = story.item(1);
    assert_eq!((item.return_requested, item.return_written_off), (2, 0));
}
