//! A text that must not be printed or logged: the type of secrets and of URLs with passwords in `Settings`.
//!
//! The parsers in `settings` create it. Whoever connects or signs calls [`Masked::expose`].

use std::fmt;

/// A secret, or a URL that may contain one. It has no `Display`, and its `Debug` output hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked(String);

impl Masked {
    /// Returns the text, for code that uses the secret. Never print or log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Masked {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hidden")
    }
}
