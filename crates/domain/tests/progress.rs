//! Progress for people: the sentence counts units, not items or shipments.

mod support;

use domain::{OrderStatus, OrderStatus::*, Progress, Shipment, ShipmentStatus, progress};
use support::{Story, items, shipment};

fn of(status: OrderStatus, quantity: u32, shipments: &[Shipment]) -> Progress {
    progress(status, &items(&[quantity]), shipments)
}

#[test]
fn units_and_shipments_are_counted_by_how_far_they_are() {
    let shipments = [
        shipment(1, ShipmentStatus::Delivered, &[(1, 2)]),
        shipment(2, ShipmentStatus::InTransit, &[(1, 3)]),
        shipment(3, ShipmentStatus::LabelCreated, &[(1, 1)]),
        shipment(4, ShipmentStatus::Cancelled, &[(1, 1)]),
    ];
    let expected = Progress {
        items_total: 7,
        items_cancelled: 0,
        items_shipped: 5,
        items_delivered: 2,
        items_returned: 0,
        shipments_total: 3,
        shipments_shipped: 2,
        shipments_delivered: 1,
        summary: "partial shipment: 5 of 7 items shipped, 2 delivered".to_owned(),
    };
    assert_eq!(of(Processing, 7, &shipments), expected);
}

#[test]
fn the_summary_says_how_much_of_the_order_is_where() {
    use ShipmentStatus::{Delivered as Handed, InTransit, LabelCreated};
    let summary = |status, quantity, shipments: &[Shipment]| of(status, quantity, shipments).summary;
    let one = |status, quantity| shipment(1, status, &[(1, quantity)]);
    assert_eq!(summary(Processing, 1, &[]), "nothing shipped yet: 1 item");
    let back = [one(ShipmentStatus::ReturnedToSender, 1), shipment(2, InTransit, &[(1, 2)])];
    assert_eq!(summary(Shipped, 3, &back), "shipped: 3 of 3 items; 1 returned to the sender");
    assert_eq!(
        summary(Delivered, 3, &back),
        "shipped: 3 of 3 items; 1 returned to the sender",
        "it is disputed"
    );
    assert_eq!(summary(AwaitingPickup, 3, &[one(LabelCreated, 3)]), "nothing shipped yet: 3 items");
    assert_eq!(summary(Processing, 3, &[one(InTransit, 2)]), "partial shipment: 2 of 3 items shipped");
    assert_eq!(summary(Shipped, 3, &[one(InTransit, 3)]), "shipped: 3 of 3 items");
    let split = [one(Handed, 1), shipment(2, InTransit, &[(1, 2)])];
    assert_eq!(summary(Shipped, 3, &split), "partial delivery: 1 of 3 items delivered");
    assert_eq!(summary(Delivered, 3, &[one(Handed, 3)]), "delivered: 3 of 3 items");
    assert_eq!(summary(Cancelled, 3, &[]), "cancelled");
    assert_eq!(summary(ReturnInitiated, 3, &[one(Handed, 3)]), "return under way");
}

#[test]
fn cancelled_units_do_not_count() {
    let mut story = Story::new(Processing, &[3]);
    story.cancel_items(&[(1, 1)]).expect("free");
    assert_eq!(story.summary(), "nothing shipped yet: 2 of 3 items to come; 1 called off");
    story.ship(1, &[(1, 2)]).expect("free");
    story.scanned(1, ShipmentStatus::InTransit);
    assert_eq!(story.summary(), "2 of 3 items shipped; 1 called off");
    story.scanned(1, ShipmentStatus::Delivered);
    assert_eq!(story.summary(), "2 of 3 items delivered; 1 called off");
}

#[test]
fn what_was_called_off_counts_among_what_was_ordered() {
    let mut items = items(&[5]);
    items[0].cancelled = 3;
    let told = |status, shipments: &[Shipment]| progress(status, &items, shipments);
    let delivered = told(Delivered, &[shipment(1, ShipmentStatus::Delivered, &[(1, 2)])]);
    assert_eq!(delivered.summary, "2 of 5 items delivered; 3 called off");
    assert_eq!((delivered.items_total, delivered.items_cancelled, delivered.items_delivered), (2, 3, 2));
    let partly = [
        shipment(1, ShipmentStatus::Delivered, &[(1, 1)]),
        shipment(2, ShipmentStatus::LabelCreated, &[(1, 1)]),
    ];
    let partial = "partial shipment: 1 of 5 items shipped, 1 delivered; 3 called off";
    assert_eq!(told(Processing, &partly).summary, partial);
    assert_eq!(told(Cancelled, &[]).summary, "cancelled");
}

#[test]
fn where_all_shipments_were_called_off_nothing_is_shipped() {
    let gone = [1, 2].map(|number| shipment(number, ShipmentStatus::Cancelled, &[(1, 1)]));
    let told = of(Shipped, 2, &gone);
    assert_eq!((told.items_shipped, told.shipments_total), (0, 0));
    assert_eq!(told.summary, "nothing on its way: 0 of 2 items shipped");
    assert_eq!(of(Delivered, 2, &gone).items_delivered, 2, "an order never goes back");
}

#[test]
fn where_no_shipment_is_known_the_status_speaks_for_every_unit() {
    assert_eq!(of(Shipped, 2, &[]).summary, "shipped: 2 of 2 items");
    assert_eq!(of(Delivered, 2, &[]).summary, "delivered: 2 of 2 items");
    assert_eq!(of(ReturnInitiated, 2, &[]).items_delivered, 2);
}

#[test]
fn of_a_return_the_units_are_told_that_were_asked_back_and_that_are_in() {
    let mut story = Story::new(Delivered, &[2, 1]);
    let returned = |story: &Story| {
        let told = progress(story.status(), story.order.items(), story.order.shipments());
        (told.items_returned, told.summary)
    };
    story.ask_back(Some(&[(1, 2)])).expect("two were delivered");
    assert_eq!(returned(&story), (0, "return under way: 0 of 2 items back".to_owned()));
    story.receive(Some(&[(1, 1)])).expect("one of two");
    assert_eq!(returned(&story), (1, "return under way: 1 of 2 items back".to_owned()));
    story.receive(None).expect("the other");
    assert_eq!(returned(&story), (2, "returned: 2 of 3 items".to_owned()));

    let mut story = Story::new(Delivered, &[1]);
    story.ask_back(None).expect("it was delivered");
    assert_eq!(returned(&story), (0, "return under way: 0 of 1 item back".to_owned()));
    story.receive(None).expect("it came");
    assert_eq!(returned(&story), (1, "returned".to_owned()));

    let mut story = Story::new(Delivered, &[2]);
    story.go(ReturnInitiated).expect("the table has it");
    assert_eq!(returned(&story), (0, "return under way".to_owned()));
    story.go(Returned).expect("nobody named quantities");
    assert_eq!(returned(&story), (2, "returned".to_owned()));
}
