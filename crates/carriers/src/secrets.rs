//! The secrets that we share with a sender.

use std::fmt;

use subtle::Choice;

use crate::{
    access_token::Client,
    mac::{NoSecret, is_blank},
    request::Refused,
};

/// The secrets that we share with one sender: one or several shared secrets (several while they are rotated), or a
/// [`Client`] that requests tokens, or both. Never empty, and never printed.
#[derive(Clone)]
pub struct Secrets {
    shared: Vec<String>,
    header: Option<String>,
    client: Option<Client>,
}

/// The header that carries the token, if the merchant has not chosen another one.
pub const DEFAULT_TOKEN_HEADER: &str = "x-milepost-token";

impl Secrets {
    /// Shared secrets of one sender.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let shared: Vec<_> = secrets.into_iter().collect();
        if shared.is_empty() || shared.iter().any(|secret| is_blank(secret)) {
            return Err(NoSecret);
        }
        Ok(Self { shared, header: None, client: None })
    }

    /// No shared secret: the sender authenticates only with the tokens that we issue to `client`.
    pub fn from_client(client: Client) -> Self {
        Self { shared: vec![], header: None, client: Some(client) }
    }

    /// Also accepts tokens that we issue to `client`.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Replaces the shared secrets and leaves everything else. Used to sign with a wrong secret.
    pub fn with_shared(self, secrets: impl IntoIterator<Item = String>) -> Result<Self, NoSecret> {
        let Self { shared, .. } = Self::new(secrets)?;
        Ok(Self { shared, ..self })
    }

    /// Sets the name of the header that carries the token, for a sender that lets the merchant choose it.
    #[must_use]
    pub fn with_header(self, name: impl Into<String>) -> Self {
        Self { header: Some(name.into()), ..self }
    }

    /// The header that the merchant has chosen, or else [`DEFAULT_TOKEN_HEADER`].
    pub(crate) fn header_name(&self) -> &str {
        self.header.as_deref().unwrap_or(DEFAULT_TOKEN_HEADER)
    }

    /// The client that may request tokens, if there is one.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Whether there is a shared secret.
    pub(crate) fn has_shared_secret(&self) -> bool {
        !self.shared.is_empty()
    }

    /// The secret to sign with: the first one, or an empty text if there is no shared secret.
    pub(crate) fn first_secret(&self) -> &str {
        self.shared.first().map_or("", String::as_str)
    }

    /// Refuses if `fits` is false for every secret. It tries all secrets, also after a match, so that its duration
    /// reveals nothing.
    pub(crate) fn require_match(&self, fits: impl Fn(&str) -> Choice) -> Result<(), Refused> {
        let fitted = self.shared.iter().fold(Choice::from(0), |fitted, secret| fitted | fits(secret));
        if bool::from(fitted) { Ok(()) } else { Err(Refused::Mismatch) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} hidden)", self.shared.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_secret_is_no_secret() {
        for secrets in [vec![], vec![""], vec!["good", " "]] {
            assert_eq!(Secrets::new(secrets.into_iter().map(str::to_owned)).unwrap_err(), NoSecret);
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let secrets = Secrets::new(["hush".to_owned(), "hush too".to_owned()]).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(2 hidden)");
    }
}
