//! Tests random histories of a box with two orders and three tracking numbers, of three carriers. The scans arrive in a
//! random sequence. Numbers are added, and the second order joins the box, at random moments. Both shipments must end
//! as in the clean run, in which everything is registered first and each scan arrives alone, in order and once.

use app::orders::NewNumber;
use carriers::{Sender, SimulatedScan};
use chrono::TimeDelta;
use domain::{
    ConditionKind, Meaning, NewShipment, OrderId, OrderStatus, ShipmentId, ShipmentStatus, Tracking,
    TrackingNumber,
};
use persistence::read;
use proptest::{
    prelude::*,
    sample::{Index, select},
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

use super::{bodies, carrier_of};

on_every_database!(a_box_with_several_numbers_ends_the_same_however_its_scans_arrive);

/// The number of random cases.
const CASES: usize = 40;

/// The senders of the scans. Each has a number of its own for the box; the first number is the primary one.
const SENDERS: [Sender; 3] = [Sender::Fedex, Sender::Ups, Sender::Usps];

/// One scan: who tells it, what it means, and the hours since the scan before it.
type Told = (usize, Meaning, i64);

/// How the scans arrive.
#[derive(Clone, Debug)]
struct Arrival {
    /// The indexes of the scans, in the sequence of the posts.
    posts: Vec<usize>,
    /// For each post, whether the worker processes the webhooks after it.
    pauses: Vec<bool>,
    /// After how many posts the second and the third number are added, and the second order joins the box.
    registered_after: [usize; 3],
}

fn meanings() -> impl Strategy<Value = Meaning> {
    use ShipmentStatus::{Delivered, InTransit, LabelCreated, OutForDelivery, PickedUp};
    prop_oneof![
        5 => select(vec![LabelCreated, PickedUp, InTransit, OutForDelivery, Delivered]).prop_map(Meaning::Status),
        1 => Just(Meaning::Condition(ConditionKind::DeliveryAttemptFailed)),
    ]
}

fn arrivals() -> impl Strategy<Value = (Vec<Told>, Arrival)> {
    prop::collection::vec((0..SENDERS.len(), meanings(), 1..20i64), 1..8).prop_flat_map(|told| {
        let all: Vec<usize> = (0..told.len()).collect();
        let again = prop::collection::vec(any::<Index>(), 0..4);
        let posts = again.prop_map(move |again| {
            let twice: Vec<usize> = again.iter().map(|at| *at.get(&all)).collect();
            [all.clone(), twice].concat()
        });
        let after = [0..10usize, 0..10, 0..10];
        let arrival = (posts.prop_shuffle(), prop::collection::vec(any::<bool>(), 16), after);
        let arrival =
            arrival.prop_map(|(posts, pauses, registered_after)| Arrival { posts, pauses, registered_after });
        (Just(told), arrival)
    })
}

/// How a shipment of the box ends. The last number is that of its scans.
type End = (OrderStatus, Tracking, usize);

async fn a_box_with_several_numbers_ends_the_same_however_its_scans_arrive(database: Database) {
    let shop = Shop::new(database.store);
    let front = Front::new(&shop);
    let mut runner = TestRunner::deterministic();
    for case in 0..CASES {
        let (told, arrival) = arrivals().new_tree(&mut runner).expect("a case").current();
        let clean =
            Arrival { posts: (0..told.len()).collect(), pauses: vec![true; 16], registered_after: [0; 3] };
        let expected = run(&shop, &front, &format!("C{case}"), &told, &clean).await;
        let got = run(&shop, &front, &format!("A{case}"), &told, &arrival).await;
        assert_eq!(got, expected, "case {case}: {told:#?} {arrival:#?}");
        assert_eq!(got[0], got[1], "case {case}: both orders are in one box");
        assert_eq!(shop.app.inbox().requeue_missed().await.unwrap(), 0, "case {case}");
    }
}

async fn run(shop: &Shop, front: &Front, name: &str, told: &[Told], arrival: &Arrival) -> [End; 2] {
    let start = shop.now() - TimeDelta::hours(400);
    let orders = [shop.processing_since(&[1], start).await, shop.processing_since(&[1], start).await];
    let numbers: Vec<TrackingNumber> = SENDERS
        .iter()
        .map(|sender| TrackingNumber::parse(carrier_of(*sender), &format!("{name}{sender}")).unwrap())
        .collect();
    let first = join_box(shop, orders[0], &numbers[..1]).await;
    let mut second = None;
    let mut at = start.fixed_offset();
    let scans: Vec<SimulatedScan<'_>> = told
        .iter()
        .map(|(_, meaning, hours)| {
            at += TimeDelta::hours(*hours);
            SimulatedScan { meaning: *meaning, at, location: Some("Reno, NV, US") }
        })
        .collect();
    for step in 0..=arrival.posts.len().max(10) {
        for added in [1, 2] {
            if arrival.registered_after[added - 1] == step {
                add(shop, first, &numbers[added]).await;
            }
        }
        if arrival.registered_after[2] == step {
            second = Some(join_box(shop, orders[1], &numbers).await);
        }
        let Some(scan) = arrival.posts.get(step) else { continue };
        let (sender, ..) = told[*scan];
        for body in bodies(SENDERS[sender], &numbers[sender], &[scans[*scan]], None, shop.now()) {
            assert_eq!(front.post(SENDERS[sender], body).await, 200);
        }
        if arrival.pauses[step % arrival.pauses.len()] {
            shop.drain().await;
        }
    }
    shop.drain().await;
    let second = second.expect("the second order has joined");
    [end(shop, orders[0], first).await, end(shop, orders[1], second).await]
}

/// Registers a shipment of the box with these numbers, the first of which is the primary one.
async fn join_box(shop: &Shop, order: OrderId, numbers: &[TrackingNumber]) -> ShipmentId {
    let new = NewShipment {
        id: ShipmentId(Uuid::now_v7()),
        tracking_number: numbers[0].clone(),
        further_numbers: numbers[1..].to_vec(),
        shares_numbers: true,
        origin: None,
        lines: None,
        estimated_delivery: None,
    };
    let id = new.id;
    shop.app.orders().create_shipment(support(), order, new, None).await.expect("the parcel is registered");
    id
}

async fn add(shop: &Shop, shipment_id: ShipmentId, number: &TrackingNumber) {
    let (carrier, text) = (Some(number.carrier()), number.to_string());
    let new = NewNumber { shipment_id, carrier, text, shared: true };
    let added =
        shop.app.orders().add_tracking_number(support(), new, None).await.expect("the number is added");
    assert!(added.changed);
}

async fn end(shop: &Shop, order: OrderId, shipment: ShipmentId) -> End {
    let found = read::read_shipments(&shop.store, &[shipment]).await.unwrap().remove(&shipment).unwrap();
    let scans = read::scans_of(&shop.store, &[shipment]).await.unwrap();
    (shop.status(order).await, found.tracking, scans.get(&shipment).map_or(0, Vec::len))
}
