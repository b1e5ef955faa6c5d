//! Writes shipments: new ones, and the changes that requests and scans made.

use std::collections::BTreeSet;

use domain::{Changes, Order, Shipment, ShipmentId};

use crate::{
    dialect::{Row, Table, Type, write},
    error::{Error, Result},
    store::Tx,
};

const SHIPMENTS: Table = Table {
    name: "shipments",
    columns: &[
        ("shipment_id", Type::Uuid),
        ("order_id", Type::Uuid),
        ("carrier", Type::Text),
        ("tracking_number", Type::Text),
        ("status", Type::Text),
        ("origin_kind", Type::Text),
        ("origin_code", Type::Text),
        ("estimated_delivery", Type::Time),
        ("promised_delivery", Type::Time),
        ("created_at", Type::Time),
    ],
};

const LINES: Table = Table {
    name: "shipment_items",
    columns: &[("shipment_id", Type::Uuid), ("item_id", Type::Uuid), ("quantity", Type::Int)],
};

/// The columns that scans and cancellations can change.
const SHIPMENT_STATE: Table = Table {
    name: "shipments",
    columns: &[
        ("shipment_id", Type::Uuid),
        ("status", Type::Text),
        ("condition", Type::Text),
        ("condition_message", Type::Text),
        ("condition_since", Type::Time),
        ("estimated_delivery", Type::Time),
        ("shipped_at", Type::Time),
        ("shipped_inferred", Type::Bool),
        ("out_for_delivery_at", Type::Time),
        ("out_for_delivery_inferred", Type::Bool),
        ("delivered_at", Type::Time),
        ("cancelled_at", Type::Time),
        ("cancel_reason", Type::Text),
    ],
};

/// Writes the new and the changed shipments of these orders.
pub(crate) async fn record(tx: &Tx, orders: &[&Order]) -> Result<()> {
    // Changed shipments come first: one that is cancelled must release its number before a new one takes it.
    let is_new = |shipment: &&Shipment| {
        orders.iter().any(|order| order.changes().new_shipments.contains(&shipment.id))
    };
    let changed = orders.iter().flat_map(|order| shipments_in_set(order, |changes| &changes.shipments));
    let (new, old): (Vec<&Shipment>, Vec<&Shipment>) = changed.partition(is_new);
    update(tx, &old).await?;
    insert(tx, orders).await?;
    update(tx, &new).await
}

/// The shipments of an order that are in a set of its changes.
fn shipments_in_set<'a>(
    order: &'a Order,
    set: impl Fn(&'a Changes) -> &'a BTreeSet<ShipmentId>,
) -> impl Iterator<Item = &'a Shipment> {
    let set = set(order.changes());
    order.shipments().iter().filter(move |shipment| set.contains(&shipment.id))
}

async fn update(tx: &Tx, shipments: &[&Shipment]) -> Result<()> {
    let rows = shipments.iter().map(|shipment| status_columns(shipment));
    let written = write(tx, rows, |db, rows| SHIPMENT_STATE.update(db, &["shipment_id"], "", rows)).await?;
    if written == shipments.len() as u64 { Ok(()) } else { Err(Error::LostUpdate) }
}

async fn insert(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let new: Vec<&Shipment> =
        orders.iter().flat_map(|order| shipments_in_set(order, |changes| &changes.new_shipments)).collect();
    let rows = new.iter().map(|shipment| {
        Row::default()
            .set("shipment_id", shipment.id.0)
            .set("order_id", shipment.order_id.0)
            .set("carrier", shipment.carrier.as_str())
            .set("tracking_number", shipment.tracking_number.as_str())
            .set("status", shipment.status().as_str())
            .set("origin_kind", shipment.origin.kind.as_str())
            .set("origin_code", shipment.origin.code.as_str())
            .set("estimated_delivery", shipment.tracking.estimated_delivery)
            .set("promised_delivery", shipment.promised_delivery)
            .set("created_at", shipment.created_at)
    });
    write(tx, rows, |db, rows| SHIPMENTS.insert(db, "", rows)).await?;
    let lines = new.iter().flat_map(|shipment| {
        shipment.lines.iter().map(|line| {
            Row::default()
                .set("shipment_id", shipment.id.0)
                .set("item_id", line.item_id.0)
                .set("quantity", line.quantity)
        })
    });
    write(tx, lines, |db, lines| LINES.insert(db, "", lines)).await?;
    Ok(())
}

fn status_columns(shipment: &Shipment) -> Row {
    let tracking = &shipment.tracking;
    let condition = tracking.condition.as_ref();
    Row::default()
        .set("shipment_id", shipment.id.0)
        .set("status", shipment.status().as_str())
        .set("condition", condition.map(|condition| condition.kind.as_str()))
        .set("condition_message", condition.map(|condition| condition.message.as_str()))
        .set("condition_since", condition.map(|condition| condition.since))
        .set("estimated_delivery", tracking.estimated_delivery)
        .set("shipped_at", tracking.shipped_at)
        .set("shipped_inferred", tracking.shipped_inferred)
        .set("out_for_delivery_at", tracking.out_for_delivery_at)
        .set("out_for_delivery_inferred", tracking.out_for_delivery_inferred)
        .set("delivered_at", tracking.delivered_at)
        .set("cancelled_at", shipment.cancelled_at)
        .set("cancel_reason", shipment.cancel_reason.as_deref())
}
