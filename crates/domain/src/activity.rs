//! Activities: the record of every change of items, shipments, returns, scans by hand, notifications and closings of an
//! order. A change that is also a transition has an event as well. `order/activities.rs` makes them,
//! `persistence::activities` stores them, and `app::access` redacts them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    actor::Actor,
    ids::{OrderId, ShipmentId, WebhookId},
    string_enum::string_enum,
};

string_enum! {
    /// What was changed.
    pub enum ActivityKind ("activity kind") {
        /// Units were cancelled because they cannot be shipped.
        ItemsCancelled => "items_cancelled",
        /// A shipment was registered.
        ShipmentCreated => "shipment_created",
        /// A shipment was cancelled in Milepost. A cancellation that only the carrier reports is a scan, no activity.
        ShipmentCancelled => "shipment_cancelled",
        /// A shipment got a further tracking number.
        TrackingNumberAdded => "tracking_number_added",
        /// A shipment got another primary tracking number. The former one is void.
        TrackingNumberReplaced => "tracking_number_replaced",
        /// The supplier will ship these items.
        ItemsAccepted => "items_accepted",
        /// The supplier will not ship these items.
        ItemsDeclined => "items_declined",
        /// Another supplier, or a warehouse, will ship these items.
        ItemsReassigned => "items_reassigned",
        /// A return of delivered units was requested.
        ReturnRequested => "return_requested",
        /// Units came back.
        ReturnReceived => "return_received",
        /// Units that were asked back are not expected any more.
        ReturnWrittenOff => "return_written_off",
        /// A parcel in which the customer sends units back was registered.
        ReturnShipmentCreated => "return_shipment_created",
        /// A person recorded a scan. A scan of a webhook is no activity.
        ScanRecorded => "scan_recorded",
        /// A notification is sent again by request.
        NotificationResent => "notification_resent",
        /// Nothing more is expected of the order.
        OrderClosed => "order_closed",
        /// The order goes on after it was closed.
        OrderReopened => "order_reopened",
        /// A new order replaces this one.
        OrderReplaced => "order_replaced",
        /// Staff retracted a scan.
        ScanRetracted => "scan_retracted",
        /// Staff or the supplier said when a shipment is expected. An estimate of a carrier is no activity.
        DeliveryEstimateSet => "delivery_estimate_set",
    }
}

/// One change of an order beside its status: who did what, when, and what caused it.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// The order that changed.
    pub order_id: OrderId,
    /// What was changed.
    pub kind: ActivityKind,
    /// The actor that caused the change.
    pub actor: Actor,
    /// The reason, for people.
    pub notes: Option<String>,
    /// The facts, as an object with stable keys. `docs/api.md` lists the keys of each kind.
    pub facts: Value,
    /// The shipment that the change was about.
    pub shipment_id: Option<ShipmentId>,
    /// When it was recorded, by our clock.
    pub recorded_at: DateTime<Utc>,
    /// The id of the HTTP request that caused it.
    pub request_id: Option<String>,
    /// The webhook that caused it.
    pub webhook_id: Option<WebhookId>,
}
