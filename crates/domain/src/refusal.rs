//! What a caller may expect to go wrong: facts, not failures. A refused request has changed nothing.

use crate::{
    ids::{ItemId, ShipmentId},
    status::OrderStatus,
    string_enum::string_enum,
};

string_enum! {
    /// Why a status cannot be had now.
    pub enum BlockerCode ("blocker") {
        /// The table has no such step.
        NotInTable => "not_in_table",
        /// The caller's role may not ask for it.
        Role => "role",
        /// Shipments are not that far.
        ShipmentsBehind => "shipments_behind",
        /// Shipments are on their way already.
        ParcelsMoving => "parcels_moving",
        /// Units asked back are not in yet.
        ReturnIncomplete => "return_incomplete",
    }
}

/// Why a status cannot be had now, with the shipments that stand in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The reason, for programs.
    pub code: BlockerCode,
    /// The reason, for people.
    pub message: String,
    /// The shipments behind, or moving.
    pub shipments: Vec<ShipmentId>,
}

string_enum! {
    /// Why a shipment cannot be registered or called off.
    pub enum ShipmentRefusal ("shipment refusal") {
        /// The carrier has it and reports no trouble.
        AlreadyMoving => "already_moving",
        /// It was handed over.
        AlreadyDelivered => "already_delivered",
        /// The order is cancelled, or was delivered.
        OrderClosed => "order_closed",
        /// A live shipment has that number.
        NumberInUse => "number_in_use",
        /// Every unit is in a shipment already.
        NothingToShip => "nothing_to_ship",
    }
}

/// A request that was understood and not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order cannot have that status now.
    #[error("{}", .blocker.message)]
    InvalidTransition {
        /// Where the order stands.
        from: OrderStatus,
        /// What was asked for.
        to: OrderStatus,
        /// What this caller could ask for instead.
        allowed: Vec<OrderStatus>,
        /// What stands in the way.
        blocker: Blocker,
    },
    /// The caller looked at an older version of the order.
    #[error("the order is at version {current}, not {expected}: look again before you change it")]
    VersionConflict {
        /// The version the caller named.
        expected: i32,
        /// The version there is.
        current: i32,
    },
    /// There is no such thing, or none the caller may see.
    #[error("no {0} with that id")]
    NotFound(&'static str),
    /// The caller's role may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// A value that cannot be right.
    #[error("{message}")]
    InvalidInput {
        /// The input's field, in the spelling of the API.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// More units than wait for a shipment.
    #[error("{asked} units asked for, but of {ordered} ordered {allocated} are in parcels already")]
    OverAllocated {
        /// Which item.
        item: ItemId,
        /// Units ordered, less those cancelled.
        ordered: u32,
        /// Units in live shipments.
        allocated: u32,
        /// Units asked for.
        asked: u32,
    },
    /// The shipment cannot be registered or called off.
    #[error("{message}")]
    Shipment {
        /// The reason, for programs.
        code: ShipmentRefusal,
        /// The reason, for people.
        message: String,
    },
}

impl Refusal {
    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidInput { field: field.into(), message: message.into() }
    }

    /// There is no such item, or none that this caller may know of.
    pub(crate) fn no_item(field: impl Into<String>, id: ItemId) -> Self {
        Self::invalid(field, format!("the order has no item {id}"))
    }

    pub(crate) fn shipment(code: ShipmentRefusal, message: impl Into<String>) -> Self {
        Self::Shipment { code, message: message.into() }
    }
}
