//! The tracking numbers of shipments: reads and writes them.

use std::collections::HashMap;

use domain::{Actor, Shipment, ShipmentNumber, VoidNumber};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    dialect::{self, is_one_of},
    entity::shipment_number::{self, Column},
    error::Result,
    mapping::{parse_number, parse_void_by},
    read::bounded::{at_most, one_more},
    store::Tx,
};

/// The numbers of these shipments, of each in the sequence in which it got them.
pub(super) async fn numbers_of(
    db: &impl ConnectionTrait,
    shipments: &[Uuid],
    most: Option<u64>,
) -> Result<HashMap<Uuid, Vec<ShipmentNumber>>> {
    let rows = shipment_number::Entity::find()
        .filter(is_one_of(db.get_database_backend(), Column::ShipmentId, shipments.iter().copied()))
        .order_by_asc(Column::ShipmentId)
        .order_by_asc(Column::Position)
        .limit(one_more(most))
        .all(db)
        .await?;
    let rows = at_most("shipment_numbers", rows, most)?;
    let mut found: HashMap<Uuid, Vec<ShipmentNumber>> = HashMap::with_capacity(shipments.len());
    for row in rows {
        found.entry(row.shipment_id).or_default().push(map_number(row)?);
    }
    Ok(found)
}

fn map_number(row: shipment_number::Model) -> Result<ShipmentNumber> {
    let id = row.shipment_id;
    let void = match (row.void_since, row.void_by) {
        (Some(at), Some(kind)) => {
            let actor = Actor { kind: parse_void_by(id, &kind)?, id: row.void_by_id };
            Some(VoidNumber { at, actor, reason: row.void_reason })
        }
        // A check of the table lets both be NULL only together.
        _ => None,
    };
    Ok(ShipmentNumber {
        number: parse_number("shipment_numbers", &id, &row.carrier, row.tracking_number)?,
        added_at: row.added_at,
        is_shared: row.is_shared,
        void,
    })
}

/// Writes the numbers of new and changed shipments. Those that a shipment gives up come first, so that another one can
/// take them in the same transaction.
pub(super) async fn record_numbers(tx: &Tx, shipments: &[&Shipment]) -> Result<()> {
    let rows = shipments.iter().flat_map(|shipment| {
        shipment.numbers.iter().enumerate().map(move |(position, number)| to_row(shipment, position, number))
    });
    let (taken, given_up): (Vec<_>, Vec<_>) = rows.partition(|row| row.is_exclusive);
    let changed = "ON CONFLICT (shipment_id, carrier, tracking_number) DO UPDATE SET \
                   is_primary = excluded.is_primary, is_shared = excluded.is_shared, \
                   is_exclusive = excluded.is_exclusive, added_at = excluded.added_at, \
                   void_since = excluded.void_since, void_by = excluded.void_by, \
                   void_by_id = excluded.void_by_id, void_reason = excluded.void_reason \
                   WHERE shipment_numbers.is_primary <> excluded.is_primary \
                   OR shipment_numbers.is_exclusive <> excluded.is_exclusive \
                   OR shipment_numbers.added_at <> excluded.added_at \
                   OR (shipment_numbers.void_since IS NULL) <> (excluded.void_since IS NULL)";
    dialect::insert_rows(tx, given_up, changed).await?;
    dialect::insert_rows(tx, taken, changed).await?;
    Ok(())
}

fn to_row(shipment: &Shipment, position: usize, one: &ShipmentNumber) -> shipment_number::Model {
    let void = one.void.as_ref();
    let is_in_use = one.void.is_none() && shipment.status().is_on_its_way();
    shipment_number::Model {
        shipment_id: shipment.id.0,
        carrier: one.number.carrier().as_str().to_owned(),
        tracking_number: one.number.to_string(),
        position: position as i32,
        is_primary: one.number == shipment.tracking_number,
        is_shared: one.is_shared,
        is_exclusive: is_in_use && !one.is_shared,
        added_at: one.added_at,
        void_since: void.map(|void| void.at),
        void_by: void.map(|void| void.actor.kind.as_str().to_owned()),
        void_by_id: void.and_then(|void| void.actor.id.clone()),
        void_reason: void.and_then(|void| void.reason.clone()),
    }
}
