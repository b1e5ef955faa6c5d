//! Stores scans: each scan once, with the number of its repeats.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{Actor, Scan, ScanEffect, ScanId, ScanIdentity, ShipmentId, WebhookId};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};

use crate::{
    dialect::{Row, Table, Type, is_one_of, write},
    entity::scan,
    error::Result,
    mapping::LOCAL_TIME,
    store::Tx,
};

/// A stored scan.
#[derive(Clone, Debug)]
pub struct StoredScan {
    pub id: ScanId,
    pub shipment_id: ShipmentId,
    /// The webhook that brought the scan, or a later one that gave it its meaning. `None` for a manual scan.
    pub webhook_id: Option<WebhookId>,
    /// What the scan did when it came.
    pub effect: ScanEffect,
    /// When it was first recorded, by our clock.
    pub recorded_at: DateTime<Utc>,
    /// The person who recorded a manual scan. `None` if a webhook brought the scan.
    pub recorded_by: Option<Actor>,
    /// Whether its shipment was cancelled in Milepost when the scan came.
    pub called_off: bool,
    /// How often it came.
    pub seen: i32,
    pub scan: Scan,
}

/// The scans of these shipments, in no particular sequence.
pub async fn load_for_shipments(
    tx: &Tx,
    shipments: &[ShipmentId],
) -> Result<HashMap<ShipmentId, Vec<StoredScan>>> {
    if shipments.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = scan::Entity::find()
        .filter(is_one_of(
            tx.get_database_backend(),
            scan::Column::ShipmentId,
            shipments.iter().map(|id| id.0),
        ))
        .all(tx)
        .await?;
    let mut found: HashMap<ShipmentId, Vec<StoredScan>> = HashMap::with_capacity(shipments.len());
    for row in rows {
        let stored = StoredScan::try_from(row)?;
        found.entry(stored.shipment_id).or_default().push(stored);
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
        ("local_time", Type::Text),
        ("package", Type::Text),
        ("estimated_delivery", Type::Time),
        ("estimated_at", Type::Time),
        ("recorded_at", Type::Time),
        ("recorded_by", Type::Text),
        ("recorded_by_id", Type::Text),
        ("effect", Type::Text),
        ("called_off", Type::Bool),
    ],
};

const SEEN: Table = Table {
    name: "scans",
    columns: &[("shipment_id", Type::Uuid), ("identity", Type::Bytes), ("seen", Type::Int)],
};

/// Stores new scans. The caller has locked the order of their shipment, so none of them can be stored already.
pub async fn insert(tx: &Tx, scans: impl IntoIterator<Item = &StoredScan>) -> Result<()> {
    let rows = scans.into_iter().map(|stored| {
        changeable_columns(stored)
            .set("scan_id", stored.id.0)
            .set("code", stored.scan.code.as_str())
            .set("package", stored.scan.package.as_deref())
            .set("recorded_at", stored.recorded_at)
            .set("recorded_by", stored.recorded_by.as_ref().map(|actor| actor.kind.as_str()))
            .set("recorded_by_id", stored.recorded_by.as_ref().and_then(|actor| actor.id.as_deref()))
            .set("called_off", stored.called_off)
    });
    write(tx, rows, |db, rows| SCANS.insert(db, "", rows)).await?;
    Ok(())
}

/// The columns that identify a scan, and the columns that a revision can change.
fn changeable_columns(stored: &StoredScan) -> Row {
    let scan = &stored.scan;
    Row::default()
        .set("shipment_id", stored.shipment_id.0)
        .set("identity", scan.identity.0.as_slice())
        .set("webhook_id", stored.webhook_id.map(|id| id.0))
        .set("meaning", scan.meaning.as_str())
        .set("description", scan.description.as_deref())
        .set("location", scan.location.as_deref())
        .set("occurred_at", scan.occurred_at)
        .set("time_estimated", scan.time_estimated)
        .set("local_time", local_time(scan))
        .set("estimated_delivery", scan.estimate.map(|estimate| estimate.expected))
        .set("estimated_at", scan.estimate.map(|estimate| estimate.said_at))
        .set("effect", stored.effect.as_str())
}

fn local_time(scan: &Scan) -> Option<String> {
    scan.local_time.map(|at| at.format(LOCAL_TIME).to_string())
}

const REVISED: Table = Table {
    name: "scans",
    columns: &[
        ("shipment_id", Type::Uuid),
        ("identity", Type::Bytes),
        ("webhook_id", Type::Uuid),
        ("meaning", Type::Text),
        ("description", Type::Text),
        ("location", Type::Text),
        ("occurred_at", Type::Time),
        ("time_estimated", Type::Bool),
        ("local_time", Type::Text),
        ("estimated_delivery", Type::Time),
        ("estimated_at", Type::Time),
        ("effect", Type::Text),
    ],
};

/// Writes the scans that repeats have revised. The caller has locked the order of their shipment.
pub async fn revise(tx: &Tx, revised: impl IntoIterator<Item = &StoredScan>) -> Result<()> {
    let rows = revised.into_iter().map(changeable_columns);
    write(tx, rows, |db, rows| REVISED.update(db, &["shipment_id", "identity"], "", rows)).await?;
    Ok(())
}

/// Adds the repeats of scans to `seen`: how often each came again, by shipment and identity.
pub async fn add_to_seen(tx: &Tx, again: &HashMap<(ShipmentId, ScanIdentity), u32>) -> Result<()> {
    let rows = again.iter().map(|((shipment, identity), times)| {
        Row::default()
            .set("shipment_id", shipment.0)
            .set("identity", identity.0.as_slice())
            .set("seen", *times)
    });
    write(tx, rows, |db, rows| SEEN.add(db, &["shipment_id", "identity"], "seen", rows)).await?;
    Ok(())
}
