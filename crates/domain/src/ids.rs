//! One type per kind of identifier, so that an item's id never stands where a shipment's is wanted.
//!
//! Ids are made outside the domain (UUIDv7 for ours, any UUID accepted) and passed in.

use std::{fmt, str::FromStr};

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// An order.
    OrderId
);
id!(
    /// The customer an order belongs to: the `sub` of their token.
    UserId
);
id!(
    /// One line of an order.
    ItemId
);
id!(
    /// One shipment.
    ShipmentId
);
id!(
    /// One stored scan of a shipment.
    ScanId
);
id!(
    /// One stored request of a carrier.
    WebhookId
);
id!(
    /// One message owed to a customer.
    NotificationId
);
