//! Reads shipments and their scans, for many records at once.
//!
//! - `app::orders::shipments` finds the order of a shipment or of a scan before it is locked. `app::reads::shipments`
//!   finds shipments by id or number: the same number can belong to several. The newest comes
//!   first; shipments for which the number is void come last.
//! - `app::webhooks` and `app::customer_text` call `scans_of`, which has no limit. For strangers `read::bounded` calls
//!   `read_scans` and `read_webhook_scans`, which fail if there are more than `most`.
//! - `scans_of` includes retracted scans. The scans of a webhook are those that it brought first or gave their meaning.
//!   A scan that was recorded by hand belongs to no webhook.

use std::collections::HashMap;

use domain::{ScanId, Shipment, ShipmentId, StoredScan, TrackingNumber, WebhookId, ingest::TrackedShipment};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::bounded::{at_most, one_more};
use crate::{
    Result, Store,
    dialect::is_one_of,
    entity::{scan, shipment, shipment_number},
    shipments::{find_tracked_shipments, load_lines},
};

/// Many shipments, by id. Unknown ids are left out.
pub async fn read_shipments(store: &Store, ids: &[ShipmentId]) -> Result<HashMap<ShipmentId, Shipment>> {
    let rows = shipment::Entity::find()
        .filter(is_one_of(store.backend(), shipment::Column::ShipmentId, ids.iter().map(|id| id.0)))
        .all(store.reader())
        .await?;
    let found = load_lines(store.reader(), rows, None).await?;
    Ok(found.into_iter().map(|shipment| (shipment.id, shipment)).collect())
}

/// The shipment with which a scan is stored.
pub async fn shipment_of_scan(store: &Store, scan: ScanId) -> Result<Option<Shipment>> {
    let row = scan::Entity::find_by_id(scan.0).one(store.reader()).await?;
    let Some(id) = row.map(|row| ShipmentId(row.shipment_id)) else { return Ok(None) };
    Ok(read_shipments(store, &[id]).await?.remove(&id))
}

/// The shipments that have or had this number: those for which it is void come last, else the newest come first.
pub async fn shipments_by_number(store: &Store, number: &TrackingNumber) -> Result<Vec<Shipment>> {
    use shipment_number::Column;
    let rows = shipment_number::Entity::find()
        .filter(Column::Carrier.eq(number.carrier().as_str()))
        .filter(Column::TrackingNumber.eq(&**number))
        .find_also_related(shipment::Entity)
        .order_by_desc(Column::VoidSince.is_null())
        .order_by_desc(Column::AddedAt)
        .order_by_desc(Column::ShipmentId)
        .all(store.reader())
        .await?;
    let rows = rows.into_iter().filter_map(|(_, shipment)| shipment).collect();
    load_lines(store.reader(), rows, None).await
}

/// Every shipment that has or had one of these numbers.
pub async fn tracked_shipments_of(
    store: &Store,
    numbers: &[TrackingNumber],
) -> Result<HashMap<TrackingNumber, Vec<TrackedShipment>>> {
    find_tracked_shipments(store.reader(), numbers).await
}

/// The scans of many shipments, newest first by the time they tell: the local time, else the instant.
pub async fn scans_of(store: &Store, ids: &[ShipmentId]) -> Result<HashMap<ShipmentId, Vec<StoredScan>>> {
    read_scans(store, ids, None).await
}

pub(super) async fn read_scans(
    store: &Store,
    ids: &[ShipmentId],
    most: Option<u64>,
) -> Result<HashMap<ShipmentId, Vec<StoredScan>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = scan::Entity::find()
        .filter(is_one_of(store.backend(), scan::Column::ShipmentId, ids.iter().map(|id| id.0)))
        .order_by_desc(scan::Column::Clock)
        .order_by_desc(scan::Column::ScanId)
        .limit(one_more(most))
        .all(store.reader())
        .await?;
    let rows = at_most("scans", rows, most)?;
    let mut found: HashMap<ShipmentId, Vec<StoredScan>> = HashMap::with_capacity(ids.len());
    for row in rows {
        let scan = StoredScan::try_from(row)?;
        found.entry(scan.shipment_id).or_default().push(scan);
    }
    Ok(found)
}

/// The scans that these webhooks brought first or gave their meaning, oldest first by the time they tell.
pub(super) async fn read_webhook_scans(
    store: &Store,
    ids: &[WebhookId],
    most: Option<u64>,
) -> Result<HashMap<WebhookId, Vec<StoredScan>>> {
    let rows = scan::Entity::find()
        .filter(is_one_of(store.backend(), scan::Column::WebhookId, ids.iter().map(|id| id.0)))
        .order_by_asc(scan::Column::Clock)
        .order_by_asc(scan::Column::ScanId)
        .limit(one_more(most))
        .all(store.reader())
        .await?;
    let rows = at_most("scans", rows, most)?;
    let mut found: HashMap<WebhookId, Vec<StoredScan>> = HashMap::with_capacity(ids.len());
    for row in rows {
        let scan = StoredScan::try_from(row)?;
        if let Some(webhook) = scan.webhook_id {
            found.entry(webhook).or_default().push(scan);
        }
    }
    Ok(found)
}
