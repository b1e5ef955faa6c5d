//! The GraphQL type of a tracking number of a shipment. `app` has redacted it already.

use std::borrow::Cow;

use app::App;
use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};

use super::{carrier::CarrierCode, event::Actor};

/// One tracking number of a shipment.
pub struct ShipmentNumber {
    number: domain::ShipmentNumber,
    is_primary: bool,
}

/// The tracking numbers of a shipment, void ones too, in the sequence in which it got them.
pub(super) fn list_numbers(shipment: &domain::Shipment) -> Vec<ShipmentNumber> {
    let number = |number: &domain::ShipmentNumber| ShipmentNumber {
        is_primary: number.number == shipment.tracking_number,
        number: number.clone(),
    };
    shipment.numbers.iter().map(number).collect()
}

/// One tracking number of a shipment: the primary one, or a further one, for example of the carrier of the last mile.
#[Object]
impl ShipmentNumber {
    /// The carrier that gave the number.
    async fn carrier(&self) -> CarrierCode {
        CarrierCode(self.number.number.carrier())
    }

    /// The name of the carrier, for people.
    async fn carrier_name<'a>(&self, ctx: &Context<'a>) -> Result<Cow<'a, str>> {
        Ok(ctx.data::<App>()?.carriers().name(self.number.number.carrier()))
    }

    /// The number, without blanks and in upper case.
    async fn tracking_number(&self) -> &str {
        &self.number.number
    }

    /// The address of the carrier's own tracking page for the number. Null if it is not known.
    async fn tracking_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(ctx.data::<App>()?.carriers().tracking_url(&self.number.number))
    }

    /// Whether it is the number that `Shipment.trackingNumber` shows.
    async fn is_primary(&self) -> bool {
        self.is_primary
    }

    /// Whether shipments of other orders may have the number at the same time: several orders in one box.
    async fn is_shared(&self) -> bool {
        self.number.is_shared
    }

    /// When the shipment got the number, by Milepost's clock.
    async fn added_at(&self) -> DateTime<Utc> {
        self.number.added_at
    }

    /// When another number replaced it, by Milepost's clock. Null if the shipment is followed under this number.
    async fn void_since(&self) -> Option<DateTime<Utc>> {
        self.number.void.as_ref().map(|void| void.at)
    }

    /// Who replaced it. Customers and suppliers see only the kind of the actor.
    async fn void_by(&self) -> Option<Actor> {
        self.number.void.as_ref().map(|void| Actor::from(&void.actor))
    }

    /// Why it was replaced. Null for customers and suppliers.
    async fn void_reason(&self) -> Option<&str> {
        self.number.void.as_ref().and_then(|void| void.reason.as_deref())
    }
}
