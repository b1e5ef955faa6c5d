//! Writes orders: new ones, and the changes that requests made.
//!
//! Only [`record`] changes the status of an order in the database. It writes transitions that the domain has created,
//! and it checks that the order still has the version from which they start.

use domain::{Item, ItemId, Order};

use crate::{
    dialect::{Row, Table, Type, write},
    error::{Error, Result},
    notifications, outbox, shipments,
    store::Tx,
};

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
        ("accept_by", Type::Time),
        ("ship_by", Type::Time),
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

/// The columns of an order that can change, and the version that the order must have before.
const ORDER_STATE: Table = Table {
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

/// The columns of an item that can change.
const ITEM_STANDING: Table = Table {
    name: "order_items",
    columns: &[
        ("item_id", Type::Uuid),
        ("cancelled", Type::Int),
        ("cancel_reason", Type::Text),
        ("origin_kind", Type::Text),
        ("origin_code", Type::Text),
        ("accept_by", Type::Time),
        ("ship_by", Type::Time),
        ("accepted_at", Type::Time),
        ("declined_at", Type::Time),
        ("decline_reason", Type::Text),
        ("return_requested", Type::Int),
        ("return_reason", Type::Text),
        ("returned", Type::Int),
    ],
};

/// Writes placed orders with their items, their first events, and entries of the outbox.
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
    write(tx, rows, |db, rows| ORDERS.insert(db, "", rows)).await?;
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
                .set("accept_by", item.commitment.deadlines.accept_by)
                .set("ship_by", item.commitment.deadlines.ship_by)
        })
    });
    write(tx, items, |db, items| ITEMS.insert(db, "", items)).await?;
    let placed: Vec<_> = orders.iter().collect();
    insert_events(tx, &placed).await?;
    outbox::insert(tx, &placed).await
}

/// Writes what requests changed in these orders: status, events, notifications, items, shipments, and the outbox.
/// Every order must have been loaded by [`lock`](super::lock) in the same transaction.
///
/// # Errors
/// [`Error::LostUpdate`] if an order no longer has the version from which it was changed. The caller must then roll
/// back.
pub async fn record(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let changed: Vec<&Order> = orders.iter().copied().filter(|order| !order.changes().is_empty()).collect();
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
    let guard = " AND orders.version = r.expected_version";
    let written = write(tx, standing, |db, rows| ORDER_STATE.update(db, &["order_id"], guard, rows)).await?;
    if written != changed.len() as u64 {
        return Err(Error::LostUpdate);
    }
    insert_events(tx, &changed).await?;
    notifications::enqueue_notifications(tx, &changed).await?;
    update_items(tx, &changed).await?;
    shipments::record(tx, &changed).await?;
    outbox::insert(tx, &changed).await
}

async fn insert_events(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let events = orders.iter().flat_map(|order| &order.changes().transitions);
    let rows = events.map(|event| {
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
    });
    write(tx, rows, |db, rows| EVENTS.insert(db, "", rows)).await?;
    Ok(())
}

async fn update_items(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let is_changed = |order: &Order, id: ItemId| order.changes().items.contains(&id);
    let changed =
        orders.iter().flat_map(|order| order.items().iter().filter(|item| is_changed(order, item.id)));
    let rows = changed.map(item_columns);
    write(tx, rows, |db, rows| ITEM_STANDING.update(db, &["item_id"], "", rows)).await?;
    Ok(())
}

fn item_columns(item: &Item) -> Row {
    let (origin, commitment) = (item.origin.as_ref(), &item.commitment);
    let declined = commitment.declined();
    Row::default()
        .set("item_id", item.id.0)
        .set("cancelled", item.cancelled)
        .set("cancel_reason", item.cancel_reason.as_deref())
        .set("origin_kind", origin.map(|origin| origin.kind.as_str()))
        .set("origin_code", origin.map(|origin| origin.code.as_str()))
        .set("accept_by", commitment.deadlines.accept_by)
        .set("ship_by", commitment.deadlines.ship_by)
        .set("accepted_at", commitment.accepted_at())
        .set("declined_at", declined.map(|(at, _)| at))
        .set("decline_reason", declined.map(|(_, reason)| reason))
        .set("return_requested", item.return_requested)
        .set("return_reason", item.return_reason.as_deref())
        .set("returned", item.returned)
}
