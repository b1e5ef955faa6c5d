//! What a carrier's own code says beside the milestone of an aggregator.
//!
//! An aggregator's milestone is believed unless the carrier's own code beside it says less: AfterShip sends `InTransit`
//! with UPS's `MP`, which is a printed label.
//!
//! `easypost` and `aftership` call `limit_milestone` for each scan whose meaning is not the merchant's. `reported` is
//! what the aggregator says, and is returned unless the rule above applies.

use domain::{
    Carrier,
    Meaning::{self, Condition, Informational, ReturnCancelled, Status, Unknown},
    ShipmentStatus::{self, LabelCreated},
};

use crate::{dhl, fedex, ups, usps};

/// The milestone that counts: the aggregator's, or the one of the carrier's code if that is less far. Trouble, and
/// what is no milestone, stays as the aggregator tells it.
pub(crate) fn limit_milestone(carrier: Carrier, code: &str, reported: Meaning) -> Meaning {
    let (Status(told_status), Some(own)) = (reported, find_milestone(carrier, code)) else { return reported };
    if own.rank() < told_status.rank() && told_status != ShipmentStatus::Cancelled {
        Status(own)
    } else {
        reported
    }
}

/// The milestone of a carrier's own code. `None` if the code says nothing about how far the parcel is.
fn find_milestone(carrier: Carrier, code: &str) -> Option<ShipmentStatus> {
    let code = code.to_ascii_uppercase();
    let meaning = match carrier {
        // An order was created, so there is a label. That FedEx's own `OC` counts as shipped is an agreement about
        // FedEx's pushes.
        Carrier::FEDEX if code == "OC" => Status(LabelCreated),
        Carrier::FEDEX => fedex::find_code_meaning(&code),
        Carrier::UPS => ups::find_untyped_meaning(&code),
        Carrier::USPS => usps::find_code_meaning(&code),
        Carrier::DHL => dhl::find_code_meaning(&code),
        // Milepost has no table of this carrier's codes.
        _ => return None,
    };
    match meaning {
        Status(ShipmentStatus::Cancelled) | Condition(_) | ReturnCancelled | Informational | Unknown => None,
        Status(status) => Some(status),
    }
}

#[cfg(test)]
mod tests {
    use domain::{ConditionKind::Delayed, ShipmentStatus::*};

    use super::*;

    #[test]
    fn a_milestone_is_believed_unless_the_code_says_less() {
        for (carrier, code, told, counts) in [
            (Carrier::UPS, "MP", InTransit, LabelCreated),
            (Carrier::UPS, "mp", OutForDelivery, LabelCreated),
            (Carrier::UPS, "OT", InTransit, InTransit),
            // It has a meaning for each type, so it says nothing without one.
            (Carrier::UPS, "DP", InTransit, InTransit),
            (Carrier::FEDEX, "OC", InTransit, LabelCreated),
            (Carrier::FEDEX, "AR", OutForDelivery, InTransit),
            (Carrier::FEDEX, "PU", InTransit, InTransit),
            (Carrier::FEDEX, "DL", InTransit, InTransit),
            (Carrier::FEDEX, "HL", Delivered, AvailableForPickup),
            (Carrier::USPS, "GX", InTransit, LabelCreated),
            (Carrier::USPS, "OA", PickedUp, PickedUp),
            (Carrier::DHL, "PARCV", InTransit, LabelCreated),
            (Carrier::DHL, "WC", OutForDelivery, OutForDelivery),
            (Carrier::FEDEX, "CA", InTransit, InTransit),
            (Carrier::FEDEX, "QQ", InTransit, InTransit),
            (Carrier::USPS, "", Delivered, Delivered),
            (Carrier::parse("canada_post").unwrap(), "OC", InTransit, InTransit),
        ] {
            assert_eq!(limit_milestone(carrier, code, Status(told)), Status(counts), "{carrier} {code}");
        }
        for told in [Condition(Delayed), Informational, Unknown, Status(Cancelled)] {
            assert_eq!(limit_milestone(Carrier::FEDEX, "OC", told), told);
        }
    }
}
