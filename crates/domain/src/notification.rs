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

string_enum! {
    /// What a notification tells the customer: that the order has got one of four statuses. The spelling is that of
    /// the status.
    pub enum NotificationKind ("notification kind") {
        /// Carriers have every unit.
        Shipped => "shipped",
        /// Every unit is at least on its last leg, or waits at a pickup point.
        OutForDelivery => "out_for_delivery",
        /// Every unit was handed over.
        Delivered => "delivered",
        /// The order was cancelled.
        Cancelled => "cancelled",
    }
}

impl NotificationKind {
    /// What the customer is told when an order gets this status. Nothing where the customer is not told.
    pub const fn from_status(status: OrderStatus) -> Option<Self> {
        match status {
            OrderStatus::Shipped => Some(Self::Shipped),
            OrderStatus::OutForDelivery => Some(Self::OutForDelivery),
            OrderStatus::Delivered => Some(Self::Delivered),
            OrderStatus::Cancelled => Some(Self::Cancelled),
            OrderStatus::Placed
            | OrderStatus::PaymentConfirmed
            | OrderStatus::Processing
            | OrderStatus::AwaitingPickup
            | OrderStatus::ReturnInitiated
            | OrderStatus::Returned => None,
        }
    }

    /// The status that it tells of.
    pub const fn status(self) -> OrderStatus {
        match self {
            Self::Shipped => OrderStatus::Shipped,
            Self::OutForDelivery => OrderStatus::OutForDelivery,
            Self::Delivered => OrderStatus::Delivered,
            Self::Cancelled => OrderStatus::Cancelled,
        }
    }
}

/// The key that makes a notification the only one of its kind: `notify-{order}-{kind}`.
pub fn notification_key(order: OrderId, kind: NotificationKind) -> String {
    format!("notify-{order}-{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_spelled_as_its_status_and_comes_back_from_it() {
        for kind in NotificationKind::ALL {
            assert_eq!(kind.as_str(), kind.status().as_str());
            assert_eq!(NotificationKind::from_status(kind.status()), Some(kind));
        }
        let told = OrderStatus::ALL.into_iter().filter_map(NotificationKind::from_status);
        assert_eq!(told.count(), NotificationKind::ALL.len());
    }
}
