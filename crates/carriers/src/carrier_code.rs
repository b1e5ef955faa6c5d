//! What a carrier's own code says beside the milestone of an aggregator.
//!
//! An aggregator's milestone is believed unless the carrier's own code beside it says less: AfterShip sends `InTransit`
//! with UPS's `MP`, which is a printed label.

use domain::{
    Carrier,
    Meaning::{self, Condition, Informational, ReturnCancelled, Status, Unknown},
    ShipmentStatus::{self, LabelCreated},
};

use crate::{dhl, fedex, ups, usps};

/// The milestone that counts: the aggregator's, or the one of the carrier's code if that is less far. Trouble, and
/// what is no milestone, stays as the aggregator tells it.
pub(crate) fn limit_milestone(carrier: Carrier, code: &str, told: Meaning) -> Meaning {
    let (Status(told_status), Some(own)) = (told, find_milestone(carrier, code)) else { return told };
    if own.rank() < told_status.rank() && told_status != ShipmentStatus::Cancelled {
        Status(own)
    } else {
        told
    }
}

/// The milestone of a carrier's own code. `None` if the code says nothing about how far the parcel is.
fn find_milestone(carrier: Carrier, code: &str) -> Option<ShipmentStatus> {
    let code = code.to_ascii_uppercase();
    let meaning = match carrier {
        // An order was created, so there is a label. That FedEx's own `OC` counts as shipped is an agreement about
        // FedEx's pushes.
        Carrier::Fedex if code == "OC" => Status(LabelCreated),
        Carrier::Fedex => fedex::find_code_meaning(&code),
        Carrier::Ups => ups::find_untyped_meaning(&code),
        Carrier::Usps => usps::find_code_meaning(&code),
        Carrier::Dhl => dhl::find_code_meaning(&code),
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
            (Carrier::Ups, "MP", InTransit, LabelCreated),
            (Carrier::Ups, "mp", OutForDelivery, LabelCreated),
            (Carrier::Ups, "OT", InTransit, InTransit),
            // It has a meaning for each type, so it says nothing without one.
            (Carrier::Ups, "DP", InTransit, InTransit),
            (Carrier::Fedex, "OC", InTransit, LabelCreated),
            (Carrier::Fedex, "AR", OutForDelivery, InTransit),
            (Carrier::Fedex, "PU", InTransit, InTransit),
            (Carrier::Fedex, "DL", InTransit, InTransit),
            (Carrier::Fedex, "HL", Delivered, AvailableForPickup),
            (Carrier::Usps, "GX", InTransit, LabelCreated),
            (Carrier::Usps, "OA", PickedUp, PickedUp),
            (Carrier::Dhl, "PARCV", InTransit, LabelCreated),
            (Carrier::Dhl, "WC", OutForDelivery, OutForDelivery),
            (Carrier::Fedex, "CA", InTransit, InTransit),
            (Carrier::Fedex, "QQ", InTransit, InTransit),
            (Carrier::Usps, "", Delivered, Delivered),
        ] {
            assert_eq!(limit_milestone(carrier, code, Status(told)), Status(counts), "{carrier} {code}");
        }
        for told in [Condition(Delayed), Informational, Unknown, Status(Cancelled)] {
            assert_eq!(limit_milestone(Carrier::Fedex, "OC", told), told);
        }
    }
}
