//! The tracking numbers of a shipment. One is its primary number, [`Shipment::tracking_number`](crate::Shipment::tracking_number). Further ones are the
//! number of the carrier of the last mile, the number of a piece, or another number of the same carrier.
//!
//! 1. Scans of every live number are scans of the shipment.
//! 2. A number that was replaced is void. Scans that are stored stay with the shipment, new scans are not routed to it.

use chrono::{DateTime, Utc};

use crate::{actor::Actor, tracking_number::TrackingNumber};

/// One tracking number of a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentNumber {
    /// The carrier and its number.
    pub number: TrackingNumber,
    /// When the shipment got the number.
    pub added_at: DateTime<Utc>,
    /// Whether shipments of other orders may have the number at the same time, because they are in the same box.
    pub is_shared: bool,
    /// Set if another number replaced this one.
    pub void: Option<VoidNumber>,
}

/// Who replaced a tracking number, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidNumber {
    /// When, by our clock.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// The reason, for people. `None` for a reader who must not see it.
    pub reason: Option<String>,
}

impl ShipmentNumber {
    /// A live number.
    pub const fn new(number: TrackingNumber, added_at: DateTime<Utc>, is_shared: bool) -> Self {
        Self { number, added_at, is_shared, void: None }
    }
}
