//! Shipments: the carrier, the units, the status and the condition of a shipment.
//!
//! A shipment is changed by `order/` alone. The functions here answer questions about one: for the rules (`rank`,
//! `is_live`, `outbound_rank`), for people (`describe`, `describe_trouble`, `expected_delivery`), which `api::track`
//! and the mails show, and for summaries of webhooks (`moves_though_cancelled`). For a shipment that goes back,
//! `outbound_rank` is the rank from before the return.
//!
//! `shipped_at` is when the carrier had the parcel first: `None` until it has it.

use chrono::{DateTime, Utc};

use crate::{
    actor::{Actor, ActorKind},
    carrier::Carrier,
    delivery_estimate::{DeliveryEstimate, ExpectedDelivery},
    ids::{ItemId, OrderId, ShipmentId},
    return_shipment::ShipmentDirection,
    scan::Scan,
    shipment_number::ShipmentNumber,
    status::OrderStatus,
    string_enum::string_enum,
    tracking_number::TrackingNumber,
};

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

/// The present trouble of a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The kind of trouble.
    pub kind: ConditionKind,
    /// The carrier's description, or the name of the kind if there is none.
    pub message: String,
    /// The time of the scan that reported the trouble.
    pub since: DateTime<Utc>,
}

impl Condition {
    /// The condition that a scan reports.
    pub(crate) fn from_scan(kind: ConditionKind, scan: &Scan) -> Self {
        let message = scan.description.clone().unwrap_or_else(|| kind.as_str().replace('_', " "));
        Self { kind, message, since: scan.occurred_at }
    }
}

string_enum! {
    /// Who sends units to the customer.
    pub enum OriginKind ("origin") {
        /// A warehouse of the merchant.
        Warehouse => "warehouse",
        /// A supplier, directly to the customer.
        Supplier => "supplier",
    }
}

/// Where units are sent from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether it is a warehouse or a supplier.
    pub kind: OriginKind,
    /// The merchant's code for the warehouse or the supplier.
    pub code: String,
}

impl Origin {
    /// The warehouse `main`, the place of units for which no place is planned.
    pub(crate) fn main_warehouse() -> Self {
        Self { kind: OriginKind::Warehouse, code: "main".to_owned() }
    }

    /// Whether the actor is the supplier of this origin.
    pub fn is_supplier(&self, actor: &Actor) -> bool {
        self.kind == OriginKind::Supplier
            && actor.kind == ActorKind::Supplier
            && actor.id.as_ref() == Some(&self.code)
    }
}

/// When a shipment, or the slowest shipment of an order, reached a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The time of a scan, or of the registration for a label.
    pub at: DateTime<Utc>,
    /// Whether no scan reports exactly this rank, so that the time comes from a later status.
    pub inferred: bool,
}

/// The state of a shipment, as the fold computes it from the scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// How far the shipment is. `Cancelled` means that its carrier cancelled it; a scan that shows movement replaces
    /// this status. A shipment that was cancelled in Milepost is loaded with `Cancelled` too, whatever its scans say.
    pub status: ShipmentStatus,
    /// How far the shipment was on its way to the customer when the return began. `Some` exactly if the scans give the
    /// status `ReturnedToSender`.
    pub status_before_return: Option<ShipmentStatus>,
    /// Whether more than data about the label shows that the carrier has had the parcel.
    pub in_possession: bool,
    /// The present trouble, if there is any.
    pub condition: Option<Condition>,
    /// When the delivery is expected: the estimate that was said last.
    pub estimated_delivery: Option<ExpectedDelivery>,
    /// When the carrier had the parcel, by the earliest scan that shows it.
    pub shipped: Option<Reached>,
    /// When the parcel was on its last leg or further, by the earliest scan that shows it.
    pub out_for_delivery: Option<Reached>,
    /// The time of the earliest scan of the delivery.
    pub delivered_at: Option<DateTime<Utc>>,
}

impl Tracking {
    /// The state of a shipment that has a label and no scan.
    pub fn labelled(estimated_delivery: Option<ExpectedDelivery>) -> Self {
        Self {
            status: ShipmentStatus::LabelCreated,
            status_before_return: None,
            in_possession: false,
            condition: None,
            estimated_delivery,
            shipped: None,
            out_for_delivery: None,
            delivered_at: None,
        }
    }

    /// When the carrier had the parcel.
    pub fn shipped_at(&self) -> Option<DateTime<Utc>> {
        self.shipped.map(|reached| reached.at)
    }
}

/// Units of one order that travel in one parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// The id of the shipment.
    pub id: ShipmentId,
    /// The order whose units it carries.
    pub order_id: OrderId,
    /// The carrier and its number of the shipment: the primary one of [`numbers`](Self::numbers).
    pub tracking_number: TrackingNumber,
    /// All its numbers, void ones too, in the sequence in which it got them.
    pub numbers: Vec<ShipmentNumber>,
    /// Where it is sent from.
    /// Whether it goes to the customer or comes back.
    pub direction: ShipmentDirection,
    /// Where it is sent from; of a return shipment, where it goes to.
    pub origin: Origin,
    /// Its state by its scans.
    pub tracking: Tracking,
    /// The last estimate of the merchant or of a supplier. A carrier's estimate that is said later replaces it.
    pub promised_delivery: Option<DeliveryEstimate>,
    /// When it was registered in Milepost.
    pub created_at: DateTime<Utc>,
    /// When it was cancelled in Milepost; `None` if it was not, or if only its carrier cancelled it. This is final:
    /// later scans still change `tracking`, but neither its status nor the order.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Why it was cancelled in Milepost.
    pub cancel_reason: Option<String>,
    /// The units in it, for each item.
    pub lines: Vec<ItemQuantity>,
}

/// A quantity of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItemQuantity {
    /// The item of the units.
    pub item_id: ItemId,
    /// The number of units, at least one.
    pub quantity: u32,
}

impl Shipment {
    /// The carrier of the shipment.
    pub const fn carrier(&self) -> Carrier {
        self.tracking_number.carrier()
    }

    /// How far it is. A cancellation in Milepost wins over its scans.
    pub fn status(&self) -> ShipmentStatus {
        if self.cancelled_at.is_some() { ShipmentStatus::Cancelled } else { self.tracking.status }
    }

    /// How far it is, as a text for customers.
    pub fn describe(&self) -> &'static str {
        let is_back = self.tracking.condition.as_ref().is_some_and(|it| it.kind == ConditionKind::Returned);
        match self.status() {
            ShipmentStatus::ReturnedToSender if is_back => "Back at the sender",
            ShipmentStatus::Delivered if !self.is_outbound() => "Back at the sender",
            status if !self.is_outbound() && status.is_on_its_way() && status.rank() >= Rank::Shipped => {
                ShipmentStatus::ReturnedToSender.describe()
            }
            status => status.describe(),
        }
    }

    /// Its trouble as a text for customers. A delivered shipment has none for them, and that it goes back is said by
    /// [`describe`](Self::describe).
    pub fn describe_trouble(&self) -> Option<&'static str> {
        let is_told = match self.status() {
            ShipmentStatus::Delivered | ShipmentStatus::ReturnedToSender | ShipmentStatus::Cancelled => false,
            ShipmentStatus::LabelCreated
            | ShipmentStatus::PickedUp
            | ShipmentStatus::InTransit
            | ShipmentStatus::OutForDelivery
            | ShipmentStatus::AvailableForPickup => true,
        };
        self.tracking.condition.as_ref().filter(|_| is_told).map(|condition| condition.kind.describe())
    }

    /// When the customer can expect it. `None` if it was delivered, is lost, or does not go to the customer.
    pub fn expected_delivery(&self) -> Option<ExpectedDelivery> {
        let is_lost = self.tracking.condition.as_ref().is_some_and(|it| it.kind == ConditionKind::Lost);
        let is_coming = self.is_outbound()
            && self.status().is_on_its_way()
            && self.status() != ShipmentStatus::ReturnedToSender;
        self.tracking.estimated_delivery.filter(|_| is_coming && !is_lost)
    }

    /// The rank that its units allow to the order. A return does not move the order, so for a shipment on its way back
    /// this is the rank from before the return.
    pub fn outbound_rank(&self) -> Rank {
        match (self.status(), self.tracking.status_before_return) {
            (ShipmentStatus::ReturnedToSender, Some(before)) => before.rank(),
            (status, _) => status.rank(),
        }
    }

    /// Whether it is not cancelled; a delivered one is live too. Units are allocated to the live shipments to the
    /// customer: [`live_shipments`].
    pub fn is_live(&self) -> bool {
        self.status() != ShipmentStatus::Cancelled
    }

    /// Whether it was cancelled in Milepost and its carrier has it nevertheless. Its units may then be sent twice.
    pub fn moves_though_cancelled(&self) -> bool {
        self.cancelled_at.is_some() && self.tracking.status.rank() >= Rank::Shipped
    }
}

/// The shipments to the customer that are not cancelled, and so carry units.
pub fn live_shipments(shipments: &[Shipment]) -> impl Iterator<Item = &Shipment> {
    shipments.iter().filter(|shipment| shipment.is_live() && shipment.is_outbound())
}
