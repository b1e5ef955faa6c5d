use chrono::{NaiveDate, TimeZone};

use super::*;

#[test]
fn of_estimates_without_a_zone_the_one_with_the_newest_clock_counts_whichever_arrives_last() {
    let told = |day: u32, expected: u32| {
        let local = |hour| NaiveDate::from_ymd_opt(2026, 3, day)?.and_hms_opt(hour, 0, 0);
        let scan = |number: u8, hour| ParsedScan {
            identity: ScanIdentity([number; 32]),
            code: "transit".to_owned(),
            meaning: Meaning::Unknown,
            description: None,
            location: None,
            time: CarrierTime::Local(local(hour).expect("a time")),
        };
        Parcel {
            tracking_number: TrackingNumber::restore(Carrier::DHL, "1".to_owned()),
            package: None,
            other_numbers: vec![],
            // The newest scan is first in the list and has the lowest identity.
            scans: vec![scan(1, 9), scan(2, 8)],
            estimated_delivery: Utc.with_ymd_and_hms(2026, 3, expected, 0, 0, 0).single(),
            pushed_at: None,
        }
    };
    let arrived = |parcel: Parcel, minute| {
        let arrival = Utc.with_ymd_and_hms(2026, 3, 4, 0, minute, 0).single().expect("a time");
        let scans = parcel.into_scans(arrival);
        assert_eq!(scans[0].estimate, None, "it goes with the newest");
        scans[1].estimate.expect("it was told")
    };
    for [first, second] in [[1, 2], [2, 1], [1, 1]] {
        let (earlier, later) = (arrived(told(1, 6), first), arrived(told(2, 5), second));
        assert!(later > earlier, "{later:?} {earlier:?}");
    }
}

#[test]
fn scans_without_a_zone_have_one_sequence_whatever_the_sequence_of_the_body() {
    let scan = |number: u8, hour: u32| ParsedScan {
        identity: ScanIdentity([number; 32]),
        code: "transit".to_owned(),
        meaning: Meaning::Unknown,
        description: None,
        location: None,
        time: CarrierTime::Local(
            NaiveDate::from_ymd_opt(2026, 3, 1).unwrap().and_hms_opt(hour, 0, 0).unwrap(),
        ),
    };
    let oldest_first = [scan(3, 7), scan(1, 8), scan(2, 8), scan(0, 9)];
    let stored = |sent: Vec<ParsedScan>| {
        let parcel = Parcel {
            tracking_number: TrackingNumber::restore(Carrier::DHL, "1".to_owned()),
            package: None,
            other_numbers: vec![],
            scans: sent,
            estimated_delivery: None,
            pushed_at: None,
        };
        let scans = parcel.into_scans(Utc.with_ymd_and_hms(2026, 3, 4, 0, 0, 0).unwrap());
        scans.into_iter().map(|scan| scan.identity.0[0]).collect::<Vec<_>>()
    };
    let [a, b, c, d] = oldest_first;
    for sent in [
        vec![a.clone(), b.clone(), c.clone(), d.clone()],
        vec![d.clone(), c.clone(), b.clone(), a.clone()],
        vec![c, a, d, b],
    ] {
        assert_eq!(stored(sent), [3, 1, 2, 0]);
    }
}

#[test]
fn texts_of_a_scan_are_stored_without_characters_that_forge_or_hide() {
    let identity = ScanIdentity([7; 32]);
    let scan = |code: &str, description: &str, location: &str| ParsedScan {
        identity,
        code: code.to_owned(),
        meaning: Meaning::Unknown,
        description: Some(description.to_owned()),
        location: Some(location.to_owned()),
        time: CarrierTime::Instant(DateTime::UNIX_EPOCH),
    };
    let hostile = scan("Q\n9", "held\r\nERROR \u{1b}[2Jforged\u{202e}", "\u{2066}\n")
        .into_scan(Carrier::FEDEX, DateTime::UNIX_EPOCH);
    assert_eq!(
        (hostile.code.as_str(), hostile.description.as_deref()),
        ("Q 9", Some("held ERROR [2Jforged"))
    );
    assert_eq!((hostile.location, hostile.identity), (None, identity));
    let plain = scan("MOVED  BY BALLOON", "two  blanks", "Berlin, DE")
        .into_scan(Carrier::FEDEX, DateTime::UNIX_EPOCH);
    assert_eq!(
        (plain.code.as_str(), plain.description.as_deref()),
        ("MOVED  BY BALLOON", Some("two  blanks"))
    );
}
