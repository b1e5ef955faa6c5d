//! Shipments: finds them by carrier and tracking number, and loads those of orders. `read::shipments` has the reads for
//! people.
//!
//! - `app::orders::reservations` and `app::webhooks::load_router` lock numbers before they look for shipments, and
//!   before they lock orders. On SQLite there is nothing to lock.
//! - `find_tracked_shipments` also finds shipments that were delivered or cancelled. A number without a shipment is
//!   missing in the map.
//! - `app::webhooks::misrouted` calls `find_reused_numbers`. A row that cannot be read is logged and left out.
//! - `shipments_of` and `load_lines` load whole shipments for `orders` and `read`. Functions with `most` fail with
//!   [`TooManyRows`](crate::Error::TooManyRows) if there are more rows.

mod numbers;
mod write;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{ItemQuantity, OrderId, Shipment, ShipmentId, TrackingNumber, ingest::TrackedShipment};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Statement, sea_query::Expr,
};
use uuid::Uuid;

pub(crate) use write::record;

use crate::{
    dialect::{is_one_of, is_one_of_texts, lock_names},
    entity::{order, shipment, shipment_item, shipment_number},
    error::Result,
    mapping::{self, log_and_skip_corrupt},
    read::bounded::{at_most, one_more},
    store::{Store, Tx},
};

#[derive(FromQueryResult)]
struct TrackedShipmentRow {
    shipment_id: Uuid,
    order_id: Uuid,
    carrier: String,
    tracking_number: String,
    is_shared: bool,
    is_void: bool,
    number_count: i64,
    direction: String,
    status: String,
    added_at: DateTime<Utc>,
    delivered_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    placed_at: DateTime<Utc>,
}

/// Locks these numbers until the transaction ends: nobody else can register a shipment with them or look for one. The
/// same number of another carrier is locked too, because a parcel can be registered with one carrier and be pushed by
/// another one. Every transaction that locks numbers and orders must lock the numbers first.
pub async fn lock_numbers(tx: &Tx, numbers: impl IntoIterator<Item = &TrackingNumber>) -> Result<()> {
    let mut names: Vec<_> = numbers.into_iter().map(|number| format!("number {number}")).collect();
    names.sort();
    names.dedup();
    lock_names(tx, &names).await
}

/// Every shipment that has or had one of these numbers, with whatever carrier. Also those for which it is void.
pub async fn find_tracked_shipments(
    db: &impl ConnectionTrait,
    numbers: &[TrackingNumber],
) -> Result<HashMap<TrackingNumber, Vec<TrackedShipment>>> {
    use shipment_number::Column;
    let mut found: HashMap<TrackingNumber, Vec<TrackedShipment>> = HashMap::with_capacity(numbers.len());
    if numbers.is_empty() {
        return Ok(found);
    }
    let texts: Vec<&str> = numbers.iter().map(|number| &**number).collect();
    let count = "(SELECT count(*) FROM shipment_numbers n WHERE n.shipment_id = shipments.shipment_id)";
    // The shipment has a column with this name too.
    let column = (shipment_number::Entity, Column::TrackingNumber);
    let rows = shipment_number::Entity::find()
        .filter(is_one_of_texts(db.get_database_backend(), column, &texts))
        .join(JoinType::InnerJoin, shipment_number::Relation::Shipment.def())
        .join(JoinType::InnerJoin, shipment::Relation::Order.def())
        .select_only()
        .columns([Column::Carrier, Column::TrackingNumber, Column::IsShared, Column::AddedAt])
        .column_as(Column::VoidSince.is_not_null(), "is_void")
        .column_as(Expr::cust(count), "number_count")
        .columns([
            shipment::Column::ShipmentId,
            shipment::Column::OrderId,
            shipment::Column::Direction,
            shipment::Column::Status,
            shipment::Column::DeliveredAt,
            shipment::Column::CancelledAt,
        ])
        .column(order::Column::PlacedAt)
        .into_model::<TrackedShipmentRow>()
        .all(db)
        .await?;
    for row in rows {
        let id = row.shipment_id;
        let number = mapping::parse_number("shipment_numbers", &id, &row.carrier, row.tracking_number)?;
        found.entry(number).or_default().push(TrackedShipment {
            shipment_id: ShipmentId(id),
            order_id: OrderId(row.order_id),
            direction: mapping::parse_direction(id, &row.direction)?,
            placed_at: row.placed_at,
            created_at: row.added_at,
            is_shared: row.is_shared,
            is_void: row.is_void,
            number_count: row.number_count,
            status: mapping::parse_shipment_status(id, &row.status)?,
            delivered_at: row.delivered_at,
            cancelled_at: row.cancelled_at,
        });
    }
    Ok(found)
}

/// All tracking numbers of these shipments, void ones too.
pub async fn find_numbers(tx: &Tx, shipments: &[ShipmentId]) -> Result<Vec<TrackingNumber>> {
    if shipments.is_empty() {
        return Ok(vec![]);
    }
    let ids = shipments.iter().map(|id| id.0);
    use shipment_number::Column;
    let rows: Vec<(Uuid, String, String)> = shipment_number::Entity::find()
        .filter(is_one_of(tx.get_database_backend(), Column::ShipmentId, ids))
        .select_only()
        .columns([Column::ShipmentId, Column::Carrier, Column::TrackingNumber])
        .into_tuple()
        .all(tx)
        .await?;
    rows.into_iter()
        .map(|(id, carrier, number)| mapping::parse_number("shipment_numbers", &id, &carrier, number))
        .collect()
}

/// Those of the given shipments that are delivered, or cancelled by their carrier only, and of whose exclusive numbers
/// another shipment that is on its way has one. Reads nothing if all of them are on their way.
pub(crate) async fn find_with_taken_number(
    tx: &Tx,
    shipments: impl Iterator<Item = &Shipment>,
) -> Result<HashSet<ShipmentId>> {
    let ended: Vec<&Shipment> = shipments
        .filter(|shipment| !shipment.status().is_on_its_way() && shipment.cancelled_at.is_none())
        .collect();
    let numbers: Vec<TrackingNumber> =
        ended.iter().flat_map(|shipment| shipment.exclusive_numbers()).cloned().collect();
    let found = find_tracked_shipments(tx, &numbers).await?;
    let is_taken = |shipment: &&Shipment| {
        let mut others = shipment.exclusive_numbers().filter_map(|number| found.get(number)).flatten();
        others.any(|other| {
            let is_exclusive = other.status.is_on_its_way() && !other.is_void && !other.is_shared;
            is_exclusive && other.shipment_id != shipment.id
        })
    };
    Ok(ended.into_iter().filter(is_taken).map(|shipment| shipment.id).collect())
}

/// The numbers that shipments got since `since` and that another shipment has or had too.
pub async fn find_reused_numbers(store: &Store, since: DateTime<Utc>) -> Result<Vec<TrackingNumber>> {
    // A number can be found several times, and the set keeps it once. With DISTINCT, SQLite would read all numbers
    // there are, in another sequence.
    let sql = "SELECT n.carrier, n.tracking_number, n.shipment_id FROM shipment_numbers n \
               JOIN shipment_numbers s ON s.carrier = n.carrier AND s.tracking_number = n.tracking_number \
               AND s.shipment_id <> n.shipment_id WHERE n.added_at >= $1";
    let statement = Statement::from_sql_and_values(store.backend(), sql, [since.into()]);
    let mut numbers = HashSet::new();
    for row in store.reader().query_all_raw(statement).await? {
        let (carrier, number, id): (String, String, Uuid) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        numbers.extend(log_and_skip_corrupt(mapping::parse_number(
            "shipment_numbers",
            &id,
            &carrier,
            number,
        )));
    }
    Ok(numbers.into_iter().collect())
}

/// The shipments of these orders with their items, oldest first.
pub(crate) async fn shipments_of(
    db: &impl ConnectionTrait,
    orders: &[Uuid],
    most: Option<u64>,
) -> Result<HashMap<OrderId, Vec<Shipment>>> {
    let rows = shipment::Entity::find()
        .filter(is_one_of(db.get_database_backend(), shipment::Column::OrderId, orders.iter().copied()))
        .order_by_asc(shipment::Column::CreatedAt)
        .order_by_asc(shipment::Column::ShipmentId)
        .limit(one_more(most))
        .all(db)
        .await?;
    let rows = at_most("shipments", rows, most)?;
    // A shipment contains at least one item, so the items have at least as many rows as the shipments.
    let mut found: HashMap<OrderId, Vec<Shipment>> = HashMap::with_capacity(orders.len());
    for shipment in load_lines(db, rows, most).await? {
        found.entry(shipment.order_id).or_default().push(shipment);
    }
    Ok(found)
}

/// The shipments of these rows, with their items and their numbers.
pub(crate) async fn load_lines(
    db: &impl ConnectionTrait,
    rows: Vec<shipment::Model>,
    most: Option<u64>,
) -> Result<Vec<Shipment>> {
    if rows.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.shipment_id).collect();
    let mut numbers = numbers::numbers_of(db, &ids, most).await?;
    let lines = shipment_item::Entity::find()
        .filter(is_one_of(db.get_database_backend(), shipment_item::Column::ShipmentId, ids))
        .order_by_asc(shipment_item::Column::ItemId)
        .limit(one_more(most))
        .all(db)
        .await?;
    let lines = at_most("shipment_items", lines, most)?;
    let mut by_shipment: HashMap<Uuid, Vec<ItemQuantity>> = HashMap::with_capacity(rows.len());
    for row in &lines {
        by_shipment.entry(row.shipment_id).or_default().push(mapping::map_line(row)?);
    }
    rows.into_iter()
        .map(|row| {
            let lines = by_shipment.remove(&row.shipment_id).unwrap_or_default();
            let numbers = numbers.remove(&row.shipment_id).unwrap_or_default();
            mapping::map_shipment(row, lines, numbers)
        })
        .collect()
}
