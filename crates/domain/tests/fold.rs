//! The fold over random sets of scans: only the set matters, not the sequence and not the repeats.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::{
    ConditionKind, DeliveryEstimate, Evidence, Meaning, OrderStatus, Rank, Scan, ShipmentStatus,
    ShipmentStatus::*, Tracking, fold,
};
use proptest::{collection::vec, prelude::*, sample::select};
use support::{Story, at, expected_at, milestone, promise, scan};

fn meaning() -> impl Strategy<Value = Meaning> {
    prop_oneof![
        6 => select(ShipmentStatus::ALL.to_vec()).prop_map(Meaning::Status),
        3 => select(ConditionKind::ALL.to_vec()).prop_map(Meaning::Condition),
        2 => select(vec![Meaning::Unknown, Meaning::Informational, Meaning::ReturnCancelled]),
    ]
}

/// Scans with different identities. Some are from before the order, many have the same time, some have only a local
/// time, and some have no time at all.
fn scans() -> impl Strategy<Value = Vec<Scan>> {
    let minutes = prop_oneof![-3_000..9_000i64, (0..4i64).prop_map(|hour| hour * 60)];
    let estimate = prop::option::weighted(0.3, 0..9_000i64);
    let package = prop::option::weighted(0.3, select(vec!["1~N1~FX", "2~N1~FX"]));
    let local =
        prop_oneof![7 => Just(None), 3 => prop::option::weighted(0.7, -6_000..9_000i64).prop_map(Some)];
    let evidence = select([vec![Evidence::Physical], Evidence::ALL.to_vec()].concat());
    let one = ((meaning(), evidence), minutes, local, estimate, package);
    vec(one, 1..9).prop_map(|several| {
        type Drawn = ((Meaning, Evidence), i64, Option<Option<i64>>, Option<i64>, Option<&'static str>);
        let numbered = (0..).zip(several);
        let build = |(number, ((meaning, evidence), minutes, local, expected, package)): (u8, Drawn)| Scan {
            evidence,
            time_estimated: local.is_some(),
            local_time: local.flatten().map(|clock| at(clock).naive_utc()),
            package: package.map(str::to_owned),
            estimate: expected.map(|expected| promise(minutes, expected)),
            ..scan(number, meaning, minutes)
        };
        numbered.map(build).collect()
    })
}

/// A set of scans, and the same set in another sequence, with a repeat in some cases.
fn shuffled() -> impl Strategy<Value = (Vec<Scan>, Vec<Scan>)> {
    (scans(), any::<prop::sample::Selector>()).prop_flat_map(|(set, selector)| {
        let again = selector.try_select(&set).cloned();
        let all: Vec<_> = set.iter().cloned().chain(again).collect();
        (Just(set), Just(all).prop_shuffle())
    })
}

fn of_one_package(scans: Vec<Scan>) -> Vec<Scan> {
    scans.into_iter().map(|scan| Scan { package: None, ..scan }).collect()
}

fn folded(scans: &[Scan]) -> Tracking {
    fold(scans, at(0), Some(DeliveryEstimate::from_merchant(expected_at(5_000), at(-100_000))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn order_and_duplication_make_no_difference((set, shuffled) in shuffled()) {
        prop_assert_eq!(folded(&set), folded(&shuffled));
    }

    /// When scans with a local time arrive does not change the shipment, except for the times that have to be
    /// instants.
    #[test]
    fn the_arrival_of_a_scan_that_has_a_clock_makes_no_difference(set in scans(), arrivals in vec(0..9_000i64, 9)) {
        let later = |(scan, arrival): (&Scan, i64)| match scan.local_time {
            Some(_) => Scan { occurred_at: at(arrival), ..scan.clone() },
            None => scan.clone(),
        };
        let set: Vec<Scan> = set.into_iter().filter(|scan| scan.has_clock()).collect();
        let on_arrival = |scan: &Scan| Scan { occurred_at: scan.occurred_at.max(at(0)), ..scan.clone() };
        let set: Vec<Scan> =
            set.iter().map(|scan| if scan.time_estimated { on_arrival(scan) } else { scan.clone() }).collect();
        let told = |set: &[Scan]| {
            let tracking = folded(set);
            let condition = tracking.condition.map(|condition| condition.kind);
            let inferred = [tracking.shipped, tracking.out_for_delivery].map(|reached| reached.is_some_and(|it| it.inferred));
            (tracking.status, condition, inferred, tracking.estimated_delivery)
        };
        let other: Vec<Scan> = set.iter().zip(arrivals).map(later).collect();
        prop_assert_eq!(told(&set), told(&other));
    }

    /// Batches of any size, in any sequence, give the same shipment and the same statuses of the order. The scans are
    /// of one package: with several, it can turn out late that a scan was about another parcel, and the order never
    /// goes back.
    #[test]
    fn batches_of_any_size_in_any_order_bring_the_order_through_the_same_statuses(
        (set, shuffled) in shuffled(),
        size in 1..4usize,
        two_shipments in any::<bool>(),
    ) {
        let (set, shuffled) = (of_one_package(set), of_one_package(shuffled));
        let end = |batches: Vec<&[Scan]>| {
            let mut story = Story::new(OrderStatus::Processing, &[2]);
            story.ship(1, &[(1, if two_shipments { 1 } else { 2 })]).expect("the units are free");
            if two_shipments {
                story.ship(2, &[(1, 1)]).expect("the units are free");
                story.scanned(2, OutForDelivery);
            }
            for batch in batches {
                story.scans(1, batch);
            }
            (story.tracking(1).clone(), story.path().into_iter().collect::<BTreeSet<_>>())
        };
        let ((tracking, path), (shuffled_tracking, shuffled_path)) =
            (end(vec![&set]), end(shuffled.chunks(size).collect()));
        prop_assert_eq!(tracking, shuffled_tracking);
        prop_assert!(path.is_subset(&shuffled_path));
        if !set.iter().any(may_be_ahead) {
            prop_assert_eq!(path, shuffled_path);
        }
    }

    /// The effects of a batch are those of its scans one by one, in the order of their clocks. Of one package: a batch
    /// knows all packages at once.
    #[test]
    fn a_batch_has_the_effects_of_its_scans_one_by_one(
        (set, shuffled) in shuffled(),
        status in select(vec![OrderStatus::Placed, OrderStatus::Processing]),
    ) {
        let shipped = || {
            let mut story = Story::new(status, &[1]);
            story.ship(1, &[(1, 1)]).expect("the unit is free");
            story
        };
        let mut set = of_one_package(set);
        set.sort_by_key(|scan| (scan.clock(), scan.identity));
        let mut one_by_one = shipped();
        let single: BTreeMap<_, _> =
            set.iter().map(|scan| (scan.identity, one_by_one.scans(1, std::slice::from_ref(scan))[0])).collect();
        let batch = of_one_package(shuffled);
        let mut at_once = shipped();
        let mut heard = BTreeSet::new();
        for (scan, effect) in batch.iter().zip(at_once.scans(1, &batch)) {
            if heard.insert(scan.identity) {
                prop_assert_eq!(effect, single[&scan.identity], "{:?}", scan);
            }
        }
        prop_assert_eq!(at_once.tracking(1), one_by_one.tracking(1));
        let path = |story: &Story| story.path().into_iter().collect::<BTreeSet<_>>();
        prop_assert!(path(&at_once).is_subset(&path(&one_by_one)));
        if !batch.iter().any(may_be_ahead) {
            prop_assert_eq!(at_once.path(), one_by_one.path());
        }
    }

    #[test]
    fn the_shipment_never_goes_back_as_scans_are_added(set in scans(), more in scans()) {
        let (set, more) = (without_returns(set), without_returns(more));
        let mut set: Vec<Scan> = of_one_package(set);
        set.truncate(6);
        let mut before = folded(&set);
        for (number, scan) in (100..).zip(of_one_package(more)) {
            set.push(Scan { identity: domain::ScanIdentity([number; 32]), ..scan });
            let after = folded(&set);
            let cancelled = after.status == Cancelled && before.status == LabelCreated;
            prop_assert!(after.status >= before.status || before.status == Cancelled || cancelled);
            prop_assert!(after.status != Cancelled || before.status.rank() <= Rank::Labelled);
            before = after;
        }
    }

    /// Compares the status and the times with their definitions, one scan at a time.
    #[test]
    fn status_and_times_are_what_the_definition_says(set in scans()) {
        let set = of_one_package(set);
        let tracking = folded(&set);
        let way = way_of(&set);
        let reached = |scan: &Scan, rank: Rank| status(scan).is_some_and(|status| status.rank() >= rank);
        let had_it = |scan: &&Scan| {
            is_return_news(scan) || reached(scan, Rank::Shipped) || shows_possession(scan)
        };
        let shipped = |scan: &&Scan| reached(scan, Rank::Shipped) || shows_possession(scan);
        let in_possession = set.iter().filter(|scan| !is_older(scan)).filter(had_it).any(|scan| scan.evidence != Evidence::Electronic);
        let is_cancelled = !in_possession && way.there.iter().any(|scan| scan.meaning == Meaning::Status(Cancelled));
        let of_rank = |rank: Rank| -> Vec<&Scan> {
            let there = way.there.iter().copied().filter(|scan| match rank {
                Rank::Shipped => shipped(scan),
                Rank::None | Rank::Labelled | Rank::OutForDelivery | Rank::Delivered => reached(scan, rank),
            });
            there.chain(way.ended.iter().copied().filter(|scan| rank == Rank::Shipped && had_it(scan))).collect()
        };
        let first = |rank: Rank| {
            let of_rank = of_rank(rank);
            believed(of_rank).iter().map(|scan| scan.occurred_at).min().filter(|_| !is_cancelled)
        };
        let furthest = way.there.iter().filter_map(|scan| status(scan)).max();
        let is_had = way.there.iter().any(|scan| shows_possession(scan)) || way.ended.iter().any(had_it);
        let at_least = if is_had { InTransit } else { LabelCreated };
        let outbound = if is_cancelled { Cancelled } else { furthest.unwrap_or(at_least).max(at_least) };
        prop_assert_eq!(tracking.in_possession, in_possession);
        prop_assert_eq!(tracking.delivered_at, first(Rank::Delivered));
        prop_assert_eq!(tracking.out_for_delivery.map(|reached| reached.at), first(Rank::OutForDelivery));
        match &way.open {
            None => {
                prop_assert_eq!(tracking.status, outbound);
                prop_assert_eq!(tracking.status_before_return, None);
                prop_assert_eq!(tracking.shipped_at(), first(Rank::Shipped));
            }
            Some(back) => {
                let arrived = |scan: &&Scan| {
                    status(scan) == Some(Delivered) || scan.meaning == Meaning::Condition(ConditionKind::Returned)
                };
                let is_there = back.iter().any(arrived);
                let kind = if is_there { ConditionKind::Returned } else { ConditionKind::Returning };
                prop_assert_eq!(tracking.status, ReturnedToSender);
                prop_assert_eq!(tracking.condition.map(|condition| condition.kind), Some(kind));
                let before = if outbound == Cancelled { LabelCreated } else { outbound };
                prop_assert_eq!(tracking.status_before_return, Some(before));
                prop_assert!(tracking.shipped.is_some());
            }
        }
    }

    /// With the scans in the sequence of their times, the last trouble stands, unless the shipment made progress
    /// since.
    #[test]
    fn the_condition_is_what_is_left_at_the_end_of_the_story(set in scans()) {
        let set = one_after_the_other(of_one_package(set));
        let way = way_of(&set);
        let there = way.there;
        let told = |wanted: &dyn Fn(&Scan) -> bool| {
            believed(there.iter().copied().filter(|scan| wanted(scan)).collect())
        };
        let condition = folded(&set).condition;
        if way.open.is_none() {
            let is_delivered = folded(&set).status == Delivered;
            let lasts = |kind: ConditionKind| matches!(kind, ConditionKind::Damaged | ConditionKind::Lost);
            let troubles = told(&|scan| trouble(scan).is_some_and(|kind| !is_delivered || lasts(kind)));
            let mut now = troubles.last().and_then(|scan| Some((trouble(scan)?, *scan)));
            if let Some((_, since)) = now
                && told(&gets_past).iter().any(|scan| scan.clock() > since.clock())
            {
                now = None;
            }
            prop_assert_eq!(
                condition.map(|condition| (condition.kind, condition.since)),
                now.map(|(kind, scan)| (kind, scan.occurred_at))
            );
        }
    }

    /// It is the promise after which none was made. Of several made at the same time it is the greatest, so that the
    /// sequence of arrival makes no difference.
    #[test]
    fn the_estimated_delivery_is_the_promise_that_nothing_overrides(set in scans()) {
        let set = of_one_package(set);
        let kept: Vec<_> = way_of(&set).there.into_iter().filter_map(|scan| scan.estimate).collect();
        let overridden = |one: &DeliveryEstimate| {
            let by = |other: &DeliveryEstimate| {
                other.said_at > one.said_at || (other.said_at == one.said_at && other.expected > one.expected)
            };
            kept.iter().any(by)
        };
        let last: BTreeSet<_> =
            kept.iter().filter(|one| !overridden(one)).map(|one| one.expected).collect();
        prop_assert!(last.len() <= 1);
        let expected = last.into_iter().next().unwrap_or(expected_at(5_000));
        prop_assert_eq!(folded(&set).estimated_delivery, Some(expected));
    }

    /// The result is the same as without the scans of the other parcels.
    #[test]
    fn of_several_packages_those_that_go_on_from_the_first_that_is_not_older_than_the_order_are_ours(
        set in scans(),
        packages in vec(prop::option::weighted(0.8, 0..4usize), 9),
        months_later in vec(0..3i64, 4),
    ) {
        const PACKAGES: [&str; 4] = ["1~N1~FX", "2~N1~FX", "3~N1~FX", "4~N1~FX"];
        let with = |(scan, package): (Scan, Option<usize>)| match package {
            Some(package) => Scan { package: Some(PACKAGES[package].to_owned()), ..months(months_later[package], scan) },
            None => Scan { package: None, ..scan },
        };
        let set: Vec<Scan> = set.into_iter().zip(packages).map(with).collect();
        let of = |package: &str| set.iter().filter(|scan| scan.package.as_deref() == Some(package)).collect::<Vec<_>>();
        let first = |package: &str| believed(of(package)).iter().map(|scan| scan.clock()).min();
        let mut candidates: Vec<_> = PACKAGES.into_iter().filter(|package| !of(package).is_empty()).collect();
        candidates.sort_by_key(|package| first(package));
        let (older, newer): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|package| of(package).into_iter().any(is_older));
        // If all packages are from before the order, the scans of the one that was scanned first are judged one by
        // one.
        let mut ours: Vec<&str> = if newer.is_empty() { older.into_iter().take(1).collect() } else { vec![] };
        for package in newer {
            let told: Vec<&Scan> = ours.iter().flat_map(|package| of(package)).collect();
            let is_delivered = |scan: &&Scan| scan.meaning == Meaning::Status(Delivered);
            let are_both_delivered = told.iter().any(is_delivered) && of(package).iter().any(is_delivered);
            let delivered = told.iter().copied().filter(|scan| scan.meaning == Meaning::Status(Delivered)).collect();
            let next = first(package).expect("it has scans");
            let was_handed_over = believed(delivered).iter().any(|scan| scan.clock() < next);
            let told = believed(told);
            let was_silent = told.iter().all(|scan| next - scan.clock() > TimeDelta::days(30));
            if ours.is_empty() || !(was_handed_over || was_silent || are_both_delivered) {
                ours.push(package);
            } else {
                break;
            }
        }
        let is_ours = |scan: &&Scan| scan.package.as_deref().is_none_or(|own| ours.contains(&own));
        let alone: Vec<Scan> = set.iter().filter(is_ours).cloned().collect();
        prop_assert_eq!(folded(&set), folded(&of_one_package(alone)));
    }
}

/// The scans with the carrier's own time. If there are none, all scans.
fn believed(scans: Vec<&Scan>) -> Vec<&Scan> {
    let (guessed, known): (Vec<&Scan>, Vec<&Scan>) = scans.into_iter().partition(|scan| scan.time_estimated);
    if known.is_empty() { guessed } else { known }
}

/// The same scan, later by so many months of 40 days.
fn months(later: i64, scan: Scan) -> Scan {
    let later = TimeDelta::days(40) * i32::try_from(later).expect("a few");
    Scan {
        occurred_at: scan.occurred_at + later,
        local_time: scan.local_time.map(|local| local + later),
        ..scan
    }
}

/// Whether the scan is from more than a day before the order, or its local time shows this for certain.
fn is_older(scan: &Scan) -> bool {
    let by_clock = scan.local_time.is_some_and(|local| local < at(-3 * 1_440).naive_utc());
    scan.occurred_at < at(-1_440) || by_clock
}

/// The scans of a shipment by the legs of its way.
struct Way<'a> {
    /// The way to the customer, oldest first, without the news of returns.
    there: Vec<&'a Scan>,
    /// Returns that were called off.
    ended: Vec<&'a Scan>,
    /// The return that has no end.
    open: Option<Vec<&'a Scan>>,
}

/// Goes through the scans in the sequence of their clocks. Of one time, the news of a return are the first, its end
/// comes next, and the delivery is the last.
fn way_of(set: &[Scan]) -> Way<'_> {
    let mut ours: Vec<&Scan> = set.iter().filter(|scan| !is_older(scan)).collect();
    ours.sort_by_key(|scan| (scan.clock(), scan.identity));
    let (mut there, mut ended, mut open) = (vec![], vec![], None::<Vec<&Scan>>);
    let (mut outbound_since, mut is_delivered) = (None, false);
    for same_time in ours.chunk_by(|one, other| one.clock() == other.clock()) {
        let any = |wanted: &dyn Fn(&Scan) -> bool| same_time.iter().any(|scan| wanted(scan));
        if !is_delivered {
            if open.is_none() && any(&is_return_news) {
                open = Some(vec![]);
            }
            if any(&ends_return)
                && let Some(back) = open.take()
            {
                ended.extend(back);
                outbound_since = Some(same_time[0].clock());
            }
        }
        match &mut open {
            Some(back) => back.extend(same_time),
            None => {
                is_delivered |= any(&|scan| status(scan) == Some(Delivered));
                there.extend(same_time);
            }
        }
    }
    let there = before_way_back(there, outbound_since);
    Way { there: there.into_iter().filter(|scan| !is_return_news(scan)).collect(), ended, open }
}

/// The scans without those of the way back after the delivery.
fn before_way_back(ours: Vec<&Scan>, since: Option<chrono::NaiveDateTime>) -> Vec<&Scan> {
    let is_delivered = |scan: &&&Scan| {
        scan.meaning == Meaning::Status(Delivered) && since.is_none_or(|since| scan.clock() >= since)
    };
    let by_the_carrier = ours.iter().filter(is_delivered).find(|scan| !scan.time_estimated);
    let Some(delivered) = by_the_carrier.or(ours.iter().find(is_delivered)).map(|scan| scan.clock()) else {
        return ours;
    };
    let begins = |scan: &Scan| match scan.meaning {
        Meaning::Status(PickedUp) => scan.has_clock() && scan.clock() >= delivered + TimeDelta::days(1),
        _ => is_return_news(scan) && scan.clock() >= delivered,
    };
    let Some(turns) = ours.iter().find(|scan| begins(scan)).map(|scan| scan.clock()) else { return ours };
    let there = |scan: &&Scan| {
        let before = scan.clock() < turns || scan.clock() <= delivered || !scan.has_clock();
        before && !begins(scan)
    };
    ours.into_iter().filter(there).collect()
}

fn is_return_news(scan: &Scan) -> bool {
    matches!(
        scan.meaning,
        Meaning::Status(ReturnedToSender)
            | Meaning::Condition(ConditionKind::Returning | ConditionKind::Returned)
    )
}

fn ends_return(scan: &Scan) -> bool {
    let is_last_leg =
        matches!(scan.meaning, Meaning::Status(OutForDelivery | AvailableForPickup | Delivered));
    scan.meaning == Meaning::ReturnCancelled || (is_last_leg && scan.evidence == Evidence::Staff)
}

/// Whether a scan without a status shows that the carrier had the parcel.
fn shows_possession(scan: &Scan) -> bool {
    matches!(
        scan.meaning,
        Meaning::Condition(ConditionKind::DeliveryAttemptFailed | ConditionKind::Damaged)
            | Meaning::ReturnCancelled
    )
}

/// Whether the order may be further if such a scan arrives alone. A delivery that arrives before the news of the return
/// moves the order, and so does data about a label before the cancellation. The order never goes back.
fn may_be_ahead(scan: &Scan) -> bool {
    is_return_news(scan) || scan.evidence == Evidence::Electronic
}

/// The scans without those of returns.
fn without_returns(scans: Vec<Scan>) -> Vec<Scan> {
    let physical = |scan: &Scan| scan.evidence != Evidence::Electronic;
    scans.into_iter().filter(|scan| !is_return_news(scan) && physical(scan)).collect()
}

/// The status that the scan reports on the way to the customer.
fn status(scan: &Scan) -> Option<ShipmentStatus> {
    match scan.meaning {
        Meaning::Status(Cancelled | ReturnedToSender) => None,
        Meaning::Status(status) => Some(status),
        _ => None,
    }
}

/// The same scans, each with another time.
fn one_after_the_other(set: Vec<Scan>) -> Vec<Scan> {
    let later = |(second, scan): (i64, Scan)| Scan {
        occurred_at: scan.occurred_at + TimeDelta::seconds(second),
        local_time: scan.local_time.map(|local| local + TimeDelta::seconds(second)),
        ..scan
    };
    (0..).zip(set).map(later).collect()
}

fn trouble(scan: &Scan) -> Option<ConditionKind> {
    match scan.meaning {
        Meaning::Condition(kind) if !is_return_news(scan) => Some(kind),
        _ => None,
    }
}

/// Whether the scan shows enough progress to end trouble.
fn gets_past(scan: &Scan) -> bool {
    status(scan).is_some_and(|status| status.rank() >= Rank::Shipped)
}

#[test]
fn all_720_orders_of_six_scans_with_duplicates_tell_one_story() {
    let six = [
        milestone(1, LabelCreated, 10),
        milestone(2, PickedUp, 100),
        milestone(3, InTransit, 200),
        scan(4, Meaning::Condition(ConditionKind::DeliveryAttemptFailed), 300),
        milestone(5, OutForDelivery, 400),
        milestone(6, Delivered, 500),
    ];
    let mut ends = Vec::new();
    permutations(&mut six.to_vec(), 0, &mut |scans| {
        let mut story = Story::new(OrderStatus::Processing, &[1]);
        story.ship(1, &[(1, 1)]).expect("the unit is free");
        for scan in scans {
            story.scans(1, std::slice::from_ref(scan));
            story.scans(1, &[scans[0].clone()]);
        }
        assert_eq!(*story.tracking(1), fold(&six, at(0), None));
        ends.push(story.path());
    });
    assert_eq!(ends.len(), 720);
    assert!(ends.iter().all(|path| path[..] == domain::FULFILMENT_SEQUENCE[1..]));
}

fn permutations(scans: &mut Vec<Scan>, from: usize, each: &mut impl FnMut(&[Scan])) {
    if from == scans.len() {
        return each(scans);
    }
    for at in from..scans.len() {
        scans.swap(from, at);
        permutations(scans, from + 1, each);
        scans.swap(from, at);
    }
}

/// A return that begins before the delivery ends the way there, in whatever sequence one push tells of it.
#[test]
fn all_720_orders_of_a_return_before_the_delivery_end_at_the_sender() {
    let six = [
        milestone(1, InTransit, 0),
        milestone(2, OutForDelivery, 1_440),
        scan(3, Meaning::Condition(ConditionKind::DeliveryAttemptFailed), 1_680),
        milestone(4, ReturnedToSender, 2_880),
        milestone(5, InTransit, 4_320),
        milestone(6, Delivered, 7_080),
    ];
    permutations(&mut six.to_vec(), 0, &mut |scans| {
        let shipped = || {
            let mut story = Story::new(OrderStatus::Processing, &[1]);
            story.ship(1, &[(1, 1)]).expect("the unit is free");
            story
        };
        let (mut at_once, mut one_by_one) = (shipped(), shipped());
        at_once.scans(1, scans);
        scans.iter().for_each(|scan| drop(one_by_one.scans(1, std::slice::from_ref(scan))));
        let is_told_in_time = |of: &[Scan]| {
            of.iter().position(|scan| scan.meaning == Meaning::Status(ReturnedToSender))
                < of.iter().position(|scan| scan.meaning == Meaning::Status(Delivered))
        };
        assert_eq!(at_once.tracking(1), one_by_one.tracking(1));
        let condition = at_once.tracking(1).condition.as_ref().map(|condition| condition.kind);
        assert_eq!(
            (at_once.tracking(1).status, condition),
            (ReturnedToSender, Some(ConditionKind::Returned))
        );
        assert_eq!(at_once.status(), OrderStatus::OutForDelivery);
        assert!(at_once.order.changes().transitions.iter().skip(1).all(|step| !step.may_notify()));
        let is_disputed = domain::is_status_disputed(
            one_by_one.status(),
            one_by_one.order.items(),
            one_by_one.order.shipments(),
        );
        assert_eq!(is_disputed, !is_told_in_time(scans), "a delivery that came first has moved the order");
        if !is_disputed {
            assert_eq!(one_by_one.path(), at_once.path());
        }
        at_once.cancel_shipment(1).expect("it will not arrive");
        at_once.ship(2, &[(1, 1)]).expect("its units are free");
    });
}
