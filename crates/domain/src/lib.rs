//! The domain of Milepost: orders, shipments and scans, and the rules that change them.
//!
//! 1. All of it is pure functions and values. There is no `async`, no I/O, no clock and no random number: times and ids
//!    are arguments. What is "written", "recorded" or "noted" here is a change of a value in memory.
//! 2. [`Order::place`] creates an order. [`Order::apply`] is the only way to change one. `app` calls both, and
//!    `persistence` writes the [`Changes`].
//! 3. [`TRANSITIONS`] is the only table of permitted transitions.
//! 4. A request that is not granted answers a [`Refusal`], and has changed nothing. A text that cannot be parsed is an
//!    error of its type.

#![warn(missing_docs)]

#[cfg(test)]
extern crate self as domain;

mod activity;
mod actor;
mod carrier;
mod delivery_estimate;
mod email;
mod error_chain;
mod ids;
pub mod ingest;
mod input_field;
mod item;
pub mod money;
pub mod notification;
mod number_in_use;
mod order;
mod progress;
mod refusal;
mod return_shipment;
pub mod rollup;
mod scan;
mod shipment;
mod shipment_direction;
mod shipment_number;
mod shipment_status;
mod status;
mod string_enum;
mod supplier_commitment;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod test_support;
pub mod text;
mod tracking_number;
mod transition;
mod webhook;

pub use activity::{Activity, ActivityKind};
pub use actor::{Actor, ActorKind};
pub use carrier::{Carrier, CarrierDirectory, InvalidCarrier, InvalidCarrierEntry, MAX_CARRIER_CODE};
pub use delivery_estimate::{
    DeliveryEstimate, DeliveryWindow, EstimateSource, ExpectedDelivery, InvalidExpectedDelivery,
};
pub use email::{EmailAddress, InvalidEmailAddress};
pub use error_chain::ErrorChain;
pub use ids::{ItemId, NotificationId, OrderId, ScanId, ShipmentId, UserId, WebhookId};
pub use ingest::{StoredScan, fold};
pub use input_field::{DeadlineField, InputField, ItemField};
pub use item::{FulfillmentPath, Item};
pub use money::Money;
pub use notification::{
    NotificationKind, NotificationMaxAge, NotificationState, Suppression, find_suppression,
};
pub use order::{
    Changes, Closed, Correction, DeclinedUnits, MAX_NUMBERS, NewItem, NewOrder, NewShipment, Order,
    OrderHead, Outcome, Replacement, Request, check_cancellation_reason, check_reason, check_replaced_order,
};
pub use progress::{Progress, progress};
pub use refusal::{Blocker, BlockerCode, Refusal, ShipmentRefusal};
pub use rollup::is_status_disputed;
pub use scan::{CarrierTime, Evidence, MAX_AHEAD, Meaning, Scan, ScanEffect, ScanIdentity, ScanOutcome};
pub use shipment::{
    Condition, ItemQuantity, Origin, OriginKind, Reached, Shipment, Tracking, live_shipments,
};
pub use shipment_direction::ShipmentDirection;
pub use shipment_number::{ShipmentNumber, VoidNumber};
pub use shipment_status::{ConditionKind, Rank, ShipmentStatus};
pub use status::{FULFILMENT_SEQUENCE, OrderStatus, TRANSITIONS};
pub use string_enum::UnknownName;
pub use supplier_commitment::{Deadlines, Overdue, SupplierAnswer, SupplierCommitment};
pub use tracking_number::{InvalidTrackingNumber, MAX_TRACKING_NUMBER, TrackingNumber};
pub use transition::{Context, Transition};
pub use webhook::WebhookState;
