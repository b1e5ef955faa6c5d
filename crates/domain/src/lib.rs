//! The life of an order, as pure functions and values.
//!
//! No `async`, no IO, no clock, no random numbers: times and ids are arguments. `Order::apply` is the one way
//! an order changes; `TRANSITIONS` is the one table of what may follow what.

mod actor;
mod carrier;
mod ids;
mod name;
mod scan;
mod shipment;
mod status;

pub use actor::{Actor, ActorKind};
pub use carrier::Carrier;
pub use ids::{ItemId, NoticeId, OrderId, ScanId, ShipmentId, UserId, WebhookId};
pub use name::UnknownName;
pub use scan::{CarrierTime, Meaning, Scan, ScanEffect, ScanIdentity};
pub use shipment::{
    Condition, ConditionKind, Line, Origin, OriginKind, Rank, Shipment, ShipmentStatus, Tracking,
};
pub use status::{LINE, OrderStatus, TRANSITIONS};
