//! Refusals: why a request is not granted. A refusal is an answer, not a failure. A refused request has changed
//! nothing. `domain`, `app` and `api` make them; `api` turns them into members of a result. The functions of
//! [`Refusal`] only build one.

use crate::{
    ids::{ItemId, ShipmentId},
    input_field::InputField,
    status::OrderStatus,
    string_enum::string_enum,
};

string_enum! {
    /// Why an order cannot reach a status now.
    pub enum BlockerCode ("blocker") {
        /// The table of transitions has no such step.
        NotInTable => "not_in_table",
        /// The caller's role may not ask for this step.
        Role => "role",
        /// Shipments, or units in no shipment, are not that far.
        ShipmentsBehind => "shipments_behind",
        /// A carrier has shipments of the order already.
        ParcelsMoving => "parcels_moving",
        /// Units that were asked back have not come back.
        ReturnIncomplete => "return_incomplete",
    }
}

/// Why an order cannot reach a status now, and the shipments that are the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The reason, for programs.
    pub code: BlockerCode,
    /// The reason, for people.
    pub message: String,
    /// The shipments that are behind, or that move. Empty for other reasons.
    pub shipments: Vec<ShipmentId>,
}

string_enum! {
    /// Why a shipment cannot be registered, changed or cancelled.
    pub enum ShipmentRefusal ("shipment refusal") {
        /// The carrier has it, and reports no loss, damage or return.
        AlreadyMoving => "already_moving",
        /// It was delivered.
        AlreadyDelivered => "already_delivered",
        /// It is cancelled.
        AlreadyCancelled => "already_cancelled",
        /// The order is cancelled, or was delivered: it takes no more shipments.
        OrderClosed => "order_closed",
        /// A live shipment has this number.
        NumberInUse => "number_in_use",
        /// No unit that the caller may ship waits for a shipment.
        NothingToShip => "nothing_to_ship",
    }
}

/// Why a request that was understood is not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order cannot reach this status now.
    #[error("{}", .blocker.message)]
    InvalidTransition {
        /// The present status.
        from: OrderStatus,
        /// The wanted status.
        to: OrderStatus,
        /// The statuses that this caller could ask for instead.
        allowed: Vec<OrderStatus>,
        /// Why the wanted status cannot be reached.
        blocker: Blocker,
    },
    /// The caller expected another version of the order, so its information may be old.
    #[error("the order is at version {current}, not {expected}: look again before you change it")]
    VersionConflict {
        /// The version that the caller expected.
        expected: i32,
        /// The present version.
        current: i32,
    },
    /// What the request names does not exist, or the caller may not see it. Holds its kind: `shipment`.
    #[error("no {0} with that id")]
    NotFound(&'static str),
    /// The caller's role may not do this. Holds the reason, for people.
    #[error("{0}")]
    Forbidden(String),
    /// A value of the input is wrong.
    #[error("{message}")]
    InvalidInput {
        /// The place of the value in the input.
        field: InputField,
        /// What is wrong with the value, for people.
        message: String,
    },
    /// The request needs more units of an item than wait for a shipment.
    #[error("{asked} units asked for, but of {ordered} ordered {allocated} are in parcels already")]
    OverAllocated {
        /// The item that lacks units.
        item: ItemId,
        /// Units ordered, less cancelled ones.
        ordered: u32,
        /// Units in live shipments.
        allocated: u32,
        /// Units that the request needs.
        asked: u32,
    },
    /// The shipment cannot be registered or cancelled.
    #[error("{message}")]
    Shipment {
        /// The reason, for programs.
        code: ShipmentRefusal,
        /// The reason, for people.
        message: String,
    },
}

impl Refusal {
    /// The refusal of the value in this place. The message says what is wrong with it, for people.
    pub fn invalid(field: InputField, message: impl Into<String>) -> Self {
        Self::InvalidInput { field, message: message.into() }
    }

    /// The refusal of an item that does not exist or that this caller may not know of. The text is the same for both.
    pub(crate) fn no_item(field: InputField, id: ItemId) -> Self {
        Self::invalid(field, format!("the order has no item {id}"))
    }

    pub(crate) fn shipment(code: ShipmentRefusal, message: impl Into<String>) -> Self {
        Self::Shipment { code, message: message.into() }
    }
}
