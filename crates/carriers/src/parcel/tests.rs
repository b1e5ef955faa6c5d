use chrono::{NaiveDate, TimeZone};

use super::*;

#[test]
fn an_estimate_counts_as_said_when_its_push_was_written_else_when_it_arrived() {
    let at = |minute| Utc.with_ymd_and_hms(2026, 3, 4, 0, minute, 0).unwrap();
    let scan = |number: u8, minute| ParsedScan {
        identity: ScanIdentity([number; 32]),
        code: "transit".to_owned(),
        meaning: Meaning::Unknown,
        description: None,
        location: None,
        time: CarrierTime::Instant(at(minute)),
    };
    let said = |pushed_at, arrival| {
        let parcel = Parcel {
            tracking_number: TrackingNumber::restore(Carrier::DHL, "1".to_owned()),
            package: None,
            other_numbers: vec![],
            scans: vec![scan(1, 9), scan(2, 8)],
            estimated_delivery: "2026-03-06".parse().ok(),
            pushed_at,
        };
        let scans = parcel.into_scans(arrival);
        assert_eq!(scans[0].estimate, None, "it goes with the newest");
        scans[1].estimate.expect("it was told")
    };
    let estimate = said(Some(at(10)), at(20));
    assert_eq!((estimate.said_at, estimate.received_at), (at(10), at(20)));
    assert_eq!(said(None, at(20)).said_at, at(20));
    let ahead = at(20) + MAX_AHEAD + chrono::TimeDelta::seconds(1);
    assert_eq!(said(Some(ahead), at(20)).said_at, at(20), "a wrong clock");
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
