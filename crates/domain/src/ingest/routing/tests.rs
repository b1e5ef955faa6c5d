//! Tests of the routing rules, by their numbers.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{ScanRouter, TrackedShipment, shipments_with_shared_numbers};
use crate::{
    ids::{OrderId, ScanId, ShipmentId, WebhookId},
    ingest::StoredScan,
    return_shipment::ShipmentDirection,
    scan::{Scan, ScanEffect},
    shipment::ShipmentStatus::{Cancelled, Delivered, InTransit},
    test_support::{at, fedex, milestone, shipment_id},
    tracking_number::TrackingNumber,
};

/// Minutes of a day. All times here are minutes after the first order was placed.
const DAY: i64 = 24 * 60;

/// A shipment on its way. It was registered an hour after its order was placed.
fn on_its_way(number: u32, placed_at: i64) -> TrackedShipment {
    TrackedShipment {
        shipment_id: shipment_id(number),
        order_id: OrderId(Uuid::from_u128(number.into())),
        direction: ShipmentDirection::Outbound,
        placed_at: at(placed_at),
        created_at: at(placed_at + 60),
        status: InTransit,
        delivered_at: None,
        cancelled_at: None,
    }
}

fn delivered(number: u32, placed_at: i64, delivered_at: i64) -> TrackedShipment {
    let delivered_at = Some(at(delivered_at));
    TrackedShipment { status: Delivered, delivered_at, ..on_its_way(number, placed_at) }
}

fn webhook(number: u32) -> WebhookId {
    WebhookId(Uuid::from_u128(number.into()))
}

fn stored(shipment: u32, from: u32, scan: Scan) -> StoredScan {
    StoredScan {
        id: ScanId(Uuid::nil()),
        shipment_id: shipment_id(shipment),
        webhook_id: Some(webhook(from)),
        effect: ScanEffect::Stale,
        recorded_at: at(0),
        recorded_by: None,
        shipment_was_cancelled: false,
        seen: 1,
        retraction: None,
        scan,
    }
}

/// A scan with a time of the carrier.
fn scan(minutes: i64) -> Scan {
    milestone(1, InTransit, minutes)
}

/// The same scan without a time of the carrier, received at that time.
fn received(minutes: i64) -> Scan {
    Scan { time_estimated: true, ..scan(minutes) }
}

fn by_number(shipments: &[TrackedShipment]) -> HashMap<TrackingNumber, Vec<TrackedShipment>> {
    HashMap::from([(fedex("1"), shipments.to_vec())])
}

fn by_shipment(stored: &[StoredScan]) -> HashMap<ShipmentId, Vec<StoredScan>> {
    let mut found: HashMap<ShipmentId, Vec<StoredScan>> = HashMap::new();
    for scan in stored {
        found.entry(scan.shipment_id).or_default().push(scan.clone());
    }
    found
}

#[track_caller]
fn assert_routed(shipments: &[TrackedShipment], known: &[StoredScan], scan: &Scan, expected: u32) {
    let in_any_sequence: [Vec<_>; 2] = [shipments.to_vec(), shipments.iter().rev().cloned().collect()];
    for shipments in in_any_sequence {
        let router = ScanRouter::new(by_number(&shipments), by_shipment(known));
        let target = router.route(&fedex("1"), scan).expect("the number is known");
        assert_eq!(target.shipment_id, shipment_id(expected));
    }
}

#[test]
fn a_number_that_no_shipment_has_leads_nowhere() {
    let router = ScanRouter::new(by_number(&[on_its_way(1, 0)]), HashMap::new());
    assert!(router.knows_number(&fedex("1")) && !router.knows_number(&fedex("2")));
    assert!(router.route(&fedex("2"), &scan(0)).is_none());
}

#[test]
fn rule_1_the_only_shipment_gets_every_scan() {
    for minutes in [-90 * DAY, 0, 90 * DAY] {
        assert_routed(&[delivered(1, 0, DAY)], &[], &scan(minutes), 1);
    }
}

#[test]
fn rule_2_a_stored_scan_stays_with_its_shipment() {
    let shipments = [delivered(1, 0, 5 * DAY), on_its_way(2, DAY)];
    let again = received(2 * DAY);
    assert_routed(&shipments, &[], &again, 2);
    assert_routed(&shipments, &[stored(1, 1, again.clone())], &again, 1);
    assert_routed(&shipments, &[stored(1, 1, again.clone())], &received(9 * DAY), 1);
}

#[test]
fn rule_2_does_not_hold_after_the_cancellation_or_the_delivery_or_before_the_order() {
    let shipments = [delivered(1, 0, 5 * DAY), on_its_way(2, DAY)];
    let after_cancellation = StoredScan { shipment_was_cancelled: true, ..stored(1, 1, received(2 * DAY)) };
    assert_routed(&shipments, &[after_cancellation], &received(2 * DAY), 2);
    assert_routed(&shipments, &[stored(1, 1, received(6 * DAY))], &received(6 * DAY), 2);
    let later = [on_its_way(1, 0), on_its_way(2, 10 * DAY)];
    assert_routed(&later, &[stored(2, 1, scan(2 * DAY))], &scan(2 * DAY), 1);
}

#[test]
fn rule_3_a_late_scan_goes_to_the_oldest_shipment_that_was_delivered_since() {
    let shipments = [delivered(1, 0, 5 * DAY), delivered(2, DAY, 7 * DAY), on_its_way(3, 2 * DAY)];
    for (minutes, expected) in [(2 * DAY, 1), (5 * DAY, 1), (5 * DAY + 1, 2), (7 * DAY, 2), (7 * DAY + 1, 3)]
    {
        assert_routed(&shipments, &[], &scan(minutes), expected);
    }
}

#[test]
fn rule_3_takes_a_local_time_and_no_time_of_receipt() {
    let shipments = [delivered(1, 0, 5 * DAY), on_its_way(2, DAY)];
    let local = Scan { local_time: Some(at(2 * DAY).naive_utc()), ..received(8 * DAY) };
    assert_routed(&shipments, &[], &local, 1);
    assert_routed(&shipments, &[], &received(2 * DAY), 2);
}

#[test]
fn rule_3_leaves_out_a_cancelled_shipment_and_one_whose_order_did_not_exist() {
    let cancelled_at = Some(at(4 * DAY));
    let cancelled = TrackedShipment { status: Cancelled, cancelled_at, ..delivered(1, 0, 5 * DAY) };
    assert_routed(&[cancelled, on_its_way(2, DAY)], &[], &scan(2 * DAY), 2);
    let registered_late = TrackedShipment { created_at: at(6 * DAY), ..on_its_way(2, 0) };
    assert_routed(&[delivered(1, 4 * DAY, 5 * DAY), registered_late], &[], &scan(DAY), 2);
}

#[test]
fn rule_4_any_other_scan_goes_to_the_newest_shipment_whose_order_existed() {
    let shipments = [delivered(1, 0, DAY), on_its_way(2, 2 * DAY), on_its_way(3, 30 * DAY)];
    for (minutes, expected) in [(3 * DAY, 2), (28 * DAY, 2), (29 * DAY, 3), (90 * DAY, 3)] {
        assert_routed(&shipments, &[], &scan(minutes), expected);
    }
    assert_routed(&shipments[..1], &[], &scan(3 * DAY), 1);
}

#[test]
fn rule_5_a_scan_from_before_all_orders_goes_to_the_oldest_shipment() {
    assert_routed(&[on_its_way(1, 0), on_its_way(2, DAY)], &[], &scan(-9 * DAY), 1);
}

#[test]
fn a_scan_without_a_time_counts_with_its_first_receipt() {
    let shipments = [delivered(1, 0, 3 * DAY), on_its_way(2, 20 * DAY)];
    let first = StoredScan { shipment_was_cancelled: true, ..stored(1, 1, received(DAY)) };
    assert_routed(&shipments, &[], &received(40 * DAY), 2);
    assert_routed(&shipments, &[first], &received(40 * DAY), 1);
}

#[test]
fn a_webhook_is_misrouted_if_another_shipment_should_have_its_scan_and_has_none_of_it() {
    let shipments = [delivered(1, 0, DAY), on_its_way(2, 2 * DAY)];
    let misrouted =
        |known: &[StoredScan]| ScanRouter::new(by_number(&shipments), by_shipment(known)).find_misrouted();
    let after_delivery = stored(1, 7, scan(3 * DAY));
    let other = milestone(2, InTransit, 4 * DAY);
    assert_eq!(misrouted(std::slice::from_ref(&after_delivery)), BTreeSet::from([webhook(7)]));
    assert_eq!(misrouted(&[stored(1, 7, scan(DAY))]), BTreeSet::new(), "it is where it belongs");
    for already_there in [stored(2, 8, scan(3 * DAY)), stored(2, 7, other)] {
        assert_eq!(misrouted(&[after_delivery.clone(), already_there]), BTreeSet::new());
    }
    let manual = StoredScan { webhook_id: None, ..after_delivery };
    assert_eq!(misrouted(&[manual]), BTreeSet::new());
}

#[test]
fn only_shipments_that_share_a_number_need_their_stored_scans() {
    let mut shipments = by_number(&[delivered(1, 0, DAY), on_its_way(2, DAY)]);
    shipments.insert(fedex("2"), vec![on_its_way(3, 0)]);
    let shared: BTreeSet<_> = shipments_with_shared_numbers(&shipments).into_iter().collect();
    assert_eq!(shared, BTreeSet::from([shipment_id(1), shipment_id(2)]));
}
