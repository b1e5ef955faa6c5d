//! Writes shipments: new ones, and the changes that requests and scans made.
//!
//! `orders::write` calls `record` for orders that changed. It updates the changed shipments first, then inserts the new
//! ones with their lines. A changed shipment that is not found fails as [`Error::LostUpdate`].

use std::collections::BTreeSet;

use domain::{Changes, Order, Shipment, ShipmentId};
use sea_orm::Set;

use super::numbers::record_numbers;
use crate::{
    dialect,
    entity::{shipment, shipment_item},
    error::{Error, Result},
    store::Tx,
};

/// Writes the new and the changed shipments of these orders.
pub(crate) async fn record(tx: &Tx, orders: &[&Order]) -> Result<()> {
    // Changed shipments come first: one that is cancelled must release its number before a new one takes it.
    let is_new = |shipment: &&Shipment| {
        orders.iter().any(|order| order.changes().new_shipments.contains(&shipment.id))
    };
    let changed = orders.iter().flat_map(|order| shipments_in_set(order, |changes| &changes.shipments));
    let old: Vec<&Shipment> = changed.filter(|shipment| !is_new(shipment)).collect();
    update(tx, &old).await?;
    insert(tx, orders).await
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
    let rows = shipments.iter().map(|shipment| {
        let row = to_row(shipment);
        let new = shipment::ActiveModel {
            carrier: Set(row.carrier),
            tracking_number: Set(row.tracking_number),
            status: Set(row.status),
            status_before_return: Set(row.status_before_return),
            in_possession: Set(row.in_possession),
            condition: Set(row.condition),
            condition_message: Set(row.condition_message),
            condition_since: Set(row.condition_since),
            estimated_delivery: Set(row.estimated_delivery),
            promised_delivery: Set(row.promised_delivery),
            delivery_estimate: Set(row.delivery_estimate),
            promised_estimate: Set(row.promised_estimate),
            promised_at: Set(row.promised_at),
            shipped_at: Set(row.shipped_at),
            shipped_inferred: Set(row.shipped_inferred),
            out_for_delivery_at: Set(row.out_for_delivery_at),
            out_for_delivery_inferred: Set(row.out_for_delivery_inferred),
            delivered_at: Set(row.delivered_at),
            arrived_at: Set(row.arrived_at),
            cancelled_at: Set(row.cancelled_at),
            cancel_reason: Set(row.cancel_reason),
            ..Default::default()
        };
        [shipment::ActiveModel { shipment_id: Set(row.shipment_id), ..Default::default() }, new]
    });
    let written = dialect::update_rows(tx, rows, "").await?;
    if written != shipments.len() as u64 {
        return Err(Error::LostUpdate);
    }
    record_numbers(tx, shipments).await
}

async fn insert(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let new: Vec<&Shipment> =
        orders.iter().flat_map(|order| shipments_in_set(order, |changes| &changes.new_shipments)).collect();
    dialect::insert_rows(tx, new.iter().map(|shipment| to_row(shipment)), "").await?;
    let lines = new.iter().flat_map(|shipment| {
        shipment.lines.iter().map(|line| shipment_item::Model {
            shipment_id: shipment.id.0,
            item_id: line.item_id.0,
            quantity: line.quantity as i32,
        })
    });
    dialect::insert_rows(tx, lines, "").await?;
    record_numbers(tx, &new).await
}

fn to_row(shipment: &Shipment) -> shipment::Model {
    let tracking = &shipment.tracking;
    let condition = tracking.condition.as_ref();
    shipment::Model {
        shipment_id: shipment.id.0,
        order_id: shipment.order_id.0,
        carrier: shipment.carrier().as_str().to_owned(),
        tracking_number: shipment.tracking_number.to_string(),
        direction: shipment.direction.as_str().to_owned(),
        status: shipment.status().as_str().to_owned(),
        status_before_return: tracking.status_before_return.map(|status| status.as_str().to_owned()),
        in_possession: tracking.in_possession,
        origin_kind: shipment.origin.kind.as_str().to_owned(),
        origin_code: shipment.origin.code.clone(),
        condition: condition.map(|condition| condition.kind.as_str().to_owned()),
        condition_message: condition.map(|condition| condition.message.clone()),
        condition_since: condition.map(|condition| condition.since),
        estimated_delivery: tracking.estimated_delivery.map(|expected| expected.latest_instant()),
        promised_delivery: shipment.promised_delivery.map(|promised| promised.expected.latest_instant()),
        delivery_estimate: tracking.estimated_delivery.map(|expected| expected.to_string()),
        promised_estimate: shipment.promised_delivery.map(|promised| promised.expected.to_string()),
        promised_at: shipment.promised_delivery.map(|promised| promised.said_at),
        shipped_at: tracking.shipped.map(|reached| reached.at),
        shipped_inferred: tracking.shipped.is_some_and(|reached| reached.inferred),
        out_for_delivery_at: tracking.out_for_delivery.map(|reached| reached.at),
        out_for_delivery_inferred: tracking.out_for_delivery.is_some_and(|reached| reached.inferred),
        delivered_at: tracking.delivered_at,
        arrived_at: shipment.arrived_at(),
        created_at: shipment.created_at,
        cancelled_at: shipment.cancelled_at,
        cancel_reason: shipment.cancel_reason.clone(),
    }
}
