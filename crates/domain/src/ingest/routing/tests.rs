//! Tests of the routing rules, by their numbers.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{ScanRouter, TrackedShipment, shipments_routed_by_stored_scans};
use crate::{
    carrier::Carrier,
    ids::{OrderId, ScanId, ShipmentId, WebhookId},
    ingest::{ParcelScans, StoredScan},
    scan::{Scan, ScanEffect},
    shipment_direction::ShipmentDirection,
    shipment_status::ShipmentStatus::{Cancelled, Delivered, InTransit},
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
        is_shared: false,
        is_void: false,
        number_count: 1,
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
        let targets: Vec<_> =
            router.route(&fedex("1"), scan).iter().map(|target| target.shipment_id).collect();
        assert_eq!(targets, [shipment_id(expected)]);
    }
}

#[test]
fn a_number_that_no_shipment_has_leads_nowhere() {
    let router = ScanRouter::new(by_number(&[on_its_way(1, 0)]), HashMap::new());
    assert!(router.route(&fedex("2"), &scan(0)).is_empty());
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
    let shared: BTreeSet<_> = shipments_routed_by_stored_scans(&shipments).into_iter().collect();
    assert_eq!(shared, BTreeSet::from([shipment_id(1), shipment_id(2)]));
}

fn routed_to(shipments: &[TrackedShipment], known: &[StoredScan], scan: &Scan) -> BTreeSet<ShipmentId> {
    let router = ScanRouter::new(by_number(shipments), by_shipment(known));
    router.route(&fedex("1"), scan).iter().map(|target| target.shipment_id).collect()
}

fn ids(numbers: &[u32]) -> BTreeSet<ShipmentId> {
    numbers.iter().map(|number| shipment_id(*number)).collect()
}

/// A shipment that was registered to share its number.
fn shared(shipment: TrackedShipment) -> TrackedShipment {
    TrackedShipment { is_shared: true, ..shipment }
}

#[test]
fn every_order_in_a_box_gets_each_scan() {
    let shipments = [on_its_way(1, 0), shared(on_its_way(2, DAY)), shared(on_its_way(3, 2 * DAY))];
    assert_eq!(routed_to(&shipments, &[], &scan(3 * DAY)), ids(&[1, 2, 3]));
    assert_eq!(routed_to(&shipments, &[], &scan(-12 * 60)), ids(&[1]), "the other orders did not exist");
    let delivered_meanwhile = [delivered(1, 0, 5 * DAY), shared(on_its_way(2, DAY))];
    for minutes in [2 * DAY, 6 * DAY] {
        assert_eq!(routed_to(&delivered_meanwhile, &[], &scan(minutes)), ids(&[1, 2]));
    }
}

#[test]
fn a_box_is_no_box_after_the_delivery_or_the_cancellation() {
    let delivered_before = [delivered(1, 0, DAY), shared(on_its_way(2, 2 * DAY))];
    assert_eq!(routed_to(&delivered_before, &[], &scan(3 * DAY)), ids(&[2]));
    let cancelled_at = Some(at(DAY));
    let cancelled = TrackedShipment { status: Cancelled, cancelled_at, ..on_its_way(1, 0) };
    assert_eq!(routed_to(&[cancelled, shared(on_its_way(2, 2 * DAY))], &[], &scan(3 * DAY)), ids(&[2]));
    let cancelled_at = Some(at(9 * DAY));
    let cancelled_later = TrackedShipment { status: Cancelled, cancelled_at, ..on_its_way(1, 0) };
    assert_eq!(routed_to(&[cancelled_later, shared(on_its_way(2, DAY))], &[], &scan(3 * DAY)), ids(&[2]));
}

#[test]
fn a_void_number_keeps_its_scans_and_gets_no_new_ones() {
    let void = TrackedShipment { is_void: true, number_count: 2, ..on_its_way(1, 0) };
    let known = [stored(1, 1, scan(DAY))];
    assert_eq!(routed_to(std::slice::from_ref(&void), &known, &scan(DAY)), ids(&[1]));
    assert_eq!(routed_to(std::slice::from_ref(&void), &known, &milestone(2, InTransit, 2 * DAY)), ids(&[]));
    let present = [void, on_its_way(2, 0)];
    assert_eq!(routed_to(&present, &known, &scan(DAY)), ids(&[1, 2]));
    assert_eq!(routed_to(&present, &known, &milestone(2, InTransit, 2 * DAY)), ids(&[2]));
    let needed: BTreeSet<_> =
        shipments_routed_by_stored_scans(&by_number(&present[..1])).into_iter().collect();
    assert_eq!(needed, ids(&[1]));
}

fn parcel(number: TrackingNumber, others: &[&str]) -> ParcelScans {
    let other_numbers = others.iter().map(|other| (*other).to_owned()).collect();
    ParcelScans { number, has_carrier_format: true, other_numbers, scans: vec![scan(DAY)] }
}

fn usps(number: &str) -> TrackingNumber {
    TrackingNumber::restore(Carrier::USPS, number.to_owned())
}

#[test]
fn a_number_of_another_carrier_is_found_if_it_has_the_format_and_is_one_shipments() {
    let registered = HashMap::from([(fedex("9"), vec![on_its_way(1, 0)])]);
    let router = ScanRouter::new(registered.clone(), HashMap::new());
    assert_eq!(router.find_registered_number(&parcel(usps("9"), &[])), Some(&fedex("9")));
    assert_eq!(router.find_registered_number(&parcel(usps("8"), &[])), None);
    let strange = ParcelScans { has_carrier_format: false, ..parcel(usps("9"), &[]) };
    assert_eq!(router.find_registered_number(&strange), None);

    let ups = TrackingNumber::restore(Carrier::UPS, "9".to_owned());
    let mut ambiguous = registered.clone();
    ambiguous.insert(ups.clone(), vec![on_its_way(2, 0)]);
    let router = ScanRouter::new(ambiguous, HashMap::new());
    assert_eq!(router.find_registered_number(&parcel(usps("9"), &[])), None, "two carriers handed it over");
    assert_eq!(router.find_registered_number(&parcel(ups.clone(), &[])), Some(&ups));

    let reused = HashMap::from([(fedex("9"), vec![delivered(1, 0, DAY), on_its_way(2, 2 * DAY)])]);
    let router = ScanRouter::new(reused, HashMap::new());
    assert_eq!(router.find_registered_number(&parcel(usps("9"), &[])), None, "two shipments had it");
    let one_box = HashMap::from([(fedex("9"), vec![on_its_way(1, 0), shared(on_its_way(2, DAY))])]);
    let router = ScanRouter::new(one_box, HashMap::new());
    assert_eq!(router.find_registered_number(&parcel(usps("9"), &[])), Some(&fedex("9")));
}

#[test]
fn a_further_number_of_the_parcel_is_found_if_it_is_one_shipments() {
    let one = [("A", vec![on_its_way(1, 0)]), ("B", vec![on_its_way(1, 0)]), ("C", vec![on_its_way(2, 0)])];
    let registered = one.map(|(number, shipments)| (fedex(number), shipments));
    let router = ScanRouter::new(HashMap::from(registered), HashMap::new());
    assert_eq!(router.find_registered_number(&parcel(fedex("X"), &["B"])), Some(&fedex("B")));
    assert_eq!(router.find_registered_number(&parcel(fedex("X"), &["B", "A"])), Some(&fedex("A")));
    assert_eq!(router.find_registered_number(&parcel(fedex("X"), &["B", "C"])), None);
    assert_eq!(router.find_registered_number(&parcel(fedex("C"), &["B"])), Some(&fedex("C")));
    assert_eq!(router.find_registered_number(&parcel(usps("X"), &["B"])), None, "another carrier's number");
}
