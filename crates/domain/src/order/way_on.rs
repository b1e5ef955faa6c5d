//! The way on: for a status that an order cannot get by the table, the calls that lead to what the caller wants. A
//! refusal names them, so that nobody stands before a wall. The guard adds the text to its message.
//!
//! `None`: the permitted transitions say it all.

use crate::status::OrderStatus;

/// What a caller can do instead of a transition that the table does not have. `None` where the permitted transitions
/// say it all.
pub(super) const fn describe_way_on(from: OrderStatus, to: OrderStatus) -> Option<&'static str> {
    use OrderStatus::{
        AwaitingPickup, Cancelled, Delivered, OutForDelivery, PaymentConfirmed, Placed, Processing,
        ReturnInitiated, Returned, Shipped,
    };
    match (from, to) {
        (Cancelled | Returned, _) => Some("a new order can replace it (placeOrder with replaces)"),
        (Shipped | OutForDelivery, Cancelled) => Some(
            "cancel the shipments that will not arrive (cancelShipment) and then the units (cancelItems): with the last \
             unit the order is closed; or close it as it is (closeOrder)",
        ),
        (Shipped | OutForDelivery, ReturnInitiated | Returned) => {
            Some("a parcel that comes back before delivery is a shipment to cancel (cancelShipment)")
        }
        (Delivered, Cancelled | Returned) => {
            Some("ask the units back (initiateReturn), or close the order (closeOrder)")
        }
        (ReturnInitiated, Cancelled) => {
            Some("receive the units (receiveReturn), or write them off (writeOffReturn)")
        }
        (
            Placed | PaymentConfirmed | Processing | AwaitingPickup | Shipped | OutForDelivery | Delivered
            | ReturnInitiated,
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refused_cancellation_has_a_way_on() {
        for from in OrderStatus::ALL {
            let is_refused = !from.may_become(OrderStatus::Cancelled);
            assert_eq!(describe_way_on(from, OrderStatus::Cancelled).is_some(), is_refused, "{from}");
        }
    }
}
