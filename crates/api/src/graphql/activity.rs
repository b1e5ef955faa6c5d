//! The GraphQL type of an activity.

use async_graphql::{Enum, ID, Object};
use chrono::{DateTime, Utc};
use persistence::activities::StoredActivity;

use super::event::Actor;

/// What was changed in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ActivityKind")]
pub enum ActivityKind {
    /// Units were cancelled because they cannot be shipped.
    ItemsCancelled,
    /// A shipment was registered.
    ShipmentCreated,
    /// A shipment was cancelled in Milepost: on request, with its order, or because its units or its number went
    /// elsewhere after the carrier had cancelled it. A cancellation that only the carrier reports is a scan.
    ShipmentCancelled,
    /// A shipment got a further tracking number.
    TrackingNumberAdded,
    /// A shipment got another primary tracking number. The former one is void.
    TrackingNumberReplaced,
    /// A supplier will ship items: it said so, or it shipped units of them. Not shown to customers.
    ItemsAccepted,
    /// A supplier will not ship items. Not shown to customers.
    ItemsDeclined,
    /// Another supplier or a warehouse will ship items. Not shown to customers.
    ItemsReassigned,
    /// Delivered units are to be sent back.
    ReturnRequested,
    /// Units were sent back and have arrived.
    ReturnReceived,
    /// Units that were asked back are not expected any more.
    ReturnWrittenOff,
    /// A parcel in which the customer sends units back was registered.
    ReturnShipmentCreated,
    /// A person recorded a scan. The scan is an entry of its own.
    ScanRecorded,
    /// A notification is sent again by request.
    NotificationResent,
    /// The order was closed, by staff or because its last unit was cancelled. Not shown to suppliers.
    OrderClosed,
    /// The closed order goes on: staff reopened it, or something happened. Not shown to suppliers.
    OrderReopened,
    /// A new order replaces the order. Not shown to suppliers.
    OrderReplaced,
    /// Staff retracted a scan. The scan stays in the list of its shipment, marked.
    ScanRetracted,
    /// Staff or the supplier said when a shipment is expected. An estimate of a carrier is no activity.
    DeliveryEstimateSet,
}

/// One activity, already reduced to the parts that the caller may see.
pub struct Activity(pub(super) StoredActivity);

/// The record of one change of an order that left its status unchanged, or changed more than its status. It is never
/// changed and never deleted.
#[Object]
impl Activity {
    /// The id, a UUID.
    pub(super) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The id of the order.
    async fn order_id(&self) -> ID {
        self.0.activity.order_id.to_string().into()
    }

    /// What was changed. The keys of `facts` depend on it.
    async fn kind(&self) -> ActivityKind {
        self.0.activity.kind.into()
    }

    /// Who caused the change.
    async fn actor(&self) -> Actor {
        Actor::from(&self.0.activity.actor)
    }

    /// The reason that the actor gave. Customers see it where they see the same text elsewhere, for example as
    /// `cancelReason`. Null for suppliers, except for a scan that the supplier recorded.
    async fn notes(&self) -> Option<&str> {
        self.0.activity.notes.as_deref()
    }

    /// What exactly was changed: an object whose keys depend on `kind`, such as `items` with an `item_id` and a
    /// `quantity` each, `carrier` and `tracking_number`. Suppliers see only facts about their own items and shipments.
    async fn facts(&self) -> &serde_json::Value {
        &self.0.activity.facts
    }

    /// The id of the shipment that was changed. Null if the change was about items.
    async fn shipment_id(&self) -> Option<ID> {
        self.0.activity.shipment_id.map(|id| id.to_string().into())
    }

    /// When the activity was stored, by Milepost's clock.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.activity.recorded_at
    }

    /// The `x-request-id` of the HTTP request that caused the change. Null for suppliers.
    async fn request_id(&self) -> Option<&str> {
        self.0.activity.request_id.as_deref()
    }

    /// The id of the webhook that caused the change. Null for suppliers.
    async fn webhook_id(&self) -> Option<ID> {
        self.0.activity.webhook_id.map(|id| id.to_string().into())
    }
}
