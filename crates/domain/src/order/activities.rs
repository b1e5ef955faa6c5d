//! Records activities in the changes of an order. The functions that change an order call [`Order::record_activity`]
//! once for each change, or the function below for their kind of subject. `app::notifications::resend` calls
//! `record_resend`.
//!
//! 1. A change that is a transition as well, such as the first request for a return, has an activity and an event.
//! 2. A request that changes nothing has no activity.
//! 3. The keys of the facts are stable: clients and the redaction in `app` read them.

use serde_json::{Value, json};

use crate::{
    activity::{Activity, ActivityKind},
    ids::{NotificationId, ShipmentId},
    notification::NotificationKind,
    order::Order,
    scan::Scan,
    shipment::{ItemQuantity, Origin},
    status::OrderStatus,
    transition::Context,
};

/// The data of an activity beside its kind and its cause.
#[derive(Default)]
pub(super) struct ActivityDetail {
    /// A JSON object.
    pub facts: Value,
    pub notes: Option<String>,
    pub shipment_id: Option<ShipmentId>,
}

impl Order {
    pub(super) fn record_activity(&mut self, kind: ActivityKind, detail: ActivityDetail, context: &Context) {
        self.changes.activities.push(Activity {
            order_id: self.head.id,
            kind,
            actor: context.actor.clone(),
            notes: detail.notes,
            facts: detail.facts,
            shipment_id: detail.shipment_id,
            recorded_at: context.now,
            request_id: context.request_id.clone(),
            webhook_id: context.webhook_id,
        });
    }

    /// Records an activity about units of items.
    pub(super) fn record_item_activity(
        &mut self,
        kind: ActivityKind,
        lines: &[ItemQuantity],
        notes: Option<String>,
        context: &Context,
    ) {
        let facts = json!({ "items": self.line_facts(lines) });
        self.record_activity(kind, ActivityDetail { facts, notes, shipment_id: None }, context);
    }

    /// Records an activity about a shipment of the order.
    pub(super) fn record_shipment_activity(
        &mut self,
        kind: ActivityKind,
        id: ShipmentId,
        notes: Option<String>,
        context: &Context,
    ) {
        let Ok(shipment) = self.find_shipment(id) else { return };
        let mut facts = json!({
            "carrier": shipment.carrier().as_str(),
            "tracking_number": &*shipment.tracking_number,
            "origin": origin_fact(&shipment.origin),
            "items": self.line_facts(&shipment.lines),
        });
        let further = shipment.live_numbers().filter(|number| **number != shipment.tracking_number);
        let further: Vec<Value> = further
            .map(|number| json!({ "carrier": number.carrier().as_str(), "tracking_number": &**number }))
            .collect();
        if !further.is_empty() {
            facts["further_numbers"] = further.into();
        }
        self.record_activity(kind, ActivityDetail { facts, notes, shipment_id: Some(id) }, context);
    }

    /// Records that a person recorded this scan by hand. The notes are the text that the person gave.
    pub(super) fn record_scan_activity(&mut self, id: ShipmentId, scan: &Scan, context: &Context) {
        let Ok(shipment) = self.find_shipment(id) else { return };
        let facts = json!({
            "carrier": shipment.carrier().as_str(),
            "tracking_number": &*shipment.tracking_number,
            "meaning": scan.meaning.as_str(),
            "occurred_at": scan.occurred_at.to_rfc3339(),
        });
        let detail = ActivityDetail { facts, notes: scan.description.clone(), shipment_id: Some(id) };
        self.record_activity(ActivityKind::ScanRecorded, detail, context);
    }

    /// Records that a notification of the order is sent again by request, and why.
    pub fn record_resend(
        &mut self,
        id: NotificationId,
        kind: NotificationKind,
        status: OrderStatus,
        reason: &str,
        context: &Context,
    ) {
        let facts = json!({
            "notification_id": id.to_string(),
            "kind": kind.as_str(),
            "status": status.as_str(),
        });
        let detail = ActivityDetail { facts, notes: Some(reason.to_owned()), shipment_id: None };
        self.record_activity(ActivityKind::NotificationResent, detail, context);
    }

    /// Units of items as facts, each with the present origin of its item, if the item has one.
    pub(super) fn line_facts(&self, lines: &[ItemQuantity]) -> Value {
        let fact = |line: &ItemQuantity| {
            let mut fact = json!({ "item_id": line.item_id.to_string(), "quantity": line.quantity });
            if let Some(origin) = self.find_item(line.item_id).and_then(|item| item.origin.as_ref()) {
                fact["origin"] = origin_fact(origin);
            }
            fact
        };
        lines.iter().map(fact).collect()
    }
}

/// An origin as a fact.
pub(super) fn origin_fact(origin: &Origin) -> Value {
    json!({ "kind": origin.kind.as_str(), "code": origin.code })
}
