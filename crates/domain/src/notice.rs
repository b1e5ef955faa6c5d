//! Messages owed to customers: for four statuses, once each.

use crate::{ids::OrderId, name::names, status::OrderStatus};

names! {
    /// What has become of a notice.
    pub enum NoticeState ("notice state") {
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

names! {
    /// Why a notice was not sent.
    pub enum Suppression ("suppression") {
        /// Newer news of the same order was there before it left.
        Superseded => "superseded",
        /// The order has no address.
        NoAddress => "no_address",
    }
}

/// Whether the customer is told when an order gets this status.
pub const fn is_owed(status: OrderStatus) -> bool {
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

/// The key that makes a notice the only one of its kind: `notify-{order}-{status}`.
pub fn key(order: OrderId, status: OrderStatus) -> String {
    format!("notify-{order}-{status}")
}
