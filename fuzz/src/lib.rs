//! The common parts of the fuzz targets. They give random input to `carriers`, and check that it keeps its promises.
//!
//! `scripts/fuzz` runs all targets. Each sender has a target of its own, such as `fuzz_targets/parse_fedex.rs`.

// The tests of the crate `carriers` check the same promises.
#[path = "../../crates/carriers/src/robustness/promises.rs"]
mod promises;

use carriers::{CodeMap, MAX_SCANS, Parcel, ParsedScan, Push, Request, Secrets, Sender};
use libfuzzer_sys::arbitrary::{self, Arbitrary};

pub use libfuzzer_sys;

/// Defines the fuzz target for the parser of one sender, given by its short name.
#[macro_export]
macro_rules! parse {
    ($sender:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|body: &[u8]| $crate::parse($sender, body));
    };
}

/// Parses `body` as a webhook of this sender, and checks the promises about the result.
pub fn parse(sender: &str, body: &[u8]) {
    promises::read(sender.parse().expect("a sender that this version of Milepost knows"), body);
}

/// A random request to the route of a webhook.
#[derive(Arbitrary, Debug)]
pub struct Arrived<'a> {
    seconds: i32,
    query: &'a str,
    headers: Vec<(Name<'a>, &'a [u8])>,
    body: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Known(u8),
    Any(&'a str),
}

impl<'a> Name<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Known(at) => promises::HEADERS[usize::from(*at) % promises::HEADERS.len()],
            Self::Any(name) => name,
        }
    }
}

/// Checks that every sender rejects the request: its signature cannot be right, because the secret is not known to the
/// fuzzer.
pub fn verify(arrived: &Arrived<'_>) {
    let secrets = Secrets::new(["a secret nobody guesses".to_owned(), "s\u{e9}cret, another one".to_owned()])
        .expect("secrets");
    let headers: Vec<_> = arrived.headers.iter().map(|(name, value)| (name.text(), *value)).collect();
    let start: chrono::DateTime<chrono::Utc> = chrono::DateTime::UNIX_EPOCH;
    let at = start + chrono::TimeDelta::seconds(arrived.seconds.into());
    let request = Request { at, query: arrived.query, headers: &headers, body: arrived.body };
    for sender in Sender::ALL {
        let answer = sender.verify(&secrets, &request);
        assert!(answer.is_err(), "{sender} believes {arrived:?}");
    }
}

/// Parses `setting`. If it is valid, checks that each of its codes has a meaning; else checks that the error is not too
/// long.
pub fn code_map(setting: &str) {
    match setting.parse::<CodeMap>() {
        Ok(map) => {
            let given = |entry: &str| {
                let (key, _) = entry.split_once('=')?;
                let (sender, code) = key.split_once('.')?;
                map.get(sender.trim().parse().ok()?, code.trim())
            };
            let entries = setting.split(',').filter(|entry| !entry.trim().is_empty());
            entries.for_each(|entry| assert!(given(entry).is_some(), "{entry:?} is lost"));
        }
        Err(error) => assert!(error.to_string().len() <= 2 * setting.len() + 1_000),
    }
}
