//! The members of result unions that say why a mutation was refused.

use async_graphql::{ID, Interface, SimpleObject};
use domain::{InputField, Refusal};

use super::super::{
    enums::OrderStatus,
    input_path::build_input_path,
    limits::weights::{STATUSES, list},
    order::Order,
    resend::NotificationQueued,
    transition::Blocker,
};

/// Why a mutation was refused.
#[derive(Interface)]
#[graphql(field(name = "message", ty = "&String", desc = "The reason, for people."))]
pub enum Problem {
    /// The order cannot get the status now.
    InvalidTransition(InvalidTransition),
    /// The order has another version than expected.
    VersionConflict(VersionConflict),
    /// The record does not exist, or the caller may not see it.
    NotFound(NotFound),
    /// The caller's role may not do this.
    Forbidden(Forbidden),
    /// A value of the input is not valid.
    InvalidInput(InvalidInput),
    /// The idempotency key was used before with another input.
    IdempotencyMismatch(IdempotencyMismatch),
    /// The shipment cannot be registered, changed or cancelled.
    ShipmentRefused(ShipmentRefused),
    /// More units are asked for than are free.
    OverAllocated(OverAllocated),
    /// The customer has placed too many orders within a minute.
    TooManyOrders(TooManyOrders),
    /// The notification waits to be sent already.
    NotificationQueued(NotificationQueued),
}

/// The order cannot get the requested status now.
#[derive(SimpleObject)]
pub struct InvalidTransition {
    /// The reason, as text for people.
    pub(super) message: String,
    /// The present status of the order.
    pub(super) from: OrderStatus,
    /// The requested status.
    pub(super) to: OrderStatus,
    /// The statuses that this caller could request instead.
    #[graphql(complexity = "list(STATUSES, child_complexity)")]
    pub(super) allowed: Vec<OrderStatus>,
    /// What prevents the change.
    pub(super) blocked_by: Blocker,
}

/// The order has changed since the caller read it: its version is not `expectedVersion`.
#[derive(SimpleObject)]
pub struct VersionConflict {
    /// The reason, as text for people.
    pub(super) message: String,
    /// The present version of the order.
    pub(super) current_version: i32,
    /// The order as it is now.
    pub(super) order: Order,
}

/// The record does not exist, or the caller may not see it.
#[derive(SimpleObject)]
pub struct NotFound {
    /// The reason, as text for people.
    pub(super) message: String,
}

/// The caller's role may not do this.
#[derive(SimpleObject)]
pub struct Forbidden {
    /// The reason, as text for people.
    pub(super) message: String,
}

impl NotFound {
    pub(in super::super) fn new(refusal: &Refusal) -> Self {
        Self { message: refusal.to_string() }
    }
}

impl Forbidden {
    pub(in super::super) fn new(refusal: &Refusal) -> Self {
        Self { message: refusal.to_string() }
    }
}

/// A value of the input is not valid, or not valid now.
#[derive(SimpleObject)]
pub struct InvalidInput {
    /// The reason, as text for people.
    pub(super) message: String,
    /// The path of the value in the input, for example `items[0].quantity`.
    pub(super) field: String,
}

impl InvalidInput {
    pub(in super::super) fn new(message: String, field: InputField) -> Self {
        Self { message, field: build_input_path(field) }
    }
}

/// The idempotency key was used before, with another operation or another input.
#[derive(SimpleObject)]
pub struct IdempotencyMismatch {
    /// The reason, as text for people.
    pub(in super::super) message: String,
}

/// The customer has already placed as many orders within a minute as the merchant allows.
#[derive(SimpleObject)]
pub struct TooManyOrders {
    /// The reason, as text for people.
    pub(super) message: String,
    /// How many orders a customer may place in a minute.
    pub(super) per_minute: u32,
    /// The number of seconds until the customer may place the next order.
    pub(super) retry_after: u32,
}

/// The shipment cannot be registered, changed or cancelled.
#[derive(SimpleObject)]
pub struct ShipmentRefused {
    /// The reason, as text for people.
    pub(super) message: String,
    /// The reason, as a code for programs: `ALREADY_MOVING`, `ALREADY_DELIVERED`, `ALREADY_CANCELLED`,
    /// `ORDER_CLOSED`, `NUMBER_IN_USE` or `NOTHING_TO_SHIP`.
    pub(super) code: String,
}

/// The request wants to ship more units of an item than are free.
#[derive(SimpleObject)]
pub struct OverAllocated {
    /// The reason, as text for people.
    pub(super) message: String,
    /// The id of the item.
    pub(super) item_id: ID,
    /// How many units were ordered, without the cancelled ones.
    pub(super) ordered: u32,
    /// How many units are in shipments that are not cancelled.
    pub(super) allocated: u32,
    /// How many units were requested.
    pub(super) asked: u32,
}
