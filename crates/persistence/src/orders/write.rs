//! Writes orders: new ones, and the changes that requests and scans made.
//!
//! 1. `insert` writes an order that `app::orders` has placed. It queues no notification.
//! 2. [`record`] writes everything that changed since the orders were loaded: `app` calls it for commands, webhooks and
//!    replays, and for an order that is replaced. Orders without changes are skipped.
//! 3. Only [`record`] changes the status of an order in the database. It writes transitions that the domain has
//!    created, and it checks that the order still has the version from which they start.
//! 4. An item that was split off another one is new (`insert_split_items`). All other changed items are updated.

use domain::{Closed, Item, Order, OrderId};
use sea_orm::Set;
use serde_json::Value;

use crate::{
    activities, delivery_estimates, dialect,
    entity::{order, order_event, order_item},
    error::{Error, Result},
    notifications, outbox, shipments,
    store::Tx,
};

/// Writes placed orders with their items, their first events, and entries of the outbox.
pub async fn insert(tx: &Tx, orders: &[Order]) -> Result<()> {
    let rows = orders.iter().map(|order| {
        let head = order.head();
        order::Model {
            order_id: head.id.0,
            user_id: head.user_id.0,
            reference: head.reference.clone(),
            customer_email: head.customer_email.clone(),
            other_emails: (!head.other_emails.is_empty()).then(|| Value::from(head.other_emails.clone())),
            notifications_muted: head.notifications_muted,
            status: head.status.into(),
            version: head.version,
            total_cents: head.total.cents,
            currency: head.total.currency.clone(),
            fulfillment_path: head.fulfillment_path.as_str().to_owned(),
            closed_at: head.closed.as_ref().map(|closed| closed.at),
            closed_by: head.closed.as_ref().map(to_closed_by),
            closed_by_id: head.closed.as_ref().and_then(|closed| closed.actor.id.clone()),
            close_reason: head.closed.as_ref().map(|closed| closed.reason.clone()),
            replaces: head.replaces.map(|replaced| replaced.0),
            placed_at: head.placed_at,
            updated_at: head.updated_at,
            occurred_at: head.occurred_at,
        }
    });
    dialect::insert_rows(tx, rows, "").await?;
    let items = orders.iter().flat_map(|order| {
        let items = order.items().iter().enumerate();
        items.map(|(position, item)| to_item_row(order.head().id, position, item))
    });
    dialect::insert_rows(tx, items, "").await?;
    let placed: Vec<_> = orders.iter().collect();
    insert_events(tx, &placed).await?;
    outbox::insert(tx, &placed).await
}

/// Writes what changed in these orders: status, events, notifications, items, shipments, estimates,
/// activities, and the outbox.
/// Every order must have been loaded by [`lock_and_load`](super::lock_and_load) in the same transaction.
///
/// # Errors
/// [`Error::LostUpdate`] if an order no longer has the version from which it was changed. The caller must then roll
/// back.
pub async fn record(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let changed: Vec<&Order> = orders.iter().copied().filter(|order| !order.changes().is_empty()).collect();
    let standing = changed.iter().map(|order| {
        let head = order.head();
        let found = order::ActiveModel {
            order_id: Set(head.id.0),
            version: Set(head.version - order.changes().transitions.len() as i32),
            ..Default::default()
        };
        let new = order::ActiveModel {
            status: Set(head.status.into()),
            version: Set(head.version),
            updated_at: Set(head.updated_at),
            occurred_at: Set(head.occurred_at),
            closed_at: Set(head.closed.as_ref().map(|closed| closed.at)),
            closed_by: Set(head.closed.as_ref().map(to_closed_by)),
            closed_by_id: Set(head.closed.as_ref().and_then(|closed| closed.actor.id.clone())),
            close_reason: Set(head.closed.as_ref().map(|closed| closed.reason.clone())),
            ..Default::default()
        };
        [found, new]
    });
    let written = dialect::update_rows(tx, standing, "").await?;
    if written != changed.len() as u64 {
        return Err(Error::LostUpdate);
    }
    insert_events(tx, &changed).await?;
    notifications::enqueue_notifications(tx, &changed).await?;
    insert_split_items(tx, &changed).await?;
    update_items(tx, &changed).await?;
    shipments::record(tx, &changed).await?;
    delivery_estimates::insert(tx, orders).await?;
    activities::insert(tx, orders).await?;
    notifications::enqueue_corrections(tx, &changed).await?;
    outbox::insert(tx, &changed).await
}

async fn insert_events(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let events = orders.iter().flat_map(|order| &order.changes().transitions);
    let rows = events.map(|event| order_event::Model {
        // Assigned by the database.
        event_id: 0,
        order_id: event.order_id().0,
        version: event.version(),
        from_status: event.from().map(Into::into),
        to_status: event.to().into(),
        actor: event.actor().kind.as_str().to_owned(),
        actor_id: event.actor().id.clone(),
        notes: event.notes().map(str::to_owned),
        metadata: event.metadata().cloned(),
        inferred: event.inferred(),
        occurred_at: event.occurred_at(),
        recorded_at: event.recorded_at(),
        request_id: event.request_id().map(str::to_owned),
        webhook_id: event.webhook_id().map(|id| id.0),
    });
    dialect::insert_rows(tx, rows, "").await?;
    Ok(())
}

/// Writes the items that were made of units of other items.
async fn insert_split_items(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let rows = orders.iter().flat_map(|order| {
        let items = order.items().iter().enumerate();
        let new = items.filter(|(_, item)| order.changes().new_items.contains(&item.id));
        new.map(|(position, item)| to_item_row(order.head().id, position, item))
    });
    dialect::insert_rows(tx, rows, "").await?;
    Ok(())
}

async fn update_items(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let rows = orders.iter().flat_map(|order| {
        let items = order.items().iter().enumerate();
        let changed = items.filter(|(_, item)| {
            order.changes().items.contains(&item.id) && !order.changes().new_items.contains(&item.id)
        });
        changed.map(|(position, item)| {
            let row = to_item_row(order.head().id, position, item);
            let new = order_item::ActiveModel {
                quantity: Set(row.quantity),
                cancelled: Set(row.cancelled),
                cancel_reason: Set(row.cancel_reason),
                origin_kind: Set(row.origin_kind),
                origin_code: Set(row.origin_code),
                accept_by: Set(row.accept_by),
                ship_by: Set(row.ship_by),
                accepted_at: Set(row.accepted_at),
                declined_at: Set(row.declined_at),
                decline_reason: Set(row.decline_reason),
                return_requested: Set(row.return_requested),
                return_reason: Set(row.return_reason),
                returned: Set(row.returned),
                return_written_off: Set(row.return_written_off),
                ..Default::default()
            };
            [order_item::ActiveModel { item_id: Set(row.item_id), ..Default::default() }, new]
        })
    });
    dialect::update_rows(tx, rows, "").await?;
    Ok(())
}

fn to_item_row(order: OrderId, position: usize, item: &Item) -> order_item::Model {
    let (origin, commitment) = (item.origin.as_ref(), &item.commitment);
    let declined = commitment.declined();
    order_item::Model {
        item_id: item.id.0,
        order_id: order.0,
        position: position as i32,
        sku: item.sku.clone(),
        name: item.name.clone(),
        quantity: item.quantity as i32,
        cancelled: item.cancelled as i32,
        cancel_reason: item.cancel_reason.clone(),
        origin_kind: origin.map(|origin| origin.kind.as_str().to_owned()),
        origin_code: origin.map(|origin| origin.code.clone()),
        accept_by: commitment.deadlines.accept_by,
        ship_by: commitment.deadlines.ship_by,
        accepted_at: commitment.accepted_at(),
        declined_at: declined.map(|(at, _)| at),
        decline_reason: declined.and_then(|(_, reason)| reason).map(str::to_owned),
        return_requested: item.return_requested as i32,
        return_reason: item.return_reason.clone(),
        returned: item.returned as i32,
        return_written_off: item.return_written_off as i32,
        split_from: item.split_from.map(|id| id.0),
    }
}

fn to_closed_by(closed: &Closed) -> String {
    closed.actor.kind.as_str().to_owned()
}
