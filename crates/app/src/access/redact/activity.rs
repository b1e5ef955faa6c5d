//! Redaction of activities. Support and systems see everything. `reads::timeline` selects the kinds with
//! `visible_activity_kinds`, then passes each activity through `redact_activity`.
//!
//! | kind | a customer sees | a supplier sees |
//! |---|---|---|
//! | `items_cancelled`, `return_requested` | all of it | its own items, without notes |
//! | `return_received`, `return_written_off` | all but notes | its own items, without notes |
//! | `items_accepted`, `items_declined`, `items_reassigned` | nothing | its own items, without notes |
//! | `shipment_created`, `shipment_cancelled` | all of it | of shipments that it sees, without notes |
//! | `return_shipment_created` | all of it | of shipments that it sees, without notes |
//! | `tracking_number_added`, `tracking_number_replaced` | all but notes | of shipments that it sees, without notes |
//! | `order_closed`, `order_reopened` | all but notes | nothing |
//! | `order_replaced` | all of it | nothing |
//! | `scan_recorded` | all of it | the same; notes only if it recorded the scan |
//! | `notification_resent` | all but notes | nothing |
//! | `scan_retracted`, `delivery_estimate_set` | all but notes | the same |
//!
//! 1. Nobody but staff sees the id of another actor.
//! 2. An item is a supplier's own if it is so now and was so when the activity was recorded: a supplier does not learn
//!    what another one did with an item before.
//! 3. A supplier sees neither what caused the activity nor facts that are not in [`FOR_SUPPLIERS`]. So a new fact is
//!    hidden until somebody has decided about it.
//! 4. `None` means that the caller does not see the activity. Answers of a supplier are between it and the merchant,
//!    notifications between the merchant and the customer.

use std::collections::HashSet;

use domain::{Activity, ActivityKind, Actor, ItemId, Origin, OriginKind, ShipmentId};
use persistence::activities::StoredActivity;
use serde_json::Value;

use super::redact_actor;
use crate::access::{Caller, Scope};

/// The facts that a supplier sees, except the items.
const FOR_SUPPLIERS: [&str; 11] = [
    "carrier",
    "tracking_number",
    "former_carrier",
    "former_tracking_number",
    "origin",
    "scan_id",
    "meaning",
    "occurred_at",
    "accept_by",
    "ship_by",
    "delivery_estimate",
];

/// The facts about one of its items that a supplier sees.
const OF_ITEM_FOR_SUPPLIERS: [&str; 2] = ["item_id", "quantity"];

/// What a supplier sees of the orders whose activities are redacted.
#[derive(Debug, Default)]
pub struct OwnParts {
    /// The items that the supplier sends.
    pub items: HashSet<ItemId>,
    /// The shipments that the supplier sees.
    pub shipments: HashSet<ShipmentId>,
}

impl Caller {
    /// The kinds of activities that this caller sees. Of a supplier each activity has to be judged, see
    /// [`Self::redact_activity`].
    pub(crate) fn visible_activity_kinds(&self) -> Vec<ActivityKind> {
        let all = ActivityKind::ALL.into_iter();
        match self.scope() {
            Scope::All | Scope::Supplies(_) => all.collect(),
            Scope::Own(_) => all.filter(|kind| is_for_customers(*kind)).collect(),
            Scope::None => vec![],
        }
    }

    /// An activity of an order that this caller may see, redacted. `None` if the caller does not see the activity.
    /// `own` is used for suppliers only.
    pub(crate) fn redact_activity(&self, stored: StoredActivity, own: &OwnParts) -> Option<StoredActivity> {
        let StoredActivity { id, activity } = stored;
        let activity = match self.scope() {
            Scope::All => Some(activity),
            Scope::Own(_) => {
                is_for_customers(activity.kind).then(|| redact_for_customer(activity, &self.actor))
            }
            Scope::Supplies(_) => redact_for_supplier(activity, &self.actor, own),
            Scope::None => None,
        };
        activity.map(|activity| StoredActivity { id, activity })
    }
}

fn is_for_customers(kind: ActivityKind) -> bool {
    match kind {
        ActivityKind::ItemsCancelled
        | ActivityKind::ShipmentCreated
        | ActivityKind::ShipmentCancelled
        | ActivityKind::TrackingNumberAdded
        | ActivityKind::TrackingNumberReplaced
        | ActivityKind::ReturnRequested
        | ActivityKind::ReturnReceived
        | ActivityKind::ReturnWrittenOff
        | ActivityKind::ReturnShipmentCreated
        | ActivityKind::OrderClosed
        | ActivityKind::OrderReopened
        | ActivityKind::OrderReplaced
        | ActivityKind::ScanRecorded
        | ActivityKind::ScanRetracted
        | ActivityKind::DeliveryEstimateSet
        | ActivityKind::NotificationResent => true,
        ActivityKind::ItemsAccepted | ActivityKind::ItemsDeclined | ActivityKind::ItemsReassigned => false,
    }
}

/// Whether customers see the notes, although staff or suppliers wrote them: where the order, its items, its shipments
/// or its scans show them the same text.
fn has_notes_for_customers(kind: ActivityKind) -> bool {
    match kind {
        ActivityKind::ItemsCancelled
        | ActivityKind::ShipmentCreated
        | ActivityKind::ShipmentCancelled
        | ActivityKind::ReturnRequested
        | ActivityKind::ReturnShipmentCreated
        | ActivityKind::OrderReplaced
        | ActivityKind::ScanRecorded => true,
        ActivityKind::ItemsAccepted
        | ActivityKind::ItemsDeclined
        | ActivityKind::ItemsReassigned
        | ActivityKind::OrderClosed
        | ActivityKind::OrderReopened
        | ActivityKind::ReturnReceived
        | ActivityKind::TrackingNumberAdded
        | ActivityKind::TrackingNumberReplaced
        | ActivityKind::ReturnWrittenOff
        | ActivityKind::ScanRetracted
        | ActivityKind::DeliveryEstimateSet
        | ActivityKind::NotificationResent => false,
    }
}

fn redact_for_customer(activity: Activity, customer: &Actor) -> Activity {
    let Activity { order_id, kind, actor, notes, facts, shipment_id, recorded_at, request_id, webhook_id } =
        activity;
    let notes = notes.filter(|_| has_notes_for_customers(kind));
    let actor = redact_actor(actor, customer);
    Activity { order_id, kind, actor, notes, facts, shipment_id, recorded_at, request_id, webhook_id }
}

fn redact_for_supplier(activity: Activity, supplier: &Actor, own: &OwnParts) -> Option<Activity> {
    let Activity {
        order_id,
        kind,
        actor,
        notes,
        facts,
        shipment_id,
        recorded_at,
        request_id: _,
        webhook_id: _,
    } = activity;
    let items = facts["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let items: Vec<&Value> = match shipment_id {
        Some(id) if !own.shipments.contains(&id) => return None,
        Some(_) => items.iter().collect(),
        None => items.iter().filter(|item| is_own_item(item, supplier, own)).collect(),
    };
    if shipment_id.is_none() && items.is_empty() {
        return None;
    }
    let mut visible = select_facts(&facts, &FOR_SUPPLIERS);
    if !items.is_empty() {
        visible["items"] = items.into_iter().map(|item| select_facts(item, &OF_ITEM_FOR_SUPPLIERS)).collect();
    }
    let by_itself = actor == *supplier;
    let notes = notes.filter(|_| by_itself && kind == ActivityKind::ScanRecorded);
    let actor = redact_actor(actor, supplier);
    Some(Activity {
        order_id,
        kind,
        actor,
        notes,
        facts: visible,
        shipment_id,
        recorded_at,
        request_id: None,
        webhook_id: None,
    })
}

/// Whether these are facts about an item that the supplier sends, and sent when they were recorded.
fn is_own_item(facts: &Value, supplier: &Actor, own: &OwnParts) -> bool {
    let id = facts["item_id"].as_str().and_then(|id| id.parse().ok());
    let origin = &facts["origin"];
    let kind = origin["kind"].as_str().and_then(|kind| kind.parse::<OriginKind>().ok());
    let was_own = match (kind, origin["code"].as_str()) {
        (Some(kind), Some(code)) => Origin { kind, code: code.to_owned() }.is_supplier(supplier),
        _ => false,
    };
    was_own && id.is_some_and(|id| own.items.contains(&id))
}

fn select_facts(facts: &Value, keys: &[&str]) -> Value {
    let facts = facts.as_object().into_iter().flatten();
    let selected = facts.filter(|(key, _)| keys.contains(&key.as_str()));
    Value::Object(selected.map(|(key, fact)| (key.clone(), fact.clone())).collect())
}
