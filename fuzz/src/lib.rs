//! What the fuzz targets have in common: they feed `carriers` with bytes and look whether it keeps its promises.
//!
//! `scripts/fuzz` runs them all. A sender has a target of its own, which names it: see `fuzz_targets/parse_fedex.rs`.

// The same promises that the crate's own tests ask for.
#[path = "../../crates/carriers/src/robustness/promises.rs"]
mod promises;

use carriers::{CodeMap, MAX_SCANS, Parcel, ParsedScan, Push, Request, Secrets, Sender};
use libfuzzer_sys::arbitrary::{self, Arbitrary};

pub use libfuzzer_sys;

/// The target of one sender's parser, from the sender's short name.
#[macro_export]
macro_rules! parse {
    ($sender:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|body: &[u8]| $crate::parse($sender, body));
    };
}

/// The sender of that name reads the body.
pub fn parse(sender: &str, body: &[u8]) {
    promises::read(sender.parse().expect("a sender that this version of Milepost knows"), body);
}

/// A request as nobody sends it.
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

/// Every sender refuses the request: it knows no secret.
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

/// A setting is read or refused in words; what is read gives each code one meaning.
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
