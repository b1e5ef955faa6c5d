//! The roll-up compared with its definition, for random orders and random changes.

mod support;

use domain::{
    BlockerCode, FULFILMENT_SEQUENCE, Meaning, OrderStatus, Rank, Refusal, ShipmentRefusal, ShipmentStatus,
    TRANSITIONS,
};
use proptest::{collection::vec, prelude::*, sample::select};
use support::{Story, position_of_rank, scan, slowest_by_hand};

#[derive(Clone, Debug)]
enum Change {
    Ship { shipment: u32, lines: Vec<(u32, u32)> },
    CallOff { shipment: u32 },
    CancelItems { lines: Vec<(u32, u32)> },
    Scans { shipment: u32, new: Vec<(Meaning, i64, bool)> },
    Go { to: OrderStatus },
}

const ITEMS: u32 = 3;
const SHIPMENTS: u32 = 4;

fn some_lines() -> impl Strategy<Value = Vec<(u32, u32)>> {
    vec((1..=ITEMS, 1..=4u32), 1..=3)
}

fn meaning() -> impl Strategy<Value = Meaning> {
    prop_oneof![
        8 => select(ShipmentStatus::ALL.to_vec()).prop_map(Meaning::Status),
        2 => select(domain::ConditionKind::ALL.to_vec()).prop_map(Meaning::Condition),
        1 => Just(Meaning::Unknown),
        1 => Just(Meaning::Informational),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let shipment = || 1..=SHIPMENTS;
    prop_oneof![
        6 => (shipment(), some_lines()).prop_map(|(shipment, lines)| Change::Ship { shipment, lines }),
        2 => shipment().prop_map(|shipment| Change::CallOff { shipment }),
        2 => some_lines().prop_map(|lines| Change::CancelItems { lines }),
        8 => (shipment(), vec((meaning(), 0..9_000i64, prop::bool::weighted(0.1)), 1..=3))
            .prop_map(|(shipment, new)| Change::Scans { shipment, new }),
        4 => select(OrderStatus::ALL.to_vec()).prop_map(|to| Change::Go { to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_as_far_as_its_slowest_unit_whatever_happens_in_whatever_order(
        quantities in vec(1..=4u32, 1..=ITEMS as usize),
        start in select(vec![OrderStatus::Placed, OrderStatus::Processing, OrderStatus::Processing]),
        changes in vec(change(), 1..40),
    ) {
        let mut story = Story::new(start, &quantities);
        let mut shipments = 0;
        let mut scans = 0;
        for change in changes {
            let before = (story.order.clone(), story.path().len());
            let granted = match change.clone() {
                Change::Ship { shipment, lines } => {
                    // No id is used twice, but numbers are.
                    shipments += 1;
                    story.ship_as(100 + shipments, &format!("N{shipment}"), Some(support::lines(&lines)))
                }
                Change::CallOff { shipment } => match registered(&story, shipment) {
                    Some(id) => story.cancel_shipment(id),
                    None => continue,
                },
                Change::CancelItems { lines } => story.cancel_items(&lines),
                Change::Scans { shipment, new } => {
                    let Some(id) = registered(&story, shipment) else { continue };
                    let new = new.into_iter().map(|(meaning, minutes, estimated)| {
                        scans += 1;
                        domain::Scan { time_estimated: estimated, ..scan(scans, meaning, minutes) }
                    });
                    story.scans(id, &new.collect::<Vec<_>>());
                    Ok(domain::Outcome { changed: true, ..Default::default() })
                }
                Change::Go { to } => {
                    let answer = story.go(to);
                    check_hand(&before.0, to, &answer)?;
                    answer
                }
            };
            check_walk(&before.0, &story, before.1, &change, &granted)?;
        }
    }
}

/// The newest shipment with this number.
fn registered(story: &Story, number: u32) -> Option<u32> {
    let number = format!("N{number}");
    let newest = story.order.shipments().iter().rev().find(|shipment| *shipment.tracking_number == *number);
    newest.map(|shipment| (shipment.id.0.as_u128() - 0x200) as u32)
}

/// The new steps are the requested one, and then every status of the sequence up to the one of the slowest unit.
fn check_walk(
    before: &domain::Order,
    story: &Story,
    known: usize,
    change: &Change,
    answer: &Result<domain::Outcome, Refusal>,
) -> Result<(), TestCaseError> {
    let steps = story.path().split_off(known);
    if answer.as_ref().map_or(true, |outcome| !outcome.changed) {
        prop_assert!(steps.is_empty());
        return Ok(());
    }
    let mut expected = match change {
        Change::Go { to } => vec![*to],
        // Where the table has no way to `cancelled`, the order is closed instead.
        Change::CancelItems { .. }
            if story.order.items().iter().all(|item| item.wanted() == 0)
                && before.head().status.may_become(OrderStatus::Cancelled) =>
        {
            vec![OrderStatus::Cancelled]
        }
        Change::Ship { .. } | Change::CallOff { .. } | Change::CancelItems { .. } | Change::Scans { .. } => {
            vec![]
        }
    };
    let stands = expected.last().copied().unwrap_or(before.head().status);
    let here = FULFILMENT_SEQUENCE.iter().position(|status| *status == stands);
    if let (Some(here), Some(slowest)) = (here, slowest_by_hand(&story.order)) {
        expected.extend(FULFILMENT_SEQUENCE.iter().take(position_of_rank(slowest) + 1).skip(here + 1));
    }
    prop_assert_eq!(steps, expected);
    Ok(())
}

/// A step by hand is granted if the table has it, and if the shipments are that far or there are none.
fn check_hand(
    before: &domain::Order,
    to: OrderStatus,
    answer: &Result<domain::Outcome, Refusal>,
) -> Result<(), TestCaseError> {
    let from = before.head().status;
    let live: Vec<_> = before.shipments().iter().filter(|shipment| shipment.is_live()).collect();
    let moving = live.iter().any(|shipment| shipment.status().rank() >= Rank::Shipped);
    let needed = match to {
        OrderStatus::Shipped => 2,
        OrderStatus::OutForDelivery => 3,
        OrderStatus::Delivered => 4,
        _ => 0,
    };
    let slowest = slowest_by_hand(before).map_or(4, position_of_rank);
    let expected = if from == to {
        None
    } else if !TRANSITIONS.contains(&(from, to)) {
        Some(BlockerCode::NotInTable)
    } else if to == OrderStatus::Cancelled && moving {
        Some(BlockerCode::ParcelsMoving)
    } else if !live.is_empty() && slowest < needed {
        Some(BlockerCode::ShipmentsBehind)
    } else {
        None
    };
    match answer {
        Ok(outcome) => prop_assert_eq!((None, from != to), (expected, outcome.changed)),
        Err(Refusal::InvalidTransition { blocker, .. }) => prop_assert_eq!(Some(blocker.code), expected),
        Err(refusal) => prop_assert!(false, "{}", refusal),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any split of the units into shipments, registered and delivered in any sequence, ends in the same way.
    #[test]
    fn however_the_units_are_split_the_order_is_delivered_with_the_last_of_them_and_not_before(
        quantity in 1..=6u32,
        other in 1..=6u32,
        cuts in vec((1..=3u32, 0..=3u32), 1..12),
        early in any::<bool>(),
        order in any::<prop::sample::Index>(),
    ) {
        let start = if early { OrderStatus::Placed } else { OrderStatus::Processing };
        let mut story = Story::new(start, &[quantity, other]);
        let (mut one, mut two, mut count) = (quantity, other, 0);
        for (some, more) in cuts.into_iter().chain([(6, 6)]) {
            let (some, more) = (some.min(one), more.min(two));
            let lines: Vec<_> = [(1, some), (2, more)].into_iter().filter(|line| line.1 > 0).collect();
            if lines.is_empty() {
                continue;
            }
            (one, two, count) = (one - some, two - more, count + 1);
            story.ship(count, &lines).expect("the units are free");
        }
        let refusal = story.ship(count + 1, &[(1, 1)]);
        let over = matches!(refusal, Err(Refusal::OverAllocated { .. }));
        prop_assert!(over, "{:?}", refusal);
        let refusal = story.ship_as(count + 1, "NEW", None);
        let nothing =
            matches!(refusal, Err(Refusal::Shipment { code: ShipmentRefusal::NothingToShip, .. }));
        prop_assert!(nothing, "{:?}", refusal);
        let first = order.index(count as usize) as u32;
        for turn in 0..count {
            prop_assert_ne!(story.status(), OrderStatus::Delivered);
            story.scanned(1 + (first + turn) % count, ShipmentStatus::Delivered);
        }
        if early {
            prop_assert_eq!(story.path(), []);
            story.go(OrderStatus::PaymentConfirmed).expect("paid");
            story.go(OrderStatus::Processing).expect("packed");
            prop_assert_eq!(&story.path()[2..], &FULFILMENT_SEQUENCE[1..]);
        } else {
            prop_assert_eq!(&story.path()[..], &FULFILMENT_SEQUENCE[1..]);
        }
    }
}
