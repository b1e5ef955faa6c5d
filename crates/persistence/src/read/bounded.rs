//! Reads with a limit: the parts of many records, with an error if there are too many rows. `app::reads` calls the four
//! public functions.
//!
//! An order can have 1,000 items, so a page of orders can have 100,000. Answers to strangers must use these functions,
//! so that the number of rows has a limit before the rows are in memory. A statement reads one row more than the limit
//! (`one_more`), and `at_most` fails if that row was there: nothing is cut off. `None` as the limit means all rows. A
//! record without parts is missing in the map.

use std::collections::HashMap;

use domain::{Item, OrderId, Shipment, ShipmentId, StoredScan, WebhookId};
use uuid::Uuid;

use super::shipments;
use crate::{
    error::{Error, Result},
    store::Store,
};

/// The items of many orders.
///
/// # Errors
/// [`Error::TooManyRows`] if there are more than `most`.
pub async fn items_at_most(store: &Store, ids: &[OrderId], most: u64) -> Result<HashMap<OrderId, Vec<Item>>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    crate::orders::items_of(store.reader(), &ids, Some(most)).await
}

/// The shipments of many orders, oldest first. The limit holds for the shipments, and also for the items in them.
///
/// # Errors
/// [`Error::TooManyRows`] if there are more than `most`.
pub async fn shipments_at_most(
    store: &Store,
    ids: &[OrderId],
    most: u64,
) -> Result<HashMap<OrderId, Vec<Shipment>>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    crate::shipments::shipments_of(store.reader(), &ids, Some(most)).await
}

/// The scans of many shipments, newest first by the time they tell.
///
/// # Errors
/// [`Error::TooManyRows`] if there are more than `most`.
pub async fn scans_at_most(
    store: &Store,
    ids: &[ShipmentId],
    most: u64,
) -> Result<HashMap<ShipmentId, Vec<StoredScan>>> {
    shipments::read_scans(store, ids, Some(most)).await
}

/// The scans that these webhooks brought first or gave their meaning, oldest first.
///
/// # Errors
/// [`Error::TooManyRows`] if there are more than `most`.
pub async fn webhook_scans_at_most(
    store: &Store,
    ids: &[WebhookId],
    most: u64,
) -> Result<HashMap<WebhookId, Vec<StoredScan>>> {
    shipments::read_webhook_scans(store, ids, Some(most)).await
}

/// The limit of a query that must find out whether there are more than `most` rows.
pub(crate) fn one_more(most: Option<u64>) -> Option<u64> {
    most.map(|most| most.saturating_add(1))
}

/// Returns the rows, or [`Error::TooManyRows`] if there are more than `most`.
pub(crate) fn at_most<T>(table: &'static str, rows: Vec<T>, most: Option<u64>) -> Result<Vec<T>> {
    match most {
        Some(most) if rows.len() as u64 > most => Err(Error::TooManyRows { table, most }),
        Some(_) | None => Ok(rows),
    }
}
