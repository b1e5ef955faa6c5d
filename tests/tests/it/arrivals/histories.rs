//! Tests random histories of two shipments that arrive in a random sequence. The result must equal that of the clean
//! run, in which each scan arrives alone, in order and once.

use std::collections::BTreeSet;

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use domain::{
    Condition, ConditionKind, ItemQuantity, Meaning, OrderId, OrderStatus, Reached, ShipmentStatus, Tracking,
};
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

/// The history of a shipment, as its sender reports it.
#[derive(Clone, Debug)]
struct History {
    sender: Sender,
    /// For each scan: its meaning, the hours since the previous scan, and in how many days the delivery was expected
    /// then.
    scans: Vec<(Meaning, i64, Option<i64>)>,
    /// Whether every second scan has a time without a zone. Only formats that write times as text can do that.
    lacks_zones: bool,
}

/// How the histories of an order's shipments arrive.
#[derive(Clone, Debug)]
struct Arrival {
    /// For each post: the index of the shipment, and the indexes of the scans to report.
    posts: Vec<(usize, Vec<usize>)>,
    /// For each post, whether the worker processes the webhooks after it.
    pauses: Vec<bool>,
    /// Whether the second shipment is registered only after all posts.
    late_registration: bool,
}

fn meanings() -> impl Strategy<Value = Meaning> {
    let statuses = ShipmentStatus::ALL.to_vec();
    prop_oneof![
        4 => select(statuses).prop_map(Meaning::Status),
        2 => select(ConditionKind::ALL.to_vec()).prop_map(Meaning::Condition),
    ]
}

/// Generates histories that the format of the sender can express.
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

/// Generates two histories and a way in which they arrive. Every scan is posted at least once; some are posted again,
/// alone or together with others. The sequence is random.
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

/// The part of the result that must not depend on the sequence of arrival.
#[derive(Debug, PartialEq)]
struct End {
    status: OrderStatus,
    reached: BTreeSet<OrderStatus>,
    shipments: Vec<(Tracking, BTreeSet<[u8; 32]>)>,
    notifications: BTreeSet<String>,
}

/// Compares random arrivals with the clean run. All cases share a database. Their number is chosen so that the test
/// takes about a minute.
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
        if histories.iter().any(tells_of_return) {
            // A delivery that arrives before the news of the return moves the order, and the order never goes back.
            assert_eq!(got.1.shipments, expected.1.shipments, "case {case}: {histories:#?} {arrival:#?}");
            continue;
        }
        assert_eq!(got.1, expected.1, "case {case}: {histories:#?} {arrival:#?}");
        let mails = mails(&shop).await;
        for order in [expected.0, got.0] {
            let told = mails.get(&order.0).cloned().unwrap_or_default();
            assert!(told.values().all(|count| *count == 1), "case {case}: {told:?}");
        }
        // In both runs the last mail must be about the same status, if there are mails.
        let last = |order: OrderId| mails.get(&order.0).and_then(|told| told.keys().max().copied());
        assert_eq!(last(got.0), last(expected.0), "case {case}");
    }
}

fn tells_of_return(history: &History) -> bool {
    history.scans.iter().any(|(meaning, ..)| match meaning {
        Meaning::Status(status) => *status == ShipmentStatus::ReturnedToSender,
        Meaning::Condition(kind) => matches!(kind, ConditionKind::Returning | ConditionKind::Returned),
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => false,
    })
}

/// The number of random cases, unless `PROPTEST_CASES` sets another one.
const CASES: usize = 60;

/// A scan, and the delivery time that was expected when it was made.
type Scanned = (SimulatedScan<'static>, Option<DateTime<Utc>>);

/// Whether the sender says when it wrote a push. The estimates of the others count in the sequence of their arrival.
fn dates_its_pushes(sender: Sender) -> bool {
    !matches!(sender, Sender::Fedex | Sender::Ups | Sender::Dhl)
}

/// Returns when the sender writes a push whose last scan is `last`; an estimate counts from this time. USPS signs the
/// time of the push, so it must be now.
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
        let lines = vec![ItemQuantity { item_id: items[at], quantity: 1 }];
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
                let days = days.filter(|_| dates_its_pushes(history.sender));
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
        // A push with several scans reports the estimate of its last scan.
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

/// Replaces a time in a body by the same local time without a zone.
fn without_zone(body: Vec<u8>, at: DateTime<FixedOffset>) -> Vec<u8> {
    let zoned = at.to_rfc3339_opts(SecondsFormat::Secs, false);
    text(body).replace(&format!("{zoned}\""), &format!("{}\"", at.format("%Y-%m-%dT%H:%M:%S"))).into_bytes()
}

async fn end(shop: &Shop, id: OrderId, lacks_zones: &[bool]) -> End {
    let order = shop.order(id).await;
    let store = &shop.store;
    let mut shipments = Vec::new();
    for (shipment, lacks_zones) in order.shipments().iter().zip(lacks_zones) {
        let scans =
            read::scans_of(store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap_or_default();
        // The identity of a scan contains the tracking number, which differs between the runs. Compare the codes and
        // the times instead.
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

/// Removes the times that depend on the arrival. They do where a scan's own time has no zone.
fn without_times(tracking: &Tracking) -> Tracking {
    let never = DateTime::UNIX_EPOCH;
    let without_time = |reached| Reached { at: never, ..reached };
    let condition = tracking.condition.clone().map(|condition| Condition { since: never, ..condition });
    Tracking {
        condition,
        estimated_delivery: None,
        shipped: tracking.shipped.map(without_time),
        out_for_delivery: tracking.out_for_delivery.map(without_time),
        delivered_at: tracking.delivered_at.map(|_| never),
        ..tracking.clone()
    }
}
