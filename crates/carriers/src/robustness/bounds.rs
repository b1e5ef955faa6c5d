//! Limits on the work that a body can cause, if it was written to overload the server.

use super::{CodeMap, MAX_SCANS, Push, Sender, promises};

#[test]
fn a_body_with_more_scans_than_anybody_sends_is_refused() {
    let read = |scans: usize| {
        let events = vec![r#"{"date":1}"#; scans].join(",");
        let body = format!(r#"{{"trackResults":[{{"trackingNumber":"1","scanEvents":[{events}]}}]}}"#);
        Sender::Fedex.parse(body.as_bytes(), &CodeMap::default()).map_err(|error| error.to_string())
    };
    assert!(read(MAX_SCANS).is_ok());
    assert_eq!(read(MAX_SCANS + 1).unwrap_err(), "more than 5000 scans in one body");
}

/// Bodies of one mebibyte that could cause much work: as many events as fit, each of another parcel where that is
/// possible, beside a long text that is read for every event. The tests in `limits.rs` and `json.rs` count how much
/// of them is read.
#[test]
fn the_largest_bodies_are_refused_or_read_within_the_bounds() {
    let length = 1 << 20;
    let long = "9".repeat(length / 2);
    let many = |event: &dyn Fn(usize) -> String| {
        let mut events = String::new();
        for number in 0.. {
            let event = event(number);
            if events.len() + event.len() > length / 2 {
                break;
            }
            events = events + &event + ",";
        }
        events.pop();
        events
    };
    let dated = many(&|_| r#"{"date":1}"#.to_owned());
    let pieces = many(&|number| format!(r#"{{"trackingNumber":{number},"eventCode":1}}"#));
    let stamped = many(&|_| r#"{"eventCode":1}"#.to_owned());
    for (sender, body) in [
        (Sender::Fedex, format!(r#"{{"trackResults":[{{"trackingNumber":1,"scanEvents":[{dated}]}}]}}"#)),
        (Sender::Usps, format!(r#"{{"uniqueMailPieceID":"{long}","events":[{pieces}]}}"#)),
        (Sender::Usps, format!(r#"{{"trackingNumber":1,"status":"{long}","events":[{stamped}]}}"#)),
        (Sender::Dhl, format!(r#"{{"packages":[{{"trackingId":1,"events":[{dated}]}}]}}"#)),
        (
            Sender::Easypost,
            format!(
                r#"{{"object":"Tracker","tracking_code":1,"carrier":"ups","tracking_details":[{}]}}"#,
                many(&|_| r#"{"status":1}"#.to_owned())
            ),
        ),
        (
            Sender::Shippo,
            format!(
                r#"{{"event":"track_updated","data":{{"carrier":"ups","tracking_number":1,"tracking_history":[{}]}}}}"#,
                many(&|number| format!(r#"{{"status_date":{number}}}"#))
            ),
        ),
        (
            Sender::Aftership,
            format!(
                r#"{{"event":"tracking_update","msg":{{"slug":"ups","tracking_number":1,"checkpoints":[{}]}}}}"#,
                many(&|_| r#"{"tag":1}"#.to_owned())
            ),
        ),
    ] {
        let refused = sender.parse(body.as_bytes(), &CodeMap::default()).unwrap_err().to_string();
        assert_eq!(refused, "more than 5000 scans in one body", "{sender}");
    }
    let nameless = format!(r#"{{"trackingNumber":"{long}","events":[{stamped}]}}"#);
    let refused = Sender::Usps.parse(nameless.as_bytes(), &CodeMap::default()).unwrap_err().to_string();
    assert_eq!(refused, "event 1: the tracking number has more than 64 characters");
}

/// The values take a hundred times the length of the body in memory: to read the longest one to its end would take
/// most of a gigabyte. In an envelope of USPS the inner text is a JSON body of its own. Its brackets are escaped, so
/// that the check of the outer body does not see them.
#[test]
fn the_largest_bodies_of_small_values_are_refused_before_they_are_read() {
    for sender in Sender::ALL {
        let small = r#"{"a":0},"#.repeat(sender.max_body() / 8 - 2);
        let body = format!(r#"{{"a":[{small}0]}}"#);
        assert!(body.len() <= sender.max_body());
        let read = if sender == Sender::Usps {
            let hidden = r#"\u007b},"#.repeat(sender.max_body() / 9 - 20);
            let enveloped = format!(r#"{{"timestamp":"","payload":"{{\"a\":[{hidden}0]}}"}}"#);
            assert!(enveloped.len() <= sender.max_body());
            vec![body, enveloped]
        } else {
            vec![body]
        };
        for body in read {
            let refused = sender.parse(body.as_bytes(), &CodeMap::default()).unwrap_err().to_string();
            assert!(
                refused.ends_with("more than 200000 brackets and commas in one body"),
                "{sender}: {refused}"
            );
        }
    }
}

#[test]
fn a_photo_is_no_burden() {
    let photo = "a".repeat(Sender::Ups.max_body() - 200);
    let body = format!(
        r#"{{"trackingNumber":"1Z999AA10123456784","activityStatus":{{"type":"D"}},"deliveryPhoto":{{"photo":"{photo}"}}}}"#
    );
    assert!(body.len() <= Sender::Ups.max_body());
    assert!(Sender::Ups.parse(body.as_bytes(), &CodeMap::default()).is_ok());
}

/// As many fields as the longest of the known events has, and more.
#[test]
fn the_most_scans_with_all_their_fields_are_no_burden() {
    let fields: Vec<String> = (0..37).map(|number| format!(r#""{number}":0"#)).collect();
    let events = vec![format!(r#"{{{},"date":1}}"#, fields.join(",")); MAX_SCANS].join(",");
    let body = format!(r#"{{"trackResults":[{{"trackingNumber":"1","scanEvents":[{events}]}}]}}"#);
    assert!(Sender::Fedex.parse(body.as_bytes(), &CodeMap::default()).is_ok());
}

#[test]
fn codes_are_short_however_long_they_are_sent() {
    let long = "é".repeat(3_000);
    for (sender, body) in [
        (Sender::Fedex, r#"{"trackResults":[{"trackingNumber":1,"scanEvents":{"eventType":"LONG"}}]}"#),
        (Sender::Ups, r#"{"trackingNumber":1,"activityStatus":{"type":"LONG","code":"LONG"}}"#),
        (Sender::Usps, r#"{"trackingNumber":1,"eventCode":"LONG"}"#),
        (Sender::Usps, r#"{"trackingNumber":1,"eventType":"LONG"}"#),
        (Sender::Dhl, r#"{"shipments":[{"id":1,"events":[{"statusCode":"LONG","status":"WC"}]}]}"#),
        (Sender::Dhl, r#"{"packages":[{"trackingId":1,"events":[{"primaryEventDescription":"LONG"}]}]}"#),
        (
            Sender::Easypost,
            r#"{"object":"Tracker","tracking_code":1,"carrier":"ups","status":"LONG","status_detail":"LONG"}"#,
        ),
        (
            Sender::Shippo,
            r#"{"event":"track_updated","data":{"carrier":"ups","tracking_number":1,"tracking_status":{"status":"LONG","substatus":"LONG"}}}"#,
        ),
        (
            Sender::Aftership,
            r#"{"event":"tracking_update","msg":{"slug":"ups","tracking_number":1,"tag":"LONG"}}"#,
        ),
    ] {
        let body = body.replace("LONG", &long);
        promises::read(sender, body.as_bytes());
        match sender.parse(body.as_bytes(), &CodeMap::default()) {
            Ok(Push::Parcels(parcels, _)) => {
                assert_eq!(parcels[0].scans[0].code.chars().count(), 200, "{sender}")
            }
            other => panic!("{other:?}"),
        }
    }
}
