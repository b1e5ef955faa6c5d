//! Loads what routing needs: the shipments that have or had some tracking numbers, and their stored scans.
//!
//! `process` calls `load_router_locking_numbers` in its transaction. Replay and the search for misrouted scans call
//! `load_router`, which reads committed rows. A number without a shipment is in no router: its scans have no place to
//! go.

use std::collections::{HashMap, HashSet};

use domain::{
    TrackingNumber,
    ingest::{ParsedWebhook, ScanRouter, TrackedShipment, shipments_routed_by_stored_scans},
};
use persistence::{Store, Tx, read, scans, shipments};

use super::parse::distinct_tracking_numbers;

/// Loads the router for the numbers of these webhooks, and locks the numbers that can be registered at this moment:
/// those with no shipment on its way. The further numbers of a parcel are locked with its main one, because the
/// shipment can be registered with any of them.
///
/// A registration takes the same lock. So no scan is lost when a webhook is processed while its number is registered:
/// 1. The registration commits first: the shipments are read again under the lock, and the new one is found.
/// 2. This transaction commits first: the registration finds the waiting webhook, or the scan that went to an earlier
///    shipment with the number, and makes the webhook due again.
pub(super) async fn load_router_locking_numbers(
    tx: &Tx,
    webhooks: &[ParsedWebhook],
) -> persistence::Result<ScanRouter> {
    let mut found = shipments::find_tracked_shipments(tx, &distinct_tracking_numbers(webhooks)).await?;
    let free = find_free_numbers(webhooks, &found);
    if !free.is_empty() {
        shipments::lock_numbers(tx, &free).await?;
        found.extend(shipments::find_tracked_shipments(tx, &free).await?);
    }
    let stored = scans::load_for_shipments(tx, &shipments_routed_by_stored_scans(&found)).await?;
    Ok(ScanRouter::new(found, stored))
}

/// The numbers of the parcels whose main number no shipment on its way has.
fn find_free_numbers(
    webhooks: &[ParsedWebhook],
    found: &HashMap<TrackingNumber, Vec<TrackedShipment>>,
) -> Vec<TrackingNumber> {
    let is_in_use = |number: &TrackingNumber| {
        let mut shipments = found.get(number).into_iter().flatten();
        shipments.any(|shipment| !shipment.is_void && shipment.status.is_on_its_way())
    };
    let parcels = webhooks.iter().flat_map(|webhook| &webhook.parcels);
    let free = parcels.filter(|parcel| !is_in_use(&parcel.number)).flat_map(|parcel| parcel.all_numbers());
    free.collect::<HashSet<_>>().into_iter().collect()
}

/// Loads the router for these numbers without locks, for callers that only read.
pub(super) async fn load_router(
    store: &Store,
    numbers: &[TrackingNumber],
) -> persistence::Result<ScanRouter> {
    let found = read::tracked_shipments_of(store, numbers).await?;
    let stored = read::scans_of(store, &shipments_routed_by_stored_scans(&found)).await?;
    Ok(ScanRouter::new(found, stored))
}
