//! Writes a `track_updated` push of Shippo with the whole history. Called by `Shippo::simulate`, for the simulator and
//! tests.
//!
//! `None`: Shippo has no status for a scan, or there is no scan.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::{Value, json};

use crate::{
    names,
    simulate::{SimulatedHistory, SimulatedScan},
};

/// The body, with the whole history. `None` if Shippo has no status for one of the scans.
pub(super) fn simulate(history: &SimulatedHistory<'_>) -> Option<Vec<u8>> {
    let scans = history.describe_all(describe_meaning)?;
    let (last, words) = *scans.last()?;
    let states: Vec<Value> = scans
        .iter()
        .zip(1..)
        .map(|((scan, words), number)| {
            build_state(scan, *words, &format!("history_{number}"), history.sent_at)
        })
        .collect();
    let eta = history.estimated_delivery.map(|due| format!("{}T00:00:00Z", due.date_naive()));
    let body = json!({
        "event": "track_updated", "test": false,
        "data": {
            "carrier": names::shippo_name(history.carrier), "tracking_number": history.tracking_number,
            "transaction": null, "metadata": null, "messages": [],
            "eta": eta, "original_eta": eta,
            // The latest scan again, with another object id, as Shippo sends it.
            "tracking_status": build_state(last, words, "latest", history.sent_at),
            "tracking_history": states,
        },
    });
    Some(body.to_string().into_bytes())
}

fn build_state(
    scan: &SimulatedScan<'_>,
    (status, substatus, words): (&str, &str, &str),
    id: &str,
    sent_at: DateTime<Utc>,
) -> Value {
    let [city, state, country] = scan.place_parts();
    let written = sent_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({
        "object_id": id, "object_created": written, "object_updated": written,
        "status": status,
        "substatus": {"code": substatus, "text": words, "action_required": false},
        // With an offset, never with `Z`: midnight with `Z` would be read as a date.
        "status_date": scan.at.to_rfc3339_opts(SecondsFormat::Secs, false),
        "status_details": words,
        "location": {"city": city, "state": state, "zip": "", "country": country},
    })
}

/// Status, substatus and words for a meaning. Shippo has no status for a parcel that is cancelled or that has only
/// started its way back.
fn describe_meaning(meaning: Meaning) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match meaning {
        Status(LabelCreated) => ("PRE_TRANSIT", "information_received", "Shipping information received"),
        Status(PickedUp) => ("TRANSIT", "package_accepted", "Package accepted"),
        Status(InTransit) => ("TRANSIT", "package_departed", "Package departed a facility"),
        Status(ReturnedToSender) => ("RETURNED", "return_to_sender", "Returned to sender"),
        Status(OutForDelivery) => ("TRANSIT", "out_for_delivery", "Out for delivery"),
        Status(AvailableForPickup) => ("TRANSIT", "pickup_available", "Ready for pickup"),
        Status(Delivered) => ("DELIVERED", "delivered", "Delivered"),
        Condition(DeliveryAttemptFailed) => ("TRANSIT", "delivery_attempted", "Delivery attempted"),
        Condition(Delayed) => ("TRANSIT", "delayed", "Delayed"),
        Condition(Held) => ("TRANSIT", "package_held", "Package held"),
        Condition(AddressIssue) => ("TRANSIT", "address_issue", "Address to be corrected"),
        Condition(Damaged) => ("TRANSIT", "package_damaged", "Damage reported"),
        Condition(Lost) => ("FAILURE", "package_lost", "Lost"),
        Condition(Other) => ("TRANSIT", "contact_carrier", "Contact the carrier"),
        Status(Cancelled)
        | Condition(Returning | Returned)
        | Meaning::ReturnCancelled
        | Meaning::Informational
        | Meaning::Unknown => return None,
    })
}
