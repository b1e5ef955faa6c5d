//! Tests random histories of two shipments that arrive in a random sequence, and of which staff may retract a scan. The
//! result must equal that of the clean run, in which each scan arrives alone, in order and once, and is retracted last.
//!
//! 1. The shipments are always equal: their state depends on the set of the scans that count.
//! 2. Without a return and without a retraction, the orders are equal too, and so is what was mailed.
//! 3. With one of them, the status of an order may depend on the sequence: an order never goes back. For example, a
//!    delivery that arrives before the news of the return leaves the order delivered, and its status is disputed. The
//!    order then stands at least where its shipments allow, and no further than the scans of its slowest shipment ever
//!    said. It has gone through every status up to there, and nothing else was mailed.

use std::collections::BTreeSet;

use carriers::{Sender, SimulatedHistory, SimulatedScan};
use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use domain::{
    Condition, ConditionKind, FULFILMENT_SEQUENCE, ItemQuantity, Meaning, NotificationKind, OrderId,
    OrderStatus, Rank, Reached, ShipmentId, ShipmentStatus, StoredScan, Tracking, is_status_disputed,
};
use persistence::read;
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
    retraction: Option<Retraction>,
}

/// A scan that staff retracts.
#[derive(Clone, Copy, Debug)]
struct Retraction {
    shipment: usize,
    /// The index of the scan in the history.
    scan: usize,
    /// The index of the post after which it is retracted. The scan is in this post or in an earlier one.
    after: usize,
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
        let retracted = prop::option::weighted(0.4, (0..2usize, any::<Index>(), any::<Index>()));
        let arrival =
            (all.prop_shuffle(), prop::collection::vec(any::<bool>(), 32), any::<bool>(), retracted);
        let arrival = arrival.prop_map(move |(posts, pauses, late_registration, retracted)| {
            let retraction = retracted.map(|(shipment, scan, after)| {
                let scan = scan.index(counts[shipment]);
                let has_scan = |post: &(usize, Vec<usize>)| post.0 == shipment && post.1.contains(&scan);
                let first = posts.iter().position(has_scan).expect("every scan is posted");
                Retraction { shipment, scan, after: first.max(after.index(posts.len())) }
            });
            Arrival { posts, pauses, late_registration, retraction }
        });
        (Just(histories), arrival)
    })
}

/// The part of the result that must not depend on the sequence of arrival.
#[derive(Debug, PartialEq)]
struct End {
    status: OrderStatus,
    reached: BTreeSet<OrderStatus>,
    shipments: Vec<(Tracking, BTreeSet<[u8; 32]>)>,
    notifications: BTreeSet<NotificationKind>,
    /// How far the slowest unit is, and how far the scans of the slowest shipment ever said, as places in
    /// [`FULFILMENT_SEQUENCE`].
    place_of_units: usize,
    furthest_place: usize,
    is_disputed: bool,
}

impl End {
    /// Checks rule 3.
    fn assert_within_rules(&self, case: &str) {
        let place = FULFILMENT_SEQUENCE.iter().position(|status| *status == self.status);
        let place = place.unwrap_or_else(|| panic!("{case}: {self:?}"));
        assert!((self.place_of_units..=self.furthest_place.max(1)).contains(&place), "{case}: {self:?}");
        let before = [OrderStatus::Placed, OrderStatus::PaymentConfirmed];
        let passed: BTreeSet<_> = before.iter().chain(&FULFILMENT_SEQUENCE[..=place]).copied().collect();
        assert_eq!(self.reached, passed, "{case}");
        let mut told = self.notifications.iter().filter_map(|kind| kind.status());
        assert!(told.all(|status| passed.contains(&status)), "{case}: {self:?}");
        assert!(!self.is_disputed || self.status == OrderStatus::Delivered, "{case}: {self:?}");
        let is_behind = self.place_of_units < place && self.status == OrderStatus::Delivered;
        assert!(self.is_disputed || !is_behind || self.has_no_live_shipment(), "{case}: {self:?}");
    }

    fn has_no_live_shipment(&self) -> bool {
        self.shipments.iter().all(|(tracking, _)| tracking.status == ShipmentStatus::Cancelled)
    }
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
            retraction: arrival.retraction.map(|retraction| Retraction { after: usize::MAX, ..retraction }),
        };
        let expected = run(&shop, &front, &format!("C{case}"), &histories, &clean).await;
        let got = run(&shop, &front, &format!("A{case}"), &histories, &arrival).await;
        let described = format!("case {case}: {histories:#?} {arrival:#?}");
        assert_eq!(got.1.shipments, expected.1.shipments, "{described}");
        got.1.assert_within_rules(&described);
        expected.1.assert_within_rules(&described);
        let mails = mails(&shop).await;
        for order in [expected.0, got.0] {
            let told = mails.get(&order.0).cloned().unwrap_or_default();
            assert!(told.values().all(|count| *count == 1), "case {case}: {told:?}");
        }
        if arrival.retraction.is_some() || histories.iter().any(tells_of_return) {
            continue;
        }
        assert_eq!(got.1, expected.1, "{described}");
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
    let retract = async |retraction: Retraction| {
        shop.drain().await;
        let (told, _) = scans[retraction.shipment][retraction.scan];
        let stored = stored_scans(shop, shop.order(order).await.shipments()[retraction.shipment].id).await;
        let wrong = stored.iter().find(|stored| stored.scan.clock() == told.at.naive_utc());
        if let Some(wrong) = wrong {
            let reason = "it is another parcel's".to_owned();
            shop.app.orders().retract_scan(support(), wrong.id, reason, None).await.expect("it is retracted");
        }
    };
    let last = arrival.posts.len() - 1;
    let mut retraction = arrival.retraction;
    for ((place, post), pause) in arrival.posts.iter().enumerate().zip(arrival.pauses.iter().cycle()) {
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
        let is_registered = |one: &Retraction| one.shipment == 0 || !arrival.late_registration;
        if let Some(due) = retraction.take_if(|one| is_registered(one) && one.after.min(last) == place) {
            retract(due).await;
        }
    }
    if arrival.late_registration {
        shipment(1).await;
    }
    if let Some(due) = retraction {
        retract(due).await;
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

async fn stored_scans(shop: &Shop, shipment: ShipmentId) -> Vec<StoredScan> {
    read::scans_of(&shop.store, &[shipment]).await.unwrap().remove(&shipment).unwrap_or_default()
}

/// How far the units are of which this scan tells.
fn told_rank(stored: &StoredScan) -> Rank {
    match stored.scan.meaning {
        Meaning::Status(status) => status.rank(),
        Meaning::Condition(_) | Meaning::ReturnCancelled => Rank::Shipped,
        Meaning::Informational | Meaning::Unknown => Rank::None,
    }
}

async fn end(shop: &Shop, id: OrderId, lacks_zones: &[bool]) -> End {
    let order = shop.order(id).await;
    let store = &shop.store;
    let mut shipments = Vec::new();
    let (mut place_of_units, mut furthest_place) = (Rank::Delivered, Rank::Delivered);
    for (shipment, lacks_zones) in order.shipments().iter().zip(lacks_zones) {
        let scans = stored_scans(shop, shipment.id).await;
        place_of_units = place_of_units.min(shipment.outbound_rank());
        furthest_place = furthest_place.min(scans.iter().map(told_rank).max().unwrap_or(Rank::None));
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
        notifications: notifications.iter().map(|notification| notification.kind).collect(),
        place_of_units: place_of_units as usize,
        furthest_place: furthest_place as usize,
        is_disputed: is_status_disputed(order.head().status, order.items(), order.shipments()),
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
