//! Tests of the story format: what a file may contain, and the messages for a file that cannot be played.

use std::{collections::BTreeMap, path::Path};

use carriers::{Secrets, Sender};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Carrier, ConditionKind, Meaning, OrderStatus, ShipmentStatus};

use super::{
    file::Story,
    replace_tracking_numbers,
    tamper::{self, Tampering},
};

const WHOLE: &str = r#"
title = "All there is"
placed_at = "-3d"
order_ends = "delivered"
order_closed = false

[[parcel]]
name = "mug"
sender = "fedex"
tracking = "7946 0000 0001"
units = 2
ends = "delivered"

[[parcel]]
name = "cup"
sender = "ups"

[[step]]
after = "90s"
send = [
    { parcel = "mug", status = "out_for_delivery", at = "+0s" },
    { parcel = "cup", status = "delivered", at = 2026-01-15T07:02:09-05:00, location = "Berlin, DE" },
    { parcel = "mug", status = "delivery_attempt_failed", at = "-26h", estimated_delivery = "+1d" },
]
repeat = 3

[[step]]
send = [{ parcel = "mug", status = "delivered", at = "-1h" }]
forge = "signature"

[[step]]
send = [{ parcel = "mug", status = "delivered", at = "-1h" }]
expect = 503

[[step]]
[[step.ask]]
mutation = "cancelShipment"
input = { shipmentId = "$shipment:cup" }
refused = "NotFound"
"#;

fn begin() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn read(text: &str) -> Result<Story, Vec<String>> {
    let story = Story::parse(Path::new("a.toml"), text, begin(), |carrier| format!("FRESH{carrier}"));
    story.map_err(|error| error.to_string().lines().map(str::to_owned).collect())
}

/// Replaces a part of the sample story, and returns the problems of the result.
fn wrong(part: &str, other: &str) -> Vec<String> {
    assert!(WHOLE.contains(part), "{part}");
    read(&WHOLE.replacen(part, other, 1)).expect_err(other)
}

#[test]
fn everything_is_read() {
    let story = read(WHOLE).unwrap();
    assert_eq!((story.title.as_str(), story.order_ends), ("All there is", Some(OrderStatus::Delivered)));
    assert_eq!(story.placed_at.unwrap(), begin() - TimeDelta::days(3));
    let [mug, cup] = &story.parcels[..] else { panic!("two parcels") };
    assert_eq!((mug.carrier, mug.tracking.as_str(), mug.units), (Carrier::FEDEX, "794600000001", 2));
    assert_eq!((cup.carrier, cup.tracking.as_str(), cup.units), (Carrier::UPS, "FRESHups", 1));
    assert_eq!((mug.ends, cup.ends), (Some(ShipmentStatus::Delivered), None));
    assert_eq!(story.senders().collect::<Vec<_>>(), [Sender::Fedex, Sender::Ups]);

    assert_eq!(story.order_closed, Some(false));
    let [told, forged, refused, asked] = &story.steps[..] else { panic!("four steps") };
    let ([request], []) = (&asked.requests[..], &asked.updates[..]) else { panic!("one request") };
    assert_eq!((request.mutation.as_str(), request.refused.as_deref()), ("cancelShipment", Some("NotFound")));
    let input = request.resolve(&story, |reference| Ok(format!("{reference:?}"))).unwrap();
    assert_eq!(input["shipmentId"], "Shipment(1)");
    assert_eq!(
        (told.after, told.repeat, told.tampering, told.expect),
        (TimeDelta::seconds(90), 3, None, 200)
    );
    assert_eq!((forged.after, forged.repeat), (TimeDelta::zero(), 1));
    assert_eq!((forged.tampering, forged.expect, refused.expect), (Some(Tampering::Signature), 401, 503));

    // All scans of one parcel in a step are one update, oldest first.
    let [of_mug, of_cup] = &told.updates[..] else { panic!("two parcels are told of") };
    let meanings: Vec<Meaning> = of_mug.scans.iter().map(|scan| scan.meaning).collect();
    let failed = Meaning::Condition(ConditionKind::DeliveryAttemptFailed);
    assert_eq!(meanings, [failed, Meaning::Status(ShipmentStatus::OutForDelivery)]);
    assert_eq!(of_mug.estimated_delivery.unwrap(), begin() + TimeDelta::days(1));
    assert_eq!(of_cup.scans[0].at.to_rfc3339(), "2026-01-15T07:02:09-05:00");
    assert_eq!(of_cup.scans[0].location.as_deref(), Some("Berlin, DE"));
    assert_eq!(story.earliest_scan(), Some(begin() - TimeDelta::hours(26)));
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_a_near_name_is_offered() {
    for (part, other, expected) in [
        ("order_ends", "order_end", "a.toml: order_end: there is no such field; did you mean order_ends?"),
        (
            "\"delivered\"",
            "\"deliverd\"",
            "a.toml: order_ends: `deliverd` is no status of an order; did you mean delivered?",
        ),
        (
            "\"fedex\"",
            "\"fedx\"",
            "a.toml: parcel 1, sender: `fedx` is no sender of webhooks; did you mean fedex?",
        ),
        (
            "sender = \"ups\"",
            "sender = \"ups\"\ncarrier = \"fedex\"",
            "a.toml: parcel 2, carrier: ups reports on its own parcels only",
        ),
        ("name = \"cup\"", "name = \"mug\"", "a.toml: parcel 2, name: `mug` is the name of another parcel"),
        (
            "$shipment:cup",
            "$shipment:cupp",
            "a.toml: step 4, ask 1, input: the story has no parcel `cupp`; did you mean cup?",
        ),
        (
            "$shipment:cup",
            "$item:0",
            "a.toml: step 4, ask 1, input: `$item:0`: the items of an order are $item:1, $item:2 and so on",
        ),
        ("{ shipmentId = \"$shipment:cup\" }", "7", "a.toml: step 4, ask 1, input: must be a table"),
        ("closed = false", "closed = \"no\"", "a.toml: order_closed: must be true or false"),
        ("units = 2", "units = 0", "a.toml: parcel 1, units: must be a number from 1 to 1000"),
        ("\"90s\"", "\"soon\"", "a.toml: step 1, after: `soon` is no duration, as in 90s, 30m, 26h or 7d"),
        ("90s", "1.5h", "a.toml: step 1, after: `1.5h` is no duration, as in 90s, 30m, 26h or 7d"),
        (
            "parcel = \"cup\"",
            "parcel = \"cupp\"",
            "a.toml: step 1, send 2, parcel: the story has no parcel `cupp`; did you mean cup?",
        ),
        (
            "\"out_for_delivery\"",
            "\"out_of_delivery\"",
            "a.toml: step 1, send 1, status: `out_of_delivery` is no status or condition of a parcel; did you mean \
             out_for_delivery?",
        ),
        (", at = \"+0s\"", "", "a.toml: step 1, send 1, at: is missing"),
        ("repeat = 3", "repeat = \"3\"", "a.toml: step 1, repeat: must be a number from 1 to 1000"),
        (
            "\"signature\"",
            "\"signatur\"",
            "a.toml: step 2, forge: `signatur` is no forgery; did you mean signature?",
        ),
        ("503", "7", "a.toml: step 3, expect: must be a number from 100 to 599"),
        ("location = \"Berlin, DE\"", "location = 7", "a.toml: step 1, send 2, location: must be a text"),
    ] {
        assert_eq!(wrong(part, other), [expected]);
    }
}

#[test]
fn all_problems_are_named_at_once() {
    let text = "title = 'x'\n[[parcel]]\nname = 'mug'\n[[step]]\nsend = []\n[[step]]\nsnd = 1\n";
    assert_eq!(
        read(text).unwrap_err(),
        [
            "a.toml: parcel 1, sender: is missing",
            "a.toml: step 1, send: is empty",
            "a.toml: step 2, send: is missing",
            "a.toml: step 2, snd: there is no such field; did you mean send?",
        ]
    );
    assert_eq!(
        read("").unwrap_err(),
        ["a.toml: title: is missing", "a.toml: parcel: is missing", "a.toml: step: is missing"]
    );
}

#[test]
fn an_unknown_parcel_is_named_whatever_else_is_wrong() {
    let unknown = "a.toml: step 1, send 2, parcel: the story has no parcel `cupp`; did you mean cup?";
    let text = WHOLE.replacen("parcel = \"cup\"", "parcel = \"cupp\"", 1);
    for (part, other, place) in [
        ("title = \"All there is\"", "", "title"),
        ("\"-3d\"", "\"soon\"", "placed_at"),
        ("title =", "titel = 1\ntitle =", "titel"),
        ("units = 2", "units = 0", "parcel 1, units"),
        ("sender = \"ups\"", "", "parcel 2, sender"),
    ] {
        let problems = read(&text.replacen(part, other, 1)).expect_err(other);
        assert!(problems.len() == 2 && problems[1] == unknown, "{problems:?}");
        assert!(problems[0].starts_with(&format!("a.toml: {place}: ")), "{problems:?}");
    }
    let nameless = read(&text.replacen("name = \"cup\"", "", 1)).unwrap_err();
    assert_eq!(nameless, ["a.toml: parcel 2, name: is missing"], "`cupp` may be that one");
    let no_sender = WHOLE.replacen("sender = \"ups\"", "", 1);
    assert_eq!(read(&no_sender).unwrap_err(), ["a.toml: parcel 2, sender: is missing"], "`cup` is known");
}

#[test]
fn an_order_is_not_placed_after_the_play_has_begun() {
    let problem = |time: &str| format!("a.toml: placed_at: `{time}` is after the beginning of the play");
    for time in ["+1s", "2026-01-15T12:00:01+00:00"] {
        assert_eq!(wrong("-3d", time), [problem(time)]);
    }
    assert!(read(&WHOLE.replacen("-3d", "+0s", 1)).is_ok());
}

#[test]
fn what_is_no_toml_is_named_with_its_line() {
    let error = read("title = 'x'\nsteps: 3\n").unwrap_err().remove(0);
    assert!(error.starts_with("a.toml: line 2: "), "{error}");
}

#[test]
fn numbers_of_the_command_line_go_first() {
    let mut story = read(WHOLE).unwrap();
    replace_tracking_numbers(&mut story, &["cup=1z 999".to_owned()]).unwrap();
    assert_eq!(story.parcels[1].tracking, "1Z999");
    for (given, expected) in [
        ("1Z999", "--tracking: `1Z999` is not like mug=794600000001"),
        ("mugs=1Z999", "--tracking: the story has no parcel `mugs`; did you mean mug?"),
        ("mug=", "--tracking: `` cannot be a tracking number: up to 64 letters and digits, and hyphens"),
    ] {
        assert_eq!(
            replace_tracking_numbers(&mut story, &[given.to_owned()]).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn a_rehearsal_finds_what_senders_cannot_say_and_forgeries_nobody_could_detect() {
    let secrets: BTreeMap<_, _> = [Sender::Fedex, Sender::Ups]
        .map(|sender| (sender, Secrets::new(["hush".to_owned()]).unwrap()))
        .into();
    let rehearse = |text: &str| {
        let story = read(text).unwrap();
        story.check_webhooks(Path::new("a.toml"), &secrets, begin()).map_err(|error| error.to_string())
    };
    assert_eq!(rehearse(WHOLE), Ok(()));
    assert_eq!(rehearse(&WHOLE.replace("\"signature\"", "\"body\"")), Ok(()), "FedEx signs the body");
    assert_eq!(
        rehearse(&WHOLE.replace("\"signature\"", "\"old\"")).unwrap_err(),
        "a.toml: step 2, forge: fedex signs no time, so that an old webhook cannot be told from a new one"
    );
    assert_eq!(
        rehearse(&WHOLE.replace("delivery_attempt_failed", "damaged")).unwrap_err(),
        "a.toml: step 1, parcel mug, status: fedex has no way to say damaged",
        "out_for_delivery it can say"
    );
    let twice = WHOLE.replace("delivery_attempt_failed", "damaged").replace("out_for_delivery", "damaged");
    assert_eq!(
        rehearse(&twice).unwrap_err(),
        "a.toml: step 1, parcel mug, status: fedex has no way to say damaged"
    );
    assert_eq!(rehearse(&WHOLE.replace("delivery_attempt_failed", "other")), Ok(()));
    let by_ups = WHOLE.replace("\"mug\", status = \"delivered\"", "\"cup\", status = \"delivered\"");
    assert_eq!(
        rehearse(&by_ups.replace("\"signature\"", "\"body\"")).unwrap_err(),
        "a.toml: step 2, forge: ups does not sign the body, so that a changed one cannot be told"
    );
}

#[test]
fn a_forged_signature_stands_where_the_real_one_does() {
    let story = read(&WHOLE.replace("\"fedex\"", "\"dhl\"")).unwrap();
    let (mug, step) = (&story.parcels[0], &story.steps[1]);
    let secrets = Secrets::new(["hush".to_owned()]).unwrap().with_header("x-shop-key");
    let headers = |tampering| {
        let webhooks = tamper::compose_webhooks(mug, &step.updates[0], tampering, &secrets, begin()).unwrap();
        assert_eq!(tamper::is_rejected(&webhooks[0], &secrets, begin()), tampering.is_some());
        webhooks[0].headers.clone()
    };
    assert_eq!(headers(None), [("x-shop-key".to_owned(), "hush".to_owned())]);
    let forged = headers(Some(Tampering::Signature));
    assert!(forged[0].0 == "x-shop-key" && forged[0].1 != "hush", "{forged:?}");
}
