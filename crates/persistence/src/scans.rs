//! Stores scans: each scan once, with the number of its repeats. Webhooks, replays and manual scans take three steps in
//! one transaction:
//!
//! 1. `load_recorder` loads what is stored of the shipments into a [`ScanRecorder`].
//! 2. `domain` records scans in it.
//! 3. `record` writes what it noted: new scans; scans whose data or meaning is revised (`update_revised`); retracted
//!    scans, which stay stored (`update_retracted`); and for scans that came again, how often (`add_to_seen`).
//!
//! `app::orders::commands`, `app::webhooks::process` and `app::webhooks::replay::apply` do this.
//! `app::webhooks::load_router` calls `load_for_shipments` to route scans. A shipment without scans is missing in its
//! map.

use std::collections::{HashMap, HashSet};

use domain::{
    Order, OrderId, ScanId, ShipmentId, StoredScan,
    ingest::{ScanKey, ScanRecorder},
};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, Set};
use uuid::Uuid;

use crate::{
    dialect::{self, is_one_of},
    entity::scan,
    error::Result,
    mapping::LOCAL_TIME,
    shipments,
    store::Tx,
};

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

/// Loads the stored scans of these shipments of the orders, to record further ones. The caller has locked the orders.
/// In a replay, today's meanings of codes replace the stored ones.
pub async fn load_recorder(
    tx: &Tx,
    orders: &HashMap<OrderId, Order>,
    shipments: &[ShipmentId],
    is_replay: bool,
) -> Result<ScanRecorder> {
    let stored = load_for_shipments(tx, shipments).await?;
    let wanted: HashSet<ShipmentId> = shipments.iter().copied().collect();
    let scanned = orders.values().flat_map(Order::shipments).filter(|one| wanted.contains(&one.id));
    let number_taken = shipments::find_with_taken_number(tx, scanned).await?;
    Ok(ScanRecorder::new(stored, number_taken, is_replay, || ScanId(Uuid::now_v7())))
}

/// Writes what the recorder noted: new scans, revised and retracted ones, and how often scans came again. The caller
/// has locked the orders of the shipments, so no new scan can be stored already, and has written them, because a scan
/// refers to its shipment.
pub async fn record(tx: &Tx, recorder: &ScanRecorder) -> Result<()> {
    dialect::insert_rows(tx, recorder.new_scans().map(to_row), "").await?;
    update_revised(tx, recorder.revised_scans()).await?;
    update_retracted(tx, recorder.retracted_scans()).await?;
    add_to_seen(tx, recorder.seen_again()).await
}

fn to_row(stored: &StoredScan) -> scan::Model {
    let (scan, retraction) = (&stored.scan, stored.retraction.as_ref());
    scan::Model {
        scan_id: stored.id.0,
        shipment_id: stored.shipment_id.0,
        webhook_id: stored.webhook_id.map(|id| id.0),
        identity: scan.identity.0.to_vec(),
        code: scan.code.clone(),
        meaning: scan.meaning.as_str().to_owned(),
        evidence: scan.evidence.as_str().to_owned(),
        description: scan.description.clone(),
        location: scan.location.clone(),
        occurred_at: scan.occurred_at,
        time_estimated: scan.time_estimated,
        local_time: scan.local_time.map(|at| at.format(LOCAL_TIME).to_string()),
        clock: scan.clock().and_utc(),
        package: scan.package.clone(),
        estimated_delivery: scan.estimate.map(|estimate| estimate.expected.latest_instant()),
        estimated_at: scan.estimate.map(|estimate| estimate.said_at),
        delivery_estimate: scan.estimate.map(|estimate| estimate.expected.to_string()),
        estimate_received: scan.estimate.map(|estimate| estimate.received_at),
        recorded_at: stored.recorded_at,
        recorded_by: stored.recorded_by.as_ref().map(|actor| actor.kind.as_str().to_owned()),
        recorded_by_id: stored.recorded_by.as_ref().and_then(|actor| actor.id.clone()),
        effect: stored.effect.as_str().to_owned(),
        called_off: stored.shipment_was_cancelled,
        seen: stored.seen,
        retracted_at: retraction.map(|retraction| retraction.at),
        retracted_by: retraction.map(|retraction| retraction.actor.kind.as_str().to_owned()),
        retracted_by_id: retraction.and_then(|retraction| retraction.actor.id.clone()),
        retract_reason: retraction.and_then(|retraction| retraction.reason.clone()),
    }
}

fn match_by_key((shipment, identity): &ScanKey) -> scan::ActiveModel {
    scan::ActiveModel {
        shipment_id: Set(shipment.0),
        identity: Set(identity.0.to_vec()),
        ..Default::default()
    }
}

async fn update_revised(tx: &Tx, revised: impl IntoIterator<Item = &StoredScan>) -> Result<()> {
    let rows = revised.into_iter().map(|stored| {
        let row = to_row(stored);
        let new = scan::ActiveModel {
            webhook_id: Set(row.webhook_id),
            meaning: Set(row.meaning),
            evidence: Set(row.evidence),
            description: Set(row.description),
            location: Set(row.location),
            occurred_at: Set(row.occurred_at),
            time_estimated: Set(row.time_estimated),
            local_time: Set(row.local_time),
            clock: Set(row.clock),
            estimated_delivery: Set(row.estimated_delivery),
            estimated_at: Set(row.estimated_at),
            delivery_estimate: Set(row.delivery_estimate),
            estimate_received: Set(row.estimate_received),
            effect: Set(row.effect),
            ..Default::default()
        };
        [match_by_key(&stored.key()), new]
    });
    dialect::update_rows(tx, rows, "").await?;
    Ok(())
}

async fn update_retracted(tx: &Tx, retracted: impl IntoIterator<Item = &StoredScan>) -> Result<()> {
    let rows = retracted.into_iter().map(|stored| {
        let row = to_row(stored);
        let new = scan::ActiveModel {
            effect: Set(row.effect),
            retracted_at: Set(row.retracted_at),
            retracted_by: Set(row.retracted_by),
            retracted_by_id: Set(row.retracted_by_id),
            retract_reason: Set(row.retract_reason),
            ..Default::default()
        };
        [match_by_key(&stored.key()), new]
    });
    dialect::update_rows(tx, rows, "").await?;
    Ok(())
}

async fn add_to_seen(tx: &Tx, again: &HashMap<ScanKey, u32>) -> Result<()> {
    let rows = again.iter().map(|(key, times)| {
        [match_by_key(key), scan::ActiveModel { seen: Set(*times as i32), ..Default::default() }]
    });
    dialect::add_to_columns(tx, rows).await?;
    Ok(())
}
