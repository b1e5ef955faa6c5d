//! Writes a Unified Push of one shipment, with the whole history. Called by `Dhl::simulate`, for the simulator and
//! tests.
//!
//! `None`: DHL has no words for a scan, or there is no scan.

use chrono::SecondsFormat;
use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::{Value, json};

use crate::simulate::{SimulatedHistory, SimulatedScan};

/// The body, with the whole history. `None` if DHL has no words for one of the scans.
pub(super) fn simulate(history: &SimulatedHistory<'_>) -> Option<Vec<u8>> {
    let scans = history.describe_all(describe_meaning)?;
    // Newest first, as DHL writes them.
    let events: Vec<Value> = scans.iter().rev().map(|(scan, words)| build_event(scan, *words)).collect();
    let status = events.first()?.clone();
    let due = history.estimated_delivery.map(|due| due.to_rfc3339_opts(SecondsFormat::Secs, false));
    let body = json!({
        "scope": "subscription.push",
        "self": "https://api-eu.dhl.com/tracking/push/v1/subscription/milepost",
        "shipments": [{
            "id": history.tracking_number, "service": "express", "status": status,
            "estimatedTimeOfDelivery": due, "details": {"totalNumberOfPieces": 1}, "events": events,
        }],
    });
    Some(body.to_string().into_bytes())
}

fn build_event(scan: &SimulatedScan<'_>, [status_code, code, words]: [&str; 3]) -> Value {
    let [city, state, country] = scan.place_parts();
    let locality = if state.is_empty() { city.to_owned() } else { format!("{city}, {state}") };
    let address = json!({"addressLocality": locality, "countryCode": country});
    json!({
        // With an offset, never with `Z`: midnight with `Z` would be read as a date.
        "timestamp": scan.at.to_rfc3339_opts(SecondsFormat::Secs, false),
        "statusCode": status_code, "status": if code.is_empty() { words } else { code },
        "description": words, "location": {"address": address},
    })
}

/// Status code, event code and words for a meaning. An unconfirmed event code is used only if the words alone do not
/// give the meaning.
fn describe_meaning(meaning: Meaning) -> Option<[&'static str; 3]> {
    Some(match meaning {
        Status(LabelCreated) => ["pre-transit", "", "Shipment information received"],
        Status(PickedUp) => ["transit", "PU", "Shipment picked up"],
        Status(InTransit) => ["transit", "DF", "Departed facility"],
        Status(ReturnedToSender) => ["failure", "", "Returned to shipper"],
        Status(OutForDelivery) => ["transit", "WC", "With delivery courier"],
        Status(AvailableForPickup) => ["transit", "CC", "Awaiting collection by recipient"],
        Status(Delivered) => ["delivered", "OK", "Delivered"],
        Condition(Returned) => ["delivered", "", "Returned to shipper"],
        Condition(DeliveryAttemptFailed) => ["failure", "", "Delivery attempted, recipient not home"],
        Condition(Delayed) => ["transit", "TD", "Transport delay"],
        Condition(Held) => ["transit", "OH", "Shipment on hold"],
        Condition(AddressIssue) => ["failure", "BA", "Address information needed"],
        Condition(Other) => ["failure", "", "Shipment exception"],
        Status(Cancelled) | Condition(Returning | Damaged | Lost) => return None,
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => return None,
    })
}
