//! One identity has one meaning: a meaning that is read from words makes scans different, as a code does.

use std::collections::BTreeSet;

use super::{CodeMap, ParsedScan, Push, Sender};

fn scan(sender: Sender, body: &str, remap: &CodeMap) -> ParsedScan {
    match sender.parse(body.as_bytes(), remap) {
        Ok(Push::Parcels(mut parcels, _)) => parcels.remove(0).scans.remove(0),
        other => panic!("{sender}: {other:?}"),
    }
}

/// For each sender a body, and texts for its placeholder `SAID`. All texts of one line give the same scan. Texts of
/// different lines give different scans with different meanings.
const TOLD: [(Sender, &str, &[&[&str]]); 10] = [
    (
        Sender::Dhl,
        r#"{"shipments":[{"id":"1","events":[{"timestamp":"2026-01-15T00:00:00Z","statusCode":"transit","description":"SAID"}]}]}"#,
        &[
            &["Arrived at depot", "", "Ankunft"],
            &["Out for delivery", "With delivery courier", "in Zustellung"],
        ],
    ),
    (
        Sender::Dhl,
        r#"{"shipments":[{"id":"1","events":[{"timestamp":"2026-01-15T00:00:00Z","statusCode":"failure","status":"SAID"}]}]}"#,
        &[
            &["Held up on its way", ""],
            &["Recipient not home", "Second attempt"],
            &["Returned to the sender"],
        ],
    ),
    (
        Sender::Dhl,
        r#"{"shipments":[{"id":"1","events":[{"timestamp":"2026-01-15T00:00:00Z","statusCode":"transit","typeCode":"103","description":"SAID"}]}]}"#,
        &[&["Arrived at depot"], &["Out for delivery"]],
    ),
    (
        Sender::Dhl,
        r#"{"shipments":[{"id":"1","events":[{"timestamp":"2026-01-15T00:00:00Z","description":"SAID"}]}]}"#,
        &[
            &["Processed at LYON", "PROCESSED AT PARIS"],
            &["Delivered", "Shipment delivered.", "DELIVERED"],
            &["Not delivered"],
        ],
    ),
    (
        Sender::Dhl,
        r#"{"packages":[{"trackingId":"1","events":[{"date":"2026-01-15","primaryEventId":"5","primaryEventDescription":"SAID"}]}]}"#,
        &[&["Moved on", ""], &["Out for delivery", "OUT FOR SECOND  DELIVERY ATTEMPT"], &["Delivered"]],
    ),
    (
        Sender::Ups,
        r#"{"trackingNumber":"1","activityStatus":{"type":"D","description":"SAID"}}"#,
        &[&["Delivered", "Left at the door"], &["Delivery attempted", "Out for delivery"]],
    ),
    (
        Sender::Ups,
        r#"{"trackingNumber":"1","activityStatus":{"type":"D","code":"Q9","description":"SAID"}}"#,
        &[&["Held", "Will be delivered"], &["Delivered", "DELIVERED TO A NEIGHBOUR"]],
    ),
    (
        Sender::Usps,
        r#"{"trackingNumber":"1","events":[{"eventType":"Delivered, SAID"}]}"#,
        &[&["Front Door", "PO Box"], &["To Original Sender", "to original sender."]],
    ),
    (
        Sender::Usps,
        r#"{"trackingNumber":"1","statusCategory":"SAID","events":[{"eventType":"On its last mile"}]}"#,
        &[&["Anything", ""], &["Out for Delivery", "OUT_FOR_DELIVERY"], &["Delivered"]],
    ),
    (
        Sender::Shippo,
        r#"{"event":"track_updated","data":{"carrier":"ups","tracking_number":"1","tracking_status":{"status":"TRANSIT","substatus":{"code":"odd","action_required":"SAID"}}}}"#,
        &[&["false", ""], &["true", "True"]],
    ),
];

#[test]
fn what_is_read_from_words_tells_claims_apart_and_the_words_do_not() {
    for (sender, body, told) in TOLD {
        let (mut identities, mut meanings) = (BTreeSet::new(), Vec::new());
        for line in told {
            let said = |words: &&str| scan(sender, &body.replace("SAID", words), &CodeMap::default());
            let scans: Vec<ParsedScan> = line.iter().map(said).collect();
            assert!(identities.insert(scans[0].identity), "{sender}: {line:?} is told apart");
            assert!(!meanings.contains(&scans[0].meaning), "{sender}: {line:?} says something else");
            meanings.push(scans[0].meaning);
            for scan in &scans {
                assert_eq!((scan.identity, scan.meaning), (scans[0].identity, scans[0].meaning), "{scan:?}");
            }
        }
    }
}

#[test]
fn another_meaning_by_the_setting_is_no_other_claim() {
    for (sender, body, told) in TOLD {
        for words in told.concat() {
            let body = body.replace("SAID", words);
            let scan_with = |remap: &CodeMap| scan(sender, &body, remap);
            let ours = scan_with(&CodeMap::default());
            let theirs = scan_with(&format!("{sender}.{}=held", ours.code).parse().unwrap());
            assert_ne!(ours.meaning, theirs.meaning, "{sender}: {words}");
            assert_eq!(ours.identity, theirs.identity, "{sender}: {words}");
        }
    }
}

#[test]
fn a_subtag_of_another_tag_is_another_claim() {
    let of = |tag: &str| {
        let body = r#"{"event":"tracking_update","msg":{"slug":"ups","tracking_number":"1","tag":"TAG","subtag":"InTransit_099"}}"#;
        scan(Sender::Aftership, &body.replace("TAG", tag), &CodeMap::default())
    };
    let (usual, other) = (of("InTransit"), of("Delivered"));
    assert_ne!((usual.identity, usual.meaning), (other.identity, other.meaning));
    assert_ne!(usual.identity, other.identity);
    assert_eq!(of("").identity, usual.identity, "the subtag says it alone");
}
