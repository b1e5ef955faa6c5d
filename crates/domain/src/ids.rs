//! One type for each kind of id, so that an item's id cannot be used in the place of a shipment's.
//!
//! Ids are created outside of the domain and passed in. Milepost creates UUIDv7, and accepts any UUID.

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
    /// The id of an order.
    OrderId
);
id!(
    /// The id of the customer to whom an order belongs: the `sub` of their token.
    UserId
);
id!(
    /// The id of an item of an order.
    ItemId
);
id!(
    /// The id of a shipment.
    ShipmentId
);
id!(
    /// The id of a stored scan.
    ScanId
);
id!(
    /// The id of a stored webhook.
    WebhookId
);
id!(
    /// The id of a notification.
    NotificationId
);
