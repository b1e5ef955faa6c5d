//! Stores scans: each scan once, with the number of its repeats.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{Actor, Scan, ScanEffect, ScanId, ScanIdentity, ShipmentId, WebhookId};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, Set};

use crate::{
    dialect::{self, is_one_of},
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
    pub shipment_was_cancelled: bool,
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

/// Stores new scans. The caller has locked the order of their shipment, so none of them can be stored already.
pub async fn insert(tx: &Tx, scans: impl IntoIterator<Item = &StoredScan>) -> Result<()> {
    dialect::insert(tx, scans.into_iter().map(to_row), "").await?;
    Ok(())
}

fn to_row(stored: &StoredScan) -> scan::Model {
    let scan = &stored.scan;
    scan::Model {
        scan_id: stored.id.0,
        shipment_id: stored.shipment_id.0,
        webhook_id: stored.webhook_id.map(|id| id.0),
        identity: scan.identity.0.to_vec(),
        code: scan.code.clone(),
        meaning: scan.meaning.as_str().to_owned(),
        description: scan.description.clone(),
        location: scan.location.clone(),
        occurred_at: scan.occurred_at,
        time_estimated: scan.time_estimated,
        local_time: scan.local_time.map(|at| at.format(LOCAL_TIME).to_string()),
        package: scan.package.clone(),
        estimated_delivery: scan.estimate.map(|estimate| estimate.expected),
        estimated_at: scan.estimate.map(|estimate| estimate.said_at),
        recorded_at: stored.recorded_at,
        recorded_by: stored.recorded_by.as_ref().map(|actor| actor.kind.as_str().to_owned()),
        recorded_by_id: stored.recorded_by.as_ref().and_then(|actor| actor.id.clone()),
        effect: stored.effect.as_str().to_owned(),
        called_off: stored.shipment_was_cancelled,
        seen: stored.seen,
    }
}

/// What finds a scan: its shipment and its identity.
fn key(shipment: ShipmentId, identity: &ScanIdentity) -> scan::ActiveModel {
    scan::ActiveModel {
        shipment_id: Set(shipment.0),
        identity: Set(identity.0.to_vec()),
        ..Default::default()
    }
}

/// Writes the scans that repeats have revised. The caller has locked the order of their shipment.
pub async fn revise(tx: &Tx, revised: impl IntoIterator<Item = &StoredScan>) -> Result<()> {
    let rows = revised.into_iter().map(|stored| {
        let row = to_row(stored);
        let new = scan::ActiveModel {
            webhook_id: Set(row.webhook_id),
            meaning: Set(row.meaning),
            description: Set(row.description),
            location: Set(row.location),
            occurred_at: Set(row.occurred_at),
            time_estimated: Set(row.time_estimated),
            local_time: Set(row.local_time),
            estimated_delivery: Set(row.estimated_delivery),
            estimated_at: Set(row.estimated_at),
            effect: Set(row.effect),
            ..Default::default()
        };
        [key(stored.shipment_id, &stored.scan.identity), new]
    });
    dialect::update(tx, rows, "").await?;
    Ok(())
}

/// Adds the repeats of scans to `seen`: how often each came again, by shipment and identity.
pub async fn add_to_seen(tx: &Tx, again: &HashMap<(ShipmentId, ScanIdentity), u32>) -> Result<()> {
    let rows = again.iter().map(|((shipment, identity), times)| {
        [key(*shipment, identity), scan::ActiveModel { seen: Set(*times as i32), ..Default::default() }]
    });
    dialect::add(tx, rows).await?;
    Ok(())
}
