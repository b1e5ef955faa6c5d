//! Whatever the order of arrival, the same scans give the same state: through `POST /webhooks/…`, in every
//! sender's own format.

use std::collections::{BTreeMap, BTreeSet};

use carriers::{Compose, Sender, Told};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Carrier, ConditionKind, LINE, Line, Meaning, NewShipment, OrderId, OrderStatus, ShipmentId,
    ShipmentStatus, Tracking,
};
use futures::{StreamExt, stream};
use persistence::{mailbox, read};
use proptest::{
    prelude::*,
    sample::{Index, select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use tests::{
    database::Database,
    front::Front,
    on_every_database,
    shop::{Shop, support},
};
use uuid::Uuid;

on_every_database!(
    all_720_orders_of_six_scans_of_fedex_are_one_story,
    all_720_orders_of_six_scans_of_ups_are_one_story,
    all_720_orders_of_six_scans_of_usps_are_one_story,
    all_720_orders_of_six_scans_of_dhl_are_one_story,
    all_720_orders_of_six_scans_of_easypost_are_one_story,
    all_720_orders_of_six_scans_of_shippo_are_one_story,
    all_720_orders_of_six_scans_of_aftership_are_one_story,
    any_history_however_it_arrives_is_the_history_of_the_clean_run,
);

async fn all_720_orders_of_six_scans_of_fedex_are_one_story(database: Database) {
    all_720(database, Sender::Fedex).await;
}

async fn all_720_orders_of_six_scans_of_ups_are_one_story(database: Database) {
    all_720(database, Sender::Ups).await;
}

async fn all_720_orders_of_six_scans_of_usps_are_one_story(database: Database) {
    all_720(database, Sender::Usps).await;
}

async fn all_720_orders_of_six_scans_of_dhl_are_one_story(database: Database) {
    all_720(database, Sender::Dhl).await;
}

async fn all_720_orders_of_six_scans_of_easypost_are_one_story(database: Database) {
    all_720(database, Sender::Easypost).await;
}

async fn all_720_orders_of_six_scans_of_shippo_are_one_story(database: Database) {
    all_720(database, Sender::Shippo).await;
}

async fn all_720_orders_of_six_scans_of_aftership_are_one_story(database: Database) {
    all_720(database, Sender::Aftership).await;
}

/// One order for each permutation; in every round each order hears its next scan, and all before it once more.
async fn all_720(database: Database, sender: Sender) {
    let shop = Shop::new(database.store);
    let front = Front::of(&shop);
    let trouble = Meaning::Condition(ConditionKind::DeliveryAttemptFailed);
    let status = Meaning::Status;
    let six = [
        status(ShipmentStatus::LabelCreated),
        status(ShipmentStatus::PickedUp),
        status(ShipmentStatus::InTransit),
        trouble,
        status(ShipmentStatus::OutForDelivery),
        status(ShipmentStatus::Delivered),
    ];
    let start = shop.now().fixed_offset() - TimeDelta::hours(10);
    let scans: Vec<Told<'_>> = six
        .into_iter()
        .zip(0..)
        .map(|(meaning, hour)| Told {
            meaning,
            at: start + TimeDelta::hours(hour),
            location: Some("Reno, NV, US"),
        })
        .collect();
    let permutations = permutations(6);
    let orders: Vec<(OrderId, String)> = stream::iter(0..permutations.len())
        .map(|at| {
            let shop = shop.clone();
            async move {
                let number = format!("7946{at:08}");
                let order = shop.processing(&[1]).await;
                register(&shop, order, carrier_of(sender), &number, None).await;
                (order, number)
            }
        })
        .buffered(64)
        .collect()
        .await;

    for round in 0..six.len() {
        for so_far in [false, true] {
            let bodies = permutations.iter().zip(&orders).flat_map(|(permutation, (_, number))| {
                let heard = if so_far { &permutation[..=round] } else { &permutation[round..=round] };
                let mut heard: Vec<Told<'_>> = heard.iter().map(|at| scans[*at]).collect();
                heard.sort_by_key(|scan| scan.at);
                bodies(sender, number, &heard, shop.now())
            });
            front.post_all(bodies.map(|body| (sender, body))).await;
            shop.drain().await;
        }
    }

    let clean = shop.order(orders[0].0).await.shipments()[0].tracking.clone();
    assert_eq!(clean.status, ShipmentStatus::Delivered);
    assert_eq!(clean.condition, None, "delivered is past a failed attempt");
    assert_eq!(clean.delivered_at, Some(scans[5].at.to_utc()));
    assert_eq!(clean.shipped_at, Some(scans[1].at.to_utc()));
    let mails = mails(&shop).await;
    for ((order, number), permutation) in orders.iter().zip(&permutations) {
        let now = shop.order(*order).await;
        assert_eq!(now.shipments()[0].tracking, clean, "{number} {permutation:?}");
        assert_eq!(shop.path(*order).await[2..], LINE, "{number} {permutation:?}");
        let kept = read::scans_of(&shop.app.store, &[now.shipments()[0].id]).await.unwrap();
        assert_eq!(kept.values().map(Vec::len).sum::<usize>(), 6, "{number}: each scan once");
        let told = &mails[&order.0];
        assert_eq!(told.get(&OrderStatus::Delivered), Some(&1), "{number} {permutation:?}");
        assert!(told.values().all(|count| *count == 1), "{number} {told:?}");
    }
}

/// The bodies in which a sender tells these scans.
fn bodies(sender: Sender, number: &str, scans: &[Told<'_>], now: DateTime<Utc>) -> Vec<Vec<u8>> {
    let history = Compose {
        carrier: carrier_of(sender),
        tracking_number: number,
        scans,
        estimated_delivery: None,
        sent_at: now,
    };
    let bodies = sender.compose(&history);
    assert!(!bodies.is_empty(), "{sender} has no words for {scans:?}");
    bodies
}

fn carrier_of(sender: Sender) -> Carrier {
    sender.carrier().unwrap_or(Carrier::Dhl)
}

async fn register(shop: &Shop, order: OrderId, carrier: Carrier, number: &str, lines: Option<Vec<Line>>) {
    let new = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        carrier,
        tracking_number: number.to_owned(),
        origin: None,
        lines,
        estimated_delivery: None,
    };
    shop.app.create_shipment(support(), order, new, None).await.expect("the parcel is registered");
}

/// How many mails left about each status, by order.
async fn mails(shop: &Shop) -> BTreeMap<Uuid, BTreeMap<OrderStatus, u32>> {
    let mut counts: BTreeMap<Uuid, BTreeMap<OrderStatus, u32>> = BTreeMap::new();
    for mail in mailbox::latest(&shop.app.store, 100_000).await.expect("the mailbox opens") {
        // `notify-{order}-{status}`
        let key = mail.message_id.strip_prefix("notify-").expect("a notice");
        let (order, status) = key.rsplit_once('-').expect("an order and a status");
        let of_order = counts.entry(order.parse().expect("an order's id")).or_default();
        *of_order.entry(status.parse().expect("a status")).or_default() += 1;
    }
    counts
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    fn go(at: &mut Vec<usize>, from: usize, all: &mut Vec<Vec<usize>>) {
        if from == at.len() {
            return all.push(at.clone());
        }
        for other in from..at.len() {
            at.swap(from, other);
            go(at, from + 1, all);
            at.swap(from, other);
        }
    }
    let mut all = Vec::new();
    go(&mut (0..count).collect(), 0, &mut all);
    all
}

/// A parcel's history as its sender tells it.
#[derive(Clone, Debug)]
struct History {
    sender: Sender,
    /// What was scanned, with the hours since the scan before.
    scans: Vec<(Meaning, i64)>,
}

/// How the histories of an order's parcels arrive.
#[derive(Clone, Debug)]
struct Arrival {
    /// Each post: which parcel, and which of its scans are in it.
    posts: Vec<(usize, Vec<usize>)>,
    /// Behind which posts the work is done, by their place.
    pauses: Vec<bool>,
    /// Whether the second parcel is registered only in the end.
    late_registration: bool,
}

fn meanings() -> impl Strategy<Value = Meaning> {
    let statuses = ShipmentStatus::ALL.to_vec();
    prop_oneof![
        4 => select(statuses).prop_map(Meaning::Status),
        1 => select(vec![ConditionKind::DeliveryAttemptFailed, ConditionKind::Delayed, ConditionKind::Other])
            .prop_map(Meaning::Condition),
    ]
}

/// Histories that the sender has words for.
fn histories() -> impl Strategy<Value = History> {
    let scans = prop::collection::vec((meanings(), 1..40i64), 1..7);
    (select(Sender::ALL.to_vec()), scans).prop_map(|(sender, scans)| {
        let at = DateTime::UNIX_EPOCH.fixed_offset();
        let sayable = |(meaning, _): &(Meaning, i64)| {
            let told = [Told { meaning: *meaning, at, location: None }];
            let history = Compose {
                carrier: carrier_of(sender),
                tracking_number: "1",
                scans: &told,
                estimated_delivery: None,
                sent_at: DateTime::UNIX_EPOCH,
            };
            !sender.compose(&history).is_empty()
        };
        let mut scans: Vec<_> = scans.into_iter().filter(sayable).collect();
        scans.push((Meaning::Status(ShipmentStatus::InTransit), 1));
        History { sender, scans }
    })
}

/// Two parcels, and a way their histories arrive: every scan at least once, many more than once, in any order,
/// alone and with others.
fn arrivals() -> impl Strategy<Value = (Vec<History>, Arrival)> {
    prop::collection::vec(histories(), 2).prop_flat_map(|histories| {
        let posts: Vec<(usize, Vec<usize>)> = histories
            .iter()
            .enumerate()
            .flat_map(|(parcel, history)| (0..history.scans.len()).map(move |at| (parcel, vec![at])))
            .collect();
        let batch = |parcel: usize, count: usize| {
            subsequence((0..count).collect::<Vec<_>>(), 1..=count).prop_map(move |of| (parcel, of))
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
    parcels: Vec<(Tracking, BTreeSet<[u8; 32]>)>,
    notices: BTreeSet<String>,
}

/// Random histories of a pair of parcels: the order's end is that of the run in which each scan came alone, in order
/// and once. Cases share the database; their count is what a minute allows.
async fn any_history_however_it_arrives_is_the_history_of_the_clean_run(database: Database) {
    let shop = Shop::new(database.store);
    let front = Front::of(&shop);
    let mut runner = TestRunner::deterministic();
    for case in 0..CASES {
        let (histories, arrival) = arrivals().new_tree(&mut runner).expect("a case").current();
        let clean = Arrival {
            posts: (0..histories.len())
                .flat_map(|parcel| (0..histories[parcel].scans.len()).map(move |at| (parcel, vec![at])))
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

/// How many random histories are tried.
const CASES: usize = 60;

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
    let numbers: Vec<String> = (0..histories.len()).map(|parcel| format!("{name}P{parcel}")).collect();
    let parcel = async |at: usize| {
        let lines = vec![Line { item_id: items[at], quantity: 1 }];
        register(shop, order, carrier_of(histories[at].sender), &numbers[at], Some(lines)).await;
    };
    parcel(0).await;
    if !arrival.late_registration {
        parcel(1).await;
    }
    let scans: Vec<Vec<Told<'_>>> = histories
        .iter()
        .map(|history| {
            let mut at = start.fixed_offset();
            let told = history.scans.iter().map(|(meaning, hours)| {
                at += TimeDelta::hours(*hours);
                Told { meaning: *meaning, at, location: Some("Reno, NV, US") }
            });
            told.collect()
        })
        .collect();
    for (post, pause) in arrival.posts.iter().zip(arrival.pauses.iter().cycle()) {
        let (at, of) = post;
        let heard: Vec<Told<'_>> = of.iter().map(|scan| scans[*at][*scan]).collect();
        let sender = histories[*at].sender;
        for body in bodies(sender, &numbers[*at], &heard, shop.now()) {
            assert_eq!(front.post(sender, body).await, 200);
        }
        if *pause {
            shop.drain().await;
        }
    }
    if arrival.late_registration {
        parcel(1).await;
    }
    shop.drain().await;
    (order, end(shop, order).await)
}

async fn end(shop: &Shop, id: OrderId) -> End {
    let order = shop.order(id).await;
    let store = &shop.app.store;
    let mut parcels = Vec::new();
    for shipment in order.shipments() {
        let scans =
            read::scans_of(store, &[shipment.id]).await.unwrap().remove(&shipment.id).unwrap_or_default();
        // Identities have the number in them, which differs between the runs: the codes and times do not.
        let of = |scan: &domain::Scan| {
            let text = format!("{} {}", scan.code, scan.occurred_at);
            <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(text))
        };
        parcels.push((shipment.tracking.clone(), scans.iter().map(|stored| of(&stored.scan)).collect()));
    }
    let notices = read::notices_of(store, &[id]).await.unwrap().remove(&id).unwrap_or_default();
    End {
        status: order.head().status,
        reached: shop.path(id).await.into_iter().collect(),
        parcels,
        notices: notices.iter().map(|notice| notice.status.to_string()).collect(),
    }
}
