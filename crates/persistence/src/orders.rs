//! Orders: loaded under their row locks, written from what `Order::apply` changed.
//!
//! [`record`] holds the one statement that changes a status. It takes orders whose transitions the domain
//! made, and checks the version they were made from.

use std::collections::HashMap;

use domain::{Item, ItemId, Line, Order, OrderHead, OrderId, Shipment, ShipmentId, notice};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    convert::{self, OfOrder},
    dialect::{Row, Table, Type, within, write},
    entity::{order, order_event, order_item, shipment, shipment_item, status::Status},
    error::{Error, Result},
    event::Event,
    notices, shipments,
    store::{Store, Tx},
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

/// What was said about the event that brought an order into a status.
pub async fn reason_of(store: &Store, id: OrderId, status: domain::OrderStatus) -> Result<Option<String>> {
    let row = order_event::Entity::find()
        .filter(order_event::Column::OrderId.eq(id.0))
        .filter(order_event::Column::ToStatus.eq(Status::from(status)))
        .one(store.reader())
        .await?;
    Ok(row.and_then(|row| row.notes))
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

/// The parcels of these orders with what is in them, oldest first.
pub(crate) async fn shipments_of(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Vec<Shipment>>> {
    let rows = shipment::Entity::find()
        .filter(within(db.get_database_backend(), shipment::Column::OrderId, orders.iter().copied()))
        .order_by_asc(shipment::Column::CreatedAt)
        .order_by_asc(shipment::Column::ShipmentId)
        .all(db)
        .await?;
    let mut found: HashMap<OrderId, Vec<Shipment>> = HashMap::with_capacity(orders.len());
    for shipment in with_lines(db, rows).await? {
        found.entry(shipment.order_id).or_default().push(shipment);
    }
    Ok(found)
}

/// Parcels with what is in them.
pub(crate) async fn with_lines(
    db: &impl ConnectionTrait,
    rows: Vec<shipment::Model>,
) -> Result<Vec<Shipment>> {
    if rows.is_empty() {
        return Ok(vec![]);
    }
    let ids = rows.iter().map(|row| row.shipment_id);
    let lines = shipment_item::Entity::find()
        .filter(within(db.get_database_backend(), shipment_item::Column::ShipmentId, ids))
        .order_by_asc(shipment_item::Column::ItemId)
        .all(db)
        .await?;
    let mut by_shipment: HashMap<Uuid, Vec<Line>> = HashMap::with_capacity(rows.len());
    for row in &lines {
        by_shipment.entry(row.shipment_id).or_default().push(convert::line(row)?);
    }
    rows.into_iter()
        .map(|row| {
            let lines = by_shipment.remove(&row.shipment_id).unwrap_or_default();
            convert::shipment(row, lines)
        })
        .collect()
}

const ORDERS: Table = Table {
    name: "orders",
    columns: &[
        ("order_id", Type::Uuid),
        ("user_id", Type::Uuid),
        ("reference", Type::Text),
        ("customer_email", Type::Text),
        ("status", Type::Status),
        ("version", Type::Int),
        ("total_cents", Type::Int),
        ("currency", Type::Text),
        ("fulfillment_path", Type::Text),
        ("placed_at", Type::Time),
        ("updated_at", Type::Time),
        ("occurred_at", Type::Time),
    ],
};

const ITEMS: Table = Table {
    name: "order_items",
    columns: &[
        ("item_id", Type::Uuid),
        ("order_id", Type::Uuid),
        ("position", Type::Int),
        ("sku", Type::Text),
        ("name", Type::Text),
        ("quantity", Type::Int),
        ("origin_kind", Type::Text),
        ("origin_code", Type::Text),
    ],
};

const EVENTS: Table = Table {
    name: "order_events",
    columns: &[
        ("order_id", Type::Uuid),
        ("version", Type::Int),
        ("from_status", Type::Status),
        ("to_status", Type::Status),
        ("actor", Type::Text),
        ("actor_id", Type::Text),
        ("notes", Type::Text),
        ("metadata", Type::Json),
        ("inferred", Type::Bool),
        ("occurred_at", Type::Time),
        ("recorded_at", Type::Time),
        ("request_id", Type::Text),
        ("webhook_id", Type::Uuid),
    ],
};

const OUTBOX: Table = Table {
    name: "outbox",
    columns: &[("order_id", Type::Uuid), ("user_id", Type::Uuid), ("version", Type::Int)],
};

/// The part of an order that changes, and the version it must have before.
const STANDING: Table = Table {
    name: "orders",
    columns: &[
        ("order_id", Type::Uuid),
        ("status", Type::Status),
        ("version", Type::Int),
        ("updated_at", Type::Time),
        ("occurred_at", Type::Time),
        ("expected_version", Type::Int),
    ],
};

const ITEM_CANCELLATIONS: Table = Table {
    name: "order_items",
    columns: &[("item_id", Type::Uuid), ("cancelled", Type::Int), ("cancel_reason", Type::Text)],
};

/// Writes placed orders with everything owed because of them.
pub async fn insert(tx: &Tx, orders: &[Order]) -> Result<()> {
    let rows = orders.iter().map(|order| {
        let head = order.head();
        Row::default()
            .set("order_id", head.id.0)
            .set("user_id", head.user_id.0)
            .set("reference", head.reference.as_deref())
            .set("customer_email", head.customer_email.as_deref())
            .set("status", head.status.as_str())
            .set("version", head.version)
            .set("total_cents", head.total.cents)
            .set("currency", head.total.currency.as_str())
            .set("fulfillment_path", head.fulfillment_path.as_str())
            .set("placed_at", head.placed_at)
            .set("updated_at", head.updated_at)
            .set("occurred_at", head.occurred_at)
    });
    let rows = rows.collect();
    write(tx, |db| ORDERS.insert(db, "", rows)).await?;
    let items = orders.iter().flat_map(|order| {
        order.items().iter().enumerate().map(move |(position, item)| {
            let origin = item.origin.as_ref();
            Row::default()
                .set("item_id", item.id.0)
                .set("order_id", order.head().id.0)
                .set("position", position as u32)
                .set("sku", item.sku.as_str())
                .set("name", item.name.as_str())
                .set("quantity", item.quantity)
                .set("origin_kind", origin.map(|origin| origin.kind.as_str()))
                .set("origin_code", origin.map(|origin| origin.code.as_str()))
        })
    });
    let items = items.collect();
    write(tx, |db| ITEMS.insert(db, "", items)).await?;
    let placed: Vec<_> = orders.iter().collect();
    insert_events(tx, &placed).await?;
    announce(tx, &placed).await
}

/// Writes what requests changed in these orders: status, events, notices, parcels, quantities, and the
/// outbox. Every order must have been loaded by [`lock`] in the same transaction.
///
/// # Errors
/// [`Error::LostUpdate`] when an order is not at the version it was changed from; nothing then is valid.
pub async fn record(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let changed: Vec<&Order> = orders.iter().copied().filter(|order| !order.changes().is_empty()).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let standing = changed.iter().map(|order| {
        let head = order.head();
        Row::default()
            .set("order_id", head.id.0)
            .set("status", head.status.as_str())
            .set("version", head.version)
            .set("updated_at", head.updated_at)
            .set("occurred_at", head.occurred_at)
            .set("expected_version", head.version - order.changes().transitions.len() as i32)
    });
    let standing = standing.collect();
    let guard = " AND orders.version = r.expected_version";
    let written = write(tx, |db| STANDING.update(db, &["order_id"], guard, standing)).await?;
    if written != changed.len() as u64 {
        return Err(Error::LostUpdate);
    }
    insert_events(tx, &changed).await?;
    notices::owe(tx, &changed).await?;
    cancel_units(tx, &changed).await?;
    shipments::record(tx, &changed).await?;
    announce(tx, &changed).await
}

async fn insert_events(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let rows: Vec<Row> = orders
        .iter()
        .flat_map(|order| &order.changes().transitions)
        .map(|event| {
            Row::default()
                .set("order_id", event.order_id().0)
                .set("version", event.version())
                .set("from_status", event.from().map(|status| status.as_str()))
                .set("to_status", event.to().as_str())
                .set("actor", event.actor().kind.as_str())
                .set("actor_id", event.actor().id.as_deref())
                .set("notes", event.notes())
                .set("metadata", event.metadata())
                .set("inferred", event.inferred())
                .set("occurred_at", event.occurred_at())
                .set("recorded_at", event.recorded_at())
                .set("request_id", event.request_id())
                .set("webhook_id", event.webhook_id().map(|id| id.0))
        })
        .collect();
    if !rows.is_empty() {
        write(tx, |db| EVENTS.insert(db, "", rows)).await?;
    }
    Ok(())
}

async fn cancel_units(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let changed = |order: &Order, id: ItemId| order.changes().items.contains(&id);
    let rows: Vec<Row> = orders
        .iter()
        .flat_map(|order| order.items().iter().filter(|item| changed(order, item.id)))
        .map(|item| {
            Row::default()
                .set("item_id", item.id.0)
                .set("cancelled", item.cancelled)
                .set("cancel_reason", item.cancel_reason.as_deref())
        })
        .collect();
    if !rows.is_empty() {
        write(tx, |db| ITEM_CANCELLATIONS.update(db, &["item_id"], "", rows)).await?;
    }
    Ok(())
}

/// Leaves word for the live feed, one row an order.
async fn announce(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let rows = orders.iter().map(|order| {
        let head = order.head();
        Row::default().set("order_id", head.id.0).set("user_id", head.user_id.0).set("version", head.version)
    });
    let rows = rows.collect();
    write(tx, |db| OUTBOX.insert(db, "", rows)).await?;
    Ok(())
}

/// The parcels of an order that are marked in a set of changes.
pub(crate) fn marked<'a>(
    order: &'a Order,
    set: impl Fn(&'a domain::Changes) -> &'a std::collections::BTreeSet<ShipmentId>,
) -> impl Iterator<Item = &'a Shipment> {
    let set = set(order.changes());
    order.shipments().iter().filter(move |shipment| set.contains(&shipment.id))
}

/// The notices that the transitions of an order call for, the newest last.
pub(crate) fn owed(order: &Order) -> Vec<domain::OrderStatus> {
    let statuses = order.changes().transitions.iter().map(|event| event.to());
    statuses.filter(|status| notice::is_owed(*status)).collect()
}
