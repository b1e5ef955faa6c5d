//! Issues access tokens to senders that need one before they send webhooks: OAuth 2.0 client credentials (RFC 6749,
//! section 4.4).
//!
//! `api::webhooks` parses the form and writes the response: it calls `admit_token_request` before it reads the body,
//! then `issue_token`. This module decides who gets a token. Tokens are computed, not stored. `find_client` finds the
//! credentials that the merchant has set for a sender.

use carriers::{AccessToken, Client, Secrets, Sender};

use super::Inbox;

/// The only supported `grant_type`.
const GRANT: &str = "client_credentials";

/// A request for a token.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// An error in the form of the request, found by `api`.
    pub problem: Option<&'static str>,
    /// The `grant_type`, as sent.
    pub grant_type: Option<String>,
    /// The client's credentials, in each way in which the request can be read. One of them has to be right.
    pub credentials: Vec<Credentials>,
}

/// A client's id and secret, as sent. `Debug` leaves out the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub id: String,
    pub secret: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why no token was issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIssued {
    /// The sender is unknown, or does not use tokens here.
    #[error("no tokens for {0} are issued here")]
    UnknownSender(String),
    /// The request is malformed.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The `grant_type` is not `client_credentials`.
    #[error("`grant_type` has to be `{GRANT}`")]
    UnsupportedGrantType,
    /// The credentials are missing or wrong.
    #[error("the client is not known, or its secret is wrong")]
    InvalidClient,
}

impl Inbox {
    /// Checks the part of a token request that is known before its body is read: the sender uses tokens here, and the
    /// credentials in the headers, if there are any, are right.
    ///
    /// # Errors
    /// [`NotIssued::UnknownSender`], [`NotIssued::InvalidClient`].
    pub fn admit_token_request(&self, sender: &str, header: Option<&[Credentials]>) -> Result<(), NotIssued> {
        let client = self.find_client(sender)?;
        let now = self.clock.now();
        let known = |credentials: &Credentials| {
            client.issue_token(&credentials.id, &credentials.secret, now).is_some()
        };
        match header {
            Some(sent) if !sent.iter().any(known) => Err(NotIssued::InvalidClient),
            Some(_) | None => Ok(()),
        }
    }

    fn find_client(&self, sender: &str) -> Result<&Client, NotIssued> {
        let unknown = || NotIssued::UnknownSender(sender.to_owned());
        let known: Sender = sender.parse().map_err(|_| unknown())?;
        self.policy().senders.get(&known).and_then(Secrets::client).ok_or_else(unknown)
    }

    /// Issues a token to a sender. The sender authenticates its webhooks with it until the token expires.
    ///
    /// # Errors
    /// [`NotIssued`].
    pub fn issue_token(&self, sender: &str, request: &TokenRequest) -> Result<AccessToken, NotIssued> {
        let client = self.find_client(sender)?;
        match (request.problem, request.grant_type.as_deref()) {
            (Some(problem), _) => return Err(NotIssued::InvalidRequest(problem)),
            (None, None) => return Err(NotIssued::InvalidRequest("`grant_type` is missing")),
            (None, Some(GRANT)) => {}
            (None, Some(_)) => return Err(NotIssued::UnsupportedGrantType),
        }
        let now = self.clock.now();
        let mut sent = request.credentials.iter();
        sent.find_map(|credentials| client.issue_token(&credentials.id, &credentials.secret, now))
            .ok_or(NotIssued::InvalidClient)
    }
}
