use chrono::{DateTime, Utc};
use domain::{Carrier, ConditionKind::*, ShipmentStatus::*, Tracking, fold};

use super::*;
use crate::{Parcel, scan_identity::compute_identity};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A listed scan at this hour of the 15th.
fn listed(meaning: Meaning, hour: u32) -> ParsedScan {
    let time = at(&format!("2026-01-15T{hour:02}:00:00Z"));
    scan(meaning, CarrierTime::Instant(time), &time.to_rfc3339())
}

fn scan(meaning: Meaning, time: CarrierTime, sent: &str) -> ParsedScan {
    ParsedScan {
        identity: compute_identity(Carrier::UPS, "1", meaning.as_str(), "", &[sent]),
        code: meaning.as_str().to_owned(),
        meaning,
        description: None,
        location: None,
        time,
    }
}

fn undated(meaning: Meaning) -> Option<CurrentStatus> {
    Some(CurrentStatus { scan: scan(meaning, CarrierTime::Untrusted, ""), is_dated: false })
}

/// The scan that the current status adds to a list of scans with these meanings.
fn added(meanings: &[Meaning], latest: Meaning) -> Option<ParsedScan> {
    let list: Vec<_> = meanings.iter().zip(1..).map(|(meaning, hour)| listed(*meaning, hour)).collect();
    let mut all = merge_into_scans(list.clone(), undated(latest));
    assert_eq!(all[..list.len()], list);
    all.drain(list.len()..).next()
}

#[test]
fn it_is_a_scan_where_it_says_more_than_every_listed_one() {
    let transit = Status(InTransit);
    for (list, latest) in [
        (vec![transit], Status(Delivered)),
        (vec![transit, Condition(Held)], Status(Delivered)),
        (vec![Status(OutForDelivery), Condition(DeliveryAttemptFailed)], Status(Delivered)),
        (vec![Status(LabelCreated)], transit),
        (vec![Status(LabelCreated)], Status(Cancelled)),
        (vec![Unknown, Informational], Status(LabelCreated)),
        (vec![transit], Status(OutForDelivery)),
        (vec![Status(OutForDelivery), transit], Status(AvailableForPickup)),
        (vec![transit], Status(ReturnedToSender)),
        (vec![Status(OutForDelivery)], Status(ReturnedToSender)),
        (vec![transit], Condition(Returning)),
        (vec![transit], Condition(Other)),
        (vec![transit, Condition(Delayed)], Condition(AddressIssue)),
        (vec![Condition(Other)], Condition(Damaged)),
        (vec![transit, Condition(Returning)], Condition(Returned)),
        (vec![Status(ReturnedToSender)], Condition(Returned)),
    ] {
        assert_eq!(added(&list, latest).map(|scan| scan.meaning), Some(latest), "{list:?} {latest}");
    }
}

#[test]
fn it_is_none_where_it_says_no_more() {
    let transit = Status(InTransit);
    for (list, latest) in [
        (vec![transit], transit),
        (vec![Status(PickedUp)], transit),
        (vec![transit], Status(LabelCreated)),
        (vec![Status(AvailableForPickup), Status(OutForDelivery)], Status(AvailableForPickup)),
        (vec![Status(AvailableForPickup)], Status(OutForDelivery)),
        (vec![transit], Informational),
        (vec![transit], Unknown),
        (vec![Unknown], Unknown),
        (vec![Condition(Held)], Condition(Held)),
        (vec![Condition(Held)], Condition(Other)),
        (vec![Status(ReturnedToSender)], Condition(Other)),
        (vec![Condition(Returning)], Status(ReturnedToSender)),
        (vec![Condition(Returned)], Status(ReturnedToSender)),
        (vec![Status(Cancelled)], Status(Cancelled)),
        // It may be delivered to the sender to whom it returns.
        (vec![transit, Status(ReturnedToSender)], Status(Delivered)),
        (vec![transit, Condition(Returning)], Status(OutForDelivery)),
        (vec![Status(Delivered), transit], Status(Delivered)),
        (vec![Status(Delivered)], Condition(Other)),
        (vec![Status(Delivered)], Status(ReturnedToSender)),
    ] {
        assert_eq!(added(&list, latest), None, "{list:?} {latest}");
    }
}

#[test]
fn without_a_list_it_stands_for_it_whatever_it_says() {
    for meaning in Meaning::all() {
        let alone = merge_into_scans(vec![], undated(meaning));
        assert_eq!(alone, [scan(meaning, CarrierTime::Untrusted, "")], "{meaning}");
    }
    assert_eq!(merge_into_scans(vec![], None), []);
}

#[test]
fn without_a_time_it_has_the_clock_of_the_newest_listed() {
    let local = |text: &str| CarrierTime::Local(text.parse().unwrap());
    let (delivered, transit) = (Status(Delivered), Status(InTransit));
    let told = added(&[transit, transit], delivered).unwrap();
    assert_eq!(told.time, local("2026-01-15T02:00:00"));
    assert_eq!(
        added(&[transit, transit], delivered).unwrap().identity,
        told.identity,
        "told again it is one"
    );
    assert_ne!(added(&[transit, transit, transit], delivered).unwrap().identity, told.identity);
    assert_ne!(listed(delivered, 2).identity, told.identity);

    let zoneless = scan(transit, local("2026-01-15T07:00:00"), "7");
    let timeless = scan(transit, CarrierTime::Untrusted, "");
    let with = |list: Vec<ParsedScan>| merge_into_scans(list, undated(delivered)).pop().unwrap();
    assert_eq!(with(vec![zoneless, listed(transit, 3)]).time, local("2026-01-15T07:00:00"));
    let alone = scan(delivered, CarrierTime::Untrusted, "");
    assert_eq!(with(vec![timeless]), alone);

    // A current status with a time equals the event that is listed later.
    let dated = CurrentStatus { scan: listed(delivered, 9), is_dated: true };
    assert_eq!(merge_into_scans(vec![listed(transit, 1)], Some(dated)).pop(), Some(listed(delivered, 9)));
}

/// The state of a parcel after these pushes, which arrive every hour from 12:00 on. The order was placed on the 14th.
fn told(pushes: &[(Vec<ParsedScan>, Option<Meaning>)]) -> Tracking {
    let mut scans = Vec::<domain::Scan>::new();
    for ((list, latest), hour) in pushes.iter().zip(12..) {
        let parcel = Parcel {
            tracking_number: domain::TrackingNumber::restore(Carrier::UPS, "1".to_owned()),
            package: None,
            other_numbers: vec![],
            scans: merge_into_scans(list.clone(), latest.and_then(undated)),
            estimated_delivery: None,
            pushed_at: None,
        };
        for scan in parcel.into_scans(at(&format!("2026-01-15T{hour}:00:00Z"))) {
            match scans.iter_mut().find(|known| known.identity == scan.identity) {
                Some(known) => *known = known.merge_repeated(&scan, false).unwrap_or(known.clone()),
                None => scans.push(scan),
            }
        }
    }
    fold(&scans, at("2026-01-14T12:00:00Z"), None)
}

#[test]
fn a_push_that_comes_late_tells_no_trouble_that_is_past() {
    let failed = (vec![listed(Status(InTransit), 1)], Some(Condition(Other)));
    let moved = (vec![listed(Status(InTransit), 1), listed(Status(InTransit), 5)], Some(Status(InTransit)));
    assert_eq!(told(std::slice::from_ref(&failed)).condition.map(|now| now.kind), Some(Other));
    for pushes in [[failed.clone(), moved.clone()], [moved.clone(), failed.clone()]] {
        assert_eq!(told(&pushes).condition, None);
    }
    // It is in trouble for a second time.
    let again = (moved.0.clone(), Some(Condition(Other)));
    for pushes in [[&failed, &moved, &again], [&again, &moved, &failed], [&moved, &again, &failed]] {
        let pushes = pushes.map(Clone::clone);
        assert_eq!(told(&pushes).condition.map(|now| now.kind), Some(Other));
    }
}

#[test]
fn a_delivery_told_twice_is_one_and_the_listed_time_counts() {
    let ahead = (vec![listed(Status(InTransit), 1)], Some(Status(Delivered)));
    let event = (vec![listed(Status(InTransit), 1), listed(Status(Delivered), 9)], Some(Status(Delivered)));
    for pushes in [[ahead.clone(), event.clone()], [event.clone(), ahead.clone()]] {
        let tracking = told(&pushes);
        assert_eq!((tracking.status, tracking.delivered_at), (Delivered, Some(at("2026-01-15T09:00:00Z"))));
        assert_eq!(tracking.condition, None);
    }
    let alone = told(&[ahead.clone(), ahead]);
    assert_eq!((alone.status, alone.delivered_at), (Delivered, Some(at("2026-01-15T12:00:00Z"))));
}

#[test]
fn the_status_of_a_parcel_that_had_the_number_before_is_not_ours() {
    let old = at("2026-01-05T08:00:00Z");
    let old = scan(Status(InTransit), CarrierTime::Instant(old), "old");
    let tracking = told(&[(vec![old], Some(Status(Delivered)))]);
    assert_eq!((tracking.status, tracking.delivered_at), (LabelCreated, None));
}
