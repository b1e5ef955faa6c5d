//! No sender's HTML gets into a description or a place.

use super::{CodeMap, ParsedScan, Push, Sender};

/// For each form a body with `HTML` where texts for people stand.
const BODIES: [(Sender, &str); 8] = [
    (
        Sender::Fedex,
        r#"{"trackResults":[{"trackingNumber":"1","scanEvents":[{"eventType":"OD","exceptionDescription":"HTML","scanLocation":{"city":"HTML"}}]}]}"#,
    ),
    (
        Sender::Ups,
        r#"{"trackingNumber":"1","activityStatus":{"type":"I","description":"HTML"},"activityLocation":{"city":"HTML"}}"#,
    ),
    (
        Sender::Usps,
        r#"{"trackingNumber":"1","events":[{"eventCode":"07","eventType":"HTML","eventCity":"HTML"}]}"#,
    ),
    (
        Sender::Dhl,
        r#"{"shipments":[{"id":"1","events":[{"statusCode":"transit","description":"HTML","location":{"address":{"addressLocality":"HTML"}}}]}]}"#,
    ),
    (
        Sender::Dhl,
        r#"{"packages":[{"trackingId":"1","events":[{"primaryEventId":"5","primaryEventDescription":"HTML","location":"HTML"}]}]}"#,
    ),
    (
        Sender::Easypost,
        r#"{"object":"Tracker","tracking_code":"1","carrier":"ups","tracking_details":[{"status":"in_transit","message":"HTML","tracking_location":{"city":"HTML"}}]}"#,
    ),
    (
        Sender::Shippo,
        r#"{"event":"track_updated","data":{"carrier":"ups","tracking_number":"1","tracking_status":{"status":"TRANSIT","status_details":"HTML","location":{"city":"HTML"}}}}"#,
    ),
    (
        Sender::Aftership,
        r#"{"event":"tracking_update","msg":{"slug":"ups","tracking_number":"1","checkpoints":[{"tag":"InTransit","message":"HTML","city":"HTML"}]}}"#,
    ),
];

#[test]
fn descriptions_and_places_are_plain_text() {
    for (sender, body) in BODIES {
        let body =
            body.replace("HTML", "At <a href='https://example.test'>Packstation&nbsp;1</a> &amp; ready");
        let scan: ParsedScan = match sender.parse(body.as_bytes(), &CodeMap::default()) {
            Ok(Push::Parcels(mut parcels, _)) => parcels.remove(0).scans.remove(0),
            other => panic!("{sender}: {other:?}"),
        };
        for text in [&scan.description, &scan.location] {
            assert_eq!(text.as_deref(), Some("At Packstation 1 & ready"), "{sender}");
        }
    }
}
