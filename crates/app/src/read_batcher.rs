//! Reads orders and their parts for many callers with shared statements: requests that arrive while a statement runs
//! share the next one.
//!
//! `reads` uses it. A page of orders costs a few statements of any size, and many pages at the same time cost little
//! more than one. On an idle server nobody waits.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    hash::Hash,
    sync::Arc,
};

use domain::{Item, OrderHead, OrderId, Shipment};
use persistence::{
    Event, Store,
    read::{self, VersionRange},
};

use crate::{
    batch::{Abandoned, Batcher},
    error::{Error, Result},
    reads::ORDINARY_ROWS,
};

/// Number of statements of one kind that run at the same time.
const READERS: usize = 2;
/// Largest number of callers that share a statement.
const MAX_CALLERS: usize = 64;
/// A shared statement returns at most the rows of this many ordinary reads. If its callers ask for more, each caller
/// gets a statement of its own.
const MAX_READS: usize = 8;

/// One batcher for each kind of record that pages about orders show.
#[derive(Clone)]
pub(crate) struct OrderReaders {
    pub heads: ReadBatcher<OrderId, OrderHead>,
    pub items: ReadBatcher<OrderId, Arc<[Item]>>,
    pub shipments: ReadBatcher<OrderId, Arc<[Shipment]>>,
    pub events: ReadBatcher<VersionRange, Arc<[Event]>>,
}

impl OrderReaders {
    /// Starts the batchers on this database.
    pub fn new(store: &Store) -> Self {
        Self {
            heads: ReadBatcher::start(
                store,
                |store, ids, _| async move { read::orders_of(&store, &ids).await },
            ),
            items: ReadBatcher::start(store, |store, ids, callers| async move {
                Ok(into_arcs(read::items_at_most(&store, &ids, most_rows(callers)).await?))
            }),
            shipments: ReadBatcher::start(store, |store, ids, callers| async move {
                Ok(into_arcs(read::shipments_at_most(&store, &ids, most_rows(callers)).await?))
            }),
            events: ReadBatcher::start(store, |store, ranges, _| async move {
                Ok(group_by_range(&ranges, &read::events_in(&store, &ranges).await?))
            }),
        }
    }
}

/// Largest number of rows that a statement for `callers` callers returns, see `reads::Extent`.
fn most_rows(callers: usize) -> u64 {
    (ORDINARY_ROWS * callers.min(MAX_READS)) as u64
}

fn into_arcs<K: Eq + Hash, T>(found: HashMap<K, Vec<T>>) -> HashMap<K, Arc<[T]>> {
    found.into_iter().map(|(key, parts)| (key, parts.into())).collect()
}

/// Distributes events to the ranges that contain them. Ranges of one order may overlap: an event then goes to several
/// ranges. `events` are sorted by version within an order, and may contain an event once for each range.
fn group_by_range(ranges: &[VersionRange], events: &[Event]) -> HashMap<VersionRange, Arc<[Event]>> {
    let mut of_order: HashMap<OrderId, Vec<&Event>> = HashMap::with_capacity(ranges.len());
    for event in events {
        of_order.entry(event.order_id).or_default().push(event);
    }
    let within = |range: &VersionRange| {
        let mut events = of_order.get(&range.order_id).cloned().unwrap_or_default();
        events.dedup_by_key(|event| event.version);
        events.retain(|event| (range.first..=range.last).contains(&event.version));
        events.into_iter().cloned().collect()
    };
    ranges.iter().map(|range| (*range, within(range))).collect()
}

type Found<K, V> = Result<Arc<HashMap<K, V>>>;

/// Reads one kind of record by key. Cheap to clone.
pub(crate) struct ReadBatcher<K, V>(Batcher<Vec<K>, Found<K, V>>);

impl<K, V> Clone for ReadBatcher<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> ReadBatcher<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn start<F, Work>(store: &Store, read: F) -> Self
    where
        F: Fn(Store, Vec<K>, usize) -> Work + Clone + Send + Sync + 'static,
        Work: Future<Output = persistence::Result<HashMap<K, V>>> + Send + 'static,
    {
        let store = store.clone();
        let read = move |keys, callers| read(store.clone(), keys, callers);
        Self(Batcher::start(READERS, MAX_CALLERS, Abandoned::Skipped, move |asked| {
            let read = read.clone();
            async move { read_all(asked, read).await }
        }))
    }

    /// Reads the records with these keys. Keys without a record are left out of the result.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&self, keys: Vec<K>) -> Result<HashMap<K, V>> {
        let found = self.0.submit(keys.clone()).await??;
        Ok(keys.into_iter().filter_map(|key| Some((key, found.get(&key)?.clone()))).collect())
    }
}

/// Reads the keys of all callers with one statement. If it fails because of a row that cannot be read, or of too many
/// rows, reads for each caller alone, so that only the callers of that row get the error.
async fn read_all<K, V, Work>(asked: Vec<Vec<K>>, read: impl Fn(Vec<K>, usize) -> Work) -> Vec<Found<K, V>>
where
    K: Copy + Eq + Hash,
    Work: Future<Output = persistence::Result<HashMap<K, V>>>,
{
    let keys: HashSet<K> = asked.iter().flatten().copied().collect();
    match read(keys.into_iter().collect(), asked.len()).await {
        Err(error) if asked.len() > 1 && !error.retryable() => {
            let mut found = Vec::with_capacity(asked.len());
            for keys in asked {
                found.push(read(keys, 1).await.map(Arc::new).map_err(Error::from));
            }
            found
        }
        found => vec![found.map(Arc::new).map_err(Error::from); asked.len()],
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A fake `read` that returns each key as its own record, and fails if the keys contain 0. Returns the results and
    /// the number of statements.
    async fn run(asked: &[&[u32]]) -> (Vec<Option<Vec<u32>>>, usize) {
        let statements = RefCell::new(0);
        let read = async |keys: Vec<u32>, _| {
            *statements.borrow_mut() += 1;
            match keys.contains(&0) {
                true => Err(persistence::Error::Url("unreadable".to_owned())),
                false => Ok(keys.into_iter().map(|key| (key, key)).collect::<HashMap<_, _>>()),
            }
        };
        let found = read_all(asked.iter().map(|keys| keys.to_vec()).collect(), read).await;
        let sorted = |found: Arc<HashMap<u32, u32>>| {
            let mut keys: Vec<u32> = found.keys().copied().collect();
            keys.sort_unstable();
            keys
        };
        (found.into_iter().map(|found| found.ok().map(sorted)).collect(), statements.into_inner())
    }

    #[tokio::test]
    async fn callers_share_a_statement() {
        let all = Some(vec![1, 2, 3]);
        assert_eq!(run(&[&[1, 2], &[2, 3]]).await, (vec![all.clone(), all], 1));
    }

    #[tokio::test]
    async fn what_cannot_be_read_fails_only_those_who_asked_for_it() {
        assert_eq!(run(&[&[1], &[0], &[2]]).await, (vec![Some(vec![1]), None, Some(vec![2])], 4));
        assert_eq!(run(&[&[0]]).await, (vec![None], 1));
    }
}
