//! What webhooks claim of which parcels, and telling it to their orders. Whoever reads a webhook for the first time and
//! whoever replays it go this way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ActorKind, Carrier, Context, Order, OrderId, Scan, ScanOutcome, Shipment, ShipmentId, WebhookId,
};
use persistence::{Error, webhooks::WebhookHead};

use super::{parsed_webhook::ParcelScans, routing::ScanRouter};
use crate::scans::{ScanRecorder, Source};

/// What one webhook says of one parcel.
#[derive(Clone, Debug)]
pub(super) struct WebhookScans {
    pub webhook: WebhookId,
    request_id: Option<String>,
    carrier: Carrier,
    /// Whether it was heard before.
    is_repeated: bool,
    pub scans: Vec<Scan>,
}

/// What is said of each shipment, the oldest word first.
#[derive(Default)]
pub(super) struct RoutedScans(pub BTreeMap<(OrderId, ShipmentId), Vec<WebhookScans>>);

impl RoutedScans {
    /// Adds what a webhook says of the parcels of one number, to each what is its own. The webhooks come one after the
    /// other, the oldest first.
    pub fn add(
        &mut self,
        webhook: &WebhookHead,
        parcel: ParcelScans,
        router: &ScanRouter,
        is_repeated: bool,
    ) {
        let number = (parcel.carrier, parcel.number);
        for scan in parcel.scans {
            let Some(target) = router.route(&number, &scan) else { continue };
            let scans_of_webhooks = self.0.entry((target.order_id, target.shipment_id)).or_default();
            match scans_of_webhooks.last_mut().filter(|last| last.webhook == webhook.id) {
                Some(last) => last.scans.push(scan),
                None => scans_of_webhooks.push(WebhookScans {
                    webhook: webhook.id,
                    request_id: webhook.request_id.clone(),
                    carrier: parcel.carrier,
                    is_repeated,
                    scans: vec![scan],
                }),
            }
        }
    }

    /// The orders that something is said of, each once.
    pub fn orders(&self) -> Vec<OrderId> {
        let orders: BTreeSet<OrderId> = self.0.keys().map(|(order, _)| *order).collect();
        orders.into_iter().collect()
    }

    /// The shipments that something is said of.
    pub fn shipments(&self) -> Vec<ShipmentId> {
        self.0.keys().map(|(_, shipment)| *shipment).collect()
    }

    /// Tells all of it to the orders, which are locked. What became of each webhook's claims about a parcel is passed
    /// to `on_recorded`.
    ///
    /// # Errors
    /// [`Error::Corrupt`]: a shipment whose order is not there, or does not take what its carrier says of it.
    pub fn record_all(
        &self,
        orders: &mut HashMap<OrderId, Order>,
        recorder: &mut ScanRecorder,
        now: DateTime<Utc>,
        mut on_recorded: impl FnMut(&WebhookScans, &Shipment, &[ScanOutcome]),
    ) -> persistence::Result<()> {
        for ((order, shipment), scans_of_webhooks) in &self.0 {
            let corrupt =
                |what: String| Error::Corrupt { table: "shipments", row: shipment.to_string(), what };
            let order = orders.get_mut(order).ok_or_else(|| corrupt("its order is not there".to_owned()))?;
            for webhook_scans in scans_of_webhooks {
                let source =
                    Source::Webhook { id: webhook_scans.webhook, is_repeated: webhook_scans.is_repeated };
                let done = recorder.record(
                    order,
                    *shipment,
                    source,
                    &webhook_scans.scans,
                    &webhook_scans.context(now),
                );
                let outcomes = done.map_err(|refusal| corrupt(refusal.to_string()))?.scan_outcomes;
                let found = order.shipments().iter().find(|one| one.id == *shipment);
                let found = found.ok_or_else(|| corrupt("its order does not have it".to_owned()))?;
                on_recorded(webhook_scans, found, &outcomes);
            }
        }
        Ok(())
    }
}

impl WebhookScans {
    /// Whose word it is.
    fn context(&self, now: DateTime<Utc>) -> Context {
        let actor = Actor::new(ActorKind::Carrier, self.carrier.as_str());
        Context { actor, now, request_id: self.request_id.clone(), webhook_id: Some(self.webhook) }
    }
}
