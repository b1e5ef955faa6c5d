//! Stores every estimate that was said for a shipment, and reads the revisions. What counts for the shipment stands with
//! the shipment and its scans.

use std::collections::HashMap;

use domain::{DeliveryEstimate, Order, ShipmentId};
use sea_orm::{EntityTrait, FromQueryResult, QueryFilter, QueryTrait, Statement};

use crate::{
    dialect::{self, is_one_of},
    entity::delivery_estimate::{Column, Entity, Model},
    error::Result,
    mapping::map_estimate,
    read::bounded::{at_most, one_more},
    store::{Store, Tx},
};

/// The most revisions of one shipment that are read: the newest ones.
pub const MOST_REVISIONS: u64 = 100;

/// Writes the estimates that requests and scans brought for the shipments of these orders. An estimate that is stored
/// already stays as it is. [`record`](crate::orders::record) calls it after it has written the shipments.
pub(crate) async fn insert(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let said = orders.iter().flat_map(|order| &order.changes().estimates);
    let rows = said.map(|(shipment, estimate)| Model {
        shipment_id: shipment.0,
        said_at: estimate.said_at,
        received_at: estimate.received_at,
        estimate: estimate.expected.to_string(),
        source: estimate.source.as_str().to_owned(),
    });
    dialect::insert_rows(tx, rows, "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

/// The revisions of the estimates of many shipments, the one that was said last first, at most [`MOST_REVISIONS`] of
/// each. A saying that repeats the one before it is no revision.
///
/// # Errors
/// [`Error::TooManyRows`](crate::Error::TooManyRows) if there are more than `most`.
pub async fn revisions_at_most(
    store: &Store,
    ids: &[ShipmentId],
    most: u64,
) -> Result<HashMap<ShipmentId, Vec<DeliveryEstimate>>> {
    let said = Entity::find()
        .filter(is_one_of(store.backend(), Column::ShipmentId, ids.iter().map(|id| id.0)))
        .build(store.backend());
    let order = "PARTITION BY shipment_id ORDER BY said_at, received_at, estimate";
    let newest_first = "ORDER BY said_at DESC, received_at DESC, estimate DESC";
    let limit = one_more(Some(most)).unwrap_or(most);
    let sql = format!(
        "SELECT shipment_id, said_at, received_at, estimate, source FROM ( \
           SELECT r.*, row_number() OVER (PARTITION BY shipment_id {newest_first}) AS place FROM ( \
             SELECT s.*, lag(estimate || source) OVER ({order}) AS previous FROM ({}) s) r \
           WHERE previous IS NULL OR previous <> estimate || source) n \
         WHERE place <= {MOST_REVISIONS} {newest_first} LIMIT {limit}",
        said.sql
    );
    let statement = Statement { sql, values: said.values, db_backend: store.backend() };
    let rows = Model::find_by_statement(statement).all(store.reader()).await?;
    let mut found: HashMap<ShipmentId, Vec<DeliveryEstimate>> = HashMap::with_capacity(ids.len());
    for row in at_most("delivery_estimates", rows, Some(most))? {
        found.entry(ShipmentId(row.shipment_id)).or_default().push(map_estimate(&row)?);
    }
    Ok(found)
}
