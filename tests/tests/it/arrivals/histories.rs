//! Random histories of a pair of shipments, arriving as they like, against the run in which each scan came alone and in
//! order.

use std::collections::BTreeSet;

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use domain::{Condition, ConditionKind, Line, Meaning, OrderId, OrderStatus, ShipmentStatus, Tracking};
use persistence::read;
use proptest::{
    prelude::*,
    sample::{Index, select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use tests::{database::Database, front::Front, on_every_database, shop::Shop};

use super::{bodies, carrier_of, mails, register, tells_histories, text};

on_every_database!(any_history_however_it_arrives_is_the_history_of_the_clean_run);

/// A shipment's history as its sender tells it.
#[derive(Clone, Debug)]
struct History {
    sender: Sender,
    /// What was scanned, with the hours since the scan before, and in how many days the delivery was expected then.
    scans: Vec<(Meaning, i64, Option<i64>)>,
    /// Whether every other scan is told without a zone, by those who write times as text.
    lacks_zones: bool,
}

/// How the histories of an order's shipments arrive.
#[derive(Clone, Debug)]
struct Arrival {
    /// Each post: which shipment, and which of its scans are in it.
    posts: Vec<(usize, Vec<usize>)>,
    /// Behind which posts the work is done, by their place.
    pauses: Vec<bool>,
    /// Whether the second shipment is registered only in the end.
    late_registration: bool,
}

fn meanings() -> impl Strategy<Value = Meaning> {
    let statuses = ShipmentStatus::ALL.to_vec();
    prop_oneof![
        4 => select(statuses).prop_map(Meaning::Status),
        2 => select(ConditionKind::ALL.to_vec()).prop_map(Meaning::Condition),
    ]
}

/// Histories that the sender has words for.
fn histories() -> impl Strategy<Value = History> {
    let scans = prop::collection::vec((meanings(), 1..40i64, prop::option::of(1..6i64)), 1..7);
    (select(Sender::ALL.to_vec()), scans, any::<bool>()).prop_map(|(sender, scans, lacks_zones)| {
        let at = DateTime::UNIX_EPOCH.fixed_offset();
        let sayable = |(meaning, ..): &(Meaning, i64, Option<i64>)| {
            let told = [SimulatedScan { meaning: *meaning, at, location: None }];
            let history = SimulatedHistory {
                carrier: carrier_of(sender),
                tracking_number: "1",
                scans: &told,
                estimated_delivery: None,
                sent_at: DateTime::UNIX_EPOCH,
            };
            !sender.simulate(&history).is_empty()
        };
        let mut scans: Vec<_> = scans.into_iter().filter(sayable).collect();
        scans.push((Meaning::Status(ShipmentStatus::InTransit), 1, None));
        History { sender, scans, lacks_zones }
    })
}

/// Two shipments, and a way their histories arrive: every scan at least once, many more than once, in any order,
/// alone and with others.
fn arrivals() -> impl Strategy<Value = (Vec<History>, Arrival)> {
    prop::collection::vec(histories(), 2).prop_flat_map(|histories| {
        let posts: Vec<(usize, Vec<usize>)> = histories
            .iter()
            .enumerate()
            .flat_map(|(shipment, history)| (0..history.scans.len()).map(move |at| (shipment, vec![at])))
            .collect();
        let batch = |shipment: usize, count: usize| {
            subsequence((0..count).collect::<Vec<_>>(), 1..=count).prop_map(move |of| (shipment, of))
        };
        let counts: Vec<usize> = histories.iter().map(|history| history.scans.len()).collect();
        let batches = prop::collection::vec(prop_oneof![batch(0, counts[0]), batch(1, counts[1])], 0..6);
        let again = prop::collection::vec(any::<Index>(), 0..4);
        let all = (batches, again).prop_map(move |(batches, again)| {
            let twice: Vec<_> = again.iter().map(|at| at.get(&posts).clone()).collect();
            [posts.clone(), batches, twice].concat()
        });
        let arrival = (all.prop_shuffle(), prop::collection::vec(any::<bool>(), 32), any::<bool>());
        (
            Just(histories),
            arrival.prop_map(|(posts, pauses, late_registration)| Arrival {
                posts,
                pauses,
                late_registration,
            }),
        )
    })
}

/// What must not depend on the order of arrival.
#[derive(Debug, PartialEq)]
struct End {
    status: OrderStatus,
    reached: BTreeSet<OrderStatus>,
    shipments: Vec<(Tracking, BTreeSet<[u8; 32]>)>,
    notifications: BTreeSet<String>,
}

/// Random histories of a pair of shipments: the order's end is that of the run in which each scan came alone, in order
/// and once. Cases share the database; their count is what a minute allows.
async fn any_history_however_it_arrives_is_the_history_of_the_clean_run(database: Database) {
    let shop = Shop::new(database.store);
    let front = Front::new(&shop);
    let mut runner = TestRunner::deterministic();
    let cases = std::env::var("PROPTEST_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
    for case in 0..cases {
        let (histories, arrival) = arrivals().new_tree(&mut runner).expect("a case").current();
        let clean = Arrival {
            posts: (0..histories.len())
                .flat_map(|shipment| (0..histories[shipment].scans.len()).map(move |at| (shipment, vec![at])))
                .collect(),
            pauses: vec![true; 32],
            late_registration: false,
        };
        let expected = run(&shop, &front, &format!("C{case}"), &histories, &clean).await;
        let got = run(&shop, &front, &format!("A{case}"), &histories, &arrival).await;
        assert_eq!(got.1, expected.1, "case {case}: {histories:#?} {arrival:#?}");
        let mails = mails(&shop).await;
        for order in [expected.0, got.0] {
            let told = mails.get(&order.0).cloned().unwrap_or_default();
            assert!(told.values().all(|count| *count == 1), "case {case}: {told:?}");
        }
        // Both were told of where they ended, if that is news a customer gets.
        let last = |order: OrderId| mails.get(&order.0).and_then(|told| told.keys().max().copied());
        assert_eq!(last(got.0), last(expected.0), "case {case}");
    }
}

/// How many random histories are tried, unless `PROPTEST_CASES` says otherwise.
const CASES: usize = 60;

/// A scan, and when the delivery was expected then.
type Scanned = (SimulatedScan<'static>, Option<DateTime<Utc>>);

/// When a sender wrote a push down whose last scan is this one: an estimate counts as of then. Those that sign the
/// time write it now.
fn written_at(sender: Sender, last: SimulatedScan<'_>, now: DateTime<Utc>) -> DateTime<Utc> {
    match sender {
        Sender::Usps => now,
        Sender::Fedex | Sender::Ups | Sender::Dhl | Sender::Easypost | Sender::Shippo | Sender::Aftership => {
            last.at.to_utc()
        }
    }
}

async fn run(
    shop: &Shop,
    front: &Front,
    name: &str,
    histories: &[History],
    arrival: &Arrival,
) -> (OrderId, End) {
    let start = shop.now() - TimeDelta::hours(400);
    let order = shop.processing_since(&[1, 1], start).await;
    let items: Vec<_> = shop.order(order).await.items().iter().map(|item| item.id).collect();
    let numbers: Vec<String> = (0..histories.len()).map(|shipment| format!("{name}P{shipment}")).collect();
    let shipment = async |at: usize| {
        let lines = vec![Line { item_id: items[at], quantity: 1 }];
        register(shop, order, carrier_of(histories[at].sender), &numbers[at], Some(lines)).await;
    };
    shipment(0).await;
    if !arrival.late_registration {
        shipment(1).await;
    }
    let scans: Vec<Vec<Scanned>> = histories
        .iter()
        .map(|history| {
            let mut at = start.fixed_offset();
            let told = history.scans.iter().map(|(meaning, hours, days)| {
                at += TimeDelta::hours(*hours);
                let expected = days.map(|days| at.to_utc() + TimeDelta::days(days));
                (SimulatedScan { meaning: *meaning, at, location: Some("Reno, NV, US") }, expected)
            });
            told.collect()
        })
        .collect();
    for (post, pause) in arrival.posts.iter().zip(arrival.pauses.iter().cycle()) {
        let (at, of) = post;
        let sender = histories[*at].sender;
        let heard: Vec<Scanned> = of.iter().map(|scan| scans[*at][*scan]).collect();
        // What a sender tells together it tells with what it expects in the end.
        let together = if tells_histories(sender) { heard.len() } else { 1 };
        for heard in heard.chunks(together) {
            let told: Vec<SimulatedScan<'_>> = heard.iter().map(|(told, _)| *told).collect();
            let (last, expected) = heard[heard.len() - 1];
            let sent_at = written_at(sender, last, shop.now());
            for mut body in bodies(sender, &numbers[*at], &told, expected, sent_at) {
                if histories[*at].lacks_zones {
                    let every_other = scans[*at].iter().step_by(2).map(|(told, _)| told.at);
                    body = every_other.fold(body, without_zone);
                }
                assert_eq!(front.post(sender, body).await, 200);
            }
        }
        if *pause {
            shop.drain().await;
        }
    }
    if arrival.late_registration {
        shipment(1).await;
    }
    shop.drain().await;
    let lacks_zones: Vec<bool> = histories.iter().map(|history| history.lacks_zones).collect();
    (order, end(shop, order, &lacks_zones).await)
}

/// The body with that time in it as a clock without a zone shows it.
fn without_zone(body: Vec<u8>, at: DateTime<FixedOffset>) -> Vec<u8> {
    let zoned = at.to_rfc3339_opts(SecondsFormat::Secs, false);
    text(body).replace(&format!("{zoned}\""), &format!("{}\"", at.format("%Y-%m-%dT%H:%M:%S"))).into_bytes()
}

async fn end(shop: &Shop, id: OrderId, lacks_zones: &[bool]) -> End {
    let order = shop.order(id).await;
    let store = &shop.app.store;
    let mut shipments = Vec::new();
    for (shipment, lacks_zones) in order.shipments().iter().zip(lacks_zones) {
        let scans =
            read::scans_of(store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap_or_default();
        // Identities have the number in them, which differs between the runs: the codes and times do not.
        let of = |scan: &domain::Scan| {
            let text = format!("{} {}", scan.code, scan.clock());
            <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(text))
        };
        let tracking = match lacks_zones {
            true => without_times(&shipment.tracking),
            false => shipment.tracking.clone(),
        };
        shipments.push((tracking, scans.iter().map(|stored| of(&stored.scan)).collect()));
    }
    let notifications = read::notifications_of(store, &[id]).await.unwrap().remove(&id).unwrap_or_default();
    End {
        status: order.head().status,
        reached: shop.path(id).await.into_iter().collect(),
        shipments,
        notifications: notifications.iter().map(|notification| notification.kind.to_string()).collect(),
    }
}

/// What remains of a shipment where the arrival stands in for times: what it is, and not since when.
fn without_times(tracking: &Tracking) -> Tracking {
    let never = DateTime::UNIX_EPOCH;
    let condition = tracking.condition.clone().map(|condition| Condition { since: never, ..condition });
    Tracking {
        condition,
        estimated_delivery: None,
        shipped_at: tracking.shipped_at.map(|_| never),
        out_for_delivery_at: tracking.out_for_delivery_at.map(|_| never),
        delivered_at: tracking.delivered_at.map(|_| never),
        ..tracking.clone()
    }
}
