//! Scans: every claim once, duplicates counted.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{Scan, ScanEffect, ScanId, ShipmentId, WebhookId};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};

use crate::{
    convert::meaning_name,
    dialect::{Row, Table, Type, within, write},
    entity::scan,
    error::Result,
    store::Tx,
};

/// A scan as it is kept.
#[derive(Clone, Debug)]
pub struct StoredScan {
    /// Its id.
    pub id: ScanId,
    /// The parcel it is about.
    pub shipment_id: ShipmentId,
    /// The request it came with; nothing when a person recorded it.
    pub webhook_id: Option<WebhookId>,
    /// What it did when it came.
    pub effect: ScanEffect,
    /// When we first heard of it.
    pub recorded_at: DateTime<Utc>,
    /// How often it came.
    pub seen: i32,
    /// What it says.
    pub scan: Scan,
}

/// The scans of these parcels, in no order.
pub async fn of(tx: &Tx, shipments: &[ShipmentId]) -> Result<HashMap<ShipmentId, Vec<Scan>>> {
    let rows = scan::Entity::find()
        .filter(within(tx.get_database_backend(), scan::Column::ShipmentId, shipments.iter().map(|id| id.0)))
        .all(tx)
        .await?;
    let mut found: HashMap<ShipmentId, Vec<Scan>> = HashMap::with_capacity(shipments.len());
    for row in rows {
        let stored = StoredScan::try_from(row)?;
        found.entry(stored.shipment_id).or_default().push(stored.scan);
    }
    Ok(found)
}

const SCANS: Table = Table {
    name: "scans",
    columns: &[
        ("scan_id", Type::Uuid),
        ("shipment_id", Type::Uuid),
        ("webhook_id", Type::Uuid),
        ("identity", Type::Bytes),
        ("code", Type::Text),
        ("meaning", Type::Text),
        ("description", Type::Text),
        ("location", Type::Text),
        ("occurred_at", Type::Time),
        ("time_estimated", Type::Bool),
        ("estimated_delivery", Type::Time),
        ("recorded_at", Type::Time),
        ("effect", Type::Text),
    ],
};

const SEEN: Table = Table {
    name: "scans",
    columns: &[("shipment_id", Type::Uuid), ("identity", Type::Bytes), ("seen", Type::Int)],
};

/// Keeps new scans. The order of their parcel is locked, so none of them can be there already.
pub async fn insert(tx: &Tx, scans: &[StoredScan]) -> Result<()> {
    if scans.is_empty() {
        return Ok(());
    }
    let rows = scans.iter().map(|stored| {
        let scan = &stored.scan;
        Row::default()
            .set("scan_id", stored.id.0)
            .set("shipment_id", stored.shipment_id.0)
            .set("webhook_id", stored.webhook_id.map(|id| id.0))
            .set("identity", scan.identity.0.as_slice())
            .set("code", scan.code.as_str())
            .set("meaning", meaning_name(scan.meaning))
            .set("description", scan.description.as_deref())
            .set("location", scan.location.as_deref())
            .set("occurred_at", scan.occurred_at)
            .set("time_estimated", scan.time_estimated)
            .set("estimated_delivery", scan.estimated_delivery)
            .set("recorded_at", stored.recorded_at)
            .set("effect", stored.effect.as_str())
    });
    let rows = rows.collect();
    write(tx, |db| SCANS.insert(db, "", rows)).await?;
    Ok(())
}

/// Counts scans that came again: how often each, by parcel and identity.
pub async fn count_again(tx: &Tx, again: &HashMap<(ShipmentId, [u8; 32]), u32>) -> Result<()> {
    if again.is_empty() {
        return Ok(());
    }
    let rows = again.iter().map(|((shipment, identity), times)| {
        Row::default().set("shipment_id", shipment.0).set("identity", identity.as_slice()).set("seen", *times)
    });
    let rows = rows.collect();
    write(tx, |db| SEEN.add(db, &["shipment_id", "identity"], "seen", rows)).await?;
    Ok(())
}
