//! Scans: every claim once, duplicates counted.

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

/// A scan as it is kept.
#[derive(Clone, Debug)]
pub struct StoredScan {
    /// Its id.
    pub id: ScanId,
    /// The shipment it is about.
    pub shipment_id: ShipmentId,
    /// The request it came with, or a later one by which it has got its meaning; nothing where it was recorded by hand.
    pub webhook_id: Option<WebhookId>,
    /// What it did when it came.
    pub effect: ScanEffect,
    /// When we first heard of it.
    pub recorded_at: DateTime<Utc>,
    /// Who recorded it by hand; nobody where a webhook brought it.
    pub recorded_by: Option<Actor>,
    /// Whether its shipment had been called off when it came.
    pub called_off: bool,
    /// How often it came.
    pub seen: i32,
    /// What it says.
    pub scan: Scan,
}

/// The scans of these shipments, in no order.
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

/// Keeps new scans. The order of their shipment is locked, so none of them can be there already.
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
        called_off: stored.called_off,
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

/// Writes what scans that we had say now. The order of their shipment is locked.
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

/// Counts scans that came again: how often each, by shipment and identity.
pub async fn add_to_seen(tx: &Tx, again: &HashMap<(ShipmentId, ScanIdentity), u32>) -> Result<()> {
    let rows = again.iter().map(|((shipment, identity), times)| {
        [key(*shipment, identity), scan::ActiveModel { seen: Set(*times as i32), ..Default::default() }]
    });
    dialect::add(tx, rows).await?;
    Ok(())
}
