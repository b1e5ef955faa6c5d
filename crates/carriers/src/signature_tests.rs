//! Every signature scheme, tried with a push as its sender would write it. A genuine push is accepted. A push that is
//! changed, unsigned, signed with another secret or too old is refused.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Meaning, ShipmentStatus};

use crate::{
    Client, HeadProof, Refused, Request, Secrets, Sender,
    simulate::tests::{history, simulated_scan},
};

/// One signature scheme of one sender.
struct SignatureScheme {
    name: &'static str,
    sender: Sender,
    /// The secrets that both sides share, made from one secret.
    secrets: fn(&str) -> Secrets,
    /// The headers of this scheme, if the sender's `sign` writes those of several schemes. If empty, all headers
    /// belong to it.
    headers: &'static [&'static str],
    /// Whether the secret is sent in the query of the URL, and not in a header.
    query: bool,
    /// Whether the body is signed. If not, the request only carries a secret or a token.
    signs: bool,
    /// How long a signature is valid. `None` if it is valid for ever, because nothing shows its age.
    good_for: Option<TimeDelta>,
}

const FRESH: Option<TimeDelta> = Some(TimeDelta::minutes(5));

/// The signature schemes of all senders.
fn signature_schemes() -> Vec<SignatureScheme> {
    let scheme = |sender: Sender| SignatureScheme {
        name: sender.as_str(),
        sender,
        secrets: shared,
        headers: &[],
        query: false,
        signs: true,
        good_for: None,
    };
    let usual = Sender::ALL.map(|sender| match sender {
        Sender::Fedex | Sender::Aftership => scheme(sender),
        Sender::Ups | Sender::Dhl => SignatureScheme { signs: false, ..scheme(sender) },
        Sender::Usps | Sender::Shippo => SignatureScheme { good_for: FRESH, ..scheme(sender) },
        Sender::Easypost => SignatureScheme {
            name: "easypost, newer signature",
            headers: &["x-hmac-signature-v2", "x-timestamp", "x-path"],
            good_for: FRESH,
            ..scheme(sender)
        },
    });
    let more = [
        SignatureScheme {
            name: "ups, token",
            secrets: |secret| {
                Secrets::from_client(Client::new("ups".to_owned(), [secret.to_owned()]).unwrap())
            },
            headers: &["authorization"],
            signs: false,
            // The token is already invalid at the moment of its end.
            good_for: Some(TimeDelta::minutes(60) - TimeDelta::seconds(1)),
            ..scheme(Sender::Ups)
        },
        SignatureScheme {
            name: "easypost, older signature",
            headers: &["x-hmac-signature"],
            ..scheme(Sender::Easypost)
        },
        SignatureScheme { name: "shippo, token", query: true, signs: false, ..scheme(Sender::Shippo) },
    ];
    usual.into_iter().chain(more).collect()
}

fn shared(secret: &str) -> Secrets {
    Secrets::new([secret.to_owned()]).unwrap()
}

/// A push with the headers and the query it is sent with.
#[derive(Clone)]
struct Pushed {
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    at: DateTime<Utc>,
}

impl SignatureScheme {
    fn push(&self, secret: &str) -> Pushed {
        let line = [ShipmentStatus::PickedUp, ShipmentStatus::OutForDelivery].map(Meaning::Status);
        let scans: Vec<_> =
            line.into_iter().zip(0..).map(|(meaning, hour)| simulated_scan(meaning, hour)).collect();
        let history = history(self.sender, &scans);
        let (body, at) = (self.sender.simulate(&history).remove(0), history.sent_at);
        let mut headers = self.sender.sign(&(self.secrets)(secret), &body, at);
        headers.retain(|(name, _)| self.headers.is_empty() || self.headers.contains(&name.as_str()));
        assert!(self.headers.len() <= headers.len(), "{}: {headers:?}", self.name);
        if self.query {
            headers.clear();
        }
        let query = if self.query { format!("token={secret}") } else { String::new() };
        Pushed { query, headers, body, at }
    }

    fn check(&self, secret: &str, pushed: &Pushed) -> Result<(), Refused> {
        self.request(pushed, |request| self.sender.verify(&(self.secrets)(secret), &request))
    }

    /// The check before the body is read.
    fn check_head(&self, secret: &str, pushed: &Pushed) -> Result<HeadProof, Refused> {
        self.request(pushed, |request| self.sender.verify_head(&(self.secrets)(secret), &request.head()))
    }

    fn request<T>(&self, pushed: &Pushed, check: impl FnOnce(Request<'_>) -> T) -> T {
        let headers: Vec<_> =
            pushed.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        check(Request { at: pushed.at, query: &pushed.query, headers: &headers, body: &pushed.body })
    }
}

/// The text with another character at this index.
fn changed(text: &str, index: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[index] = if bytes[index] == b'5' { b'6' } else { b'5' };
    String::from_utf8(bytes).unwrap()
}

/// Indexes of bytes that are signed. USPS signs only a part of its envelope; the rest is tested in
/// `usps/tests/signature.rs`.
fn signed_bytes(scheme: &SignatureScheme, body: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(body).unwrap();
    let from = match scheme.sender {
        Sender::Usps => text.find("trackingEvents").unwrap(),
        Sender::Fedex | Sender::Ups | Sender::Dhl | Sender::Easypost | Sender::Shippo | Sender::Aftership => {
            0
        }
    };
    (from..body.len()).step_by(7).take(40).collect()
}

#[test]
fn what_a_sender_proves_is_believed() {
    for scheme in signature_schemes() {
        let pushed = scheme.push("ours");
        assert_eq!(scheme.check("ours", &pushed), Ok(()), "{}", scheme.name);
        assert!(scheme.sender.parse(&pushed.body, &Default::default()).is_ok(), "{}", scheme.name);
    }
}

#[test]
fn one_byte_that_is_another_is_refused() {
    for scheme in signature_schemes() {
        let pushed = scheme.push("ours");
        let refused = |changed: Pushed| {
            assert!(scheme.check("ours", &changed).is_err(), "{}: {:?}", scheme.name, changed.headers);
        };
        if scheme.signs {
            for index in signed_bytes(&scheme, &pushed.body) {
                let mut other = pushed.clone();
                other.body[index] ^= 1;
                refused(other);
            }
        }
        if scheme.query {
            for index in "token=".len()..pushed.query.len() {
                refused(Pushed { query: changed(&pushed.query, index), ..pushed.clone() });
            }
        }
        for header in 0..pushed.headers.len() {
            // Not up to the end: the last character of base64 has bits that are not used.
            for index in 0..pushed.headers[header].1.len().min(40) {
                let mut other = pushed.clone();
                other.headers[header].1 = changed(&pushed.headers[header].1, index);
                refused(other);
            }
        }
    }
}

#[test]
fn what_is_not_proved_is_refused() {
    for scheme in signature_schemes() {
        let pushed = scheme.push("ours");
        let bare = Pushed { query: String::new(), headers: vec![], ..pushed.clone() };
        assert!(matches!(scheme.check("ours", &bare), Err(Refused::MissingHeader(_))), "{}", scheme.name);
        for header in 0..pushed.headers.len() {
            let mut other = pushed.clone();
            other.headers.remove(header);
            assert!(scheme.check("ours", &other).is_err(), "{}: {:?}", scheme.name, other.headers);
        }
    }
}

#[test]
fn what_somebody_else_proves_is_refused() {
    for scheme in signature_schemes() {
        assert_eq!(scheme.check("ours", &scheme.push("theirs")), Err(Refused::Mismatch), "{}", scheme.name);
    }
}

#[test]
fn what_is_too_old_is_refused_where_its_age_is_proved() {
    for scheme in signature_schemes() {
        let pushed = scheme.push("ours");
        let after = |age: TimeDelta| scheme.check("ours", &Pushed { at: pushed.at + age, ..pushed.clone() });
        match scheme.good_for {
            Some(age) => {
                assert_eq!(after(age), Ok(()), "{}", scheme.name);
                let refused = after(age + TimeDelta::seconds(1));
                assert!(
                    matches!(refused, Err(Refused::Stale(_) | Refused::Ended(_))),
                    "{}: {refused:?}",
                    scheme.name
                );
            }
            None => assert_eq!(after(TimeDelta::days(365)), Ok(()), "{}", scheme.name),
        }
    }
}

#[test]
fn a_proof_that_does_not_cover_the_body_is_checked_without_it() {
    for scheme in signature_schemes() {
        let pushed = scheme.push("ours");
        let (proven, others) = (scheme.check_head("ours", &pushed), scheme.check_head("theirs", &pushed));
        match scheme.signs {
            true => assert_eq!(
                (proven, others),
                (Ok(HeadProof::SignsBody), Ok(HeadProof::SignsBody)),
                "{}",
                scheme.name
            ),
            false => assert_eq!(
                (proven, others),
                (Ok(HeadProof::Complete), Err(Refused::Mismatch)),
                "{}",
                scheme.name
            ),
        }
    }
}

#[test]
fn a_head_without_a_well_formed_proof_is_refused_without_the_body() {
    for scheme in signature_schemes() {
        let pushed = scheme.push("ours");
        let bare = Pushed { query: String::new(), headers: vec![], ..pushed.clone() };
        assert!(
            matches!(scheme.check_head("ours", &bare), Err(Refused::MissingHeader(_))),
            "{}",
            scheme.name
        );
        if scheme.query {
            continue;
        }
        for malformed in ["", " ", "x", "bm90IGEgc2lnbmF0dXJl", "\u{e9}", &"A".repeat(5000)] {
            let mut other = pushed.clone();
            for (_, value) in &mut other.headers {
                *value = malformed.to_owned();
            }
            assert!(scheme.check_head("ours", &other).is_err(), "{}: {malformed:.60}", scheme.name);
        }
    }
}

#[test]
fn a_signature_that_names_an_old_time_in_the_head_is_refused_without_the_body() {
    for scheme in signature_schemes() {
        let pushed = scheme.push("ours");
        let Some(age) = scheme.good_for else { continue };
        let late = Pushed { at: pushed.at + age + TimeDelta::seconds(1), ..pushed };
        let refused = scheme.check_head("ours", &late);
        // USPS signs a time that is in the body.
        match scheme.sender {
            Sender::Usps => assert_eq!(refused, Ok(HeadProof::SignsBody)),
            Sender::Fedex
            | Sender::Ups
            | Sender::Dhl
            | Sender::Easypost
            | Sender::Shippo
            | Sender::Aftership => {
                assert!(
                    matches!(refused, Err(Refused::Stale(_) | Refused::Ended(_))),
                    "{}: {refused:?}",
                    scheme.name
                );
            }
        }
    }
}
