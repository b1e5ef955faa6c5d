//! Reads order events: those of one order by version, and those of all orders by time.
//!
//! - `app::reads::events` reads pages and counts of all orders' events; `build_query` is the condition of both. `until`
//!   is exclusive.
//! - `events_in` takes ranges of versions: for `app::reads::batcher`, for mails (`app::notifications`) and for
//!   `api::track`. Without ranges it reads nothing. A version that an order does not have is left out.

use chrono::{DateTime, Utc};
use domain::{ActorKind, Carrier, OrderId, OrderStatus, UserId};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    Set,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

use super::{
    orders::select_orders_of_supplier,
    page::{Page, PageRequest, fetch_page},
};
use crate::{
    Event, Result, Store, dialect,
    entity::{order, order_event, status::Status},
};

/// Selects events. Every field that is set must match.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub order_id: Option<OrderId>,
    /// The customer of the order.
    pub user_id: Option<UserId>,
    /// A supplier that sends an item of the order.
    pub supplier: Option<String>,
    /// The status before the event.
    pub from: Option<OrderStatus>,
    /// The status after the event.
    pub to: Option<OrderStatus>,
    /// The kind of actor that caused the event.
    pub actor: Option<ActorKind>,
    /// The carrier whose scans caused the event.
    pub carrier: Option<Carrier>,
    /// The event happened then or later.
    pub since: Option<DateTime<Utc>>,
    /// The event happened before then.
    pub until: Option<DateTime<Utc>>,
}

fn build_query(filter: &EventFilter) -> Select<order_event::Entity> {
    use order_event::Column;
    let own = filter.user_id.map(|user| {
        let orders = order::Entity::find().select_only().column(order::Column::OrderId);
        orders.filter(order::Column::UserId.eq(user.0)).into_query()
    });
    let by_carrier = filter.carrier.map(|carrier| {
        Expr::col(Column::Actor)
            .eq(ActorKind::Carrier.as_str())
            .and(Expr::col(Column::ActorId).eq(carrier.as_str()))
    });
    order_event::Entity::find()
        .apply_if(filter.order_id, |query, id| query.filter(Column::OrderId.eq(id.0)))
        .apply_if(own, |query, orders| query.filter(Column::OrderId.in_subquery(orders)))
        .apply_if(filter.supplier.as_deref(), |query, code| {
            query.filter(Column::OrderId.in_subquery(select_orders_of_supplier(code)))
        })
        .apply_if(filter.from, |query, status| query.filter(Column::FromStatus.eq(Status::from(status))))
        .apply_if(filter.to, |query, status| query.filter(Column::ToStatus.eq(Status::from(status))))
        .apply_if(filter.actor, |query, kind| query.filter(Column::Actor.eq(kind.as_str())))
        .apply_if(by_carrier, |query, condition| query.filter(condition))
        .apply_if(filter.since, |query, at| query.filter(Column::OccurredAt.gte(at)))
        .apply_if(filter.until, |query, at| query.filter(Column::OccurredAt.lt(at)))
}

/// Identifies an event in the log of all orders. The log is sorted by `event_id`. Callers do not see that number,
/// because two of them would show how many events of others lie between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    pub order_id: OrderId,
    /// The order's version after the event.
    pub version: i32,
}

impl From<EventId> for SimpleExpr {
    /// The `event_id` by which the log is sorted.
    fn from(event: EventId) -> Self {
        let number = order_event::Entity::find()
            .select_only()
            .column(order_event::Column::EventId)
            .filter(order_event::Column::OrderId.eq(event.order_id.0))
            .filter(order_event::Column::Version.eq(event.version));
        Self::SubQuery(None, Box::new(number.into_query().into()))
    }
}

/// A page of the events of all orders, newest first.
pub async fn events_page(
    store: &Store,
    filter: &EventFilter,
    page: &PageRequest<EventId>,
) -> Result<Page<Event>> {
    let key = (order_event::Column::OccurredAt, order_event::Column::EventId);
    fetch_page(build_query(filter), key, page, store.reader()).await?.try_map(Event::try_from)
}

/// The number of events that match.
pub async fn events_count(store: &Store, filter: &EventFilter) -> Result<u64> {
    Ok(build_query(filter).count(store.reader()).await?)
}

/// A range of events of one order. Versions have no gaps, so a page of an order's history is such a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionRange {
    pub order_id: OrderId,
    /// The first wanted version.
    pub first: i32,
    /// The last wanted version.
    pub last: i32,
}

/// The events in all of these ranges, sorted by order and version, with one statement.
pub async fn events_in(store: &Store, ranges: &[VersionRange]) -> Result<Vec<Event>> {
    let rows = ranges.iter().map(|range| {
        let first = order_event::ActiveModel {
            order_id: Set(range.order_id.0),
            version: Set(range.first),
            ..Default::default()
        };
        [first, order_event::ActiveModel { version: Set(range.last), ..Default::default() }]
    });
    let columns = "e.event_id, e.order_id, e.version, CAST(e.from_status AS text) AS from_status, \
                   CAST(e.to_status AS text) AS to_status, e.actor, e.actor_id, e.notes, e.metadata, \
                   e.inferred, e.occurred_at, e.recorded_at, e.request_id, e.webhook_id";
    let on = "JOIN order_events e ON e.order_id = r.first_order_id \
              AND e.version BETWEEN r.first_version AND r.last_version ORDER BY e.order_id, e.version";
    let parts = ["first_", "last_"];
    let Some(statement) = dialect::build_select(store.backend(), columns, on, parts, rows)? else {
        return Ok(vec![]);
    };
    let rows = order_event::Model::find_by_statement(statement).all(store.reader()).await?;
    rows.into_iter().map(Event::try_from).collect()
}
