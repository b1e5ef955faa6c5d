//! How far a shipment is, its rank in the roll-up, and the kinds of its trouble. Scans report a status or a condition;
//! the fold computes both from all scans of a shipment.

use crate::{status::OrderStatus, string_enum::string_enum};

string_enum! {
    /// How far a shipment is. The members are in ascending sequence: if scans report several, the last of them
    /// counts, except `ReturnedToSender` and `Cancelled`.
    pub enum ShipmentStatus ("shipment status") {
        /// A label exists; the carrier does not have the parcel.
        LabelCreated => "label_created",
        /// The carrier has the parcel.
        PickedUp => "picked_up",
        /// The parcel moves through the carrier's network.
        InTransit => "in_transit",
        /// The parcel goes back to its sender, or is back. Scans of the way to the customer do not end this; see
        /// [`fold`](crate::fold).
        ReturnedToSender => "returned_to_sender",
        /// The parcel is on the vehicle that delivers it.
        OutForDelivery => "out_for_delivery",
        /// The parcel waits for the customer at a pickup point.
        AvailableForPickup => "available_for_pickup",
        /// The parcel was delivered.
        Delivered => "delivered",
        /// The shipment was cancelled, by its carrier or in Milepost.
        Cancelled => "cancelled",
    }
}

impl ShipmentStatus {
    /// The rank of the units in a shipment with this status.
    pub const fn rank(self) -> Rank {
        match self {
            Self::Cancelled => Rank::None,
            Self::LabelCreated => Rank::Labelled,
            Self::PickedUp | Self::InTransit | Self::ReturnedToSender => Rank::Shipped,
            Self::OutForDelivery | Self::AvailableForPickup => Rank::OutForDelivery,
            Self::Delivered => Rank::Delivered,
        }
    }

    /// Whether a shipment with this status is neither delivered nor cancelled. No other shipment can then have its
    /// number.
    pub const fn is_on_its_way(self) -> bool {
        match self {
            Self::LabelCreated
            | Self::PickedUp
            | Self::InTransit
            | Self::ReturnedToSender
            | Self::OutForDelivery
            | Self::AvailableForPickup => true,
            Self::Delivered | Self::Cancelled => false,
        }
    }

    /// The status as a text for customers.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::LabelCreated => "Being prepared",
            Self::PickedUp => "Picked up",
            Self::InTransit => "In transit",
            Self::ReturnedToSender => "On its way back",
            Self::OutForDelivery => "Out for delivery",
            Self::AvailableForPickup => "Ready for collection",
            Self::Delivered => "Delivered",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// How far a unit is. Each higher rank allows the order one more status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// The unit is in no shipment, or in a cancelled one.
    None,
    /// The unit is in a shipment that has a label.
    Labelled,
    /// The carrier has the unit.
    Shipped,
    /// The unit is on the last leg, or waits at a pickup point.
    OutForDelivery,
    /// The unit was delivered.
    Delivered,
}

/// The rank of the units by the order's status alone, for an order without shipments.
pub(crate) const fn rank_without_shipments(status: OrderStatus) -> Rank {
    match status {
        OrderStatus::Placed
        | OrderStatus::PaymentConfirmed
        | OrderStatus::Processing
        | OrderStatus::Cancelled => Rank::None,
        OrderStatus::AwaitingPickup => Rank::Labelled,
        OrderStatus::Shipped => Rank::Shipped,
        OrderStatus::OutForDelivery => Rank::OutForDelivery,
        OrderStatus::Delivered | OrderStatus::ReturnInitiated | OrderStatus::Returned => Rank::Delivered,
    }
}

string_enum! {
    /// The kinds of trouble of a shipment beside its status.
    pub enum ConditionKind ("shipment condition") {
        /// The carrier tried to deliver and could not.
        DeliveryAttemptFailed => "delivery_attempt_failed",
        /// The delivery will be later than announced.
        Delayed => "delayed",
        /// The parcel is held: by customs, at a facility, or because somebody asked for it.
        Held => "held",
        /// The address is wrong or incomplete.
        AddressIssue => "address_issue",
        /// The parcel is damaged.
        Damaged => "damaged",
        /// The parcel is lost.
        Lost => "lost",
        /// The parcel is on its way back.
        Returning => "returning",
        /// The parcel is back at its sender.
        Returned => "returned",
        /// The carrier reports trouble of another kind.
        Other => "other",
    }
}

impl ConditionKind {
    /// Whether a person has to act before the shipment goes on.
    pub const fn action_required(self) -> bool {
        match self {
            Self::AddressIssue | Self::Damaged | Self::Lost | Self::Returning | Self::Returned => true,
            Self::DeliveryAttemptFailed | Self::Delayed | Self::Held | Self::Other => false,
        }
    }

    /// The trouble as a text for customers. The carrier's own text is not shown to them, because it can be anything.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::DeliveryAttemptFailed => "The carrier came and could not hand it over",
            Self::Delayed => "It will be later than expected",
            Self::Held => "The carrier holds it for the moment",
            Self::AddressIssue => "The carrier has a question about the address",
            Self::Damaged => "The carrier reports damage",
            Self::Lost => "The carrier cannot find it",
            Self::Returning => "It is on its way back to the sender",
            Self::Returned => "It is back at the sender",
            Self::Other => "The carrier reports a problem",
        }
    }
}
