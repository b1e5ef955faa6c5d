//! Dropship with random requests of suppliers and staff: what must hold after each of them.

mod support;

use domain::{Deadlines, ShipmentStatus};
use proptest::{collection::vec, prelude::*, sample::select};
use support::{dropship, supplier, warehouse};

#[derive(Clone, Debug)]
enum Act {
    Accept(Vec<u32>),
    Decline(Vec<u32>),
    Reassign(Vec<u32>, usize),
    Ship(Vec<(u32, u32)>),
    ShipAll,
    CancelShipment(u32),
    Scan(u32, ShipmentStatus),
}

const WHO: [&str; 3] = ["", "acme", "other"];

fn act() -> impl Strategy<Value = Act> {
    let some = || vec(1..=4u32, 1..=3);
    prop_oneof![
        3 => some().prop_map(Act::Accept),
        3 => some().prop_map(Act::Decline),
        3 => (some(), 0..WHO.len()).prop_map(|(items, to)| Act::Reassign(items, to)),
        4 => vec((1..=4u32, 1..=2u32), 1..=2).prop_map(Act::Ship),
        1 => Just(Act::ShipAll),
        3 => (1..=20u32).prop_map(Act::CancelShipment),
        3 => (1..=20u32, select(ShipmentStatus::ALL.to_vec())).prop_map(|(shipment, to)| Act::Scan(shipment, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// After each request of suppliers and staff: the invariants of a `Story` hold, the answer is the one that was
    /// given last, an item belongs to the origin that it got last, and no supplier reads of another supplier's item.
    #[test]
    fn whoever_asks_for_what_answers_and_origins_are_what_was_last_granted(
        acts in vec((0..WHO.len(), act()), 1..40),
    ) {
        let mut story = dropship(&[("acme", 2), ("other", 3), ("", 1)]);
        let mut shipments = 0;
        for (who, act) in acts {
            let who = WHO[who];
            if who.is_empty() { story.as_staff() } else { story.as_supplier(who) };
            let before = story.order.items().to_vec();
            let answer = match &act {
                Act::Accept(items) => story.accept(items),
                Act::Decline(items) => story.decline(items),
                Act::Reassign(items, to) => {
                    let to = WHO[*to];
                    let to = if to.is_empty() { warehouse("main") } else { supplier(to) };
                    story.reassign(items, to, Deadlines::default())
                }
                Act::Ship(of) => {
                    shipments += 1;
                    story.ship(shipments, of)
                }
                Act::ShipAll => {
                    shipments += 1;
                    story.ship_as(shipments, &format!("N{shipments}"), None)
                }
                Act::CancelShipment(shipment) => story.cancel_shipment(*shipment),
                Act::Scan(shipment, to) => {
                    if story.order.shipments().iter().any(|one| one.id == support::shipment_id(*shipment)) {
                        story.as_staff().scanned(*shipment, *to);
                    }
                    continue;
                }
            };
            if let Err(refusal) = &answer {
                let told = refusal.to_string();
                let foreign = |item: &&domain::Item| !who.is_empty() && item.origin != Some(supplier(who));
                for item in before.iter().filter(foreign) {
                    prop_assert!(!told.contains(&item.sku), "{who} reads: {told}");
                }
                continue;
            }
            let shipped = story.order.shipments().last().filter(|_| matches!(act, Act::Ship(_) | Act::ShipAll));
            for (number, (was, now)) in (1..).zip(before.iter().zip(story.order.items())) {
                let (accepted, declined) = (now.commitment.accepted_at().is_some(), now.commitment.declined().is_some());
                match &act {
                    Act::Accept(items) if items.contains(&number) => prop_assert!(accepted),
                    Act::Decline(items) if items.contains(&number) => prop_assert!(declined),
                    Act::Reassign(items, to) if items.contains(&number) => {
                        let code = now.origin.as_ref().map(|origin| origin.code.as_str());
                        prop_assert_eq!(code, Some(if *to == 0 { "main" } else { WHO[*to] }));
                        prop_assert!(!declined);
                    }
                    Act::Ship(_) | Act::ShipAll if shipped.is_some_and(|shipment| ships(shipment, now)) => {
                        prop_assert!(accepted);
                    }
                    _ => prop_assert_eq!(was, now, "nobody spoke of it"),
                }
            }
        }
    }
}

/// Whether the shipment comes from the item's supplier and contains the item.
fn ships(shipment: &domain::Shipment, item: &domain::Item) -> bool {
    let from_supplier = shipment.origin.kind == domain::OriginKind::Supplier;
    from_supplier && item.origin.as_ref() == Some(&shipment.origin) && item.units_in([shipment]) > 0
}
