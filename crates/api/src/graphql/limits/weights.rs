//! The complexity of lists: the usual length of the list times the complexity of the selection of one element.
//!
//! For a connection, the length is the size of the requested page. The other lists have the lengths below. An order can
//! have far more elements than usual (1,000 items), so `meter` also limits what a list really returns.

/// Usual number of items of an order. The domain allows 1,000.
pub const ITEMS: usize = 10;
/// Usual number of shipments of an order. The domain allows as many as there are units.
pub const SHIPMENTS: usize = 4;
/// Usual number of items in one shipment.
pub const SHIPMENT_ITEMS: usize = 5;
/// Usual number of tracking numbers of one shipment. The domain allows 50.
pub const SHIPMENT_NUMBERS: usize = 2;
/// Usual number of revisions of the estimate of a shipment. At most 100 are read.
pub const ESTIMATES: usize = 5;
/// Usual number of scans of one webhook. A webhook has at most 5,000.
pub const WEBHOOK_SCANS: usize = 20;
/// Usual number of notifications of an order. There is at most one for each status and recipient.
pub const NOTIFICATIONS: usize = 5;
/// Usual number of failures of a webhook or notification. At most 20 are stored.
pub const FAILURES: usize = 3;
/// Usual number of orders that replace an order.
pub const REPLACEMENTS: usize = 2;
/// Number of statuses: the length of `allowedTransitions`, and the maximum length of `InvalidTransition.allowed`.
pub const STATUSES: usize = 10;
/// Number of transitions in `stateMachine`.
pub const STATE_MACHINE: usize = 15;
/// Maximum number of unknown codes in an answer.
pub const UNKNOWN_CODES: usize = 500;
/// Usual number of changes, and of failures, of a replay.
pub const REPLAY_CHANGES: usize = 50;

/// The highest complexity of one list. Sums of it, and the products that the library forms, do not overflow.
const MAX: usize = 1_000_000_000;

/// The complexity of a list of `length` elements, each of this complexity.
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
