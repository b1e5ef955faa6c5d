//! Commands for shipments: create, cancel, record a scan by hand, retract a scan. The mutations of `api` call these.
//!
//! Each makes a [`Command`] and executes it like every other one. All but `create_shipment` find the order of their
//! shipment or scan first, without a lock. What does not exist or is not visible to the caller is refused as not found.
//! A scan by hand has the code `BY_HAND`, and its identity follows from carrier, number, meaning and time: the same
//! scan again is stored once.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{
    Actor, Evidence, ExpectedDelivery, Meaning, NewShipment, OrderId, Refusal, Request, Scan, ScanId,
    Shipment, ShipmentId,
};
use persistence::read;

use super::{Command, CommandOutcome, IdempotencyKey, Orders};
use crate::{Caller, error::Result};

impl Orders {
    /// Registers a shipment. Webhooks that wait for its number are then processed by the worker.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): over-allocated, number in use, order closed.
    pub async fn create_shipment(
        &self,
        caller: Caller,
        order_id: OrderId,
        new: NewShipment,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        let request = Request::CreateShipment(new);
        self.execute(Command { caller, order_id, request, expected_version: None, key }).await
    }

    /// Registers a return shipment. Webhooks that wait for its number are then processed by the worker.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): not delivered yet, more units than were delivered, number in use.
    pub async fn create_return_shipment(
        &self,
        caller: Caller,
        order_id: OrderId,
        new: NewShipment,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        let request = Request::CreateReturnShipment(new);
        self.execute(Command { caller, order_id, request, expected_version: None, key }).await
    }

    /// Cancels a shipment. Its units can go into another shipment.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): not found, forbidden, moving already, delivered.
    pub async fn cancel_shipment(
        &self,
        caller: Caller,
        id: ShipmentId,
        reason: String,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        caller.must_have_orders()?;
        // A shipment never moves to another order, so the order can be looked up before it is locked.
        let shipment = read::read_shipments(&self.store, &[id]).await?.remove(&id);
        let order_id = shipment.ok_or(Refusal::NotFound("shipment"))?.order_id;
        let request = Request::CancelShipment { id, reason };
        self.execute(Command { caller, order_id, request, expected_version: None, key }).await
    }

    /// Says when the delivery of a shipment is expected.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): not found, forbidden, delivered or cancelled.
    pub async fn set_delivery_estimate(
        &self,
        caller: Caller,
        id: ShipmentId,
        expected: ExpectedDelivery,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        caller.must_have_orders()?;
        let shipment = read::read_shipments(&self.store, &[id]).await?.remove(&id);
        let order_id = shipment.ok_or(Refusal::NotFound("shipment"))?.order_id;
        let request = Request::SetDeliveryEstimate { shipment: id, expected };
        self.execute(Command { caller, order_id, request, expected_version: None, key }).await
    }

    /// Retracts a scan: it counts for nothing any more. The order does not go back.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): not found, forbidden, a reason that is not allowed.
    pub async fn retract_scan(
        &self,
        caller: Caller,
        scan: ScanId,
        reason: String,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        caller.must_have_orders()?;
        // A scan never moves to another shipment, so its order can be looked up before it is locked.
        let shipment = read::shipment_of_scan(&self.store, scan).await?.ok_or(Refusal::NotFound("scan"))?;
        let request = Request::RetractScan { shipment: shipment.id, scan, known: vec![], reason };
        self.execute(Command { caller, order_id: shipment.order_id, request, expected_version: None, key })
            .await
    }

    /// Records a scan by hand, for carriers that send no webhooks. The same rules apply as for scans of carriers.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): not found, forbidden, an impossible time.
    pub async fn record_scan(
        &self,
        caller: Caller,
        manual_scan: ManualScan,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        caller.must_have_orders()?;
        let id = manual_scan.shipment_id;
        let shipment = read::read_shipments(&self.store, &[id]).await?.remove(&id);
        let shipment = shipment.ok_or(Refusal::NotFound("shipment"))?;
        let incoming = vec![manual_scan.into_scan(&shipment, &caller.actor)];
        let request = Request::Scans { shipment: id, known: vec![], incoming, restated: BTreeSet::new() };
        self.execute(Command { caller, order_id: shipment.order_id, request, expected_version: None, key })
            .await
    }
}

/// A scan that a person records.
#[derive(Clone, Debug)]
pub struct ManualScan {
    pub shipment_id: ShipmentId,
    /// The status or the condition that the scan reports.
    pub meaning: Meaning,
    /// When it happened, at the place of the shipment.
    pub occurred_at: DateTime<Utc>,
    pub location: Option<String>,
    /// The description that the scan shows.
    pub notes: Option<String>,
}

/// The code of all manual scans.
const MANUAL_SCAN_CODE: &str = "BY_HAND";

impl ManualScan {
    fn into_scan(self, shipment: &Shipment, actor: &Actor) -> Scan {
        let at = self.occurred_at.to_rfc3339();
        Scan {
            identity: carriers::compute_identity(
                shipment.carrier(),
                &shipment.tracking_number,
                MANUAL_SCAN_CODE,
                self.meaning.as_str(),
                &[&at],
            ),
            code: MANUAL_SCAN_CODE.to_owned(),
            meaning: self.meaning.in_direction(shipment.direction),
            evidence: Evidence::of_manual_scan(actor),
            description: self.notes,
            location: self.location,
            occurred_at: self.occurred_at,
            time_estimated: false,
            local_time: None,
            package: None,
            estimate: None,
        }
    }
}
