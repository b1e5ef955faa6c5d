//! Which notifications are sent, and their keys.

mod support;

use chrono::TimeDelta;
use domain::{
    NotificationKind, NotificationMaxAge, OrderHead, OrderStatus::*, Suppression, find_suppression,
    notification::notification_key,
};
use support::{Story, items, order};

/// The reason for an event that happened `late` minutes before it was recorded, of an order with this head.
fn reason(change: impl Fn(&mut OrderHead), late: i64, is_newest: bool) -> Option<Suppression> {
    let mut story = Story::new(Placed, &[1]);
    story.go(Cancelled).expect("the table has it");
    let event = &story.order.changes().transitions[0];
    assert_eq!(event.occurred_at(), event.recorded_at());
    let mut head = story.order.head().clone();
    head.customer_email = Some("ada@example.org".to_owned());
    change(&mut head);
    // An event is a day old exactly when the greatest age is less than a day.
    let max_age = NotificationMaxAge(TimeDelta::minutes(-late));
    find_suppression(&head, event.recorded_at() - event.occurred_at(), is_newest, max_age)
}

#[test]
fn the_strongest_reason_is_told() {
    let keep = |_: &mut OrderHead| {};
    assert_eq!(reason(keep, 0, true), None, "as old as the greatest age");
    assert_eq!(reason(keep, 0, false), Some(Suppression::Superseded));
    assert_eq!(reason(keep, 1, true), Some(Suppression::Historical));
    assert_eq!(reason(keep, 1, false), Some(Suppression::Historical));
    assert_eq!(reason(|head| head.customer_email = None, 1, false), Some(Suppression::NoAddress));
    let mute = |head: &mut OrderHead| {
        head.customer_email = None;
        head.notifications_muted = true;
    };
    assert_eq!(reason(mute, 1, false), Some(Suppression::Muted));
}

#[test]
fn each_recipient_has_a_key_of_its_own() {
    let id = order(Placed, items(&[1]), vec![]).head().id;
    let key = |recipient| notification_key(id, NotificationKind::OutForDelivery, recipient);
    assert_eq!(key(0), format!("notify-{id}-out_for_delivery"));
    assert_eq!((key(1), key(9)), (format!("{}-2", key(0)), format!("{}-10", key(0))));
}
