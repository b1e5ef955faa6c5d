//! Tests all 720 sequences of six scans, each with duplicates, for every sender.

use carriers::{Sender, SimulatedScan};
use chrono::TimeDelta;
use domain::{ConditionKind, FULFILMENT_SEQUENCE, Meaning, OrderId, OrderStatus, ShipmentStatus};
use futures::{StreamExt, stream};
use persistence::read;
use tests::{database::Database, front::Front, on_every_database, shop::Shop};

use super::{bodies, carrier_of, mails, register, tells_histories};

/// Defines a test for each sender. If a sender has none, the `match` below does not compile.
macro_rules! all_720 {
    ($($test:ident => $sender:ident,)+) => {
        on_every_database!($($test),+);

        $(async fn $test(database: Database) {
            all_720(database, Sender::$sender).await;
        })+

        const _: fn(Sender) = |sender| match sender {
            $(Sender::$sender)|+ => {}
        };
    };
}

all_720! {
    all_720_orders_of_six_scans_of_fedex_are_one_story => Fedex,
    all_720_orders_of_six_scans_of_ups_are_one_story => Ups,
    all_720_orders_of_six_scans_of_usps_are_one_story => Usps,
    all_720_orders_of_six_scans_of_dhl_are_one_story => Dhl,
    all_720_orders_of_six_scans_of_easypost_are_one_story => Easypost,
    all_720_orders_of_six_scans_of_shippo_are_one_story => Shippo,
    all_720_orders_of_six_scans_of_aftership_are_one_story => Aftership,
}

/// Each permutation has an order of its own. In each round every order receives its next scan, and then again all scans
/// so far.
async fn all_720(database: Database, sender: Sender) {
    let shop = Shop::new(database.store);
    let front = Front::new(&shop);
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
    let scans: Vec<SimulatedScan<'_>> = six
        .into_iter()
        .zip(0..)
        .map(|(meaning, hour)| SimulatedScan {
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
                let mut heard: Vec<SimulatedScan<'_>> = heard.iter().map(|at| scans[*at]).collect();
                heard.sort_by_key(|scan| scan.at);
                bodies(sender, number, &heard, None, shop.now())
            });
            front.post_all(bodies.map(|body| (sender, body))).await;
            shop.drain().await;
        }
    }

    let clean = shop.order(orders[0].0).await.shipments()[0].tracking.clone();
    assert_eq!(clean.status, ShipmentStatus::Delivered);
    assert_eq!(clean.condition, None, "delivered is past a failed attempt");
    assert_eq!(clean.delivered_at, Some(scans[5].at.to_utc()));
    // FedEx's time of a pick-up is only estimated, so the next scan counts as the time of shipping.
    let shipped = if sender == Sender::Fedex { &scans[2] } else { &scans[1] };
    assert_eq!(clean.shipped_at(), Some(shipped.at.to_utc()));
    let mails = mails(&shop).await;
    for ((order, number), permutation) in orders.iter().zip(&permutations) {
        let now = shop.order(*order).await;
        assert_eq!(now.shipments()[0].tracking, clean, "{number} {permutation:?}");
        assert_eq!(shop.path(*order).await[2..], FULFILMENT_SEQUENCE, "{number} {permutation:?}");
        let kept = read::scans_of(&shop.store, &[now.shipments()[0].id]).await.unwrap();
        let mut seen: Vec<_> = kept.values().flatten().map(|one| (one.scan.clock(), one.seen)).collect();
        seen.sort_unstable();
        let seen: Vec<i32> = seen.into_iter().map(|(_, seen)| seen).collect();
        assert_eq!(
            seen,
            times(sender, permutation),
            "{number} {permutation:?}: each scan once, copies counted"
        );
        let told = &mails[&order.0];
        assert_eq!(told.get(&OrderStatus::Delivered), Some(&1), "{number} {permutation:?}");
        assert!(told.values().all(|count| *count == 1), "{number} {told:?}");
    }
}

/// Returns how often each scan is received, in the sequence of the scans' times: once alone, and, if the sender's
/// pushes have several scans, once for each later round. A webhook with the same body is stored once and does not count
/// again.
fn times(sender: Sender, permutation: &[usize]) -> Vec<i32> {
    let rounds = 0..permutation.len();
    let place = |scan: usize| permutation.iter().position(|one| *one == scan).expect("it is one of them");
    let of = |scan: usize| match (tells_histories(sender), place(scan)) {
        (false, _) => 1,
        (true, first) => 1 + rounds.clone().filter(|round| *round >= first.max(1)).count(),
    };
    rounds.clone().map(|scan| i32::try_from(of(scan)).expect("a few")).collect()
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
