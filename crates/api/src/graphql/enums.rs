//! The enums of the domain as GraphQL enums. `remote` makes the compiler check that the members are the same.
//!
//! The doc comments here are the descriptions that clients read in the schema.

use async_graphql::Enum;
use serde::Serialize;

/// How far an order is. It is only as far as the slowest of its units that are not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::OrderStatus")]
pub enum OrderStatus {
    /// The customer has placed the order. It is not paid yet.
    Placed,
    /// The money has arrived, or the party that handles the payment has promised it.
    PaymentConfirmed,
    /// Somebody picks and packs the units. From this status on, shipments advance the order automatically.
    Processing,
    /// Every unit is packed and has a label. At least one unit is not with a carrier yet.
    AwaitingPickup,
    /// Carriers have every unit. If a carrier has only one of two shipments, the order is not `SHIPPED` yet.
    Shipped,
    /// Every unit is on the delivery vehicle, waits at a pickup point, or is already delivered.
    OutForDelivery,
    /// Every unit was handed over: to the customer, a neighbour, a safe place or a locker.
    Delivered,
    /// The order was cancelled before it was shipped. This status is final.
    Cancelled,
    /// The customer sends units back. Not all of them have arrived yet.
    ReturnInitiated,
    /// All units that were to be sent back have arrived. This status is final.
    Returned,
}

/// How far a shipment is: the furthest status that its scans report. A later scan that reports an earlier status does
/// not move it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::ShipmentStatus")]
pub enum ShipmentStatus {
    /// A label exists. The carrier does not have the parcel yet.
    LabelCreated,
    /// The carrier has the parcel.
    PickedUp,
    /// The parcel moves through the carrier's network.
    InTransit,
    /// The parcel goes back to its sender, or is back; the condition says which. Later scans of the carrier count for the
    /// way back only and do not move the order. It ends when the carrier calls the return off, or when staff records
    /// `OUT_FOR_DELIVERY`, `AVAILABLE_FOR_PICKUP` or `DELIVERED`. To ship its units again, cancel the shipment and create
    /// a new one.
    ReturnedToSender,
    /// The parcel is on the delivery vehicle.
    OutForDelivery,
    /// The parcel waits for the customer at a pickup point.
    AvailableForPickup,
    /// The parcel was handed over.
    Delivered,
    /// The shipment will not travel. Its units can go into another shipment. If only the carrier cancelled it and the
    /// carrier later reports a movement, the shipment gets the status of that movement.
    Cancelled,
}

/// Whether a shipment goes to the customer or comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::ShipmentDirection")]
pub enum ShipmentDirection {
    /// It goes to the customer.
    Outbound,
    /// The customer sends delivered units back in it. Its scans do not move the order, and no mail tells of them. It does
    /// not count in `progress`.
    Return,
}

/// A problem with a shipment. A shipment has it in addition to its status. Later progress clears it, except `RETURNING`
/// and `RETURNED`, which last as long as the status `RETURNED_TO_SENDER`. A delivery clears everything but `DAMAGED` and
/// `LOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::ConditionKind")]
pub enum ShipmentConditionKind {
    /// The carrier tried to deliver the parcel and could not hand it over.
    DeliveryAttemptFailed,
    /// The parcel will arrive later than expected.
    Delayed,
    /// The parcel is held: by customs, at a facility of the carrier, or because somebody asked for it.
    Held,
    /// The address is wrong or incomplete.
    AddressIssue,
    /// The parcel is damaged.
    Damaged,
    /// The parcel is lost.
    Lost,
    /// The parcel is on its way back to its sender.
    Returning,
    /// The parcel is back at its sender. To ship its units again, cancel the shipment and create a new one.
    Returned,
    /// The carrier reports a problem of another kind.
    Other,
}

/// The kinds of party that can change an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ActorKind")]
pub enum ActorKind {
    /// Milepost itself, or another system of the merchant.
    System,
    /// A carrier. It changes orders only through its scans.
    Carrier,
    /// The customer whose order it is.
    Customer,
    /// A person of the merchant's support staff.
    Support,
    /// A supplier that ships its own items to the customer.
    Supplier,
}

/// How the merchant planned to fulfil an order. The origins of its shipments show where its units really come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::FulfillmentPath")]
pub enum FulfillmentPath {
    /// One origin, normally one shipment.
    SingleWarehouse,
    /// Several shipments, from several warehouses or at several times.
    SplitShipment,
    /// A supplier ships items directly to the customer.
    Dropship,
}

/// The kind of place that sends a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::OriginKind")]
pub enum OriginKind {
    /// A warehouse of the merchant.
    Warehouse,
    /// A supplier that ships directly to the customer.
    Supplier,
}

/// What a scan changed when it was stored, or why it changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ScanEffect")]
pub enum ScanEffect {
    /// It changed the status, the condition or a time of the shipment.
    Applied,
    /// It changed nothing, because other scans already showed the same or more, or because the shipment was cancelled.
    Stale,
    /// Neither a code table nor a setting contains its code. The scan is stored and shown. Milepost never guesses what
    /// such a code means.
    UnknownCode,
    /// Its code does not say how far the shipment is.
    Informational,
    /// It moved the shipment before the order was in `PROCESSING`. The order advances with it as soon as it gets there.
    Early,
    /// It is about another parcel with the same tracking number: it is more than a day older than the order, or the
    /// carrier says that it is about another package.
    NotOurs,
    /// It belongs to a way back: of a shipment that was delivered before, or of one that goes back to its sender. Scans
    /// of the way back do not move the order.
    ReturnLeg,
    /// It arrived when the order was already `CANCELLED` or `RETURNED`.
    OrderClosed,
    /// Staff retracted it. It counts for nothing.
    Retracted,
}

/// What stands behind a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Evidence")]
pub enum ScanEvidence {
    /// The carrier reports what happened to the parcel.
    Physical,
    /// The carrier reports data, for example that a label was made. It does not show that the carrier has the parcel, so
    /// the shipment can still be cancelled.
    Electronic,
    /// Support or a system recorded it by hand.
    Staff,
    /// A supplier recorded it by hand. Unlike a scan by staff, it does not end the return of a shipment.
    Supplier,
}

/// The reason why an order cannot get a status now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::BlockerCode")]
pub enum BlockerCode {
    /// The order cannot go directly from its present status to this one. `stateMachine` lists all possible steps.
    NotInTable,
    /// The caller's role may not ask for this step.
    Role,
    /// At least one unit is not that far: its shipment is behind, or it is in no shipment yet.
    ShipmentsBehind,
    /// A carrier already has shipments of the order, so the order cannot be cancelled.
    ParcelsMoving,
    /// Units that the customer sends back have not arrived yet.
    ReturnIncomplete,
}

/// Whether a notification was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::NotificationState")]
pub enum NotificationState {
    /// It waits to be sent.
    Queued,
    /// The mail server accepted it.
    Sent,
    /// The mail server refused it permanently, or all attempts failed. There are no more attempts; `error` says why.
    Failed,
    /// It is not sent; `reason` says why.
    Suppressed,
}

/// Whether a webhook was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::WebhookState")]
pub enum WebhookState {
    /// It waits to be processed.
    Pending,
    /// Its scans are stored with their shipments.
    Processed,
    /// It contains nothing about a shipment, or nothing that can be read.
    Ignored,
    /// It waits until a shipment with its tracking number is registered.
    Unmatched,
    /// It could not be processed: the failure is permanent, or too many attempts failed. `retryWebhook` starts again.
    Failed,
}
