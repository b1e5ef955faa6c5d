//! How long an order may stay in a status before somebody should look.

use chrono::TimeDelta;

use crate::status::OrderStatus;

/// The longest stay in a status that is nothing to worry about, by our clock. Nothing: never stuck there.
pub const fn default_patience(status: OrderStatus) -> Option<TimeDelta> {
    match status {
        OrderStatus::Placed | OrderStatus::OutForDelivery => Some(TimeDelta::hours(24)),
        OrderStatus::PaymentConfirmed => Some(TimeDelta::hours(4)),
        OrderStatus::Processing | OrderStatus::AwaitingPickup => Some(TimeDelta::hours(48)),
        OrderStatus::Shipped => Some(TimeDelta::days(7)),
        OrderStatus::ReturnInitiated => Some(TimeDelta::days(14)),
        OrderStatus::Delivered | OrderStatus::Cancelled | OrderStatus::Returned => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_only_where_somebody_can_still_act() {
        for status in OrderStatus::ALL {
            let settled = status.is_terminal() || status == OrderStatus::Delivered;
            assert_eq!(default_patience(status).is_none(), settled, "{status}");
        }
    }
}
