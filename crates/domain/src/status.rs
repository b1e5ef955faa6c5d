//! The ten states of an order and the one table of permitted transitions.
//!
//! Everything that enforces, shows or checks a transition reads [`TRANSITIONS`]: `Order::apply`, the
//! GraphQL `stateMachine`, the diagram in ARCHITECTURE.md, the tests of the database's enum.

use crate::string_enum::string_enum;

string_enum! {
    /// Where an order stands. The spelling is the database's.
    pub enum OrderStatus ("order status") {
        /// The customer ordered; nothing is paid.
        Placed => "placed",
        /// The money is there or promised.
        PaymentConfirmed => "payment_confirmed",
        /// Somebody is picking and packing.
        Processing => "processing",
        /// Every unit is packed and labelled; no carrier has it yet.
        AwaitingPickup => "awaiting_pickup",
        /// Carriers have every unit.
        Shipped => "shipped",
        /// Every unit is at least on its last leg, or waits at a pickup point.
        OutForDelivery => "out_for_delivery",
        /// Every unit was handed over.
        Delivered => "delivered",
        /// Nothing more will happen: called off before it was shipped.
        Cancelled => "cancelled",
        /// The customer sends something back.
        ReturnInitiated => "return_initiated",
        /// What was asked back is in. Nothing more will happen.
        Returned => "returned",
    }
}

use OrderStatus::*;

/// Every permitted transition, `(from, to)`. What is not here does not happen.
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

/// The part of the table that shipments move an order along, every step of it permitted.
pub const FULFILMENT_SEQUENCE: [OrderStatus; 5] =
    [Processing, AwaitingPickup, Shipped, OutForDelivery, Delivered];

impl OrderStatus {
    /// Whether the table permits the step from here to `to`.
    pub fn may_become(self, to: Self) -> bool {
        TRANSITIONS.contains(&(self, to))
    }

    /// The statuses the table permits from here.
    pub fn successors(self) -> impl Iterator<Item = Self> {
        TRANSITIONS.iter().filter(move |(from, _)| *from == self).map(|(_, to)| *to)
    }

    /// Whether nothing follows.
    pub fn is_terminal(self) -> bool {
        self.successors().next().is_none()
    }

    /// Whether something of it can still be shipped or called off.
    pub const fn is_open(self) -> bool {
        match self {
            Placed | PaymentConfirmed | Processing | AwaitingPickup | Shipped | OutForDelivery => true,
            Delivered | Cancelled | ReturnInitiated | Returned => false,
        }
    }

    /// The place on the [`FULFILMENT_SEQUENCE`] that shipments move an order along.
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
