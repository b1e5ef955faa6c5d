//! Reads the timelines of orders: their scans, activities, events and notifications as one list. `app::reads::timeline`
//! calls `read_timelines`.
//!
//! 1. The list is sorted by the time at which Milepost recorded an entry, then by [`EntryId`]. `app::reads` sorts it,
//!    and cuts the page.
//! 2. There is one statement for each of the four tables, for any number of orders. Of each order and table it reads
//!    the entries of one page, and one more. With [`TimelineQuery::all_activities`] it reads all activities of the
//!    wanted kinds.
//! 3. Activities are found by an index in the sequence of the list. Of events, notifications and scans an index finds
//!    those of the order, which are then sorted: an order has at most ten events, and a shipment has a few dozen scans.
//! 4. `read_table` runs the statement of one table and adds its entries. `build_join`, `build_condition` and
//!    `columns_of` write the SQL. `Parameters::bind` stores a value and answers its placeholder. An order without
//!    entries is missing in the map.

use std::collections::HashMap;

use domain::{ActivityKind, OrderId, ShipmentId, StoredScan};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    PrimaryKeyToColumn, Set, Value as SqlValue, sea_query::ArrayType,
};
use uuid::Uuid;

use super::{
    bounded::{at_most, one_more},
    page::{Key, PageRequest},
};
use crate::{
    Error, Event, Result, Store,
    activities::StoredActivity,
    dialect,
    entity::{notification, order, order_activity, order_event, scan},
    notifications::Notification,
};

/// One entry of a timeline.
#[derive(Clone, Debug)]
pub enum TimelineEntry {
    Scan(StoredScan),
    Activity(StoredActivity),
    Event(Event),
    Notification(Notification),
}

/// Identifies an entry in the timeline of one order. Of entries that were recorded at the same time, in ascending
/// sequence, causes come before their effects: a scan before the event, the event before its notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryId {
    Scan(Uuid),
    Activity(Uuid),
    /// The version of the order after the event.
    Event(i32),
    Notification(Uuid),
}

impl TimelineEntry {
    /// The place of the entry in its timeline.
    pub fn key(&self) -> Key<EntryId> {
        let (at, id) = match self {
            Self::Scan(scan) => (scan.recorded_at, EntryId::Scan(scan.id.0)),
            Self::Activity(stored) => (stored.activity.recorded_at, EntryId::Activity(stored.id)),
            Self::Event(event) => (event.recorded_at, EntryId::Event(event.version)),
            Self::Notification(notification) => {
                (notification.queued_at, EntryId::Notification(notification.id.0))
            }
        };
        Key { at, id }
    }
}

impl From<EntryId> for SqlValue {
    fn from(id: EntryId) -> Self {
        match id {
            EntryId::Scan(id) | EntryId::Activity(id) | EntryId::Notification(id) => id.into(),
            EntryId::Event(version) => version.into(),
        }
    }
}

/// Selects entries of timelines.
#[derive(Clone, Debug)]
pub struct TimelineQuery {
    pub page: PageRequest<EntryId>,
    /// The wanted kinds of activities.
    pub kinds: Vec<ActivityKind>,
    /// Whether all activities of an order are read, not only those of the page: for callers who see only some of them.
    pub all_activities: bool,
    /// Only scans of these shipments are wanted. `None`: of all shipments.
    pub shipments: Option<Vec<ShipmentId>>,
    /// Whether notifications are wanted.
    pub notifications: bool,
    /// The largest number of entries in the result.
    pub most: u64,
}

/// The entries of many orders from which a page is cut: of each table those of the page and one more, but with
/// `all_activities` all activities of the wanted kinds. They have no particular sequence.
///
/// # Errors
/// [`Error::TooManyRows`] if there are more than the query allows.
pub async fn read_timelines(
    store: &Store,
    ids: &[OrderId],
    query: &TimelineQuery,
) -> Result<HashMap<OrderId, Vec<TimelineEntry>>> {
    let mut reader = TimelineReader { store, ids, query, left: query.most, found: HashMap::new() };
    let events = Source {
        rows: "order_events e WHERE e.order_id = r.order_id",
        time: order_event::Column::RecordedAt,
        id: order_event::Column::Version,
        ids: [EntryId::Event(0), EntryId::Event(i32::MAX)],
        is_paged: true,
    };
    reader.read_table::<order_event::Entity, _>(events, Filter::None, TimelineEntry::Event).await?;
    if !query.kinds.is_empty() {
        let activities = Source {
            rows: "order_activities e WHERE e.order_id = r.order_id",
            time: order_activity::Column::RecordedAt,
            id: order_activity::Column::ActivityId,
            ids: [EntryId::Activity(Uuid::nil()), EntryId::Activity(Uuid::max())],
            is_paged: !query.all_activities,
        };
        let kinds = Filter::Kinds(&query.kinds);
        reader.read_table::<order_activity::Entity, _>(activities, kinds, TimelineEntry::Activity).await?;
    }
    let scans = Source {
        rows: "shipments s JOIN scans e ON e.shipment_id = s.shipment_id WHERE s.order_id = r.order_id",
        time: scan::Column::RecordedAt,
        id: scan::Column::ScanId,
        ids: [EntryId::Scan(Uuid::nil()), EntryId::Scan(Uuid::max())],
        is_paged: true,
    };
    let shipments = query.shipments.as_deref().map_or(Filter::None, Filter::Shipments);
    reader.read_table::<scan::Entity, _>(scans, shipments, TimelineEntry::Scan).await?;
    if query.notifications {
        let notifications = Source {
            rows: "notifications e WHERE e.order_id = r.order_id",
            time: notification::Column::QueuedAt,
            id: notification::Column::NotificationId,
            ids: [EntryId::Notification(Uuid::nil()), EntryId::Notification(Uuid::max())],
            is_paged: true,
        };
        reader
            .read_table::<notification::Entity, _>(notifications, Filter::None, TimelineEntry::Notification)
            .await?;
    }
    Ok(reader.found)
}

/// A table with entries of timelines.
struct Source<C> {
    /// What to select from, up to the condition that an entry, `e`, is one of the order `r`.
    rows: &'static str,
    time: C,
    id: C,
    /// An id that is before all ids of this table, and one that is behind all.
    ids: [EntryId; 2],
    /// Whether only the entries of the page are read.
    is_paged: bool,
}

/// A condition for entries of one table.
enum Filter<'a> {
    None,
    Kinds(&'a [ActivityKind]),
    Shipments(&'a [ShipmentId]),
}

/// The parameters of a statement. They follow the first one, which has the orders.
struct Parameters(Vec<SqlValue>);

impl Parameters {
    /// Adds a parameter and returns its placeholder.
    fn add_parameter(&mut self, value: impl Into<SqlValue>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len() + 1)
    }
}

/// Reads the entries of some orders, one table after the other.
struct TimelineReader<'a> {
    store: &'a Store,
    ids: &'a [OrderId],
    query: &'a TimelineQuery,
    /// How many entries may still be read.
    left: u64,
    found: HashMap<OrderId, Vec<TimelineEntry>>,
}

impl TimelineReader<'_> {
    async fn read_table<E, T>(
        &mut self,
        source: Source<E::Column>,
        filter: Filter<'_>,
        into_entry: fn(T) -> TimelineEntry,
    ) -> Result<()>
    where
        E: EntityTrait,
        T: TryFrom<E::Model, Error = Error>,
    {
        let mut parameters = Parameters(vec![]);
        let join = self.build_join::<E>(&source, filter, &mut parameters);
        let rows =
            self.ids.iter().map(|id| [order::ActiveModel { order_id: Set(id.0), ..Default::default() }]);
        let columns = format!("r.order_id AS of_order, {}", columns_of::<E>());
        let Some(mut statement) = dialect::build_select(self.store.backend(), &columns, &join, [""], rows)?
        else {
            return Ok(());
        };
        if let Some(values) = &mut statement.values {
            values.0.append(&mut parameters.0);
        }
        let rows = self.store.reader().query_all_raw(statement).await?;
        let rows = at_most(E::default().table_name(), rows, Some(self.left))?;
        self.left -= rows.len() as u64;
        for row in rows {
            let order = OrderId(row.try_get("", "of_order")?);
            let part = T::try_from(E::Model::from_query_result(&row, "")?)?;
            self.found.entry(order).or_default().push(into_entry(part));
        }
        Ok(())
    }

    /// Joins the orders, `r`, with their entries, `e`. SQLite has no `LATERAL`: there a subquery returns the keys of
    /// the entries.
    fn build_join<E: EntityTrait>(
        &self,
        source: &Source<E::Column>,
        filter: Filter<'_>,
        parameters: &mut Parameters,
    ) -> String {
        let page = &self.query.page;
        let (time, id) = (source.time.as_str(), source.id.as_str());
        let mut rows = source.rows.to_owned();
        if source.is_paged {
            let [first, last] = source.ids;
            for (key, comparison) in [(page.after, "<"), (page.before, ">")] {
                let Some(Key { at, id: of_entry }) = key else { continue };
                // The id of an entry of another table is before or behind all ids of this one.
                let (at, of_entry) =
                    (parameters.add_parameter(at), parameters.add_parameter(of_entry.clamp(first, last)));
                rows.push_str(&format!(" AND (e.{time}, e.{id}) {comparison} ({at}, {of_entry})"));
            }
        }
        rows.push_str(&self.build_condition(filter, parameters));
        if source.is_paged {
            let sequence = if page.from_end { "ASC" } else { "DESC" };
            let limit = parameters.add_parameter(one_more(Some(page.limit)));
            rows.push_str(&format!(" ORDER BY e.{time} {sequence}, e.{id} {sequence} LIMIT {limit}"));
        }
        let most = parameters.add_parameter(one_more(Some(self.left)));
        if self.store.is_postgres() {
            return format!("CROSS JOIN LATERAL (SELECT e.* FROM {rows}) e LIMIT {most}");
        }
        let table = E::default();
        let keys: Vec<_> =
            E::PrimaryKey::iter().map(|key| format!("e.{}", key.into_column().as_str())).collect();
        let (table, key) = (table.table_name(), keys.concat());
        format!("CROSS JOIN {table} e ON {key} IN (SELECT {key} FROM {rows}) LIMIT {most}")
    }

    fn build_condition(&self, filter: Filter<'_>, parameters: &mut Parameters) -> String {
        match filter {
            Filter::None => String::new(),
            Filter::Kinds(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
                format!(" AND e.kind IN ({})", kinds.join(", "))
            }
            Filter::Shipments(ids) if self.store.is_postgres() => {
                let ids = ids.iter().map(|id| id.0.into()).collect();
                let ids = parameters.add_parameter(SqlValue::Array(ArrayType::Uuid, Some(Box::new(ids))));
                format!(" AND e.shipment_id = ANY({ids})")
            }
            Filter::Shipments(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| id.0.simple().to_string()).collect();
                let ids = parameters.add_parameter(serde_json::Value::from(ids).to_string());
                format!(" AND e.shipment_id IN (SELECT unhex(value) FROM json_each({ids}))")
            }
        }
    }
}

/// The columns of the entries, `e`. An enum of PostgreSQL is read as a text.
fn columns_of<E: EntityTrait>() -> String {
    let columns = E::Column::iter().map(|column| match column.def().get_column_type() {
        ColumnType::Enum { .. } => format!("CAST(e.{0} AS text) AS {0}", column.as_str()),
        _ => format!("e.{}", column.as_str()),
    });
    columns.collect::<Vec<_>>().join(", ")
}
