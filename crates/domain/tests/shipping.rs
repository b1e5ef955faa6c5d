//! Registering shipments: which units are free, which numbers, which orders.

mod support;

use domain::{
    Carrier, InputField, ItemField, NewShipment, OrderStatus, OrderStatus::*, Refusal, Request,
    ShipmentRefusal, ShipmentStatus, TrackingNumber,
};
use support::{
    Story, dropship, fedex, invalid, item_id, items, lines, order, shipment, shipment_id, supplier, warehouse,
};

fn code(answer: Result<domain::Outcome, Refusal>) -> ShipmentRefusal {
    match answer {
        Err(Refusal::Shipment { code, .. }) => code,
        other => panic!("a refusal of the parcel was expected: {other:?}"),
    }
}

fn field(answer: Result<domain::Outcome, Refusal>) -> InputField {
    match answer {
        Err(Refusal::InvalidInput { field, .. }) => field,
        other => panic!("a refusal of the input was expected: {other:?}"),
    }
}

#[test]
fn one_line_of_three_shipped_two_then_one_is_partial_then_shipped() {
    let mut story = Story::new(Processing, &[3]);
    story.ship(1, &[(1, 2)]).expect("three are free");
    assert_eq!(story.status(), Processing, "one unit is in no parcel");
    story.scanned(1, ShipmentStatus::PickedUp);
    assert_eq!(
        (story.status(), story.summary().as_str()),
        (Processing, "partial shipment: 2 of 3 items shipped")
    );
    story.ship(2, &[(1, 1)]).expect("one is free");
    assert_eq!(
        (story.status(), story.summary().as_str()),
        (AwaitingPickup, "partial shipment: 2 of 3 items shipped")
    );
    story.scanned(2, ShipmentStatus::PickedUp);
    assert_eq!((story.status(), story.summary().as_str()), (Shipped, "shipped: 3 of 3 items"));
    assert_eq!(story.path(), [AwaitingPickup, Shipped]);
}

#[test]
fn more_units_than_wait_for_a_shipment_are_refused_with_the_figures() {
    let mut story = Story::new(Processing, &[5, 1]);
    story.ship(1, &[(1, 2)]).expect("five are free");
    story.cancel_items(&[(1, 1)]).expect("three are free");
    let refusal = Refusal::OverAllocated { item: item_id(1), ordered: 4, allocated: 2, asked: 3 };
    assert_eq!(story.ship(2, &[(1, 3)]), Err(refusal.clone()));
    assert_eq!(story.ship(2, &[(1, 2), (1, 1)]), Err(refusal), "lines of one item are added up");
    for (lines, field) in [
        (vec![(2, u32::MAX)], InputField::Item(0, ItemField::Quantity)),
        (vec![(2, 1_000_000), (2, u32::MAX)], InputField::Item(1, ItemField::Quantity)),
        (vec![(2, 0)], InputField::Item(0, ItemField::Quantity)),
    ] {
        assert_eq!(invalid(story.ship(2, &lines)).0, field, "no item has so many: {lines:?}");
    }
    story.ship(2, &[(1, 2), (2, 1)]).expect("these are free");
}

#[test]
fn a_shipment_without_lines_takes_everything_that_waits() {
    let mut story = Story::new(Processing, &[3, 2]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.ship_as(2, "N2", None).expect("four wait");
    assert_eq!(story.shipment(2).lines, lines(&[(1, 2), (2, 2)]));
    assert_eq!(code(story.ship_as(3, "N3", None)), ShipmentRefusal::NothingToShip);
}

#[test]
fn the_same_shipment_again_is_the_same_shipment_unchanged_also_when_the_order_is_closed() {
    let mut story = Story::new(Processing, &[3]);
    story.ship(1, &[(1, 2)]).expect("free");
    let again = [Some(lines(&[(1, 2)])), Some(lines(&[(1, 1), (1, 1)])), None];
    for same in again.clone() {
        let outcome = story.ship_as(9, " n1 ", same).expect("the same parcel");
        assert_eq!((outcome.changed, outcome.shipment), (false, Some(shipment_id(1))));
    }
    assert_eq!(story.order.shipments().len(), 1);
    story.ship(2, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::Delivered);
    story.scanned(2, ShipmentStatus::Delivered);
    assert_eq!(story.status(), Delivered);
    for same in again {
        assert!(!story.ship_as(9, "N1", same).expect("the same parcel").changed);
    }
}

#[test]
fn a_number_of_a_live_shipment_with_other_items_is_in_use() {
    let mut story = Story::new(Processing, &[3]);
    story.ship(1, &[(1, 2)]).expect("free");
    assert_eq!(code(story.ship_as(2, "N1", Some(lines(&[(1, 1)])))), ShipmentRefusal::NumberInUse);
    story.cancel_shipment(1).expect("it has only a label");
    story.ship_as(2, "N1", Some(lines(&[(1, 1)]))).expect("the number is free again");
}

#[test]
fn the_same_number_of_another_carrier_is_in_use_on_the_same_order() {
    let mut story = Story::new(Processing, &[2]);
    story.ship(1, &[(1, 1)]).expect("free");
    let other = NewShipment {
        id: shipment_id(2),
        tracking_number: TrackingNumber::parse(Carrier::UPS, "N1").unwrap(),
        further_numbers: vec![],
        shares_numbers: false,
        origin: None,
        lines: None,
        estimated_delivery: None,
    };
    assert_eq!(code(story.ask(Request::CreateShipment(other.clone()))), ShipmentRefusal::NumberInUse);
    story.cancel_shipment(1).expect("it has only a label");
    assert!(story.ask(Request::CreateShipment(other)).expect("free").changed);
}

#[test]
fn shipments_are_registered_from_the_placement_to_the_delivery() {
    for status in OrderStatus::ALL {
        let answer = Story::new(status, &[1]).ship(1, &[(1, 1)]);
        match status {
            Placed | PaymentConfirmed | Processing | AwaitingPickup | Shipped | OutForDelivery => {
                assert!(answer.expect("the order is open").changed);
            }
            Delivered | Cancelled | ReturnInitiated | Returned => {
                assert_eq!(code(answer), ShipmentRefusal::OrderClosed);
            }
        }
    }
}

#[test]
fn what_cannot_be_a_shipment_is_refused_by_the_name_of_the_field() {
    let mut story = Story::new(Processing, &[1]);
    assert_eq!(field(story.ship(1, &[])), InputField::Items);
    assert_eq!(field(story.ship(1, &[(1, 1), (1, 0)])), InputField::Item(1, ItemField::Quantity));
    assert_eq!(field(story.ship(1, &[(1, 1), (7, 1)])), InputField::Item(1, ItemField::Id));
    let nowhere = NewShipment {
        id: shipment_id(1),
        tracking_number: fedex("N1"),
        further_numbers: vec![],
        shares_numbers: false,
        origin: Some(warehouse(" ")),
        lines: None,
        estimated_delivery: None,
    };
    assert_eq!(field(story.ask(Request::CreateShipment(nowhere))), InputField::OriginCode);
    assert_eq!(story.order.shipments(), []);
}

#[test]
fn a_shipment_comes_from_where_its_items_were_planned_to_come_from() {
    let mut of_three = items(&[1, 1, 1]);
    of_three[0].origin = Some(warehouse("north"));
    of_three[1].origin = Some(supplier("acme"));
    let mut story = Story::of(order(Processing, of_three, vec![]));
    assert_eq!(field(story.ship(1, &[(1, 1), (2, 1)])), InputField::Origin);
    story.ship(1, &[(1, 1)]).expect("free");
    story.ship(2, &[(2, 1)]).expect("free");
    story.ship(3, &[(3, 1)]).expect("free");
    let origins: Vec<_> = story.order.shipments().iter().map(|shipment| shipment.origin.clone()).collect();
    assert_eq!(origins, [warehouse("north"), supplier("acme"), warehouse("main")]);
}

#[test]
fn what_has_no_plan_comes_from_the_main_warehouse_beside_what_has_one() {
    for planned in [supplier("acme"), warehouse("north")] {
        let mut both = items(&[1, 1]);
        both[1].origin = Some(planned.clone());
        let mut story = Story::of(order(Processing, both, vec![]));
        assert_eq!(field(story.ship(1, &[(1, 1), (2, 1)])), InputField::Origin);
        assert_eq!(field(story.ship_as(1, "N1", None)), InputField::Origin, "nor is it the default");
        assert_eq!(story.item(2).commitment.answer, None, "nobody has accepted for the supplier");
        story.ship(1, &[(1, 1)]).expect("free");
        assert_eq!(story.shipment(1).origin, warehouse("main"));
        story.ship_as(2, "N2", None).expect("the rest is planned from one place");
        assert_eq!(story.shipment(2).origin, planned);
    }
    let mut main = items(&[1, 1]);
    main[1].origin = Some(warehouse("main"));
    let mut story = Story::of(order(Processing, main, vec![]));
    story.ship_as(1, "N1", None).expect("both come from there");
    assert_eq!((story.shipment(1).origin.clone(), story.shipment(1).lines.len()), (warehouse("main"), 2));

    let mut story = dropship(&[("acme", 1), ("", 1)]);
    story.ship_from(Some(warehouse("main")), 1, "N1", None).expect("it is said where it comes from");
    assert_eq!(story.shipment(1).lines.len(), 2);
    assert_eq!(story.item(1).commitment.answer, None);
}

#[test]
fn what_is_new_and_what_has_changed_is_told_apart_for_the_writer() {
    let there = vec![shipment(1, ShipmentStatus::LabelCreated, &[(1, 1)])];
    let mut story = Story::of(order(Processing, items(&[3]), there));
    story.ship(2, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::PickedUp);
    story.scanned(2, ShipmentStatus::PickedUp);
    story.cancel_items(&[(1, 1)]).expect("free");
    let changes = story.order.changes();
    assert_eq!(changes.new_shipments, [shipment_id(2)].into());
    assert_eq!(changes.shipments, [shipment_id(1), shipment_id(2)].into(), "a new parcel may change as well");
    assert_eq!(changes.items, [item_id(1)].into());
    assert_eq!(story.path(), [AwaitingPickup, Shipped]);
}
