//! Orders: loaded under their row locks, written from what `Order::apply` changed.

mod write;

use std::collections::HashMap;

use domain::{Item, Order, OrderHead, OrderId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

pub use write::{insert, record};

use crate::{
    convert::OfOrder,
    dialect::within,
    entity::{order, order_event, order_item},
    error::Result,
    event::Event,
    shipments::shipments_of,
    store::Tx,
};

/// Loads orders for a change. Their rows are locked first, in ascending id, so that two batches cannot wait
/// for each other. Unknown ids are left out.
pub async fn lock(tx: &Tx, ids: &[OrderId]) -> Result<HashMap<OrderId, Order>> {
    let backend = tx.get_database_backend();
    let heads = order::Entity::find()
        .filter(within(backend, order::Column::OrderId, ids.iter().map(|id| id.0)))
        .order_by_asc(order::Column::OrderId)
        .lock_exclusive()
        .all(tx)
        .await?;
    let ids: Vec<Uuid> = heads.iter().map(|row| row.order_id).collect();
    let mut items = items_of(tx, &ids).await?;
    let mut shipments = shipments_of(tx, &ids).await?;
    let mut orders = HashMap::with_capacity(heads.len());
    for row in heads {
        let head = OrderHead::try_from(row)?;
        let items = items.remove(&head.id).unwrap_or_default();
        let shipments = shipments.remove(&head.id).unwrap_or_default();
        orders.insert(head.id, Order::restore(head, items, shipments));
    }
    Ok(orders)
}

/// One order, within a transaction.
pub async fn head(tx: &Tx, id: OrderId) -> Result<Option<OrderHead>> {
    order::Entity::find_by_id(id.0).one(tx).await?.map(OrderHead::try_from).transpose()
}

/// Whether an order has the merchant's number.
pub async fn has_reference(tx: &Tx, reference: &str) -> Result<bool> {
    Ok(order::Entity::find().filter(order::Column::Reference.eq(reference)).one(tx).await?.is_some())
}

/// The event that gave an order a version.
pub async fn event_at(tx: &Tx, order_id: OrderId, version: i32) -> Result<Option<Event>> {
    let row = order_event::Entity::find()
        .filter(order_event::Column::OrderId.eq(order_id.0))
        .filter(order_event::Column::Version.eq(version))
        .one(tx)
        .await?;
    row.map(Event::try_from).transpose()
}

/// The items of these orders, each order's in its own order.
pub(crate) async fn items_of(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Vec<Item>>> {
    let rows = order_item::Entity::find()
        .filter(within(db.get_database_backend(), order_item::Column::OrderId, orders.iter().copied()))
        .order_by_asc(order_item::Column::OrderId)
        .order_by_asc(order_item::Column::Position)
        .all(db)
        .await?;
    let mut found: HashMap<OrderId, Vec<Item>> = HashMap::with_capacity(orders.len());
    for row in rows {
        let item = OfOrder::<Item>::try_from(row)?;
        found.entry(item.order_id).or_default().push(item.part);
    }
    Ok(found)
}
