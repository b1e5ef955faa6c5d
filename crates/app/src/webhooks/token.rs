//! Tokens for senders that fetch one from us before they push: OAuth 2.0 client credentials (RFC 6749, section 4.4).
//!
//! `api` reads the form and writes the answer; who gets a token is decided here.

use carriers::{AccessToken, Client, Secrets, Sender};

use crate::App;

/// The only grant there is.
const GRANT: &str = "client_credentials";

/// What somebody says who wants a token.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// What is wrong with the request as such, if something is.
    pub problem: Option<&'static str>,
    /// The kind of grant, as sent.
    pub grant_type: Option<String>,
    /// Who it says it is, in every way in which that may be read; one of them has to be right.
    pub credentials: Vec<Credentials>,
}

/// A client's id and secret, as said. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The id.
    pub id: String,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIssued {
    /// Nobody of that name comes for tokens.
    #[error("no tokens for {0} are issued here")]
    UnknownSender(String),
    /// It is no request for a token.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// It wants something else.
    #[error("`grant_type` has to be `{GRANT}`")]
    UnsupportedGrantType,
    /// It does not say who it is, or is not known.
    #[error("the client is not known, or its secret is wrong")]
    InvalidClient,
}

impl App {
    /// Checks a request for a token as far as it can be checked before its body is read: such tokens are issued, and
    /// credentials in the headers, where there are any, are the client's.
    ///
    /// # Errors
    /// [`NotIssued::UnknownSender`], [`NotIssued::InvalidClient`].
    pub fn admit_token_request(&self, sender: &str, header: Option<&[Credentials]>) -> Result<(), NotIssued> {
        let client = self.client_of(sender)?;
        let now = self.clock.now();
        let known = |said: &Credentials| client.token(&said.id, &said.secret, now).is_some();
        match header {
            Some(credentials) if !credentials.iter().any(known) => Err(NotIssued::InvalidClient),
            Some(_) | None => Ok(()),
        }
    }

    fn client_of(&self, sender: &str) -> Result<&Client, NotIssued> {
        let unknown = || NotIssued::UnknownSender(sender.to_owned());
        let known: Sender = sender.parse().map_err(|_| unknown())?;
        self.policy().senders.get(&known).and_then(Secrets::client).ok_or_else(unknown)
    }

    /// A token for a sender, with which it may push for a while.
    ///
    /// # Errors
    /// [`NotIssued`].
    pub fn issue_token(&self, sender: &str, request: &TokenRequest) -> Result<AccessToken, NotIssued> {
        let client = self.client_of(sender)?;
        match (request.problem, request.grant_type.as_deref()) {
            (Some(problem), _) => return Err(NotIssued::InvalidRequest(problem)),
            (None, None) => return Err(NotIssued::InvalidRequest("`grant_type` is missing")),
            (None, Some(GRANT)) => {}
            (None, Some(_)) => return Err(NotIssued::UnsupportedGrantType),
        }
        let now = self.clock.now();
        let mut said = request.credentials.iter();
        said.find_map(|said| client.token(&said.id, &said.secret, now)).ok_or(NotIssued::InvalidClient)
    }
}
