//! The scans of webhooks, grouped by the shipment that they were routed to, and recording them in the orders. Used when
//! a webhook is processed the first time, and by a replay.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    Actor, ActorKind, Carrier, Context, Order, OrderId, Scan, ScanOutcome, Shipment, ShipmentId, WebhookId,
};
use persistence::{Error, webhooks::WebhookHead};

use super::{parsed_webhook::ParcelScans, routing::ScanRouter};
use crate::scans::{ScanRecorder, Source};

/// The scans of one webhook for one shipment.
#[derive(Clone, Debug)]
pub(super) struct WebhookScans {
    pub webhook: WebhookId,
    request_id: Option<String>,
    carrier: Carrier,
    /// Whether these scans were recorded from this webhook before.
    is_repeated: bool,
    pub scans: Vec<Scan>,
}

/// The scans for each shipment, those of the webhook received first come first.
#[derive(Default)]
pub(super) struct RoutedScans(pub BTreeMap<(OrderId, ShipmentId), Vec<WebhookScans>>);

impl RoutedScans {
    /// Routes the scans that a webhook has for one number, and adds each to its shipment. Call it for the webhooks in
    /// the order in which they were received.
    pub fn add(
        &mut self,
        webhook: &WebhookHead,
        parcel: ParcelScans,
        router: &ScanRouter,
        is_repeated: bool,
    ) {
        let number = parcel.number;
        for scan in parcel.scans {
            let Some(target) = router.route(&number, &scan) else { continue };
            let scans_of_webhooks = self.0.entry((target.order_id, target.shipment_id)).or_default();
            match scans_of_webhooks.last_mut().filter(|last| last.webhook == webhook.id) {
                Some(last) => last.scans.push(scan),
                None => scans_of_webhooks.push(WebhookScans {
                    webhook: webhook.id,
                    request_id: webhook.request_id.clone(),
                    carrier: number.carrier(),
                    is_repeated,
                    scans: vec![scan],
                }),
            }
        }
    }

    /// The orders of the shipments, each once.
    pub fn orders(&self) -> Vec<OrderId> {
        let orders: BTreeSet<OrderId> = self.0.keys().map(|(order, _)| *order).collect();
        orders.into_iter().collect()
    }

    pub fn shipments(&self) -> Vec<ShipmentId> {
        self.0.keys().map(|(_, shipment)| *shipment).collect()
    }

    /// Records all scans in their orders, which the caller has locked. Calls `on_recorded` for each webhook and
    /// shipment, with one outcome per scan.
    ///
    /// # Errors
    /// [`Error::Corrupt`]: a shipment whose order is missing, does not have the shipment, or refuses the scans.
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
    /// The context of the change: the carrier is the actor, the webhook is the cause.
    fn context(&self, now: DateTime<Utc>) -> Context {
        let actor = Actor::new(ActorKind::Carrier, self.carrier.as_str());
        Context { actor, now, request_id: self.request_id.clone(), webhook_id: Some(self.webhook) }
    }
}
