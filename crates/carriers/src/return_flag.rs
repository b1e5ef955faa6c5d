//! The flag with which some senders say that a parcel goes back to its sender: AfterShip `return_to_sender`, DHL
//! `returnFlag`, EasyPost `is_return`.
//!
//! `aftership`, `dhl::unified` and `easypost` call `apply_return_flag` after all scans are collected, only if the flag
//! is set. It changes the meanings, and with a meaning the identity of the scan.

use domain::{
    ConditionKind::{Returned, Returning},
    Meaning, ScanIdentity, ShipmentStatus,
};
use sha2::{Digest, Sha256};

use crate::parcel::ParsedScan;

/// Lets the flag of a sender that a parcel goes back to its sender decide what the scans mean: a delivery is the
/// arrival at the sender, every other step a part of the way back.
///
/// 1. If a scan itself says that the parcel goes back, nothing changes: that scan tells since when.
/// 2. A label stays a label, and trouble stays trouble.
/// 3. A scan with another meaning is another scan. So pushes with and without the flag give the same scans in any
///    sequence.
pub(crate) fn apply_return_flag(scans: &mut [ParsedScan]) {
    let (returned, returning) = (Meaning::Condition(Returned), Meaning::Condition(Returning));
    let news = [returned, returning, Meaning::Status(ShipmentStatus::ReturnedToSender)];
    if scans.iter().any(|scan| news.contains(&scan.meaning)) {
        return;
    }
    for scan in scans {
        let meaning = match scan.meaning {
            Meaning::Status(ShipmentStatus::Delivered) => returned,
            Meaning::Status(
                ShipmentStatus::PickedUp
                | ShipmentStatus::InTransit
                | ShipmentStatus::OutForDelivery
                | ShipmentStatus::AvailableForPickup,
            ) => returning,
            Meaning::Status(
                ShipmentStatus::LabelCreated | ShipmentStatus::ReturnedToSender | ShipmentStatus::Cancelled,
            )
            | Meaning::Condition(_)
            | Meaning::ReturnCancelled
            | Meaning::Informational
            | Meaning::Unknown => continue,
        };
        let mut hash = Sha256::new();
        hash.update(scan.identity.0);
        hash.update(meaning.as_str());
        (scan.identity, scan.meaning) = (ScanIdentity(hash.finalize().into()), meaning);
    }
}

#[cfg(test)]
mod tests {
    use domain::{CarrierTime, ConditionKind::*, Meaning::*, ShipmentStatus::*};

    use super::*;

    #[test]
    fn the_return_flag_makes_steps_a_way_back_unless_a_scan_says_when_it_began() {
        let scans = |meanings: &[Meaning]| -> Vec<ParsedScan> {
            let scan = |(number, meaning): (u8, &Meaning)| ParsedScan {
                identity: ScanIdentity([number; 32]),
                code: "c".to_owned(),
                meaning: *meaning,
                description: None,
                location: None,
                time: CarrierTime::Untrusted,
            };
            (0..).zip(meanings).map(scan).collect()
        };
        let told = scans(&[
            Status(LabelCreated),
            Status(InTransit),
            Condition(Delayed),
            Status(OutForDelivery),
            Status(Delivered),
            Informational,
        ]);
        let mut flagged = told.clone();
        apply_return_flag(&mut flagged);
        assert_eq!(
            flagged.iter().map(|scan| scan.meaning).collect::<Vec<_>>(),
            [
                Status(LabelCreated),
                Condition(Returning),
                Condition(Delayed),
                Condition(Returning),
                Condition(Returned),
                Informational
            ]
        );
        for (before, after) in told.iter().zip(&flagged) {
            assert_eq!(before.identity == after.identity, before.meaning == after.meaning);
        }
        for begins in [Condition(Returning), Status(ReturnedToSender), Condition(Returned)] {
            let dated = scans(&[Status(OutForDelivery), begins, Status(Delivered)]);
            let mut flagged = dated.clone();
            apply_return_flag(&mut flagged);
            assert_eq!(flagged, dated);
        }
    }
}
