//! The words of the domain as GraphQL enums. The compiler keeps the members the same.
//!
//! Their descriptions are the written definitions that clients read in the schema.

use async_graphql::Enum;
use serde::Serialize;

/// Where an order stands: as far as the slowest of its units that are still wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::OrderStatus")]
pub enum OrderStatus {
    /// The customer has ordered. Nothing is paid.
    Placed,
    /// The money is there, or promised by whoever handles the payment.
    PaymentConfirmed,
    /// Somebody is picking and packing. From here on shipments move the order by themselves.
    Processing,
    /// Every unit is packed and labelled. No carrier has it yet.
    AwaitingPickup,
    /// Carriers have every unit. One shipment of two is not enough.
    Shipped,
    /// Every unit is on the vehicle that delivers it, waits at a pickup point, or is there already.
    OutForDelivery,
    /// Every unit was handed over: to the customer, a neighbour, a safe place or a locker.
    Delivered,
    /// Called off before it was shipped. Nothing more will happen.
    Cancelled,
    /// The customer sends something back. It has not come in yet.
    ReturnInitiated,
    /// What was asked back has come in. Nothing more will happen.
    Returned,
}

/// How far a shipment is. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::ShipmentStatus")]
pub enum ShipmentStatus {
    /// A label exists. The carrier does not have the parcel.
    LabelCreated,
    /// The carrier has the parcel.
    PickedUp,
    /// The shipment moves through the carrier's network.
    InTransit,
    /// The shipment goes back to where it came from. Cancel the shipment and ship anew.
    ReturnedToSender,
    /// The shipment is on the vehicle that delivers it.
    OutForDelivery,
    /// The shipment waits for the customer at a pickup point.
    AvailableForPickup,
    /// The shipment was handed over.
    Delivered,
    /// The shipment will not travel. Its units wait for another one.
    Cancelled,
}

/// Trouble with a shipment, beside its status. Later progress clears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::ConditionKind")]
pub enum ShipmentConditionKind {
    /// The carrier came and could not hand it over.
    DeliveryAttemptFailed,
    /// It will be later than said.
    Delayed,
    /// It is held: by customs, at a facility, on request.
    Held,
    /// The address is wrong or incomplete.
    AddressIssue,
    /// It is damaged.
    Damaged,
    /// It is lost.
    Lost,
    /// It is on its way back.
    Returning,
    /// The carrier reports trouble that has no better name.
    Other,
}

/// Who carries a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::Carrier")]
pub enum Carrier {
    /// FedEx.
    Fedex,
    /// United Parcel Service.
    Ups,
    /// United States Postal Service.
    Usps,
    /// DHL.
    Dhl,
}

/// The kinds of party that act on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ActorKind")]
pub enum ActorKind {
    /// Milepost itself, or another system of the merchant.
    System,
    /// A carrier, through its scans.
    Carrier,
    /// The customer whose order it is.
    Customer,
    /// A person of the merchant's support.
    Support,
    /// A supplier who ships its own items.
    Supplier,
}

/// How the merchant planned to fulfil an order. What happens is told by the origins of items and shipments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::FulfillmentPath")]
pub enum FulfillmentPath {
    /// One origin, normally one shipment.
    SingleWarehouse,
    /// Several shipments, from several warehouses or at several times.
    SplitShipment,
    /// A supplier ships to the customer.
    Dropship,
}

/// Who sends a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::OriginKind")]
pub enum OriginKind {
    /// A warehouse of the merchant.
    Warehouse,
    /// A supplier, straight to the customer.
    Supplier,
}

/// What a scan did when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ScanEffect")]
pub enum ScanEffect {
    /// It changed what we say about the shipment.
    Applied,
    /// It said nothing new.
    Stale,
    /// Its code is not listed. It is kept and shown, and never guessed at.
    UnknownCode,
    /// Its code says nothing about where the shipment is.
    Informational,
    /// It moved the shipment before the order was in processing. The order takes it up when it gets there.
    Early,
    /// It is about another parcel with the same number: more than a day older than the order, or, by the carrier's own
    /// account, of another package.
    NotOurs,
    /// It belongs to the way back of a delivered shipment.
    ReturnLeg,
    /// It came for an order that is closed.
    OrderClosed,
}

/// Why an order cannot have a status now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::BlockerCode")]
pub enum BlockerCode {
    /// The table of transitions has no such step.
    NotInTable,
    /// The caller's role may not ask for it.
    Role,
    /// Shipments are not that far.
    ShipmentsBehind,
    /// Shipments are on their way already.
    ParcelsMoving,
    /// Units asked back are not in yet.
    ReturnIncomplete,
}

/// What has become of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::NotificationState")]
pub enum NotificationState {
    /// It waits for its turn.
    Queued,
    /// The mail server took it.
    Sent,
    /// The mail server refused it for good.
    Failed,
    /// It was not sent, for the reason beside it.
    Suppressed,
}

/// What has become of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::WebhookState")]
pub enum WebhookState {
    /// It waits for its turn.
    Pending,
    /// Its scans are with their shipments.
    Processed,
    /// It says nothing about a shipment, or nothing readable.
    Ignored,
    /// It waits for a shipment with its number to be registered.
    Unmatched,
    /// Reading it failed for good, or as often as it may. `retryWebhook` has it read again.
    Failed,
}
