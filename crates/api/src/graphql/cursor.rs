//! Cursors: places in lists and subscriptions, from which a client continues. They are opaque to clients.
//!
//! A cursor contains its kind, so that a cursor of another list is refused and not misread. Cursors are not signed:
//! what a caller may see does not depend on them.
//!
//! `plausible_key` is `None` for a time that the database cannot store: the cursor is refused then.

use async_graphql::Result;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use persistence::read::Key;
use serde::{Serialize, de::DeserializeOwned};

use super::{error::bad_cursor, time::check_plausible};

/// The kind of list or subscription in which a cursor is a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Orders,
    /// The event log of all orders.
    Events,
    /// The history of one order.
    History,
    /// The scans of one shipment.
    Scans,
    /// The inbox: the stored webhooks.
    Webhooks,
    /// The timeline of one order.
    Timeline,
    /// The updates of one order, in a subscription.
    Updates,
}

impl Kind {
    const fn tag(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Events => "events",
            Self::History => "order-events",
            Self::Scans => "scans",
            Self::Webhooks => "webhooks",
            Self::Timeline => "order-timeline",
            Self::Updates => "order-updates",
        }
    }

    /// Makes the cursor of a place.
    pub fn encode(self, place: &impl Serialize) -> String {
        // Ids, numbers and times always have a JSON form.
        let json = serde_json::to_vec(&(self.tag(), place)).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads the place of a cursor.
    ///
    /// # Errors
    /// `BAD_CURSOR` for a cursor of another kind, and for a text that is no cursor.
    pub fn decode<P: DeserializeOwned>(self, cursor: &str) -> Result<P> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad_cursor())?;
        let (tag, place): (String, P) = serde_json::from_slice(&json).map_err(|_| bad_cursor())?;
        if tag == self.tag() { Ok(place) } else { Err(bad_cursor()) }
    }
}

/// The key of a place in a list that is sorted by time. `None` for a time that the database cannot store.
pub(super) fn plausible_key<I>((at, id): (DateTime<Utc>, I)) -> Option<Key<I>> {
    check_plausible(at).ok().map(|at| Key { at, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 7] = [
        Kind::Orders,
        Kind::Events,
        Kind::History,
        Kind::Scans,
        Kind::Webhooks,
        Kind::Timeline,
        Kind::Updates,
    ];

    #[test]
    fn a_cursor_is_read_by_its_own_kind_alone() {
        for kind in KINDS {
            let cursor = kind.encode(&("x", 7));
            for other in KINDS {
                let read = other.decode::<(String, i32)>(&cursor);
                assert_eq!(read.ok(), (kind == other).then(|| ("x".to_owned(), 7)), "{kind:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let forged = BASE64_URL_SAFE_NO_PAD.encode(r#"["orders", "x"]"#);
        for text in ["", "7", "ümläut", "bm9uc2Vuc2U", &forged] {
            assert!(Kind::Orders.decode::<i32>(text).is_err(), "{text}");
        }
    }
}
