//! Converts rows to domain values. A row that Milepost cannot have written is an error that names the table and the
//! row. Every module that reads a table calls the conversions.
//!
//! - The methods of `RowPosition` convert one value of a row; `what` is the text of the error. `parse_reached` is
//!   `None` for a rank without a time, `parse_hash` takes 32 bytes only.
//! - `parse_number`, `parse_shipment_status` and `parse_identity` are for statements that do not read a whole row.
//! - `log_and_skip_corrupt` is for work over all rows: `shipments` and `webhooks::requeue`. It turns any error into
//!   `None`, and logs it.
//! - Columns that belong together are all set or all NULL: a condition, a closing, an estimate, a retraction.

mod history;
mod inbox;

pub(crate) use history::map_estimate;

use std::{fmt::Display, str::FromStr};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ActorKind, Closed, Condition, Deadlines, DeliveryEstimate, Item, ItemId, ItemQuantity, Money,
    OrderHead, OrderId, Origin, Reached, ScanIdentity, Shipment, ShipmentDirection, ShipmentId,
    ShipmentNumber, ShipmentStatus, SupplierAnswer, SupplierCommitment, Tracking, TrackingNumber, UserId,
};
use uuid::Uuid;

use crate::{
    entity,
    error::{Error, Result},
};

/// The format of a stored local time, which has no zone.
pub(crate) const LOCAL_TIME: &str = "%Y-%m-%dT%H:%M:%S%.f";

/// The place of a value, for errors: its table and its row.
struct RowPosition<'a> {
    table: &'static str,
    row: &'a dyn Display,
}

impl RowPosition<'_> {
    fn build_corrupt_error(&self, what: impl ToString) -> Error {
        Error::Corrupt { table: self.table, row: self.row.to_string(), what: what.to_string() }
    }

    fn parse_value<T: FromStr<Err: ToString>>(&self, text: &str) -> Result<T> {
        text.parse().map_err(|error: T::Err| self.build_corrupt_error(error))
    }

    fn parse_count(&self, column: &str, number: i32) -> Result<u32> {
        u32::try_from(number).map_err(|_| self.build_corrupt_error(format_args!("{column} is {number}")))
    }

    fn parse_reached(&self, at: Option<DateTime<Utc>>, inferred: bool) -> Result<Option<Reached>> {
        match (at, inferred) {
            (Some(at), inferred) => Ok(Some(Reached { at, inferred })),
            (None, false) => Ok(None),
            (None, true) => Err(self.build_corrupt_error("an inferred status without a time")),
        }
    }

    /// Reads tracking numbers that [`to_number_list`] wrote.
    fn parse_number_list(&self, list: Option<serde_json::Value>) -> Result<Vec<TrackingNumber>> {
        let Some(list) = list else { return Ok(vec![]) };
        let pairs: Vec<(String, String)> =
            serde_json::from_value(list).map_err(|error| self.build_corrupt_error(error))?;
        let parse = |(carrier, number): (String, String)| -> Result<TrackingNumber> {
            Ok(TrackingNumber::restore(self.parse_value(&carrier)?, number))
        };
        pairs.into_iter().map(parse).collect()
    }

    fn parse_hash(&self, column: &str, bytes: Vec<u8>) -> Result<[u8; 32]> {
        bytes.try_into().map_err(|_| self.build_corrupt_error(format_args!("{column} is not 32 bytes")))
    }
}

/// Tracking numbers as a JSON list of pairs of a carrier and a number. `None` if there are none.
pub(crate) fn to_number_list<'a>(
    numbers: impl IntoIterator<Item = &'a TrackingNumber>,
) -> Option<serde_json::Value> {
    let pairs: Vec<serde_json::Value> =
        numbers.into_iter().map(|number| serde_json::json!([number.carrier().as_str(), &**number])).collect();
    (!pairs.is_empty()).then(|| pairs.into())
}

/// Reads a carrier and a tracking number.
pub(crate) fn parse_number(
    table: &'static str,
    row: &dyn Display,
    carrier: &str,
    number: String,
) -> Result<TrackingNumber> {
    Ok(TrackingNumber::restore(RowPosition { table, row }.parse_value(carrier)?, number))
}

/// Reads the direction of a shipment.
pub(crate) fn parse_direction(row: Uuid, direction: &str) -> Result<ShipmentDirection> {
    RowPosition { table: "shipments", row: &row }.parse_value(direction)
}

/// Reads the status of a shipment, which includes a cancellation in Milepost.
pub(crate) fn parse_shipment_status(row: Uuid, status: &str) -> Result<ShipmentStatus> {
    RowPosition { table: "shipments", row: &row }.parse_value(status)
}

/// Reads the kind of the actor who made a tracking number void.
pub(crate) fn parse_void_by(shipment: Uuid, kind: &str) -> Result<ActorKind> {
    RowPosition { table: "shipment_numbers", row: &shipment }.parse_value(kind)
}

/// Reads the identity of a scan.
pub(crate) fn parse_identity(row: &dyn Display, bytes: Vec<u8>) -> Result<ScanIdentity> {
    Ok(ScanIdentity(RowPosition { table: "scans", row }.parse_hash("identity", bytes)?))
}

/// For work on many rows: logs a row that cannot be converted and leaves it out, so that the other rows are
/// processed.
pub(crate) fn log_and_skip_corrupt<T>(value: Result<T>) -> Option<T> {
    let log = |error: &Error| {
        tracing::error!(error = error as &dyn std::error::Error, "a row is passed over");
    };
    value.inspect_err(log).ok()
}

impl TryFrom<entity::order::Model> for OrderHead {
    type Error = Error;

    fn try_from(row: entity::order::Model) -> Result<Self> {
        let at = RowPosition { table: "orders", row: &row.order_id };
        let other_emails = row.other_emails.map(serde_json::from_value).transpose();
        let closed = match (row.closed_at, row.closed_by, row.close_reason) {
            (Some(closed_at), Some(by), Some(reason)) => {
                let actor = Actor { kind: at.parse_value(&by)?, id: row.closed_by_id };
                Some(Closed { at: closed_at, actor, reason })
            }
            (None, None, None) => None,
            _ => return Err(at.build_corrupt_error("a part of a closing")),
        };
        Ok(Self {
            id: OrderId(row.order_id),
            user_id: UserId(row.user_id),
            status: row.status.into(),
            version: row.version,
            fulfillment_path: at.parse_value(&row.fulfillment_path)?,
            closed,
            replaces: row.replaces.map(OrderId),
            total: Money { cents: row.total_cents, currency: row.currency },
            reference: row.reference,
            customer_email: row.customer_email,
            other_emails: other_emails.map_err(|error| at.build_corrupt_error(error))?.unwrap_or_default(),
            notifications_muted: row.notifications_muted,
            placed_at: row.placed_at,
            updated_at: row.updated_at,
            occurred_at: row.occurred_at,
        })
    }
}

impl TryFrom<entity::order_item::Model> for OrderPart<Item> {
    type Error = Error;

    fn try_from(row: entity::order_item::Model) -> Result<Self> {
        let at = RowPosition { table: "order_items", row: &row.item_id };
        let origin = match (row.origin_kind, row.origin_code) {
            (Some(kind), Some(code)) => Some(Origin { kind: at.parse_value(&kind)?, code }),
            (None, None) => None,
            _ => return Err(at.build_corrupt_error("half an origin")),
        };
        let answer = match (row.accepted_at, row.declined_at, row.decline_reason) {
            (None, None, None) => None,
            (Some(at), None, None) => Some(SupplierAnswer::Accepted { at }),
            (None, Some(at), Some(reason)) => Some(SupplierAnswer::Declined { at, reason: Some(reason) }),
            _ => return Err(at.build_corrupt_error("two answers of a supplier, or half of one")),
        };
        let item = Item {
            id: ItemId(row.item_id),
            quantity: at.parse_count("quantity", row.quantity)?,
            cancelled: at.parse_count("cancelled", row.cancelled)?,
            cancel_reason: row.cancel_reason,
            sku: row.sku,
            name: row.name,
            origin,
            commitment: SupplierCommitment {
                deadlines: Deadlines { accept_by: row.accept_by, ship_by: row.ship_by },
                answer,
            },
            return_requested: at.parse_count("return_requested", row.return_requested)?,
            return_reason: row.return_reason,
            returned: at.parse_count("returned", row.returned)?,
            return_written_off: at.parse_count("return_written_off", row.return_written_off)?,
            split_from: row.split_from.map(ItemId),
        };
        Ok(Self { order_id: OrderId(row.order_id), part: item })
    }
}

/// A part of an order, and the id of the order.
pub(crate) struct OrderPart<T> {
    pub order_id: OrderId,
    pub part: T,
}

pub(crate) fn map_shipment(
    row: entity::shipment::Model,
    lines: Vec<ItemQuantity>,
    numbers: Vec<ShipmentNumber>,
) -> Result<Shipment> {
    let at = RowPosition { table: "shipments", row: &row.shipment_id };
    let condition = match (row.condition, row.condition_message, row.condition_since) {
        (Some(kind), Some(message), Some(since)) => {
            Some(Condition { kind: at.parse_value(&kind)?, message, since })
        }
        (None, None, None) => None,
        _ => return Err(at.build_corrupt_error("a part of a condition")),
    };
    let promised_delivery = match (row.promised_estimate, row.promised_at) {
        (Some(expected), Some(said_at)) => {
            Some(DeliveryEstimate::from_merchant(at.parse_value(&expected)?, said_at))
        }
        (None, None) => None,
        _ => return Err(at.build_corrupt_error("half a promised estimate")),
    };
    Ok(Shipment {
        id: ShipmentId(row.shipment_id),
        order_id: OrderId(row.order_id),
        direction: at.parse_value(&row.direction)?,
        origin: Origin { kind: at.parse_value(&row.origin_kind)?, code: row.origin_code },
        tracking: Tracking {
            status: at.parse_value(&row.status)?,
            status_before_return: row
                .status_before_return
                .map(|status| at.parse_value(&status))
                .transpose()?,
            in_possession: row.in_possession,
            condition,
            estimated_delivery: row
                .delivery_estimate
                .map(|estimate| at.parse_value(&estimate))
                .transpose()?,
            shipped: at.parse_reached(row.shipped_at, row.shipped_inferred)?,
            out_for_delivery: at.parse_reached(row.out_for_delivery_at, row.out_for_delivery_inferred)?,
            delivered_at: row.delivered_at,
        },
        tracking_number: TrackingNumber::restore(at.parse_value(&row.carrier)?, row.tracking_number),
        numbers,
        promised_delivery,
        created_at: row.created_at,
        cancelled_at: row.cancelled_at,
        cancel_reason: row.cancel_reason,
        lines,
    })
}

pub(crate) fn map_line(row: &entity::shipment_item::Model) -> Result<ItemQuantity> {
    let at = RowPosition { table: "shipment_items", row: &row.shipment_id };
    Ok(ItemQuantity { item_id: ItemId(row.item_id), quantity: at.parse_count("quantity", row.quantity)? })
}
