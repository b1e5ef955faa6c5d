//! The tracking numbers of a shipment. One is its primary number, [`Shipment::tracking_number`]. Further ones are the
//! number of the carrier of the last mile, the number of a piece, or another number of the same carrier.
//!
//! 1. Scans of every live number are scans of the shipment.
//! 2. A number that was replaced is void. Scans that are stored stay with the shipment, new scans are not routed to it.

use chrono::{DateTime, Utc};

use crate::{actor::Actor, shipment::Shipment, tracking_number::TrackingNumber};

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
}
