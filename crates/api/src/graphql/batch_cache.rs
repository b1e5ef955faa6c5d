//! Reads the parts of records (items, shipments, scans, events, notifications) for all records of a page together, so
//! that the number of statements does not depend on the size of the page.
//!
//! 1. Records that were read together share a cache. When a part of one of them is selected, the part is read for all
//!    of them.
//! 2. A usual data loader collects keys for a short time. This cache needs no timer and adds no delay, and the number
//!    of statements does not depend on the sequence in which the resolvers run.
//! 3. The parts are kept as long as the records. The next query, mutation or update reads its own.
//! 4. This cache ends with the operation. Statements that operations share are the work of `app::reads`.
//! 5. `read_within_row_limit` tries an ordinary read first, which needs no permit. If it is refused because of too many
//!    rows, it waits for the permit of a large read (`limits::meter`) and reads again.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use app::{App, Caller, VisibleShipments, reads::Extent};
use async_graphql::{Context, Result};
use domain::{DeliveryEstimate, Item, NotificationId, OrderHead, OrderId, ShipmentId, StoredScan};
use persistence::{Event, failures::Failure, notifications::Notification, read::VersionRange};
use tokio::sync::OnceCell;

use super::{
    connection::Window,
    error::{log_error, mask_error},
    limits::{MAX_ROWS, OperationMeter},
    order::Order,
    timeline::TimelineCache,
};

/// Orders that were read together, and their parts that were selected so far.
#[derive(Default)]
pub(super) struct BatchCache {
    pub heads: Vec<OrderHead>,
    items: PartCache<OrderId, Arc<[Item]>>,
    visible_shipments: PartCache<OrderId, VisibleShipments>,
    shipment_cache: OnceLock<Arc<ShipmentCache>>,
    notifications: PartCache<OrderId, Arc<[Notification]>>,
    notification_failures: OnceLock<Arc<ListCache<NotificationId, Failure>>>,
    /// The orders that the orders replace, by the order that replaces.
    replaced: PartCache<OrderId, Option<Order>>,
    replacements: PartCache<OrderId, Arc<[Order]>>,
    /// The histories, by the size of the page and by whether it is taken from the end.
    histories: Mutex<HashMap<(i32, bool), History>>,
    pub timelines: TimelineCache,
}

type History = Arc<PartCache<OrderId, Arc<[Event]>>>;

impl BatchCache {
    pub fn new(heads: Vec<OrderHead>) -> Arc<Self> {
        Arc::new(Self { heads, ..Self::default() })
    }

    /// The items of one of the orders that the caller may see.
    pub async fn items(&self, ctx: &Context<'_>, id: OrderId) -> Result<Arc<[Item]>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = |extent| app.reads().items_of(caller, self.ids(), extent);
        self.items.load(ctx, id, || read_within_row_limit(ctx, read, |items| items.len())).await
    }

    /// The shipments of one of the orders.
    pub async fn visible_shipments(&self, ctx: &Context<'_>, id: OrderId) -> Result<VisibleShipments> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = |extent| app.reads().visible_shipments_of(caller, self.ids(), extent);
        let rows =
            |shipments: &VisibleShipments| shipments.counted.iter().map(|one| 1 + one.lines.len()).sum();
        self.visible_shipments.load(ctx, id, || read_within_row_limit(ctx, read, rows)).await
    }

    /// The cache for the parts of all shipments that the caller may see. Call it after the shipments were read.
    pub fn shipment_cache(&self) -> Arc<ShipmentCache> {
        let shown = self.visible_shipments.loaded().flat_map(|shipments| shipments.visible.iter());
        let ids = || shown.map(|shipment| shipment.id).collect();
        self.shipment_cache.get_or_init(|| ShipmentCache::new(ids())).clone()
    }

    /// The notifications of one of the orders, oldest first.
    pub async fn notifications(&self, ctx: &Context<'_>, id: OrderId) -> Result<Arc<[Notification]>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        self.notifications.load(ctx, id, || app.reads().notifications_of(caller, self.ids())).await
    }

    /// The cache for the failures of all notifications. Call it after the notifications were read.
    pub fn notification_failures(&self) -> Arc<ListCache<NotificationId, Failure>> {
        let read = self.notifications.loaded().flat_map(|notifications| notifications.iter());
        self.notification_failures.get_or_init(|| ListCache::new(read.map(|one| one.id).collect())).clone()
    }

    /// The order that one of the orders replaces. The replaced orders share a cache.
    pub async fn replaced_order(&self, ctx: &Context<'_>, order: &OrderHead) -> Result<Option<Order>> {
        if order.replaces.is_none() {
            return Ok(None);
        }
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = || async {
            let links: Vec<_> =
                self.heads.iter().filter_map(|head| Some((head.id, head.replaces?))).collect();
            let mut ids: Vec<OrderId> = links.iter().map(|(_, replaced)| *replaced).collect();
            ids.sort_unstable();
            ids.dedup();
            let found = app.reads().replaced_orders(caller, ids).await?;
            let orders = Order::with_shared_cache(found.into_values().collect());
            let replaced: HashMap<_, _> = orders.into_iter().map(|order| (order.head().id, order)).collect();
            Ok(links.into_iter().map(|(id, of)| (id, replaced.get(&of).cloned())).collect())
        };
        self.replaced.load(ctx, order.id, read).await
    }

    /// The orders that replace one of the orders, oldest first. The replacements of all orders share a cache.
    pub async fn replacements(&self, ctx: &Context<'_>, id: OrderId) -> Result<Arc<[Order]>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let read = |extent| app.reads().replacements_of(caller, self.ids(), extent);
        let read_orders = || async {
            let found = read_within_row_limit(ctx, read, |orders: &Vec<OrderHead>| orders.len()).await?;
            let heads = found.into_values().flatten().collect();
            let mut replacements: HashMap<OrderId, Vec<Order>> = HashMap::new();
            for order in Order::with_shared_cache(heads) {
                if let Some(replaced) = order.head().replaces {
                    replacements.entry(replaced).or_default().push(order);
                }
            }
            Ok(replacements.into_iter().map(|(id, orders)| (id, orders.into())).collect())
        };
        self.replacements.load(ctx, id, read_orders).await
    }

    /// The events of one of the orders within a window. A window with a cursor fits only this order, so it is read for
    /// this order alone. A window without a cursor is read for all orders.
    pub async fn events(
        &self,
        ctx: &Context<'_>,
        order: &OrderHead,
        window: &Window<i32>,
    ) -> Result<Arc<[Event]>> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let own = window.after.is_some() || window.before.is_some();
        let range = |order: &OrderHead| {
            let (first, last, _) = window.cut_number_range(order.version);
            (first <= last).then_some(VersionRange { order_id: order.id, first, last })
        };
        let (events, ranges): (History, Vec<VersionRange>) = if own {
            (Arc::default(), range(order).into_iter().collect())
        } else {
            let mut histories = self.histories.lock().unwrap_or_else(PoisonError::into_inner);
            let events = histories.entry((window.limit, window.from_end)).or_default().clone();
            (events, self.heads.iter().filter_map(range).collect())
        };
        let by_order = || async {
            if ranges.is_empty() {
                return Ok(HashMap::new());
            }
            let found = app.reads().events_in(caller, ranges).await?;
            Ok(found.into_iter().map(|(range, events)| (range.order_id, events)).collect())
        };
        events.load(ctx, order.id, by_order).await
    }

    fn ids(&self) -> Vec<OrderId> {
        self.heads.iter().map(|head| head.id).collect()
    }
}

/// Records that were read together, and one list of each of them if it was selected: scans or failures.
pub(super) struct ListCache<K, T> {
    ids: Vec<K>,
    lists: PartCache<K, Arc<[T]>>,
}

/// Shipments or webhooks, and their scans.
pub(super) type ScanCache<K> = ListCache<K, StoredScan>;

impl<K: Copy + Eq + Hash, T> ListCache<K, T> {
    pub fn new(ids: Vec<K>) -> Arc<Self> {
        Arc::new(Self { ids, lists: PartCache::default() })
    }

    /// The list of one of the records. `read` reads the lists of all of them.
    pub async fn load<Work>(
        &self,
        ctx: &Context<'_>,
        id: K,
        read: impl Fn(Vec<K>, Extent) -> Work,
    ) -> Result<Arc<[T]>>
    where
        Work: Future<Output = app::Result<HashMap<K, Arc<[T]>>>>,
    {
        let read = |extent| read(self.ids.clone(), extent);
        self.lists.load(ctx, id, || read_within_row_limit(ctx, read, |scans| scans.len())).await
    }
}

/// Shipments that were read together, and their lists that were selected so far.
pub(super) struct ShipmentCache {
    pub scans: Arc<ScanCache<ShipmentId>>,
    estimates: Arc<ListCache<ShipmentId, DeliveryEstimate>>,
}

impl ShipmentCache {
    pub fn new(ids: Vec<ShipmentId>) -> Arc<Self> {
        Arc::new(Self { scans: ScanCache::new(ids.clone()), estimates: ListCache::new(ids) })
    }

    /// The revisions of the estimate of one of the shipments, the one that was said last first.
    pub async fn estimates(&self, ctx: &Context<'_>, id: ShipmentId) -> Result<Arc<[DeliveryEstimate]>> {
        let app = ctx.data::<App>()?;
        self.estimates.load(ctx, id, |ids, extent| app.reads().delivery_estimates_of(ids, extent)).await
    }
}

/// Reads the parts of many records within the limits of the operation. An ordinary read is tried first, because it
/// needs no permit. If it finds too many rows, the operation waits for a large read.
pub(super) async fn read_within_row_limit<K, T, Work>(
    ctx: &Context<'_>,
    read: impl Fn(Extent) -> Work,
    rows: impl Fn(&T) -> usize,
) -> app::Result<HashMap<K, T>>
where
    Work: Future<Output = app::Result<HashMap<K, T>>>,
{
    let count = |found: &HashMap<K, T>| found.values().map(&rows).sum();
    // A schema without limits, as in some tests, counts no rows.
    let Some(meter) = ctx.data_opt::<Arc<OperationMeter>>() else {
        return read(Extent::Large(MAX_ROWS)).await;
    };
    match read(Extent::Ordinary).await {
        Err(error) if error.is_too_many_rows() => {
            let large = meter.begin_large_read().await;
            match read(Extent::Large(large.rows)).await {
                Err(error) if error.is_too_many_rows() => match meter.stop_for_refused_read().await {},
                found => found.inspect(|found| meter.count_rows(count(found))),
            }
        }
        found => found.inspect(|found| meter.count_rows(count(found))),
    }
}

/// One kind of part of some records. It is read once, when the part of the first record is selected.
pub(super) struct PartCache<K, T>(OnceCell<app::Result<HashMap<K, T>>>);

impl<K, T> Default for PartCache<K, T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<K: Eq + Hash, T: Clone + Default> PartCache<K, T> {
    /// The parts of one record. A failure is logged once, and every record gets the error.
    pub async fn load<Work>(&self, ctx: &Context<'_>, key: K, read: impl FnOnce() -> Work) -> Result<T>
    where
        Work: Future<Output = app::Result<HashMap<K, T>>>,
    {
        let request_id = ctx.data::<Caller>()?.request_id.as_deref();
        let read_all = || async { read().await.inspect_err(|error| log_error(request_id, error)) };
        match self.0.get_or_init(read_all).await {
            Ok(found) => Ok(found.get(&key).cloned().unwrap_or_default()),
            Err(error) => Err(mask_error(request_id, error)),
        }
    }

    /// All parts that were read. Nothing if they were not read, or if the read failed.
    pub fn loaded(&self) -> impl Iterator<Item = &T> {
        let found = self.0.get().and_then(|found| found.as_ref().ok());
        found.into_iter().flat_map(|found| found.values())
    }
}
