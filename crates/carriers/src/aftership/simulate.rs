//! Writes an AfterShip push, with every checkpoint of the history. Called by `Aftership::simulate`, for the simulator
//! and tests.
//!
//! `None`: AfterShip has no tag for a scan, or there is no scan. `derive_event_id` is a hash: the same push has the
//! same id.

use chrono::SecondsFormat;
use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    names,
    simulate::{SimulatedHistory, SimulatedScan},
};

/// The body. `None` if AfterShip has no tag for one of the scans.
pub(super) fn simulate(history: &SimulatedHistory<'_>) -> Option<Vec<u8>> {
    let scans = history.describe_all(describe_meaning)?;
    let (last, [tag, subtag, words]) = *scans.last()?;
    let slug = names::aftership_name(history.carrier);
    let returning =
        |(_, [_, subtag, _]): &(_, [&str; 3])| ["Exception_010", "Exception_011"].contains(subtag);
    // Oldest first, as AfterShip writes them.
    let checkpoints: Vec<Value> =
        scans.iter().map(|(scan, words)| build_checkpoint(history, scan, *words)).collect();
    let message = json!({
        "tracking_number": history.tracking_number, "slug": slug,
        "tag": tag, "subtag": subtag, "subtag_message": words,
        "order_id": null, "order_number": null,
        "expected_delivery": history.estimated_delivery.map(|due| due.format("%Y-%m-%d").to_string()),
        "return_to_sender": scans.iter().any(returning),
        "checkpoints": checkpoints,
    });
    let ts = history.sent_at.timestamp();
    let first = scans.iter().filter(|(scan, _)| scan.meaning == last.meaning).count() == 1;
    let body = json!({
        "event": "tracking_update", "event_id": derive_event_id(&message, ts),
        "is_tracking_first_tag": first, "ts": ts, "msg": message,
    });
    Some(body.to_string().into_bytes())
}

fn build_checkpoint(
    history: &SimulatedHistory<'_>,
    scan: &SimulatedScan<'_>,
    [tag, subtag, words]: [&str; 3],
) -> Value {
    let [city, state, country] = scan.place_parts();
    json!({
        "checkpoint_time": scan.at.to_rfc3339_opts(SecondsFormat::Secs, false),
        "created_at": scan.at.to_rfc3339_opts(SecondsFormat::Secs, false),
        "slug": names::aftership_name(history.carrier),
        "tag": tag, "subtag": subtag, "subtag_message": words, "raw_tag": "", "message": words,
        "city": city, "state": state, "postal_code": "", "country_region": country,
    })
}

/// A UUID computed from the content: the same push has the same UUID, another push another one.
fn derive_event_id(message: &Value, ts: i64) -> String {
    let hash = Sha256::digest(format!("{ts} {message}"));
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // The digits for version and variant are those of a random UUID.
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// AfterShip's tag, subtag and words for a meaning.
fn describe_meaning(meaning: Meaning) -> Option<[&'static str; 3]> {
    Some(match meaning {
        Status(LabelCreated) => ["InfoReceived", "InfoReceived_001", "Info Received"],
        Status(PickedUp) => ["InTransit", "InTransit_002", "Acceptance Scan"],
        Status(InTransit) => ["InTransit", "InTransit_003", "Arrival Scan"],
        Status(ReturnedToSender) => ["Exception", "Exception_010", "Returning to Sender"],
        Status(OutForDelivery) => ["OutForDelivery", "OutForDelivery_001", "Out for Delivery"],
        Status(AvailableForPickup) => ["AvailableForPickup", "AvailableForPickup_001", "Ready for Pickup"],
        Status(Delivered) => ["Delivered", "Delivered_001", "Delivered"],
        Condition(DeliveryAttemptFailed) => ["AttemptFail", "AttemptFail_001", "Failed Attempt"],
        Condition(Returned) => ["Exception", "Exception_011", "Returned to Sender"],
        Condition(Damaged) => ["Exception", "Exception_012", "Damaged"],
        Condition(Lost) => ["Exception", "Exception_013", "Lost"],
        Condition(Other) => ["Exception", "Exception_001", "Exception"],
        Status(Cancelled) | Condition(Returning | Delayed | Held | AddressIssue) => return None,
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => return None,
    })
}
