//! No input makes a parser or a signature check panic, and every result has the properties in `promises.rs`.

mod bounds;
mod html;
mod identities;
mod promises;

use std::{fs, sync::LazyLock};

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

use crate::{Client, CodeMap, MAX_SCANS, Parcel, ParsedScan, Push, Request, Secrets, Sender};

/// The text of every file in `samples`.
static SAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
});

/// Header values that have the form of a proof, or of a part of one, but prove nothing.
const PROOFS: [&str; 7] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "hmac-sha256-hex=0000000000000000000000000000000000000000000000000000000000000000",
    "t=0,v1=0000000000000000000000000000000000000000000000000000000000000000",
    "Bearer 3600.AAAA",
    "Thu, 01 Jan 1970 00:00:00 +0000",
    "1970-01-01T00:00:00Z",
];

/// Lets every sender parse the body, also bodies of other senders.
fn read(body: &[u8]) {
    for sender in Sender::ALL {
        promises::read(sender, body);
    }
}

/// Replaces the leaf number `index`, counted in the sequence of the values. Changes nothing if there are fewer
/// leaves.
fn replace_leaf(value: &mut Value, index: &mut usize, with: &Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| replace_leaf(element, index, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace_leaf(field, index, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            if *index == 0 {
                *value = with.clone();
            }
            *index = index.wrapping_sub(1);
        }
    }
}

/// The value of a header: random bytes, or one of [`PROOFS`].
fn proof() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..80), select(&PROOFS[..]).prop_map(|proof| proof.as_bytes().to_vec())]
}

fn hostile() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::from),
        "[0-9+:.TZ-]{0,30}".prop_map(Value::from),
        "[0-9]{6}|[0-9]{8}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![
            serde_json::json!([]),
            serde_json::json!({}),
            Value::Null,
            Value::Bool(true),
            Value::from("+262142-12-31T23:59:59-23:59"),
            Value::from("-262143-01-01T00:00:00+23:59"),
            Value::from("99991231"),
            Value::from("00000101"),
            Value::from("235960"),
            Value::from("\u{0}"),
        ]),
    ]
}

#[test]
fn every_sender_has_a_fuzz_target() {
    let targets = include_str!("../../../fuzz/Cargo.toml");
    for sender in Sender::ALL {
        assert!(targets.contains(&format!("name = \"parse_{sender}\"")), "{sender}");
    }
}

#[test]
fn the_headers_that_senders_sign_with_are_tried() {
    let secrets = Secrets::new(["a secret nobody guesses".to_owned()]).unwrap();
    let client = Client::new("ups".to_owned(), ["another".to_owned()]).unwrap();
    for sender in Sender::ALL {
        for secrets in [&secrets, &Secrets::from_client(client.clone())] {
            let signed = sender.sign(secrets, b"{}", chrono::DateTime::UNIX_EPOCH);
            assert!(!signed.is_empty(), "{sender}");
            for (name, _) in signed {
                assert!(promises::HEADERS.contains(&name.as_str()), "{sender}: {name}");
            }
        }
    }
}

#[test]
fn samples_are_read() {
    for sample in SAMPLES.iter() {
        let read = Sender::ALL.map(|sender| sender.parse(sample.as_bytes(), &CodeMap::default()));
        assert_eq!(read.iter().filter(|parcels| parcels.is_ok()).count(), 1, "by one sender: {sample}");
        let says = |push: &Push| !matches!(push, Push::Parcels(parcels, _) if parcels.is_empty());
        assert!(read.iter().flatten().all(says));
    }
}

proptest! {
    #[test]
    fn any_bytes(body in vec(any::<u8>(), 0..300)) {
        read(&body);
    }

    #[test]
    fn samples_with_changed_bytes(
        sample in select(SAMPLES.as_slice()),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        let mut body = sample.as_bytes().to_vec();
        for (index, byte) in changes {
            let index = index.index(body.len());
            body[index] = byte;
        }
        read(&body);
        read(&body[..end.index(body.len())]);
    }

    #[test]
    fn samples_with_changed_values(
        sample in select(SAMPLES.as_slice()),
        changes in vec((0usize..60, hostile()), 1..6),
    ) {
        let mut body: Value = serde_json::from_str(&sample).unwrap();
        for (mut index, with) in changes {
            replace_leaf(&mut body, &mut index, &with);
        }
        read(body.to_string().as_bytes());
    }

    #[test]
    fn any_request_is_refused(
        headers in vec((select(&promises::HEADERS[..]), proof()), 0..8),
        query in "(token=[a-z]{0,5})?",
        body in select(vec!["", r#"{"challenge":"x"}"#, r#"{"timestamp":"1970-01-01T00:00:00Z","payload":"{}"}"#]),
    ) {
        let secrets = Secrets::new(["a secret nobody guesses".to_owned()]).unwrap();
        let client = Client::new("ups".to_owned(), ["another".to_owned()]).unwrap();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
        let at = chrono::DateTime::UNIX_EPOCH;
        let request = Request { at, query: &query, headers: &headers, body: body.as_bytes() };
        for sender in Sender::ALL {
            prop_assert!(sender.verify(&secrets, &request).is_err());
        }
        prop_assert!(Sender::Ups.verify(&secrets.with_client(client), &request).is_err());
    }

    #[test]
    fn any_setting(setting in "[a-zA-Z0-9./=, ]{0,40}|(fedex|ups|usps|aftership|FX)\\.[A-Z/]{0,4}=[a-z_]{0,8}") {
        let _: Result<CodeMap, _> = setting.parse();
    }
}
