//! Suppliers that are late: with the answer, with the shipment, and when nobody is late any more.

mod support;

use domain::{Deadlines, OrderStatus, OrderStatus::*, Overdue, ShipmentStatus};
use support::{Story, at, lines, order, shipment, supplied, warehouse};

#[test]
fn a_supplier_is_late_with_the_answer_then_with_the_shipment() {
    let mut of_three = supplied(&[("acme", 3)]);
    of_three[0].commitment.deadlines = Deadlines { accept_by: Some(at(60)), ship_by: Some(at(90)) };
    let mut story = Story::of(order(Processing, of_three, vec![]));
    let late =
        |story: &Story, minutes| story.item(1).overdue(story.order.shipments(), story.status(), at(minutes));
    assert_eq!(
        [60, 61, 91].map(|now| late(&story, now)),
        [None, Some(Overdue::AcceptBy), Some(Overdue::AcceptBy)]
    );
    story.as_supplier("acme").accept(&[1]).expect("its own");
    assert_eq!([61, 90, 91].map(|now| late(&story, now)), [None, None, Some(Overdue::ShipBy)]);
    story.ship(1, &[(1, 2)]).expect("free");
    story.as_staff().scanned(1, ShipmentStatus::PickedUp);
    assert_eq!(late(&story, 91), Some(Overdue::ShipBy), "one unit is in no parcel");
    story.cancel_items(&[(1, 1)]).expect("free");
    assert_eq!(late(&story, 91), None, "every wanted unit is with a carrier");
}

#[test]
fn a_declined_item_waits_for_no_answer_and_is_still_to_be_shipped() {
    let mut of_one = supplied(&[("acme", 1)]);
    of_one[0].commitment.deadlines = Deadlines { accept_by: Some(at(60)), ship_by: Some(at(90)) };
    let mut story = Story::of(order(Processing, of_one, vec![]));
    story.decline(&[1]).expect("nothing is packed");
    let late = |minutes| story.item(1).overdue(story.order.shipments(), story.status(), at(minutes));
    assert_eq!([61, 91].map(late), [None, Some(Overdue::ShipBy)]);
}

#[test]
fn nobody_is_late_with_an_order_that_is_closed_or_on_its_way_or_with_units_nobody_wants() {
    let mut of_two = supplied(&[("acme", 2)]);
    of_two[0].commitment.deadlines = Deadlines { accept_by: Some(at(60)), ship_by: Some(at(60)) };
    for status in OrderStatus::ALL {
        let late = of_two[0].overdue(&[], status, at(100));
        match status {
            Placed | PaymentConfirmed | Processing | AwaitingPickup => {
                assert_eq!(late, Some(Overdue::AcceptBy))
            }
            // No shipment is known, so the order's status counts for every unit.
            Shipped | OutForDelivery | Delivered | Cancelled | ReturnInitiated | Returned => {
                assert_eq!(late, None, "{status}");
            }
        }
    }
    let shipped = [shipment(1, ShipmentStatus::PickedUp, &[(1, 2)])];
    assert_eq!(of_two[0].overdue(&shipped, Processing, at(100)), None, "shipped without a word");
    of_two[0].cancelled = 2;
    assert_eq!(of_two[0].overdue(&[], Processing, at(100)), None);
}

#[test]
fn a_supplier_who_never_answered_is_late_with_the_answer_while_others_ship_a_part() {
    let mut of_two = supplied(&[("acme", 2)]);
    of_two[0].commitment.deadlines = Deadlines { accept_by: Some(at(60)), ship_by: Some(at(90)) };
    let mut story = Story::of(order(Processing, of_two, vec![]));
    let late =
        |story: &Story, minutes| story.item(1).overdue(story.order.shipments(), story.status(), at(minutes));
    story.ship_from(Some(warehouse("north")), 1, "N1", Some(lines(&[(1, 1)]))).expect("free");
    story.scanned(1, ShipmentStatus::Delivered);
    assert_eq!(story.item(1).commitment.answer, None, "support shipped, not the supplier");
    let told = [60, 61, 91].map(|now| late(&story, now));
    assert_eq!(told, [None, Some(Overdue::AcceptBy), Some(Overdue::AcceptBy)]);
    story.ship_from(Some(warehouse("north")), 2, "N2", Some(lines(&[(1, 1)]))).expect("free");
    assert_eq!(late(&story, 61), Some(Overdue::AcceptBy), "a label is not with a carrier");
    story.scanned(2, ShipmentStatus::PickedUp);
    assert_eq!(late(&story, 91), None, "there is nothing left to ask for");
}
