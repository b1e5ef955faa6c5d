//! Verification of DHL pushes: which tokens are accepted.

use chrono::TimeDelta;

use super::*;
use crate::{
    Sender,
    simulate::tests::{history, simulated_scan},
};

#[test]
fn the_token_is_compared_whole_in_the_header_the_merchant_chose() {
    let secrets = Secrets::new(["new-token".to_owned(), "old-token".to_owned()]).unwrap();
    let at = DateTime::UNIX_EPOCH;
    let check = |secrets: &Secrets, headers: &[(&str, &[u8])]| {
        Dhl.verify(secrets, &Request { at, query: "token=old-token", headers, body: EXPRESS.as_bytes() })
    };
    assert_eq!(Dhl.sign(&secrets, b"", at), [("x-milepost-token".to_owned(), "new-token".to_owned())]);
    assert_eq!(check(&secrets, &[("X-Milepost-Token", b"old-token")]), Ok(()));
    assert_eq!(check(&secrets, &[("x-milepost-token", b"new-token")]), Ok(()));
    for wrong in [&b"old-tokeN"[..], b"old", b"old-token2", b"\xff"] {
        assert_eq!(check(&secrets, &[("x-milepost-token", wrong)]), Err(Refused::Mismatch));
    }
    for index in 0.."new-token".len() {
        let mut changed = b"new-token".to_vec();
        changed[index] ^= 1;
        assert_eq!(check(&secrets, &[("x-milepost-token", &changed)]), Err(Refused::Mismatch));
    }
    let missing = |header: &str| Err(Refused::MissingHeader(header.to_owned()));
    assert_eq!(check(&secrets, &[]), missing("x-milepost-token"));
    assert_eq!(check(&secrets, &[("x-milepost-token", b" ")]), missing("x-milepost-token"));

    let chosen = secrets.with_header("X-My-Hook");
    assert_eq!(Dhl.sign(&chosen, b"", at), [("X-My-Hook".to_owned(), "new-token".to_owned())]);
    assert_eq!(check(&chosen, &[("x-my-hook", b"old-token")]), Ok(()));
    assert_eq!(check(&chosen, &[("x-milepost-token", b"old-token")]), missing("X-My-Hook"));
}

#[test]
fn a_composed_body_is_accepted_and_refused_from_others() {
    let secrets = |secret: &str| Secrets::new([secret.to_owned()]).unwrap();
    let scans = [simulated_scan(Status(OutForDelivery), 1)];
    let body = Dhl.simulate(&history(Sender::Dhl, &scans)).remove(0);
    let at = scans[0].at.to_utc();
    let signed = Dhl.sign(&secrets("ours"), &body, at);
    let headers: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    // The token has no time, so it is still accepted a year later.
    for at in [at, at + TimeDelta::days(365)] {
        let request = Request { at, query: "", headers: &headers, body: &body };
        assert_eq!(Dhl.verify(&secrets("ours"), &request), Ok(()));
        assert_eq!(Dhl.verify(&secrets("theirs"), &request), Err(Refused::Mismatch));
    }
}
