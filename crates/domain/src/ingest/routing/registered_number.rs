//! Finds the number under which a parcel is registered, if its carrier pushes another number.
//!
//! 1. The pushed number itself, if a shipment has it.
//! 2. The same number with another carrier: the parcel was registered with the carrier that handed it over. Only if the
//!    number has the format of the carrier that pushes it.
//! 3. A further number that the carrier gives to the parcel.
//! 4. Rules 2 and 3 never guess: all shipments that they find must be one shipment, or the shipments in one box.
//!
//! `None` if no rule finds a number. The parcel is then routed by the number that was pushed.

use std::collections::BTreeSet;

use super::{ScanRouter, boxes::number_boxes};
use crate::{ids::ShipmentId, ingest::ParcelScans, tracking_number::TrackingNumber};

impl ScanRouter {
    /// The number by which the scans of the parcel are routed. `None` if no shipment has one of its numbers, or if
    /// several have.
    pub fn find_registered_number(&self, parcel: &ParcelScans) -> Option<&TrackingNumber> {
        if let Some((own, _)) = self.newest_first.get_key_value(&parcel.number) {
            return Some(own);
        }
        let with_text = |text: &str| self.by_text.get(text).into_iter().flatten();
        let handed_over = with_text(&parcel.number).filter(|_| parcel.has_carrier_format);
        let is_same_carrier = |number: &&TrackingNumber| number.carrier() == parcel.number.carrier();
        let others = parcel.other_numbers.iter().flat_map(|other| with_text(other).filter(is_same_carrier));
        let mut found: Vec<&TrackingNumber> = handed_over.chain(others).collect();
        found.sort_unstable();
        found.dedup();
        let shipments: BTreeSet<ShipmentId> =
            found.iter().flat_map(|number| &self.newest_first[*number]).map(|one| one.shipment_id).collect();
        match found[..] {
            [number] if shipments.len() > 1 => {
                let boxes: BTreeSet<usize> = number_boxes(&self.newest_first[number]).into_iter().collect();
                Some(number).filter(|_| boxes.len() == 1)
            }
            [number, ..] if shipments.len() == 1 => Some(number),
            _ => None,
        }
    }
}
