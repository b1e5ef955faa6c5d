//! Orders: loads them under their row locks, and writes what [`Order::apply`] changed. Called by `app` for changes,
//! inside of a transaction; `read::orders` has the reads for people.
//!
//! - `lock_and_load` is step one of every change: of commands, webhooks, replays, replacements and resends. It waits
//!   for rows that others hold.
//! - `app::orders` places orders. It first asks `load_head` whether the same request has placed the order already,
//!   `has_reference` whether the merchant's order number is taken, and `placed_by_customer` for the limit of a
//!   customer: it returns times, newest first, and makes other orders of this customer wait.
//! - `load_event` gives `app::orders::commands` the event of an answer that is repeated. `None`: the order has no such
//!   version.
//! - `items_of` is also for `read`. It fails with [`TooManyRows`](crate::Error::TooManyRows) if there are more than
//!   `most` rows. An order without items is missing in its map.

mod write;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{ActorKind, Item, Order, OrderHead, OrderId, OrderStatus};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

pub use write::{insert, record};

use crate::{
    dialect::{is_one_of, lock_names},
    entity::{order, order_event, order_item, status::Status},
    error::Result,
    event::Event,
    mapping::OrderPart,
    read::bounded::{at_most, one_more},
    shipments::shipments_of,
    store::Tx,
};

/// Locks and loads orders for a change. The rows are locked in ascending sequence of their ids, so that two batches
/// cannot wait for each other. Unknown ids are left out.
pub async fn lock_and_load(tx: &Tx, ids: &[OrderId]) -> Result<HashMap<OrderId, Order>> {
    let backend = tx.get_database_backend();
    let heads = order::Entity::find()
        .filter(is_one_of(backend, order::Column::OrderId, ids.iter().map(|id| id.0)))
        .order_by_asc(order::Column::OrderId)
        .lock_exclusive()
        .all(tx)
        .await?;
    let ids: Vec<Uuid> = heads.iter().map(|row| row.order_id).collect();
    let mut items = items_of(tx, &ids, None).await?;
    let mut shipments = shipments_of(tx, &ids, None).await?;
    let mut orders = HashMap::with_capacity(heads.len());
    for row in heads {
        let head = OrderHead::try_from(row)?;
        let items = items.remove(&head.id).unwrap_or_default();
        let shipments = shipments.remove(&head.id).unwrap_or_default();
        orders.insert(head.id, Order::restore(head, items, shipments));
    }
    Ok(orders)
}

/// One order, read within a transaction.
pub async fn load_head(tx: &Tx, id: OrderId) -> Result<Option<OrderHead>> {
    order::Entity::find_by_id(id.0).one(tx).await?.map(OrderHead::try_from).transpose()
}

/// Whether an order has this number of the merchant.
pub async fn has_reference(tx: &Tx, reference: &str) -> Result<bool> {
    Ok(order::Entity::find().filter(order::Column::Reference.eq(reference)).one(tx).await?.is_some())
}

/// When a customer placed orders after `since`, newest first, at most `most` of them.
///
/// Until the transaction ends, other calls for the same customer wait. Else two orders at the same time could both be
/// the last one that a limit allows.
pub async fn placed_by_customer(
    tx: &Tx,
    customer: &str,
    since: DateTime<Utc>,
    most: u64,
) -> Result<Vec<DateTime<Utc>>> {
    lock_names(tx, &[format!("orders of customer {customer}")]).await?;
    let times = order_event::Entity::find()
        .select_only()
        .column(order_event::Column::OccurredAt)
        .filter(order_event::Column::Actor.eq(ActorKind::Customer.as_str()))
        .filter(order_event::Column::ActorId.eq(customer))
        .filter(order_event::Column::OccurredAt.gt(since))
        .filter(order_event::Column::ToStatus.eq(Status::from(OrderStatus::Placed)))
        .order_by_desc(order_event::Column::OccurredAt)
        .limit(most)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(times)
}

/// The event that gave an order this version.
pub async fn load_event(tx: &Tx, order_id: OrderId, version: i32) -> Result<Option<Event>> {
    let row = order_event::Entity::find()
        .filter(order_event::Column::OrderId.eq(order_id.0))
        .filter(order_event::Column::Version.eq(version))
        .one(tx)
        .await?;
    row.map(Event::try_from).transpose()
}

/// The items of these orders. The items of one order have the sequence in which they were placed.
pub(crate) async fn items_of(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
    most: Option<u64>,
) -> Result<HashMap<OrderId, Vec<Item>>> {
    let rows = order_item::Entity::find()
        .filter(is_one_of(db.get_database_backend(), order_item::Column::OrderId, orders.iter().copied()))
        .order_by_asc(order_item::Column::OrderId)
        .order_by_asc(order_item::Column::Position)
        .limit(one_more(most))
        .all(db)
        .await?;
    let rows = at_most("order_items", rows, most)?;
    let mut found: HashMap<OrderId, Vec<Item>> = HashMap::with_capacity(orders.len());
    for row in rows {
        let item = OrderPart::<Item>::try_from(row)?;
        found.entry(item.order_id).or_default().push(item.part);
    }
    Ok(found)
}
