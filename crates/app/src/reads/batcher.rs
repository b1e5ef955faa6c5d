//! Reads orders and their parts for many callers with shared statements: requests that arrive while a statement runs
//! share the next one. The files of `reads` call `load` and `read` of the [`OrderReaders`].
//!
//! A page of orders costs a few statements of any size, and many pages at the same time cost little more than one. On
//! an idle server nobody waits. If a shared statement fails because of one caller's rows, each caller's keys are read
//! alone. Keys without a record are left out of the results, but a range of versions without events has an empty list.
//! Large reads use statements of their own.
//!
//! - [`ReadBatcher`] reads records by key, without a limit of rows. [`PartReader`] reads items or shipments: more rows
//!   than the extent allows are an error, and nothing is cut off.
//! - `count_rows` counts a shipment and its lines, for that limit.
//! - `read_together_then_alone` runs one batch. It reads nothing for callers who have stopped waiting.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    hash::Hash,
    sync::{Arc, Weak},
};

use domain::{Item, OrderHead, OrderId, Shipment};
use futures::{FutureExt, future::BoxFuture};
use persistence::{
    Event, Store,
    read::{self, VersionRange},
};

use super::{Extent, ORDINARY_ROWS, into_arcs};
use crate::{
    batch::Batcher,
    error::{Error, Result},
    isolate::isolate,
};

/// Number of statements of one kind that run at the same time.
const READERS: usize = 2;
/// Largest number of callers that share a statement.
const MAX_CALLERS: usize = 64;
/// A shared statement returns at most the rows of this many ordinary reads. If its callers ask for more, each caller
/// gets a statement of its own.
const MAX_READS: usize = 8;
/// Number of orders whose parts a large read loads with one statement. So the rows of only one statement are in memory
/// in addition to the results.
const ORDERS_A_STATEMENT: usize = 4;

/// One reader for each kind of record that pages about orders show.
#[derive(Clone)]
pub(super) struct OrderReaders {
    pub heads: ReadBatcher<OrderId, OrderHead>,
    pub items: PartReader<Item>,
    pub shipments: PartReader<Shipment>,
    pub events: ReadBatcher<VersionRange, Arc<[Event]>>,
}

impl OrderReaders {
    /// Starts the batchers on this database.
    pub fn new(store: &Store) -> Self {
        let store = || store.clone();
        Self {
            heads: ReadBatcher::start(
                store(),
                |store, ids, _| async move { read::orders_of(&store, &ids).await },
            ),
            items: PartReader::start(store(), "order_items", <[Item]>::len, |store, ids, most| {
                async move { read::items_at_most(&store, &ids, most).await }.boxed()
            }),
            shipments: PartReader::start(store(), "shipments", count_rows, |store, ids, most| {
                async move { read::shipments_at_most(&store, &ids, most).await }.boxed()
            }),
            events: ReadBatcher::start(store(), |store, ranges, _| async move {
                Ok(group_by_range(&ranges, &read::events_in(&store, &ranges).await?))
            }),
        }
    }
}

/// The rows of shipments and of their contents.
fn count_rows(shipments: &[Shipment]) -> usize {
    shipments.iter().map(|shipment| 1 + shipment.lines.len()).sum()
}

/// Distributes events to the ranges that contain them. Ranges of one order may overlap: an event then goes to several
/// ranges. `events` are sorted by version within an order, and may contain an event once for each range. Every range
/// gets an entry.
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

/// Reads the parts of these orders, at most this many rows.
type ReadParts<T> =
    fn(Store, Vec<OrderId>, u64) -> BoxFuture<'static, persistence::Result<HashMap<OrderId, Vec<T>>>>;

/// Reads one kind of part of orders: their items, or their shipments.
#[derive(Clone)]
pub(super) struct PartReader<T> {
    store: Store,
    table: &'static str,
    count_rows: fn(&[T]) -> usize,
    read: ReadParts<T>,
    /// Reads with shared statements.
    shared: ReadBatcher<OrderId, Arc<[T]>>,
}

impl<T: Send + Sync + 'static> PartReader<T> {
    fn start(store: Store, table: &'static str, count_rows: fn(&[T]) -> usize, read: ReadParts<T>) -> Self {
        let shared = ReadBatcher::start(store.clone(), move |store, ids, callers| async move {
            let most = ORDINARY_ROWS * callers.min(MAX_READS);
            Ok(into_arcs(read(store, ids, most as u64).await?))
        });
        Self { store, table, count_rows, read, shared }
    }

    /// Reads the parts of these orders.
    ///
    /// # Errors
    /// When the database fails, or there are more rows than the extent allows.
    pub async fn read(&self, orders: Vec<OrderId>, extent: Extent) -> Result<HashMap<OrderId, Arc<[T]>>> {
        match extent {
            Extent::Ordinary => {
                let found = self.shared.load(orders).await?;
                // The limit of a shared statement is the one of all its callers.
                if found.values().map(|parts| (self.count_rows)(parts)).sum::<usize>() > ORDINARY_ROWS {
                    let most = ORDINARY_ROWS as u64;
                    return Err(persistence::Error::TooManyRows { table: self.table, most }.into());
                }
                Ok(found)
            }
            Extent::Large(most) => {
                let (mut all, mut left) = (HashMap::with_capacity(orders.len()), most);
                for ids in orders.chunks(ORDERS_A_STATEMENT) {
                    for (id, parts) in (self.read)(self.store.clone(), ids.to_vec(), left as u64).await? {
                        left = left.saturating_sub((self.count_rows)(&parts));
                        all.insert(id, parts.into());
                    }
                }
                Ok(all)
            }
        }
    }
}

type Found<K, V> = Result<Arc<HashMap<K, V>>>;

/// The request of one caller.
struct ReadRequest<K> {
    keys: Vec<K>,
    /// Lives as long as the caller waits.
    caller: Weak<()>,
}

/// Reads one kind of record by key. Cheap to clone.
pub(super) struct ReadBatcher<K, V>(Batcher<ReadRequest<K>, Found<K, V>>);

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
    /// Starts a batcher. `read` gets the keys of all callers of a batch, and the number of callers.
    fn start<F, Work>(store: Store, read: F) -> Self
    where
        F: Fn(Store, Vec<K>, usize) -> Work + Clone + Send + Sync + 'static,
        Work: Future<Output = persistence::Result<HashMap<K, V>>> + Send + 'static,
    {
        let read = move |keys, callers| read(store.clone(), keys, callers);
        Self(Batcher::start(READERS, MAX_CALLERS, move |requests| {
            let read = read.clone();
            async move { read_together_then_alone(&requests, read).await }
        }))
    }

    /// Reads the records with these keys. Keys without a record are left out of the result. If the caller stops waiting
    /// before the statement begins, its keys are not read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&self, keys: Vec<K>) -> Result<HashMap<K, V>> {
        let caller = Arc::new(());
        let request = ReadRequest { keys: keys.clone(), caller: Arc::downgrade(&caller) };
        let found = self.0.submit(request).await??;
        Ok(keys.into_iter().filter_map(|key| Some((key, found.get(&key)?.clone()))).collect())
    }
}

/// Reads the keys of all callers that still wait with one statement. If it fails because of a row that cannot be read,
/// or of too many rows, reads for each caller alone, so that only the callers of that row get the error.
async fn read_together_then_alone<K, V, Work>(
    requests: &[ReadRequest<K>],
    read: impl Fn(Vec<K>, usize) -> Work,
) -> Vec<Found<K, V>>
where
    K: Copy + Eq + Hash,
    Work: Future<Output = persistence::Result<HashMap<K, V>>>,
{
    let attempts = isolate(requests, Error::may_succeed_alone, async |requests: &[ReadRequest<K>]| {
        let waiting: Vec<_> = requests.iter().filter(|request| request.caller.strong_count() > 0).collect();
        if waiting.is_empty() {
            return Ok(Arc::default());
        }
        let keys: HashSet<K> = waiting.iter().flat_map(|request| &request.keys).copied().collect();
        read(keys.into_iter().collect(), waiting.len()).await.map(Arc::new)
    });
    attempts.await.into_iter().flat_map(|(requests, found)| vec![found; requests.len()]).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::Semaphore;

    use super::*;

    /// Reads the keys of callers that wait, and of callers that are gone, with a fake `read` that returns each key as
    /// its own record, and fails if the keys contain 0. Returns the results of those who wait, and the number of
    /// statements.
    async fn run(waiting: &[&[u32]], gone: &[&[u32]]) -> (Vec<Option<Vec<u32>>>, usize) {
        let statements = Mutex::new(0);
        let read = async |keys: Vec<u32>, _| {
            *statements.lock().unwrap() += 1;
            match keys.contains(&0) {
                true => Err(persistence::Error::Url("unreadable".to_owned())),
                false => Ok(keys.into_iter().map(|key| (key, key)).collect::<HashMap<_, _>>()),
            }
        };
        let caller = Arc::new(());
        let requests = waiting.iter().map(|keys| (keys, Arc::downgrade(&caller)));
        let requests = requests.chain(gone.iter().map(|keys| (keys, Weak::new())));
        let requests: Vec<_> =
            requests.map(|(keys, caller)| ReadRequest { keys: keys.to_vec(), caller }).collect();
        let mut found = read_together_then_alone(&requests, read).await;
        assert_eq!(found.len(), requests.len());
        found.truncate(waiting.len());
        let sorted = |found: Arc<HashMap<u32, u32>>| {
            let mut keys: Vec<u32> = found.keys().copied().collect();
            keys.sort_unstable();
            keys
        };
        let found = found.into_iter().map(|found| found.ok().map(sorted)).collect();
        (found, statements.into_inner().unwrap())
    }

    #[tokio::test]
    async fn callers_share_a_statement() {
        let all = Some(vec![1, 2, 3]);
        assert_eq!(run(&[&[1, 2], &[2, 3]], &[]).await, (vec![all.clone(), all], 1));
    }

    #[tokio::test]
    async fn what_cannot_be_read_fails_only_those_who_asked_for_it() {
        let found = vec![Some(vec![1]), None, Some(vec![2])];
        assert_eq!(run(&[&[1], &[0], &[2]], &[]).await, (found, 4));
        assert_eq!(run(&[&[0]], &[]).await, (vec![None], 1));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_read() {
        assert_eq!(run(&[&[1]], &[&[0], &[9]]).await, (vec![Some(vec![1])], 1));
        assert_eq!(run(&[], &[&[1], &[2]]).await, (vec![], 0));
    }

    #[tokio::test]
    async fn a_caller_that_stops_waiting_takes_its_keys_along() {
        let (statements, go) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
        let (log, gate) = (statements.clone(), go.clone());
        let reader = ReadBatcher(Batcher::start(1, 10, move |requests: Vec<ReadRequest<u32>>| {
            let (log, gate) = (log.clone(), gate.clone());
            async move {
                let read = async |keys: Vec<u32>, _| {
                    log.lock().unwrap().push(keys.clone());
                    gate.acquire().await.unwrap().forget();
                    Ok(keys.into_iter().map(|key| (key, key)).collect())
                };
                read_together_then_alone(&requests, read).await
            }
        }));
        let load = |key| {
            let reader = reader.clone();
            let mut load = Box::pin(async move { reader.load(vec![key]).await });
            // The first poll puts the request into the queue.
            assert!(load.as_mut().now_or_never().is_none());
            load
        };
        let first = load(1);
        while statements.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(load(2));
        let third = load(3);
        go.add_permits(2);
        assert_eq!(first.await.unwrap(), HashMap::from([(1, 1)]));
        assert_eq!(third.await.unwrap(), HashMap::from([(3, 3)]));
        assert_eq!(*statements.lock().unwrap(), [[1], [3]]);
    }
}
