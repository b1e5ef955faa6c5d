//! Writes UPS Track Alert pushes, one for each scan. Called by `Ups::simulate`, for the simulator and tests.
//!
//! `None`: UPS has no code for a scan. `describe_meaning` has the type, the code, the description code and the words of
//! a meaning.

use chrono::{DateTime, FixedOffset};
use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Status},
    ShipmentStatus::*,
};
use serde_json::json;

use crate::simulate::{SimulatedHistory, SimulatedScan};

/// The bodies, one for each scan. `None` if UPS has no code for one of the scans.
pub(super) fn simulate(history: &SimulatedHistory<'_>) -> Option<Vec<Vec<u8>>> {
    let scans = history.describe_all(describe_meaning)?;
    Some(scans.into_iter().map(|(scan, words)| build_event(history, scan, words)).collect())
}

fn build_event(
    history: &SimulatedHistory<'_>,
    scan: &SimulatedScan<'_>,
    [kind, code, description_code, words]: [&str; 4],
) -> Vec<u8> {
    let (local, gmt) = (scan.at, scan.at.to_utc());
    let [city, state, country] = scan.place_parts();
    let (due_date, due_time) = match history.estimated_delivery {
        Some(due) => {
            let due = due.with_timezone(local.offset());
            (due.format("%Y%m%d").to_string(), due.format("%H%M%S").to_string())
        }
        None => Default::default(),
    };
    let body = json!({
        "trackingNumber": history.tracking_number,
        "localActivityDate": local.format("%Y%m%d").to_string(),
        "localActivityTime": local.format("%H%M%S").to_string(),
        "activityLocation": {"city": city, "stateProvince": state, "postalCode": "", "country": country},
        "activityStatus": {"type": kind, "code": code, "description": words, "descriptionCode": description_code},
        "scheduledDeliveryDate": due_date,
        "actualDeliveryDate": "", "actualDeliveryTime": "",
        "gmtActivityDate": gmt.format("%Y%m%d").to_string(),
        "gmtActivityTime": gmt.format("%H%M%S").to_string(),
        "gmtOffset": format_offset(local),
        "deliveryStartTime": "", "deliveryEndTime": due_time, "deliveryTimeDescription": "",
    });
    body.to_string().into_bytes()
}

/// The offset as hours and minutes with a dot between: `-05.00`.
fn format_offset(at: DateTime<FixedOffset>) -> String {
    at.format("%:z").to_string().replace(':', ".")
}

/// Type, code, description code and UPS's words for a meaning.
fn describe_meaning(meaning: Meaning) -> Option<[&'static str; 4]> {
    Some(match meaning {
        Status(LabelCreated) => ["M", "MP", "003", "Shipment Ready for UPS"],
        Status(PickedUp) => ["I", "OR", "038", "Picked Up by UPS"],
        Status(InTransit) => ["I", "AR", "005", "On the Way"],
        Status(ReturnedToSender) => ["X", "UA", "035", "Returning to Sender"],
        Status(OutForDelivery) => ["I", "OT", "021", "Out for Delivery"],
        Status(AvailableForPickup) => ["D", "2Q", "161", "Delivered to UPS Access Point"],
        Status(Delivered) => ["D", "FS", "011", "Delivered"],
        Status(Cancelled) => ["MV", "VP", "007", "Shipment Information Voided"],
        Condition(DeliveryAttemptFailed) => ["X", "48", "", "Delivery Attempted"],
        Condition(Returned) => ["X", "UA", "034", "Returned to Sender"],
        Condition(Returning) => ["X", "RV", "", "Returning to Sender"],
        Condition(Delayed) => ["X", "", "032", "Delay"],
        Condition(Held) => ["X", "", "058", "Held"],
        Condition(AddressIssue) => ["X", "", "050", "Address Information Required"],
        Condition(Damaged) => ["X", "", "059", "Damage Reported"],
        Condition(Lost) => ["X", "", "068", "Lost"],
        Condition(Other) => ["X", "", "013", "Exception"],
        Meaning::ReturnCancelled | Meaning::Informational | Meaning::Unknown => return None,
    })
}
