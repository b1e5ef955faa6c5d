//! Writes a FedEx push with the whole history, in the nested envelope. Called by `Fedex::simulate`, for the simulator
//! and tests.
//!
//! `None`: FedEx has no code for a scan, or there is no scan. `describe_meaning` has the code and the words of a
//! meaning.

use chrono::SecondsFormat;
use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::{Value, json};

use crate::simulate::{SimulatedHistory, SimulatedScan};

/// The body, in the form of an answer of the Track API. `None` if FedEx has no code for one of the scans.
pub(super) fn simulate(history: &SimulatedHistory<'_>) -> Option<Vec<u8>> {
    let scans = history.describe_all(describe_meaning)?;
    let (last, (code, words)) = *scans.last()?;
    // Newest first, as FedEx writes them.
    let events: Vec<Value> = scans.iter().rev().map(|(scan, words)| build_event(scan, *words)).collect();
    let window = match history.estimated_delivery {
        Some(ends) => json!({"ends": ends.to_rfc3339_opts(SecondsFormat::Secs, false)}),
        None => json!({}),
    };
    let dates = if last.meaning == Status(Delivered) {
        json!([{"type": "ACTUAL_DELIVERY", "dateTime": format_time(last)}])
    } else {
        json!([])
    };
    let body = json!({"output": {"completeTrackResults": [{
        "trackingNumber": history.tracking_number,
        "trackResults": [{
            "trackingNumberInfo": {
                "trackingNumber": history.tracking_number,
                "carrierCode": "FDXG",
                "trackingNumberUniqueId": "",
            },
            "latestStatusDetail": {
                "code": code, "derivedCode": code, "statusByLocale": words, "description": words,
                "scanLocation": build_location(last),
            },
            "dateAndTimes": dates,
            "estimatedDeliveryTimeWindow": {"window": window},
            "scanEvents": events,
        }],
    }]}});
    Some(body.to_string().into_bytes())
}

fn build_event(scan: &SimulatedScan<'_>, (code, words): (&str, &str)) -> Value {
    json!({
        "date": format_time(scan), "eventType": code, "derivedStatusCode": code, "eventDescription": words,
        "exceptionCode": "", "exceptionDescription": "", "scanLocation": build_location(scan),
    })
}

fn format_time(scan: &SimulatedScan<'_>) -> String {
    scan.at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn build_location(scan: &SimulatedScan<'_>) -> Value {
    let [city, state, country] = scan.place_parts();
    json!({"city": city, "stateOrProvinceCode": state, "countryCode": country})
}

/// FedEx's code and words for a meaning. Two codes are not the obvious ones:
///
/// - A label is `EP` (vehicle on its way to the pickup), because `OC` counts as shipped by default.
/// - A pickup is `OF`, because the time of a `PU` is not believed.
fn describe_meaning(meaning: Meaning) -> Option<(&'static str, &'static str)> {
    Some(match meaning {
        Status(LabelCreated) => ("EP", "Enroute to pickup"),
        Status(PickedUp) => ("OF", "Picked up"),
        Status(InTransit) => ("IT", "In transit"),
        Status(ReturnedToSender) => ("RS", "Returning package to shipper"),
        Status(OutForDelivery) => ("OD", "On FedEx vehicle for delivery"),
        Status(AvailableForPickup) => ("HL", "Hold at location"),
        Status(Delivered) => ("DL", "Delivered"),
        Status(Cancelled) => ("CA", "Shipment cancelled by sender"),
        Condition(DeliveryAttemptFailed) => ("DE", "Delivery exception"),
        Condition(Delayed) => ("DY", "Delay"),
        Condition(Other) => ("SE", "Shipment exception"),
        Condition(Returning | Returned | Held | AddressIssue | Damaged | Lost) => return None,
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => return None,
    })
}
