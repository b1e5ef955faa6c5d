//! The timeline of an order: its scans, activities, events and notifications as one connection.
//!
//! `parse_place` is `None` for the place of a cursor that names no entry, or a time that the database cannot store: the
//! cursor is refused then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use app::{App, Caller};
use async_graphql::{Context, Object, Result, SimpleObject, Union, connection::PageInfo};
use chrono::{DateTime, Utc};
use domain::{NotificationId, OrderId};
use persistence::{
    failures::Failure,
    read::{self, EntryId, Key, Page},
};
use uuid::Uuid;

use super::{
    activity::Activity,
    batch_cache::{ListCache, PartCache, read_within_row_limit},
    connection::{PageArgs, Window},
    cursor::{self, Kind},
    event::OrderEvent,
    notification::Notification,
    order::Order,
    shipment::Scan,
};

/// One entry of the timeline of an order.
#[derive(Union)]
pub enum TimelineEntry {
    /// A change of the status, or the placement.
    OrderEvent(OrderEvent),
    /// A change of items, shipments or returns. It can come with an `OrderEvent`.
    Activity(Activity),
    /// A scan of a shipment.
    Scan(Scan),
    /// A message to the customer.
    Notification(Notification),
}

impl TimelineEntry {
    /// `failures` is for all notifications that were read with the entry.
    fn new(entry: read::TimelineEntry, failures: &Arc<ListCache<NotificationId, Failure>>) -> Self {
        match entry {
            read::TimelineEntry::Scan(scan) => Self::Scan(Scan(scan)),
            read::TimelineEntry::Activity(stored) => Self::Activity(Activity(stored)),
            read::TimelineEntry::Event(event) => Self::OrderEvent(OrderEvent(event)),
            read::TimelineEntry::Notification(notification) => {
                Self::Notification(Notification::new(notification, failures.clone()))
            }
        }
    }
}

/// An entry of a page, with its cursor.
#[derive(SimpleObject)]
pub struct TimelineEdge {
    /// The place of the entry in the timeline. Send it as `after` or `before`.
    cursor: String,
    /// What happened: an event, an activity, a scan or a notification.
    node: TimelineEntry,
}

/// One page of the timeline of an order.
pub struct TimelineConnection {
    edges: Vec<TimelineEdge>,
    page_info: PageInfo,
}

/// One page of the timeline of an order.
#[Object]
impl TimelineConnection {
    /// The entries of the page, with their cursors.
    async fn edges(&self) -> &[TimelineEdge] {
        &self.edges
    }

    /// The entries of the page.
    async fn nodes(&self) -> Vec<&TimelineEntry> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Whether there are more entries, and the cursors to continue with.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }
}

/// Reads a page of the timeline of one order, newest first. A window without a cursor is read for all orders that were
/// read together, a window with a cursor for this order alone.
pub(super) async fn read_page(
    ctx: &Context<'_>,
    order: &Order,
    args: PageArgs,
) -> Result<TimelineConnection> {
    let id = order.head().id;
    let window =
        args.window(Kind::Timeline, |(of, place): (Uuid, Place)| parse_place(place).filter(|_| of == id.0))?;
    let batch = order.batch();
    let (cache, orders) = match window.after.is_some() || window.before.is_some() {
        true => (Arc::default(), vec![id]),
        false => (batch.timelines.of_window(&window), batch.heads.iter().map(|head| head.id).collect()),
    };
    let TimelinePage { entries, has_more } = read_entries(ctx, &cache, id, &orders, &window).await?;
    let failures = cache.failures();
    let edge = |entry: &read::TimelineEntry| TimelineEdge {
        cursor: Kind::Timeline.encode(&(id.0, make_place(entry.key()))),
        node: TimelineEntry::new(entry.clone(), &failures),
    };
    let edges: Vec<_> = entries.iter().map(edge).collect();
    let (has_previous_page, has_next_page) = window.neighbours(has_more);
    let page_info = PageInfo {
        has_previous_page,
        has_next_page,
        start_cursor: edges.first().map(|edge| edge.cursor.clone()),
        end_cursor: edges.last().map(|edge| edge.cursor.clone()),
    };
    Ok(TimelineConnection { edges, page_info })
}

async fn read_entries(
    ctx: &Context<'_>,
    cache: &Timelines,
    id: OrderId,
    orders: &[OrderId],
    window: &Window<Key<EntryId>>,
) -> Result<TimelinePage> {
    let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
    let request = window.request();
    let read = async |extent| {
        let found = app.reads().timelines_of(caller, orders.to_vec(), &request, extent).await?;
        Ok(found.into_iter().map(|(id, page)| (id, TimelinePage::from(page))).collect())
    };
    cache
        .timelines
        .load(ctx, id, || read_within_row_limit(ctx, read, |timeline| timeline.entries.len()))
        .await
}

/// The timelines of orders that were read together, by the size of the page and by whether it is taken from the end.
#[derive(Default)]
pub(super) struct TimelineCache(Mutex<HashMap<(i32, bool), Arc<Timelines>>>);

/// The timelines of orders that were read together, and the failures of their notifications if they were selected.
#[derive(Default)]
struct Timelines {
    timelines: PartCache<OrderId, TimelinePage>,
    failures: OnceLock<Arc<ListCache<NotificationId, Failure>>>,
}

impl Timelines {
    /// The cache for the failures of all notifications. Call it after the timelines were read.
    fn failures(&self) -> Arc<ListCache<NotificationId, Failure>> {
        let entries = self.timelines.loaded().flat_map(|timeline| timeline.entries.iter());
        let notifications = entries.filter_map(|entry| match entry {
            read::TimelineEntry::Notification(notification) => Some(notification.id),
            read::TimelineEntry::Scan(_)
            | read::TimelineEntry::Activity(_)
            | read::TimelineEntry::Event(_) => None,
        });
        self.failures.get_or_init(|| ListCache::new(notifications.collect())).clone()
    }
}

impl TimelineCache {
    fn of_window<K>(&self, window: &Window<K>) -> Arc<Timelines> {
        let mut caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caches.entry((window.limit, window.from_end)).or_default().clone()
    }
}

/// One page of the timeline of one order.
#[derive(Clone, Default)]
struct TimelinePage {
    entries: Arc<[read::TimelineEntry]>,
    has_more: bool,
}

impl From<Page<read::TimelineEntry>> for TimelinePage {
    fn from(page: Page<read::TimelineEntry>) -> Self {
        Self { entries: page.rows.into(), has_more: page.has_more }
    }
}

/// A place in a timeline, as a cursor has it: the time, the kind of the entry, and its id among its kind.
type Place = (DateTime<Utc>, String, String);

fn make_place(Key { at, id }: Key<EntryId>) -> Place {
    let (kind, id) = match id {
        EntryId::Scan(id) => ("scan", id.to_string()),
        EntryId::Activity(id) => ("activity", id.to_string()),
        EntryId::Event(version) => ("event", version.to_string()),
        EntryId::Notification(id) => ("notification", id.to_string()),
    };
    (at, kind.to_owned(), id)
}

fn parse_place((at, kind, id): Place) -> Option<Key<EntryId>> {
    let uuid = || id.parse::<Uuid>().ok();
    let id = match kind.as_str() {
        "scan" => EntryId::Scan(uuid()?),
        "activity" => EntryId::Activity(uuid()?),
        "event" => EntryId::Event(id.parse().ok()?),
        "notification" => EntryId::Notification(uuid()?),
        _ => return None,
    };
    cursor::plausible_key((at, id))
}
