//! Single cases of the fold: times that contradict each other, conditions and their end, estimates, returns.

mod support;

use domain::{
    ConditionKind, ConditionKind::*, DeliveryEstimate, Evidence, Meaning, Reached, Scan, ShipmentStatus::*,
    Tracking, fold,
};
use support::{at, expected_at, milestone, promise, scan};

const DAY: i64 = 24 * 60;

fn folded(scans: &[Scan]) -> Tracking {
    fold(scans, at(0), None)
}

fn trouble(number: u8, kind: ConditionKind, minutes: i64) -> Scan {
    scan(number, Meaning::Condition(kind), minutes)
}

fn kind(scans: &[Scan]) -> Option<ConditionKind> {
    folded(scans).condition.map(|condition| condition.kind)
}

/// Whether no scan of the way there reports that the shipment was shipped.
fn shipped_is_inferred(scans: &[Scan]) -> bool {
    folded(scans).shipped.expect("it was shipped").inferred
}

fn estimated(scan: Scan) -> Scan {
    Scan { time_estimated: true, ..scan }
}

/// A scan without a zone: its local time is `clock`, and it arrived at `arrival`.
fn local(scan: Scan, clock: i64, arrival: i64) -> Scan {
    Scan { local_time: Some(at(clock).naive_utc()), occurred_at: at(arrival), ..estimated(scan) }
}

#[test]
fn clocks_without_a_zone_put_scans_in_order_whenever_they_arrive() {
    let attempt = |arrival| local(trouble(1, DeliveryAttemptFailed, 0), 100, arrival);
    let delivered = |arrival| local(milestone(2, Delivered, 0), 900, arrival);
    for (first, second) in [(2000, 2000), (2000, 2500), (2500, 2000)] {
        let tracking = folded(&[attempt(first), delivered(second)]);
        assert_eq!((tracking.condition, tracking.delivered_at), (None, Some(at(second))), "{first} {second}");
    }
    let again =
        folded(&[local(milestone(2, OutForDelivery, 0), 100, 2500), local(trouble(1, Held, 0), 900, 2000)]);
    assert_eq!(again.condition.map(|condition| condition.kind), Some(Held));
}

#[test]
fn a_clock_without_a_zone_is_compared_with_times_that_have_one_whenever_it_arrives() {
    for arrival in [200, 900, 5_000] {
        let refused = local(trouble(1, DeliveryAttemptFailed, 0), 100, arrival);
        assert_eq!(kind(&[refused, milestone(2, Delivered, 400)]), None, "{arrival}");
        let moved = local(milestone(2, InTransit, 0), 100, arrival);
        assert_eq!(kind(&[trouble(1, Held, 300), moved]), Some(Held), "{arrival}");
    }
}

/// Scans with a zone do not hide a scan without one that reports another step.
#[test]
fn a_delivery_without_a_zone_ends_a_failed_attempt_beside_times_that_have_one() {
    let scans = [
        milestone(1, InTransit, 100),
        trouble(2, DeliveryAttemptFailed, 700),
        local(milestone(3, Delivered, 0), 1_900, 2_000),
    ];
    assert_eq!(kind(&scans), None);
    assert_eq!(kind(&scans[..2]), Some(DeliveryAttemptFailed));
    // Nobody knows which of the two was later. The delivery counts as the later one.
    assert_eq!(kind(&[scans[1].clone(), local(milestone(3, Delivered, 0), 600, 2_000)]), None);
    let damaged = trouble(4, Damaged, 700);
    assert_eq!(kind(&[scans[0].clone(), damaged, scans[2].clone()]), Some(Damaged));
    // Any other step without a zone is hidden by those that have one, for example a pick-up that is stamped hours
    // late.
    let out = milestone(1, OutForDelivery, 100);
    let stamped_late = local(milestone(4, PickedUp, 0), 1_900, 2_000);
    assert_eq!(kind(&[out, scans[1].clone(), stamped_late]), Some(DeliveryAttemptFailed));
}

#[test]
fn a_shipment_was_shipped_no_later_than_it_was_delivered_whichever_arrived_first() {
    let delivered = local(milestone(1, Delivered, 0), 900, 2_000);
    let moved = local(milestone(2, InTransit, 0), 100, 2_500);
    let tracking = folded(&[delivered, moved]);
    assert_eq!((tracking.shipped_at(), tracking.delivered_at), (Some(at(2_000)), Some(at(2_000))));
}

#[test]
fn of_two_bare_dates_the_delivery_is_the_later_where_it_ends_the_trouble() {
    for (trouble, left) in [
        (DeliveryAttemptFailed, None),
        (Delayed, None),
        (Held, None),
        (Damaged, Some(Damaged)),
        (AddressIssue, None),
        (Other, None),
        (Lost, Some(Lost)),
    ] {
        let day = [
            local(scan(1, Meaning::Condition(trouble), 0), 1_000, 5_000),
            local(milestone(2, OutForDelivery, 0), 1_000, 5_000),
            local(milestone(3, Delivered, 0), 1_000, 5_000),
        ];
        assert_eq!(kind(&day), left);
        assert_eq!(kind(&day[..2]), Some(trouble));
    }
}

#[test]
fn the_way_back_is_told_by_clocks_without_a_zone_in_whatever_order_they_arrive() {
    let turns = [milestone(3, ReturnedToSender, 0), trouble(3, Returning, 0)];
    for (turn, [first, second, third]) in turns.into_iter().flat_map(|turn| {
        [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1], [1, 1, 1]]
            .map(|order| (turn.clone(), order.map(|at| 10_000 + at)))
    }) {
        let there =
            [local(milestone(1, PickedUp, 0), 100, first), local(milestone(2, Delivered, 0), 900, second)];
        let back = local(turn, 1_000, third);
        let mut with = there.to_vec();
        with.push(back);
        assert_eq!(folded(&with), folded(&there), "{first} {second} {third}");
    }
}

#[test]
fn a_pick_up_days_after_the_delivery_begins_the_way_back_by_its_clock() {
    let delivered = local(milestone(1, Delivered, 0), 500, 9_000);
    let back = local(milestone(2, PickedUp, 0), 500 + DAY, 9_000);
    let damaged = local(trouble(3, Damaged, 0), 600 + DAY, 9_000);
    assert_eq!(folded(&[delivered.clone(), back, damaged.clone()]), folded(std::slice::from_ref(&delivered)));
    assert_eq!(kind(&[delivered, damaged]), Some(Damaged));
}

#[test]
fn a_shipment_delivered_by_a_time_before_it_was_out_for_delivery_is_delivered() {
    let tracking = folded(&[milestone(1, OutForDelivery, 500), milestone(2, Delivered, 400)]);
    assert_eq!((tracking.status, tracking.delivered_at), (Delivered, Some(at(400))));
    // It was out for delivery when it was handed over at the latest, and the carrier reported that it was.
    assert_eq!(tracking.out_for_delivery, Some(Reached { at: at(400), inferred: false }));
}

#[test]
fn a_milestone_the_carrier_never_reported_is_inferred_from_the_next() {
    let tracking = folded(&[milestone(1, Delivered, 400)]);
    let inferred = Some(Reached { at: at(400), inferred: true });
    assert_eq!((tracking.shipped, tracking.out_for_delivery), (inferred, inferred));
}

#[test]
fn within_a_rank_the_later_in_the_table_wins_whatever_the_times() {
    let back = folded(&[milestone(1, ReturnedToSender, 100), milestone(2, InTransit, 200)]);
    assert_eq!(back.status, ReturnedToSender);
    let waits = folded(&[milestone(1, AvailableForPickup, 100), milestone(2, OutForDelivery, 200)]);
    assert_eq!(waits.status, AvailableForPickup);
}

#[test]
fn the_condition_is_the_latest_by_the_carriers_time() {
    let two = [trouble(1, Held, 300), trouble(2, Delayed, 200)];
    assert_eq!(kind(&two), Some(Held));
    let condition = folded(&two).condition.expect("it is held");
    assert_eq!((condition.since, condition.message.as_str()), (at(300), "held"));
}

#[test]
fn later_progress_clears_trouble_and_earlier_progress_does_not() {
    let held = trouble(1, Held, 300);
    for status in [PickedUp, InTransit, OutForDelivery, AvailableForPickup, Delivered] {
        // No carrier holds what it has delivered.
        let left = (status != Delivered).then_some(Held);
        assert_eq!(kind(&[held.clone(), milestone(2, status, 299)]), left, "{status} before");
        assert_eq!(kind(&[held.clone(), milestone(2, status, 301)]), None, "{status} after");
    }
    assert_eq!(kind(&[held, milestone(2, LabelCreated, 301)]), Some(Held), "a label is no progress");
}

#[test]
fn a_shipment_on_its_way_back_is_past_it_only_when_it_goes_to_the_customer_again() {
    let back = milestone(1, ReturnedToSender, 300);
    assert_eq!(kind(std::slice::from_ref(&back)), Some(Returning));
    assert_eq!(kind(&[back.clone(), milestone(2, InTransit, 400)]), Some(Returning));
    assert_eq!(kind(&[back.clone(), milestone(2, OutForDelivery, 400)]), Some(Returning), "to the sender");
    for (evidence, left) in [
        (Evidence::Staff, None),
        (Evidence::Supplier, Some(Returning)),
        (Evidence::Physical, Some(Returning)),
        (Evidence::Electronic, Some(Returning)),
    ] {
        let last_leg = Scan { evidence, ..milestone(2, OutForDelivery, 400) };
        assert_eq!(kind(&[back.clone(), last_leg]), left, "{evidence}");
    }
    assert_eq!(kind(&[back, scan(2, Meaning::ReturnCancelled, 400)]), None);
}

#[test]
fn what_the_carrier_says_about_trouble_is_kept_in_its_words() {
    let held = Scan { description: Some("Clearance delay".to_owned()), ..trouble(1, Held, 10) };
    assert_eq!(
        folded(&[held]).condition.map(|condition| condition.message).as_deref(),
        Some("Clearance delay")
    );
}

#[test]
fn an_estimated_time_counts_for_the_rank_and_for_times_only_where_no_other_does() {
    let guessed = estimated(milestone(1, PickedUp, 50));
    let alone = folded(std::slice::from_ref(&guessed));
    assert_eq!((alone.status, alone.shipped_at()), (PickedUp, Some(at(50))));
    let both = folded(&[guessed.clone(), milestone(2, InTransit, 300)]);
    assert_eq!((both.status, both.shipped_at()), (InTransit, Some(at(300))));
    let ahead = folded(&[estimated(milestone(1, Delivered, 50)), milestone(2, InTransit, 300)]);
    assert_eq!((ahead.status, ahead.delivered_at), (Delivered, Some(at(50))));
    assert_eq!(ahead.shipped_at(), Some(at(300)));
    assert_eq!(kind(&[estimated(trouble(1, Held, 900)), trouble(2, Delayed, 10)]), Some(Delayed));
}

#[test]
fn scans_more_than_a_day_older_than_the_order_are_another_shipments() {
    let edge = milestone(1, Delivered, -DAY);
    assert_eq!(folded(&[edge]).status, Delivered);
    let older = milestone(1, Delivered, -DAY - 1);
    assert_eq!(folded(std::slice::from_ref(&older)), Tracking::labelled(None));
    assert_eq!(folded(&[estimated(older)]), Tracking::labelled(None), "it did not happen after it arrived");
}

#[test]
fn a_clock_that_showed_a_time_long_before_the_order_is_of_another_shipment_whenever_it_arrives() {
    let shown = |clock: i64| folded(&[local(milestone(1, Delivered, 0), clock, 10)]).status;
    // A day, and two more for what a zone and a bare date can hide.
    assert_eq!((shown(-3 * DAY), shown(-3 * DAY - 1)), (Delivered, LabelCreated));
    assert_eq!(shown(-400 * DAY), LabelCreated);
}

#[test]
fn no_time_there_is_breaks_the_fold() {
    use chrono::{DateTime, Utc};
    let first = Scan { occurred_at: DateTime::<Utc>::MIN_UTC, ..milestone(1, PickedUp, 0) };
    let last = Scan { occurred_at: DateTime::<Utc>::MAX_UTC, ..milestone(2, Delivered, 0) };
    let return_leg = Scan { occurred_at: DateTime::<Utc>::MAX_UTC, ..milestone(3, PickedUp, 0) };
    for placed_at in [DateTime::<Utc>::MIN_UTC, at(0), DateTime::<Utc>::MAX_UTC] {
        let tracking = fold([&first, &last, &return_leg], placed_at, None);
        assert_eq!(tracking.status, Delivered);
    }
}

#[test]
fn a_pick_up_a_day_after_delivery_is_the_way_back_and_changes_nothing() {
    let delivered = [milestone(1, PickedUp, 100), milestone(2, Delivered, 500)];
    let way_back =
        [milestone(3, PickedUp, 500 + DAY), milestone(4, ReturnedToSender, 501), trouble(5, Returning, 600)];
    for leg in way_back {
        let with = [&delivered[..], std::slice::from_ref(&leg)].concat();
        assert_eq!(folded(&with), folded(&delivered), "{:?}", leg.meaning);
    }
    let late = [milestone(2, Delivered, 500), milestone(3, PickedUp, 500 + DAY - 1)];
    assert!(!shipped_is_inferred(&late), "within a day it is a late scan of the way there");
    let only = [milestone(2, Delivered, 500), milestone(3, PickedUp, 500 + DAY)];
    assert!(shipped_is_inferred(&only), "the way back does not show the way there");
}

#[test]
fn what_happens_on_the_way_back_changes_nothing_of_what_was_delivered() {
    let there = [milestone(1, InTransit, 100), trouble(2, Damaged, DAY), milestone(3, Delivered, 3 * DAY)];
    let begins = [
        milestone(4, PickedUp, 10 * DAY),
        milestone(4, ReturnedToSender, 10 * DAY),
        trouble(4, Returning, 10 * DAY),
    ];
    for begin in begins {
        let returned = [&there[..], std::slice::from_ref(&begin)].concat();
        assert_eq!(folded(&returned), folded(&there), "{:?}", begin.meaning);
        let mut all = returned.clone();
        for kind in ConditionKind::ALL {
            let late = trouble(10 + all.len() as u8, kind, 11 * DAY);
            assert_eq!(
                folded(&[&returned[..], std::slice::from_ref(&late)].concat()),
                folded(&there),
                "{kind}"
            );
            all.push(late);
        }
        all.push(Scan {
            estimate: Some(promise(11 * DAY, 14 * DAY)),
            ..scan(60, Meaning::Informational, 11 * DAY)
        });
        all.extend([milestone(61, OutForDelivery, 13 * DAY), milestone(62, Delivered, 14 * DAY)]);
        assert_eq!(folded(&all), folded(&there), "{:?}", begin.meaning);
        all.reverse();
        assert_eq!(folded(&all), folded(&there), "in whatever order they come");
    }
}

#[test]
fn trouble_between_the_delivery_and_the_way_back_stays_what_it_was() {
    let damaged = [milestone(1, Delivered, 3 * DAY), trouble(2, Damaged, 4 * DAY)];
    let back =
        [milestone(3, PickedUp, 10 * DAY), trouble(4, Delayed, 11 * DAY), milestone(5, Delivered, 14 * DAY)];
    assert_eq!(kind(&damaged), Some(Damaged));
    assert_eq!(
        folded(&[&damaged[..], &back].concat()),
        folded(&damaged),
        "not cleared where it came back to"
    );
    let at_once = [milestone(1, Delivered, 500), trouble(2, Returning, 500), trouble(3, Damaged, 500)];
    assert_eq!(kind(&at_once), Some(Returned), "of one moment, the return counts as the first");
    assert_eq!(folded(&at_once).status, ReturnedToSender);
}

#[test]
fn that_a_scan_without_a_time_of_its_own_arrived_late_does_not_make_it_one_of_the_way_back() {
    let delivered = [milestone(1, PickedUp, 100), milestone(2, Delivered, 500)];
    let trouble_later = trouble(4, Damaged, 500 + 3 * DAY);
    let late = estimated(milestone(3, PickedUp, 500 + 2 * DAY));
    let set = [&delivered[..], &[late, trouble_later]].concat();
    assert_eq!(kind(&set), Some(Damaged), "no way back has begun");
    let way_there = [milestone(2, Delivered, 500), estimated(milestone(3, PickedUp, 500 + 2 * DAY))];
    assert!(!shipped_is_inferred(&way_there), "it was picked up, whenever that was");
    let return_code = estimated(milestone(3, ReturnedToSender, 500 + 2 * DAY));
    assert_eq!(
        folded(&[&delivered[..], &[return_code]].concat()),
        folded(&delivered),
        "the code says it itself"
    );
}

#[test]
fn the_carriers_cancellation_gives_way_to_movement_whichever_came_first() {
    let cancelled = milestone(1, Cancelled, 500);
    assert_eq!(folded(std::slice::from_ref(&cancelled)).status, Cancelled);
    assert_eq!(folded(&[cancelled.clone(), milestone(2, LabelCreated, 600)]).status, Cancelled);
    for minutes in [400, 600] {
        assert_eq!(folded(&[cancelled.clone(), milestone(2, PickedUp, minutes)]).status, PickedUp);
    }
}

#[test]
fn the_latest_promise_is_the_estimated_delivery_even_of_a_scan_that_says_nothing_else() {
    let saying = |number, minutes, expected| Scan {
        estimate: Some(promise(minutes, expected)),
        ..scan(number, Meaning::Informational, minutes)
    };
    let scans = [saying(1, 100, 7_000), saying(2, 50, 8_000)];
    let promised = |minutes| Some(DeliveryEstimate::from_merchant(expected_at(6_000), at(minutes)));
    assert_eq!(fold(&scans, at(0), promised(90)).estimated_delivery, Some(expected_at(7_000)));
    assert_eq!(fold(&scans, at(0), promised(110)).estimated_delivery, Some(expected_at(6_000)), "said last");
    assert_eq!(fold([], at(0), promised(90)).estimated_delivery, Some(expected_at(6_000)));
}
