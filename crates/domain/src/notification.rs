//! Notifications to customers: which statuses cause one, and the key that makes each unique.

use crate::{ids::OrderId, status::OrderStatus, string_enum::string_enum};

string_enum! {
    /// What became of a notification.
    pub enum NotificationState ("notification state") {
        /// It waits to be sent.
        Queued => "queued",
        /// The mail server accepted it.
        Sent => "sent",
        /// It is given up: the mail server refused it for good, or it could not be sent for too long.
        Failed => "failed",
        /// It is not sent. The reason is a [`Suppression`].
        Suppressed => "suppressed",
    }
}

string_enum! {
    /// Why a notification is not sent.
    pub enum Suppression ("suppression") {
        /// A newer notification of the same order was recorded before this one was sent.
        Superseded => "superseded",
        /// The order has no e-mail address.
        NoAddress => "no_address",
    }
}

/// Whether the customer gets a notification when an order reaches this status.
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

/// The unique key of a notification: `notify-{order}-{status}`. It allows one notification for each order and status.
pub fn notification_key(order: OrderId, status: OrderStatus) -> String {
    format!("notify-{order}-{status}")
}
