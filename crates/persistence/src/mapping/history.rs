//! Converts the rows of what happened to an order: events, activities, scans and estimates.

use chrono::NaiveDateTime;
use domain::{
    Activity, Actor, DeliveryEstimate, EstimateSource, OrderId, Scan, ScanId, ShipmentId, StoredScan,
    WebhookId, ingest::Retraction,
};

use super::{LOCAL_TIME, RowPosition, parse_identity};
use crate::{
    activities::StoredActivity,
    entity,
    error::{Error, Result},
    event::Event,
};

impl TryFrom<entity::order_event::Model> for Event {
    type Error = Error;

    fn try_from(row: entity::order_event::Model) -> Result<Self> {
        let at = RowPosition { table: "order_events", row: &row.event_id };
        Ok(Self {
            order_id: OrderId(row.order_id),
            version: row.version,
            from: row.from_status.map(Into::into),
            to: row.to_status.into(),
            actor: Actor { kind: at.parse_value(&row.actor)?, id: row.actor_id },
            notes: row.notes,
            metadata: row.metadata,
            inferred: row.inferred,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            request_id: row.request_id,
            webhook_id: row.webhook_id.map(WebhookId),
        })
    }
}

impl TryFrom<entity::order_activity::Model> for StoredActivity {
    type Error = Error;

    fn try_from(row: entity::order_activity::Model) -> Result<Self> {
        let at = RowPosition { table: "order_activities", row: &row.activity_id };
        let activity = Activity {
            order_id: OrderId(row.order_id),
            kind: at.parse_value(&row.kind)?,
            actor: Actor { kind: at.parse_value(&row.actor)?, id: row.actor_id },
            notes: row.notes,
            facts: row.facts,
            shipment_id: row.shipment_id.map(ShipmentId),
            recorded_at: row.recorded_at,
            request_id: row.request_id,
            webhook_id: row.webhook_id.map(WebhookId),
        };
        Ok(Self { id: row.activity_id, activity })
    }
}

impl TryFrom<entity::scan::Model> for StoredScan {
    type Error = Error;

    fn try_from(row: entity::scan::Model) -> Result<Self> {
        let at = RowPosition { table: "scans", row: &row.scan_id };
        let estimate = match (row.estimated_at, row.estimate_received, row.delivery_estimate) {
            (Some(said_at), Some(received_at), Some(expected)) => Some(DeliveryEstimate {
                said_at,
                received_at,
                expected: at.parse_value(&expected)?,
                source: EstimateSource::Carrier,
            }),
            (None, None, None) => None,
            _ => return Err(at.build_corrupt_error("half an estimate")),
        };
        let local_time = row.local_time.map(|text| NaiveDateTime::parse_from_str(&text, LOCAL_TIME));
        let local_time =
            local_time.transpose().map_err(|_| at.build_corrupt_error("a local time that is none"))?;
        let recorded_by = match row.recorded_by {
            Some(kind) => Some(Actor { kind: at.parse_value(&kind)?, id: row.recorded_by_id }),
            None => None,
        };
        let retraction = match (row.retracted_at, row.retracted_by) {
            (Some(retracted_at), Some(kind)) => Some(Retraction {
                at: retracted_at,
                actor: Actor { kind: at.parse_value(&kind)?, id: row.retracted_by_id },
                reason: row.retract_reason,
            }),
            (None, None) => None,
            _ => return Err(at.build_corrupt_error("half a retraction")),
        };
        Ok(Self {
            id: ScanId(row.scan_id),
            shipment_id: ShipmentId(row.shipment_id),
            webhook_id: row.webhook_id.map(WebhookId),
            effect: at.parse_value(&row.effect)?,
            recorded_at: row.recorded_at,
            recorded_by,
            shipment_was_cancelled: row.called_off,
            seen: row.seen,
            retraction,
            scan: Scan {
                identity: parse_identity(&row.scan_id, row.identity)?,
                meaning: at.parse_value(&row.meaning)?,
                evidence: at.parse_value(&row.evidence)?,
                code: row.code,
                description: row.description,
                location: row.location,
                occurred_at: row.occurred_at,
                time_estimated: row.time_estimated,
                local_time,
                package: row.package,
                estimate,
            },
        })
    }
}

pub(crate) fn map_estimate(row: &entity::delivery_estimate::Model) -> Result<DeliveryEstimate> {
    let at = RowPosition { table: "delivery_estimates", row: &row.shipment_id };
    Ok(DeliveryEstimate {
        said_at: row.said_at,
        received_at: row.received_at,
        expected: at.parse_value(&row.estimate)?,
        source: at.parse_value(&row.source)?,
    })
}
