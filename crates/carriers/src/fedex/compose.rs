//! A FedEx push of one scan, in the nested envelope.

use chrono::SecondsFormat;
use domain::ShipmentStatus::{self, *};
use serde_json::{Value, json};

use crate::compose::Compose;

/// The body, in the shape of an answer of the Track API. FedEx has a code for every status.
pub(crate) fn compose(scan: &Compose<'_>) -> Option<Vec<u8>> {
    let (code, words) = words(scan.status);
    let at = scan.at.to_rfc3339_opts(SecondsFormat::Secs, false);
    let [city, state, country] = scan.place();
    let place = json!({"city": city, "stateOrProvinceCode": state, "countryCode": country});
    let window = match scan.estimated_delivery {
        Some(ends) => json!({"ends": ends.to_rfc3339_opts(SecondsFormat::Secs, false)}),
        None => json!({}),
    };
    let dates = if scan.status == Delivered {
        json!([{"type": "ACTUAL_DELIVERY", "dateTime": at}])
    } else {
        json!([])
    };
    let body: Value = json!({"output": {"completeTrackResults": [{
        "trackingNumber": scan.tracking_number,
        "trackResults": [{
            "trackingNumberInfo": {
                "trackingNumber": scan.tracking_number,
                "carrierCode": "FDXG",
                "trackingNumberUniqueId": "",
            },
            "latestStatusDetail": {
                "code": code, "derivedCode": code, "statusByLocale": words, "description": words,
                "scanLocation": place,
            },
            "dateAndTimes": dates,
            "estimatedDeliveryTimeWindow": {"window": window},
            "scanEvents": [{
                "date": at, "eventType": code, "derivedStatusCode": code, "eventDescription": words,
                "exceptionCode": "", "exceptionDescription": "", "scanLocation": place,
            }],
        }],
    }]}});
    Some(body.to_string().into_bytes())
}

/// FedEx's code and words for a status. `OC` would be the natural one for a label; but by default it counts
/// as shipped, so a label is told by the vehicle that is on its way to fetch the parcel.
fn words(status: ShipmentStatus) -> (&'static str, &'static str) {
    match status {
        LabelCreated => ("EP", "Enroute to pickup"),
        PickedUp => ("PU", "Picked up"),
        InTransit => ("IT", "In transit"),
        ReturnedToSender => ("RS", "Returning package to shipper"),
        OutForDelivery => ("OD", "On FedEx vehicle for delivery"),
        AvailableForPickup => ("HL", "Hold at location"),
        Delivered => ("DL", "Delivered"),
        Cancelled => ("CA", "Shipment cancelled by sender"),
    }
}
