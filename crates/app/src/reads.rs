//! Reads orders and everything that belongs to them, limited to what the caller may see. A record that the caller may
//! not see is treated as if it did not exist. The resolvers of `api` call this; `orders` does for a dry run.
//!
//! Every record of an order passes `access` here before it is returned. Functions that take ids of orders or shipments
//! trust that the caller may see these, and only redact their parts. Functions that take one key or a filter check it:
//! they answer `None`, an empty page or 0. They never refuse, except a filter by data that the caller may not see, and
//! webhooks, which are for support and systems.
//!
//! A map leaves out ids without a record. Nothing here locks or writes.

mod batcher;
mod events;
mod filter;
mod orders;
mod shipments;
mod timeline;
mod webhooks;

use std::{collections::HashMap, hash::Hash, sync::Arc};

use persistence::Store;

use batcher::OrderReaders;

/// Largest number of rows that an ordinary read returns: items of orders, shipments and their contents, or scans.
pub const ORDINARY_ROWS: usize = 500;

/// How many rows a read of items, shipments or scans may return. A read that finds more fails before all rows are in
/// memory, see [`Error::is_too_many_rows`](crate::Error::is_too_many_rows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// At most [`ORDINARY_ROWS`] rows. Concurrent callers share a statement.
    Ordinary,
    /// At most this many rows. The read uses statements of its own.
    Large(usize),
}

impl Extent {
    pub(crate) fn max_rows(self) -> usize {
        match self {
            Self::Ordinary => ORDINARY_ROWS,
            Self::Large(most) => most,
        }
    }
}

/// The reads of `api`. Cheap to clone.
#[derive(Clone)]
pub struct Reads {
    store: Store,
    readers: OrderReaders,
}

impl Reads {
    /// Creates the service and starts its batchers on the current Tokio runtime.
    pub(crate) fn new(store: Store) -> Self {
        let readers = OrderReaders::new(&store);
        Self { store, readers }
    }
}

fn into_arcs<K: Eq + Hash, T>(found: HashMap<K, Vec<T>>) -> HashMap<K, Arc<[T]>> {
    found.into_iter().map(|(key, parts)| (key, parts.into())).collect()
}
