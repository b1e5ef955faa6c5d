//! A refused request leaves the order as it was, whoever asks for what.

mod support;

use domain::{Deadlines, InputField, ItemField, NewShipment, OrderStatus, Refusal, Request, ShipmentStatus};
use proptest::{collection::vec, prelude::*, sample::select};
use support::{Story, actors, assert_same, by, fedex, order, supplied, supplier, transition_to, warehouse};

#[derive(Clone, Debug)]
enum Act {
    Go(OrderStatus),
    Ship(u32, Option<Vec<(u32, u32)>>, Option<&'static str>),
    CallOff(u32),
    CancelItems(Vec<(u32, u32)>),
    GiveUpNumber(u32),
    Accept(Vec<u32>),
    Decline(Vec<u32>),
    Reassign(Vec<u32>, &'static str),
    AskBack(Option<Vec<(u32, u32)>>),
    Receive(Option<Vec<(u32, u32)>>),
    WriteOff(Option<Vec<(u32, u32)>>),
    SendBack(u32, Option<Vec<(u32, u32)>>),
    Scan(u32, ShipmentStatus),
}

/// Where items come from: the warehouse has no name.
const ORIGINS: [&str; 3] = ["", "acme", "other"];

fn act() -> impl Strategy<Value = Act> {
    let lines = || vec((1..=4u32, 0..=3u32), 1..=3);
    let items = || vec(1..=4u32, 1..=3);
    let number = || 1..=3u32;
    let ship = (number(), prop::option::of(lines()), prop::option::of(select(ORIGINS.to_vec())));
    prop_oneof![
        3 => select(OrderStatus::ALL.to_vec()).prop_map(Act::Go),
        6 => ship.prop_map(|(number, lines, origin)| Act::Ship(number, lines, origin)),
        2 => number().prop_map(Act::CallOff),
        3 => lines().prop_map(Act::CancelItems),
        1 => number().prop_map(Act::GiveUpNumber),
        2 => items().prop_map(Act::Accept),
        2 => items().prop_map(Act::Decline),
        2 => (items(), select(ORIGINS.to_vec())).prop_map(|(items, to)| Act::Reassign(items, to)),
        2 => prop::option::of(lines()).prop_map(Act::AskBack),
        2 => prop::option::of(lines()).prop_map(Act::Receive),
        2 => prop::option::of(lines()).prop_map(Act::WriteOff),
        2 => (number(), prop::option::of(lines())).prop_map(|(number, lines)| Act::SendBack(number, lines)),
        4 => (number(), select(ShipmentStatus::ALL.to_vec())).prop_map(|(number, to)| Act::Scan(number, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// [`Story::ask`] compares the order with what it was before.
    #[test]
    fn whoever_asks_for_what_a_refusal_changes_nothing(
        start in select(vec![OrderStatus::Placed, OrderStatus::Processing, OrderStatus::Shipped, OrderStatus::Delivered]),
        acts in vec((0..5usize, prop::bool::ANY, act()), 1..40),
    ) {
        let items = supplied(&[("acme", 2), ("other", 3), ("", 2)]);
        let mut story = Story::of(order(start, items, vec![]));
        let mut ids = 100;
        for (who, is_staff, act) in acts {
            story.actor = if is_staff { domain::Actor::SYSTEM } else { actors()[who].clone() };
            let origin = |code: &str| if code.is_empty() { warehouse("main") } else { supplier(code) };
            let newest = |story: &Story, number: u32| {
                let mut shipments = story.order.shipments().iter().rev();
                let found = shipments.find(|one| *one.tracking_number == *format!("N{number}"));
                found.map(|one| (one.id.0.as_u128() - 0x200) as u32)
            };
            let _granted_or_refused = match act {
                Act::Go(to) => story.go(to),
                Act::Ship(number, lines, code) => {
                    ids += 1;
                    let lines = lines.as_deref().map(support::lines);
                    story.ship_from(code.map(origin), ids, &format!("N{number}"), lines)
                }
                Act::CallOff(number) => story.cancel_shipment(newest(&story, number).unwrap_or(0)),
                Act::CancelItems(lines) => story.cancel_items(&lines),
                Act::GiveUpNumber(number) => {
                    story.ask(Request::GiveUpNumber(fedex(&format!("N{number}"))))
                }
                Act::Accept(items) => story.accept(&items),
                Act::Decline(items) => story.decline(&items),
                Act::Reassign(items, to) => story.reassign(&items, origin(to), Deadlines::default()),
                Act::AskBack(lines) => story.ask_back(lines.as_deref()),
                Act::Receive(lines) => story.receive(lines.as_deref()),
                Act::WriteOff(lines) => story.write_off(lines.as_deref()),
                Act::SendBack(number, lines) => {
                    ids += 1;
                    let lines = lines.as_deref().map(support::lines);
                    story.ask(Request::CreateReturnShipment(NewShipment {
                        id: support::shipment_id(ids),
                        tracking_number: fedex(&format!("N{number}")),
                        further_numbers: vec![],
                        shares_numbers: false,
                        origin: None,
                        lines,
                        estimated_delivery: None,
                    }))
                }
                Act::Scan(number, to) => {
                    if let Some(shipment) = newest(&story, number) {
                        story.scanned(shipment, to);
                    }
                    continue;
                }
            };
        }
    }
}

#[test]
fn a_conflict_of_versions_changes_nothing() {
    let mut one = order(OrderStatus::Placed, supplied(&[("", 1)]), vec![]);
    let before = one.clone();
    let asked = transition_to(OrderStatus::PaymentConfirmed);
    let refused = one.apply(asked, Some(3), &by(domain::Actor::SYSTEM, 1));
    assert!(matches!(refused, Err(Refusal::VersionConflict { expected: 3, .. })), "{refused:?}");
    assert_same(&before, &one);
}

/// What would be the last change of a request that is refused for its second item.
#[test]
fn a_supplier_who_declined_one_item_of_a_shipment_accepts_none_by_it() {
    let mut story = support::dropship(&[("acme", 1), ("acme", 1)]);
    story.as_supplier("acme").decline(&[2]).expect("nothing of it is shipped");
    let origin = Some(supplier("acme"));
    let refused = story.as_staff().ship_from(origin, 1, "N1", Some(support::lines(&[(1, 1), (2, 1)])));
    assert_eq!(support::invalid(refused).0, InputField::Item(1, ItemField::Id));
    assert_eq!(story.item(1).commitment.accepted_at(), None);
}
