//! The properties of everything that is parsed from a body, whoever wrote the body.
//!
//! The tests in `robustness.rs` check them with invented and damaged bodies. The fuzz targets include this file and
//! check them with any bytes: see `fuzz/src/lib.rs`.

use super::{CodeMap, MAX_SCANS, Parcel, ParsedScan, Push, Sender};

/// The longest text that is parsed from a body, in bytes: several texts of at most 500 characters each.
const LONGEST: usize = 10_000;
/// The longest code, in characters. It is limited because the database has an index over codes.
const MAX_CODE: usize = 200;
/// The most other numbers of one parcel.
const MAX_OTHERS: usize = 5;
/// The result of parsing takes at most `TIMES` times the bytes of the body, plus [`A_LITTLE`] for an empty body.
const TIMES: usize = 32;
const A_LITTLE: usize = 1_000;

/// The headers in which senders put their proofs and what belongs to them, and one header that no sender uses.
pub const HEADERS: [&str; 15] = [
    "fdx-signature",
    "credential",
    "authorization",
    "x-api-key",
    "x-hmac",
    "hmac-header",
    "timestamp",
    "aftership-hmac-sha256",
    "x-milepost-token",
    "x-hmac-signature",
    "x-hmac-signature-v2",
    "x-timestamp",
    "x-path",
    "shippo-auth-signature",
    "x",
];

/// Lets the sender parse the body. Panics if parsing panics or if the result does not have the properties.
pub fn read(sender: Sender, body: &[u8]) {
    // These are called before a body is parsed. A challenge is sent back unchanged and never stored.
    texts(&sender.push_id(body));
    assert!(sender.challenge(body).is_none_or(|challenge| challenge.len() <= body.len() + A_LITTLE));
    match sender.parse(body, &CodeMap::default()) {
        Ok(Push::Parcels(parcels, unread)) => {
            texts(&unread.map(|unread| unread.to_string()));
            check(parcels, body.len());
        }
        Ok(Push::Activation(asked)) => texts([&asked.subscription, &asked.secret]),
        Ok(Push::Remark(said)) => texts([&said]),
        Err(unreadable) => texts([&unreadable.to_string()]),
    }
}

fn check(parcels: Vec<Parcel>, length: usize) {
    let held: usize = parcels.iter().map(held).sum();
    assert!(held <= TIMES * length + A_LITTLE, "{held} bytes come out of {length}");
    assert!(parcels.iter().map(|parcel| parcel.scans.len()).sum::<usize>() <= MAX_SCANS);
    for parcel in parcels {
        assert!(!parcel.scans.is_empty());
        let number = &parcel.tracking_number.to_string();
        assert!(!number.is_empty() && !number.contains(char::is_whitespace), "{number:?}");
        texts([number].into_iter().chain(&parcel.package).chain(&parcel.other_numbers));
        assert!(parcel.other_numbers.len() <= MAX_OTHERS && !parcel.other_numbers.contains(number));
        for scan in &parcel.scans {
            assert!((1..=MAX_CODE).contains(&scan.code.chars().count()), "{} bytes", scan.code.len());
            texts([&scan.code].into_iter().chain(&scan.description).chain(&scan.location));
        }
        let scans = parcel.scans.len();
        assert_eq!(parcel.into_scans("2026-01-15T12:00:00Z".parse().unwrap()).len(), scans);
    }
}

/// Checks that no text is long or contains a NUL, which PostgreSQL would refuse.
fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) {
    for text in texts {
        assert!(!text.contains('\0') && text.len() < LONGEST, "{} bytes: {text:?}", text.len());
    }
}

/// The memory that a parcel takes, in bytes.
fn held(parcel: &Parcel) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let scan = |scan: &ParsedScan| {
        size_of::<ParsedScan>() + scan.code.len() + length(&scan.description) + length(&scan.location)
    };
    let scans: usize = parcel.scans.iter().map(scan).sum();
    let others: usize = parcel.other_numbers.iter().map(|number| size_of::<String>() + number.len()).sum();
    size_of::<Parcel>() + parcel.tracking_number.len() + length(&parcel.package) + others + scans
}
