//! Messages owed to customers: for four statuses, once each.

use crate::{ids::OrderId, status::OrderStatus, string_enum::string_enum};

string_enum! {
    /// What has become of a notification.
    pub enum NotificationState ("notification state") {
        /// It waits for its turn.
        Queued => "queued",
        /// The mail server took it.
        Sent => "sent",
        /// The mail server refused it for good.
        Failed => "failed",
        /// It was not sent, for the reason beside it.
        Suppressed => "suppressed",
    }
}

string_enum! {
    /// Why a notification was not sent.
    pub enum Suppression ("suppression") {
        /// Newer news of the same order was there before it left.
        Superseded => "superseded",
        /// The order has no address.
        NoAddress => "no_address",
    }
}

/// Whether the customer is told when an order gets this status.
pub const fn notifies_customer(status: OrderStatus) -> bool {
    match status {
        OrderStatus::Shipped
        | OrderStatus::OutForDelivery
        | OrderStatus::Delivered
        | OrderStatus::Cancelled => true,
        OrderStatus::Placed
        | OrderStatus::PaymentConfirmed
        | OrderStatus::Processing
        | OrderStatus::AwaitingPickup
        | OrderStatus::ReturnInitiated
        | OrderStatus::Returned => false,
    }
}

/// The key that makes a notification the only one of its kind: `notify-{order}-{status}`.
pub fn notification_key(order: OrderId, status: OrderStatus) -> String {
    format!("notify-{order}-{status}")
}
