//! How much a list counts towards the complexity of a query: its usual length times what is selected of an element.
//!
//! Connections count with the size of the page that is asked for. The other lists have the lengths below. An order can
//! hold far more than its usual number (1,000 items), so `running` also bounds what a list really returns.

/// Items of an order. The domain allows 1,000.
pub const ITEMS: usize = 10;
/// Shipments of an order. The domain allows as many as there are units.
pub const SHIPMENTS: usize = 4;
/// Items in one shipment.
pub const SHIPMENT_ITEMS: usize = 5;
/// Scans of one webhook. A webhook has at most 5,000.
pub const WEBHOOK_SCANS: usize = 20;
/// Notifications of an order: at most one for each status.
pub const NOTIFICATIONS: usize = 5;
/// Statuses: every element of `allowedTransitions`, and what `InvalidTransition.allowed` can name.
pub const STATUSES: usize = 10;
/// Steps of the state machine.
pub const STATE_MACHINE: usize = 15;
/// Unknown codes. There are at most 500.
pub const UNKNOWN_CODES: usize = 500;
/// Changes and failures of a replay.
pub const REPLAY_CHANGES: usize = 50;

/// The highest complexity of one list. Sums and products of it cannot overflow.
const MAX: usize = 1_000_000_000;

/// The complexity of a list of about `length` elements, each of this complexity.
pub fn list(length: usize, element: usize) -> usize {
    length.saturating_mul(element.max(1)).saturating_add(1).min(MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_costs_its_elements_and_itself() {
        assert_eq!(list(10, 3), 31);
        assert_eq!(list(10, 0), 11, "elements of which only `__typename` is selected are elements too");
        assert_eq!(list(0, 5), 1);
    }

    #[test]
    fn nested_lists_do_not_overflow() {
        let nested = (0..16).fold(1, |element, _| list(100, element));
        assert_eq!(nested, MAX);
        assert!(nested.checked_mul(5_000).is_some());
    }
}
