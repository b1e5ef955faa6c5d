//! The domain of Milepost: orders, shipments and scans, and the rules that change them.
//!
//! 1. All of it is pure functions and values. There is no `async`, no I/O, no clock and no random number: times and
//!    ids are arguments.
//! 2. [`Order::place`] creates an order. [`Order::apply`] is the only way to change one.
//! 3. [`TRANSITIONS`] is the only table of permitted transitions.

#![warn(missing_docs)]

mod actor;
mod carrier;
mod email;
mod error_chain;
mod fold;
mod ids;
mod item;
pub mod money;
pub mod notification;
mod order;
mod progress;
mod refusal;
pub mod rollup;
mod scan;
mod shipment;
mod status;
mod string_enum;
mod supplier_commitment;
pub mod text;
mod transition;
mod webhook;

pub use actor::{Actor, ActorKind};
pub use carrier::{Carrier, MAX_TRACKING_NUMBER, normalize_tracking_number};
pub use email::{EmailAddress, InvalidEmailAddress};
pub use error_chain::ErrorChain;
pub use fold::{fold, is_too_old};
pub use ids::{ItemId, NotificationId, OrderId, ScanId, ShipmentId, UserId, WebhookId};
pub use item::{FulfillmentPath, Item};
pub use money::Money;
pub use notification::{
    NotificationKind, NotificationMaxAge, NotificationState, Suppression, find_suppression,
};
pub use order::{
    Changes, NewItem, NewOrder, NewShipment, Order, OrderHead, Outcome, Request, check_cancellation_reason,
    check_reason,
};
pub use progress::{Progress, progress};
pub use refusal::{Blocker, BlockerCode, Refusal, ShipmentRefusal};
pub use scan::{CarrierTime, Estimate, MAX_AHEAD, Meaning, Scan, ScanEffect, ScanIdentity, ScanOutcome};
pub use shipment::{
    Condition, ConditionKind, Line, Origin, OriginKind, Rank, Shipment, ShipmentStatus, Tracking,
};
pub use status::{FULFILMENT_SEQUENCE, OrderStatus, TRANSITIONS};
pub use string_enum::UnknownName;
pub use supplier_commitment::{Deadlines, Overdue, SupplierAnswer, SupplierCommitment};
pub use transition::{Context, Transition};
pub use webhook::WebhookState;
