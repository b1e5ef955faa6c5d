//! Dropship: a supplier accepts, declines and ships its items, and staff reassign them.

mod support;

use std::collections::BTreeSet;

use domain::{
    DeadlineField, Deadlines, FulfillmentPath, InputField, ItemField, OrderStatus, OrderStatus::*, Refusal,
    Request, ScanEffect, ShipmentRefusal, ShipmentStatus,
};
use support::{
    Story, VERSION, at, by, dropship, invalid, item_id, lines, milestone, order, supplied, supplier,
    warehouse,
};

const NONE: Deadlines = Deadlines { accept_by: None, ship_by: None };

#[test]
fn a_supplier_accepts_once_and_that_is_no_event() {
    let mut story = dropship(&[("acme", 2), ("acme", 1), ("other", 1)]);
    let outcome = story.as_supplier("acme").accept(&[1, 2]).expect("they are its own");
    assert!(outcome.changed);
    assert_eq!((outcome.event, story.path().len()), (None, 0));
    assert_eq!((story.order.head().version, story.order.head().updated_at), (VERSION, at(1)));
    assert_eq!(story.order.changes().items, [item_id(1), item_id(2)].into());
    assert!(!story.accept(&[2, 1]).expect("it has").changed);
    let when = [1, 2, 3].map(|number| story.item(number).commitment.accepted_at());
    assert_eq!(when, [Some(at(1)), Some(at(1)), None], "the first time counts");
}

#[test]
fn a_declined_item_is_shipped_by_that_supplier_only_after_it_was_reassigned() {
    let mut story = dropship(&[("acme", 2), ("acme", 1)]);
    story.as_supplier("acme").decline(&[1]).expect("nothing is packed");
    assert_eq!(story.item(1).commitment.declined(), Some((at(1), Some("sold out"))));
    assert!(!story.decline(&[1]).expect("it has").changed);
    let (field, message) = invalid(story.accept(&[2, 1]));
    assert_eq!(
        (field, message.as_str()),
        (InputField::ItemId(1), "SKU-1 was declined: it has to be reassigned")
    );
    assert_eq!(story.item(2).commitment.answer, None, "all or nothing");
    assert_eq!(invalid(story.ship(1, &[(2, 1), (1, 1)])).0, InputField::Item(1, ItemField::Id));
    story.ship_as(1, "N1", None).expect("one item is left to it");
    assert_eq!(story.shipment(1).lines, lines(&[(2, 1)]));
    let nothing = story.ship_as(2, "N2", None);
    assert!(
        matches!(nothing, Err(Refusal::Shipment { code: ShipmentRefusal::NothingToShip, .. })),
        "{nothing:?}"
    );

    let (field, message) = invalid(story.as_staff().ship_as(2, "N2", None));
    assert_eq!(field, InputField::Items);
    assert_eq!(message, "acme declined SKU-1: it has to be reassigned before acme ships it");
    story.ship_from(Some(warehouse("north")), 2, "N2", Some(lines(&[(1, 1)]))).expect("the merchant has one");
    assert!(story.item(1).commitment.declined().is_some());
    story.cancel_shipment(2).expect("it has only a label");
    story.reassign(&[1], supplier("acme"), NONE).expect("they have found some");
    assert_eq!(story.item(1).commitment.answer, None, "it is asked anew");
    story.as_supplier("acme").ship(3, &[(1, 2)]).expect("it ships after all");
    assert!(story.item(1).commitment.accepted_at().is_some());
}

#[test]
fn what_is_accepted_may_still_be_declined_until_it_is_in_a_shipment() {
    let mut story = dropship(&[("acme", 2)]);
    story.as_supplier("acme").accept(&[1]).expect("its own");
    story.ship(1, &[(1, 1)]).expect("free");
    let (field, message) = invalid(story.decline(&[1]));
    assert_eq!(field, InputField::ItemId(0));
    let expected = "1 unit is in a parcel already, of SKU-1: cancel the shipment first; or decline only the other \
                    units (declineItems with items), which become an item of their own";
    assert_eq!(message, expected);
    let elsewhere = story.as_staff().reassign(&[1], warehouse("north"), NONE);
    assert_eq!(invalid(elsewhere).0, InputField::ItemId(0));
    story.as_supplier("acme").cancel_shipment(1).expect("it has only a label");
    story.decline(&[1]).expect("nothing is in a parcel");
    assert_eq!(story.item(1).commitment.accepted_at(), None);
}

#[test]
fn a_shipment_that_its_carrier_cancelled_does_not_come_back_once_the_item_is_taken_from_the_supplier() {
    for reassigned in [false, true] {
        let mut story = dropship(&[("acme", 1)]);
        story.as_supplier("acme").ship(1, &[(1, 1)]).expect("free");
        story.as_staff().scanned(1, ShipmentStatus::Cancelled);
        if reassigned {
            story.reassign(&[1], warehouse("north"), NONE).expect("no unit is in a parcel");
        } else {
            story.as_supplier("acme").decline(&[1]).expect("no unit is in a parcel");
        }
        assert!(story.shipment(1).cancelled_at.is_some());
        assert_eq!(story.as_staff().scanned(1, ShipmentStatus::PickedUp), ScanEffect::Stale);
        assert_eq!(story.order.items()[0].allocated(story.order.shipments()), 0);
    }
}

#[test]
fn an_item_that_is_named_often_is_one_item() {
    let mut story = dropship(&[("acme", 1_000_000)]);
    story.ship(1, &[(1, 1)]).expect("free");
    story.scanned(1, ShipmentStatus::Cancelled);
    // If its units were added once for each time it is named, the sum would not fit into a `u32`.
    story.decline(&[1; 4_295]).expect("no unit is in a parcel");
    assert!(story.shipment(1).cancelled_at.is_some());
}

#[test]
fn declining_takes_a_reason() {
    for reason in [String::new(), " \n".to_owned(), "a\0b".to_owned(), "x".repeat(501)] {
        let decline = Request::DeclineItems { items: vec![item_id(1)], reason };
        assert_eq!(invalid(dropship(&[("acme", 1)]).as_supplier("acme").ask(decline)).0, InputField::Reason);
    }
}

#[test]
fn shipping_accepts_whoever_registers_the_shipment_if_it_comes_from_the_supplier() {
    let mut story = dropship(&[("acme", 2), ("acme", 1)]);
    story.as_supplier("acme").ship(1, &[(1, 1)]).expect("free");
    assert_eq!(story.shipment(1).origin, supplier("acme"));
    story.as_staff().ship_from(Some(warehouse("north")), 2, "N2", Some(lines(&[(2, 1)]))).expect("free");
    assert_eq!([1, 2].map(|number| story.item(number).commitment.accepted_at()), [Some(at(1)), None]);
    story.cancel_shipment(2).expect("it has only a label");
    story.ship(3, &[(2, 1), (1, 1)]).expect("support registers it for them");
    let when = [1, 2].map(|number| story.item(number).commitment.accepted_at());
    assert_eq!(when, [Some(at(1)), Some(at(4))], "accepted once");
}

#[test]
fn a_suppliers_shipment_comes_from_that_supplier() {
    let mut story = dropship(&[("acme", 2)]);
    story.as_supplier("acme");
    for elsewhere in [supplier("other"), warehouse("acme"), warehouse("main")] {
        let answer = story.ship_from(Some(elsewhere), 1, "N1", None);
        assert_eq!(invalid(answer).0, InputField::Origin);
    }
    story.ship_from(Some(supplier("acme")), 1, "N1", None).expect("that is where it comes from");
    assert!(!story.ship_as(2, "N1", None).expect("the same parcel").changed, "registered twice is once");
    assert_eq!(story.order.shipments().len(), 1);
}

#[test]
fn over_allocation_is_told_of_own_items_only() {
    let mut story = dropship(&[("acme", 2), ("other", 1)]);
    story.as_supplier("acme").ship(1, &[(1, 1)]).expect("free");
    let over = Refusal::OverAllocated { item: item_id(1), ordered: 2, allocated: 1, asked: 2 };
    assert_eq!(story.ship(2, &[(1, 2)]), Err(over));
    assert_eq!(invalid(story.ship(2, &[(2, 9)])).0, InputField::Item(0, ItemField::Id));
}

#[test]
fn a_reassigned_item_belongs_to_somebody_else_and_the_plan_stays_as_it_was_placed() {
    let mut story = dropship(&[("acme", 1), ("other", 1)]);
    let path = story.order.head().fulfillment_path;
    story.as_supplier("acme").accept(&[1]).expect("its own");
    let agreed = Deadlines { accept_by: Some(at(100)), ship_by: Some(at(200)) };
    assert!(story.as_staff().reassign(&[1], supplier("other"), agreed).expect("nothing is packed").changed);
    assert!(!story.reassign(&[1], supplier("other"), agreed).expect("it is so").changed);
    let item = story.item(1);
    assert_eq!((item.origin.as_ref(), item.commitment.deadlines), (Some(&supplier("other")), agreed));
    assert_eq!(item.commitment.answer, None);
    assert_eq!(invalid(story.as_supplier("acme").accept(&[1])).0, InputField::ItemId(0));
    story.as_supplier("other").accept(&[1, 2]).expect("both are its own");
    assert!(!story.as_staff().reassign(&[1], supplier("other"), agreed).expect("it is so").changed);
    assert!(
        story.item(1).commitment.accepted_at().is_some(),
        "asked again for what is so, nothing is forgotten"
    );
    story.now = 300;
    let again =
        story.reassign(&[1], supplier("other"), agreed).expect("it is so, though the times have passed");
    assert!(!again.changed);
    story.reassign(&[1, 2], warehouse("north"), NONE).expect("nothing is packed");
    assert_eq!(story.item(1).commitment, domain::SupplierCommitment::default());
    assert_eq!((story.order.head().fulfillment_path, path), (path, FulfillmentPath::SingleWarehouse));
    assert_eq!(story.path(), []);
}

#[test]
fn deadlines_of_a_warehouse_and_origins_nobody_can_read_are_refused_by_name() {
    let mut story = dropship(&[("acme", 1)]);
    let accept = Deadlines { accept_by: Some(at(9)), ..NONE };
    let ship = Deadlines { ship_by: Some(at(9)), ..NONE };
    assert_eq!(
        invalid(story.reassign(&[1], warehouse("north"), accept)).0,
        InputField::Deadline(DeadlineField::AcceptBy)
    );
    assert_eq!(
        invalid(story.reassign(&[1], warehouse("north"), ship)).0,
        InputField::Deadline(DeadlineField::ShipBy)
    );
    let (_, message) =
        invalid(story.reassign(&[1], supplier("other"), Deadlines { accept_by: Some(at(0)), ..NONE }));
    assert_eq!(message, "that time has passed: nobody can keep it");
    let passed = Deadlines { ship_by: Some(at(0)), ..NONE };
    assert_eq!(
        invalid(story.reassign(&[1], supplier("other"), passed)).0,
        InputField::Deadline(DeadlineField::ShipBy)
    );
    let turned = Deadlines { accept_by: Some(at(60)), ship_by: Some(at(59)) };
    let (field, message) = invalid(story.reassign(&[1], supplier("other"), turned));
    assert_eq!(field, InputField::Deadline(DeadlineField::ShipBy));
    assert_eq!(message, "this is before `acceptBy`: an item is accepted first, then shipped");
    let together = Deadlines { accept_by: Some(at(60)), ship_by: Some(at(60)) };
    story.reassign(&[1], supplier("other"), together).expect("that can be kept");
    assert_eq!(invalid(story.reassign(&[1], supplier(" "), NONE)).0, InputField::OriginCode);
    assert_eq!(invalid(story.reassign(&[], supplier("acme"), NONE)).0, InputField::ItemIds);
    assert_eq!(invalid(story.reassign(&[1, 9], supplier("acme"), NONE)).0, InputField::ItemId(1));
}

#[test]
fn where_no_supplier_ships_there_is_nobody_to_answer() {
    let mut story = dropship(&[("acme", 1), ("", 1)]);
    let expected = (InputField::ItemId(1), "no supplier ships SKU-2: there is nobody to answer".to_owned());
    assert_eq!(invalid(story.accept(&[1, 2])), expected);
    assert_eq!(invalid(story.decline(&[1, 2])), expected);
}

#[test]
fn a_closed_order_is_neither_accepted_nor_declined_nor_reassigned() {
    for status in OrderStatus::ALL {
        let story = || Story::of(order(status, supplied(&[("acme", 1)]), vec![]));
        let asked =
            [story().accept(&[1]), story().decline(&[1]), story().reassign(&[1], supplier("b"), NONE)];
        for answer in asked {
            match status {
                Placed | PaymentConfirmed | Processing | AwaitingPickup | Shipped | OutForDelivery => {
                    assert!(answer.expect("the order is open").changed);
                }
                Delivered | Cancelled | ReturnInitiated | Returned => {
                    let closed = format!("the order is {status}: nothing of it is left to ship");
                    assert_eq!(invalid(answer), (InputField::OrderId, closed));
                }
            }
        }
    }
    let mut story = dropship(&[("acme", 1)]);
    story.as_supplier("acme").accept(&[1]).expect("its own");
    story.as_staff().go(Cancelled).expect("nothing moves");
    assert!(!story.as_supplier("acme").accept(&[1]).expect("it has").changed);
}

#[test]
fn a_supplier_registers_and_its_carrier_delivers() {
    let mut story = dropship(&[("acme", 1)]);
    story.as_supplier("acme").ship(1, &[(1, 1)]).expect("free");
    let carrier = domain::Actor::new(domain::ActorKind::Carrier, "fedex");
    let new = vec![milestone(1, ShipmentStatus::Delivered, 10)];
    let scans = Request::Scans {
        shipment: support::shipment_id(1),
        known: vec![],
        incoming: new,
        restated: BTreeSet::new(),
    };
    story.order.apply(scans, None, &by(carrier, 10)).expect("the carrier's word is taken in");
    assert_eq!(story.status(), Delivered);
}
