//! A webhook's HTTP request as the checks of signatures see it, and why they refuse one.

use chrono::{DateTime, TimeDelta, Utc};

/// A request without its body.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// When the request was received.
    pub at: DateTime<Utc>,
    /// The query of the URL, without the `?`. Empty if there is none.
    pub query: &'a str,
    /// Names and values of the headers. Letter case of names does not matter. If a name occurs several times, the
    /// first one counts.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// How much the head of a request proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadProof {
    /// The head proves that the request is the sender's. The body is not signed.
    Complete,
    /// The head carries a well-formed signature over the body. It must still be compared with the body.
    SignsBody,
}

impl<'a> Head<'a> {
    /// Adds the body.
    pub fn with_body(self, body: &'a [u8]) -> Request<'a> {
        Request { at: self.at, query: self.query, headers: self.headers, body }
    }

    /// The value of a header, without blanks around it. An empty header counts as missing.
    pub(crate) fn find_header(&self, name: &str) -> Result<&'a [u8], Refused> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refused::MissingHeader(name.to_owned()))
    }

    /// Refuses a time of signing that is more than [`FRESH_FOR`] before or after the arrival of the request.
    pub(crate) fn check_age(&self, signed_at: DateTime<Utc>) -> Result<(), Refused> {
        // A subtraction, because an addition to a time at the end of the calendar would overflow.
        if (self.at - signed_at).abs() <= FRESH_FOR { Ok(()) } else { Err(Refused::Stale(signed_at)) }
    }
}

/// A complete request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// When the request was received.
    pub at: DateTime<Utc>,
    /// The query of the URL, without the `?`. Empty if there is none.
    pub query: &'a str,
    /// Names and values of the headers. Letter case of names does not matter. If a name occurs several times, the
    /// first one counts.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The request without its body.
    pub fn head(&self) -> Head<'a> {
        Head { at: self.at, query: self.query, headers: self.headers }
    }

    /// See [`Head::find_header`].
    pub(crate) fn find_header(&self, name: &str) -> Result<&'a [u8], Refused> {
        self.head().find_header(name)
    }

    /// See [`Head::check_age`].
    pub(crate) fn check_age(&self, signed_at: DateTime<Utc>) -> Result<(), Refused> {
        self.head().check_age(signed_at)
    }
}

/// The greatest difference between the time of a signature and our clock. A captured request cannot be sent again
/// after that.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(5);

/// Why a request failed verification. Answer it with 401 and without the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The header that carries the proof is missing or empty.
    #[error("header `{0}` is missing")]
    MissingHeader(String),
    /// The header is present, but its value cannot be a proof.
    #[error("header `{0}` is malformed")]
    MalformedHeader(&'static str),
    /// The request was not signed now: somebody sends a captured request again, or a clock is wrong.
    #[error("the signature is of {0}, too far from now")]
    Stale(DateTime<Utc>),
    /// The signed content has no readable time, so it may have been signed at any time.
    #[error("the time of the signature cannot be read")]
    Undated,
    /// We issued the token, but it has expired.
    #[error("the token ended at {0}")]
    Ended(DateTime<Utc>),
    /// The proof matches none of the secrets.
    #[error("the signature fits none of the configured secrets")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_fresh_for_five_minutes() {
        let request =
            Request { at: DateTime::UNIX_EPOCH + TimeDelta::days(1), query: "", headers: &[], body: b"" };
        for (seconds, fresh) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let signed_at = request.at + TimeDelta::seconds(seconds);
            assert_eq!(request.check_age(signed_at).is_ok(), fresh, "{seconds}");
        }
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(request.check_age(at), Err(Refused::Stale(at)));
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_empty_ones_are_missing() {
        let headers: [(&str, &[u8]); 2] = [("CREDENTIAL", b" abc "), ("fdx-signature", b" ")];
        let request = Request { at: DateTime::UNIX_EPOCH, query: "", headers: &headers, body: b"" };
        assert_eq!(request.find_header("credential"), Ok(&b"abc"[..]));
        assert_eq!(
            request.find_header("fdx-signature"),
            Err(Refused::MissingHeader("fdx-signature".to_owned()))
        );
    }
}
