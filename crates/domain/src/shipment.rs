//! A shipment: who carries it, what is in it, and how far it is.

use chrono::{DateTime, Utc};

use crate::{
    actor::{Actor, ActorKind},
    carrier::Carrier,
    ids::{ItemId, OrderId, ShipmentId},
    string_enum::string_enum,
};

string_enum! {
    /// How far a shipment is: the milestone. Later members win within a rank.
    pub enum ShipmentStatus ("shipment status") {
        /// A label exists; the carrier does not have the parcel.
        LabelCreated => "label_created",
        /// The carrier has it.
        PickedUp => "picked_up",
        /// It moves through the carrier's network.
        InTransit => "in_transit",
        /// It goes back to where it came from.
        ReturnedToSender => "returned_to_sender",
        /// It is on the vehicle that delivers it.
        OutForDelivery => "out_for_delivery",
        /// It waits for the customer at a pickup point.
        AvailableForPickup => "available_for_pickup",
        /// It was handed over.
        Delivered => "delivered",
        /// It will not travel.
        Cancelled => "cancelled",
    }
}

impl ShipmentStatus {
    /// How far a unit in such a shipment is, from 0 (nowhere) to 4 (handed over).
    pub const fn rank(self) -> Rank {
        match self {
            Self::Cancelled => Rank::None,
            Self::LabelCreated => Rank::Labelled,
            Self::PickedUp | Self::InTransit | Self::ReturnedToSender => Rank::Shipped,
            Self::OutForDelivery | Self::AvailableForPickup => Rank::OutForDelivery,
            Self::Delivered => Rank::Delivered,
        }
    }

    /// Whether it is still to arrive somewhere: neither handed over nor cancelled. Nobody else then has its number.
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

    /// The status as customers read it.
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

/// How far a unit is. Each rank allows the order one status more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// In no live shipment.
    None,
    /// In a shipment with a label.
    Labelled,
    /// With the carrier.
    Shipped,
    /// On the last leg, or waiting to be collected.
    OutForDelivery,
    /// Handed over.
    Delivered,
}

string_enum! {
    /// Trouble beside the milestone.
    pub enum ConditionKind ("shipment condition") {
        /// The carrier came and could not hand it over.
        DeliveryAttemptFailed => "delivery_attempt_failed",
        /// It will be later than said.
        Delayed => "delayed",
        /// It is held: customs, a facility, a request.
        Held => "held",
        /// The address is wrong or incomplete.
        AddressIssue => "address_issue",
        /// It is damaged.
        Damaged => "damaged",
        /// It is lost.
        Lost => "lost",
        /// It is on its way back.
        Returning => "returning",
        /// The carrier reports trouble that has no better name.
        Other => "other",
    }
}

impl ConditionKind {
    /// Whether somebody has to do something before the shipment goes on.
    pub const fn action_required(self) -> bool {
        match self {
            Self::AddressIssue | Self::Damaged | Self::Lost | Self::Returning => true,
            Self::DeliveryAttemptFailed | Self::Delayed | Self::Held | Self::Other => false,
        }
    }

    /// The trouble as customers read it: not the carrier's own words, which may be anything.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::DeliveryAttemptFailed => "The carrier came and could not hand it over",
            Self::Delayed => "It will be later than expected",
            Self::Held => "The carrier holds it for the moment",
            Self::AddressIssue => "The carrier has a question about the address",
            Self::Damaged => "The carrier reports damage",
            Self::Lost => "The carrier cannot find it",
            Self::Returning => "It is on its way back",
            Self::Other => "The carrier reports a problem",
        }
    }
}

/// What is wrong with a shipment now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What kind of trouble.
    pub kind: ConditionKind,
    /// The carrier's words, or ours where it has none.
    pub message: String,
    /// The carrier's time of the scan that said so.
    pub since: DateTime<Utc>,
}

string_enum! {
    /// Who sends a unit.
    pub enum OriginKind ("origin") {
        /// A warehouse of the merchant.
        Warehouse => "warehouse",
        /// A supplier, straight to the customer.
        Supplier => "supplier",
    }
}

/// Where a unit is sent from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Warehouse or supplier.
    pub kind: OriginKind,
    /// Which one, in the merchant's words.
    pub code: String,
}

impl Origin {
    /// Whether the actor is this supplier.
    pub fn is(&self, actor: &Actor) -> bool {
        self.kind == OriginKind::Supplier
            && actor.kind == ActorKind::Supplier
            && actor.id.as_ref() == Some(&self.code)
    }
}

/// What a shipment's scans amount to: the result of the fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// How far the shipment is. `Cancelled` here is the carrier's word; movement wins over it.
    pub status: ShipmentStatus,
    /// What is wrong, if anything.
    pub condition: Option<Condition>,
    /// When the carrier expects to deliver.
    pub estimated_delivery: Option<DateTime<Utc>>,
    /// The earliest scan that shows it with the carrier.
    pub shipped_at: Option<DateTime<Utc>>,
    /// Whether `shipped_at` stands on a later milestone: the carrier never reported this one.
    pub shipped_inferred: bool,
    /// The earliest scan that shows it on the last leg.
    pub out_for_delivery_at: Option<DateTime<Utc>>,
    /// Whether `out_for_delivery_at` stands on a later milestone.
    pub out_for_delivery_inferred: bool,
    /// The earliest scan that shows it handed over.
    pub delivered_at: Option<DateTime<Utc>>,
}

impl Tracking {
    /// A shipment with a label and no scan.
    pub fn labelled(estimated_delivery: Option<DateTime<Utc>>) -> Self {
        Self {
            status: ShipmentStatus::LabelCreated,
            condition: None,
            estimated_delivery,
            shipped_at: None,
            shipped_inferred: false,
            out_for_delivery_at: None,
            out_for_delivery_inferred: false,
            delivered_at: None,
        }
    }
}

/// One shipment of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Its id.
    pub id: ShipmentId,
    /// The order whose units it carries.
    pub order_id: OrderId,
    /// Who carries it.
    pub carrier: Carrier,
    /// The carrier's number for it, without blanks, in capitals.
    pub tracking_number: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What its scans amount to.
    pub tracking: Tracking,
    /// What was expected when it was registered; scans may say better.
    pub promised_delivery: Option<DateTime<Utc>>,
    /// When it was registered with us.
    pub created_at: DateTime<Utc>,
    /// When we called it off. Final: scans that still come change nothing.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Why we called it off.
    pub cancel_reason: Option<String>,
    /// The quantities it carries, by item.
    pub lines: Vec<Line>,
}

/// A quantity of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Which item.
    pub item_id: ItemId,
    /// How many units of it, at least one.
    pub quantity: u32,
}

impl Shipment {
    /// How far it is, our own cancellation included.
    pub fn status(&self) -> ShipmentStatus {
        if self.cancelled_at.is_some() { ShipmentStatus::Cancelled } else { self.tracking.status }
    }

    /// Whether it carries its units: everything but a cancelled one does, a delivered one too.
    pub fn is_live(&self) -> bool {
        self.status() != ShipmentStatus::Cancelled
    }

    /// Whether its carrier has it although we called it off: its units may travel twice.
    pub fn moves_though_called_off(&self) -> bool {
        self.cancelled_at.is_some() && self.tracking.status.rank() >= Rank::Shipped
    }
}
