//! The events of an advance: when each step happened, which scan it comes from, and whether it was inferred.

mod support;

use domain::{OrderStatus, OrderStatus::*, Scan, ShipmentStatus, Transition};
use serde_json::json;
use support::{Story, at, milestone};

fn processing(quantities: &[u32]) -> Story {
    Story::new(Processing, quantities)
}

fn step(story: &Story, to: OrderStatus) -> &Transition {
    let found = story.order.changes().transitions.iter().find(|step| step.to() == to);
    found.expect("the order has been there")
}

fn code(story: &Story, to: OrderStatus) -> String {
    let metadata = step(story, to).metadata().expect("scan-driven steps have metadata");
    metadata["carrier_status"].as_str().expect("the carrier's code").to_owned()
}

#[test]
fn a_step_happens_at_the_time_of_the_scan_it_stands_on_and_names_carrier_number_and_code() {
    let mut story = processing(&[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scans(1, &[Scan { code: "PU".to_owned(), ..milestone(1, ShipmentStatus::PickedUp, 100) }]);
    let shipped = step(&story, Shipped);
    assert_eq!((shipped.occurred_at(), shipped.recorded_at()), (at(100), at(2)));
    assert!(!shipped.inferred());
    let metadata = json!({ "carrier": "fedex", "tracking_number": "N1", "carrier_status": "PU" });
    assert_eq!(shipped.metadata(), Some(&metadata));
}

#[test]
fn in_a_batch_every_step_has_the_time_and_the_code_of_its_own_scan() {
    let mut story = processing(&[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    let batch = [
        Scan { code: "DL".to_owned(), ..milestone(3, ShipmentStatus::Delivered, 300) },
        Scan { code: "PU".to_owned(), ..milestone(1, ShipmentStatus::PickedUp, 100) },
        Scan { code: "OD".to_owned(), ..milestone(2, ShipmentStatus::OutForDelivery, 200) },
    ];
    story.scans(1, &batch);
    for (status, minutes, expected) in
        [(Shipped, 100, "PU"), (OutForDelivery, 200, "OD"), (Delivered, 300, "DL")]
    {
        let step = step(&story, status);
        assert_eq!((step.occurred_at(), step.inferred()), (at(minutes), false), "{status}");
        assert_eq!(code(&story, status), expected);
    }
}

#[test]
fn steps_the_carrier_never_told_us_are_inferred_and_stand_on_the_scan_that_implies_them() {
    let mut story = processing(&[1]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scans(1, &[Scan { code: "DL".to_owned(), ..milestone(1, ShipmentStatus::Delivered, 300) }]);
    for (status, inferred) in [(Shipped, true), (OutForDelivery, true), (Delivered, false)] {
        assert_eq!((step(&story, status).inferred(), code(&story, status)), (inferred, "DL".to_owned()));
        assert_eq!(step(&story, status).occurred_at(), at(300));
    }
}

#[test]
fn a_step_is_inferred_when_the_carrier_never_told_it_of_one_of_the_shipments() {
    let mut story = processing(&[2]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.ship(2, &[(1, 1)]).expect("free");
    story.scans(1, &[milestone(1, ShipmentStatus::PickedUp, 100)]);
    story.scans(2, &[milestone(2, ShipmentStatus::OutForDelivery, 200)]);
    assert!(step(&story, Shipped).inferred(), "nobody saw the second parcel picked up");
}

#[test]
fn the_order_is_shipped_when_the_last_shipment_was() {
    let mut story = processing(&[2]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.ship(2, &[(1, 1)]).expect("free");
    story.scans(1, &[milestone(1, ShipmentStatus::PickedUp, 500)]);
    story.scans(2, &[milestone(2, ShipmentStatus::PickedUp, 100)]);
    assert_eq!(step(&story, Shipped).occurred_at(), at(500), "the first parcel was picked up later");
}

#[test]
fn no_step_happens_before_the_one_before_it() {
    let mut story = processing(&[1]);
    story.now = 1_000;
    story.ship(1, &[(1, 1)]).expect("free");
    story.scans(1, &[milestone(1, ShipmentStatus::PickedUp, 100)]);
    assert_eq!(step(&story, Shipped).occurred_at(), at(1_000));
    assert_eq!(story.tracking(1).shipped_at(), Some(at(100)), "the parcel keeps the carrier's time");
}

#[test]
fn a_shipment_added_to_a_shipped_order_holds_it_where_it_is() {
    let mut story = processing(&[1]);
    story.go(Shipped).expect("no parcel is known");
    story.ship(1, &[(1, 1)]).expect("free");
    assert_eq!(story.status(), Shipped);
    story.go(Delivered).expect_err("a parcel is behind now");
    story.scanned(1, ShipmentStatus::PickedUp);
    assert_eq!(story.status(), Shipped);
    story.scanned(1, ShipmentStatus::Delivered);
    assert_eq!(story.path(), [Shipped, OutForDelivery, Delivered]);
}
