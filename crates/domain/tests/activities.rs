//! Activities: each change that is no transition leaves one, with its facts.

mod support;

use std::collections::BTreeSet;

use domain::{
    ActivityKind::{self, *},
    Actor, ActorKind, Context, Deadlines, OrderStatus, Request, ScanOutcome, Shipment, ShipmentStatus,
    WebhookId,
};
use serde_json::{Value, json};
use support::{
    Story, actors, at, by, customer, dropship, item_id, items, lines, milestone, order, shipment,
    shipment_id, supplier, transition_to, warehouse,
};
use uuid::Uuid;

fn kinds(story: &Story) -> Vec<ActivityKind> {
    story.order.changes().activities.iter().map(|activity| activity.kind).collect()
}

fn facts(story: &Story) -> &Value {
    &story.order.changes().activities.last().expect("an activity").facts
}

fn notes(story: &Story) -> Option<&str> {
    story.order.changes().activities.last().expect("an activity").notes.as_deref()
}

fn units(number: u32, quantity: u32) -> Value {
    json!({ "item_id": item_id(number).to_string(), "quantity": quantity })
}

fn units_from(number: u32, quantity: u32, kind: &str, code: &str) -> Value {
    let mut units = units(number, quantity);
    units["origin"] = json!({ "kind": kind, "code": code });
    units
}

#[test]
fn an_activity_says_who_did_it_when_and_what_caused_it() {
    let mut order = order(OrderStatus::Processing, items(&[3]), vec![]);
    let [_, support, ..] = actors();
    let webhook_id = Some(WebhookId(Uuid::from_u128(7)));
    let context =
        Context { actor: support.clone(), now: at(5), request_id: Some("request".to_owned()), webhook_id };
    let request = Request::CancelItems { lines: lines(&[(1, 1)]), reason: "sold out".to_owned() };
    order.apply(request, None, &context).expect("the unit is free");
    let [activity] = &order.changes().activities[..] else { panic!("{:?}", order.changes()) };
    assert_eq!(
        (activity.order_id, activity.kind, &activity.actor),
        (order.head().id, ItemsCancelled, &support)
    );
    assert_eq!((activity.recorded_at, activity.shipment_id), (at(5), None));
    assert_eq!((activity.request_id.as_deref(), activity.webhook_id), (Some("request"), webhook_id));
    assert_eq!(activity.notes.as_deref(), Some("sold out"));
    assert_eq!(activity.facts, json!({ "items": [units(1, 1)] }));
}

#[test]
fn shipments_leave_an_activity_when_they_are_registered_and_when_they_are_cancelled() {
    let mut story = Story::new(OrderStatus::Processing, &[3]);
    story.ship(1, &[(1, 2)]).expect("the units are free");
    let of_shipment = json!({
        "carrier": "fedex", "tracking_number": "N1", "origin": { "kind": "warehouse", "code": "main" },
        "items": [units(1, 2)],
    });
    assert_eq!((kinds(&story), facts(&story)), (vec![ShipmentCreated], &of_shipment));
    story.cancel_shipment(1).expect("it has a label only");
    assert_eq!((kinds(&story), facts(&story)), (vec![ShipmentCreated, ShipmentCancelled], &of_shipment));
    assert_eq!(notes(&story), Some("mislaid"));
    let of = story.order.changes().activities.iter().map(|activity| activity.shipment_id);
    assert_eq!(of.collect::<Vec<_>>(), [Some(shipment_id(1)); 2]);
}

#[test]
fn a_shipment_that_only_its_carrier_cancelled_leaves_its_activity_when_that_becomes_final() {
    let give_up = |story: &Story| Request::GiveUpNumber(story.shipment(1).tracking_number.clone());
    let cancelled = || {
        let mut story = Story::new(OrderStatus::Processing, &[2]);
        story.ship(1, &[(1, 2)]).expect("the units are free");
        story.scanned(1, ShipmentStatus::Cancelled);
        assert_eq!(kinds(&story), [ShipmentCreated], "what a carrier says is a scan");
        story
    };
    let mut story = cancelled();
    story.ask(give_up(&story)).expect("granted");
    assert_eq!(kinds(&story)[1..], [ShipmentCancelled]);
    assert_eq!(story.order.changes().activities[1].actor, Actor::SYSTEM);
    assert!(!story.ask(give_up(&story)).expect("granted").changed);
    let mut story = cancelled();
    story.ship(2, &[(1, 1)]).expect("the units are free");
    assert_eq!(kinds(&story)[1..], [ShipmentCancelled, ShipmentCreated], "its units went elsewhere");
}

#[test]
fn the_cancellation_of_an_order_leaves_an_activity_for_each_shipment() {
    let labels: Vec<Shipment> =
        [1, 2].map(|number| shipment(number, ShipmentStatus::LabelCreated, &[(1, 1)])).to_vec();
    let mut story = Story::of(order(OrderStatus::Processing, items(&[2]), labels));
    story.go(OrderStatus::Cancelled).expect("nothing moves");
    assert_eq!((kinds(&story), story.path()), (vec![ShipmentCancelled; 2], vec![OrderStatus::Cancelled]));
    let mut story = Story::new(OrderStatus::Processing, &[2]);
    story.cancel_items(&[(1, 2)]).expect("the units are free");
    assert_eq!((kinds(&story), story.path()), (vec![ItemsCancelled], vec![OrderStatus::Cancelled]), "both");
}

#[test]
fn answers_of_suppliers_and_reassignments_are_activities() {
    let mut story = dropship(&[("acme", 2), ("acme", 1), ("", 4)]);
    story.as_supplier("acme").accept(&[1, 1]).expect("it is theirs");
    assert_eq!(facts(&story), &json!({ "items": [units_from(1, 2, "supplier", "acme")] }));
    story.decline(&[1, 2]).expect("nothing is shipped");
    let both = [units_from(1, 2, "supplier", "acme"), units_from(2, 1, "supplier", "acme")];
    assert_eq!((facts(&story), notes(&story)), (&json!({ "items": both }), Some("sold out")));
    let deadlines = Deadlines { accept_by: Some(at(60)), ship_by: None };
    story.as_staff().reassign(&[1, 3], supplier("bolt"), deadlines).expect("nothing is shipped");
    let mut first = units_from(1, 2, "supplier", "bolt");
    first["former_origin"] = json!({ "kind": "supplier", "code": "acme" });
    let expected = json!({
        "origin": { "kind": "supplier", "code": "bolt" },
        "items": [first, units_from(3, 4, "supplier", "bolt")],
        "accept_by": at(60).to_rfc3339(),
    });
    assert_eq!(facts(&story), &expected);
    assert_eq!(kinds(&story), [ItemsAccepted, ItemsDeclined, ItemsReassigned]);
}

#[test]
fn a_supplier_that_ships_has_accepted() {
    let mut story = dropship(&[("acme", 2)]);
    story.as_supplier("acme").ship(1, &[(1, 1)]).expect("it is theirs");
    story.ship(2, &[(1, 1)]).expect("it is theirs");
    assert_eq!(kinds(&story), [ItemsAccepted, ShipmentCreated, ShipmentCreated]);
}

#[test]
fn returns_leave_activities_also_where_they_are_transitions() {
    let mut story = Story::new(OrderStatus::Delivered, &[3]);
    story.actor = customer();
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    assert_eq!((facts(&story), notes(&story)), (&json!({ "items": [units(1, 1)] }), Some("too small")));
    story.ask_back(Some(&[(1, 1)])).expect("delivered");
    story.as_staff().receive(Some(&[(1, 1)])).expect("asked back");
    story.receive(None).expect("asked back");
    assert_eq!(notes(&story), Some("as new"));
    assert_eq!(kinds(&story), [ReturnRequested, ReturnRequested, ReturnReceived, ReturnReceived]);
    assert_eq!(story.path(), [OrderStatus::ReturnInitiated, OrderStatus::Returned]);
}

#[test]
fn a_scan_by_hand_is_an_activity_also_if_it_changes_nothing_and_a_repeated_one_is_none() {
    let shipments = vec![shipment(1, ShipmentStatus::OutForDelivery, &[(1, 1)])];
    let mut order = order(OrderStatus::OutForDelivery, items(&[1]), shipments);
    let scan = milestone(9, ShipmentStatus::OutForDelivery, 2);
    let known = milestone(0, ShipmentStatus::OutForDelivery, 1);
    let by_hand = |known: &[domain::Scan], incoming: Vec<domain::Scan>| Request::Scans {
        shipment: shipment_id(1),
        known: known.to_vec(),
        incoming,
        restated: BTreeSet::new(),
    };
    let request = by_hand(std::slice::from_ref(&known), vec![scan.clone()]);
    let outcome = order.apply(request, None, &by(Actor::SYSTEM, 3)).expect("granted");
    assert!(matches!(outcome.scan_outcomes[..], [ScanOutcome::New(_)]) && !outcome.changed);
    let [activity] = &order.changes().activities[..] else { panic!("{:?}", order.changes()) };
    assert_eq!((activity.kind, activity.shipment_id), (ScanRecorded, Some(shipment_id(1))));
    let expected = json!({
        "carrier": "fedex", "tracking_number": "N1", "meaning": "out_for_delivery", "occurred_at": at(2).to_rfc3339(),
    });
    assert_eq!(activity.facts, expected);
    assert!(order.changes().is_empty(), "the order itself is as it was");

    order
        .apply(by_hand(&[known, scan.clone()], vec![scan.clone()]), None, &by(Actor::SYSTEM, 4))
        .expect("granted");
    let carrier = by(Actor::new(ActorKind::Carrier, "fedex"), 5);
    order.apply(by_hand(&[], vec![scan]), None, &carrier).expect("granted");
    assert_eq!(order.changes().activities.len(), 1);
}

#[test]
fn transitions_refusals_and_what_changes_nothing_leave_none() {
    let mut story = dropship(&[("acme", 2)]);
    story.accept(&[1]).expect("granted");
    let before = kinds(&story).len();
    story.accept(&[1]).expect("granted again");
    story.decline(&[2]).expect_err("there is no such item");
    story.cancel_items(&[(1, 3)]).expect_err("there are two");
    story.reassign(&[1], supplier("acme"), Deadlines::default()).expect("it is theirs already");
    story.ship(1, &[(1, 2)]).expect("free");
    story.ship(1, &[(1, 2)]).expect("the same again");
    assert_eq!(kinds(&story).len(), before + 1);
    story.reassign(&[1], warehouse("main"), Deadlines::default()).expect_err("it is shipped");
    story.ask(transition_to(OrderStatus::Delivered)).expect_err("nothing moves");
    story.cancel_shipment(1).expect("a label");
    story.cancel_shipment(1).expect("cancelled already");
    assert_eq!(kinds(&story).len(), before + 2);
}
