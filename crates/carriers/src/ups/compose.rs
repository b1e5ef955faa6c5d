//! A UPS Track Alert push of one event.

use chrono::{DateTime, FixedOffset};
use domain::ShipmentStatus::{self, *};
use serde_json::json;

use crate::compose::Compose;

/// The body of a Track Alert. UPS has a code for every status.
pub(crate) fn compose(scan: &Compose<'_>) -> Option<Vec<u8>> {
    let (kind, code, description_code, words) = words(scan.status);
    let (local, gmt) = (scan.at, scan.at.to_utc());
    let [city, state, country] = scan.place();
    let (due_date, due_time) = match scan.estimated_delivery {
        Some(due) => {
            let due = due.with_timezone(local.offset());
            (due.format("%Y%m%d").to_string(), due.format("%H%M%S").to_string())
        }
        None => Default::default(),
    };
    let body = json!({
        "trackingNumber": scan.tracking_number,
        "localActivityDate": local.format("%Y%m%d").to_string(),
        "localActivityTime": local.format("%H%M%S").to_string(),
        "activityLocation": {"city": city, "stateProvince": state, "postalCode": "", "country": country},
        "activityStatus": {"type": kind, "code": code, "description": words, "descriptionCode": description_code},
        "scheduledDeliveryDate": due_date,
        "actualDeliveryDate": "", "actualDeliveryTime": "",
        "gmtActivityDate": gmt.format("%Y%m%d").to_string(),
        "gmtActivityTime": gmt.format("%H%M%S").to_string(),
        "gmtOffset": offset(local),
        "deliveryStartTime": "", "deliveryEndTime": due_time, "deliveryTimeDescription": "",
    });
    Some(body.to_string().into_bytes())
}

/// Hours and minutes with a dot between: `-05.00`.
fn offset(at: DateTime<FixedOffset>) -> String {
    at.format("%:z").to_string().replace(':', ".")
}

/// Type, code, description code and UPS's words for a status.
fn words(status: ShipmentStatus) -> (&'static str, &'static str, &'static str, &'static str) {
    match status {
        LabelCreated => ("M", "MP", "003", "Shipment Ready for UPS"),
        PickedUp => ("I", "OR", "038", "Picked Up by UPS"),
        InTransit => ("I", "AR", "005", "On the Way"),
        ReturnedToSender => ("X", "UA", "034", "Returned to Sender"),
        OutForDelivery => ("I", "OT", "021", "Out for Delivery"),
        AvailableForPickup => ("D", "2Q", "161", "Delivered to UPS Access Point"),
        Delivered => ("D", "FS", "011", "Delivered"),
        Cancelled => ("MV", "VP", "007", "Shipment Information Voided"),
    }
}
