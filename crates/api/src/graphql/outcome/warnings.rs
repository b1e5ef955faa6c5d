//! Warnings: what a granted request may have got wrong.

use async_graphql::{Enum, SimpleObject};
use domain::TrackingNumber;

use super::super::carrier::CarrierCode;

/// What may be wrong although the request was granted.
#[derive(SimpleObject)]
pub struct ShipmentWarning {
    /// The kind of the warning, for programs.
    code: ShipmentWarningCode,
    /// The warning, as text for people.
    message: String,
    /// The carriers that the tracking number rather belongs to.
    carriers: Vec<CarrierCode>,
}

/// The kinds of warnings about a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ShipmentWarningCode {
    /// The tracking number has the format of another carrier, with the right check digit. If the carrier is wrong, the
    /// shipment never gets a scan.
    LikelyOtherCarrier,
}

/// The warnings about the number of a shipment. `name` returns the name of a carrier for people.
pub(super) fn check_number(
    number: &TrackingNumber,
    name: impl Fn(domain::Carrier) -> String,
) -> Vec<ShipmentWarning> {
    let likelier = carriers::likelier_carriers(number);
    if likelier.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = likelier.iter().map(|carrier| name(*carrier)).collect();
    let message = format!(
        "{number} looks like a number of {}, and the shipment is registered with {}",
        names.join(" or "),
        name(number.carrier()),
    );
    let carriers = likelier.into_iter().map(CarrierCode).collect();
    vec![ShipmentWarning { code: ShipmentWarningCode::LikelyOtherCarrier, message, carriers }]
}
