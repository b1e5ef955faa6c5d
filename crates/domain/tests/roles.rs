//! Which actor may ask for what: staff for everything that the table permits, each other kind for a short list.

mod support;

use std::collections::BTreeSet;

use domain::{
    Actor, ActorKind, BlockerCode, Carrier, Deadlines, InputField, ItemField, NewShipment, OrderStatus,
    OrderStatus::*, Outcome, Refusal, Request, Shipment, ShipmentStatus, TRANSITIONS, TrackingNumber,
};
use support::{
    Story, actors, by, customer, item_id, items, lines, milestone, order, shipment, shipment_id, supplied,
    supplier, warehouse,
};

/// The permitted transitions that an actor may ask for, of an order without shipments.
fn steps(actor: &Actor) -> Vec<(OrderStatus, OrderStatus)> {
    let of = |from| {
        let explained = order(from, items(&[1]), vec![]).allowed_transitions(actor);
        let open = explained.into_iter().filter(move |(to, why)| why.is_none() && *to != from);
        open.map(move |(to, _)| (from, to))
    };
    OrderStatus::ALL.into_iter().flat_map(of).collect()
}

#[test]
fn each_role_has_its_steps() {
    let mut table = TRANSITIONS.to_vec();
    table.sort();
    let [system, support, customer, carrier, supplier] = actors();
    assert_eq!(steps(&system), table);
    assert_eq!(steps(&support), table);
    let own = [(Placed, Cancelled), (PaymentConfirmed, Cancelled), (Delivered, ReturnInitiated)];
    assert_eq!(steps(&customer), own);
    assert_eq!(steps(&carrier), [], "carriers move orders through scans only");
    assert_eq!(steps(&supplier), []);
}

#[test]
fn a_step_of_the_table_that_the_role_may_not_ask_for_is_refused_for_the_role() {
    let mut asked = order(Processing, items(&[1]), vec![]);
    let refusal = asked.apply(support::transition_to(Cancelled), None, &by(customer(), 5));
    let Err(Refusal::InvalidTransition { allowed, blocker, .. }) = refusal else { panic!("{refusal:?}") };
    assert_eq!(blocker.code, BlockerCode::Role);
    assert_eq!(allowed, [], "a customer can do nothing while the order is packed");
}

#[test]
fn the_steps_of_a_walk_carry_the_carrier_who_caused_them() {
    let mut story = Story::new(Processing, &[1]);
    story.ship(1, &[(1, 1)]).expect("free units");
    story.actor = Actor::new(ActorKind::Carrier, "fedex");
    story.scanned(1, ShipmentStatus::Delivered);
    let actors: Vec<_> =
        story.order.changes().transitions.iter().map(|step| (step.to(), step.actor().kind)).collect();
    assert_eq!(
        actors,
        [
            (AwaitingPickup, ActorKind::System),
            (Shipped, ActorKind::Carrier),
            (OutForDelivery, ActorKind::Carrier),
            (Delivered, ActorKind::Carrier)
        ]
    );
}

#[test]
fn only_staff_cancel_items() {
    for actor in actors() {
        let may = actor.is_staff();
        let mut story = Story::new(Processing, &[2]);
        story.actor = actor;
        let answer = story.cancel_items(&[(1, 1)]);
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        assert!(may || matches!(answer, Err(Refusal::Forbidden(_))));
    }
}

#[test]
fn a_supplier_ships_calls_off_and_scans_its_own_items_and_no_others() {
    let mut of_two = items(&[1, 1]);
    of_two[0].origin = Some(supplier("acme"));
    of_two[1].origin = Some(supplier("other"));
    for (code, may) in [("acme", true), ("other", false), ("", false)] {
        let mut story = Story::of(order(Processing, of_two.clone(), vec![]));
        story.actor = Actor::new(ActorKind::Supplier, code);
        let answer = story.ship(1, &[(1, 1)]);
        assert_eq!(answer.is_ok(), may, "{code}: {answer:?}");

        let there = shipment(1, ShipmentStatus::LabelCreated, &[(1, 1)]);
        let there = vec![Shipment { origin: supplier("acme"), ..there }];
        let mut story = Story::of(order(Processing, of_two.clone(), there));
        story.actor = Actor::new(ActorKind::Supplier, code);
        let scans = Request::Scans {
            shipment: shipment_id(1),
            known: vec![],
            incoming: vec![milestone(1, ShipmentStatus::LabelCreated, 1)],
            restated: BTreeSet::new(),
        };
        assert_eq!(story.ask(scans).is_ok(), may, "{code} scans");
        assert_eq!(story.cancel_shipment(1).is_ok(), may, "{code} calls off");
    }
}

#[test]
fn a_supplier_who_names_no_items_ships_its_own_only() {
    let mut of_two = items(&[2, 3]);
    of_two[0].origin = Some(supplier("acme"));
    let mut story = Story::of(order(Processing, of_two, vec![]));
    story.actor = Actor::new(ActorKind::Supplier, "acme");
    story.ship_as(1, "N1", None).expect("two units are its own");
    assert_eq!(story.shipment(1).lines, lines(&[(1, 2)]));
    assert_eq!(story.shipment(1).origin, supplier("acme"));
}

#[test]
fn a_supplier_learns_nothing_of_a_shipment_that_is_not_its_own() {
    let mut of_two = items(&[1, 1]);
    of_two[0].origin = Some(supplier("acme"));
    let there = vec![shipment(1, ShipmentStatus::LabelCreated, &[(2, 1)])];
    let mut story = Story::of(order(Processing, of_two, there));
    story.actor = Actor::new(ActorKind::Supplier, "acme");
    let answer = story.ship_as(9, "N1", None);
    assert!(matches!(answer, Err(Refusal::Shipment { .. })), "{answer:?}");
}

#[test]
fn customers_neither_ship_nor_scan_and_carriers_only_scan() {
    for (actor, may_scan) in [(customer(), false), (Actor::new(ActorKind::Carrier, "fedex"), true)] {
        let there = vec![shipment(1, ShipmentStatus::LabelCreated, &[(1, 1)])];
        let mut story = Story::of(order(Processing, items(&[2]), there));
        story.actor = actor;
        let ship = Request::CreateShipment(NewShipment {
            id: shipment_id(2),
            tracking_number: TrackingNumber::parse(Carrier::UPS, "1Z").unwrap(),
            further_numbers: vec![],
            shares_numbers: false,
            origin: None,
            lines: None,
            estimated_delivery: None,
        });
        assert!(matches!(story.ask(ship), Err(Refusal::Forbidden(_))));
        assert!(matches!(story.cancel_shipment(1), Err(Refusal::Forbidden(_))));
        let incoming = vec![milestone(1, ShipmentStatus::PickedUp, 1)];
        let scans =
            Request::Scans { shipment: shipment_id(1), known: vec![], incoming, restated: BTreeSet::new() };
        assert_eq!(story.ask(scans).is_ok(), may_scan);
    }
}

/// Whether the request is granted. If not, the reason must be the role.
fn granted(answer: Result<Outcome, Refusal>) -> bool {
    assert!(matches!(answer, Ok(_) | Err(Refusal::Forbidden(_))), "{answer:?}");
    answer.is_ok()
}

#[test]
fn suppliers_and_staff_answer_for_items_and_staff_alone_reassign_them() {
    for actor in actors() {
        let (staff, kind) = (actor.is_staff(), actor.kind);
        let story = || {
            let mut story = Story::of(order(Processing, supplied(&[("acme", 1)]), vec![]));
            story.actor = actor.clone();
            story
        };
        assert_eq!(granted(story().accept(&[1])), staff || kind == ActorKind::Supplier, "{kind}");
        assert_eq!(granted(story().decline(&[1])), staff || kind == ActorKind::Supplier, "{kind}");
        assert_eq!(
            granted(story().reassign(&[1], warehouse("north"), Deadlines::default())),
            staff,
            "{kind}"
        );
    }
}

#[test]
fn staff_and_the_customer_ask_back_and_staff_alone_receive() {
    for actor in actors() {
        let (staff, kind) = (actor.is_staff(), actor.kind);
        for status in [Delivered, ReturnInitiated] {
            let mut story = Story::of(order(status, supplied(&[("acme", 1)]), vec![]));
            story.actor = actor.clone();
            assert_eq!(granted(story.ask_back(None)), staff || kind == ActorKind::Customer, "{kind}");
        }
        let mut story = Story::new(ReturnInitiated, &[1]);
        story.actor = actor;
        assert_eq!(granted(story.receive(None)), staff, "{kind}");
    }
}

#[test]
fn to_a_supplier_items_of_others_do_not_exist_and_shipments_of_others_are_not_its_to_cancel() {
    let there = shipment(1, ShipmentStatus::LabelCreated, &[(2, 1)]);
    let mixed = shipment(2, ShipmentStatus::LabelCreated, &[(1, 1), (2, 1)]);
    let theirs =
        Shipment { origin: supplier("other"), ..shipment(3, ShipmentStatus::LabelCreated, &[(2, 1)]) };
    let by_staff = shipment(4, ShipmentStatus::LabelCreated, &[(1, 1)]);
    let shipments = vec![there, mixed, theirs, by_staff];
    let mut story = Story::of(order(Processing, supplied(&[("acme", 5), ("other", 5), ("", 5)]), shipments));
    story.as_supplier("acme");
    for number in 1..=4 {
        let refused = story.cancel_shipment(number);
        assert!(matches!(refused, Err(Refusal::Forbidden(_))), "parcel {number}: {refused:?}");
    }
    type Ask = fn(&mut Story, u32) -> Result<Outcome, Refusal>;
    let asks: [Ask; 4] = [
        |story, item| story.accept(&[1, item]),
        |story, item| story.decline(&[1, item]),
        |story, item| story.ship(9, &[(1, 1), (item, 1)]),
        |story, item| story.ship(9, &[(1, 1), (item, 99)]),
    ];
    for ask in asks {
        let told = [2, 3, 77].map(|item| {
            let (field, message) = support::invalid(ask(&mut story, item));
            (field, message.replace(&item_id(item).to_string(), "…"))
        });
        let is_same = |one: &(InputField, String)| *one == told[0];
        assert!(told.iter().all(is_same), "an item of somebody else and one that is not there: {told:?}");
        assert_eq!(told[0].1, "the order has no item …");
        assert!(matches!(told[0].0, InputField::ItemId(1) | InputField::Item(1, ItemField::Id)), "{told:?}");
    }
}
