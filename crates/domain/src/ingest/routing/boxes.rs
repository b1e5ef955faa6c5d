//! Boxes: several orders in one box have shipments that share a tracking number. Each of them follows the scans.

use super::TrackedShipment;

impl TrackedShipment {
    /// Whether this shipment is in the box of an earlier one: it was registered to share its number, and the earlier
    /// one used the number until then.
    fn shares_box_with(&self, earlier: &Self) -> bool {
        let was_cancelled = earlier.cancelled_at.is_some_and(|at| at <= self.created_at);
        let was_delivered = earlier.delivery().is_some_and(|at| at < self.placed_at);
        self.is_shared && !was_cancelled && !was_delivered
    }
}

/// Numbers the boxes of shipments with one tracking number, in the sequence of the shipments. `newest_first` is sorted.
pub(super) fn number_boxes(newest_first: &[TrackedShipment]) -> Vec<usize> {
    let mut boxes = vec![0; newest_first.len()];
    for place in (0..newest_first.len()).rev() {
        let mut earlier = place + 1..newest_first.len();
        let of_box = earlier.find(|other| newest_first[place].shares_box_with(&newest_first[*other]));
        boxes[place] = of_box.map_or(place, |other| boxes[other]);
    }
    boxes
}
