//! Writes an EasyPost event about one tracker, with the whole history. Called by `Easypost::simulate`, for the
//! simulator and tests.
//!
//! `None`: EasyPost has no status for a scan, or there is no scan.

use chrono::SecondsFormat;
use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    mac::encode_hex,
    names,
    simulate::{SimulatedHistory, SimulatedScan},
};

/// The body, with the whole history. `None` if EasyPost has no status for one of the scans.
pub(super) fn simulate(history: &SimulatedHistory<'_>) -> Option<Vec<u8>> {
    let scans = history.describe_all(describe_meaning)?;
    let (_, (status, detail, _)) = *scans.last()?;
    let details: Vec<Value> = scans.iter().map(|(scan, words)| build_tracking_detail(scan, *words)).collect();
    let carrier = names::easypost_name(history.carrier);
    let date = history.estimated_delivery.map(|due| due.date_naive().to_string());
    let sent_at = history.sent_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let tracker = json!({
        "id": format!("trk_{}", derive_id(&[&carrier, history.tracking_number])),
        "object": "Tracker", "mode": "production",
        "tracking_code": history.tracking_number, "carrier": carrier,
        "status": status, "status_detail": detail,
        "est_delivery_date": date.as_ref().map(|date| format!("{date}T00:00:00Z")),
        "created_at": sent_at, "updated_at": sent_at, "shipment_id": null, "is_return": false,
        "tracking_details": details,
        "carrier_detail": {"est_delivery_date_local": date, "est_delivery_time_local": null},
    });
    let body = json!({
        // The id depends only on the content, so that the same push sent again has the same id.
        "id": format!("evt_{}", derive_id(&[&tracker.to_string()])),
        "object": "Event", "mode": "production", "description": "tracker.updated",
        "previous_attributes": {}, "created_at": sent_at, "updated_at": sent_at,
        "pending_urls": [], "completed_urls": [], "status": "pending",
        "result": tracker,
    });
    Some(body.to_string().into_bytes())
}

fn build_tracking_detail(scan: &SimulatedScan<'_>, (status, detail, words): (&str, &str, &str)) -> Value {
    let [city, state, country] = scan.place_parts();
    json!({
        "object": "TrackingDetail", "status": status, "status_detail": detail,
        // With an offset, never with `Z`, which is not always believed.
        "datetime": scan.at.to_rfc3339_opts(SecondsFormat::Secs, false),
        "source": "carrier", "carrier_code": "", "message": words,
        "tracking_location": {"object": "TrackingLocation", "city": city, "state": state, "country": country, "zip": null},
    })
}

/// An id that depends only on the parts.
fn derive_id(parts: &[&str]) -> String {
    encode_hex(&Sha256::digest(parts.join("\n"))[..16])
}

/// Status, detail and words for a meaning.
fn describe_meaning(meaning: Meaning) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match meaning {
        Status(LabelCreated) => ("pre_transit", "status_update", "Shipping label created"),
        Status(PickedUp) => ("in_transit", "received_at_origin_facility", "Accepted at origin facility"),
        Status(InTransit) => ("in_transit", "departed_facility", "Departed facility"),
        Status(ReturnedToSender) => ("return_to_sender", "return", "Returned to sender"),
        Condition(Returned) => ("delivered", "return", "Delivered to the sender"),
        Status(OutForDelivery) => ("out_for_delivery", "out_for_delivery", "Out for delivery"),
        Status(AvailableForPickup) => {
            ("available_for_pickup", "arrived_at_pickup_location", "Ready for pickup")
        }
        Status(Delivered) => ("delivered", "arrived_at_destination", "Delivered"),
        Status(Cancelled) => ("cancelled", "cancelled", "Shipment cancelled"),
        Condition(DeliveryAttemptFailed) => ("in_transit", "delivery_exception", "Delivery attempted"),
        Condition(Delayed) => ("in_transit", "weather_delay", "Delayed by the weather"),
        Condition(Held) => ("in_transit", "held", "Held"),
        Condition(AddressIssue) => ("in_transit", "address_correction", "Address to be corrected"),
        Condition(Damaged) => ("in_transit", "damaged", "Damage reported"),
        Condition(Lost) => ("failure", "lost", "Lost"),
        Condition(Other) => ("in_transit", "transit_exception", "Exception"),
        Condition(Returning) | Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => {
            return None;
        }
    })
}
