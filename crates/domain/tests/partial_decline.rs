//! A supplier declines a part of an item: the declined units become an item of their own.

mod support;

use domain::{ActivityKind, Deadlines, InputField, ItemField, OrderStatus, OrderStatus::*, ShipmentStatus};
use support::{Story, at, dropship, invalid, item_id, lines, warehouse};

const NONE: Deadlines = Deadlines { accept_by: None, ship_by: None };

/// The supplier ships two of five units and declines the rest.
fn out_of_stock() -> Story {
    let mut story = dropship(&[("acme", 5)]);
    story.as_supplier("acme").ship(1, &[(1, 2)]).expect("free");
    assert!(story.decline_units(&[(1, 3)]).expect("they are in no parcel").changed);
    story.as_staff();
    story
}

#[test]
fn the_declined_units_are_an_item_of_their_own() {
    let story = out_of_stock();
    let [kept, declined] = story.order.items() else { panic!("two items were expected") };
    assert_eq!((kept.quantity, kept.commitment.accepted_at()), (2, Some(at(1))));
    assert_eq!((declined.id, declined.quantity, declined.split_from), (item_id(101), 3, Some(item_id(1))));
    assert_eq!((&declined.sku, &declined.name, &declined.origin), (&kept.sku, &kept.name, &kept.origin));
    assert_eq!(declined.commitment.declined(), Some((at(2), Some("sold out"))));
    assert_eq!(story.order.changes().new_items, [item_id(101)].into());
    let activity = story.order.changes().activities.last().expect("an activity");
    assert_eq!(activity.kind, ActivityKind::ItemsDeclined);
    assert_eq!(activity.facts["items"][0]["item_id"], item_id(101).to_string());
    assert_eq!(activity.facts["items"][0]["quantity"], 3);
}

#[test]
fn the_declined_units_are_reassigned_and_every_unit_arrives_once() {
    let mut story = out_of_stock();
    story
        .ask(domain::Request::ReassignItems {
            items: vec![item_id(101)],
            origin: warehouse("north"),
            deadlines: NONE,
        })
        .expect("they are in no parcel");
    story.ship_as(2, "N2", None).expect("three units wait");
    assert_eq!(story.shipment(2).lines, lines(&[(101, 3)]));
    assert_eq!(story.shipment(2).origin, warehouse("north"));
    story.scanned(1, ShipmentStatus::Delivered);
    assert_eq!(story.status(), AwaitingPickup);
    story.scanned(2, ShipmentStatus::Delivered);
    assert_eq!(story.summary(), "delivered: 5 of 5 items");
}

#[test]
fn the_declined_units_are_cancelled_and_the_rest_arrives() {
    let mut story = out_of_stock();
    story.scanned(1, ShipmentStatus::Delivered);
    assert_eq!(story.status(), Processing, "three units wait");
    story.cancel_items(&[(101, 3)]).expect("they are in no parcel");
    assert_eq!(
        (story.status(), story.summary().as_str()),
        (Delivered, "2 of 5 items delivered; 3 called off")
    );
}

#[test]
fn a_unit_in_a_shipment_is_not_declined() {
    let mut story = dropship(&[("acme", 5), ("", 1)]);
    story.ship(1, &[(1, 2)]).expect("free");
    for units in [&[(1, 4)][..], &[(1, 3), (1, 1)]] {
        let (field, message) = invalid(story.decline_units(units));
        assert_eq!(field, InputField::Item(units.len() - 1, ItemField::Quantity));
        let expected = "3 units of SKU-1 are in no parcel, 4 were declined: cancel their shipment first";
        assert_eq!(message, expected);
    }
    assert_eq!(invalid(story.decline_units(&[(2, 1)])).0, InputField::Item(0, ItemField::Id));
    assert_eq!(invalid(story.decline_units(&[])).0, InputField::Items);
    story.as_supplier("other");
    assert_eq!(invalid(story.decline_units(&[(1, 1)])).0, InputField::Item(0, ItemField::Id));
}

#[test]
fn who_declines_all_units_declines_the_item() {
    let mut story = dropship(&[("acme", 3)]);
    story.as_supplier("acme").decline_units(&[(1, 3)]).expect("free");
    assert_eq!((story.order.items().len(), story.item(1).commitment.declined().is_some()), (1, true));
    assert!(!story.decline_units(&[(1, 1)]).expect("it has").changed);
}

#[test]
fn a_shipment_that_its_carrier_cancelled_loses_the_declined_units_for_good() {
    let mut story = dropship(&[("acme", 5)]);
    story.ship(1, &[(1, 5)]).expect("free");
    story.scanned(1, ShipmentStatus::Cancelled);
    story.decline_units(&[(1, 3)]).expect("no unit is in a parcel");
    assert!(story.shipment(1).cancelled_at.is_some());
}

#[test]
fn an_order_with_nothing_left_to_ship_takes_no_answer() {
    for status in OrderStatus::ALL.into_iter().filter(|status| !status.is_open()) {
        let mut story = Story::of(support::order(status, support::supplied(&[("acme", 2)]), vec![]));
        assert_eq!(invalid(story.decline_units(&[(1, 1)])).0, InputField::OrderId, "{status}");
    }
}
