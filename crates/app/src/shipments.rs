//! Shipments: registering one, calling one off, saying where one is.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{Meaning, NewShipment, OrderId, Refusal, Request, Scan, Shipment, ShipmentId};
use persistence::read;

use crate::{
    App, Caller,
    error::Result,
    idempotency::IdempotencyKey,
    orders::{Command, CommandOutcome},
};

impl App {
    /// Registers a shipment. Scans that came before it was known are taken up by themselves.
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

    /// Calls a shipment off; its units wait for another one.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): moving already, delivered.
    pub async fn cancel_shipment(
        &self,
        caller: Caller,
        id: ShipmentId,
        reason: String,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        caller.must_have_orders()?;
        // A shipment never changes hands, so its order can be looked up before it is locked.
        let shipment = read::shipments(&self.store, &[id]).await?.remove(&id);
        let order_id = shipment.ok_or(Refusal::NotFound("shipment"))?.order_id;
        let request = Request::CancelShipment { id, reason };
        self.execute(Command { caller, order_id, request, expected_version: None, key }).await
    }

    /// Records by hand where a shipment is, for carriers that send no webhooks: the same fold, the same rules.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused): not found, forbidden, a time that cannot be.
    pub async fn record_scan(
        &self,
        caller: Caller,
        manual_scan: ManualScan,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome> {
        caller.must_have_orders()?;
        let id = manual_scan.shipment_id;
        let shipment = read::shipments(&self.store, &[id]).await?.remove(&id);
        let shipment = shipment.ok_or(Refusal::NotFound("shipment"))?;
        let incoming = vec![manual_scan.into_scan(&shipment)];
        let request = Request::Scans { shipment: id, known: vec![], incoming, restated: BTreeSet::new() };
        self.execute(Command { caller, order_id: shipment.order_id, request, expected_version: None, key })
            .await
    }
}

/// Where somebody saw a shipment.
#[derive(Clone, Debug)]
pub struct ManualScan {
    /// Which shipment.
    pub shipment_id: ShipmentId,
    /// How far it was, or what is wrong with it.
    pub meaning: Meaning,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Where.
    pub location: Option<String>,
    /// What to say about it.
    pub notes: Option<String>,
}

/// What a scan that was recorded by hand shows as its code.
const MANUAL_SCAN_CODE: &str = "BY_HAND";

impl ManualScan {
    fn into_scan(self, shipment: &Shipment) -> Scan {
        let (number, at) = (&shipment.tracking_number, self.occurred_at.to_rfc3339());
        Scan {
            identity: carriers::identity(
                shipment.carrier,
                number,
                MANUAL_SCAN_CODE,
                self.meaning.as_str(),
                &[&at],
            ),
            code: MANUAL_SCAN_CODE.to_owned(),
            meaning: self.meaning,
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
