//! Parcels: found by carrier and number, written with their order.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::{Carrier, Order, OrderId, Shipment, ShipmentId, ShipmentStatus};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect,
    RelationTrait, Statement,
};
use uuid::Uuid;

use crate::{
    convert::{self, unless_corrupt},
    dialect::{Row, Table, Type, among, lock_names, write},
    entity::{order, shipment},
    error::{Error, Result},
    orders::marked,
    store::{Store, Tx},
};

/// A carrier's number for a parcel.
pub type Number = (Carrier, String);

/// A parcel that has or had a number, as far as is needed to tell whose a scan is.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The parcel.
    pub shipment_id: ShipmentId,
    /// Its order.
    pub order_id: OrderId,
    /// When its order was placed.
    pub placed_at: DateTime<Utc>,
    /// When the parcel was registered.
    pub created_at: DateTime<Utc>,
    /// When it was delivered, by its carrier's clock; nothing where we have called it off.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Whether it is on its way, so that nobody else can have the number.
    pub is_on_its_way: bool,
}

#[derive(FromQueryResult)]
struct HolderRow {
    shipment_id: Uuid,
    order_id: Uuid,
    tracking_number: String,
    status: String,
    created_at: DateTime<Utc>,
    delivered_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    placed_at: DateTime<Utc>,
}

/// Keeps others from registering or looking for these numbers until the transaction ends. Taken before any
/// order is locked, by everybody who takes both.
pub async fn lock_numbers(tx: &Tx, numbers: impl IntoIterator<Item = &Number>) -> Result<()> {
    let mut names: Vec<_> =
        numbers.into_iter().map(|(carrier, number)| format!("{carrier} {number}")).collect();
    names.sort();
    names.dedup();
    lock_names(tx, &names).await
}

/// Every parcel that ever had one of these numbers, newest first.
pub async fn holders(db: &impl ConnectionTrait, numbers: &[Number]) -> Result<HashMap<Number, Vec<Holder>>> {
    let mut found: HashMap<Number, Vec<Holder>> = HashMap::with_capacity(numbers.len());
    for (carrier, wanted) in by_carrier(numbers) {
        let rows = shipment::Entity::find()
            .filter(shipment::Column::Carrier.eq(carrier.as_str()))
            .filter(among(db.get_database_backend(), shipment::Column::TrackingNumber, &wanted))
            .join(JoinType::InnerJoin, shipment::Relation::Order.def())
            .select_only()
            .columns([
                shipment::Column::ShipmentId,
                shipment::Column::OrderId,
                shipment::Column::TrackingNumber,
                shipment::Column::Status,
                shipment::Column::CreatedAt,
                shipment::Column::DeliveredAt,
                shipment::Column::CancelledAt,
            ])
            .column(order::Column::PlacedAt)
            .into_model::<HolderRow>()
            .all(db)
            .await?;
        for row in rows {
            let status = convert::shipment_status(row.shipment_id, &row.status)?;
            found.entry((carrier, row.tracking_number)).or_default().push(Holder {
                shipment_id: ShipmentId(row.shipment_id),
                order_id: OrderId(row.order_id),
                placed_at: row.placed_at,
                created_at: row.created_at,
                delivered_at: row.delivered_at.filter(|_| row.cancelled_at.is_none()),
                is_on_its_way: status.is_on_its_way(),
            });
        }
    }
    for holders in found.values_mut() {
        holders.sort_by_key(|holder| std::cmp::Reverse((holder.created_at, holder.shipment_id)));
    }
    Ok(found)
}

/// The numbers of parcels registered since then that another parcel has or had too.
pub async fn used_again(store: &Store, since: DateTime<Utc>) -> Result<Vec<Number>> {
    // Told twice is as good as once; for DISTINCT, SQLite would read all parcels there ever were in another order.
    let sql = "SELECT n.carrier, n.tracking_number, n.shipment_id FROM shipments n \
               JOIN shipments s ON s.carrier = n.carrier AND s.tracking_number = n.tracking_number \
               AND s.shipment_id <> n.shipment_id WHERE n.created_at >= $1";
    let statement = Statement::from_sql_and_values(store.backend(), sql, [since.into()]);
    let mut numbers = HashSet::new();
    for row in store.reader().query_all_raw(statement).await? {
        let (carrier, number, id): (String, String, Uuid) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        numbers.extend(unless_corrupt(convert::number("shipments", &id, &carrier, number)));
    }
    Ok(numbers.into_iter().collect())
}

/// An order with a parcel that may still travel under a number.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// The number.
    pub number: Number,
    /// The order.
    pub order_id: OrderId,
    /// Whether the parcel is on its way, so that nobody else can have the number. If not, its carrier has cancelled
    /// it, and may move it all the same.
    pub is_on_its_way: bool,
}

/// The orders with parcels that may still travel under these numbers: not delivered, not called off by us.
pub async fn claimants(tx: &Tx, numbers: &[Number]) -> Result<Vec<Claimant>> {
    use shipment::Column;
    let mut found = Vec::new();
    for (carrier, wanted) in by_carrier(numbers) {
        let rows = shipment::Entity::find()
            .filter(Column::Carrier.eq(carrier.as_str()))
            .filter(among(tx.get_database_backend(), Column::TrackingNumber, &wanted))
            .filter(Column::Status.ne(ShipmentStatus::Delivered.as_str()))
            .filter(Column::CancelledAt.is_null())
            .all(tx)
            .await?;
        for row in rows {
            let status = convert::shipment_status(row.shipment_id, &row.status)?;
            found.push(Claimant {
                is_on_its_way: status.is_on_its_way(),
                number: (carrier, row.tracking_number),
                order_id: OrderId(row.order_id),
            });
        }
    }
    Ok(found)
}

/// The numbers of each carrier that has any.
fn by_carrier(numbers: &[Number]) -> impl Iterator<Item = (Carrier, Vec<&str>)> {
    let of = |carrier: Carrier| {
        let own = numbers.iter().filter(move |(one, _)| *one == carrier);
        (carrier, own.map(|(_, number)| number.as_str()).collect::<Vec<_>>())
    };
    Carrier::ALL.into_iter().map(of).filter(|(_, numbers)| !numbers.is_empty())
}

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

/// The part of a parcel that scans and cancellations change.
const STANDING: Table = Table {
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

/// Writes the parcels that are new or changed in these orders.
pub(crate) async fn record(tx: &Tx, orders: &[&Order]) -> Result<()> {
    // A parcel that is called off gives its number back before another one takes it.
    let is_new = |shipment: &&Shipment| {
        orders.iter().any(|order| order.changes().new_shipments.contains(&shipment.id))
    };
    let changed = orders.iter().flat_map(|order| marked(order, |changes| &changes.shipments));
    let (new, old): (Vec<&Shipment>, Vec<&Shipment>) = changed.partition(is_new);
    update(tx, &old).await?;
    insert(tx, orders).await?;
    update(tx, &new).await
}

async fn update(tx: &Tx, shipments: &[&Shipment]) -> Result<()> {
    let rows = shipments.iter().map(|shipment| standing(shipment));
    let written = write(tx, rows, |db, rows| STANDING.update(db, &["shipment_id"], "", rows)).await?;
    if written == shipments.len() as u64 { Ok(()) } else { Err(Error::LostUpdate) }
}

async fn insert(tx: &Tx, orders: &[&Order]) -> Result<()> {
    let new: Vec<&Shipment> =
        orders.iter().flat_map(|order| marked(order, |changes| &changes.new_shipments)).collect();
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

fn standing(shipment: &Shipment) -> Row {
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
