//! What can be asked of an order, and the result of a request that was granted. `Order::apply` takes a request; `app`
//! makes it of a command of people, and `ingest` of the scans of a webhook.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    delivery_estimate::ExpectedDelivery,
    ids::{ItemId, ScanId, ShipmentId},
    ingest::StoredScan,
    order::{decline::DeclinedUnits, replacement::Replacement, ship::NewShipment},
    scan::{Scan, ScanIdentity, ScanOutcome},
    shipment::{ItemQuantity, Origin},
    status::OrderStatus,
    supplier_commitment::Deadlines,
    tracking_number::TrackingNumber,
};

/// A request to change one order. [`Order::apply`] grants or refuses it.
#[derive(Clone, Debug)]
pub enum Request {
    /// Bring the order into a status.
    Transition {
        /// The wanted status.
        to: OrderStatus,
        /// The notes for the event.
        notes: Option<String>,
        /// The metadata for the event.
        metadata: Option<Value>,
    },
    /// Cancel units that are in no shipment.
    CancelItems {
        /// The items, and how many units of each.
        lines: Vec<ItemQuantity>,
        /// The reason, for people.
        reason: String,
    },
    /// Register a shipment.
    CreateShipment(NewShipment),
    /// Add a tracking number to a shipment.
    AddTrackingNumber {
        /// The shipment that gets the number.
        shipment: ShipmentId,
        /// The number.
        number: TrackingNumber,
        /// Whether shipments of other orders may have the number too.
        shared: bool,
    },
    /// Replace the primary tracking number of a shipment. The former one becomes void.
    ReplaceTrackingNumber {
        /// The shipment that gets the number.
        shipment: ShipmentId,
        /// The new primary number.
        number: TrackingNumber,
        /// Whether shipments of other orders may have the number too.
        shared: bool,
        /// The reason, for people.
        reason: String,
    },
    /// Register a return shipment: a parcel in which the customer sends units back.
    CreateReturnShipment(NewShipment),
    /// Cancel a shipment.
    CancelShipment {
        /// The shipment to cancel.
        id: ShipmentId,
        /// The reason, for people.
        reason: String,
    },
    /// Release the tracking number of a shipment that only its carrier has cancelled. A shipment of another order
    /// takes the number.
    GiveUpNumber(TrackingNumber),
    /// Accept items: their supplier will ship them.
    AcceptItems {
        /// The items to accept.
        items: Vec<ItemId>,
    },
    /// Decline items: their supplier will not ship them.
    DeclineItems {
        /// The items to decline.
        items: Vec<ItemId>,
        /// The supplier's reason, for people.
        reason: String,
    },
    /// Decline units of items: their supplier will not ship these units, but the other ones.
    DeclineUnits {
        /// The units to decline.
        units: Vec<DeclinedUnits>,
        /// The supplier's reason, for people.
        reason: String,
    },
    /// Reassign items: another supplier, or a warehouse, will ship them.
    ReassignItems {
        /// The items to reassign.
        items: Vec<ItemId>,
        /// Who will ship them.
        origin: Origin,
        /// The deadlines of the new supplier. Empty if the new origin is a warehouse.
        deadlines: Deadlines,
    },
    /// Ask for delivered units to be sent back, also those that the customer kept in an earlier return.
    InitiateReturn {
        /// The items, and how many units of each. `None`: all delivered units that were not asked back yet.
        lines: Option<Vec<ItemQuantity>>,
        /// The reason, for people.
        reason: String,
    },
    /// Record that units came back, also more than were asked back.
    ReceiveReturn {
        /// The items, and how many units of each. `None`: all units that were asked back and have not come back.
        lines: Option<Vec<ItemQuantity>>,
        /// The notes for the event, if these units complete the return.
        notes: Option<String>,
    },
    /// Write off units that were asked back: they will not come, or are declined.
    WriteOffReturn {
        /// The items, and how many units of each. `None`: all units that were asked back and have not come back.
        lines: Option<Vec<ItemQuantity>>,
        /// The reason, for people.
        reason: String,
    },
    /// Close the order: nothing more is expected of it.
    Close {
        /// The reason, for people.
        reason: String,
    },
    /// Reopen a closed order.
    Reopen {
        /// The reason, for people.
        reason: String,
    },
    /// Record that a new order replaces this one.
    RecordReplacement(Replacement),
    /// Say when the delivery of a shipment is expected.
    SetDeliveryEstimate {
        /// The shipment.
        shipment: ShipmentId,
        /// When it is expected.
        expected: ExpectedDelivery,
    },
    /// Record scans of a shipment, from its carrier or from a person.
    Scans {
        /// The shipment that the scans are about.
        shipment: ShipmentId,
        /// The stored scans of this shipment, in any sequence.
        known: Vec<Scan>,
        /// The scans to record, in any sequence. Some of them may be stored already.
        incoming: Vec<Scan>,
        /// The stored scans whose meaning an incoming scan replaces. A replay uses this: it reads stored webhooks
        /// again, with today's meanings of the codes.
        restated: BTreeSet<ScanIdentity>,
    },
    /// Retract a stored scan: it counts for nothing any more.
    RetractScan {
        /// The shipment of the scan.
        shipment: ShipmentId,
        /// The stored scan.
        scan: ScanId,
        /// The stored scans of this shipment, in any sequence.
        known: Vec<StoredScan>,
        /// The reason, for people.
        reason: String,
    },
}

/// The result of a granted request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the request changed anything.
    pub changed: bool,
    /// The version of the event that the request asked for. The advance may have added later events. When units were
    /// cancelled and the order advanced because of that, this is the last event of the advance.
    pub event: Option<i32>,
    /// The shipment that the request was about.
    pub shipment: Option<ShipmentId>,
    /// What became of each incoming scan, in the sequence of the request.
    pub scan_outcomes: Vec<ScanOutcome>,
}
