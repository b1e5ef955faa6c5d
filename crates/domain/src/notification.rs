//! Notifications to customers: which statuses cause one, the key that makes each unique, and which are not sent.
//!
//! `persistence::notifications` calls the functions when it writes what an order's changes tell, and a replay in `app`
//! to say what it would send. `NotificationKind::from_status` is `None` for a status that customers are not told.
//! `find_suppression` is `None` if the notification is to be sent.

use std::fmt::Display;

use chrono::TimeDelta;

use crate::{ids::OrderId, order::OrderHead, status::OrderStatus, string_enum::string_enum};

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
        /// The event had happened too long ago when it was recorded, see [`NotificationMaxAge`].
        Historical => "historical",
        /// The order has no e-mail address.
        NoAddress => "no_address",
        /// The recipient does not want to be notified. Nothing records this yet.
        OptedOut => "opted_out",
        /// The order was placed with the wish that nobody is notified.
        Muted => "muted",
        /// The delivery that it tells of was retracted before this one was sent.
        Retracted => "retracted",
    }
}

impl Suppression {
    /// The reason as text for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Superseded => "a newer event of the order was recorded before this mail left",
            Self::Historical => "the event had happened too long ago when it was recorded",
            Self::NoAddress => "the order has no e-mail address",
            Self::OptedOut => "the recipient does not want to be notified",
            Self::Muted => "the order was placed with `notify: false`",
            Self::Retracted => "the delivery was retracted before this mail left",
        }
    }
}

/// The longest time between an event and its recording after which a customer is still notified of it. The default is
/// three days, as long as a mail is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationMaxAge(pub TimeDelta);

impl Default for NotificationMaxAge {
    fn default() -> Self {
        Self(TimeDelta::days(3))
    }
}

string_enum! {
    /// What a notification tells the customer: that the order has got one of four statuses, spelled as the status, or a
    /// correction of what was told before.
    pub enum NotificationKind ("notification kind") {
        /// Carriers have every unit.
        Shipped => "shipped",
        /// Every unit is at least on its last leg, or waits at a pickup point.
        OutForDelivery => "out_for_delivery",
        /// Every unit was handed over.
        Delivered => "delivered",
        /// The order was cancelled.
        Cancelled => "cancelled",
        /// Correction: a tracking number that the customer was told is void, and another one takes its place.
        NumberReplaced => "number_replaced",
        /// Correction: the delivery that the customer was told of was none.
        DeliveryRetracted => "delivery_retracted",
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

    /// The status that it tells of. `None` for a correction.
    pub const fn status(self) -> Option<OrderStatus> {
        match self {
            Self::Shipped => Some(OrderStatus::Shipped),
            Self::OutForDelivery => Some(OrderStatus::OutForDelivery),
            Self::Delivered => Some(OrderStatus::Delivered),
            Self::Cancelled => Some(OrderStatus::Cancelled),
            Self::NumberReplaced | Self::DeliveryRetracted => None,
        }
    }
}

/// The key that makes a notification the only one about a fact for one recipient of an order: `notify-{order}-{fact}`
/// for the first recipient, `notify-{order}-{fact}-2` for the second one, and so on. `recipient` counts from 0, in the
/// sequence of [`OrderHead::recipients`]. That sequence never changes, so a key always means the same recipient. The
/// fact of a new status is the kind. Corrections have facts of their own, see [`Correction`](crate::Correction).
pub fn notification_key(order: OrderId, fact: impl Display, recipient: usize) -> String {
    match recipient {
        0 => format!("notify-{order}-{fact}"),
        later => format!("notify-{order}-{fact}-{}", later + 1),
    }
}

/// Why the notification of an event is not sent, if it is not. `delay` is the time from the event to its record. The
/// first of these reasons that holds counts:
///
/// 1. The order is muted.
/// 2. The order has no address.
/// 3. The event had happened more than `max_age` ago when it was recorded.
/// 4. A newer event of the order that causes a notification was recorded with it.
pub fn find_suppression(
    order: &OrderHead,
    delay: TimeDelta,
    is_newest: bool,
    max_age: NotificationMaxAge,
) -> Option<Suppression> {
    let reasons = [
        (Suppression::Muted, order.notifications_muted),
        (Suppression::NoAddress, order.customer_email.is_none()),
        (Suppression::Historical, delay > max_age.0),
        (Suppression::Superseded, !is_newest),
    ];
    reasons.into_iter().find_map(|(reason, holds)| holds.then_some(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_spelled_as_its_status_and_comes_back_from_it() {
        let of_status = NotificationKind::ALL.into_iter().filter_map(|kind| Some((kind, kind.status()?)));
        let of_status: Vec<_> = of_status.collect();
        for (kind, status) in &of_status {
            assert_eq!(kind.as_str(), status.as_str());
            assert_eq!(NotificationKind::from_status(*status), Some(*kind));
        }
        let told = OrderStatus::ALL.into_iter().filter_map(NotificationKind::from_status);
        assert_eq!(told.count(), of_status.len());
    }
}
