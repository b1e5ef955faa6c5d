//! The ten statuses of an order, and the one table of permitted transitions.
//!
//! Everything that enforces, shows or checks a transition reads [`TRANSITIONS`]: `Order::apply`, the field
//! `stateMachine` of the GraphQL API, and the diagram in ARCHITECTURE.md. A test compares the database's enum with
//! [`OrderStatus::ALL`].
//!
//! The guard asks `may_become` and `successors`. `is_terminal` ends subscriptions of `api` and forbids to close an
//! order. `is_open` says whether units can still be shipped, cancelled or answered for.

use crate::string_enum::string_enum;

string_enum! {
    /// How far an order is. The names are those in the database.
    pub enum OrderStatus ("order status") {
        /// The customer has ordered, and nothing is paid.
        Placed => "placed",
        /// The money has arrived, or is promised.
        PaymentConfirmed => "payment_confirmed",
        /// The units are being picked and packed.
        Processing => "processing",
        /// Every unit is packed and labelled, and not every unit is with a carrier.
        AwaitingPickup => "awaiting_pickup",
        /// Carriers have every unit.
        Shipped => "shipped",
        /// Every unit is on its last leg, at a pickup point, or further.
        OutForDelivery => "out_for_delivery",
        /// Every unit was delivered.
        Delivered => "delivered",
        /// The order was cancelled before it was shipped. Final.
        Cancelled => "cancelled",
        /// The customer sends units back.
        ReturnInitiated => "return_initiated",
        /// All units that were asked back have come back. Final.
        Returned => "returned",
    }
}

use OrderStatus::*;

/// Every permitted transition, `(from, to)`. All others are refused.
pub const TRANSITIONS: [(OrderStatus, OrderStatus); 14] = [
    (Placed, PaymentConfirmed),
    (Placed, Cancelled),
    (PaymentConfirmed, Processing),
    (PaymentConfirmed, Cancelled),
    (Processing, AwaitingPickup),
    (Processing, Shipped),
    (Processing, Cancelled),
    (AwaitingPickup, Shipped),
    (AwaitingPickup, Cancelled),
    (Shipped, OutForDelivery),
    (Shipped, Delivered),
    (OutForDelivery, Delivered),
    (Delivered, ReturnInitiated),
    (ReturnInitiated, Returned),
];

/// The statuses through which shipments move an order. Each step is a permitted transition.
pub const FULFILMENT_SEQUENCE: [OrderStatus; 5] =
    [Processing, AwaitingPickup, Shipped, OutForDelivery, Delivered];

impl OrderStatus {
    /// Whether the table permits the transition from this status to `to`.
    pub fn may_become(self, to: Self) -> bool {
        TRANSITIONS.contains(&(self, to))
    }

    /// The statuses that the table permits after this one.
    pub fn successors(self) -> impl Iterator<Item = Self> {
        TRANSITIONS.iter().filter(move |(from, _)| *from == self).map(|(_, to)| *to)
    }

    /// Whether no status can follow.
    pub fn is_terminal(self) -> bool {
        self.successors().next().is_none()
    }

    /// Whether units of such an order can still be shipped or cancelled.
    pub const fn is_open(self) -> bool {
        match self {
            Placed | PaymentConfirmed | Processing | AwaitingPickup | Shipped | OutForDelivery => true,
            Delivered | Cancelled | ReturnInitiated | Returned => false,
        }
    }

    /// The position in the [`FULFILMENT_SEQUENCE`], if the status is in it.
    pub(crate) fn position_in_sequence(self) -> Option<usize> {
        FULFILMENT_SEQUENCE.iter().position(|status| *status == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_made_of_permitted_steps() {
        for step in FULFILMENT_SEQUENCE.windows(2) {
            assert!(step[0].may_become(step[1]), "{} to {}", step[0], step[1]);
        }
    }

    #[test]
    fn the_table_has_one_beginning_and_two_ends() {
        let terminal: Vec<_> = OrderStatus::ALL.into_iter().filter(|s| s.is_terminal()).collect();
        assert_eq!(terminal, [Cancelled, Returned]);
        assert!(TRANSITIONS.iter().all(|(_, to)| *to != Placed));
        for status in OrderStatus::ALL {
            assert!(!status.may_become(status), "{status} to itself is no transition");
        }
    }
}
