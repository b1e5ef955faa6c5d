//! Return shipments: parcels in which customers send delivered units back. They are shipments with the direction
//! [`ShipmentDirection::Return`].
//!
//! 1. Routing, recording and the fold treat their scans like those of any shipment. But going back is their right way:
//!    the arrival at the sender of the order is their delivery. [`Meaning::in_direction`] says so.
//! 2. They carry no wanted units: [`live_shipments`](crate::live_shipments) leaves them out. So they do not count for
//!    the roll-up, the progress and the allocation, and no mail tells of them.
//! 3. They change no quantity. Staff receives the units: `order/returns.rs`.
//!
//! `arrived_at` is `None` for a shipment to the customer too.

use chrono::{DateTime, Utc};

use crate::{
    scan::Meaning,
    shipment::Shipment,
    shipment_direction::ShipmentDirection,
    shipment_status::{ConditionKind, ShipmentStatus},
};

impl Shipment {
    /// Whether it goes to the customer.
    pub fn is_outbound(&self) -> bool {
        self.direction == ShipmentDirection::Outbound
    }

    /// When a return shipment arrived, by the carrier's clock. `None` also for a shipment to the customer.
    pub fn arrived_at(&self) -> Option<DateTime<Utc>> {
        self.tracking.delivered_at.filter(|_| !self.is_outbound())
    }
}

impl Meaning {
    /// The meaning that a scan with this one has for a shipment of this direction. On a return shipment, a parcel that
    /// goes back is in transit, one that is back is delivered, and a return that is called off says nothing.
    pub const fn in_direction(self, direction: ShipmentDirection) -> Self {
        match direction {
            ShipmentDirection::Outbound => return self,
            ShipmentDirection::Return => {}
        }
        match self {
            Self::Condition(ConditionKind::Returned) => Self::Status(ShipmentStatus::Delivered),
            Self::Condition(ConditionKind::Returning) | Self::Status(ShipmentStatus::ReturnedToSender) => {
                Self::Status(ShipmentStatus::InTransit)
            }
            Self::ReturnCancelled => Self::Informational,
            Self::Status(_) | Self::Condition(_) | Self::Informational | Self::Unknown => self,
        }
    }
}
