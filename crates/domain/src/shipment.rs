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
    scan::Scan,
    shipment_direction::ShipmentDirection,
    shipment_number::ShipmentNumber,
    shipment_status::{ConditionKind, Rank, ShipmentStatus},
    string_enum::string_enum,
    tracking_number::TrackingNumber,
};

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
    /// The numbers under which it is followed.
    pub fn live_numbers(&self) -> impl Iterator<Item = &TrackingNumber> {
        self.numbers.iter().filter(|one| one.void.is_none()).map(|one| &one.number)
    }

    /// The numbers that no other shipment may have while this one is on its way.
    pub fn exclusive_numbers(&self) -> impl Iterator<Item = &TrackingNumber> {
        self.numbers.iter().filter(|one| one.void.is_none() && !one.is_shared).map(|one| &one.number)
    }

    /// Whether it is followed under this number.
    pub fn has_number(&self, number: &TrackingNumber) -> bool {
        self.live_numbers().any(|own| own == number)
    }

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
