//! Reads orders, and the parts of many orders.
//!
//! - `app::reads::orders` calls the functions for pages, for one order by id or reference, for replacements and for
//!   notifications. Those with a supplier find an order only if the supplier sends an item of it.
//! - `build_query` is the condition of `orders_page` and `count_orders`. `select_orders_of_supplier` is a subquery,
//!   also for `read::events`.
//! - `load_order` reads a whole order without a lock: for `api::track`, for mails, and for a dry run (`app::orders`).
//! - `order_by_reference` takes the merchant's own order number.
//! - An order that is unknown, or that the supplier does not supply, is `None`; in a map it is missing.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{Carrier, FulfillmentPath, Order, OrderHead, OrderId, OrderStatus, OriginKind, UserId};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{SelectStatement, SimpleExpr},
};
use uuid::Uuid;

use super::{
    bounded::{at_most, one_more},
    page::{Page, PageRequest, fetch_page},
};
use crate::{
    Result, Store,
    dialect::is_one_of,
    entity::{notification, order, order_item, shipment, status::Status},
    notifications::Notification,
    orders, shipments,
};

/// Selects orders. Every field that is set must match.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    pub user_id: Option<UserId>,
    /// A supplier that sends an item of the order.
    pub supplier: Option<String>,
    /// The order has one of these statuses. Empty: any status.
    pub statuses: BTreeSet<OrderStatus>,
    /// The order was placed then or later.
    pub placed_since: Option<DateTime<Utc>>,
    /// The order was placed before then.
    pub placed_until: Option<DateTime<Utc>>,
    /// The order has a shipment of this carrier.
    pub carrier: Option<Carrier>,
    /// How the order was planned to be fulfilled.
    pub fulfillment_path: Option<FulfillmentPath>,
    /// Whether the order is closed.
    pub closed: Option<bool>,
}

/// The condition that the supplier sends an item of the order.
fn is_supplied_by(code: &str) -> SimpleExpr {
    order::Column::OrderId.in_subquery(select_orders_of_supplier(code))
}

/// A query for the orders of which the supplier sends an item.
pub(super) fn select_orders_of_supplier(code: &str) -> SelectStatement {
    order_item::Entity::find()
        .select_only()
        .column(order_item::Column::OrderId)
        .filter(order_item::Column::OriginKind.eq(OriginKind::Supplier.as_str()))
        .filter(order_item::Column::OriginCode.eq(code))
        .into_query()
}

fn build_query(filter: &OrderFilter) -> Select<order::Entity> {
    let with_carrier = filter.carrier.map(|carrier| {
        shipment::Entity::find()
            .select_only()
            .column(shipment::Column::OrderId)
            .filter(shipment::Column::Carrier.eq(carrier.as_str()))
            .into_query()
    });
    let statuses = filter.statuses.iter().map(|status| Status::from(*status));
    order::Entity::find()
        .apply_if(filter.user_id, |query, user| query.filter(order::Column::UserId.eq(user.0)))
        .apply_if(filter.supplier.as_deref(), |query, code| query.filter(is_supplied_by(code)))
        .apply_if((!filter.statuses.is_empty()).then_some(statuses), |query, statuses| {
            query.filter(order::Column::Status.is_in(statuses))
        })
        .apply_if(filter.placed_since, |query, at| query.filter(order::Column::PlacedAt.gte(at)))
        .apply_if(filter.placed_until, |query, at| query.filter(order::Column::PlacedAt.lt(at)))
        .apply_if(with_carrier, |query, orders| query.filter(order::Column::OrderId.in_subquery(orders)))
        .apply_if(filter.fulfillment_path, |query, path| {
            query.filter(order::Column::FulfillmentPath.eq(path.as_str()))
        })
        .apply_if(filter.closed, |query, closed| match closed {
            true => query.filter(order::Column::ClosedAt.is_not_null()),
            false => query.filter(order::Column::ClosedAt.is_null()),
        })
}

/// A page of orders, newest first.
pub async fn orders_page(
    store: &Store,
    filter: &OrderFilter,
    page: &PageRequest<Uuid>,
) -> Result<Page<OrderHead>> {
    let key = (order::Column::PlacedAt, order::Column::OrderId);
    fetch_page(build_query(filter), key, page, store.reader()).await?.try_map(OrderHead::try_from)
}

/// The number of orders that match.
pub async fn count_orders(store: &Store, filter: &OrderFilter) -> Result<u64> {
    Ok(build_query(filter).count(store.reader()).await?)
}

pub async fn read_order(store: &Store, id: OrderId) -> Result<Option<OrderHead>> {
    order::Entity::find_by_id(id.0).one(store.reader()).await?.map(OrderHead::try_from).transpose()
}

/// One order, if the supplier sends an item of it.
pub async fn order_supplied_by(store: &Store, id: OrderId, code: &str) -> Result<Option<OrderHead>> {
    let order = order::Entity::find_by_id(id.0).filter(is_supplied_by(code));
    order.one(store.reader()).await?.map(OrderHead::try_from).transpose()
}

/// Many orders, by id. Unknown ids are left out.
pub async fn orders_of(store: &Store, ids: &[OrderId]) -> Result<HashMap<OrderId, OrderHead>> {
    let rows = order::Entity::find()
        .filter(is_one_of(store.backend(), order::Column::OrderId, ids.iter().map(|id| id.0)))
        .all(store.reader())
        .await?;
    let heads = rows.into_iter().map(|row| OrderHead::try_from(row).map(|head| (head.id, head)));
    heads.collect()
}

/// The orders that replace these ones, oldest first, by the replaced order.
///
/// # Errors
/// [`Error::TooManyRows`](crate::Error::TooManyRows) if there are more than `most`.
pub async fn replacements_at_most(
    store: &Store,
    replaced: &[OrderId],
    most: u64,
) -> Result<HashMap<OrderId, Vec<OrderHead>>> {
    let rows = order::Entity::find()
        .filter(is_one_of(store.backend(), order::Column::Replaces, replaced.iter().map(|id| id.0)))
        .order_by_asc(order::Column::PlacedAt)
        .order_by_asc(order::Column::OrderId)
        .limit(one_more(Some(most)))
        .all(store.reader())
        .await?;
    let mut found: HashMap<OrderId, Vec<OrderHead>> = HashMap::with_capacity(replaced.len());
    for row in at_most("orders", rows, Some(most))? {
        let head = OrderHead::try_from(row)?;
        if let Some(replaced) = head.replaces {
            found.entry(replaced).or_default().push(head);
        }
    }
    Ok(found)
}

/// The order with this number of the merchant. If `supplier` is given, only if this supplier sends an item of it.
pub async fn order_by_reference(
    store: &Store,
    reference: &str,
    supplier: Option<&str>,
) -> Result<Option<OrderHead>> {
    // PostgreSQL refuses a text with NUL, even in a query.
    if reference.contains('\0') {
        return Ok(None);
    }
    let row = order::Entity::find()
        .filter(order::Column::Reference.eq(reference))
        .apply_if(supplier, |query, code| query.filter(is_supplied_by(code)))
        .one(store.reader())
        .await?;
    row.map(OrderHead::try_from).transpose()
}

/// An order with its items and shipments.
pub async fn load_order(store: &Store, id: OrderId) -> Result<Option<Order>> {
    let Some(head) = read_order(store, id).await? else { return Ok(None) };
    let items = orders::items_of(store.reader(), &[id.0], None).await?.remove(&id);
    let shipments = shipments::shipments_of(store.reader(), &[id.0], None).await?.remove(&id);
    Ok(Some(Order::restore(head, items.unwrap_or_default(), shipments.unwrap_or_default())))
}

/// The notifications of many orders, oldest first.
pub async fn notifications_of(store: &Store, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Notification>>> {
    let rows = notification::Entity::find()
        .filter(is_one_of(store.backend(), notification::Column::OrderId, ids.iter().map(|id| id.0)))
        .order_by_asc(notification::Column::QueuedAt)
        .order_by_asc(notification::Column::NotificationId)
        .all(store.reader())
        .await?;
    let mut found: HashMap<OrderId, Vec<Notification>> = HashMap::with_capacity(ids.len());
    for row in rows {
        let notification = Notification::try_from(row)?;
        found.entry(notification.order_id).or_default().push(notification);
    }
    Ok(found)
}
