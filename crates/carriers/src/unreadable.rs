//! Why a body, or elements of it, could not be read.

use std::fmt;

/// Why a body cannot be read, written for the person who looks at the stored webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(crate) String);

impl Unreadable {
    /// Adds the position in a list to the reason: "shipment 4: `id` is missing". `index` counts from 0, the text from
    /// 1.
    pub(crate) fn with_position(self, what: &str, index: usize) -> Self {
        Self(format!("{what} {}: {self}", index + 1))
    }
}

/// Summary of the elements of a body that could not be read, while others could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// How many elements could not be read.
    pub(crate) elements: usize,
    /// The reason for the first of them.
    pub(crate) first: Unreadable,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.elements {
            1 => write!(f, "1 element unread: {}", self.first),
            many => write!(f, "{many} elements unread, the first: {}", self.first),
        }
    }
}
