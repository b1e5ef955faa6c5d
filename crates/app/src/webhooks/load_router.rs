//! Loads what routing needs: the shipments that have or had some tracking numbers, and their stored scans.
//!
//! `process` calls `load_router_locking_numbers` in its transaction. Replay and the search for misrouted scans call
//! `load_router`, which reads committed rows. A number without a shipment is in no router: its scans have no place to
//! go.

use domain::{
    TrackingNumber,
    ingest::{ScanRouter, shipments_with_shared_numbers},
};
use persistence::{Store, Tx, read, scans, shipments};

/// Loads the router for these numbers, and locks the numbers that can be registered at this moment: those with no
/// shipment on its way.
///
/// A registration takes the same lock. So no scan is lost when a webhook is processed while its number is registered:
/// 1. The registration commits first: the shipments are read again under the lock, and the new one is found.
/// 2. This transaction commits first: the registration finds the waiting webhook, or the scan that went to an earlier
///    shipment with the number, and makes the webhook due again.
pub(super) async fn load_router_locking_numbers(
    tx: &Tx,
    numbers: &[TrackingNumber],
) -> persistence::Result<ScanRouter> {
    let mut found = shipments::find_tracked_shipments(tx, numbers).await?;
    let is_in_use = |number: &TrackingNumber| {
        let mut shipments = found.get(number).into_iter().flatten();
        shipments.any(|shipment| shipment.status.is_on_its_way())
    };
    let free: Vec<TrackingNumber> = numbers.iter().filter(|number| !is_in_use(number)).cloned().collect();
    if !free.is_empty() {
        shipments::lock_numbers(tx, &free).await?;
        found.extend(shipments::find_tracked_shipments(tx, &free).await?);
    }
    let stored = scans::load_for_shipments(tx, &shipments_with_shared_numbers(&found)).await?;
    Ok(ScanRouter::new(found, stored))
}

/// Loads the router for these numbers without locks, for callers that only read.
pub(super) async fn load_router(
    store: &Store,
    numbers: &[TrackingNumber],
) -> persistence::Result<ScanRouter> {
    let found = read::tracked_shipments_of(store, numbers).await?;
    let stored = read::scans_of(store, &shipments_with_shared_numbers(&found)).await?;
    Ok(ScanRouter::new(found, stored))
}
