//! The table of transitions, as callers see it.

mod support;

use domain::{Actor, ActorKind, Blocker, BlockerCode, OrderStatus, Refusal, ShipmentStatus, TRANSITIONS};
use support::{VERSION, actors, assert_same, by, items, order, shipment, transition_to};

#[test]
fn of_all_hundred_pairs_those_in_the_table_are_granted_and_no_others() {
    let staff = [Actor::SYSTEM, Actor::new(ActorKind::Support, "sam")];
    let mut granted = 0;
    for actor in staff {
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                let stored = order(from, items(&[1]), vec![]);
                let mut asked = stored.clone();
                let answer = asked.apply(transition_to(to), None, &by(actor.clone(), 5));
                if TRANSITIONS.contains(&(from, to)) {
                    let outcome = answer.expect("the table has it");
                    assert!(outcome.changed);
                    assert_eq!(outcome.event, Some(VERSION + 1));
                    let [step] = &asked.changes().transitions[..] else {
                        panic!("{from} to {to}: one event")
                    };
                    assert_eq!((step.from(), step.to(), step.version()), (Some(from), to, VERSION + 1));
                    assert_eq!((step.actor(), step.inferred()), (&actor, false));
                    assert_eq!((asked.head().status, asked.head().version), (to, VERSION + 1));
                    granted += 1;
                } else if from == to {
                    assert!(!answer.expect("nothing to do is no mistake").changed);
                    assert_same(&stored, &asked);
                } else {
                    let refusal = answer.expect_err("the table does not have it");
                    let Refusal::InvalidTransition { from: was, to: wanted, allowed, blocker } = refusal
                    else {
                        panic!("{from} to {to}: {refusal}")
                    };
                    assert_eq!((was, wanted), (from, to));
                    let successors = TRANSITIONS.iter().filter(|step| step.0 == from).map(|step| step.1);
                    let mut expected: Vec<_> = successors.collect();
                    expected.sort();
                    assert_eq!(allowed, expected, "what an order that is {from} may become");
                    assert_eq!(blocker.code, BlockerCode::NotInTable);
                    assert_same(&stored, &asked);
                }
            }
        }
    }
    assert_eq!(granted, 2 * TRANSITIONS.len());
}

#[test]
fn asking_for_the_status_it_has_changes_nothing_whoever_asks_and_however_old_their_version() {
    for status in OrderStatus::ALL {
        for actor in actors() {
            for expected in [None, Some(VERSION), Some(1)] {
                let stored = order(status, items(&[1]), vec![]);
                let mut asked = stored.clone();
                let outcome = asked.apply(transition_to(status), expected, &by(actor.clone(), 5));
                assert_eq!(outcome, Ok(domain::Outcome::default()));
                assert_same(&stored, &asked);
                assert!(asked.changes().is_empty());
            }
        }
    }
}

#[test]
fn an_old_version_is_a_conflict_that_names_the_current_one() {
    let stored = order(OrderStatus::Placed, items(&[1]), vec![]);
    for expected in [1, VERSION - 1, VERSION + 1] {
        let mut asked = stored.clone();
        let refusal =
            asked.apply(transition_to(OrderStatus::Cancelled), Some(expected), &by(Actor::SYSTEM, 5));
        assert_eq!(refusal, Err(Refusal::VersionConflict { expected, current: VERSION }));
        assert_same(&stored, &asked);
    }
    let mut asked = stored.clone();
    let outcome = asked.apply(transition_to(OrderStatus::Cancelled), Some(VERSION), &by(Actor::SYSTEM, 5));
    assert!(outcome.expect("the version is right").changed);
}

/// A transition that is explained as allowed is granted. One that is explained as blocked is refused for the same
/// reason.
#[test]
fn explanation_and_enforcement_agree_for_every_role_status_and_state_of_the_shipments() {
    let mut told = 0;
    for (shipments, asked_back) in shipments().into_iter().flat_map(|one| [(one.clone(), 0), (one, 1)]) {
        for from in OrderStatus::ALL {
            for actor in actors() {
                let mut items = items(&[2]);
                items[0].return_requested = asked_back;
                let stored = order(from, items, shipments.clone());
                let explained = stored.allowed_transitions(&actor);
                assert_eq!(explained.iter().map(|(to, _)| *to).collect::<Vec<_>>(), OrderStatus::ALL);
                assert!(explained.contains(&(from, None)), "asking for {from} again is granted");
                let open = |(to, why): &(OrderStatus, Option<Blocker>)| why.is_none().then_some(*to);
                let open: Vec<_> = explained.iter().filter_map(open).filter(|to| *to != from).collect();
                for (to, why) in explained.iter().filter(|(to, _)| *to != from) {
                    let mut asked = stored.clone();
                    match asked.apply(transition_to(*to), None, &by(actor.clone(), 5)) {
                        Ok(outcome) => assert!(why.is_none() && outcome.changed, "{from} to {to}"),
                        Err(Refusal::InvalidTransition { allowed, blocker, .. }) => {
                            assert_eq!((&allowed, Some(&blocker)), (&open, why.as_ref()));
                            assert_same(&stored, &asked);
                        }
                        Err(refusal) => panic!("{from} to {to}: {refusal}"),
                    }
                    told += 1;
                }
            }
        }
    }
    assert_eq!(told, shipments().len() * 2 * 5 * 90);
}

fn shipments() -> Vec<Vec<domain::Shipment>> {
    let mut all = vec![vec![]];
    for status in ShipmentStatus::ALL {
        all.push(vec![shipment(1, status, &[(1, 1)])]);
        all.push(vec![shipment(1, status, &[(1, 2)])]);
        all.push(vec![
            shipment(1, status, &[(1, 1)]),
            shipment(2, ShipmentStatus::OutForDelivery, &[(1, 1)]),
        ]);
    }
    all
}
