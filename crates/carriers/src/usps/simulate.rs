//! Writes a USPS push: the envelope, with the whole history as a JSON string in `payload`. Called by `Usps::simulate`,
//! for the simulator and tests.
//!
//! `None`: USPS has no code for a scan, or there is no scan.

use chrono::SecondsFormat;
use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::{Value, json};

use crate::simulate::{SimulatedHistory, SimulatedScan};

/// The body. `None` if USPS has no code for one of the scans.
pub(super) fn simulate(history: &SimulatedHistory<'_>) -> Option<Vec<u8>> {
    let scans = history.describe_all(describe_meaning)?;
    let (_, [_, _, category]) = *scans.last()?;
    // Newest first, as USPS writes them.
    let events: Vec<Value> = scans.iter().rev().map(|(scan, words)| build_event(scan, *words)).collect();
    let mut payload = json!({
        "trackingNumber": history.tracking_number,
        "mailClass": "USPS Ground Advantage<SUP>&#153;</SUP>",
        "statusCategory": category, "status": events.first()?.get("eventType"),
        "trackingEvents": events,
    });
    if let Some(due) = history.estimated_delivery {
        payload["expectedDeliveryDate"] = json!(due.format("%Y-%m-%d").to_string());
        payload["expectedDeliveryTime"] = json!(due.format("%H:%M").to_string());
    }
    let body = json!({
        "subscriptionId": "6f1c2a52-58f0-4f0e-9d2c-0d6a2f3f7c11",
        "subscriptionType": "TRACKING",
        "timestamp": history.sent_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "payload": payload.to_string(),
        "links": [],
    });
    Some(body.to_string().into_bytes())
}

fn build_event(scan: &SimulatedScan<'_>, [code, words, _]: [&str; 3]) -> Value {
    let [city, state, country] = scan.place_parts();
    json!({
        "eventCode": code, "eventType": words,
        "eventTimestamp": scan.at.format("%Y-%m-%dT%H:%M:00").to_string(),
        "GMTTimestamp": scan.at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true),
        "GMTOffset": scan.at.format("%:z").to_string(),
        "eventCity": city, "eventState": state, "eventZIP": "", "eventCountry": country,
    })
}

/// USPS's code and event type for a meaning, and the current status of a parcel in this state.
fn describe_meaning(meaning: Meaning) -> Option<[&'static str; 3]> {
    Some(match meaning {
        Status(LabelCreated) => ["GX", "Shipping Label Created, USPS Awaiting Item", "Pre-Shipment"],
        Status(PickedUp) => ["03", "Accepted", "Accepted"],
        Status(InTransit) => ["10", "Processed Through Facility", "In Transit"],
        Status(ReturnedToSender) => ["09", "Return to Sender", "Return to Sender"],
        Status(OutForDelivery) => ["OF", "Out for Delivery", "Out for Delivery"],
        Status(AvailableForPickup) => ["16", "Available for Pickup", "Available for Pickup"],
        Status(Delivered) => ["01", "Delivered", "Delivered"],
        Condition(DeliveryAttemptFailed) => ["02", "Notice Left", "Delivery Attempt"],
        Condition(Delayed) => ["08", "Missent", "Alert"],
        Condition(AddressIssue) => ["05", "Undeliverable as Addressed", "Alert"],
        Condition(Other) => ["44", "Recalled", "Alert"],
        Status(Cancelled) | Condition(Returning | Returned | Held | Damaged | Lost) => return None,
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => return None,
    })
}
